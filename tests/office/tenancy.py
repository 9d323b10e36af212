"""A register of tenancies to make extracts of: some fields public, some about one of two persons, one about both."""

from __future__ import annotations

from counterfoil.office.extracting import extract
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Proposal
from counterfoil.proof.extract import Extract
from counterfoil.proof.trust import Trust
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.disclosing import Ask, Shown
from tests.office.changes import AGENCY
from tests.office.house import CLERK, House

TENANCY: dict[str, Json] = {
    "title": "Tenancies",
    "authority": AGENCY,
    "key": "number",
    "law": "Housing Act",
    "subjects": {"landlord": "landlord", "tenant": "tenant"},
    "schema": {
        "type": "object",
        "required": ["number", "landlord"],
        "properties": {
            "number": {"class": "public", "type": "string"},
            "address": {"class": "public", "type": "string", "title": "Address of the dwelling"},
            "landlord": {"class": "personal", "type": "string", "subject": "landlord"},
            "tenant": {
                "class": "personal",
                "type": "string",
                "subject": "tenant",
                "title": "Who lives there",
            },
            "rent": {"class": "personal", "type": "string"},
        },
    },
    "constraints": [
        {"kind": "immutable", "name": "number-stays", "fields": ["number"]},
        {
            "kind": "immutable",
            "name": "landlord-stays",
            "fields": ["landlord"],
            "citation": "Housing Act, s. 4",
        },
    ],
    "purposes": {
        "tax": {"law": "Tax Act, s. 3", "fields": ["landlord", "rent"]},
        "court": {"law": "Code of Civil Procedure, s. 12"},
        "arrears": {"law": "Housing Act, s. 9", "fields": ["tenant"], "when": ["in-arrears"]},
    },
}
WHO = {"landlord": "P-000001", "tenant": "P-000002", "rent": "640.00"}


def tenancies(house: House) -> House:
    """An office with the register and one tenancy."""
    house.node.submit([Proposal(".register", "tenancy", "create", 1, body={"fields": TENANCY})])
    house.taken(tenancy("7"))
    return house


def tenancy(number: str, **more: Json) -> Change:
    """A tenancy to be registered."""
    return Change("tenancy", fields={"number": number, "address": "1 Mill Lane", **WHO, **more})


def extracted(
    house: House, purpose: str = "", *fields: str, key: str = "7", register: str = "tenancy"
) -> Extract:
    """An extract that the clerk has made."""

    def disclose(ask: Ask) -> Shown:
        return house.office.disclose([ask], CLERK)[0]

    return extract(house.node, disclose, Ask(register, purpose, key=key, fields=fields or None))


def trust_of(house: House) -> Trust:
    """The ledger's trust policy."""
    return Trust.parse(house.node.home.trust.read_bytes())
