"""What a verification has found out about endorsements, and how it says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from counterfoil.proof.report import entries, quoted


class Endorsed(NamedTuple):
    """Of a group of entries: their register, what asks for endorsements, and who gave them.

    `endorsed`: so were the rules and keys by which they are judged, back to the log's beginning. `in_force`: these
    were the latest then. `whole`: what the versions before asked for is part of it. `append`: the ledger gave the
    versions. `unseen`: the ledger could not judge all that the definition says; `seconded` names what another
    agency did.
    """

    register: str
    rules: str
    signers: tuple[str, ...]
    endorsed: bool
    in_force: bool
    whole: bool
    append: bool
    unseen: bool
    seconded: tuple[str, ...] = ()

    def describe(self, group: Iterable[int]) -> str:
        """What was shown of these entries, as a sentence."""
        signers = " and ".join(self.signers)
        said = f"{quoted(self.register)} {entries(group)}: endorsed by {signers}, as {self.rules} asks"
        if self.append:
            said += "; their versions were given by the ledger"
        if self.unseen:
            said += "; what the ledger cannot see of them was checked by the submitting agency only"
            if self.seconded:
                said += f", but for {', '.join(self.seconded)}, which a second agency endorsed"
        if not self.whole:
            said += "; what the version before asked for is not shown"
        if not self.endorsed:
            said += "; who endorsed those rules and keys is not shown"
        if not self.in_force:
            said += "; whether those rules and keys were still in force is not shown"
        return said


@dataclass
class Endorsing:
    """What checking the policies has found: the groups endorsed, what is not shown, and which rules were used."""

    groups: dict[Endorsed, list[int]] = field(default_factory=dict)
    unshown: list[str] = field(default_factory=list)
    used: dict[int, int] = field(default_factory=dict)
    """From the number of an entry that sets a rule or a key to the last transaction judged by it."""

    def describe(self) -> Iterator[tuple[str, str]]:
        """For each group of entries that were endorsed alike, their register and a sentence."""
        for endorsed, group in self.groups.items():
            yield endorsed.register, endorsed.describe(sorted(group))
