"""A company's beneficial owners as statements of the Beneficial Ownership Data Standard, version 0.4.

The standard is at https://standard.openownership.org/en/0.4.0/. What is published is what Directive (EU) 2015/849,
Article 30(5) has published: name, month and year of birth and nationality of each owner, and what he holds. A person's
number and address never leave; statements name persons by pseudonyms made for this export alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Final, NamedTuple

from counterfoil.errors import NotFound
from counterfoil.proof.canonical import Json, canonical

VERSION: Final = "0.4"
_RECORD: Final = "beneficial-ownership/record/v1"
_STATEMENT: Final = "beneficial-ownership/statement/v1"
_SHARE: Final = {
    "exact": "exact",
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusive-minimum": "exclusiveMinimum",
    "exclusive-maximum": "exclusiveMaximum",
}
_NAME_TYPES: Final = frozenset({"birth", "former"})
"""The uses of a name that the standard has a type for under the same word; any other name is a legal one."""


class Country(NamedTuple):
    """A country's name, and its code of two letters (ISO 3166-1 alpha-2) where it has one."""

    name: str
    code: str | None = None


class Source(NamedTuple):
    """Who publishes, and from which register. `day` (YYYY-MM-DD) is the day of publication.

    `countries` has the countries by the code that the registers know them by (two letters for an office, three for a
    nationality); the code stands in for the name of one that is not there.
    """

    publisher: str
    register: str
    day: str
    url: str | None = None
    license: str | None = None
    countries: Mapping[str, Country] = {}


class Owner(NamedTuple):
    """A natural person: the fields of his record in the register `person`, and a keyed pseudonym for this export.

    The pseudonym that names the record in the ledger must not be used: it would lead from his name, which is
    published here, to each entry about him.
    """

    pseudonym: str
    fields: Mapping[str, Json]


def statements(
    company: Mapping[str, Json], owners: Mapping[str, Owner], source: Source, as_of: str
) -> list[Json]:
    """The statements about one company: itself, then each owner and the relationship to him.

    `company` is the fields of a record of `company`; `owners` has, by person number, each person that its
    `beneficial-owners` names; `as_of` is the day (YYYY-MM-DD) of the company's latest entry. Statement ids are the
    SHA-256 of what a statement says: the same content has the same id in every export, a change gives another.
    Raises `NotFound` where a person is missing.
    """
    subject = _record_id("entity", company["number"])
    said = [_entity(company, subject, source, as_of)]
    known: set[str] = set()
    for place, owner in enumerate(company.get("beneficial-owners", ()), 1):
        if "person" not in owner:
            said.append(_unspecified(owner, subject))
            continue
        found = owners.get(owner["person"])
        if found is None:
            raise NotFound(
                f"beneficial owner {place} of the company was not read; read each person it names first"
            )
        person = _record_id("person", found.pseudonym)
        if person not in known:
            known.add(person)
            said.append(_person(found.fields, person, source, owner["declared"]))
        said.append(_relationship(owner, subject, person))
    return [_published(statement, subject, source) for statement in _numbered(said)]


def _record_id(kind: str, name: str) -> str:
    return sha256(canonical([_RECORD, kind, name])).hexdigest()[:40]


def _numbered(said: Sequence[dict[str, Json]]) -> Iterator[dict[str, Json]]:
    """The statements, with records of relationships told apart where a person is named twice."""
    times: dict[str, int] = {}
    for statement in said:
        record = statement["recordId"]
        times[record] = times.get(record, 0) + 1
        again = "" if times[record] == 1 else f"-{times[record]}"
        yield statement | {"recordId": record + again}


def _published(statement: dict[str, Json], subject: str, source: Source) -> dict[str, Json]:
    """A statement with its id, its publication and its source."""
    whole = statement | {
        "declarationSubject": subject,
        "recordStatus": "new",
        "source": {"type": ["officialRegister"], "description": source.register},
    }
    publisher = {"name": source.publisher} | ({"url": source.url} if source.url else {})
    publication = {"publicationDate": source.day, "bodsVersion": VERSION, "publisher": publisher}
    identity = sha256(canonical([_STATEMENT, whole])).hexdigest()
    license_ = {"license": source.license} if source.license else {}
    return {"statementId": identity} | whole | {"publicationDetails": publication | license_}


def _entity(company: Mapping[str, Json], subject: str, source: Source, as_of: str) -> dict[str, Json]:
    office = company["registered-office"]
    address = {
        "type": "registered",
        "address": office["address"],
        "country": _country(office["country"], source),
    }
    details: dict[str, Json] = {
        "isComponent": False,
        "entityType": {"type": "registeredEntity", "details": company["form"]},
        "name": company["name"],
        "jurisdiction": _country(company.get("jurisdiction", office["country"]), source),
        "identifiers": list(_identifiers(company, source)),
        "foundingDate": company["incorporated"],
        "addresses": [address | ({"postCode": office["post-code"]} if "post-code" in office else {})],
    }
    if company.get("former-names"):
        details["alternateNames"] = list(company["former-names"])
    if "ended" in company:
        details["dissolutionDate"] = company["ended"]
    if company.get("website", "").startswith(("https://", "http://")):
        details["uri"] = company["website"]
    return {"recordId": subject, "recordType": "entity", "statementDate": as_of, "recordDetails": details}


def _identifiers(company: Mapping[str, Json], source: Source) -> Iterator[dict[str, Json]]:
    yield {"id": company["number"], "schemeName": source.register}
    if "euid" in company:
        yield {"id": company["euid"], "schemeName": "European Unique Identifier (EUID)"}
    if "lei" in company:
        yield {"id": company["lei"], "scheme": "XI-LEI", "schemeName": "Global Legal Entity Identifier Index"}


def _person(fields: Mapping[str, Json], person: str, source: Source, declared: str) -> dict[str, Json]:
    details: dict[str, Json] = {
        "isComponent": False,
        "personType": "knownPerson",
        "names": [_name(name) for name in fields["names"]],
    }
    nationality = fields.get("nationality", ())
    codes = [nationality] if isinstance(nationality, str) else nationality
    if codes:
        details["nationalities"] = [_country(code, source) for code in codes]
    for ours, theirs in (("date-of-birth", "birthDate"), ("date-of-death", "deathDate")):
        # A date may be uncertain here (`1980-05~`), which the standard cannot say: then it is left out.
        if (date := fields.get(ours)) and date[-1].isdigit():
            details[theirs] = date[:7]
    return {"recordId": person, "recordType": "person", "statementDate": declared, "recordDetails": details}


def _name(name: Mapping[str, Json]) -> dict[str, Json]:
    parts = [name[part] for part in ("given", "family") if name.get(part)]
    use = name.get("use", "legal")
    written: dict[str, Json] = {"type": use if use in _NAME_TYPES else "legal", "fullName": " ".join(parts)}
    if name.get("family"):
        written["familyName"] = name["family"]
    if name.get("given"):
        written["givenName"] = name["given"]
    return written


def _relationship(owner: Mapping[str, Json], subject: str, person: str) -> dict[str, Json]:
    details = {
        "isComponent": False,
        "subject": subject,
        "interestedParty": person,
        "interests": [_interest(interest) for interest in owner["interests"]],
    }
    return _related(subject, person, owner["declared"], details)


def _unspecified(owner: Mapping[str, Json], subject: str) -> dict[str, Json]:
    """The relationship to somebody who is not named: the reason stands in the person's place."""
    described = {"description": owner["description"]} if "description" in owner else {}
    details = {
        "isComponent": False,
        "subject": subject,
        "interestedParty": {"reason": owner["reason"]} | described,
    }
    return _related(subject, owner["reason"], owner["declared"], details)


def _related(subject: str, party: str, declared: str, details: dict[str, Json]) -> dict[str, Json]:
    record = _record_id("relationship", f"{subject} {party}")
    return {
        "recordId": record,
        "recordType": "relationship",
        "statementDate": declared,
        "recordDetails": details,
    }


def _interest(interest: Mapping[str, Json]) -> dict[str, Json]:
    written: dict[str, Json] = {
        "type": interest["type"],
        "directOrIndirect": interest["direct"],
        "beneficialOwnershipOrControl": True,
    }
    if "share" in interest:
        written["share"] = {_SHARE[bound]: _number(text) for bound, text in interest["share"].items()}
    names = (("start", "startDate"), ("end", "endDate"), ("details", "details"))
    return written | {theirs: interest[ours] for ours, theirs in names if ours in interest}


def _number(text: str) -> int | float:
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else float(value)


def _country(code: str, source: Source) -> dict[str, Json]:
    # The standard takes codes of two letters (and, for a jurisdiction, those of its parts) and no others.
    country = source.countries.get(code) or Country(code, None if len(code) == len("XXA") else code)
    return {"name": country.name} | ({"code": country.code} if country.code else {})
