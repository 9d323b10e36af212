"""What follows from a change in other registers: a birth makes a person, a death ends a marriage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from counterfoil.errors import NotFound, Violated
from counterfoil.ledger.constraints import claim_key
from counterfoil.ledger.declared import ClaimTarget, Constraint, Effect
from counterfoil.ledger.operands import parse_operand, values_at
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import ENDING, Claim, Entry
from counterfoil.registry.personal.change import Change, Draft

MAX_EFFECTS: Final = 100
"""How many entries may follow from one transaction's changes."""


class Effects:
    """Derives changes.

    `holder` gives the latest entry of the record that holds a claim, `latest` that of a key's, `fields` an entry's.
    """

    def __init__(
        self,
        digest: Callable[[str, Json], str],
        holder: Callable[[bytes], Entry | None],
        latest: Callable[[str, str], Entry | None],
        fields: Callable[[Entry], Mapping[str, Json]],
    ):
        self._digest = digest
        self._holder = holder
        self._latest = latest
        self._fields = fields

    def of(self, draft: Draft) -> Iterator[Change]:
        """The changes that must stand beside a draft in its transaction.

        Raises `Violated` where the target of one that is not optional is missing or has another status.
        """
        for constraint in draft.plan.effects:
            effect = constraint.effect
            if effect is None or not constraint.applies(draft.operation, draft.status):
                continue
            if not effect.was or (draft.before is not None and draft.before.status in effect.was):
                yield from self._targets(constraint, effect, draft)

    def _targets(self, constraint: Constraint, effect: Effect, draft: Draft) -> Iterator[Change]:
        fields = {name: self._value(operand, draft) for name, operand in effect.set.items()}
        if isinstance(effect.record, ClaimTarget):
            claim = effect.record.claim
            for value in _values(claim.field, draft):
                key = claim_key(Claim(claim.scope, claim.name, self._digest(claim.scope, value)))
                entry = self._holder(key)
                if self._is_due(constraint, effect, entry, draft):
                    self._check_ending(constraint, effect, entry, fields)
                    yield _change(effect, entry, fields, record=entry.record if entry else None)
        else:
            for value in _values(effect.record, draft):
                if isinstance(value, str):
                    entry = self._latest(effect.register, value)
                    if self._is_due(constraint, effect, entry, draft):
                        self._check_ending(constraint, effect, entry, fields)
                        yield _change(effect, entry, fields, key=value)

    def _is_due(self, constraint: Constraint, effect: Effect, entry: Entry | None, draft: Draft) -> bool:
        absent = entry is None
        fits = absent if effect.operation == "create" else not absent
        if entry is not None and effect.corrects:
            fits = entry.status in effect.corrects
        if fits and entry is not None and effect.from_status is not None:
            fits = entry.status == effect.from_status
        if fits:
            return True
        if effect.optional:
            return False
        what = "is not there, or not in the status for it"
        if effect.operation == "create":
            known = entry.status if entry is not None else None
            what = f"exists already and is {known}" if known is not None else "exists already"
        raise Violated(
            f"{'an' if draft.register[:1] in 'aeiou' else 'a'} {draft.register} is refused: "
            f"{constraint.says or 'what must go with it cannot'}; the record of {effect.register} that it concerns "
            f"{what} ({constraint.name}{'; ' + constraint.citation if constraint.citation else ''})",
            constraint=constraint.name,
            field=effect.record if isinstance(effect.record, str) else effect.record.claim.field,
            citation=constraint.citation,
        )

    def _check_ending(
        self, constraint: Constraint, effect: Effect, entry: Entry | None, fields: Mapping[str, Json]
    ) -> None:
        """Raise `Violated` where what ends a record would change it: an adoption ends the entry of its child only."""
        if entry is None or effect.operation not in ENDING:
            return
        standing = self._fields(entry)
        for name, value in fields.items():
            if standing.get(name) != value:
                raise Violated(
                    f"{constraint.name} would end a record of {effect.register} whose {name} is another; name the "
                    f"record that is meant{': ' + constraint.citation if constraint.citation else ''}",
                    constraint=constraint.name,
                    field=name,
                    citation=constraint.citation,
                )

    def _value(self, operand: str | None, draft: Draft) -> Json:
        if operand is None:
            return None
        read = parse_operand(operand)
        if read.literal is not None:
            return read.literal
        if read.clock is not None:
            return draft.circumstances.get(read.clock)
        if read.path is None or read.into is not None:
            raise NotFound(
                f"{operand!r} cannot give a value to an effect; name a field, a circumstance or a literal"
            )
        return next(values_at(dict(draft.fields), read.path.steps), None)


def _values(operand: str, draft: Draft) -> list[Json]:
    read = parse_operand(operand)
    return list(values_at(dict(draft.fields), read.path.steps)) if read.path is not None else []


def _change(
    effect: Effect,
    entry: Entry | None,
    fields: dict[str, Json],
    *,
    key: str | None = None,
    record: str | None = None,
) -> Change:
    operation = "correct" if effect.corrects and entry is not None else effect.operation
    if operation == "create":  # elsewhere, what is not known is taken out of what stood before
        fields = {name: value for name, value in fields.items() if value is not None}
    return Change(
        effect.register, operation, fields, key, record, status=effect.status, merge=operation != "create"
    )
