"""What a community's people own and run: companies, licences, land; as many as its size asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from counterfoil.madeup.chance import Chance
from counterfoil.madeup.person import Numbers, Person
from counterfoil.madeup.property import Company, PropertyOffice
from counterfoil.office.line import Line

_PEOPLE: Final = {"company": 50, "title": 12, "licence": 80, "sale": 200}
"""To how many people there is one."""


class Holdings:
    """A community's companies and land, month by month."""

    def __init__(self, chance: Chance, numbers: Numbers, size: int):
        self._chance = chance
        self._office = PropertyOffice(chance, numbers)
        self._companies: list[Company] = []
        self._done = dict.fromkeys(_PEOPLE, 0)

    def lines(self, adults: list[Person], people: int, day: Callable[[], int]) -> Iterator[Line]:
        """What is new in a month, in which there have been so many people; `day` gives some day of it."""
        for what, share in _PEOPLE.items():
            while self._done[what] * share < people and len(adults) > 3:
                owners = self._living(adults)
                self._done[what] += 1
                if owners:
                    yield from self._new(what, owners, day())

    def _new(self, what: str, owners: list[Person], day: int) -> Iterator[Line]:
        chance = self._chance
        if what == "company":
            company, line = self._office.found(owners, day)
            self._companies.append(company)
            yield line
        elif what == "title":
            title, line = self._office.title(owners[:2], day)
            yield line
            if self._companies and chance.of(0.4):
                yield self._office.mortgage(title, chance.pick(self._companies), day)
        elif what == "licence":
            by_company = self._companies and chance.of(0.5)
            yield self._office.licence(chance.pick(self._companies) if by_company else owners[0], day)
        elif self._companies:
            company = chance.pick(self._companies)
            if all(holder is not owners[0] for holder, _ in company.holders):
                yield self._office.sell_shares(company, owners[0], day)

    def _living(self, adults: list[Person]) -> list[Person]:
        """One to three adults who live; the dead that are met on the way are taken off the list."""
        found: list[Person] = []
        wanted = self._chance.between(1, 3)
        for _ in range(12):
            if len(found) == wanted or not adults:
                break
            at = self._chance.below(len(adults))
            person = adults[at]
            if not person.alive:
                adults[at] = adults[-1]
                adults.pop()
            elif person not in found:
                found.append(person)
        return found
