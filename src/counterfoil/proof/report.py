"""What a verification says: its steps, what was shown, the verdict and the trust level, all in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["valid", "consistent, signer unknown", "not valid"]
Level: TypeAlias = Literal["sealed here", "witnessed", "replicated", "published"]

VALID: Final = "valid"
"""A trust policy was given and is met, and no step failed."""
CONSISTENT: Final = "consistent, signer unknown"
"""No step failed, but no trust policy says whose signatures count."""
NOT_VALID: Final = "not valid"

SEALED_HERE: Final = "sealed here"
"""One node: changes are detected and repaired."""
WITNESSED: Final = "witnessed"
"""Independent cosigners: a split view shows."""
REPLICATED: Final = "replicated"
"""Four agencies or more: no single one can change or delete."""
PUBLISHED: Final = "published"
"""The root stands outside, where whoever keeps the ledger cannot take it back."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9./:_-]+", re.ASCII)


class Step(msgspec.Struct, frozen=True):
    """One step: its name, whether it passed (None: it was not checked), and what was compared with what."""

    name: str
    passed: bool | None
    detail: str


class Report(msgspec.Struct, frozen=True):
    """What a verification found.

    `claims` says in plain words what was shown; nothing is where the verdict is "not valid". `level` is how far
    one must trust whoever keeps the ledger, in the four words used everywhere; None unless the verdict is
    "valid". Steps that were not checked stand among `steps`: read them before relying on what they are about.
    """

    verdict: Verdict
    level: Level | None
    claims: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that did not pass."""
        return tuple(step for step in self.steps if step.passed is False)

    @property
    def unchecked(self) -> tuple[Step, ...]:
        """The steps that were not checked."""
        return tuple(step for step in self.steps if step.passed is None)


def quoted(text: str) -> str:
    """A name from outside as a sentence can hold it: as it is where it is plain, else in quotes and escaped.

    What cannot be printed, line ends and marks that turn text round among it, is written as a code: a report must
    not be made to say what it does not by a name within it.
    """
    return text if _PLAIN.fullmatch(text) else repr(text)


def numbers(values: Iterable[int]) -> str:
    """Ascending numbers with runs of three and more drawn together: `1 to 3, 7, 8`."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return ", ".join(
        f"{first} to {last}" if last > first + 1 else ", ".join(map(str, range(first, last + 1)))
        for first, last in runs
    )


def entries(values: Iterable[int]) -> str:
    """Ascending entry numbers with their noun: `entry 7`, `entries 1 to 3, 7`."""
    said = numbers(values)
    return f"entry {said}" if said.isdecimal() else f"entries {said}"


def plural(count: int, noun: str) -> str:
    """A number and its noun: `1 entry`, `2 entries`, `2 hashes`."""
    if count == 1:
        return f"1 {noun}"
    if noun.endswith("ry"):
        return f"{count} {noun[:-1]}ies"
    return f"{count} {noun}es" if noun.endswith("sh") else f"{count} {noun}s"
