"""How much may be sent, and where it is read: what is large must not hold up other requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import httpx
import pytest

from counterfoil.proof.canonical import parse
from counterfoil.web.api import asking, verifying
from counterfoil.web.judging import MAX_WAITING
from tests.web.api.conftest import Office, problem

JSON = {"content-type": "application/json"}
RECORDS = "/v1/registers/country/records"
NUMBERS = b"[" + b"0," * 6_800_000 + b"0]"
"""13.6 MB of JSON that takes a hundred times as much memory once it is read."""


def bundle(size: int) -> bytes:
    """So many bytes that say that they are a proof bundle."""
    start, end = b'{"format":"proof-bundle/v1","x":"', b'"}'
    return start + b"y" * (size - len(start) - len(end)) + end


def refuse(*_: object) -> Any:
    """Stand in the place of what must not be called."""
    raise AssertionError


def test_what_is_no_bundle_is_never_read_whole(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "parse", refuse)
    said = "the body is over 4,194,304 bytes long; judge a larger proof on a machine of your own, by counterfoil verify"
    assert problem(office.reader.post("/v1/verify", content=NUMBERS, headers=JSON)) == (
        413,
        "request-entity-too-large",
        said,
    )
    form = 'the body must be a proof bundle, which has a format, or {"bundle": …, "trust": …}'
    for body in (NUMBERS, b'{"x":%b}' % NUMBERS, b'{"bundle":%b}' % NUMBERS, b'{"bundle":{"x":1}}', b"["):
        answer = office.clerk.post("/v1/verify", content=body, headers=JSON)
        assert problem(answer) == (400, "malformed", form)
    for body in (b'{"format":"x/v1","x":[0,0]}', b'{"trust":null,"bundle":{"format":"x/v1"}}'):
        answer = office.reader.post("/v1/verify", content=body, headers=JSON)
        said = "the bundle's format is 'x/v1'; what is verified here is 'proof-bundle/v1'"
        assert problem(answer) == (400, "malformed", said)


def test_how_large_a_bundle_may_be_goes_by_who_asks(office: Office) -> None:
    for client, size, status in (
        (office.reader, 2 << 20, 200),
        (office.reader, (2 << 20) + 1, 413),
        (office.clerk, (2 << 20) + 1, 200),
    ):
        assert client.post("/v1/verify", content=bundle(size), headers=JSON).status_code == status


def test_the_page_takes_no_more(office: Office) -> None:
    def judge(proof: bytes) -> httpx.Response:
        accept = {"accept": "application/json"}
        return office.reader.post("/verify", files={"proof": ("x.json", proof)}, headers=accept)

    assert judge(bundle(2 << 20)).json()["page"]["report"]["verdict"] == "not valid"
    refused = judge(NUMBERS)
    assert problem(refused)[0] == 413
    assert "judge a larger proof on a machine of your own" in refused.json()["detail"]


def test_proofs_are_judged_one_at_a_time_and_few_wait(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, gate, overtaken = threading.Lock(), threading.Event(), []

    def judge(*_: object) -> dict[str, Any]:
        overtaken.append(not turn.acquire(blocking=False))
        gate.wait(20)
        turn.release()
        return {}

    monkeypatch.setattr(verifying, "_judged", judge)
    many = 1 + MAX_WAITING + 1
    with ThreadPoolExecutor(many) as clients:
        asked: list[Future[httpx.Response]] = [
            clients.submit(office.reader.post, "/v1/verify", content=b"{}", headers=JSON) for _ in range(many)
        ]
        first, _ = wait(asked, timeout=20, return_when=FIRST_COMPLETED)
        gate.set()
        answers = [each.result() for each in asked]
    assert [each.result().status_code for each in first] == [503]
    assert sorted(each.status_code for each in answers) == [200] * (many - 1) + [503]
    (refused,) = (each for each in answers if each.status_code == 503)
    assert problem(refused)[1] == "busy"
    assert refused.headers["retry-after"] == "1"
    assert overtaken == [False] * (many - 1)


def test_a_large_body_is_read_in_a_thread_and_a_small_one_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def parsed(data: bytes, where: str) -> Any:
        threads.append(threading.current_thread().name.partition("_")[0])
        return parse(data, where)

    monkeypatch.setattr(asking, "parse", parsed)
    small = {"record": "S", "fields": {"country": "S"}}
    assert office.clerk.post(RECORDS, json=small).status_code == 201
    large = {"transactions": [{"proposals": [], "x": "y" * (64 << 10)}]}
    for path in (RECORDS, "/v1/transactions", "/v1/batches"):
        assert problem(office.clerk.post(path, json=large))[:2] == (400, "malformed")
    assert threads == ["server", "reading", "reading", "reading"]


@pytest.mark.parametrize(
    ("path", "most"),
    [("/v1/registers", 2 << 20), (RECORDS, 2 << 20), ("/v1/transactions", 2 << 20), ("/v1/batches", 8 << 20)],
)
def test_each_route_says_how_much_it_takes(office: Office, path: str, most: int) -> None:
    body: Callable[[int], bytes] = lambda size: b"{}" + b" " * (size - 2)  # noqa: E731  # two lines would say less
    assert problem(office.clerk.post(path, content=body(most), headers=JSON))[:2] == (400, "malformed")
    status, kind, detail = problem(office.clerk.post(path, content=body(most + 1), headers=JSON))
    assert (status, kind) == (413, "request-entity-too-large")
    assert detail == f"the body is {most + 1:,} bytes long, and may have {most:,} here"
