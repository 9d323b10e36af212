"""The door of the application: who asks, how much, how slowly; what every answer says, and what none does."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from counterfoil.identity.access import Access
from counterfoil.identity.caller import OPERATOR
from counterfoil.node import Node
from counterfoil.web import entrance
from counterfoil.web.entrance import Entrance
from counterfoil.web.metrics import Metrics
from tests.gateway.witness_served import until
from tests.web.serving import AGENCY, Served, served

SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served installation for all who leave it as it was."""
    with served(tmp_path_factory.mktemp("shared") / "home") as each:
        yield each


@pytest.fixture
def reader(shared: Served) -> Iterator[httpx.Client]:
    with shared.reader() as client:
        yield client


def raw(served: Served, *parts: bytes, end: bool = True) -> bytes:
    """What is answered to these bytes; `end`: the client says that it sends no more."""
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.settimeout(20)
        for part in parts:
            client.sendall(part)
        if end:
            client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(1 << 16), b""))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/nothing", 404),
        ("GET", "/v1/caller", 200),
        ("GET", "/v1/nothing", 404),
        ("DELETE", "/v1/caller", 405),
        ("POST", "/v1/transactions", 401),
        ("GET", "/v1/log/checkpoint", 200),
        ("GET", "/v1/log/nothing", 404),
        ("GET", "/v1/log/keys", 200),
        ("POST", "/operator/settle", 404),
        ("GET", "/" + "a" * 9_000, 414),
    ],
)
def test_every_answer_has_the_security_headers_once(
    reader: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = reader.request(method, path)
    assert answer.status_code == status
    for name, value in SECURITY.items():
        assert answer.headers.get_list(name) == [value]
    (policy,) = answer.headers.get_list("content-security-policy")
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")
    assert "unsafe" not in policy
    assert "server" not in answer.headers


# Who asks


def test_without_a_token_one_is_anonymous_and_with_a_wrong_one_nobody(
    shared: Served, reader: httpx.Client
) -> None:
    assert reader.get("/v1/caller").json()["kind"] == "anonymous"
    right = reader.get("/v1/caller", headers=shared.headers).json()
    assert (right["kind"], right["name"]) == ("token", "clerk")


@pytest.mark.parametrize(
    "said",
    [
        "Bearer",
        "Bearer cft_wrong",
        "Bearer {token}x",
        "Bearer {cut}",
        "bearer {upper}",
        "Basic {token}",
        "{token}",
        "Bearer \xff\xfe",
    ],
)
def test_what_is_no_known_token_is_refused_also_to_read(
    shared: Served, reader: httpx.Client, said: str
) -> None:
    token = shared.token
    header = said.format(token=token, cut=token[:-1], upper=token.upper()).encode("latin-1")
    answer = reader.get("/v1/caller", headers=[(b"authorization", header)])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer realm=")
    assert answer.json()["detail"] == "the token is not known here, has ended, or is no bearer token"
    assert token[4:] not in answer.text


def test_the_scheme_s_case_and_space_around_a_token_do_not_matter(
    shared: Served, reader: httpx.Client
) -> None:
    header = f"BEARER   {shared.token}"
    assert reader.get("/v1/caller", headers={"authorization": header}).json()["name"] == "clerk"


@pytest.mark.parametrize("name", ["token", "access_token", "authorization"])
def test_a_token_in_an_address_is_none(shared: Served, reader: httpx.Client, name: str) -> None:
    with capture_logs() as logs:
        answer = reader.get("/v1/caller", params={name: shared.token})
    assert answer.status_code == 400
    assert "clerk" not in answer.text
    assert shared.token not in repr(logs)


def test_a_revoked_token_ends(serving_node: Served) -> None:
    with serving_node.client() as client:
        assert client.get("/v1/caller").status_code == 200
        serving_node.service.access.revoke("clerk")
        assert client.get("/v1/caller").status_code == 401


def test_a_damaged_access_file_lets_nobody_in_and_anybody_read(serving_node: Served) -> None:
    path = serving_node.node.home.access
    path.write_bytes(b"{")
    serving_node.service.access._looked = None
    with serving_node.client() as client, serving_node.reader() as anybody:
        refused = client.get("/v1/caller")
        assert anybody.get("/v1/caller").status_code == 200
    assert refused.status_code == 500
    assert "access.json is damaged, so nobody is let in" in refused.json()["detail"]


@pytest.mark.parametrize(
    "name", ["authorization", "host", "idempotency-key", "if-match", "if-none-match", "content-length"]
)
@pytest.mark.parametrize("case", [str.lower, str.title])
def test_a_header_that_may_stand_once_stands_once(shared: Served, name: str, case: Any) -> None:
    lines = [f"{case(name)}: {value}" for value in ("0", "0")]
    head = "\r\n".join(("GET /v1/caller HTTP/1.1", "connection: close", *lines, "", ""))
    answer = raw(shared, head.encode(), end=False)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    if name != "content-length":  # the protocol itself refuses that one
        assert f"the header {name} stands twice in the request, and may once".encode() in answer


def test_any_other_header_may_stand_twice(reader: httpx.Client) -> None:
    assert reader.get("/v1/caller", headers=[("accept", "text/html"), ("accept", "*/*")]).status_code == 200


# Bodies


@pytest.mark.parametrize(
    ("limit", "path", "known"),
    [
        ("MAX_BODY_BYTES", "/v1/caller", True),
        ("MAX_ANONYMOUS_BYTES", "/v1/caller", False),
        ("MAX_PROOF_BYTES", "/v1/verify", False),
        ("MAX_PROOF_BYTES", "/verify", False),
    ],
)
def test_a_body_that_says_that_it_is_too_large_is_not_read(
    shared: Served, monkeypatch: pytest.MonkeyPatch, limit: str, path: str, known: bool
) -> None:
    monkeypatch.setattr(entrance, limit, 1_000)
    who = f"authorization: Bearer {shared.token}\r\n" if known else ""
    head = f"POST {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{who}content-length: 1001\r\n\r\n"
    answer = raw(shared, head.encode(), end=False)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"the body is over 1,000 bytes long" in answer


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_that_does_not_say_how_large_it_is_has_the_same_limit(
    shared: Served, monkeypatch: pytest.MonkeyPatch, method: str, known: bool
) -> None:
    monkeypatch.setattr(entrance, "MAX_BODY_BYTES" if known else "MAX_ANONYMOUS_BYTES", 1_000)
    with shared.client() if known else shared.reader() as client:
        parts = iter([b"x" * 500, b"x" * 501])
        refused = client.request(method, "/v1/caller", content=parts)
        assert (refused.status_code, refused.json()["detail"]) == (413, "the body is over 1,000 bytes long")
        allowed = client.request(method, "/v1/caller", content=iter([b"x" * 500, b"x" * 500]))
        assert allowed.status_code == (200 if method == "POST" else 405)


def test_bodies_that_arrive_in_part_are_only_so_many(shared: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "MAX_HELD_BYTES", 1_000)
    with shared.client() as client:
        refused = client.post("/v1/caller", content=iter([b"x" * 200_000] * 3))
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        # What was refused, and what has arrived, is held no more.
        for _ in range(5):
            assert client.post("/v1/caller", content=iter([b"x" * 400, b"x" * 400])).status_code == 200


def test_without_its_host_a_request_is_for_nobody(shared: Served) -> None:
    answer = raw(shared, b"GET /v1/caller HTTP/1.1\r\nconnection: close\r\n\r\n", end=False)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request")
    assert raw(shared, b"GET /v1/caller HTTP/1.0\r\n\r\n", end=False).startswith(b"HTTP/1.1 200 OK")


def test_a_body_in_parts_of_one_byte_is_read_whole(shared: Served) -> None:
    fields = {"title": "Trees", "authority": AGENCY}
    proposal = {"register": ".register", "record": "tree", "operation": "create", "version": 1}
    document = json.dumps({"proposals": [{**proposal, "body": {"fields": fields}}]}).encode() + b" " * 3_000
    headers = {"content-type": "application/json"}
    with shared.client() as client:
        parts = (bytes([each]) for each in document)
        assert client.post("/v1/transactions", headers=headers, content=parts).status_code == 201


def test_a_body_that_stops_is_not_waited_for(shared: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "BODY_SECONDS", 0.2)
    head = b"POST /v1/caller HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 10\r\n\r\n"
    for begun in (head, head + b"12345"):
        answer = raw(shared, begun, end=False)
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
        assert b"the request's body did not arrive within 0 seconds" in answer


def test_a_request_whose_sender_leaves_is_not_taken_for_one_without_a_body(
    shared: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An endorsement with a body is a key holder's; one without is this agency's.
    asked: list[str] = []
    monkeypatch.setattr(Node, "endorse", lambda _, transaction: asked.append(transaction))
    path = f"/v1/transactions/sha256:{'0' * 64}/endorsements"
    head = f"POST {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {shared.token}\r\n"
    for begun in (b"content-length: 50\r\n\r\n", b'content-length: 50\r\n\r\n{"key":'):
        with capture_logs() as logs:
            assert raw(shared, head.encode() + begun) == b""
            until(partial(bool, logs), "the request is logged")
        assert [(each["status"], each["caller"]) for each in logs] == [(400, "clerk")]
    assert asked == []


# The entrance by itself


async def one(app: Any, received: list[Any], **scope: Any) -> list[dict[str, Any]]:
    """What an application sends for a request."""
    messages = list(received)
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asked = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "http_version": "1.0",
        "headers": [],
        "server": ("127.0.0.1", 80),
        **scope,
    }
    await app(asked, receive, send)
    return sent


@pytest.fixture
def access(tmp_path: Any) -> Access:
    return Access(tmp_path / "access.json")


def test_an_error_that_nobody_foresaw_is_a_problem_and_stands_in_the_log(access: Access) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("a secret detail")

    metrics = Metrics()
    door = Entrance(broken, access, metrics, lambda: 0, "/socket")
    with capture_logs() as logs:
        start, body = asyncio.run(one(door, [{"type": "http.request", "body": b""}]))
    assert start["status"] == 500
    assert (b"content-type", b"application/problem+json") in start["headers"]
    assert (b"x-content-type-options", b"nosniff") in start["headers"]
    assert b"this should not have happened" in body["body"]
    assert b"secret" not in body["body"]
    assert [each["event"] for each in logs] == ["unexpected", "request"]
    assert str(logs[0]["exc_info"]) == "a secret detail"
    assert b'requests_total{method="POST",status="500"} 1.0' in metrics.text(0, 0, {})


def test_after_an_answer_has_begun_none_other_does(access: Access) -> None:
    async def broken(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        raise RuntimeError

    door = Entrance(broken, access, Metrics(), lambda: 0, "/socket")
    sent = asyncio.run(one(door, [{"type": "http.request", "body": b""}]))
    assert [(each["type"], each.get("status")) for each in sent] == [("http.response.start", 200)]


@pytest.mark.parametrize(
    ("server", "owner"),
    [(("/socket", None), True), (("/socket2", None), False), (("127.0.0.1", 80), False), (None, False)],
)
def test_who_reaches_the_socket_is_the_operator(access: Access, server: Any, owner: bool) -> None:
    seen: list[Any] = []

    async def inside(scope: Any, receive: Any, _send: Any) -> None:
        seen.append((scope["caller"] is OPERATOR, await receive(), await receive()))

    door = Entrance(inside, access, Metrics(), lambda: 0, "/socket")
    gone = {"type": "http.disconnect"}
    arrived = [
        {"type": "http.request", "body": b"a", "more_body": True},
        {"type": "http.request", "body": b"b"},
    ]
    asyncio.run(
        one(door, [*arrived, gone], server=server, headers=[(b"authorization", b"Bearer x")] if owner else [])
    )
    assert seen == [(owner, {"type": "http.request", "body": b"ab", "more_body": False}, gone)]


def test_what_is_neither_a_request_nor_the_server_s_life_is_left_alone(access: Access) -> None:
    seen: list[str] = []

    async def inside(scope: Any, *_: Any) -> None:
        seen.append(scope["type"])

    door = Entrance(inside, access, Metrics(), lambda: 0, "/socket")
    for kind in ("websocket", "lifespan"):
        asyncio.run(one(door, [], type=kind))
    assert seen == ["lifespan"]


def test_the_log_says_who_asked_for_what_and_how_it_ended(shared: Served) -> None:
    with capture_logs() as logs, closing(shared.client()) as client:
        client.get("/v1/caller", params={"secret": "in the query"})
        client.get("/" + "a" * 500)
    asked = [each for each in logs if each["event"] == "request"]
    assert [(each["method"], each["status"], each["caller"]) for each in asked] == [
        ("GET", 400, "clerk"),
        ("GET", 404, "clerk"),
    ]
    assert [len(each["path"]) for each in asked] == [10, 200]
    assert shared.token not in repr(logs)
    assert "in the query" not in repr(logs)
