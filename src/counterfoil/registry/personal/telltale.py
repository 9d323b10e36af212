"""Which refusals may tell whoever is refused something of records that were not shown to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from counterfoil.ledger.declared import Constraint
from counterfoil.registry.personal.plan import Plan

BEFORE_JUDGING: Final = frozenset(
    {"schema", "ended", "erase", "as-found", "attachments", "own-record", "authority-from", "references"}
)
"""What is asked of a change alone, before any constraint looks at another record."""
_BETWEEN_RECORDS: Final = frozenset({"reference", "exclusive", "unique", "blocked-by", "effect"})


def tells_of_others(constraint: str, plans: Iterable[Plan]) -> bool:
    """Whether a refusal by a constraint may tell something of other records, in changes of these registers.

    Which constraint refused does not matter: that it was not an earlier one tells of that one, too.
    """
    if constraint in BEFORE_JUDGING:
        return False
    return any(_looks_at_others(each) for plan in plans for each in plan.definition.constraints)


def _looks_at_others(constraint: Constraint) -> bool:
    return constraint.kind in _BETWEEN_RECORDS or any(">" in operand for operand in constraint.fields)
