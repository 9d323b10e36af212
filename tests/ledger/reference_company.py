"""Companies of the small world: share classes, holdings and who agrees to what, and a model of their rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from counterfoil.proof.entry import Proposal
from tests.ledger_fixture import COURT, LAND, agency, of

COMPANY: dict[str, Any] = {
    "constraints": [
        {
            "kind": "sum",
            "name": "issued-within-authorised",
            "fields": ["holdings/*/shares"],
            "group": "class",
            "at-most": "classes/*/shares",
        },
        {
            "kind": "sum",
            "name": "holders-move",
            "fields": ["holdings/*/shares"],
            "group": ["owner", "class"],
            "moves": "moves",
        },
        {"kind": "authorised-by", "name": "someone-controls", "control": True, "when": ["active"]},
        {
            "kind": "quorum",
            "name": "court-dissolves",
            "operations": ["close"],
            "policy": of(2, agency(LAND), agency(COURT)),
        },
    ]
}


def company_breaks(proposal: Proposal) -> Iterator[str]:
    """The rules that a version of a company breaks by itself."""
    if proposal.operation == "close":
        return
    authorised = _counted(proposal.fields["classes"], "class")
    if any(
        issued > authorised[name] for name, issued in _counted(proposal.fields["holdings"], "class").items()
    ):
        yield "issued-within-authorised"
    if proposal.status == "active" and proposal.control is None:
        yield "someone-controls"


def moved(before: Proposal, after: Proposal) -> bool:
    """Whether the moves of shares make what was held into what is held, and nobody gives more than he holds."""
    purses = _counted(before.fields["holdings"], "owner", "class")
    for move in after.fields["moves"]:
        if "from" in move:
            purses[move["from"], move["class"]] -= move["shares"]
        if purses[move.get("from"), move["class"]] < 0 or move["shares"] == 0:
            return False
        if "to" in move:
            purses[move["to"], move["class"]] += move["shares"]
    held = _counted(after.fields["holdings"], "owner", "class")
    return all(purses[each] == held[each] for each in purses.keys() | held.keys())


def _counted(members: list[dict[str, Any]], *names: str) -> Counter[Any]:
    """How many shares there are by one member, or by several together."""
    found: Counter[Any] = Counter()
    for each in members:
        found[each[names[0]] if len(names) == 1 else tuple(each[name] for name in names)] += each["shares"]
    return found
