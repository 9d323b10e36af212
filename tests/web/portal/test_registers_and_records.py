"""What the pages of registers and records say."""

from __future__ import annotations

import re

import pytest

from counterfoil.errors import Malformed
from counterfoil.ledger.definition import Constraint, DefinitionFields
from counterfoil.proof.report import SEALED_HERE, WITNESSED
from counterfoil.web.portal.definition_view import rules_of
from counterfoil.web.portal.field_view import fields_of
from counterfoil.web.portal.ledger_facts import LedgerFacts
from counterfoil.web.portal.record_view import Asked
from counterfoil.web.portal.sentences import policy_words
from tests.web.portal.office import AGENCY, EXAMPLES, KEEPER, LONG_NAME, LONG_REGISTER, VERSIONS
from tests.web.portal.reading import Reader


def test_the_front_page_says_what_is_kept_by_whom_and_how_far_it_can_be_trusted(reader: Reader) -> None:
    said = reader.get("/").text
    page = reader.json("/")
    assert f"{KEEPER} keeps {len(EXAMPLES) + 6} registers here" in said
    assert "no entry is ever overwritten" in said
    assert f"Trust level {SEALED_HERE} One node keeps this log." in said
    assert page["count"] == len(page["registers"]) == len(EXAMPLES) + 6
    assert page["records"] == sum(each["records"] for each in page["registers"])
    assert sum(week["value"] for week in page["weeks"]) == page["entries"]
    assert "A register with nothing in it yet no records yet" in said


def test_registers_stand_by_their_titles_and_those_of_the_system_apart(reader: Reader) -> None:
    page = reader.json("/registers")
    titles = [each["title"].casefold() for each in page["registers"]]
    assert titles == sorted(titles)
    assert {each["name"] for each in page["registers"]} == {
        *EXAMPLES, "vessel", "odd", "single", "empty", "sealed", LONG_REGISTER,
    }  # fmt: skip
    assert {".register", ".agency", ".index", "country.system"} <= {each["name"] for each in page["system"]}


def test_a_register_says_what_it_is_under_which_law_and_who_keeps_it(reader: Reader) -> None:
    said = reader.get("/registers/vessel").text
    assert "Register of vessels Ships and boats that fly the flag." in said
    assert "Kept under: Merchant Shipping Act 1995, section 8" in said
    assert f"Kept by {KEEPER} Endorsed by {AGENCY}" in said
    assert "Records 4" in said
    assert "name text, always there" in said
    assert "number text, always there The official number." in said
    assert "previous-names list of texts not described" in said
    assert "A record begins as registered; detained may become registered or removed" in said
    assert "No two live records have the same name (section 9)" in said


def test_its_records_are_a_table_in_natural_order_with_the_key_first(reader: Reader) -> None:
    page = reader.json("/registers/vessel")
    assert page["key"] == "number"
    assert page["columns"] == ["name", "previous-names", "tonnage"]
    assert [(row["record"], row["version"], row["ended"]) for row in page["rows"]] == [
        ("2", 1, False),
        ("7", VERSIONS, False),
        ("10", 2, True),
        ("100", 1, False),
    ]
    assert page["rows"][1]["cells"] == ["Sea Breeze", "Wind, Gale", "811"]
    assert page["rows"][2]["cells"][0] == f"{LONG_NAME[:79].rstrip()}…"
    assert "10 removed" in reader.get("/registers/vessel").text


def test_the_table_can_be_turned_and_narrowed(reader: Reader) -> None:
    def keys(query: str) -> list[str]:
        return [row["record"] for row in reader.json(f"/registers/vessel?{query}")["rows"]]

    assert keys("sort=-key") == ["100", "10", "7", "2"]
    assert keys("sort=changed")[0] == "7"
    assert keys("sort=-changed")[0] == "10"
    assert keys("state=ended") == ["10"]
    assert keys("state=live") == ["2", "7", "100"]
    assert keys("q=breeze") == ["7"]
    assert keys("q=arger") == ["100"]
    assert keys("q=nothing+such") == []


def test_the_ways_to_narrow_it_say_what_they_go_by(reader: Reader) -> None:
    said = reader.get("/registers/country").text
    assert "All Open Closed by an entry" in said
    assert "Ended" not in said


def test_it_can_be_taken_along_as_an_archive(reader: Reader) -> None:
    said = reader.get("/registers/country").text
    assert "counterfoil archive --register country --out country.tar.zst" in said
    assert "counterfoil archive" not in reader.get("/registers/.register").text


def test_a_heading_says_how_the_table_is_sorted_and_turns_it(reader: Reader) -> None:
    page = reader.get("/registers/vessel?sort=-key&state=live")
    assert "/registers/vessel?sort=key&state=live" in page.links
    assert "/registers/vessel?sort=changed&state=live" in page.links
    assert ", descending" in page.text
    assert ", ascending" not in page.text


def test_every_record_stands_on_one_of_the_pages(reader: Reader) -> None:
    seen: list[str] = []
    address: str | None = "/registers/country"
    pages = 0
    while address:
        seen += [row["record"] for row in reader.json(address)["rows"]]
        address = reader.get(address).next
        pages += 1
    assert pages == 4
    assert len(seen) == len(set(seen)) == reader.json("/registers/country")["records"]
    assert seen == sorted(seen)


def test_a_record_shows_its_values_since_when_they_hold_and_its_stub(reader: Reader) -> None:
    page = reader.get("/registers/country/records/GB")
    assert "Country, GB United Kingdom" in page.text
    assert "Version 1, in the book since 5 April 2016, 13:23, in this log since 20 August 2026" in page.text
    assert "official-name The United Kingdom of Great Britain and Northern Ireland" in page.text
    assert "The official or technical name of a record." in page.text
    number = reader.json("/registers/country/records/GB")["entry"]["number"]
    assert re.search(
        rf"Entry {number} Version 1 of 1 Time 20 August 2026, \d\d:\d\d {SEALED_HERE} QR code", page.text
    )
    assert "/registers/country/records/GB/proof" in page.links
    assert ("time", {"datetime": "2016-04-05T13:23:05Z", "title": "2016-04-05T13:23:05Z"}) in page.tags


def test_a_record_can_be_asked_as_it_was_known_by_the_ledger_or_the_book(reader: Reader) -> None:
    by_book = reader.get("/registers/country/records/CZ?known=2016-06-01&by=book")
    assert "As known on 1 June 2016 by the book: the latest that was known." in by_book.text
    assert "Country, CZ Czech Republic Version 1" in by_book.text
    assert "Version 1 of 2" in by_book.text
    by_ledger = reader.get("/registers/country/records/CZ?known=2016-06-01")
    assert "Nothing to show: nothing was known of it then." in by_ledger.text
    way = "/registers/country/records/CZ?known=2016-06-01&by=book"
    assert way in by_ledger.links
    assert "As the older book knew it then" in by_ledger.text
    assert "As the older book" not in by_book.text
    now = reader.json("/registers/country/records/CZ?as-of=2016-06-01")
    assert (now["entry"]["version"], now["asked"]["as-of"]) == (2, "2016-06-01")


def test_a_record_that_states_no_validity_does_not_seem_to(reader: Reader) -> None:
    said = "it states no validity, so that the same is given as of any day"
    assert (
        f"the latest that was known; {said}." in reader.get("/registers/country/records/CZ?as-of=1990").text
    )
    assert said not in reader.get("/registers/country/records/CZ?known=2020&by=book").text
    dated = reader.json("/registers/single/records/only?as-of=2010")
    assert dated["reason"] == "the latest that was known"


@pytest.mark.parametrize("day", ["2999", "2999-01-01", "2999-12-31T00:00:00Z"])
def test_what_will_be_known_nobody_can_say(reader: Reader, day: str) -> None:
    page = reader.get(f"/registers/country/records/CZ?known={day}", 400)
    assert f"Nobody can say yet what will be known on {day}; known is a day until today" in page.text
    assert reader.json("/registers/country/records/CZ?as-of=2999")["entry"]["version"] == 2


def test_what_was_known_today_can_be_asked_to_the_second() -> None:
    now = 1_795_000_000.0  # 18 November 2026, 11:06:40
    assert Asked.read({"known": "2026-11-18"}, now).known == "2026-11-18"
    assert Asked.read({"known": "2026-11-18T11:06:40Z"}, now).past
    for ahead in ("2026-11-19", "2026-11-18T11:06:41Z", "2026-12"):
        with pytest.raises(Malformed, match="nobody can say yet"):
            Asked.read({"known": ahead}, now)


def test_its_history_tells_what_changed_field_by_field(reader: Reader) -> None:
    page = reader.get("/registers/country/records/CZ")
    assert "Version 2 amend In the book 11 November 2016, 16:25, here" in page.text
    assert "name before: Czech Republic after: Czechia" in page.text
    (latest, first) = reader.json("/registers/country/records/CZ")["history"]
    assert latest["changes"] == [{"field": "name", "before": "Czech Republic", "after": "Czechia"}]
    assert first["changes"] == []


def test_a_long_history_is_paged(reader: Reader) -> None:
    seen: list[int] = []
    address: str | None = "/registers/vessel/records/7"
    while address:
        history = reader.json(address)["history"]
        seen += [each["entry"]["version"] for each in history]
        assert all(each["changes"] for each in history if each["entry"]["version"] > 1)
        address = reader.get(address).next
    assert seen == list(range(VERSIONS, 0, -1))


def test_circumstances_are_told(reader: Reader) -> None:
    said = reader.get("/registers/vessel/records/10").text
    assert "Version 2 close, removed" in said
    assert "why: broken up" in said
    assert "law: section 16" in said
    assert "removed closed Version 2" in said
    first = reader.get("/registers/vessel/records/7?before=2").text
    assert "why: first registration" in first
    assert "valid-from: 1962-04-01" in first


def test_content_that_is_not_in_the_log_is_named_by_what_commits_to_it(reader: Reader) -> None:
    page = reader.get("/registers/sealed/records/p1")
    assert "Its content does not stand in the log." in page.text
    assert "about: vessel 7" in page.text
    assert "/registers/vessel/records/7" in page.links


def test_a_value_that_names_a_record_of_this_ledger_leads_to_it(reader: Reader) -> None:
    values = reader.json("/registers/register/records/country")["values"]
    assert all(each["register"] is None for each in values if not isinstance(each["value"], str))
    known = {(each["register"], each["record"]) for each in values if each["register"]}
    assert known <= {("register", "country")} or known == set()


def test_two_versions_are_compared_whichever_they_are(reader: Reader) -> None:
    page = reader.get("/registers/vessel/records/7/differences?from=1&to=400")
    assert "7: version 1 to 400" in page.text
    assert "tonnage 412 811" in page.text
    assert "status registered detained" in page.text
    same = reader.get("/registers/vessel/records/7/differences?from=3&to=3")
    assert "Nothing differs between them." in same.text
    last = reader.json("/registers/vessel/records/7/differences")
    assert (last["before"]["version"], last["after"]["version"]) == (VERSIONS - 1, VERSIONS)


def test_markup_in_a_record_stays_text(reader: Reader) -> None:
    page = reader.get("/registers/odd/records/%3Cscript%3Ealert%281%29%3C%2Fscript%3E")
    assert "<script>alert" not in page.response.text
    assert "<script>alert(1)</script>" in page.text
    assert not [attributes for tag, attributes in page.tags if tag == "script" and "src" not in attributes]


def test_a_long_value_is_cut_and_its_length_said(reader: Reader) -> None:
    number = reader.json("/registers/odd/records/a%20b/differences")["before"]["number"]
    page = reader.get(f"/entries/{number}")
    assert "W" * 2000 in page.text
    assert "… and 1\N{NARROW NO-BREAK SPACE}000 more characters, which the page" in page.text
    assert reader.json(f"/entries/{number}")["entry"]["body"]["fields"]["long"] == "W" * 3000


def test_an_entry_has_the_level_that_the_checkpoint_over_it_has() -> None:
    facts = LedgerFacts("o", "a", "k", 10, "2026-11-23T10:00:00Z", 8, WITNESSED, "")
    assert [facts.level_of(number) for number in (0, 7, 8, 9)] == [
        WITNESSED,
        WITNESSED,
        SEALED_HERE,
        SEALED_HERE,
    ]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string"}, "text"),
        ({"type": "integer"}, "whole number"),
        ({"type": ["array", "string"], "items": {"type": "string"}}, "list of texts or text"),
        ({"enum": ["a", "b"]}, "one of a, b"),
        ({}, "any"),
        (True, "any"),
    ],
)
def test_a_field_says_what_it_holds(schema: object, said: str) -> None:
    definition = DefinitionFields(title="t", authority="a", schema={"properties": {"f": schema}})
    assert [(field.name, field.kind) for field in fields_of(definition)] == [("f", said)]


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Constraint("unique", "u", ("a", "b")), "No two live records have the same a and b"),
        (Constraint("immutable", "i", ("born",)), "Born never changes"),
        (Constraint("reference", "r", ("ship",), register="vessel", status=("registered",)),
         "ship names a record of vessel that is registered"),
        (Constraint("authorised-by", "x", operations=("annul",), policy="agency:A", citation="art. 3"),
         "Annulments need A (art. 3)"),
        (Constraint("new", "n"), "n (new)"),
    ],
)  # fmt: skip
def test_a_rule_is_a_sentence(rule: Constraint, said: str) -> None:
    assert rules_of(DefinitionFields(title="t", authority="a", constraints=(rule,))) == (said,)


def test_a_policy_is_said_in_words() -> None:
    assert policy_words("agency:A") == "A"
    assert policy_words({"require": 2, "of": ["agency:A", "agency:B"]}) == "A and B"
    assert policy_words({"require": 1, "of": ["agency:A", "agency:B"]}) == "1 of 2 signers: A, B"
    assert policy_words("key:ed25519:abc") == "the holder of the key ed25519:abc"
