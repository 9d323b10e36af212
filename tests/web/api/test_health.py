"""What a monitor is told: each check with what was seen, and nothing that a look by itself would disturb."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from counterfoil.web.api import health
from tests.web.api.conftest import Office


@pytest.fixture(autouse=True)
def looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test was told, the next one must not be."""
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)


def failing(office: Office) -> list[dict[str, Any]]:
    """The checks of a node that is not well."""
    answer = office.reader.get("/v1/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")
    return [check for check in answer.json()["checks"] if not check["ok"]]


def seen(office: Office) -> dict[str, str]:
    """What was seen by each check of a node that is well."""
    answer = office.reader.get("/v1/health")
    assert answer.status_code == 200, answer.text
    return {check["name"]: check["detail"] for check in answer.json()["checks"]}


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something, twenty seconds at most."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def test_a_healthy_node_says_what_was_looked_at(office: Office) -> None:
    office.settle()
    office.reader.get("/v1/registers")
    answer = office.reader.get("/v1/health")
    size = office.served.node.store.head.size
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {
        "status": "ok",
        "size": size,
        "catalogue-behind": 0,
        "checks": [
            {
                "name": "store",
                "ok": True,
                "detail": f"the log has {size} entries, and the last one can be read",
            },
            {"name": "writer", "ok": True, "detail": "requests that wait to be stored: 0"},
            {"name": "clock", "ok": True, "detail": "the clock is not behind the last block"},
            {"name": "disk", "ok": True, "detail": "the disk has over 67,108,864 bytes left"},
            {"name": "catalogue", "ok": True, "detail": "lists and search follow the log"},
            {"name": "audit", "ok": True, "detail": "not audited yet since the node was started"},
            {"name": "witnesses", "ok": True, "detail": "witnesses that are asked to cosign: 0"},
        ],
        "witnesses": [],
    }


def test_a_clock_that_was_set_back_is_no_health(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    head = office.served.node.store.head
    monkeypatch.setattr(office.served.node, "clock", lambda: head.time - 86_400.0)
    said = "the clock is 86400 seconds behind the last block; set it right"
    assert failing(office) == [{"name": "clock", "ok": False, "detail": said}]


def test_a_full_disk_is_no_health(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "MIN_FREE_BYTES", 1 << 62)
    assert [check["name"] for check in failing(office)] == ["disk"]


def test_a_second_look_within_a_second_is_the_first_one(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = office.reader.get("/v1/health")
    monkeypatch.setattr(health, "KEPT_SECONDS", 3_600.0)
    monkeypatch.setattr(health, "MIN_FREE_BYTES", 1 << 62)
    assert office.reader.get("/v1/health").content == before.content
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)
    assert [check["name"] for check in failing(office)] == ["disk"]


def test_a_look_gives_an_idle_writer_nothing_to_do(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = office.served.service.writer
    until(lambda: not writer.waiting, "the writer is idle")
    asked: list[object] = []
    monkeypatch.setattr(writer, "run", asked.append)
    assert seen(office)["writer"] == "requests that wait to be stored: 0"
    assert asked == []


def test_while_a_document_is_stored_it_says_so(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "TURN_SECONDS", 0.01)
    with office.served.node.reading():
        assert seen(office)["store"] == health.STORING
        monkeypatch.setattr(health, "LONGEST_SECONDS", 0.0)
        assert [check["name"] for check in failing(office)] == ["store"]
    assert seen(office)["store"].startswith("the log has ")


def test_a_damaged_list_of_witnesses_is_told_here_and_holds_nothing_else_up(office: Office) -> None:
    path = office.served.node.home.witnesses
    path.write_text('{"witnesses": 7}')
    try:
        (check,) = failing(office)
        metrics, page = office.clerk.get("/v1/metrics"), office.reader.get("/log.json")
    finally:
        path.unlink()
    assert (check["name"], check["ok"]) == ("witnesses", False)
    assert check["detail"].startswith("witnesses.json is not in form (")
    assert check["detail"].endswith("); remove it, and add the witnesses again")
    assert (metrics.status_code, "witness_behind{" in metrics.text) == (200, False)
    assert (page.status_code, page.json()["page"]["witnesses"]) == (200, [])
    assert "witnesses" in seen(office)
