"""Asking other machines: nothing that they answer holds a caller up, fills the memory or leads elsewhere."""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from counterfoil.errors import Malformed, Unavailable
from counterfoil.gateway.fetch import Client

OK = b"HTTP/1.1 200 OK\r\n"
Answer = Callable[[socket.socket, bytes], None]


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """A server that does with each connection whatever a test says, once it has read a request's head."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def run() -> None:
            while True:
                connection, _ = listener.accept()
                with connection:
                    if ended.is_set():
                        return
                    connection.settimeout(20)
                    try:
                        answer(connection, connection.recv(65_536))
                    except OSError:
                        continue

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield "http://{}:{}".format(*listener.getsockname())
        finally:
            ended.set()
            socket.create_connection(listener.getsockname()).close()
            thread.join()


def saying(*parts: bytes) -> Answer:
    """An answer of these bytes; then the connection is closed."""
    return lambda connection, _: connection.sendall(b"".join(parts))


def whole(body: bytes, *headers: bytes) -> Answer:
    """A well-formed answer."""
    return saying(OK, *headers, b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body), body)


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(seconds=0.5) as opened:
        yield opened


def test_a_body_comes_whole(client: Client) -> None:
    with answering(whole(b"x" * 100)) as url:
        assert client.get(f"{url}/checkpoint", 100) == b"x" * 100


def test_of_a_body_too_long_no_more_is_read(client: Client) -> None:
    with answering(whole(b"x" * 101)) as url, pytest.raises(Unavailable, match="sends more than 100 bytes"):
        client.get(url, 100)


def test_all_requests_together_can_be_given_a_time(client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"data")
    with socket.create_server(("127.0.0.1", 0)) as mute, answering(whole(b"body")) as url:
        slow = "http://{}:{}".format(*mute.getsockname())
        with client.within(0.2):
            with pytest.raises(Unavailable, match="has not answered within 0"):
                client.get(slow, 100)
            for late in (url, (tmp_path / "file").as_uri()):
                with pytest.raises(
                    Unavailable, match="was not asked: the time for all requests together is over"
                ):
                    client.get(late, 100)
            with pytest.raises(Unavailable, match="is over"), client.within(60):
                client.post(url, b"", 100)
        assert client.get(url, 100) == b"body"


def test_gzip_is_undone_and_its_size_counts_undone(client: Client) -> None:
    packed = gzip.compress(bytes(10_000_000))
    with answering(whole(packed, b"content-encoding: gzip\r\n")) as url:
        assert client.get(url, 10_000_000) == bytes(10_000_000)
        with pytest.raises(Unavailable, match="sends more than 9,999,999 bytes"):
            client.get(url, 9_999_999)


@pytest.mark.parametrize(
    ("body", "encoding", "message"),
    [
        (gzip.compress(b"text")[:-3], b"gzip", "gzip that is cut off"),
        (b"no gzip at all", b"gzip", "gzip that is damaged"),
        (b"", b"gzip", "gzip that is cut off"),
        (b"\x28\xb5\x2f\xfd", b"zstd", "the encoding 'zstd', which was not asked for"),
    ],
)
def test_an_encoding_that_is_not_right(client: Client, body: bytes, encoding: bytes, message: str) -> None:
    answer = whole(body, b"content-encoding: %b\r\n" % encoding)
    with answering(answer) as url, pytest.raises(Unavailable, match=message):
        client.get(url, 100)


@pytest.mark.parametrize("status", [b"204 No Content", b"404 Not Found", b"500 Oops", b"301 Moved"])
def test_any_other_status_than_200_is_no_body(client: Client, status: bytes) -> None:
    answer = saying(b"HTTP/1.1 ", status, b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    said = f"answers with status {status[:3].decode()}"
    with answering(answer) as url, pytest.raises(Unavailable, match=said):
        client.get(url, 100)


def test_redirects_stay_on_their_host(client: Client) -> None:
    def answer(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /old "):
            connection.sendall(
                b"HTTP/1.1 302 Found\r\nlocation: /new\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
        else:
            whole(request.split(b"\r\n")[0])(connection, request)

    with answering(answer) as url:
        assert client.get(f"{url}/old", 100) == b"GET /new HTTP/1.1"


@pytest.mark.parametrize(
    "location",
    [
        b"http://127.0.0.1:1/",
        b"http://other.example/",
        b"file:///etc/passwd",
        b"//other.example/x",
        b"http://[",
    ],
)
def test_redirects_elsewhere_are_not_followed(client: Client, location: bytes) -> None:
    moved = saying(
        b"HTTP/1.1 302 Found\r\nlocation: ", location, b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    with answering(moved) as url, pytest.raises(Unavailable, match="another place, which is not followed"):
        client.get(url, 100)


def test_a_redirect_to_no_address_is_no_crash(client: Client) -> None:
    moved = saying(b"HTTP/1.1 302 Found\r\nlocation: ftp:x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    with answering(moved) as url, pytest.raises(Unavailable):
        client.get(url, 100)


def test_redirects_in_a_circle_end(client: Client) -> None:
    moved = saying(b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    with answering(moved) as url, pytest.raises(Unavailable, match="redirects more than 3 times"):
        client.get(url, 100)


def test_a_server_that_drips_is_given_up(client: Client) -> None:
    """Each byte in time, the whole never: a limit on each read alone would wait for ever."""

    def drip(connection: socket.socket, request: bytes) -> None:
        head = OK if b"GET /head" in request else OK + b"content-length: 1000000\r\n\r\n"
        connection.sendall(head)
        stopped = threading.Event()
        while not stopped.wait(0.02):
            connection.sendall(b"x")

    with answering(drip) as url:
        for path in ("head", "body"):
            with pytest.raises(Unavailable, match=r"has not answered within 0\.5 seconds"):
                client.get(f"{url}/{path}", 10_000_000)


@pytest.mark.parametrize("said", [b"", b"hello\r\n\r\n", OK + b"content-length: 10\r\n\r\nxxx"])
def test_a_server_that_does_not_speak_http(client: Client, said: bytes) -> None:
    with answering(saying(said)) as url, pytest.raises(Unavailable, match="cannot be reached: "):
        client.get(url, 100)


def test_nobody_there(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        Unavailable, match=f"http://127.0.0.1:{port} cannot be reached: .*; check the address"
    ):
        client.get(f"http://127.0.0.1:{port}", 100)


def test_what_is_posted_and_what_comes_back(client: Client) -> None:
    def answer(connection: socket.socket, request: bytes) -> None:
        while b"\r\n\r\nold 3\n" not in request:
            request += connection.recv(65_536)
        kind = b"content-type: text/x.tlog.size\r\n"
        connection.sendall(
            b"HTTP/1.1 409 Conflict\r\n" + kind + b"content-length: 2\r\nconnection: close\r\n\r\n5\n"
        )

    with answering(answer) as url:
        status, headers, body = client.post(f"{url}/add-checkpoint", b"old 3\n", 100)
    assert (status, headers["Content-Type"], body) == (409, "text/x.tlog.size", b"5\n")


def test_a_post_is_not_sent_on(client: Client) -> None:
    moved = saying(b"HTTP/1.1 307 Moved\r\nlocation: /new\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    with answering(moved) as url:
        assert client.post(url, b"x", 100).status == 307


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://host/", "http://", "http:///path", "//host", "http://[", "file://elsewhere/x", "file:x"],
)
def test_what_is_no_address(client: Client, url: str) -> None:
    with pytest.raises(Malformed):
        client.get(url, 100)


def test_a_password_in_an_address_is_refused_and_not_repeated(client: Client) -> None:
    with pytest.raises(Malformed) as refused:
        client.get("https://clerk:secret@host.example/", 100)
    assert "secret" not in str(refused.value)


def test_files_are_read_alike(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a file").write_bytes(b"x" * 100)
    url = f"file://{tmp_path}/a%20file"
    assert client.get(url, 100) == b"x" * 100
    with pytest.raises(Unavailable, match="has more than 99 bytes"):
        client.get(url, 99)
    with pytest.raises(Unavailable, match="cannot be read: No such file"):
        client.get(f"{url}.p", 99)


def test_what_is_no_plain_file_is_not_waited_for(client: Client, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(Unavailable, match=r"no plain file|Is a directory"):
            client.get(f"file://{path}", 99)
