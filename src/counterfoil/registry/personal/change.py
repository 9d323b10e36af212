"""What an officer asks to have changed, and what becomes of it: fields in plain, before anything is sealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

import msgspec

from counterfoil.engine.submission import Receipt
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, Reference
from counterfoil.registry.personal.plan import Plan

AS_FOUND: Final = "as-found"
"""The status of what was taken over from an older book as it stood there."""
FOUND: Final = "as found; earlier history not attested"
STATED: Final = frozenset(
    {
        "on-behalf-of",
        "why",
        "law",
        "case",
        "recorded",
        "valid-from",
        "valid-to",
        "place",
        "number",
        "not-same",
        "source",
    }
)
"""The circumstances that whoever asks for a change may state; the others are added here."""


class Acting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who acts: a person, a system rule or an operator, by key id; `subject` is the pseudonym of that person."""

    actor: str
    officer: str
    subject: str | None = None


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One change of one record. The record is named by its natural `key`, by `record`, or by the key among `fields`.

    `version` is the version that the change was made on (the next one is written; None for whatever stands). `fields`
    is the whole content, or with `merge` those fields that change, or with `patch` a merge patch (RFC 7396) over them.
    `status` stays as it was where it is left out.
    `attachments` are those that `attachments.seal_attachment` gave.
    """

    register: str
    operation: str = "create"
    fields: dict[str, Json] = {}
    key: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    record: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    version: int | None = None
    status: str | None = None
    merge: bool = False
    patch: bool = False
    circumstances: dict[str, Json] = {}
    control: Json | None = None
    references: tuple[Reference, ...] = ()
    document: str | None = None
    attachments: tuple[Json, ...] = ()


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a second officer decided of a change that waited, and why. `of`: why it waited; None: whatever it was."""

    officer: str
    reason: str
    of: tuple[str, ...] | None = None


@dataclass
class Draft:
    """One entry in the making: what it will say in full, and the version before it."""

    plan: Plan
    record: str
    operation: str
    version: int | None
    status: str | None
    fields: Mapping[str, Json]
    circumstances: dict[str, Json]
    before: Entry | None
    before_fields: Mapping[str, Json] = field(default_factory=dict)
    key: str | None = None
    control: Json | None = None
    references: tuple[Reference, ...] = ()
    document: str | None = None
    attachments: tuple[Json, ...] = ()
    effect: bool = False
    """Whether it follows from another change of the same transaction."""

    @property
    def register(self) -> str:
        """The register's name."""
        return self.plan.name

    @property
    def found(self) -> bool:
        """Whether it is taken over from an older book, as it stood there."""
        return self.status == AS_FOUND


class Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A change that waits on the desk for a second officer: its case, and why."""

    case: str
    reasons: tuple[str, ...]


class Filed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of changes: a receipt of the ledger's, or the case in which they wait; the records they are about."""

    records: tuple[tuple[str, str], ...]
    receipt: Receipt | None = None
    waiting: Waiting | None = None
