"""What routes answer: JSON, lists of it a page at a time, entries as they stand in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from litestar import Response
from msgspec import UNSET, UnsetType

from counterfoil.engine.submission import Receipt
from counterfoil.proof.canonical import canonical
from counterfoil.web.api.asking import JSON
from counterfoil.web.api.places import TRANSACTIONS

Answer: TypeAlias = Response[bytes]
T = TypeVar("T")

DEFAULT_LIMIT: Final = 100
FOREVER: Final = {"cache-control": "public, max-age=31536000, immutable"}
"""What an answer carries that can never be another."""
AGAIN: Final = {"cache-control": "no-cache"}
"""What an answer carries that must be asked for again, if only whether it has changed."""
UNKEPT: Final = {"cache-control": "no-store"}
"""What an answer carries that nobody may keep."""
REPLAYED: Final = {"idempotent-replayed": "true"}

Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Cursor: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class PageQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which page of a list: at most so many, after the cursor that the page before it gave as `next`."""

    limit: Limit = DEFAULT_LIMIT
    after: Cursor | UnsetType = UNSET


def answer(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
) -> Answer:
    """A value as canonical JSON; bytes as they are."""
    data = value if isinstance(value, bytes) else canonical(msgspec.to_builtins(value))
    return Response(data, status_code=status, headers={**AGAIN, **(headers or {})}, media_type=media_type)


def private(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """The same of what may hold personal values: nobody may keep a copy on the way."""
    return answer(value, status, {**(headers or {}), **UNKEPT})


def page(items: Sequence[object], following: str | None) -> Answer:
    """A page of a list: the cursor of the next one, or null where this is the last."""
    return answer({"items": items, "next": following})


def page_of_json(items: Sequence[bytes], following: str | None) -> Answer:
    """The same of items that are JSON already."""
    cursor = canonical(following)
    return answer(b'{"items":[%b],"next":%b}' % (b",".join(items), cursor))


def stated(value: T | UnsetType) -> T | None:
    """What a query states; None where it does not. In a query's form it is unset, or the word `null` would pass."""
    return None if isinstance(value, UnsetType) else value


def receipt_members(receipt: Receipt) -> dict[str, Any]:
    """What became of a transaction: a repeated one stands as the first one did."""
    taken = receipt.count > 0
    standing = receipt.standing.value
    if standing == "repeated":
        standing = "taken" if taken else "pending"
    return {
        "transaction": receipt.transaction,
        "standing": standing,
        "first": receipt.first if taken else None,
        "count": receipt.count,
    }


def replayed(receipt: Receipt) -> dict[str, str]:
    """The header that says so where a request had been answered before."""
    return dict(REPLAYED) if receipt.standing.value == "repeated" else {}


def transaction_path(transaction: str, *rest: str) -> str:
    """The address of a transaction."""
    return "/".join([TRANSACTIONS, transaction, *rest])
