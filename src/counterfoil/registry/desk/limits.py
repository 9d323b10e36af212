"""How many items an officer may read under one purpose in an hour and in a day, by role: the file `budgets.json`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from counterfoil.errors import Malformed, Unavailable

FORMAT: Final = "budgets/v1"
MAX_FILE: Final = 64 * 1024
MAX_COUNT: Final = 1_000_000_000


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most items in any 60 minutes, and in any 24 hours."""

    hour: int
    day: int


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limit of each role, and of officers none of whose roles has one."""

    default: Limit = Limit(60, 300)
    roles: Mapping[str, Limit] = {}

    def of(self, roles: Iterable[str]) -> Limit:
        """The limit of an officer with these roles: of those that have one the largest, of the hour and of the day."""
        named = [self.roles[role] for role in roles if role in self.roles]
        if not named:
            return self.default
        return Limit(max(limit.hour for limit in named), max(limit.day for limit in named))


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    default: Limit = Limits().default
    roles: dict[str, Limit] = {}


def read_limits(path: Path) -> Limits:
    """The limits in the file; those of the default where there is none.

    Raises `Malformed` where it is not in form or others may write it, `Unavailable` where it cannot be read: then
    nobody may read items, rather than everybody without limit.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return Limits()
    except OSError as error:
        raise Unavailable(f"{path} cannot be read, so no budget is known: {error.strerror}") from None
    if mode & 0o022:
        raise Malformed(f"others than its owner can write {path}; look at what it says, then chmod go-w")
    if len(data) > MAX_FILE:
        raise Malformed(f"{path} is over {MAX_FILE:,} bytes long, the most that is read")
    return _decoded(path, data)


def _decoded(path: Path, data: bytes) -> Limits:
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"{path} is not in the form {FORMAT}: {error}") from None
    if file.format != FORMAT:
        raise Malformed(f"{path} has the format {file.format[:40]!r}, and {FORMAT} is known")
    for limit in (file.default, *file.roles.values()):
        if not 0 <= limit.hour <= limit.day <= MAX_COUNT:
            raise Malformed(
                f"{path} allows {limit.hour} an hour and {limit.day} a day; the day's must be the larger, "
                f"and both 0 to {MAX_COUNT:,}"
            )
    return Limits(file.default, file.roles)
