"""What an audit finds, and the report it gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from counterfoil.proof.entry import Entry

CANNOT_SEE: Final = (
    "No audit of a lone node can see a rebuild by someone who holds all its keys: keep checkpoints elsewhere, "
    "or have them cosigned by a witness, and compare."
)
MAX_FINDINGS: Final = 1_000

Progress = Callable[[int, int], None]
"""Told how many entries are done, of how many."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault: what is wrong, where it is stored, and which record it concerns where that can be told."""

    what: str
    where: str
    number: int | None = None
    register: str | None = None
    record: str | None = None
    version: int | None = None
    field: str | None = None

    @property
    def sentence(self) -> str:
        """The finding as people read it."""
        name = f"{self.register} {self.record!r}, version {self.version}: " if self.register else ""
        return f"{self.where}: {name}{self.what}"


@dataclass
class Findings:
    """Collects faults and what could not be checked; past a thousand only their number grows."""

    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, what: str, where: str, entry: Entry | None = None, *, number: int | None = None, field: str | None = None) -> None:
        """Note a fault, about `entry` where it could be read."""
        self.count += 1
        if len(self.findings) >= MAX_FINDINGS:
            return
        if entry is None:
            self.findings.append(Finding(what, where, number))
        else:
            self.findings.append(
                Finding(what, where, entry.number, entry.register, entry.record, entry.version, field)
            )
