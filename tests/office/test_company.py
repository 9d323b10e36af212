"""A company's life: founded, shares issued and transferred, a director replaced, dissolved."""

from __future__ import annotations

import pytest

from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.searching import Query, Term
from tests.office.changes import company, death
from tests.office.house import House

MARI, JAAN, OTT = "P-000001", "P-000002", "P-000009"


def changed(status: str | None = None, **fields: Json) -> Change:
    """A further entry of the company C-1."""
    stated = {each.replace("_", "-"): value for each, value in fields.items()}
    return Change("company", "amend", stated, key="C-1", status=status, merge=True)


def held(**shares: int) -> list[Json]:
    """Shares of class A by person."""
    return [{"holder": {"person": each}, "class": "A", "number": number} for each, number in shares.items()]


def classes(issued: int, authorised: int = 1000) -> list[Json]:
    return [{"class": "A", "nominal": "1", "currency": "EUR", "authorised": authorised, "issued": issued}]


def test_shares_are_transferred_issued_and_cancelled_as_their_holders_have_them(town: House) -> None:
    town.taken(company("C-1", directors=[MARI], issued=100))
    move: dict[str, Json] = {"from": {"person": MARI}, "to": {"person": OTT}, "class": "A", "number": 40}
    town.taken(changed(holdings=held(**{MARI: 60, OTT: 40}), transfers=[move]))
    more: dict[str, Json] = {"to": {"person": JAAN}, "class": "A", "number": 900}
    town.taken(
        changed(
            share_classes=classes(1000),
            holdings=held(**{MARI: 60, OTT: 40, JAAN: 900}),
            transfers=[more],
        )
    )
    beyond = changed(
        share_classes=classes(1001),
        holdings=held(**{MARI: 60, OTT: 40, JAAN: 901}),
        transfers=[{"to": {"person": JAAN}, "class": "A", "number": 1}],
    )
    assert town.refused(beyond).constraint == "issued-within-authorised"
    cancelled: dict[str, Json] = {"from": {"person": JAAN}, "class": "A", "number": 900}
    town.taken(
        changed(share_classes=classes(100), holdings=held(**{MARI: 60, OTT: 40}), transfers=[cancelled])
    )
    assert town.shown("company", "C-1", "registration", "holdings").fields["holdings"] == held(
        **{MARI: 60, OTT: 40}
    )


def test_a_director_who_dies_is_replaced_before_anything_else_is_entered(town: House) -> None:
    town.taken(company("C-1", directors=[MARI, JAAN]))
    town.taken(death("13/2026/1", JAAN, "2026-11-01"))
    assert town.refused(changed(website="https://example.org")).constraint == "officers-are-alive"
    director: dict[str, Json] = {"person": MARI, "role": "director", "appointed": "2020-01-31"}
    former: dict[str, Json] = {
        "person": JAAN,
        "role": "director",
        "appointed": "2020-01-31",
        "resigned": "2026-11-01",
    }
    town.taken(changed(officers=[director], former_officers=[former]))


def test_what_everybody_may_know_of_a_company_stands_in_the_log_and_who_owns_it_does_not(town: House) -> None:
    town.taken(company("C-1", directors=[MARI]))
    entry = town.latest("company", "C-1")
    assert entry.fields["name"] == "Company C-1"
    assert set(entry.fields).isdisjoint({"officers", "holdings", "transfers", "beneficial-owners"})


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("exact", "company  c-1", ["C-1"]),
        ("trigrams", "compa", ["C-1", "C-2"]),
        ("trigrams", "comrade", []),
    ],
)
def test_a_company_is_found_by_its_name_which_is_public(
    town: House, kind: str, value: str, found: list[str]
) -> None:
    town.taken(company("C-1", directors=[MARI]), company("C-2", directors=[OTT]))
    matches = town.office.search(Query("company", (Term("name", value, kind),))).matches
    assert sorted(match.record for match in matches) == found


def test_a_company_that_is_dissolved_acquires_nothing(town: House) -> None:
    town.taken(company("C-1", directors=[MARI]), company("C-2", directors=[OTT]))
    town.taken(changed("dissolved", ended="2026-11-20"))
    bought = Change(
        "company",
        "amend",
        {
            "holdings": [{"holder": {"company": "C-1"}, "class": "A", "number": 100}],
            "transfers": [{"from": {"person": OTT}, "to": {"company": "C-1"}, "class": "A", "number": 100}],
        },
        key="C-2",
        merge=True,
    )
    assert town.refused(bought).constraint == "company-shareholders-are-active"
