"""Showing a personal item to somebody: the one way there is.

A `Look` holds what must be written down first, one entry of the register `disclosure` for each person concerned. It
opens the item only against the receipt that says those entries are stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import Malformed, NotFound, Refused
from counterfoil.ledger.command import Standing
from counterfoil.ledger.declared import Purpose
from counterfoil.ledger.fields import ATTACHMENTS, CIRCUMSTANCES
from counterfoil.proof.bundle import Disclosure
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry
from counterfoil.registry.personal.attachments import Attachment, parse_attachment
from counterfoil.registry.personal.opening import Items, Opened
from counterfoil.registry.personal.plan import Plan

MAX_BULK: Final = 200
"""How many records one bulk read may ask for."""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody wants to see of a record, and why. `fields`: those of it, all that the purpose allows where None.

    `version` is the version meant, the latest where it is left out; `case` is the procedure that it is for.
    """

    register: str
    purpose: Annotated[str, msgspec.Meta(max_length=255)]
    record: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    key: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    version: int | None = None
    fields: tuple[str, ...] | None = None
    case: Annotated[str, msgspec.Meta(max_length=255)] | None = None


class Shown(msgspec.Struct, frozen=True):
    """What was shown of an entry: its fields, who acted, the presentation for a proof, whether some are erased."""

    register: str
    record: str
    number: int
    version: int
    status: str | None
    fields: dict[str, Json]
    circumstances: dict[str, Json]
    erased: bool
    presentation: Disclosure | None
    disclosed_by: tuple[int, int]
    """The first entry that says that this was shown, and how many do."""


class Wanted(msgspec.Struct, frozen=True):
    """An entry that is to be shown, and the fields of it that the purpose allows and that were asked for.

    `slots` are those whose parts are opened for it.
    """

    entry: Entry
    names: tuple[str, ...]
    circumstances: bool
    slots: frozenset[int]


class Look:
    """One disclosure on its way: first `submission` is stored, and each of `more`, then `open` decrypts.

    `more` are those disclosures that do not fit into one transaction. `told` counts all of them, by purpose and
    register; where everything that is asked for is public there is none, and nothing to store.
    """

    def __init__(
        self,
        wanted: Sequence[Wanted],
        submissions: Sequence[Submission],
        told: Mapping[tuple[str, str], int],
        items: Items,
    ):
        self.submission = submissions[0] if submissions else Submission(())
        self.more = tuple(submissions[1:])
        self.told = told
        self._wanted = wanted
        self._items = items

    def open(self, receipt: Receipt, more: Sequence[Receipt] = ()) -> list[Shown]:
        """What was asked for. Raises `Refused` unless the receipts say that every disclosure is stored."""
        stored = [
            each.count if each.standing in (Standing.TAKEN, Standing.REPEATED) else -1
            for each in (receipt, *more)
        ]
        if stored != [len(each.proposals) for each in (self.submission, *self.more)]:
            raise Refused("nothing is shown before its disclosure is in the log; ask again")
        told = (receipt.first, sum(stored))
        return [self._show(wanted, told) for wanted in self._wanted]

    def attachment(self, receipt: Receipt, number: int, more: Sequence[Receipt] = ()) -> Attachment:
        """What is attached to the first record asked for, by its number from 0, with what opens it.

        Raises as `open`, `NotFound` where nothing is.
        """
        self.open(receipt, more)
        wanted = self._wanted[0]
        attached = self._items.open(wanted.entry, wanted.slots).attachments
        if not wanted.circumstances or not 0 <= number < len(attached):
            raise NotFound(f"nothing is attached under the number {number}, or the purpose does not show it")
        return parse_attachment(attached[number])

    def _show(self, wanted: Wanted, told: tuple[int, int]) -> Shown:
        entry = wanted.entry
        opened = self._items.open(entry, wanted.slots)
        fields = {name: value for name, value in opened.fields.items() if name in wanted.names}
        names = [name for name in wanted.names if name in opened.disclosures]
        if wanted.circumstances and CIRCUMSTANCES in opened.disclosures:
            names.append(CIRCUMSTANCES)
        presentation = self._items.presentation(opened, names) if names else None
        return Shown(
            entry.register,
            entry.record,
            entry.number,
            entry.version,
            entry.status,
            fields,
            _circumstances(opened) if wanted.circumstances else {},
            opened.lost,
            presentation,
            told,
        )


def _circumstances(opened: Opened) -> dict[str, Json]:
    """Who acted and why, and what is attached, without what would open it."""
    said = opened.circumstances
    if opened.attachments:
        attached = map(parse_attachment, opened.attachments)
        said[ATTACHMENTS] = [
            {"kind": each.kind, "media-type": each.media_type, "size": each.size, "hash": each.hash}
            for each in attached
        ]
    return said


def allowed_fields(plan: Plan, ask: Ask, latest: Entry) -> tuple[tuple[str, ...], str, bool]:
    """The fields that a purpose lets be shown of those asked for, its law, and whether the circumstances are too.

    `latest` is the record's latest entry: its status counts, whichever version is asked for.

    Raises `Refused` for a purpose or field that the register's definition does not allow.
    """
    definition = plan.definition
    purposes = definition.fields.purposes
    purpose = purposes.get(ask.purpose)
    if purpose is None:
        known = ", ".join(sorted(purposes)) or "none"
        raise Refused(
            f"{ask.purpose[:80]!r} is no purpose for which items of {plan.name} may be read; its definition names "
            f"{known}"
        )
    everything = (*definition.rules.rules, CIRCUMSTANCES)
    may = everything if purpose.fields is None else purpose.fields
    asked = may if ask.fields is None else ask.fields
    for name in asked:
        if name not in everything:
            raise NotFound(f"{plan.name} has no field {name[:80]!r}; its definition lists them")
        if name not in may:
            raise Refused(
                f"the purpose {ask.purpose[:80]!r} does not allow the field {name[:80]!r} of {plan.name} to be read"
            )
    _check_purpose(plan, purpose, ask, latest)
    names = tuple(name for name in asked if name != CIRCUMSTANCES)
    if not names and CIRCUMSTANCES not in asked:
        raise Malformed("ask for one field at least")
    return names, purpose.law, CIRCUMSTANCES in asked


def _check_purpose(plan: Plan, purpose: Purpose, ask: Ask, latest: Entry) -> None:
    """Raise `Refused` unless a purpose lets this record and version be read, and what it asks for is named."""
    if purpose.when and latest.status not in purpose.when:
        raise Refused(
            f"the purpose {ask.purpose[:80]!r} does not allow a record of {plan.name} to be read that is "
            f"{latest.status}"
        )
    # Where a register only appends, no version takes the place of another.
    appends = plan.definition.append
    if ask.version is not None and ask.version < latest.version and not (appends or purpose.history):
        purposes = plan.definition.fields.purposes.items()
        may = ", ".join(sorted(name for name, each in purposes if each.history))
        raise Refused(
            f"the purpose {ask.purpose[:80]!r} does not allow an earlier version of {plan.name} to be read; "
            f"{f'for those there is {may}' if may else 'its definition has none for those'}"
        )
    if purpose.case and not (ask.case or "").strip():
        raise Refused(
            f"the purpose {ask.purpose[:80]!r} needs the case that {plan.name} is read for; name the order or procedure"
        )
