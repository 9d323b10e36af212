"""One community of the made-up country, from 1950 to 2024: who comes, is born, marries, dies, owns.

Nothing is looked for: what will befall somebody is put into the month in which it does. So the time taken grows with
the number of lines, and the memory with that of the community's people.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from datetime import date
from typing import Final

from counterfoil.madeup import names
from counterfoil.madeup.chance import Chance
from counterfoil.madeup.civil import CivilOffice, precisions
from counterfoil.madeup.holdings import Holdings
from counterfoil.madeup.lives import ADULT, LAST_BIRTH, YEAR, children, lifetime
from counterfoil.madeup.person import Numbers, Person
from counterfoil.office.line import Line

BEGIN: Final = 1950
MONTHS: Final = 75 * 12
_FIRST: Final = 0.3
"""Which part of a community's people is there at the beginning."""


class Community:
    """A community of `size` people; its lines can each be taken when those before it are."""

    def __init__(self, chance: Chance, numbers: Numbers, size: int):
        self._chance = chance
        self._office = CivilOffice(chance, numbers)
        self._holdings = Holdings(chance, numbers, size)
        self._size = size
        self._made = 0
        self._month = 0
        self._dying: defaultdict[int, list[Person]] = defaultdict(list)
        self._growing: defaultdict[int, list[Person]] = defaultdict(list)
        self._expecting: defaultdict[int, list[tuple[Person, Person | None]]] = defaultdict(list)
        self._ready: deque[tuple[Person, Person | None]] = deque()
        self._single: dict[str, list[Person]] = {"female": [], "male": []}
        self._couples: list[tuple[Person, Person]] = []
        self._infants: list[tuple[Person, str]] = []
        self._adults: list[Person] = []
        self._done = {"divorce": 0, "adoption": 0, "conviction": 0}

    def lines(self) -> Iterator[Line]:
        """Every line, in the order in which they can be taken."""
        for self._month in range(MONTHS):
            yield from self._arrive_and_are_born()
            yield from self._marry()
            if self._month > MONTHS * 3 // 4:
                yield from self._go_to_court()
            yield from self._holdings.lines(self._adults, self._made, self._day)
            yield from self._die()

    def _day(self) -> int:
        """Some day of the month."""
        year, month = divmod(self._month, 12)
        return date(BEGIN + year, month + 1, 1 + self._chance.below(28)).toordinal()

    def _arrive_and_are_born(self) -> Iterator[Line]:
        for person in self._growing.pop(self._month, ()):
            self._come_of_age(person)
        self._ready.extend(self._expecting.pop(self._month, ()))
        due = int(self._size * (_FIRST + (1 - _FIRST) * (self._month + 1) / MONTHS) + 1e-6)
        while self._made < due:
            family = self._next_parents()
            if family is None:
                yield self._arrive()
            else:
                yield from self._bear(*family)

    def _next_parents(self) -> tuple[Person, Person | None] | None:
        oldest = self._day() - LAST_BIRTH * YEAR
        while self._ready:
            mother, father = self._ready.popleft()
            if mother.alive and mother.born > oldest and (father is None or father.alive):
                return mother, father
        return None

    def _arrive(self) -> Line:
        chance = self._chance
        day = self._day()
        age = chance.random() * (70 if self._month == 0 else 45)
        precision = "day" if age < 25 else precisions(chance)
        person = self._office.person(self._sex(), day - int(age * YEAR) - 1, names.family(chance))
        person.settled = precision in {"about", "found", "unknown"}
        line = self._office.arrival(person, day, precision)
        person.last = day
        self._made += 1
        if not person.settled:
            self._live(person, day, age)
        return line

    def _bear(self, mother: Person, father: Person | None) -> Iterator[Line]:
        day = mother.befalls(self._day())
        twins = self._chance.of(0.012) and self._made + 2 <= self._size
        family = (father or mother).family
        for rank in (1, 2) if twins else (0,):
            child = self._office.person(self._sex(), day, family)
            line = self._office.birth(child, mother, father, rank)
            self._made += 1
            self._live(child, day, 0)
            if father is None:
                self._infants = [(child, str(line.fields["entry-number"]))]
            yield line

    def _live(self, person: Person, day: int, age: float) -> None:
        """See to it that somebody grows up and, one day, dies."""
        left = (lifetime(self._chance, age) - age) * 12
        self._dying[self._month + 1 + int(left)].append(person)
        if age >= ADULT:
            self._come_of_age(person)
        else:
            wait = ADULT * 12 - int((day - person.born) * 12 / YEAR)
            self._growing[self._month + wait + 1 + self._chance.below(120)].append(person)

    def _come_of_age(self, person: Person) -> None:
        if not person.alive:
            return
        self._adults.append(person)
        if self._chance.of(0.85):
            self._single[person.sex].append(person)
        elif person.sex == "female" and self._chance.of(0.5):
            self._expecting[self._month + 9].append((person, None))

    def _marry(self) -> Iterator[Line]:
        women, men = self._single["female"], self._single["male"]
        for _ in range(min(len(women), len(men)) // 4 + 1):
            if not women or not men:
                return
            wife, husband = self._chance.take(women), self._chance.take(men)
            fits = wife.alive and husband.alive and abs(wife.born - husband.born) < 15 * YEAR
            if not fits or wife.family == husband.family:
                women += [wife] if wife.alive and self._chance.of(0.95) else []
                men += [husband] if husband.alive and self._chance.of(0.95) else []
                continue
            day = max(self._day(), wife.last, husband.last)
            wife.last = husband.last = day
            yield self._office.marriage(wife, husband, day)
            self._couples.append((wife, husband))
            month = self._month
            for _child in range(children(self._chance)):
                month += self._chance.between(11, 40)
                self._expecting[month].append((wife, husband))

    def _go_to_court(self) -> Iterator[Line]:
        """The few things that a second officer decides: nobody to whom they happen meets with anything after."""
        if self._is_due("divorce", 150) and self._couples:
            wife, husband = self._chance.take(self._couples)
            if _free(wife) and _free(husband) and wife.spouse is husband and wife.wedding:
                day = max(self._day(), wife.last + 400, husband.last + 400)
                if day < date(BEGIN + MONTHS // 12, 1, 1).toordinal() - 60:
                    wife.settled = husband.settled = True
                    yield self._office.divorce(wife.wedding, day)
        if self._infants and self._is_due("adoption", 1_000) and self._couples:
            yield from self._adopt(*self._infants.pop(), self._chance.pick(self._couples))
        if self._is_due("conviction", 300) and self._adults:
            person = self._chance.pick(self._adults)
            if _free(person):
                person.settled = True
                yield self._office.conviction(person, person.befalls(self._day()))

    def _adopt(self, child: Person, entry: str, parents: tuple[Person, Person]) -> Iterator[Line]:
        wife, husband = parents
        young = self._day() - child.born < 10 * YEAR
        if young and child.alive and wife.alive and husband.alive and child.spouse is None:
            old_enough = max(wife.born, husband.born) + ADULT * YEAR < child.born
            if old_enough:
                child.settled = True
                yield from self._office.adoption(child, entry, child.befalls(self._day()), parents)

    def _is_due(self, what: str, people: int) -> bool:
        """Whether one more is due, of what happens to one in so many people."""
        if self._done[what] * people >= self._made:
            return False
        self._done[what] += 1
        return True

    def _die(self) -> Iterator[Line]:
        for person in self._dying.pop(self._month, ()):
            if person.settled:
                continue
            person.alive = False
            yield self._office.death(person, person.befalls(self._day()))
            widowed = person.spouse
            if widowed is not None:
                widowed.spouse = person.spouse = None
                if _free(widowed) and self._chance.of(0.3):
                    self._single[widowed.sex].append(widowed)

    def _sex(self) -> str:
        return "male" if self._chance.of(0.51) else "female"


def _free(person: Person) -> bool:
    return person.alive and not person.settled
