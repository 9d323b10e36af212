"""What a client may do to an HTTP server before any application hears of it: begin, stop, flood, garble, not listen."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from counterfoil.errors import Unavailable
from counterfoil.gateway import http_server
from counterfoil.gateway.http_server import GuardedProtocol, listening, server_of, url_of
from tests.gateway.witness_served import until

SOME = 1 << 20
LARGE = 16 << 20
"""More than the machine's own buffers hold."""


@dataclass
class Echo:
    """Answers with what it was sent; `/large` with a lot, `/held` only when it is let go."""

    server: uvicorn.Server | None = None
    port: int = 0
    headers: list[list[tuple[bytes, bytes]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    size: int = SOME

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.headers.append(list(scope["headers"]))
        self.bodies.append(body)
        if scope["path"] == "/large":
            body = bytes(self.size)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-echo", b"1")]})
        if scope["path"] == "/parts":
            for _ in range(64):
                await send({"type": "http.response.body", "body": bytes(self.size // 64), "more_body": True})
        await send({"type": "http.response.body", "body": body})

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        assert self.server is not None
        return len(self.server.server_state.connections)

    @contextmanager
    def client(self) -> Iterator[socket.socket]:
        """A connection to it, with little room in which an answer could wait by itself."""
        with socket.socket() as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            made.settimeout(20)
            made.connect(("127.0.0.1", self.port))
            yield made


@pytest.fixture
def echo() -> Iterator[Echo]:
    app = Echo()
    with listening("127.0.0.1", 0) as listener:
        app.server, app.port = server_of(app), listener.getsockname()[1]
        thread = threading.Thread(target=app.server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield app
        finally:
            app.server.should_exit = True
            app.server.force_exit = True
            thread.join(20)


def everything(client: socket.socket) -> bytes:
    """All that the server sends until it closes the connection."""
    received = []
    with suppress(ConnectionResetError):
        while part := client.recv(1 << 20):
            received.append(part)
    return b"".join(received)


def exchange(echo: Echo, *sent: bytes) -> bytes:
    """What the server answers to some bytes, until it closes."""
    with echo.client() as client:
        for part in sent:
            client.sendall(part)
        return everything(client)


CLOSE = b"connection: close\r\n\r\n"


def test_a_problem_is_answered_in_form(echo: Echo) -> None:
    head, _, body = exchange(echo, b"no request at all\r\n\r\n").partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 400 Bad Request"
    assert b"content-type: application/problem+json" in lines
    assert b"x-content-type-options: nosniff" in lines
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "what was received is no HTTP/1.1 request",
    }


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        b"content-length: -1\r\n\r\n",
        b"content-length: 99999999999999999999\r\n\r\n",
        b"transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\nnot a size\r\n",
        b" folded: yes\r\n\r\n",
        b"a b: c\r\n\r\n",
        b"a: b\0c\r\n\r\n",
    ],
)
def test_what_two_readers_might_read_differently_is_refused(echo: Echo, head: bytes) -> None:
    answer = exchange(echo, b"POST / HTTP/1.1\r\nhost: here\r\n" + head)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert echo.bodies == []


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"], ids=["first", "later"])
@pytest.mark.parametrize("sent", [b"", b"\r\n", b"G", b"GET / HTTP/1.1\r\nhost: here\r\n"])
def test_who_begins_and_does_not_go_on_is_not_waited_for(
    echo: Echo, monkeypatch: pytest.MonkeyPatch, first: bytes, sent: bytes
) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.2)
    with echo.client() as client:
        if first:
            client.sendall(first)
            assert client.recv(10_000).startswith(b"HTTP/1.1 200 OK")
            if not sent:
                return  # who says nothing between two requests has fifteen seconds
        client.sendall(sent)
        answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_body_in_parts_of_one_byte_is_no_flood(echo: Echo) -> None:
    body = b"".join(b"1\r\n%c\r\n" % (65 + number % 26) for number in range(60_000))
    head = b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n" + CLOSE
    answer = exchange(echo, head, body, b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert [len(each) for each in echo.bodies] == [60_000]


@pytest.mark.parametrize(
    "beside",
    [
        b"1;" + b"x" * 500_000,
        b"1\r\nx\r\n0\r\ntrailer: " + b"x" * 500_000,
        b"1\r\nx\r\n0\r\n" + b"a: b\r\n" * 90_000,
    ],
    ids=["a chunk's extension", "one trailer", "many trailers"],
)
def test_what_stands_beside_a_body_is_not_taken_without_an_end(echo: Echo, beside: bytes) -> None:
    with echo.client() as client:
        client.sendall(b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n")
        with suppress(OSError):  # it may hang up meanwhile
            client.sendall(beside)
        answer = everything(client)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
    assert echo.bodies == []


def test_a_trailer_is_no_header(echo: Echo) -> None:
    head = b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n" + CLOSE
    exchange(echo, head, b"1\r\nx\r\n", b"0\r\nauthorization: Bearer smuggled\r\n\r\n")
    (headers,) = echo.headers
    assert [name for name, _ in headers] == [b"host", b"transfer-encoding", b"connection"]


def test_requests_that_come_together_are_answered_in_turn(echo: Echo) -> None:
    body = b"x" * 200_000
    requests = [
        b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body),
        b"GET / HTTP/1.1\r\nhost: here\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: here\r\n" + CLOSE,
    ]
    answer = exchange(echo, b"".join(requests))
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert [len(each) for each in echo.bodies] == [200_000, 0, 0]


@pytest.mark.parametrize("path", [b"/large", b"/parts"])
def test_nothing_is_said_in_the_middle_of_an_answer(
    echo: Echo, monkeypatch: pytest.MonkeyPatch, path: bytes
) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.2)
    for next_ in (b"garbage\r\n\r\n", b"GET /again HTTP/1.1\r\n"):
        answer = exchange(echo, b"GET %b HTTP/1.1\r\nhost: here\r\n\r\n%b" % (path, next_))
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        # A problem may stand after the whole answer, never in it.
        assert b"HTTP/1.1" not in body or body.index(b"HTTP/1.1") > SOME


@pytest.mark.parametrize("path", [b"/large", b"/parts"])
@pytest.mark.parametrize("ended", [b"\r\n", CLOSE], ids=["kept", "closed"])
def test_an_answer_that_nobody_takes_does_not_wait_for_ever(
    echo: Echo, monkeypatch: pytest.MonkeyPatch, path: bytes, ended: bytes
) -> None:
    monkeypatch.setattr(http_server, "SEND_SECONDS", 0.2)
    echo.size = LARGE
    with echo.client() as client:
        client.sendall(b"GET %b HTTP/1.1\r\nhost: here\r\n%b" % (path, ended))
        assert client.recv(12) == b"HTTP/1.1 200"
        until(lambda: echo.connections == 0, "the connection is given up")
        assert len(everything(client)) < LARGE


class Slow:
    """A transport whose client has left so many bytes of an answer, each time it is looked at; and its event loop."""

    def __init__(self, *left: int):
        self._left = list(left)
        self.due: list[Callable[[], None]] = []
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self._left.pop(0)

    def abort(self) -> None:
        self.aborted = True

    def call_later(self, _: float, call: Callable[..., None], *arguments: Any) -> Any:
        self.due.append(lambda: call(*arguments))
        return SimpleNamespace(cancel=lambda: None)


@pytest.mark.parametrize(
    ("left", "looks", "aborted"),
    [
        ((0,), 0, False),
        ((900, 800, 800, 0, 0), 2, False),
        ((900, 800, 800, 700, 700, 700), 3, True),
        ((900, 900), 1, True),
    ],
    ids=["taken at once", "taken slowly", "taken in part", "not taken"],
)
def test_who_takes_something_has_time_for_the_rest(left: tuple[int, ...], looks: int, aborted: bool) -> None:
    slow, config = Slow(*left), uvicorn.Config(Echo(), log_config=None)
    config.load()
    protocol = GuardedProtocol(config, ServerState(), {}, slow)  # type: ignore[arg-type]  # all it asks of a loop
    protocol.transport = slow  # type: ignore[assignment]  # and of a transport
    protocol._watch()
    looked = 0
    while slow.due:
        slow.due.pop()()
        looked += 1
    assert (looked, slow.aborted) == (looks, aborted)


def test_who_would_speak_another_protocol_is_answered_in_this_one(echo: Echo) -> None:
    upgrade = b"host: here\r\nupgrade: h2c\r\nconnection: upgrade\r\n"
    with echo.client() as client:
        for method in (b"GET", b"POST"):
            client.sendall(b"%b / HTTP/1.1\r\n%bcontent-length: 0\r\n\r\n" % (method, upgrade))
            assert client.recv(10_000).startswith(b"HTTP/1.1 200 OK")
        # The library would drop this body, or take it for the next request.
        hidden = b"GET /hidden HTTP/1.1\r\nhost: here\r\n\r\n"
        client.sendall(b"POST / HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n" % (upgrade, len(hidden)))
        client.sendall(hidden)
        answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"a request with a body cannot ask for another protocol; send it without Upgrade" in answer
    assert echo.bodies == [b"", b""]


def test_an_address_says_how_it_is_written() -> None:
    with listening("127.0.0.1", 0) as four, listening("::1", 0) as six:
        assert url_of(four, "https") == f"https://127.0.0.1:{four.getsockname()[1]}"
        assert url_of(six) == f"http://[::1]:{six.getsockname()[1]}"


def test_a_name_that_is_none_is_said() -> None:
    refused = (
        r"does not let a process listen at no\.such\.invalid:80 \(.*\); name another address with --listen"
    )
    with pytest.raises(Unavailable, match=refused):
        listening("no.such.invalid", 80)
