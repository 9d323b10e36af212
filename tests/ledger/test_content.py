"""What a proposal may hold: content by operation, circumstances, clocks, and what a register asks for."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.content import CIRCUMSTANCES
from counterfoil.proof.canonical import MAX_INTEGER, digest
from counterfoil.proof.entry import Tree
from tests.ledger_fixture import Ledgerhouse, change, create, refused

# ---- Content by operation --------------------------------------------------------------------------


@pytest.fixture
def estates(house: Ledgerhouse) -> Ledgerhouse:
    """A ledger whose register `estate` has a schema, and one record."""
    house.define("estate", schema={"required": ["parish"], "properties": {"parish": {"type": "string"}}})
    house.taken(create("estate", "1", parish="A"))
    return house


@pytest.mark.parametrize("operation", ["amend", "correct"])
def test_where_a_register_asks_for_fields_a_change_states_them(estates: Ledgerhouse, operation: str) -> None:
    saying = "estate '.' has no content, and its register asks for fields"
    refused(estates.submit(create("estate", "2")), Violated, saying)
    refused(estates.submit(change("estate", "1", 2, operation)), Violated, saying)
    refused(estates.submit(change("estate", "1", 2, operation, status="x")), Violated, saying)
    estates.taken(change("estate", "1", 2, operation, parish="B"))


@pytest.mark.parametrize("operation", ["annul", "close"])
def test_a_record_may_end_without_a_word(estates: Ledgerhouse, operation: str) -> None:
    estates.taken(change("estate", "1", 2, operation))


@pytest.mark.parametrize("operation", ["amend", "correct", "annul", "close"])
def test_what_is_stated_conforms_whatever_the_operation(estates: Ledgerhouse, operation: str) -> None:
    for fields in ({}, {"parish": 7}):
        body = {"fields": fields}
        refused(
            estates.submit(change("estate", "1", 2, operation, body=body)),
            Violated,
            "does not conform to its register",
        )


@pytest.mark.parametrize(
    "elsewhere",
    [{"item": digest(b"i")}, {"document": digest(b"d")}, {"tree": Tree(digest(b"t"), 3)}],
    ids=lambda content: next(iter(content)),
)
def test_what_stands_elsewhere_does_not_stand_for_fields_that_are_asked_for(
    estates: Ledgerhouse, elsewhere: dict[str, Any]
) -> None:
    saying = 'does not conform to its register\'s schema at /: "parish" is a required property'
    refused(estates.submit(create("estate", "2", **elsewhere)), Violated, saying)
    refused(estates.submit(change("estate", "1", 2, **elsewhere)), Violated, saying)
    estates.define("open", schema={"properties": {"parish": {"type": "string"}}})
    estates.taken(create("open", "1", **elsewhere))
    estates.taken(change("estate", "1", 2, parish="A", **elsewhere))


def test_where_no_fields_are_asked_for_none_need_be_stated(house: Ledgerhouse) -> None:
    house.taken(
        create("title", "1"),
        change("title", "1", 2, status="x"),
        change("title", "1", 3, body={"fields": {}}),
    )


def test_all_content_may_stand_together(house: Ledgerhouse) -> None:
    content = {
        "item": digest(b"i"),
        "document": digest(b"d"),
        "tree": Tree(digest(b"t"), MAX_INTEGER),
        "status": "live",
    }
    (entry,) = house.taken(create("title", "1", body={"fields": {"a": [{"b": None}]}}, **content))
    assert (entry.item, entry.document, entry.tree) == (content["item"], content["document"], content["tree"])


# ---- Circumstances ---------------------------------------------------------------------------------


def said(**circumstances: Any) -> dict[str, Any]:
    return {
        "fields": {},
        "circumstances": {name.replace("_", "-"): value for name, value in circumstances.items()},
    }


def test_circumstances_say_who_acted_why_and_when(house: Ledgerhouse) -> None:
    whole = dict.fromkeys(CIRCUMSTANCES, "ed25519:officer") | {
        "recorded": "1995-04-01",
        "valid-from": "1995",
        "valid-to": "2026-11-23T10:00:00Z",
    }
    (entry,) = house.taken(create("title", "1", body={"fields": {}, "circumstances": whole}))
    assert entry.circumstances == whole
    assert {
        "actor",
        "case",
        "decided-by",
        "law",
        "on-behalf-of",
        "recorded",
        "source",
        "subject",
        "valid-from",
        "valid-to",
        "why",
    } == CIRCUMSTANCES


@pytest.mark.parametrize(
    "body",
    [
        said(name="x"),
        said(why=""),
        said(why=None),
        said(why=7),
        said(why=["x"]),
        said(why={"a": "b"}),
        said(Why="x"),
    ],
    ids=str,
)
def test_other_circumstances_are_malformed(house: Ledgerhouse, body: dict[str, Any]) -> None:
    refused(
        house.submit(create("title", "1", body=body)),
        Malformed,
        "^circumstance '.*' is not known or not text; use actor",
    )


@pytest.mark.parametrize("clock", ["recorded", "valid_from", "valid_to"])
@pytest.mark.parametrize(
    "moment",
    [
        "2026",
        "2026-11",
        "2026-11-23",
        "2026-11-23T10:00Z",
        "2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00+02:00",
        "2026-11-23T10:00:00-14:59",
        "-0043-03-15",
        "0000-02-29",
        "2000-02-29",
        "2024-02-29",
        "12026-02-28",
        "-012026",
    ],
)
def test_a_clock_shows_a_day_or_a_time(house: Ledgerhouse, clock: str, moment: str) -> None:
    house.taken(create("title", "1", body=said(**{clock: moment})))


@pytest.mark.parametrize("clock", ["recorded", "valid_from", "valid_to"])
@pytest.mark.parametrize(
    "moment",
    [
        "yesterday",
        "26",
        "202",
        "2026-1",
        "2026-13",
        "2026-00",
        "2026-11-00",
        "2026-11-31",
        "2026-02-29",
        "1900-02-29",
        "-0001-02-29",
        "2026-11-23T",
        "2026-11-23T10Z",
        "2026-11-23T24:00Z",
        "2026-11-23T10:60Z",
        "2026-11-23T10:00:60Z",
        "2026-11-23T10:00:00",
        "2026-11-23T10:00:00+15:00",
        "2026-11-23T10:00:00+02:60",
        "2026-11-23T10:00:00.5Z",
        "2026-11-23 10:00:00Z",
        "2026-11-23T10:00:00z",
        "+2026",
        "1234567",
        "٢٠٢٦",
        "2026\n",
        " 2026",
        "2026-11-23T10:00:00+0200",
    ],
)
def test_any_other_clock_is_malformed(house: Ledgerhouse, clock: str, moment: str) -> None:
    refused(
        house.submit(create("title", "1", body=said(**{clock: moment}))),
        Malformed,
        r"^(recorded|valid-from|valid-to) '.*' is not a date or time \(2026, 2026-11-23, 2026-11-23T10:00:00Z\)$",
    )


# ---- The definition --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "saying"),
    [
        ({"authority": "a"}, "not in form: Object missing required field `title`"),
        ({"title": "t"}, "not in form: Object missing required field `authority`"),
        ({"title": 7, "authority": "a"}, "not in form: Expected `str`"),
        ({"title": "t", "authority": ""}, "'agency:' is no signer"),
        (
            {"title": "t", "authority": "a", "colour": "x"},
            "not in form: Object contains unknown field `colour`",
        ),
        ({"title": "t", "authority": "a", "append": 1}, "not in form: Expected `bool`"),
        ({"title": "t", "authority": "a", "policy": "x"}, "'x' is no signer"),
        ({"title": "t", "authority": "a", "recovery": "x"}, "'x' is no signer"),
        (
            {"title": "t", "authority": "a", "record-id": "hmac-md5"},
            "record-id 'hmac-md5' is not known here",
        ),
        (
            {"title": "t", "authority": "a", "schema": {"format": "date"}},
            "the schema keyword 'format' is not in the profile",
        ),
        ({"title": "t", "authority": "a", "schema": []}, "schema must be a JSON object"),
        ({"title": "t", "authority": "a", "schema": {"maximum": 1.5}}, "number 1.5; write decimals"),
    ],
    ids=str,
)
def test_a_definition_that_the_ledger_cannot_judge_by_is_malformed(
    house: Ledgerhouse, fields: dict[str, Any], saying: str
) -> None:
    refused(house.submit(create(".register", "x", body={"fields": fields})), Malformed, saying)
