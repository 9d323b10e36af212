"""A witness over HTTP, by a real server: its statuses and types, its limits, and what it tells anyone who looks."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from counterfoil.errors import Malformed, Unavailable
from counterfoil.gateway import http_server
from counterfoil.gateway.http_server import url_of
from counterfoil.gateway.witness import Witness
from counterfoil.gateway.witness_app import WitnessApp
from counterfoil.gateway.witness_request import encode_request
from counterfoil.gateway.witness_serve import listening
from tests.gateway.small_log import NOW, ORIGIN, SmallLog
from tests.gateway.witness_served import NAME, served

LOG = SmallLog()
TEXT = "text/plain; charset=utf-8"


class Serving(NamedTuple):
    witness: Witness
    http: httpx.Client

    def post(self, body: bytes) -> httpx.Response:
        return self.http.post("/add-checkpoint", content=body)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    witness = Witness.open(tmp_path / "witness", NAME, {ORIGIN: LOG.keys})
    app = WitnessApp(witness, clock=lambda: NOW, body_seconds=0.2)
    with served(app) as url, httpx.Client(base_url=url, timeout=20) as http:
        yield Serving(witness, http)
    witness.close()


def test_statuses_types_and_bodies(serving: Serving) -> None:
    forked = SmallLog("forged")
    asked = [
        (LOG.body(0, 5), 200, TEXT),
        (LOG.body(0, 8), 409, "text/x.tlog.size"),
        (forked.body(5, 8), 422, TEXT),
        (LOG.body(8, 5), 400, TEXT),
        (b"old", 400, TEXT),
        (SmallLog(origin="log.example/2").body(0, 3), 404, TEXT),
        (LOG.body(5, 8).replace(b"log.example/1 ", b"log.example/9 "), 403, TEXT),
    ]
    answers = [serving.post(body) for body, _, _ in asked]
    assert [(each.status_code, each.headers["content-type"]) for each in answers] == [
        (status, kind) for _, status, kind in asked
    ]
    assert answers[0].content.count("— witness.example/w1 ".encode()) == 2
    assert answers[1].content == b"5\n"


def test_the_page_says_name_keys_and_logs(serving: Serving) -> None:
    page = serving.http.get("/")
    assert page.headers["content-type"] == TEXT
    keys = [key.text for key in serving.witness.verifier_keys]
    assert page.text.splitlines() == [
        "This is the witness witness.example/w1. It cosigns checkpoints of logs (c2sp.org/tlog-witness).",
        "",
        "Its keys:",
        *keys,
        "",
        "The logs that it knows:",
        "log.example/1: nothing cosigned yet",
    ]
    assert serving.post(LOG.body(0, 5)).status_code == 200
    last = "log.example/1: 5 entries, 2027-01-15T08:00:00Z, /v1/cosigned/1"
    assert serving.http.get("/").text.splitlines()[-1] == last


def test_evidence_can_be_read(serving: Serving) -> None:
    assert serving.post(LOG.body(0, 5)).status_code == 200
    assert serving.post(SmallLog("forged").body(5, 5)).status_code == 422
    assert serving.http.get("/").text.splitlines()[-2:] == [
        "Checkpoints that their logs have signed, and that were refused:",
        "log.example/1: 5 entries, 2027-01-15T08:00:00Z, /v1/refused/1: "
        "the log has signed another root for the same size",
    ]
    cosigned, refused = serving.http.get("/v1/cosigned/1"), serving.http.get("/v1/refused/1")
    assert cosigned.content.startswith(LOG.note(5)[:60])
    assert refused.content.startswith(SmallLog("forged").note(5)[:60])
    for path in ("/v1/cosigned/2", "/v1/cosigned/", "/v1/cosigned/x", "/v1/refused/2", "/v1/refused/1/2"):
        assert serving.http.get(path).status_code == 404


def test_what_came_without_proof_is_shown_and_held_against_nobody(serving: Serving) -> None:
    assert serving.post(LOG.body(0, 5)).status_code == 200
    assert serving.post(encode_request(5, [bytes(32)], LOG.note(9))).status_code == 422
    assert serving.http.get("/").text.splitlines()[-3:] == [
        "",
        "Checkpoints that came without a proof that holds:",
        "log.example/1: 9 entries, 2027-01-15T08:00:00Z, /v1/refused/1: "
        "whoever sent it sent no proof that leads there, which by itself says nothing about the log",
    ]


def test_health(serving: Serving) -> None:
    assert serving.http.get("/v1/health").json() == {"status": "ok", "name": NAME, "logs": {ORIGIN: None}}
    assert serving.post(LOG.body(0, 5)).status_code == 200
    assert serving.http.get("/v1/health").json()["logs"] == {ORIGIN: 5}


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/add-checkpoint", 405, "POST"),
        ("PUT", "/add-checkpoint", 405, "POST"),
        ("POST", "/", 405, "GET, HEAD"),
        ("DELETE", "/v1/health", 405, "GET, HEAD"),
        ("GET", "/elsewhere", 404, None),
        ("POST", "/add-checkpoint/", 404, None),
        ("HEAD", "/", 200, None),
    ],
)
def test_paths_and_methods(serving: Serving, method: str, path: str, status: int, allow: str | None) -> None:
    answer = serving.http.request(method, path)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)


def test_a_body_that_is_too_long_is_not_read(serving: Serving) -> None:
    assert serving.post(b"x" * 65_537).status_code == 413
    assert serving.post(b"x" * 65_536).status_code == 400


def test_a_body_that_does_not_come_is_not_waited_for(serving: Serving) -> None:
    with _connected(serving) as client:
        client.sendall(b"POST /add-checkpoint HTTP/1.1\r\nhost: w\r\ncontent-length: 9\r\n\r\nold")
        assert client.recv(1_000).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_does_not_come_is_not_waited_for(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.2)
    for sent in (b"", b"GET / HTTP/1.1\r\nhost:"):
        with _connected(serving) as client:
            client.sendall(sent)
            assert client.recv(1_000).startswith(b"HTTP/1.1 408 ")
            assert _ended(client)


def test_a_head_without_end_is_cut_off(serving: Serving) -> None:
    with _connected(serving) as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            for _ in range(10_000):
                client.sendall(b"x: " + b"x" * 1_000 + b"\r\n")


def test_many_slow_clients_hold_nobody_up(serving: Serving) -> None:
    slow = [_connected(serving) for _ in range(300)]
    for each in slow:
        each.sendall(b"POST /add-checkpoint HTTP/1.1\r\n")
    assert serving.post(LOG.body(0, 5)).status_code == 200
    for each in slow:
        each.close()


def test_of_two_histories_at_once_one_wins(serving: Serving) -> None:
    bodies = [log.body(0, 5) for log in (LOG, SmallLog("forged"))] * 4
    with ThreadPoolExecutor(len(bodies)) as pool:
        statuses = list(pool.map(lambda body: serving.post(body).status_code, bodies))
    assert sorted(statuses) == [200] + [409] * 7


def test_what_is_wrong_with_its_machine_is_not_told_to_the_world(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise Unavailable("the disk that holds /srv/witness/state.db is full")

    monkeypatch.setattr(type(serving.witness._state), "keep", full)
    answer = serving.post(LOG.body(0, 5))
    assert (answer.status_code, answer.text) == (
        503,
        "this witness cannot remember or sign now; ask it again later\n",
    )
    assert "the disk that holds /srv/witness/state.db is full" in caplog.text


@pytest.mark.parametrize("address", ["", "8090", ":8090", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536"])
def test_what_is_no_address_to_listen_at(address: str) -> None:
    with pytest.raises(Malformed, match="it must be HOST:PORT"):
        listening(address)


def test_an_address_that_is_taken_is_said() -> None:
    taken = pytest.raises(Unavailable, match=r"does not let a process listen at 127\.0\.0\.1:.*in use")
    with listening("127.0.0.1:0") as first, taken:
        listening(url_of(first).removeprefix("http://"))


def test_ipv6() -> None:
    with listening("[::1]:0") as listener:
        assert url_of(listener).startswith("http://[::1]:")


def _connected(serving: Serving) -> socket.socket:
    url = serving.http.base_url
    client = socket.create_connection((url.host, url.port or 0), timeout=20)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def _ended(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
