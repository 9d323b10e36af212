"""The log over HTTP, as C2SP tlog-tiles has it: checkpoint, tiles and entry bundles that any client can read and keep.

Raw ASGI, since monitors and witnesses ask for many tiles, and each is a row as it is stored.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import msgspec

from counterfoil.errors import CounterfoilError, Malformed, NotFound
from counterfoil.ledger.system import AGENCY, AgencyFields
from counterfoil.proof.entry import Entry
from counterfoil.proof.tiles import TILE_HEIGHT, TILE_WIDTH, Bundle, Tile, encode_bundle, parse_path
from counterfoil.registry.beginning import first_trust
from counterfoil.store.store import Store
from counterfoil.web.problem import MEDIA_TYPE, Problem, problem, problem_of

if TYPE_CHECKING:
    from counterfoil.web.entrance import App, Receive, Scope, Send

PREFIX: Final = "/v1/log/"
METHODS: Final = ("GET", "HEAD")
TEXT: Final = b"text/plain; charset=utf-8"
BYTES: Final = b"application/octet-stream"
SECONDS: Final = b"public, max-age=5"
"""How long what changes as the log grows may be kept: the checkpoint, and who signs it."""
MINUTES: Final = b"public, max-age=300"
"""A partial tile of some width never changes; but nobody asks for it any more once the log has grown."""
FOREVER: Final = b"public, max-age=31536000, immutable"
GZIP_LEVEL: Final = 1

Header = tuple[bytes, bytes]


class Holder(Protocol):
    """Whoever holds a log: an open node."""

    def reading(self) -> AbstractContextManager[Store]:
        """The store, held still; for short reads."""
        ...

    def record(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record."""
        ...


class Answer(NamedTuple):
    """What a request is answered with; `tag` is given where the answer may be asked for again."""

    body: bytes
    content_type: bytes
    cached: bytes
    tag: bytes = b""
    compressible: bool = False


def log_app(holder: Holder) -> App:
    """The log of an open node as an ASGI 3 application for paths that begin with `PREFIX` (tlog-tiles, Parameters)."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] not in METHODS:
            refused = problem(405, f"the log can only be read; ask with {' or '.join(METHODS)}")
            await _refuse(scope, send, refused, [(b"allow", ", ".join(METHODS).encode())])
            return
        try:
            # In a thread: a block that is being stored holds the store, and must not hold every other request.
            status, headers, body = await asyncio.to_thread(_respond, holder, scope)
        except CounterfoilError as error:
            await _refuse(scope, send, problem_of(error))
            return
        await _send(scope, send, status, headers, body)

    return app


def _respond(holder: Holder, scope: Scope) -> tuple[int, list[Header], bytes]:
    answer = _find(holder, scope["path"])
    headers: list[Header] = [(b"cache-control", answer.cached)]
    if answer.tag:
        headers.append((b"etag", answer.tag))
        if _matches(_header(scope, b"if-none-match"), answer.tag):
            return 304, headers, b""
    headers.append((b"content-type", answer.content_type))
    body = answer.body
    if answer.compressible:
        headers.append((b"vary", b"accept-encoding"))
        if _accepts_gzip(_header(scope, b"accept-encoding")):
            headers.append((b"content-encoding", b"gzip"))
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
    return 200, headers, body


def _find(holder: Holder, path: str) -> Answer:
    """What stands at a path. Raises `NotFound`, or `Damaged` where it cannot be read."""
    name = path.removeprefix(PREFIX)
    if name == "checkpoint":
        note = _checkpoint(holder)
        return Answer(note, TEXT, SECONDS, tag=b'"%b"' % sha256(note).hexdigest()[:32].encode())
    if name == "keys":
        return Answer("".join(f"{key}\n" for key in _keys(holder)).encode(), TEXT, SECONDS)
    try:
        asked = parse_path(name)
    except Malformed as error:
        raise NotFound(str(error)) from None
    cached = FOREVER if asked.width == TILE_WIDTH else MINUTES
    if isinstance(asked, Bundle):
        return Answer(encode_bundle(_entries(holder, asked)), BYTES, cached, compressible=True)
    return Answer(_hashes(holder, asked), BYTES, cached)


def _checkpoint(holder: Holder) -> bytes:
    with holder.reading() as store:
        note = store.latest_published() or store.note
    if not note:
        raise NotFound("the log is empty, and no checkpoint of it is signed yet; ask again later")
    return note


def _hashes(holder: Holder, tile: Tile) -> bytes:
    with holder.reading() as store:
        _check_width(tile, store.head.size >> TILE_HEIGHT * tile.level, store.head.size)
        return store.log.tile(tile.level, tile.index, tile.width)


def _entries(holder: Holder, bundle: Bundle) -> list[bytes]:
    with holder.reading() as store:
        _check_width(bundle, store.head.size, store.head.size)
        return store.log.bundle(bundle.index)[: bundle.width]


def _check_width(asked: Tile | Bundle, hashes: int, size: int) -> None:
    """Raise `NotFound` where the log does not fill what was asked for; `hashes`: how many there are at its level.

    Those narrower than what is stored are there as long as the log is: a checkpoint that was published needs them.
    """
    if asked.index * TILE_WIDTH + asked.width > hashes:
        raise NotFound(f"there is no {asked.path}; the log has {size} entries")


def _keys(holder: Holder) -> list[str]:
    """The verifier keys of the log's checkpoints: those that the ledger's members have now."""
    with holder.reading() as store:
        members = [agency.name for agency in first_trust(store.entries(), store.root_at).agencies]
    return [key for name in members for key in _checkpoint_keys(holder.record(AGENCY, name))]


def _checkpoint_keys(entry: Entry | None) -> Iterator[str]:
    if entry is not None and entry.fields:
        yield from msgspec.convert(entry.fields, AgencyFields).checkpoint


def _header(scope: Scope, name: bytes) -> str:
    """A request's header, its lines joined as a list."""
    return ",".join(value.decode("latin-1") for each, value in scope["headers"] if each == name)


def _matches(header: str, tag: bytes) -> bool:
    """Whether `If-None-Match` names the tag; by weak comparison (RFC 9110 section 13.1.2)."""
    named = [each.strip().removeprefix("W/") for each in header.split(",")]
    return "*" in named or tag.decode() in named


def _accepts_gzip(header: str) -> bool:
    """Whether `Accept-Encoding` takes gzip (RFC 9110 section 12.5.3)."""
    for each in header.lower().split(","):
        coding, *parameters = (part.strip() for part in each.split(";"))
        if coding == "gzip":
            return not any(part.startswith("q=") and not part[2:].strip("0.") for part in parameters)
    return False


async def _refuse(scope: Scope, send: Send, said: Problem, more: list[Header] | None = None) -> None:
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"cache-control", b"no-store"), *(more or ())]
    headers += [(name.encode(), value.encode()) for name, value in said.headers.items()]
    await _send(scope, send, said.status, headers, said.encode())


async def _send(scope: Scope, send: Send, status: int, headers: list[Header], body: bytes) -> None:
    if status != 304:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
