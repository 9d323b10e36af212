"""The endorsements that a change needs are the same for the ledger and for whoever verifies it offline."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.scope import Scope
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import canonical
from counterfoil.proof.entry import OPERATIONS, Proposal, decode_entry
from counterfoil.proof.rules import read_rules
from tests.ledger_fixture import COURT, LAND, START, TAX, MemoryLedger, agency, of

STATUSES = (None, "draft", "final")
KINDS: dict[str, dict[str, Any]] = {
    "authorised-by": {"control": True},
    "quorum": {},
    "order": {"fields": ["a", "b"]},
    "immutable": {"fields": ["a"]},
    "transition": {"initial": ["draft"]},
    "sum": {"fields": ["a"], "equals": "=1"},
}
CONSTRAINTS = st.builds(
    lambda kind, operations, when, policy: (
        KINDS[kind]
        | {"kind": kind, "operations": operations, "when": when}
        | ({"policy": of(2, agency(LAND), agency(policy))} if policy or kind == "quorum" else {})
    ),
    st.sampled_from(sorted(KINDS)),
    st.lists(st.sampled_from(sorted(OPERATIONS)), unique=True, max_size=2),
    st.lists(st.sampled_from(STATUSES[1:]), unique=True, max_size=1),
    st.sampled_from([COURT, TAX]),
)


@given(st.lists(CONSTRAINTS, max_size=4), st.sampled_from(sorted(OPERATIONS)), st.sampled_from(STATUSES))
def test_a_change_needs_the_same_endorsements_here_and_offline(
    constraints: list[dict[str, Any]], operation: str, status: str | None
) -> None:
    ledger = MemoryLedger(LAND, COURT, TAX)
    ledger.define(
        "title", constraints=[each | {"name": str(number)} for number, each in enumerate(constraints)]
    )
    asked = ledger.transaction(Proposal("title", "1", operation, 1, status))
    here = Scope(View(ledger.state, START), Knowledge(), asked).policies()
    offline = read_rules(decode_entry(ledger.state.entries[-1])).policies(operation, status)
    assert {canonical(each) for each in here} == {canonical(each) for each in offline}
