"""Documents that arrive part by part: whole, or not at all, whatever their sender does."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from counterfoil.errors import Malformed, Unavailable
from counterfoil.proof.canonical import digest
from counterfoil.web import upload
from counterfoil.web.upload import store_streamed
from tests.gateway.witness_served import until
from tests.web.serving import Served, served


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served installation for all of these."""
    with served(tmp_path_factory.mktemp("documents") / "home") as each:
        yield each


@pytest.fixture
def client(serving: Served) -> Iterator[httpx.Client]:
    with serving.client() as each:
        yield each


def left(serving: Served) -> list[str]:
    """What a document that did not arrive may have left behind."""
    chunks = serving.node.store.database.row("SELECT count(*) FROM chunk WHERE hash = x''")
    files = [path.name for path in serving.node.home.cache.iterdir() if "catalogue" not in path.name]
    return [*files, *(["chunks"] if chunks != (0,) else [])]


@pytest.mark.parametrize(
    "parts",
    [[], [b""], [b"a"], [b"x" * 3_000_000], [bytes([n % 256]) for n in range(2_000)], [b"y" * (1 << 18)] * 3],
    ids=["nothing", "an empty part", "a byte", "3 MB", "byte by byte", "whole pieces"],
)
def test_a_document_arrives_as_it_was_sent(serving: Served, client: httpx.Client, parts: list[bytes]) -> None:
    whole = b"".join(parts)
    answer = client.post("/v1/documents", content=iter(parts))
    assert (answer.status_code, answer.json()) == (201, {"document": digest(whole), "size": len(whole)})
    assert client.get(f"/v1/documents/{digest(whole)}").content == whole
    assert left(serving) == []


def test_one_that_stops_is_told_and_leaves_nothing(serving: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "PART_SECONDS", 0.2)
    answer = send(serving, b"content-length: 1000000\r\n\r\n" + b"x" * 300_000)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
    assert b"the document stopped arriving; send it again" in answer
    assert left(serving) == []


def test_one_whose_sender_leaves_leaves_nothing(serving: Served) -> None:
    size = serving.node.store.database.row("SELECT count(*) FROM document")
    whole = b"5\r\nabcde\r\n"
    send(serving, b"content-length: 1000000\r\n\r\n" + b"x" * 300_000, leave=True)
    send(serving, b"transfer-encoding: chunked\r\n\r\n" + whole, leave=True)
    until(lambda: left(serving) == [], "nothing is left")
    assert serving.node.store.database.row("SELECT count(*) FROM document") == size


def send(serving: Served, rest: bytes, *, leave: bool = False) -> bytes:
    """What is answered to an upload; or nothing, where its sender leaves."""
    host, port = serving.url.removeprefix("http://").split(":")
    head = f"POST /v1/documents HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {serving.token}\r\nconnection: close\r\n"
    with socket.create_connection((host, int(port))) as sender:
        sender.settimeout(20)
        sender.sendall(head.encode() + rest)
        return b"" if leave else b"".join(iter(lambda: sender.recv(1 << 16), b""))


# By itself


def messages(*parts: bytes, end: str = "http.request") -> Iterable[dict[str, Any]]:
    for part in parts:
        yield {"type": "http.request", "body": part, "more_body": True}
    yield {"type": end}


def stored(serving: Served, arriving: Iterable[dict[str, Any]], limit: int = 1_000) -> str:
    """The name under which what arrives is stored."""
    source = iter(arriving)

    async def receive() -> dict[str, Any]:
        return next(source)

    return asyncio.run(store_streamed(serving.service, receive, limit))


def test_the_limit_is_the_last_size_that_is_taken(serving: Served) -> None:
    assert stored(serving, messages(b"x" * 600, b"x" * 400)) == digest(b"x" * 1_000)
    for parts in ((b"x" * 1_001,), (b"x" * 600, b"x" * 401), (b"x",) * 1_001):
        with pytest.raises(
            Malformed, match="the document is over 1,000 bytes long, the most that is taken here"
        ):
            stored(serving, messages(*parts))
    assert left(serving) == []


def test_what_ends_before_it_is_whole_is_not_stored(serving: Served) -> None:
    with pytest.raises(Malformed, match="the document ended before it was whole; send it again"):
        stored(serving, messages(b"abc", end="http.disconnect"))
    assert left(serving) == []


def test_one_that_stops_is_no_refusal_of_the_machine(
    serving: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PART_SECONDS", 0.05)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    with pytest.raises(TimeoutError):
        asyncio.run(store_streamed(serving.service, receive))


def test_where_the_machine_takes_no_file_it_says_so(serving: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path("/proc/cannot-be-made")
    monkeypatch.setattr(serving.node.home, "cache", path)
    with pytest.raises(Unavailable, match=f"{path} cannot be used: .*; check the disk and its permissions"):
        stored(serving, messages(b"abc"))


def test_a_disk_that_is_full_is_said(serving: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever is written to this device is refused as on a full disk, once it leaves the process.
    monkeypatch.setattr(
        tempfile, "TemporaryFile", lambda **_: os.fdopen(os.open("/dev/full", os.O_RDWR), "w+b")
    )
    for parts in ((b"x" * 100,), (b"x" * 100_000,)):
        with pytest.raises(Unavailable, match="No space left on device; check the disk"):
            stored(serving, messages(*parts), limit=1_000_000)
