"""What a request asks, read strictly: its query, its body, who asks, and whether it was asked before."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException

from counterfoil.errors import Malformed, Unauthorised, Unverified
from counterfoil.identity.caller import Caller
from counterfoil.proof.canonical import Json, canonical, digest, parse
from counterfoil.web.service import Service

Asked: TypeAlias = Request[Any, Any, Any]
T = TypeVar("T")

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
MAX_QUERY_FIELDS: Final = 16
MAX_JSON_BYTES: Final = 2 << 20
"""The most bytes of JSON that a request writes with: a transaction has at most half of them."""
QUICK_BYTES: Final = 64 << 10
"""What is read in less time than it takes to have a thread do it."""
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The query of an address that takes none."""


def query(request: Asked, form: type[T]) -> T:
    """The request's query in a form. Raises `Malformed` for what the form does not have, or what is there twice."""
    raw = request.scope["query_string"]
    if not raw:
        pairs = []
    else:
        try:
            pairs = parse_qsl(
                raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY_FIELDS
            )
        except ValueError as error:
            raise Malformed(f"the query cannot be read: {error}") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name in found if sum(name == each for each, _ in pairs) > 1)
        raise Malformed(f"the query has {twice!r:.80} twice; give it once")
    try:
        return msgspec.convert(found, form, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(f"the query is not in form: {error}") from None


async def json_body(
    request: Asked, service: Service, form: type[T], most: int = MAX_JSON_BYTES
) -> tuple[T, bytes]:
    """The request's body of at most so many bytes in a form, and its bytes.

    Raises `Malformed`, also for members that the form does not have.
    """
    check_type(request, JSON)
    data = limited(await request.body(), most)
    if len(data) <= QUICK_BYTES:
        return converted(parse(data, "the body"), form), data
    return await service.in_thread(lambda: converted(parse(data, "the body"), form)), data


async def json_value(request: Asked, service: Service, content_type: str = JSON) -> tuple[Json, bytes]:
    """The request's body as JSON in the register profile, and its bytes. Raises `Malformed`."""
    check_type(request, content_type)
    data = limited(await request.body(), MAX_JSON_BYTES)
    if len(data) <= QUICK_BYTES:
        return parse(data, "the body"), data
    return await service.in_thread(lambda: parse(data, "the body")), data


def limited(data: bytes, most: int) -> bytes:
    """A body, which is refused with status 413 where it is over so many bytes long."""
    if len(data) > most:
        raise HTTPException(
            status_code=413, detail=f"the body is {len(data):,} bytes long, and may have {most:,} here"
        )
    return data


def converted(value: Json, form: type[T], where: str = "the body") -> T:
    """A JSON value in a form. Raises `Malformed`."""
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        raise Malformed(f"{where} is not in form: {error}") from None


def check_type(request: Asked, wanted: str) -> None:
    """Refuse a body of another type with status 415."""
    stated, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if stated.strip().lower() != wanted or charset not in {"", "charset=utf-8"}:
        raise HTTPException(
            status_code=415, detail=f"the body must be {wanted}, in UTF-8; say so in Content-Type"
        )


def require(caller: Caller, scope: str) -> None:
    """Raise `Unverified` for a caller that nobody knows, `Unauthorised` for one without this scope."""
    if caller.kind == "anonymous":
        raise Unverified("this takes a token or a signature; ask whoever keeps this node for one")
    if not caller.may(scope):
        raise Unauthorised(f"{caller.name} may not do this; it takes the scope {scope}")


def require_write(caller: Caller, register: str) -> None:
    """Raise as `require` does unless the caller may write to a register."""
    require(caller, "govern" if register.startswith(".") else f"write:{register[:100]}")


class Repeatable(msgspec.Struct, frozen=True):
    """What an idempotency key and a request come to: the submission's key and what it stands for; None without one."""

    key: str | None = None
    request: bytes | None = None


def repeatable(request: Asked, caller: Caller, body: bytes, part: int | None = None) -> Repeatable:
    """What makes a request the same when it is sent again.

    The log must not name the caller, so the submission's key is a hash of its name and the `Idempotency-Key`. `part`
    counts the transactions of a batch. Raises `Malformed` for a key that is not in form.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return Repeatable()
    if not _KEY.fullmatch(key):
        raise Malformed("an Idempotency-Key has 1 to 255 printable ASCII characters")
    name = sha256(canonical([caller.kind, caller.name, key, part])).hexdigest()
    conditions = [request.headers.get("if-match"), request.headers.get("if-none-match")]
    path = request.scope["raw_path"].decode("latin-1")
    return Repeatable(name, canonical([request.method, path, *conditions, digest(body)]))
