"""The pages' addresses, and how a record's key stands in one, whatever characters it has.

A key stands percent-encoded, as anyone would guess. Only where an address could be taken for another one (`.`, `..`,
slashes at an end or side by side, a key that ends in `.json`, one that begins with `~`) does it stand as `~` and its
UTF-8 in base64url (RFC 4648 section 5, without padding).
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NamedTuple
from urllib.parse import quote, unquote, urlencode

from counterfoil.errors import Malformed, NotFound

JSON: Final = ".json"
PAGES: Final = frozenset({"differences", "proof", "proof-bundle"})
"""What may follow a record's address."""


class RecordAddress(NamedTuple):
    """What an address below `/registers/R/records/` names: a record, which of its pages, and whether as JSON."""

    register: str
    key: str
    page: str
    json: bool


def register_address(register: str) -> str:
    """A register's page."""
    return f"/registers/{quote(register, safe='')}"


def record_address(register: str, key: str, page: str = "", **asked: str | int | None) -> str:
    """A record's page, or one below it, with what is asked of it."""
    address = f"{register_address(register)}/records/{_segment(key)}"
    return with_query(f"{address}/{page}" if page else address, **asked)


def entry_address(number: int) -> str:
    """An entry's page."""
    return f"/entries/{number}"


def with_query(address: str, **asked: str | int | None) -> str:
    """An address with a query; what is None or empty is left out, and `as_of` is written `as-of`."""
    given = {name.replace("_", "-"): value for name, value in asked.items() if value not in (None, "")}
    return f"{address}?{urlencode(given)}" if given else address


def read_record_address(raw_path: bytes) -> RecordAddress:
    """Read what `record_address` wrote, from the bytes of a request. Raises `Malformed`, `NotFound`."""
    _, _, register, _, *rest = raw_path.decode("latin-1").split("/")
    page, json = "", rest[-1].endswith(JSON)
    last = rest[-1].removesuffix(JSON)
    if len(rest) > 1 and last in PAGES:
        page = last
        rest.pop()
    elif json:
        rest[-1] = last
    return RecordAddress(_unquoted(register), _key("/".join(rest)), page, json)


def _segment(key: str) -> str:
    unclear = key in {".", ".."} or key.startswith(("~", "/")) or key.endswith((JSON, "/")) or "//" in key
    return "~" + urlsafe_b64encode(key.encode()).decode().rstrip("=") if unclear else quote(key, safe="")


def _key(segment: str) -> str:
    if not segment:
        raise NotFound("the address ends where a record's key should stand; add the key to it")
    if not segment.startswith("~"):
        return _unquoted(segment)
    try:
        return urlsafe_b64decode(segment[1:] + "=" * (-len(segment[1:]) % 4)).decode()
    except ValueError:
        raise Malformed(
            "the address has a key that begins with ~ and is no base64url; encode it anew"
        ) from None


def _unquoted(text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise Malformed(
            "the address is not UTF-8 once its percent signs are resolved; encode it anew"
        ) from None
