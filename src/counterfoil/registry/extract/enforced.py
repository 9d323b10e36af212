"""Which of a register's rules were checked by whom, as its definition has it."""

from __future__ import annotations

from typing import NamedTuple

from counterfoil.ledger.constraints import enforcement
from counterfoil.ledger.definition import parse_definition
from counterfoil.proof.entry import Entry


class Rule(NamedTuple):
    """A rule by name: what must hold, its kind and citation, who checked it, and what is to be said beside."""

    name: str
    says: str | None
    kind: str
    citation: str | None
    by: str
    remark: str


def rules_of(defined: Entry, operation: str, status: str | None) -> tuple[Rule, ...]:
    """The rules that were asked of an entry by this operation and status, in the order of the definition.

    `defined` is the entry of `.register`. Raises `Malformed` where it is no definition that is known here.
    """
    definition = parse_definition(defined.record, defined.fields)
    found = []
    for constraint in definition.constraints:
        if constraint.applies(operation, status):
            enforced = enforcement(definition, constraint)
            found.append(
                Rule(
                    constraint.name,
                    constraint.says,
                    constraint.kind,
                    constraint.citation,
                    enforced.by.value,
                    enforced.remark,
                )
            )
    return tuple(found)
