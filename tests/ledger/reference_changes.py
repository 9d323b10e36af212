"""Changes of the small world, drawn so that most are plausible as it stands, and some are wrong."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from counterfoil.proof.entry import Claim, Proposal, Reference
from tests.ledger.reference_world import Model
from tests.ledger_fixture import COURT, agency, claim

PEOPLE, RECORDS = ("p", "q", "r"), ("1", "2")
BORN = ("1980-05-01", "2008-11-22", "2008-11-23", "2008-02-29", "2008-11", "2008", "1990~", "2027")
DAYS = ("2026-11-22", "2026-11-23", "2026-11-24", "2026", "2007", "2026-11", "2010?")
TERMS = ("2026-11-22", "2026-11-24", "2026-10", "2030?")
OWNERS = ("x", "y", "z")


def mostly(likely: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([likely] * 7 + list(others))


@st.composite
def changes(draw: st.DrawFn, model: Model) -> list[Proposal]:
    """A change that is plausible as the world stands, with what it entails; or something left out or wrong."""
    register = draw(st.sampled_from([*["person", "marriage", "death", "title", "company"] * 2, "charge"]))
    record = draw(st.sampled_from(PEOPLE if register == "person" else RECORDS))
    held = model.world.get((register, record))
    if held is not None and held.ended:
        return []
    version = held.proposal.version + 1 if held and held.proposal.version else 1
    operation = "create" if held is None else draw(mostly("amend", "close", "amend"))
    content = MAKERS[register](draw, model, held.proposal if held else None, operation)
    proposal = Proposal(register, record, operation, version, **content)
    return [proposal, *_entailed(draw, model, proposal)]


def _entailed(draw: st.DrawFn, model: Model, proposal: Proposal) -> list[Proposal]:
    if proposal.register != "death" or proposal.operation == "close" or not draw(mostly(True, False)):
        return []
    person = model.world.get(("person", proposal.fields["person"]))
    entailed = []
    if person is not None and not person.ended:
        died = {"died": proposal.fields["date"]} if draw(mostly(True, False)) else {}
        entailed = [_again(person.proposal, draw(mostly("dead", "alive")), **died)]
    for held in list(model.world.values()):
        each = held.proposal
        married = each.register == "marriage" and each.status == "married" and not held.ended
        theirs = claim("married", proposal.fields["person"]) in each.claims
        if married and theirs and draw(mostly(True, False)):
            entailed.append(_again(each, "ended"))
    return entailed


def _again(before: Proposal, status: str, **more: str) -> Proposal:
    version = (before.version or 0) + 1
    body = {"fields": before.fields | more}
    return Proposal(before.register, before.record, "amend", version, status, body)


def person(draw: st.DrawFn, model: Model, before: Proposal | None, operation: str) -> dict[str, Any]:
    born = draw(st.sampled_from([None, *BORN])) if before is None else before.fields.get("born")
    if before is not None and draw(st.booleans()):
        born = draw(st.sampled_from(BORN))
    status = draw(mostly("alive" if before is None else before.status, "dead", "alive", None))
    died = before.fields.get("died") if before is not None else None
    fields = {"born": born, "died": died}
    return {
        "status": status,
        "body": {"fields": {name: each for name, each in fields.items() if each is not None}},
    }


def marriage(draw: st.DrawFn, model: Model, before: Proposal | None, operation: str) -> dict[str, Any]:
    if before is None:
        a, b = draw(mostly(*[draw(st.permutations(PEOPLE))[:2]] * 2, ["p", "p"]))
        fields = {"a": a, "b": b, "date": draw(st.sampled_from(DAYS))}
    else:
        fields = before.fields
    status = draw(mostly("married" if before is None else "ended", "married", "ended"))
    return {"status": status, "body": {"fields": fields}, "claims": claimed(draw, "married", status, fields)}


def claimed(draw: st.DrawFn, name: str, status: str, fields: dict[str, Any]) -> tuple[Claim, ...]:
    due = [fields["a"], fields["b"]] if status == "married" else []
    stated = draw(mostly(due, due[:1], [*due, "r"], [*due[:1], "q"]))
    return tuple(claim(name, each) for each in stated)


def death(draw: st.DrawFn, model: Model, before: Proposal | None, operation: str) -> dict[str, Any]:
    who = draw(st.sampled_from(PEOPLE)) if before is None else before.fields["person"]
    stated = draw(mostly((who,), (), (who, "q")))
    fields = {"person": who, "date": draw(st.sampled_from(DAYS))}
    return {"body": {"fields": fields}, "claims": tuple(claim("dead", each) for each in stated)}


def title(draw: st.DrawFn, model: Model, before: Proposal | None, operation: str) -> dict[str, Any]:
    if before is None:
        shares = draw(mostly(["1/2", "0.5"], ["1"], ["1/3", "1/3", "2/6"], ["1/2"]))
        return {"body": {"fields": {"owners": _owned(shares)}}}
    held = before.fields["owners"]
    giver = draw(mostly(held[0]["owner"], *OWNERS))
    taker = draw(st.sampled_from([each for each in OWNERS if each != giver]))
    share = draw(mostly("1/4", "1/2", "0", "1"))
    after = draw(mostly(_moved(held, giver, taker, share), held, _owned(["1"])))
    moves = draw(mostly([{"from": giver, "to": taker, "share": share}], []))
    return {"body": {"fields": {"owners": after, "moves": moves}}}


def _owned(shares: list[str]) -> list[dict[str, str]]:
    return [{"owner": owner, "share": share} for owner, share in zip(OWNERS, shares, strict=False)]


def _moved(held: list[dict[str, str]], giver: str, taker: str, share: str) -> list[dict[str, str]]:
    sums = {each["owner"]: Fraction(each["share"]) for each in held}
    sums[giver] = max(sums.get(giver, Fraction()) - Fraction(share), Fraction())
    sums[taker] = sums.get(taker, Fraction()) + Fraction(share)
    return [
        {"owner": each, "share": f"{sums[each].numerator}/{sums[each].denominator}"}
        for each in sums
        if sums[each]
    ]


def charge(draw: st.DrawFn, model: Model, before: Proposal | None, operation: str) -> dict[str, Any]:
    on = draw(st.sampled_from(RECORDS)) if before is None else before.fields["title"]
    fields: dict[str, Any] = {"title": on, "rank": draw(mostly(1, 2))}
    until = draw(st.sampled_from([None, None, *TERMS]))
    stated = draw(mostly((on,), (), ("1",)))
    return {
        "status": draw(mostly("in force" if before is None else "discharged", "in force")),
        "body": {"fields": fields | ({"until": until} if until else {})},
        "references": tuple(Reference("title", "title", each) for each in stated),
    }


def company(draw: st.DrawFn, model: Model, before: Proposal | None, operation: str) -> dict[str, Any]:
    classes = [{"class": "A", "shares": draw(mostly(9, 3))}, {"class": "B", "shares": 4}]
    moves = []
    if before is None:
        holdings = [_held("x", "A", draw(mostly(5, 9, 10))), _held("y", "B", 2), _held("y", "A", 2)]
    else:
        giver, taker = draw(st.sampled_from([("x", "y"), ("y", "z"), (None, "z"), ("x", None)]))
        move = _held("", draw(mostly("A", "B")), draw(mostly(1, 2, 0, 7)))
        move = {name: each for name, each in move.items() if name != "owner"}
        moves = [move | ({"from": giver} if giver else {}) | ({"to": taker} if taker else {})]
        holdings = before.fields["holdings"]
        if draw(mostly(True, False)):
            holdings = _shifted(holdings, giver, taker, move["class"], move["shares"])
    control = agency(COURT) if draw(mostly(True, False)) else None
    fields = {"classes": classes, "holdings": holdings, "moves": moves}
    return {"status": draw(mostly("active", "idle")), "body": {"fields": fields}, "control": control}


def _held(owner: str, class_: str, shares: int) -> dict[str, Any]:
    return {"owner": owner, "class": class_, "shares": shares}


def _shifted(
    holdings: list[dict[str, Any]], giver: str | None, taker: str | None, class_: str, shares: int
) -> list[dict[str, Any]]:
    sums = {(each["owner"], each["class"]): each["shares"] for each in holdings}
    for owner, change in ((giver, -shares), (taker, shares)):
        if owner is not None:
            sums[owner, class_] = max(sums.get((owner, class_), 0) + change, 0)
    return [_held(*name, shares) for name, shares in sums.items()]


MAKERS = {
    "person": person,
    "marriage": marriage,
    "death": death,
    "title": title,
    "charge": charge,
    "company": company,
}
SETTLED = [
    Proposal("person", "p", "create", 1, "alive", {"fields": {"born": "1980-05-01"}}),
    Proposal("person", "q", "create", 1, "alive", {"fields": {"born": "2008-11-23"}}),
    Proposal("person", "r", "create", 1, "alive", {"fields": {"born": "2012"}}),
    Proposal("title", "1", "create", 1, body={"fields": {"owners": _owned(["1/2", "1/2"])}}),
    Proposal(
        "charge",
        "1",
        "create",
        1,
        "in force",
        {"fields": {"title": "1", "rank": 1}},
        references=(Reference("title", "title", "1"),),
    ),
    Proposal(
        "marriage",
        "1",
        "create",
        1,
        "married",
        {"fields": {"a": "p", "b": "q", "date": "2026-11-23"}},
        claims=(claim("married", "p"), claim("married", "q")),
    ),
    Proposal(
        "company",
        "1",
        "create",
        1,
        "active",
        {
            "fields": {
                "classes": [{"class": "A", "shares": 9}, {"class": "B", "shares": 4}],
                "holdings": [_held("x", "A", 5), _held("y", "B", 2)],
                "moves": [],
            }
        },
        control=agency(COURT),
    ),
]
"""What there is already in three histories of four."""
