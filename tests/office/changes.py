"""What is entered in the shipped registers, in few words: made-up people, companies and titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.change import Change
from tests.ledger_fixture import key

if TYPE_CHECKING:
    from tests.office.house import House

AGENCY, COURT = "EE/GOV/REGISTRY", "EE/GOV/COURT"
PLACE: dict[str, Json] = {"country": "EST", "place": "Tartu"}
HOLDER = key("the owner's")
"""The key that was made for a title, and is its holder's."""


def name(family: str, given: str, use: str = "birth") -> list[Json]:
    """The names of a person with one, in Latin letters."""
    return [{"script": "Latn", "use": use, "family": family, "given": given}]


def person(number: str, born: str | None, family: str, given: str, **fields: Json) -> Change:
    """A person to be registered, as one who comes from abroad is: no birth is entered here."""
    known: dict[str, Json] = {} if born is None else {"date-of-birth": born}
    stated = {
        "number": number,
        "names": name(family, given),
        "sex": "female",
        "parents-unknown": "not-stated",
    }
    return Change("person", fields={**stated, **known, **hyphened(fields)})


def birth(number: str, child: str, date: str, **fields: Json) -> Change:
    """A birth to be registered; parents unless others are named are nobody known."""
    stated: dict[str, Json] = {
        "entry-number": number,
        "type": "ordinary",
        "district": "13",
        "child": child,
        "names": name("Tamm", f"Child {child[-1]}"),
        "sex": "female",
        "date": date,
        "place": PLACE,
    }
    wanted = {**stated, **hyphened(fields)}
    if "mother" not in wanted:
        wanted.setdefault("mother-unknown", "not-stated")
    if "father" not in wanted and "second-parent" not in wanted:
        wanted.setdefault("father-unknown", "not-stated")
    return Change("birth", fields=wanted)


def marriage(number: str, first: str, second: str, date: str, **fields: Json) -> Change:
    """A marriage to be registered."""
    stated: dict[str, Json] = {
        "entry-number": number,
        "district": "13",
        "spouse-a": first,
        "spouse-b": second,
        "date": date,
        "place": PLACE,
        "type": "civil",
    }
    return Change("marriage", fields={**stated, **hyphened(fields)})


def death(number: str, deceased: str, date: str, **fields: Json) -> Change:
    """A death to be registered."""
    stated: dict[str, Json] = {
        "entry-number": number,
        "type": "ordinary",
        "district": "13",
        "deceased": deceased,
        "date": date,
        "place": PLACE,
    }
    return Change("death", fields={**stated, **hyphened(fields)})


def company(number: str, *, directors: Sequence[str] = (), issued: int = 100, **fields: Json) -> Change:
    """A company to be registered, whose only shareholder is another company that is not in the register."""
    stated: dict[str, Json] = {
        "number": number,
        "name": f"Company {number}",
        "form": "OÜ",
        "registered-office": {"address": "1 Mill Lane", "country": "EE"},
        "incorporated": "2020-01-31",
        "share-classes": [
            {"class": "A", "nominal": "1", "currency": "EUR", "authorised": 1000, "issued": issued}
        ],
        "officers": [{"person": each, "role": "director", "appointed": "2020-01-31"} for each in directors],
        "holdings": [{"holder": {"person": directors[0]}, "class": "A", "number": issued}]
        if directors
        else [],
        "transfers": [{"to": {"person": directors[0]}, "class": "A", "number": issued}] if directors else [],
        "beneficial-owners": [{"reason": "noBeneficialOwners", "declared": "2020-01-31"}],
    }
    return Change("company", fields={**stated, **hyphened(fields)})


def title(number: str, owners: Mapping[str, str], **fields: Json) -> Change:
    """A title at its first registration, in the shares given by person."""
    stated: dict[str, Json] = {
        "title": number,
        "kind": "basic-property-unit",
        "first-registered": "1987-03-02",
        "spatial-units": [{"id": "1", "district": "13", "area": "512.5", "area-type": "surveyed"}],
        "ownership": owned(owners),
        "conveyances": [{"to": {"person": each}, "share": share} for each, share in owners.items()],
    }
    return Change("land-title", fields={**stated, **hyphened(fields)}, control=control())


def sale(house: House, number: str, seller: str, buyer: str, share: str, after: Mapping[str, str]) -> Change:
    """A share conveyed from one to another, with the deed; `after` says who owns what then."""
    conveyance: dict[str, Json] = {"from": {"person": seller}, "to": {"person": buyer}, "share": share}
    return Change(
        "land-title",
        "amend",
        {"ownership": owned(after), "conveyances": [conveyance]},
        key=number,
        merge=True,
        control=control(),
        attachments=house.attached("deed"),
    )


def owned(owners: Mapping[str, str]) -> list[Json]:
    """Shares by person."""
    return [{"party": {"person": each}, "share": share} for each, share in owners.items()]


def control(holder: Any = HOLDER) -> dict[str, Json]:
    """The policy that a title's next change needs its holder's key beside the agency."""
    return {"require": 2, "of": [f"agency:{AGENCY}", f"key:{holder.public.text}"]}


def charge(number: str, kind: str, of_title: str, **fields: Json) -> Change:
    """A mortgage, caution or priority notice against a title."""
    stated: dict[str, Json] = {
        "charge": number,
        "kind": kind,
        "title": of_title,
        "registered": "2026-11-01",
        "beneficiary": {"person": "P-000009"},
    }
    if kind == "mortgage":
        stated |= {"rank": 1, "amount": {"value": "250000.00", "currency": "EUR"}}
    else:
        stated["expires"] = "2026-12-31"
    return Change("land-charge", fields={**stated, **hyphened(fields)})


def hyphened(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Fields by keyword, under the names that the registers have for them."""
    return {each.replace("_", "-"): value for each, value in fields.items()}


def annulled(register: str, key: str, house: House) -> Change:
    """A record that is void from the beginning, by an order."""
    return Change(register, "annul", key=key, status="void", attachments=house.attached("order"))
