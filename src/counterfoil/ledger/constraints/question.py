"""What a constraint is asked, by whose eyes it is judged, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final, NamedTuple, Protocol

from counterfoil.ledger.definition import Definition
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, Proposal


class Verdict(Enum):
    """What a constraint answers."""

    TRUE = "true"
    FALSE = "false"
    UNDECIDABLE = "undecidable"


class Answer(NamedTuple):
    """A verdict, and why where that is not plain from the constraint; it names no personal value.

    `field` is that of the operand which failed; None where the answer is about none of them.
    """

    verdict: Verdict
    reason: str = ""
    field: str | None = None


TRUE: Final = Answer(Verdict.TRUE)
UNDECIDABLE: Final = Answer(Verdict.UNDECIDABLE)


def false(reason: str = "", field: str | None = None) -> Answer:
    """The answer that the constraint is broken, perhaps by one field."""
    return Answer(Verdict.FALSE, reason, field)


class Unknown(Enum):
    """What the asker cannot see; not the same as what is not there."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


class Absent(Enum):
    """What the asker can see is not there."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class Fields(NamedTuple):
    """The fields of one version of a record, as the asker sees them.

    A name in `hidden` is unknown, not absent; where it is `open`, so is every name that has no value here.
    """

    values: Mapping[str, Json]
    hidden: frozenset[str] = frozenset()
    open: bool = False

    def get(self, name: str) -> Json | Absent | Unknown:
        """A field's value, or whether it is absent or unknown."""
        if name in self.values:
            return self.values[name]
        return UNKNOWN if self.open or name in self.hidden else ABSENT


class Standing(NamedTuple):
    """Whether a record exists, its status, and whether it has ended."""

    exists: bool
    status: str | None = None
    ended: bool = False

    def stands(self, status: Sequence[str]) -> bool:
        """Whether the record is live, and in one of these statuses (none: in any)."""
        return self.exists and not self.ended and (not status or self.status in status)


class Sight(Protocol):
    """What the asker can see. The ledger's is `ClearSight`; the submitting agency sees items too.

    A record is asked for by `value`, its key. All but `was` and `holder` speak of the state after the transaction.
    """

    @property
    def now(self) -> int:
        """The time by which `:now` is judged, in seconds since 1970."""
        ...

    def fields(self, content: Entry | Proposal | None) -> Fields:
        """The fields of one version of a record of any register; none where there is none."""
        ...

    def circumstances(self, content: Entry | Proposal | None) -> Mapping[str, Json] | None:
        """The circumstances that a version states; None where they are unknown."""
        ...

    def name(self, register: str, value: Json) -> str | Unknown | None:
        """The name (natural or pseudonym) of the record with this key; None where no record could have it."""
        ...

    def follow(self, register: str, value: Json) -> Fields | Unknown | None:
        """The latest fields of the record with this key; None where there is none."""
        ...

    def standing(self, register: str, value: Json) -> Standing | Unknown:
        """Whether the record with this key exists, its status, and whether it has ended."""
        ...

    def was(self, register: str, record: str) -> Standing | Unknown:
        """The same of a record by its name, before the transaction."""
        ...

    def holder(self, scope: str, claim: str, value: Json) -> tuple[str, str] | Unknown | None:
        """The record (register, name) that held, before the transaction, the claim of this name for a key."""
        ...


class Question(NamedTuple):
    """One change of one record, and the state after its whole transaction.

    For a constraint that compares, `before` is the version before; for the others, that before the transaction.
    `proposals` are all of the transaction's.
    """

    definition: Definition
    before: Entry | Proposal | None
    after: Proposal
    view: View
    proposals: Sequence[Proposal]
    sight: Sight
