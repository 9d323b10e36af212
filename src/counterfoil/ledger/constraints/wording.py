"""Which operands a constraint is made of, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.ledger.declared import ClaimTarget, Constraint


def operands_of(constraint: Constraint) -> Iterator[str]:
    """Every operand and path by which a constraint names something of its own record, in their order."""
    if constraint.kind in {"immutable", "unique"}:
        # Names as they are: they are compared whole, and may hold any character.
        return
    yield from constraint.fields
    for text in (constraint.equals, constraint.at_most, constraint.moves):
        if text is not None:
            yield text
    effect = constraint.effect
    if effect is not None:
        yield effect.record.claim.field if isinstance(effect.record, ClaimTarget) else effect.record
        yield from (text for text in effect.set.values() if text is not None)


def fields_of(constraint: Constraint) -> frozenset[str]:
    """The names of the fields that unique and immutable constraints are about."""
    return frozenset(constraint.fields) if constraint.kind in {"immutable", "unique"} else frozenset()
