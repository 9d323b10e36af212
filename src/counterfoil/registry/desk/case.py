"""What lies on the desk: a case that waits for a second officer, and how it was decided."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

import msgspec

from counterfoil.errors import Malformed

Standing: TypeAlias = Literal["waiting", "approved", "done", "refused", "withdrawn", "lapsed"]
"""Waiting for a decision; approved and not yet carried out; carried out; refused; withdrawn; not decided or done in
time."""

STANDINGS: Final = frozenset(get_args(Standing))

READING: Final = "reading"
"""The kind of case in which an officer asks to read more than the budget allows."""
MAX_CONTENT: Final = 1 << 20
MAX_REASON: Final = 2_000
MAX_REASONS: Final = 100
_OFFICER: Final = re.compile(r"[0-9a-f]{16}")
_CASE: Final = re.compile(r"[0-9a-f]{32}")
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9.:-]{0,198}", re.ASCII)


class Decision(msgspec.Struct, frozen=True):
    """Who decided or withdrew, when (seconds since 1970), what, and why; `reason` is None once it was scrubbed."""

    by: str
    at: int
    approved: bool
    reason: str | None


class Case(msgspec.Struct, frozen=True):
    """The line about a case that stays for good: it names officers by their id, and no personal value.

    `number` counts the cases of a desk; `reasons` say in words of the definition why it waits (names of constraints,
    `four-eyes`); `put` and `until`, when it lapses, are seconds since 1970.
    """

    number: int
    id: str
    kind: str
    register: str
    by: str
    reasons: tuple[str, ...]
    put: int
    until: int
    standing: Standing
    decision: Decision | None


class Paper(NamedTuple):
    """A case and its content; None once that was scrubbed."""

    case: Case
    content: bytes | None


def new_id() -> str:
    """An id of 32 hexadecimal digits, drawn at random; the change that follows can have it as idempotency key."""
    return secrets.token_hex(16)


def check_put(kind: str, content: bytes, by: str, register: str, reasons: Sequence[str]) -> None:
    """Raise `Malformed` unless a case can be put so."""
    for word in (kind, register, *reasons):
        if not _WORD.fullmatch(word):
            raise Malformed(
                f"{word[:40]!r} is no name of a kind, register or reason; those are lower-case words joined by hyphens"
            )
    check_officer_id(by)
    if not 0 < len(reasons) <= MAX_REASONS:
        raise Malformed(f"the case has {len(reasons)} reasons; give it 1 to {MAX_REASONS}")
    if len(content) > MAX_CONTENT:
        raise Malformed(f"the case has {len(content):,} bytes, and {MAX_CONTENT:,} is the most; divide it")


def check_reason(reason: str) -> None:
    """Raise `Malformed` for a decision without a reason, or with one that is too long."""
    if not reason.strip() or len(reason) > MAX_REASON:
        raise Malformed(f"a decision needs its reason; write one, of up to {MAX_REASON:,} characters")


def check_officer_id(officer: str) -> None:
    """Raise `Malformed` for what is no officer's id."""
    if not _OFFICER.fullmatch(officer):
        raise Malformed(f"{officer[:40]!r} is no officer's id; those are 16 lower-case hexadecimal digits")


def is_id(text: str) -> bool:
    """Whether `text` has the form of a case's id."""
    return _CASE.fullmatch(text) is not None
