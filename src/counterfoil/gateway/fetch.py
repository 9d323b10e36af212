"""Asking other machines by HTTP, with a limit on everything: bytes, time, redirects.

What answers is a witness or a log that nobody here has to trust, so nothing it sends can hold a caller up, fill the
memory or lead elsewhere. A folder, as `file://`, can be read in the same way.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import stat
import time
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

import httpx

from counterfoil.errors import Malformed, Unavailable

SECONDS: Final = 5.0
"""How long one request may take in all, from the name's look-up to the last byte."""
MAX_REDIRECTS: Final = 3
GZIP_WINDOW: Final = 31
"""zlib's number for the gzip format."""
LOOPBACK: Final = ("all://127.0.0.1", "all://localhost", "all://[::1]")

_HOST: Final = re.compile(rb"[A-Za-z0-9._:-]+")


class Answer(NamedTuple):
    """What a server answered: status, headers (names in any case), and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Requests over connections that are kept open. For one thread at a time; close it, or use it in a `with`."""

    def __init__(self, seconds: float = SECONDS):
        self._seconds = seconds
        self._end = math.inf
        # A deadline over a whole request, however slowly it drips, is what an event loop has and a socket has not.
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(
            timeout=seconds,
            headers={"Accept-Encoding": "gzip", "User-Agent": "counterfoil"},
            mounts=dict.fromkeys(LOOPBACK),
        )

    def get(self, url: str, limit: int) -> bytes:
        """The body at an address, or a file's bytes; at most `limit` of them, once decompressed.

        Redirects are followed on the same host only. Raises `Unavailable` for any other answer than 200, for too much
        and too late; `Malformed` where the address is none.
        """
        if url.startswith("file:"):
            self._left(url)
            return _read_file(url, limit)
        target = address(url)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._run(url, httpx.Request("GET", target), limit)
            if answer.status == httpx.codes.OK:
                return answer.body
            if "location" not in answer.headers or not 300 <= answer.status < 400:
                raise Unavailable(f"{url} answers with status {answer.status}; check the address")
            target = _redirected(target, answer.headers["location"])
        raise Unavailable(f"{url} redirects more than {MAX_REDIRECTS} times; give the address it leads to")

    def post(self, url: str, body: bytes, limit: int, content_type: str = "text/plain") -> Answer:
        """Send `body` and take whatever status comes, redirects too; at most `limit` bytes of the answer are read.

        Raises `Unavailable` where no answer comes or it is too long, `Malformed` where the address is none.
        """
        request = httpx.Request("POST", address(url), content=body, headers={"Content-Type": content_type})
        return self._run(url, request, limit)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """All requests in the block together may take so long; those that come later are `Unavailable`."""
        before = self._end
        self._end = min(before, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._end = before

    def _left(self, url: str) -> float:
        """How many seconds a request may take now."""
        left = min(self._seconds, self._end - time.monotonic())
        if left <= 0:
            raise Unavailable(f"{url} was not asked: the time for all requests together is over")
        return left

    def _run(self, url: str, request: httpx.Request, limit: int) -> Answer:
        seconds = self._left(url)
        try:
            return self._runner.run(asyncio.wait_for(self._ask(request, limit), seconds))
        except (TimeoutError, httpx.TimeoutException):
            raise Unavailable(
                f"{url} has not answered within {seconds:.3g} seconds; it is down, slow or out of reach"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            told = " ".join(str(error).split())[:200] or type(error).__name__
            raise Unavailable(f"{url} cannot be reached: {told}; check the address and the network") from None

    async def _ask(self, request: httpx.Request, limit: int) -> Answer:
        for name, value in self._http.headers.items():
            request.headers.setdefault(name, value)
        response = await self._http.send(request, stream=True)
        try:
            return Answer(response.status_code, response.headers, await _body(response, limit))
        finally:
            await response.aclose()

    def close(self) -> None:
        """Close the connections."""
        try:
            self._runner.run(self._http.aclose())
        finally:
            self._runner.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def address(url: str) -> httpx.URL:
    """An address of http or https. Raises `Malformed` where it is none, or has a name or password in it."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.userinfo:
        raise Malformed(f"the address of {parsed.host} has a user's name in it; give one without")
    if parsed.scheme not in {"http", "https"} or not _HOST.fullmatch(parsed.raw_host):
        raise Malformed(f"{url[:80]!r} is no address; it must begin with https:// or http:// and a host")
    return parsed


def _redirected(source: httpx.URL, location: str) -> httpx.URL:
    try:
        target = source.join(location)
    except httpx.InvalidURL:
        target = httpx.URL("")
    same = (target.scheme, target.host, target.port) == (source.scheme, source.host, source.port)
    secured = (source.scheme, target.scheme) == ("http", "https") and target.host == source.host
    if not (same or secured) or target.userinfo:
        raise Unavailable(
            f"{source} redirects to {location[:80]!r}, another place, which is not followed; "
            "if that is right, give its address"
        )
    return target


async def _body(response: httpx.Response, limit: int) -> bytes:
    """The body, decompressed here: the library's own decoders know no limit."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise Unavailable(f"{response.url} sends the encoding {encoding[:40]!r}, which was not asked for")
    parts, size = [], 0
    async for part in _decoded(response, limit) if encoding == "gzip" else response.aiter_raw():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise Unavailable(f"{response.url} sends more than {limit:,} bytes, the most that is read of it")
    return b"".join(parts)


async def _decoded(response: httpx.Response, limit: int) -> AsyncIterator[bytes]:
    decoder = zlib.decompressobj(GZIP_WINDOW)
    try:
        async for part in response.aiter_raw():
            yield decoder.decompress(part, limit + 1)
            if decoder.unconsumed_tail:
                # `limit + 1` bytes have just come out of it, which ends the reading.
                return
    except zlib.error as error:
        raise Unavailable(f"{response.url} sends gzip that is damaged: {error}") from None
    if not decoder.eof:
        raise Unavailable(f"{response.url} sends gzip that is cut off")


def _read_file(url: str, limit: int) -> bytes:
    host, slash, path = url.removeprefix("file://").partition("/")
    if not url.startswith("file://") or host not in {"", "localhost"} or not slash or "\0" in unquote(path):
        raise Malformed(f"{url[:80]!r} is no file's address; it must begin with file:/// and a path")
    file = Path("/", unquote(path))
    try:
        # Without waiting: a pipe would have no end.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unavailable(f"{file} is no plain file")
            data = opened.read(limit + 1)
    except OSError as error:
        raise Unavailable(f"{file} cannot be read: {error.strerror}") from None
    if len(data) > limit:
        raise Unavailable(f"{file} has more than {limit:,} bytes, the most that is read of it")
    return data
