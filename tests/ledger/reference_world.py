"""A small world of persons, marriages, deaths, titles, charges and companies, and a model of its rules in plain words.

The model is written apart from the ledger's rules: dates as the days of `datetime`, claims and references read off
the live records, each rule a few lines over the records before and after.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from counterfoil.proof.entry import Proposal
from tests.ledger.reference_company import company_breaks, moved
from tests.ledger_fixture import COURT, claim

Name = tuple[str, str]


class Held(NamedTuple):
    """The latest version of a record, and whether it has ended."""

    proposal: Proposal
    ended: bool

    @property
    def live(self) -> bool:
        """Whether what it states still holds."""
        return not self.ended


World = dict[Name, Held]


class Model:
    """What stands, and which transactions may change it."""

    def __init__(self) -> None:
        self.world: World = {}
        self.collided: set[str] = set()
        """The rules by which two records of the last transaction, or one and another, hold one claim."""

    def take(
        self,
        proposals: Sequence[Proposal],
        today: date,
        by: Sequence[str],
        *,
        unseen: frozenset[str] = frozenset(),
    ) -> set[str]:
        """The names of the rules that a transaction breaks, but for those in `unseen`.

        It is taken where it breaks none, and the agencies that endorse it suffice.
        """
        broken: set[str] = set()
        after = dict(self.world)
        for proposal in proposals:
            name = (proposal.register, proposal.record)
            broken |= set(_steps(after.get(name), proposal))
            after[name] = Held(proposal, proposal.operation in {"annul", "close"})
        last = {(each.register, each.record): each for each in proposals}
        self.collided = set(_collisions(after, last))
        for proposal in last.values():
            broken |= set(RULES[proposal.register](proposal, after, proposals, today))
            if proposal.register == "death" and proposal.operation == "create":
                broken |= set(_effects(proposal, self.world, last))
        broken = (broken | self.collided) - unseen
        if not broken and self.suffice(proposals, by):
            self.world = after
        return broken

    def suffice(self, proposals: Sequence[Proposal], by: Sequence[str]) -> bool:
        """Whether those who endorse are all who must: the court, where a company ends or controls its next change."""
        controlled = [self.world.get((each.register, each.record)) for each in proposals]
        asked = any(
            each is not None and each.live and each.proposal.control is not None for each in controlled
        )
        ends = any((each.register, each.operation) == ("company", "close") for each in proposals)
        return COURT in by or not (asked or ends)


def person_claimed(proposal: Proposal) -> list[tuple[str, str]]:
    return [(each.name, each.digest) for each in proposal.claims]


def _steps(before: Held | None, after: Proposal) -> Iterator[str]:
    earlier = before.proposal if before else None
    if after.register == "person":
        if earlier and earlier.fields.get("born") != after.fields.get("born"):
            yield "born-once"
        if (earlier.status if earlier else None, after.status) not in {
            (None, "alive"),
            ("alive", "alive"),
            ("alive", "dead"),
            ("dead", "dead"),
        }:
            yield "life"
    if after.register == "marriage" and (earlier.status if earlier else None, after.status) not in {
        (None, "married"),
        ("married", "married"),
        ("married", "ended"),
        ("ended", "ended"),
    }:
        yield "bond"
    if after.register == "title" and after.operation == "amend" and earlier and not _sold(earlier, after):
        yield "owners-sell"
    if after.register == "company" and after.operation == "amend" and earlier and not moved(earlier, after):
        yield "holders-move"


def _sold(before: Proposal, after: Proposal) -> bool:
    purse = {each["owner"]: Fraction(each["share"]) for each in before.fields["owners"]}
    for move in after.fields.get("moves", []):
        amount = Fraction(move["share"])
        purse[move["from"]] = purse.get(move["from"], Fraction()) - amount
        purse[move["to"]] = purse.get(move["to"], Fraction()) + amount
        if amount == 0 or purse[move["from"]] < 0:
            return False
    owned = {each["owner"]: Fraction(each["share"]) for each in after.fields["owners"]}
    return all(purse.get(each, 0) == owned.get(each, 0) for each in purse.keys() | owned.keys())


def _collisions(after: World, last: dict[Name, Proposal]) -> Iterator[str]:
    """The rules by which two live records hold one claim."""
    seen: dict[Any, Name] = {}
    for name, held in after.items():
        if not held.live:
            continue
        charge = held.proposal.fields if name[0] == "charge" else {}
        claims: list[Any] = [("rank", charge["title"], charge["rank"])] if charge else []
        claims += dict.fromkeys(person_claimed(held.proposal))
        for each in claims:
            if each in seen and {name, seen[each]} & last.keys():
                yield {"rank": "rank-once", "married": "married-once", "dead": "dead-once"}[each[0]]
            seen[each] = name


def _person(proposal: Proposal, after: World, whole: Sequence[Proposal], today: date) -> Iterator[str]:
    return iter(())


def _marriage(proposal: Proposal, after: World, whole: Sequence[Proposal], today: date) -> Iterator[str]:
    if proposal.operation == "close":
        return
    spouses = [proposal.fields["a"], proposal.fields["b"]]
    claimed = person_claimed(proposal)
    if proposal.status == "married":
        if not all(_status(after, each) == "alive" for each in spouses):
            yield "spouses-live"
        if len(set(claimed)) != 2 or len(claimed) != 2:
            yield "married-once"
        dead = {
            digest
            for held in after.values()
            if held.live
            for name, digest in person_claimed(held.proposal)
            if name == "dead"
        }
        if dead & {digest for _, digest in claimed}:
            yield "married-once"
    elif claimed:
        yield "married-once"
    for letter, spouse in zip("ab", spouses, strict=True) if proposal.operation == "create" else ():
        born, day = _born(after, spouse), proposal.fields["date"]
        if born and not _sure(born) and not _sure(day):
            continue
        if born and _sure(born) and _span(day)[1] < _eighteen_years_after(_span(born)[0]):
            yield f"{letter}-of-age"


def _death(proposal: Proposal, after: World, whole: Sequence[Proposal], today: date) -> Iterator[str]:
    if proposal.operation == "close":
        return
    person, day = proposal.fields["person"], proposal.fields["date"]
    known = after.get(("person", person))
    if known is None or not known.live:
        yield "person-known"
    if len(person_claimed(proposal)) != 1:
        yield "dead-once"
    born = _born(after, person)
    if _span(day)[0] > today:
        yield "born-before"
    for sure in filter(None, [born]):
        if _sure(sure) and (_span(sure)[0] > _span(day)[1] or _span(sure)[0] > today):
            yield "born-before"


def _effects(death: Proposal, before: World, last: dict[Name, Proposal]) -> Iterator[str]:
    """What a death must bring about in other registers."""
    person = death.fields["person"]
    noted = last.get(("person", person))
    told = (noted.operation, noted.status, noted.fields.get("died")) if noted else None
    if _status(before, person) != "alive" or told != ("amend", "dead", death.fields["date"]):
        yield "noted"
    for name, held in before.items():
        ended = last.get(name)
        parted = ended is not None and (ended.operation, ended.status) == ("amend", "ended")
        if held.live and claim("married", person) in held.proposal.claims and not parted:
            yield "widowed"


def _title(proposal: Proposal, after: World, whole: Sequence[Proposal], today: date) -> Iterator[str]:
    if proposal.operation == "close":
        return
    if sum(Fraction(each["share"]) for each in proposal.fields["owners"]) != 1:
        yield "shares-make-one"
    for (register, _), held in after.items():
        charge = held.proposal
        if (
            register != "charge"
            or not held.live
            or charge.status != "in force"
            or proposal.operation != "amend"
        ):
            continue
        until = charge.fields.get("until")
        run_out = until is not None and _sure(until) and _span(until)[1] < today
        if any(each.record == proposal.record for each in charge.references) and not run_out:
            yield "unburdened"


def _charge(proposal: Proposal, after: World, whole: Sequence[Proposal], today: date) -> Iterator[str]:
    if proposal.operation == "close":
        return
    title = proposal.fields["title"]
    held = after.get(("title", title))
    if held is None or not held.live or [each.record for each in proposal.references] != [title]:
        yield "title-stands"


def _company(proposal: Proposal, after: World, whole: Sequence[Proposal], today: date) -> Iterator[str]:
    return company_breaks(proposal)


RULES = {
    "person": _person,
    "marriage": _marriage,
    "death": _death,
    "title": _title,
    "charge": _charge,
    "company": _company,
}


def _status(after: World, person: str) -> str | None:
    held = after.get(("person", person))
    return held.proposal.status if held is not None and held.live else None


def _born(after: World, person: str) -> str | None:
    held = after.get(("person", person))
    return held.proposal.fields.get("born") if held is not None else None


def _sure(text: str) -> bool:
    return text[-1] not in "~?%"


def _span(text: str) -> tuple[date, date]:
    """The first and last day that a date may be; any day at all where it is not sure."""
    if not _sure(text):
        return date.min, date.max
    if len(text) == 4:
        return date(int(text), 1, 1), date(int(text), 12, 31)
    if len(text) == 7:
        first = date.fromisoformat(text + "-01")
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return date.fromisoformat(text), date.fromisoformat(text)


def _eighteen_years_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 18)
    except ValueError:
        return day.replace(year=day.year + 18, day=28)
