"""Addresses: where a record stands, read from the path as it was sent, and written so that any key fits in it."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from counterfoil.errors import Malformed, NotFound
from counterfoil.ledger.names import MAX_NAME

REGISTERS: Final = "/v1/registers"
TRANSACTIONS: Final = "/v1/transactions"
ENTRIES: Final = "/v1/entries"
DOCUMENTS: Final = "/v1/documents"
CASES: Final = "/v1/desk"


class Place(NamedTuple):
    """A record, and what of it is asked for: nothing for the record itself, else the rest of the path."""

    register: str
    record: str
    rest: tuple[str, ...]


def place_of(raw_path: bytes) -> Place:
    """The record that a path `/v1/registers/REGISTER/records/KEY/...` is about, given as it was sent.

    A server's decoded path does not tell a `/` within a key from one between two parts. Raises `NotFound` where a part
    is empty, `Malformed` where one is no UTF-8 or too long.
    """
    parts = raw_path.split(b"/")
    if len(parts) < 6 or parts[2] != b"registers" or parts[4] != b"records" or b"" in parts[1:]:
        raise NotFound("there is nothing at this address; a record's is /v1/registers/REGISTER/records/KEY")
    try:
        register, record, *rest = (unquote_to_bytes(part).decode() for part in (parts[3], *parts[5:]))
    except UnicodeDecodeError:
        raise Malformed("the address holds a part that is no UTF-8; percent-encode names as UTF-8") from None
    if len(record) > MAX_NAME or len(register) > MAX_NAME:
        raise Malformed(f"a register's name and a record's key have at most {MAX_NAME} characters")
    return Place(register, record, tuple(rest))


def check_path(raw_path: bytes) -> None:
    """Raise `NotFound` for a path with an empty part: the router would take it as if the part were not there."""
    if b"//" in raw_path or raw_path.endswith(b"/"):
        raise NotFound("there is nothing at this address; it has an empty part")


def record_path(register: str, record: str, *rest: str) -> str:
    """The address of a record, or of something below it."""
    return "/".join([register_path(register), "records", encoded(record), *rest])


def register_path(register: str, *rest: str) -> str:
    """The address of a register, or of something below it."""
    return "/".join([REGISTERS, encoded(register), *rest])


def encoded(name: str) -> str:
    """A name as one part of a path: clients drop a part that is only dots, unless it is encoded."""
    return name.replace(".", "%2E") if name in {".", ".."} else quote(name, safe="")
