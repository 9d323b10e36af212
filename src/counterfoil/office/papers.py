"""What lies on the desk while it waits for a second officer, in the form in which it is sealed there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from counterfoil.registry.desk.budget import decode_request
from counterfoil.registry.desk.case import READING
from counterfoil.registry.desk.refusals import REFUSED
from counterfoil.registry.personal.change import Acting, Change
from counterfoil.registry.personal.erasing import Erasure
from counterfoil.registry.personal.identifying import DUPLICATE_CHECK

ASKED_WITH: Final = {REFUSED: "write", DUPLICATE_CHECK: "search"}
"""By purpose, what an officer does who asks for a larger budget, where that is not to disclose."""
CHANGE: Final = "change"
ERASURE: Final = "erasure"


class ChangePaper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Changes that wait, who asked for them, and what was asked of their transaction."""

    changes: tuple[Change, ...]
    acting: Acting
    not_before: str | None = None
    deadline: str | None = None


class ErasurePaper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An erasure that waits, and who asked for it."""

    erasure: Erasure
    acting: Acting


def changes_of(kind: str, content: bytes) -> tuple[Change, ...]:
    """What a case would change, by its kind; an erasure changes nothing of what its record says, and is one too."""
    if kind == CHANGE:
        return decode_change(content).changes
    if kind == ERASURE:
        erasure = decode_erasure(content).erasure
        return (Change(erasure.register, "erase", key=erasure.key, record=erasure.record),)
    return ()


def pinned(changes: Sequence[Change], versions: Sequence[int | None]) -> tuple[Change, ...]:
    """The changes, each on the version of its record that it was judged on: what is approved is made on no other."""
    return tuple(
        change if version is None or change.version is not None else replace(change, version=version)
        for change, version in zip(changes, versions, strict=False)
    )


def asked_by(kind: str, content: bytes) -> str | None:
    """The pseudonym of the officer, as a person, whose case it is; None where it is not known."""
    if kind == READING:
        return decode_request(content).subject
    paper = decode_change(content) if kind == CHANGE else decode_erasure(content)
    return paper.acting.subject


def encode(paper: ChangePaper | ErasurePaper) -> bytes:
    """A paper's bytes."""
    return msgspec.json.encode(paper)


def decode_change(content: bytes) -> ChangePaper:
    """Read a change that waits."""
    return msgspec.json.decode(content, type=ChangePaper)


def decode_erasure(content: bytes) -> ErasurePaper:
    """Read an erasure that waits."""
    return msgspec.json.decode(content, type=ErasurePaper)
