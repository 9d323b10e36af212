"""The lines of companies, licences and land."""

from __future__ import annotations

from typing import Final

from counterfoil.madeup import names
from counterfoil.madeup.chance import Chance
from counterfoil.madeup.districts import DISTRICTS
from counterfoil.madeup.person import Numbers, Person, text
from counterfoil.office.line import KEEPER, Line
from counterfoil.proof.canonical import Json

_TRADES: Final = (
    ("Bakeries", "C10.71"), ("Bindery", "C18.14"), ("Boatyard", "C30.11"), ("Ferries", "H50.30"),
    ("Forestry", "A02.10"), ("Glassworks", "C23.13"), ("Looms", "C13.20"), ("Mills", "C10.61"),
    ("Nurseries", "A01.30"), ("Savings", "K64.19"),
)  # fmt: skip
_LICENSED: Final = (
    ("serving of food", "I56.10"),
    ("hairdressing", "S96.02"),
    ("taxi", "H49.32"),
    ("inn", "I55.10"),
)
_COUNTRY: Final = "ZZ"
_AUTHORISED: Final = 10_000


class Company:
    """A company as far as its next change depends on it: who holds how many shares, and since when it is there."""

    __slots__ = ("founded", "holders", "number", "officers")

    def __init__(self, number: str, founded: int, holders: list[tuple[Person, int]], officers: list[Person]):
        self.number = number
        self.founded = founded
        self.holders = holders
        self.officers = officers

    @property
    def issued(self) -> int:
        """How many shares there are."""
        return sum(count for _, count in self.holders)


class PropertyOffice:
    """Writes what is registered of companies and land."""

    def __init__(self, chance: Chance, numbers: Numbers):
        self._chance = chance
        self._numbers = numbers

    def found(self, people: list[Person], day: int) -> tuple[Company, Line]:
        """A company of one to three living persons, who all hold shares; the first leads it."""
        chance = self._chance
        number = self._numbers.next("C")
        holders = [(person, chance.between(1, 40) * 10) for person in people]
        company = Company(number, day, holders, people[:2])
        serial = int(number[4:])
        trade, code = _TRADES[serial % len(_TRADES)]
        family = names.FAMILIES[serial // len(_TRADES) % len(names.FAMILIES)]
        again = serial // (len(_TRADES) * len(names.FAMILIES))
        _, place = chance.pick(DISTRICTS)
        fields: dict[str, Json] = {
            "number": number,
            "name": f"{family} {trade} {again + 1}" if again else f"{family} {trade}",
            "form": "private limited company",
            "registered-office": {"address": f"{chance.pick(names.STREETS)}, {place}", "country": _COUNTRY},
            "incorporated": text(day),
            "activity": [{"scheme": "NACE", "code": code}],
            "share-classes": [_shares(company.issued)],
            "transfers": [{"to": _party(person), **_counted(count)} for person, count in holders],
            **_ruled(company, day),
        }
        return company, Line("company", fields, status="active", circumstances={"recorded": text(day)})

    def sell_shares(self, company: Company, buyer: Person, day: int) -> Line:
        """Half of the first holder's shares go to a living person who holds none; who died leaves office."""
        seller, held = company.holders[0]
        sold = max(1, held // 2)
        rest = [(seller, held - sold)] if held > sold else []
        company.holders = [*rest, *company.holders[1:], (buyer, sold)]
        company.officers = [person for person in company.officers if person.alive] or [buyer]
        moved: dict[str, Json] = {"from": _party(seller), "to": _party(buyer), **_counted(sold)}
        fields: dict[str, Json] = {"transfers": [moved], **_ruled(company, day)}
        return Line("company", fields, "amend", company.number, circumstances={"recorded": text(day)})

    def licence(self, holder: Person | Company, day: int) -> Line:
        """A licence of a company, or of a living person."""
        kind, code = self._chance.pick(_LICENSED)
        district, place = self._chance.pick(DISTRICTS)
        if isinstance(holder, Company):
            day = max(day, holder.founded)
        fields: dict[str, Json] = {
            "number": self._numbers.next("L"),
            "kind": kind,
            "activity": {"scheme": "NACE", "code": code},
            "district": district,
            "issued": text(day),
            "valid-from": text(day),
        }
        if isinstance(holder, Company):
            fields["company"] = holder.number
        else:
            fields["holder"] = holder.number
            fields["premises"] = f"{self._chance.between(1, 99)} {self._chance.pick(names.STREETS)}, {place}"
        return Line("business-licence", fields, status="granted", circumstances={"recorded": text(day)})

    def title(self, owners: list[Person], day: int) -> tuple[str, Line]:
        """A piece of land that living persons own in equal shares."""
        chance = self._chance
        number = self._numbers.next("T")
        district, place = chance.pick(DISTRICTS)
        share = f"1/{len(owners)}" if len(owners) > 1 else "1"
        unit: dict[str, Json] = {
            "id": "1",
            "area": f"{chance.between(80, 40_000)}.{chance.below(10)}5",
            "area-type": "surveyed",
            "district": district,
            "address": f"{chance.between(1, 240)} {chance.pick(names.STREETS)}, {place}",
        }
        fields: dict[str, Json] = {
            "title": number,
            "kind": "basic-property-unit",
            "first-registered": text(day),
            "spatial-units": [unit],
            "ownership": [{"party": _party(owner), "share": share, "from": text(day)} for owner in owners],
            "conveyances": [{"to": _party(owner), "share": share} for owner in owners],
        }
        said: dict[str, Json] = {"recorded": text(day)}
        return number, Line(
            "land-title", fields, status="registered", circumstances=said, control=f"agency:{KEEPER}"
        )

    def mortgage(self, title: str, lender: Company, day: int) -> Line:
        """A mortgage of the first rank."""
        chance = self._chance
        fields: dict[str, Json] = {
            "charge": self._numbers.next("M"),
            "kind": "mortgage",
            "title": title,
            "rank": 1,
            "registered": text(day),
            "beneficiary": {"company": lender.number},
            "amount": {"value": f"{chance.between(20, 900)}000.00", "currency": "XXX"},
            "interest-rate": f"{chance.between(1, 9)}.{chance.below(10)}",
            "mortgage-type": "level-payment",
        }
        return Line("land-charge", fields, status="in-force", circumstances={"recorded": text(day)})


def _ruled(company: Company, day: int) -> dict[str, Json]:
    """Who leads a company, who holds its shares, and who owns more than a quarter."""
    owners: list[Json] = [
        {"person": person.number, "interests": [_interest(count, company.issued)], "declared": text(day)}
        for person, count in company.holders
        if person.alive and 4 * count > company.issued
    ]
    nobody: list[Json] = [{"reason": "noBeneficialOwners", "declared": text(day)}]
    officers: list[Json] = [
        {"person": person.number, "role": role, "appointed": text(company.founded), "represents": "alone"}
        for person, role in zip(company.officers, ("director", "secretary"), strict=False)
    ]
    holdings: list[Json] = [
        {"holder": _party(person), **_counted(count)} for person, count in company.holders
    ]
    return {"officers": officers, "holdings": holdings, "beneficial-owners": owners or nobody}


def _interest(count: int, issued: int) -> dict[str, Json]:
    hundredths = count * 10_000 // issued
    share = f"{hundredths // 100}.{hundredths % 100:02}"
    return {"type": "shareholding", "direct": "direct", "share": {"exact": share}}


def _shares(issued: int) -> dict[str, Json]:
    return {
        "class": "ordinary",
        "nominal": "1.00",
        "currency": "XXX",
        "authorised": _AUTHORISED,
        "issued": issued,
        "votes": 1,
    }


def _counted(count: int) -> dict[str, Json]:
    return {"class": "ordinary", "number": count}


def _party(person: Person) -> dict[str, Json]:
    return {"person": person.number}
