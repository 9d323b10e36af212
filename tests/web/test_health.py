"""What `/v1/health` says of a node that serves, and yet is not well."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.home_audit import HomeAudited
from counterfoil.web.api import health
from counterfoil.web.auditing import AuditResult
from tests.web.serving import Served


@pytest.fixture(autouse=True)
def _look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "KEPT_SECONDS", 0.0)


def look(served: Served, name: str) -> tuple[int, dict[str, Any]]:
    with served.reader() as client:
        answer = client.get("/v1/health")
    (check,) = [each for each in answer.json()["checks"] if each["name"] == name]
    return answer.status_code, check


def test_a_healthy_one(serving_node: Served) -> None:
    assert look(serving_node, "catalogue") == (
        200,
        {"name": "catalogue", "ok": True, "detail": "lists and search follow the log"},
    )
    assert look(serving_node, "audit")[1]["detail"] == "not audited yet since the node was started"


def test_a_catalogue_that_stands_still(serving_node: Served) -> None:
    serving_node.service.follower.error = "the disk is full"
    assert look(serving_node, "catalogue") == (
        503,
        {"name": "catalogue", "ok": False, "detail": "lists and search stand still: the disk is full"},
    )


@pytest.mark.parametrize(
    ("audited", "error", "status", "said"),
    [
        (0, None, 200, "the audit of 2023-11-14T22:13:20Z found nothing"),
        (2, None, 503, "the audit of 2023-11-14T22:13:20Z found 2 faults; the page /audit names them"),
        (None, "no room", 503, "the audit of 2023-11-14T22:13:20Z could not be done: no room"),
    ],
)
def test_what_the_audit_found(
    serving_node: Served, audited: int | None, error: str | None, status: int, said: str
) -> None:
    found = None if audited is None else HomeAudited(6, None, "here", (), audited, ())
    serving_node.service.auditing.latest = AuditResult(1_700_000_000.0, 1.0, found, error)
    assert look(serving_node, "audit") == (status, {"name": "audit", "ok": status == 200, "detail": said})
    with serving_node.client() as client:
        counted = client.get("/v1/metrics").text
    assert f"audit_faults {'NaN' if audited is None else float(audited)}" in counted


def test_a_writer_that_has_ended(serving_node: Served) -> None:
    serving_node.service.writer.stop()
    assert look(serving_node, "writer") == (
        503,
        {"name": "writer", "ok": False, "detail": "the thread that writes has ended; start the node anew"},
    )
