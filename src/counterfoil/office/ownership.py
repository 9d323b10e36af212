"""Publishing who owns companies, by the standard for beneficial ownership: a disclosure as any other reading."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.office.office import Office
from counterfoil.proof.canonical import Json, canonical
from counterfoil.proof.entry import Entry
from counterfoil.registry.bods import Owner, Source, statements
from counterfoil.registry.personal.change import Acting
from counterfoil.registry.personal.disclosing import Ask
from counterfoil.registry.personal.sight import PERSON

COMPANY: Final = "company"
PURPOSE: Final = "beneficial-ownership"
SECRET: Final = "export:beneficial-ownership"  # noqa: S105  # the name of a secret
MAX_COMPANIES: Final = 100


def ownership(
    office: Office,
    companies: Sequence[str],
    acting: Acting,
    source: Source,
    roles: Sequence[str] = (),
) -> list[Json]:
    """The statements (BODS 0.4) about some companies, by number, and their beneficial owners.

    Each owner's disclosure log tells of it. Raises as `Office.disclose`, `Malformed` for too many companies at once.
    """
    if not 0 < len(companies) <= MAX_COMPANIES:
        raise Malformed(f"publish 1 to {MAX_COMPANIES} companies at a time")
    asks = [Ask(COMPANY, PURPOSE, key=number) for number in companies]
    shown = office.disclose(asks, acting, roles, count=_several(asks))
    told: list[Json] = []
    for each in shown:
        entry = office.node.entry(each.number)
        fields = {**entry.fields, **each.fields}
        told += statements(fields, _owners(office, fields, acting, roles), source, _day(entry))
    return told


def _owners(
    office: Office, company: dict[str, Json], acting: Acting, roles: Sequence[str]
) -> dict[str, Owner]:
    named = [owner.get("person") for owner in company.get("beneficial-owners", ())]
    numbers = sorted({number for number in named if number is not None})
    if not numbers:
        return {}
    asks = [Ask(PERSON, PURPOSE, key=number, case=f"company {company['number']}") for number in numbers]
    shown = office.disclose(asks, acting, roles, count=_several(asks))
    return {
        number: Owner(_pseudonym(office, number), each.fields)
        for number, each in zip(numbers, shown, strict=True)
    }


def _pseudonym(office: Office, number: str) -> str:
    """A person's name in this export alone: it leads to nothing else."""
    secret = office.node.keyring.secret(SECRET)
    return hmac.digest(secret, canonical(["beneficial-owner/v1", number]), "sha256").hex()


def _several(asks: Sequence[Ask]) -> int | None:
    return len(asks) if len(asks) > 1 else None


def _day(entry: Entry) -> str:
    return entry.time[:10]
