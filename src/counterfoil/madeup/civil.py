"""The lines of civil registration: arrivals, births, adoptions, marriages, divorces, deaths, convictions."""

from __future__ import annotations

from datetime import date
from typing import Final

from counterfoil.madeup import names
from counterfoil.madeup.chance import Chance
from counterfoil.madeup.districts import DISTRICTS
from counterfoil.madeup.person import COUNTRY, Numbers, Person, text
from counterfoil.office.line import Line, Paper
from counterfoil.proof.canonical import Json

_CAUSES: Final = ("C34.9", "C50.9", "E11.9", "F03", "I21.9", "I50.9", "I64", "J18.9", "J44.9", "K74.6")
_ELSEWHERE: Final = ("CAN", "EST", "FRA", "GEO", "GRC", "IND", "ISL", "KEN", "PRT", "VNM")
_OFFENCES: Final = (
    ("theft", "Penal Code 12"),
    ("fraud", "Penal Code 31"),
    ("dangerous driving", "Road Act 7"),
)


class CivilOffice:
    """Writes what is registered of people."""

    def __init__(self, chance: Chance, numbers: Numbers):
        self._chance = chance
        self._numbers = numbers

    def person(self, sex: str, born: int, family: str) -> Person:
        """Somebody new, with a number of their own."""
        return Person(self._numbers.next("P"), sex, born, family, names.given(self._chance, sex))

    def arrival(self, person: Person, day: int, precision: str) -> Line:
        """A person who was born before the books, or abroad. `precision`: of the date of birth, one of `precisions`."""
        district, place = self._chance.pick(DISTRICTS)
        country = self._chance.pick(_ELSEWHERE) if self._chance.of(0.2) else COUNTRY
        fields = {
            "number": person.number,
            "names": self._names(person),
            "sex": person.sex,
            "place-of-birth": {"country": country},
            "parents-unknown": "not-in-register",
            "nationality": [COUNTRY] if self._chance.of(0.9) else sorted({COUNTRY, country}),
            "address": {
                "lines": [f"{self._chance.between(1, 240)} {self._chance.pick(names.STREETS)}"],
                "locality": place,
                "district": district,
                "country": COUNTRY,
            },
        }
        born = _dated(person.born, precision)
        if born is not None:
            fields["date-of-birth"] = born
        if precision != "found":
            return Line("person", fields, status="alive", circumstances={"recorded": text(day)})
        old = {"recorded": text(day), "place": f"parish book of {place}", "number": f"folio {day % 400 + 1}"}
        return Line("person", fields, status="as-found", circumstances=old)

    def birth(self, child: Person, mother: Person, father: Person | None, twin: int = 0) -> Line:
        """The birth of a child, which makes the person; `twin` is its rank among two."""
        chance, day = self._chance, date.fromordinal(child.born)
        district, place = chance.pick(DISTRICTS)
        fields: dict[str, Json] = {
            "entry-number": self._numbers.entry("birth", district, day.year),
            "type": "ordinary",
            "district": district,
            "child": child.number,
            "names": self._names(child),
            "sex": child.sex,
            "date": day.isoformat(),
            "place": {"country": COUNTRY, "district": district, "place": place},
            "place-type": "hospital" if chance.of(0.9) else "home",
            "birth-type": "twin" if twin else "single",
            "weight": chance.between(2200, 4400),
            "mother": mother.number,
        }
        if twin:
            fields["rank-in-delivery"] = twin
        if father is not None:
            fields["father"] = father.number
        else:
            fields["father-unknown"] = "not-stated"
        return Line("birth", fields, status="registered", circumstances=_known(child.born, chance.below(20)))

    def adoption(
        self, child: Person, entry: str, day: int, parents: tuple[Person, Person]
    ) -> tuple[Line, Line]:
        """An adoption: the new birth entry is declared, and takes the place of `entry` once it is decided."""
        district = entry.partition("/")[0]
        instrument = {
            "authority": f"Family Court, district {district}",
            "country": COUNTRY,
            "date": text(day),
        }
        number = self._numbers.entry("birth", district, date.fromordinal(day).year)
        fields: dict[str, Json] = {
            "entry-number": number,
            "type": "adoption",
            "district": district,
            "child": child.number,
            "names": [names.name("Latn", parents[1].family, child.given)],
            "sex": child.sex,
            "date": text(child.born),
            "place": {"country": COUNTRY, "district": district},
            "mother": parents[0].number,
            "father": parents[1].number,
            "adoption": {"kind": "full", "instrument": instrument},
            "original": entry,
        }
        said = _known(day, 3)
        paper = Paper("evidence", f"Adoption order of {text(day)}, made up for {number}.")
        adopted = Line("birth", {}, "amend", number, "registered", said, attachments=(paper,))
        return Line("birth", fields, status="declared", circumstances=said), adopted

    def marriage(self, wife: Person, husband: Person, day: int) -> Line:
        """A marriage. The spouses are each other's from here on."""
        district, place = self._chance.pick(DISTRICTS)
        number = self._numbers.entry("marriage", district, date.fromordinal(day).year)
        first, second = (wife, husband) if self._chance.of(0.5) else (husband, wife)
        fields: dict[str, Json] = {
            "entry-number": number,
            "district": district,
            "spouse-a": first.number,
            "spouse-b": second.number,
            "date": text(day),
            "place": {"country": COUNTRY, "district": district, "place": place},
            "type": "civil" if self._chance.of(0.6) else "religious",
            "previous-status-a": "widowed" if first.wedding else "single",
            "previous-status-b": "widowed" if second.wedding else "single",
        }
        wife.spouse, husband.spouse, wife.wedding, husband.wedding = husband, wife, number, number
        return Line("marriage", fields, status="married", circumstances=_known(day, 1))

    def divorce(self, marriage: str, day: int) -> Line:
        """The end of a marriage by a court."""
        court = {"authority": "Family Court", "country": COUNTRY, "date": text(day)}
        fields: dict[str, Json] = {"ended-by": "divorce", "ended-on": text(day), "ended-court": court}
        paper = Paper("judgment", f"Judgment of {text(day)} that ends the marriage {marriage}, made up.")
        return Line("marriage", fields, "close", marriage, "divorced", _known(day, 14), attachments=(paper,))

    def death(self, person: Person, day: int) -> Line:
        """A death, which ends the marriage that stands."""
        district, place = self._chance.pick(DISTRICTS)
        fields: dict[str, Json] = {
            "entry-number": self._numbers.entry("death", district, date.fromordinal(day).year),
            "type": "ordinary",
            "district": district,
            "deceased": person.number,
            "date": text(day),
            "place": {"country": COUNTRY, "district": district, "place": place},
            "place-type": "hospital" if self._chance.of(0.7) else "home",
            "cause": self._chance.pick(_CAUSES),
            "manner": "disease",
        }
        return Line("death", fields, status="registered", circumstances=_known(day, self._chance.below(5)))

    def conviction(self, person: Person, day: int) -> Line:
        """A first conviction."""
        name, provision = self._chance.pick(_OFFENCES)
        case = f"ZZ-{day}-{person.number[-4:]}"
        conviction: dict[str, Json] = {
            "reference": case,
            "court": f"District Court of {self._chance.pick(DISTRICTS)[1]}",
            "country": COUNTRY,
            "date": text(day),
            "final": text(day + 30),
            "offences": [{"name": name, "provision": provision}],
            "sentences": [{"kind": "sentence", "duration": f"P{self._chance.between(1, 30)}M"}],
        }
        fields: dict[str, Json] = {
            "offender": person.number,
            "convictions": [conviction],
            "spent-after": text(day + 3653),
        }
        paper = Paper("judgment", f"Judgment {case} of {text(day)}, made up.")
        said = _known(day + 30, 2)
        return Line("criminal-record", fields, status="active", circumstances=said, attachments=(paper,))

    def _names(self, person: Person) -> list[Json]:
        written: list[Json] = [names.name("Latn", person.family, person.given)]
        script = names.second_script(self._chance)
        if script is not None:
            written.append(names.name(script, person.family, person.given))
        return written


def precisions(chance: Chance) -> str:
    """How well a date of birth is known that stands in no book here."""
    drawn = chance.random()
    for limit, precision in (
        (0.94, "day"),
        (0.96, "month"),
        (0.98, "year"),
        (0.99, "unknown"),
        (0.995, "found"),
    ):
        if drawn < limit:
            return precision
    return "about"


def _dated(day: int, precision: str) -> str | None:
    whole = text(day)
    written = {"day": whole, "month": whole[:7], "year": whole[:4], "unknown": None, "about": f"{whole[:4]}~"}
    return written.get(precision, whole)


def _known(day: int, later: int) -> dict[str, Json]:
    """When a thing was true in the world, and when the older book learnt it."""
    return {"valid-from": text(day), "recorded": text(day + later)}
