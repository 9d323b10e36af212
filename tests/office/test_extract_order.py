"""How an extract reads: its fields in the order of the definition, names and days as people write them."""

from __future__ import annotations

import pytest

from counterfoil.proof.canonical import Json
from counterfoil.registers import shipped
from counterfoil.registry.extract.order import in_order
from counterfoil.registry.extract.page import is_name, name_said, said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-20", "20 November 2026"),
        ("2026-02", "February 2026"),
        ("2026-02~", "February 2026, estimated"),
        ("1990-04-01?", "1 April 1990, uncertain"),
        ("1990-04-01%", "1 April 1990, estimated and uncertain"),
        ("1990", "1990"),
        ("2026-13", "2026-13"),
        ("13/2026/1", "13/2026/1"),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
    ],
)
def test_a_day_is_written_in_words_and_nothing_else_is_touched(text: str, shown: str) -> None:
    assert said(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"script": "Latn", "use": "birth", "family": "Corva", "given": "Anna"}, "Corva, Anna (birth, Latn)"),
        ({"script": "Cyrl", "use": "legal", "given": "Анна"}, "Анна (legal, Cyrl)"),
    ],
)
def test_a_name_is_a_line(value: dict[str, Json], shown: str) -> None:
    assert is_name(value)
    assert name_said(value) == shown


@pytest.mark.parametrize(
    "value", ["Corva", {"country": "ZZZ"}, {"script": "Latn", "use": "birth", "title": "Dr"}]
)
def test_what_is_no_name_is_not_taken_for_one(value: Json) -> None:
    assert not is_name(value)


def test_fields_stand_as_the_definition_requires_them_then_as_its_core_items_do_then_by_name() -> None:
    definition: dict[str, Json] = {
        "key": "number",
        "schema": {"required": ["names", "number", "sex"]},
        "core": [
            {"item": "x", "source": "y", "field": "place"},
            {"item": "z", "source": "y", "left-out": "w"},
        ],
    }
    assert in_order(definition, ["zeal", "ash", "place", "sex", "number", "names"]) == [
        "number",
        "names",
        "sex",
        "place",
        "ash",
        "zeal",
    ]


def test_a_birth_begins_with_its_number() -> None:
    names = in_order(shipped("birth", "EX/GOV/CIV"), ["weight", "names", "child", "entry-number", "date"])
    assert names[0] == "entry-number"
    assert names[-1] == "weight"
