"""What an audit finds, and how it is collected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from counterfoil.errors import CounterfoilError
from counterfoil.proof.entry import Entry

CANNOT_SEE: Final = (
    "No audit of a lone node can see a rebuild by someone who holds all its keys: keep checkpoints elsewhere, "
    "or have them cosigned by a witness, and compare."
)
ADVICE: Final = "; run counterfoil audit"
"""How the messages of `Damaged` end, which is no advice to whoever reads a finding."""
LAST_CLAUSE: Final = re.compile(r"; [^';]*$")
"""How the message of an error says what to do; a clause that quotes something says more of what is wrong."""
MAX_ALIKE: Final = 20
"""How many findings of one kind in one table are listed; of the others only the number is."""

Progress = Callable[[int, int], None]
"""Told how many entries are done, of how many."""


def reason(error: CounterfoilError) -> str:
    """What is wrong by an error, without its advice, which is meant for whoever submits or asks."""
    return LAST_CLAUSE.sub("", str(error))


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
    """Collects faults, and what could not be checked."""

    found: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    _alike: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(
        self,
        what: str,
        where: str,
        entry: Entry | None = None,
        *,
        number: int | None = None,
        field: str | None = None,
    ) -> None:
        """Note a fault, about `entry` where it could be read, else about the entry of that number."""
        what = what.removesuffix(ADVICE)
        alike = where.partition(" ")[0], what.partition(":")[0]
        self._alike[alike] += 1
        if self._alike[alike] > MAX_ALIKE:
            return
        if entry is None:
            self.found.append(Finding(what, where, number, field=field))
        else:
            record = entry.register, entry.record, entry.version
            self.found.append(Finding(what, where, entry.number, *record, field))

    def leave(self, what: str) -> None:
        """Note once what could not be checked, and why."""
        if what not in self.unchecked:
            self.unchecked.append(what)

    @property
    def count(self) -> int:
        """How many faults there are, listed or not."""
        return self._alike.total()

    def listed(self) -> tuple[Finding, ...]:
        """Every kind of fault, the first of each kind one by one, and how many more there are."""
        more = [
            Finding(f"{count - MAX_ALIKE} more of the kind: {what}", where)
            for (where, what), count in self._alike.items()
            if count > MAX_ALIKE
        ]
        return (*self.found, *more)
