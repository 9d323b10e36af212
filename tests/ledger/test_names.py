"""Names: printable in Unicode 14 and in Normalization Form C, on every Python alike."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.names import MAX_NAME, is_name, normal_name
from tests.ledger_fixture import Ledgerhouse, create, refused


def single(character: str) -> bool:
    """Whether a character may stand in a name, whatever its form."""
    return normal_name(character) is not None


def test_the_table_is_what_python_3_11_calls_printable_and_no_later_python_calls_less() -> None:
    table = [single(chr(code)) for code in range(sys.maxunicode + 1)]
    python = [chr(code).isprintable() for code in range(sys.maxunicode + 1)]
    newer = [code for code in range(sys.maxunicode + 1) if table[code] != python[code]]
    assert all(python[code] for code in newer)
    assert bool(newer) is (unicodedata.unidata_version != "14.0.0")
    assert sum(table) == 144_532 - 16  # the graphic characters of Unicode 14, without 16 of its 17 spaces


@pytest.mark.parametrize(
    "name",
    [
        "1",
        "a b",
        "EE/GOV/LAND",
        "Käina",
        "Ελλάδα",
        "東京",
        "🏠",
        "é",
        "ﷺ",
        "a" * MAX_NAME,
        "é" * MAX_NAME,
        " ",
    ],
)
def test_these_are_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("a" * (MAX_NAME + 1), "too long"),
        ("a\n", "a control character"),
        ("\x7f", "a control character"),
        ("\u0085", "a control character"),
        ("a\u00a0b", "a space that is not the space"),
        ("a\u200bb", "a format character"),
        ("\u202eabc", "a character that turns the text around"),
        ("\u2028", "a line separator"),
        ("\ufeffa", "a byte order mark"),
        ("\ud800", "a surrogate"),
        ("\ue000", "a private use"),
        ("\uffff", "no character"),
        ("\u0378", "unassigned"),
        ("\U000323b0", "assigned after Unicode 14, or not yet"),
        ("\U0001fae8", "assigned in Unicode 15"),
        ("\u0ecf", "unassigned in Unicode 14"),
        ("e\u0301", "decomposed"),
        ("\u212b", "the Angstrom sign, which is Å in NFC"),
        ("\uf900", "a compatibility ideograph, which NFC replaces"),
        ("\u0340", "an accent that NFC replaces"),
    ],
)
def test_these_are_no_names(name: str, why: str) -> None:
    assert not is_name(name), why


@given(st.text(min_size=1, max_size=8))
def test_a_name_is_its_own_normal_form(text: str) -> None:
    assert is_name(text) is (normal_name(text) == text)


def test_a_value_in_another_form_gives_the_name_in_nfc() -> None:
    assert normal_name("Ka\u0308ina") == "Käina"
    assert normal_name("K\u00e4ina") == "Käina"
    assert normal_name("a\u200b") is None


# ---- In the ledger ---------------------------------------------------------------------------------


def test_two_forms_of_a_name_are_not_two_records(house: Ledgerhouse) -> None:
    house.taken(create("title", "K\u00e4ina"))
    refused(
        house.submit(create("title", "Ka\u0308ina")),
        Malformed,
        "is no name for a record; use 1 to 255 printable",
    )


@pytest.mark.parametrize("name", ["", "a\nb", "\u0000", "x" * 256, "\u202egpj.exe"])
def test_a_record_needs_a_name(house: Ledgerhouse, name: str) -> None:
    refused(house.submit(create("title", name)), Malformed, "is no name for a record")
    refused(
        house.submit(create("title", "1", status=name)), Malformed, "a status is a word of 1 to 255 printable"
    )


def test_a_record_is_named_by_its_key_field_whose_text_stays_as_it_is(house: Ledgerhouse) -> None:
    house.define("parish", key="name")
    house.taken(create("parish", "Emmaste", body={"fields": {"name": "Emmaste"}}))
    (entry,) = house.taken(create("parish", "K\u00e4ina", body={"fields": {"name": "Ka\u0308ina"}}))
    assert entry.fields == {"name": "Ka\u0308ina"}
    wrong: list[dict[str, object]] = [
        {},
        {"name": "kaina"},
        {"name": "Käina "},
        {"name": 7},
        {"name": None},
        {"Name": "x"},
    ]
    for fields in wrong:
        outcome = house.submit(create("parish", "x", body={"fields": fields}))
        refused(outcome, Violated, "the record parish 'x' must be named by its field 'name', which is")
        assert isinstance(outcome.error, Violated)
        assert (outcome.error.constraint, outcome.error.field) == ("key", "name")
