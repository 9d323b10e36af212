"""What a record of `.register` declares: the fields of a definition, as they stand in the log."""

from __future__ import annotations

from typing import Literal

import msgspec

from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import WRITING
from counterfoil.proof.rules import ALWAYS


class ClaimOf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The record that holds, in `scope`, the claim of this name for the value of `field`."""

    scope: str
    name: str
    field: str


class ClaimTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A target that is found by the claim it holds."""

    claim: ClaimOf


class Effect(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"from_status": "from-status"},
):
    """An entry that must be in the same transaction: `operation` on a record of `register`, giving it `status`.

    `record` is the operand that names the target by its key, or the claim that it holds. `from_status`: the status
    that the target had before. `set`: its fields after, each by the operand that gives the value (null: it has no such
    field then); where the target ends, they must be so already. `optional`: there need be no such entry where there is
    no target, or where it had another status. `was`: only what had one of these statuses asks for it (none: whatever
    it had). `corrects`: the statuses in which a target that is there already is corrected instead of created.
    """

    register: str
    record: str | ClaimTarget
    operation: str
    status: str | None = None
    from_status: str | None = None
    set: dict[str, str | None] = {}
    optional: bool = False
    was: tuple[str, ...] = ()
    corrects: tuple[str, ...] = ()


class Constraint(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"at_most": "at-most"},
):
    """A declared rule. Which members a kind uses is said at the function that judges it (`constraints`).

    It is asked for these `operations` (none: create, amend and correct; kinds in `rules.ALWAYS`: all), and where the
    entry's own status is one of `when` (none: whatever it is). Each such change needs the endorsements that `policy`
    asks for. `says`: what must hold, as a short sentence for people.
    """

    kind: str
    name: str
    fields: tuple[str, ...] = ()
    register: str | None = None
    status: tuple[str, ...] = ()
    initial: tuple[str, ...] = ()
    transitions: dict[str, tuple[str, ...]] = {}
    operations: tuple[str, ...] = ()
    policy: Json | None = None
    citation: str | None = None
    when: tuple[str, ...] = ()
    scope: str | None = None
    claim: str | None = None
    against: tuple[str, ...] = ()
    least: int | None = None
    role: str | None = None
    control: bool = False
    group: str | tuple[str, ...] = ()
    equals: str | None = None
    at_most: str | None = None
    moves: str | None = None
    until: str | None = None
    apart: str | None = None
    strict: bool = False
    absent: bool = False
    effect: Effect | None = None
    says: str | None = None

    def concerns(self, operation: str) -> bool:
        """Whether it is asked for changes by this operation."""
        if self.operations:
            return operation in self.operations
        return self.kind in ALWAYS or operation in WRITING

    def applies(self, operation: str, status: str | None) -> bool:
        """Whether it is asked of an entry by this operation and with this status."""
        return self.concerns(operation) and (not self.when or status in self.when)

    @property
    def groups(self) -> tuple[str, ...]:
        """The members of a list's objects by which amounts are grouped."""
        return (self.group,) if isinstance(self.group, str) else self.group


class KeyForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How keys are compared: always in NFC, with or without regard to case and spaces."""

    case: Literal["keep", "fold"] = "keep"
    spaces: Literal["keep", "collapse", "remove"] = "keep"


class Purpose(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why items may be read: under which law, which of their fields (None: all), in which status (none: in any).

    `history`: of every version, and not of the latest alone. `case`: only where the procedure is named.
    """

    law: str
    fields: tuple[str, ...] | None = None
    when: tuple[str, ...] = ()
    history: bool = False
    case: bool = False


class Objection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A time for objections: a transaction with such a change takes effect `days` after it arrived, or later."""

    operations: tuple[str, ...]
    days: int
    when: tuple[str, ...] = ()


class Late(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is entered late: a record created more than `after` (a duration) later than the day in its `field`.

    A second officer decides it, with documents of the kinds `attached`. Asked where its status is one of `when` (none:
    whatever it is), and never of what is taken over as found, which a second officer decides anyway.
    """

    field: str
    after: str
    when: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()


class CoreItem(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"left_out": "left-out"},
):
    """A core item of a standard, the field that holds it, or the reason why none does."""

    item: str
    source: str
    field: str | None = None
    left_out: str | None = None


class DefinitionFields(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={
        "record_id": "record-id",
        "key_form": "key-form",
        "authority_from": "authority-from",
        "four_eyes": "four-eyes",
    },
):
    """The fields of a record of `.register`.

    `authority` is the agency that keeps the register; `policy` says who endorses its entries (the authority alone
    where it is left out). `recovery` is the quorum that may stand in for a record's `control`: for lost keys and court
    orders. `key` names the field that the record is named by, `key_form` how keys are compared. `append`: the ledger
    gives the version and every operation is `amend`. `record_id` names the scheme by which a record gets its name.
    `subjects`: for each slot the path of the field with that person's number (None: the record itself is the person).
    `scopes`: where its entries may claim, and in no other. Registers share a scope by listing it, so whoever votes for
    a definition votes for its scopes. `purposes`: why items may be read. `attachments`: by operation or status, the
    kinds of document that must be attached. `authority_from`: the date from which the agency may state what is valid.
    `four_eyes`: what a second officer decides, by operation, or by the status that a record is brought into; what
    follows from another change is decided with that one. `late`: what is entered so late that a second officer decides.
    `core`: where a standard's core items are.
    """

    title: str
    authority: str
    description: str | None = None
    policy: Json | None = None
    recovery: Json | None = None
    key: str | None = None
    schema: Json | None = None
    append: bool = False
    constraints: tuple[Constraint, ...] = ()
    record_id: str = "natural"
    law: str | None = None
    source: Json | None = None
    key_form: KeyForm = KeyForm()
    subjects: dict[str, str | None] = {}
    scopes: tuple[str, ...] = ()
    purposes: dict[str, Purpose] = {}
    attachments: dict[str, tuple[str, ...]] = {}
    authority_from: str | None = None
    objection: Objection | None = None
    four_eyes: tuple[str, ...] = ()
    late: Late | None = None
    core: tuple[CoreItem, ...] = ()
