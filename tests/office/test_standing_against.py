"""A title says what stands against it: on its extract, which the agency signs, and where its record is read."""

from __future__ import annotations

import re
from html import unescape

import pytest

from counterfoil.office.extracting import extract
from counterfoil.proof.extract import Against, Extract
from counterfoil.proof.report import NOT_VALID, VALID
from counterfoil.proof.trust import Trust
from counterfoil.registry.blocking import standing_against
from counterfoil.registry.extract.page import page_of
from counterfoil.registry.extract.verifying import verify_extract_file
from counterfoil.registry.personal.disclosing import Ask, Shown
from counterfoil.web.portal.record_view import Asked, record_view
from tests.ledger_fixture import DAY
from tests.office.changes import charge, title
from tests.office.house import CLERK, House

MARI = "P-000001"
CAUTION = Against("land-charge", "C-2", "in-force", "caution", "2026-12-31")
MORTGAGE = Against("land-charge", "C-1", "in-force", "mortgage")


@pytest.fixture
def land(town: House) -> House:
    """The town, where Mari owns a title with a mortgage and a caution, and another without."""
    town.taken(title("T-1", {MARI: "1"}))
    town.taken(title("T-2", {MARI: "1"}))
    town.taken(charge("C-1", "mortgage", "T-1"))
    town.taken(charge("C-2", "caution", "T-1"))
    return town


def extract_of(house: House, number: str) -> Extract:
    def disclose(ask: Ask) -> Shown:
        return house.office.disclose([ask], CLERK)[0]

    return extract(house.node, disclose, Ask("land-title", "", key=number))


def against(house: House, number: str, now: int) -> tuple[Against, ...] | None:
    definition = house.node.definition("land-title").fields
    with house.node.reading() as store:
        return standing_against(store, definition, "land-title", number, now)


def words(page: bytes) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.decode())).split())


def test_an_extract_names_every_charge_and_is_signed_over_them(land: House) -> None:
    made = extract_of(land, "T-1")
    assert sorted(made.against or (), key=lambda each: each.record) == [MORTGAGE, CAUTION]
    said = words(page_of(made))
    assert "mortgage C-1 of the register land-charge , in-force" in said
    assert "caution C-2 of the register land-charge , in-force , until 31 December 2026" in said
    assert "states it and signs it with the rest; it is not in the proof" in said


def test_without_a_charge_it_says_none_by_this_ledger_as_of_when(land: House) -> None:
    made = extract_of(land, "T-2")
    assert made.against == ()
    assert "None by this ledger, as of 2" in words(page_of(made))


def test_a_charge_that_was_taken_out_of_an_extract_shows(land: House) -> None:
    trust = Trust.parse(land.node.home.trust.read_bytes())
    page = page_of(extract_of(land, "T-1"))
    assert verify_extract_file(page, trust).verdict == VALID
    made = extract_of(land, "T-1").encode().replace(b'"kind":"mortgage"', b'"kind":"easement"')
    assert verify_extract_file(made, trust).verdict == NOT_VALID


def test_a_caution_counts_until_its_last_day(land: House) -> None:
    last = 1_798_675_200  # 2026-12-31
    assert CAUTION in (against(land, "T-1", last + DAY - 1) or ())
    assert against(land, "T-1", last + DAY) == (MORTGAGE,)


def test_registers_without_such_rules_say_nothing_of_it(land: House) -> None:
    definition = land.node.definition("person").fields
    with land.node.reading() as store:
        assert standing_against(store, definition, "person", "x" * 43, 0) is None


def test_a_record_s_page_has_them_but_not_of_the_past(land: House) -> None:
    with land.node.reading() as store:
        now = record_view(store, "land-title", "T-1", Asked())
        then = record_view(store, "land-title", "T-1", Asked(as_of="2026-11-23"))
    assert set(now.against or ()) == {MORTGAGE, CAUTION}
    assert then.against is None
