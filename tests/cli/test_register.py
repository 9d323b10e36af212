"""`counterfoil register`: which there are, and defining them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.calling import process
from tests.cli.conftest import Command


def test_a_list_has_each_with_its_counts(command: Command, land: Path) -> None:
    command("register", "create", "tree", "--title", "Trees")
    told = command("register")
    assert told.text.splitlines() == [
        "land-title  3 records, 4 entries  Land titles",
        "tree        0 records, 0 entries  Trees",
    ]


def test_one_record_is_counted_as_one(command: Command) -> None:
    command("register", "create", "tree", "--title", "Trees")
    command("record", "create", "tree", "1", "--field", "kind=oak")
    assert command("register").text == "tree  1 record, 1 entry  Trees\n"


def test_a_home_without_any_says_so(command: Command) -> None:
    command("init")
    assert command("register").text == "There are no registers yet.\n"
    assert command("register", "--json").documents == [{"registers": []}]


def test_one_is_shown_with_its_definition(command: Command, land: Path) -> None:
    shown = command("register", "land-title", "--json").result
    definition = shown.pop("definition")
    fields = {each["field"]: each["class"] for each in shown.pop("fields")}
    assert fields == dict.fromkeys(("note", "owner", "plots", "title-number"), "public")
    assert [shown.pop(each) for each in ("rules", "subjects", "purposes", "core")] == [[], [], [], []]
    assert shown == {"register": "land-title", "version": 1, "records": 3, "entries": 4}
    assert {name: definition[name] for name in ("title", "authority", "key", "law")} == {
        "title": "Land titles",
        "authority": "EX/GOV/LAND",
        "key": "title-number",
        "law": "Land Act",
    }
    assert definition["schema"]["required"] == ["title-number", "owner"]
    lines = command("register", "land-title").text.splitlines()
    assert lines[0] == "land-title: 3 records, 4 entries"
    assert "  key        title-number" in lines


def test_the_ledgers_own_are_shown_but_not_listed(command: Command, land: Path) -> None:
    shown = command("register", ".agency", "--json").result
    assert (shown["version"], shown["records"], shown["entries"]) == (None, 1, 1)


def test_show_can_be_said_before_a_name_that_is_also_a_command(command: Command, land: Path) -> None:
    command("register", "create", "show", "--title", "Shows")
    assert command("register", "show", "show", "--json").result["definition"]["title"] == "Shows"


def test_one_that_is_not_there_is_3(command: Command, land: Path) -> None:
    told = command("register", "tree")
    assert (told.code, told.err) == (
        3,
        "counterfoil: there is no register 'tree'; counterfoil register lists those there are\n",
    )


# Defining


def test_what_goes_without_saying(command: Command) -> None:
    created = command("register", "create", "tree", "--json")
    assert created.code == 0
    assert created.result == {
        "register": ".register",
        "record": "tree",
        "version": 1,
        "number": 6,
        "transaction": created.result["transaction"],
        "standing": "taken",
    }
    assert command("register", "tree", "--json").result["definition"] == {
        "title": "tree",
        "authority": "LOCAL/GOV/AGENCY",
    }


def test_a_definition_from_standard_input_with_options_over_it(home: Path) -> None:
    constraint = b'{"kind": "unique", "name": "one-place", "fields": ["place"]}'
    definition = b'{"title": "Trees", "key": "number", "constraints": [' + constraint + b"]}"
    told = process(
        "register", "create", "tree", "--definition", "-", "--title", "Old trees", stdin=definition
    )
    assert told.code == 0
    shown = process("register", "tree", "--json").result["definition"]
    assert (shown["title"], shown["key"], shown["constraints"][0]["name"]) == (
        "Old trees",
        "number",
        "one-place",
    )


def test_an_amendment_changes_a_part(command: Command, land: Path) -> None:
    assert command("register", "amend", "land-title", "--title", "Titles").code == 0
    shown = command("register", "land-title", "--json").result
    assert (shown["version"], shown["definition"]["title"], shown["definition"]["key"]) == (
        2,
        "Titles",
        "title-number",
    )


def test_or_with_a_file_the_whole(command: Command, land: Path, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text('{"title": "Titles"}')
    assert command("register", "amend", "land-title", "--definition", tmp_path / "d.json").code == 0
    shown = command("register", "land-title", "--json").result
    assert shown["definition"] == {"title": "Titles", "authority": "EX/GOV/LAND"}


def test_a_register_that_only_grows(command: Command) -> None:
    command("register", "create", "visit", "--append")
    written = [
        command("record", "create", "visit", "door", "--field", f"who={who}", "--json") for who in "ab"
    ]
    assert [each.result["version"] for each in written] == [1, 2]
    shown = command("record", "visit", "door", "--json").result
    assert (shown["operation"], shown["body"]["fields"]) == ("amend", {"who": "b"})


@pytest.mark.parametrize(
    ("arguments", "kind", "said"),
    [
        (["create", "land-title"], "conflict", "exists already"),
        (["amend", "tree"], "conflict", "does not exist yet"),
        (["create", ".tree"], "malformed", "names that begin with a dot belong to the ledger"),
        (["amend", "land-title", "--append"], "violated", "whether it only appends"),
    ],
)
def test_what_the_ledger_refuses_is_1(
    command: Command, land: Path, arguments: list[str], kind: str, said: str
) -> None:
    told = command("register", *arguments, "--json")
    assert (told.code, told.error["kind"]) == (1, kind)
    assert said in told.error["message"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'{"title": "a", "title": "b"}', "has the name 'title' twice in one object"),
        (b"[1]", "must be a JSON object"),
        (b'{"title": 1}', "not in form"),
        (b'{"title": "a", "colour": "b"}', "not in form"),
        (b'{"title": "a", "schema": {"format": "date"}}', "'format' is not in the profile"),
    ],
)
def test_a_definition_that_is_none_is_one_clear_error(
    command: Command, land: Path, tmp_path: Path, written: bytes, said: str
) -> None:
    (tmp_path / "d.json").write_bytes(written)
    told = command("register", "create", "tree", "--definition", tmp_path / "d.json")
    assert (told.code, told.out, told.err.count("\n")) == (1, b"", 1)
    assert said in told.err
    assert command("register", "tree").code == 3


def test_of_a_shipped_one_it_is_shown_what_is_enforced_where_and_why_items_are_read(command: Command) -> None:
    names = ("person", "disclosure", "legal-hold")
    assert command("register", "shipped", *names, "--json").result == {"defined": list(names), "there": []}
    shown = command("register", "person", "--json").result
    assert {each["name"]: each["enforced"] for each in shown["rules"]} | {
        "status": ...,
        "retention": ...,
    } == {
        "number-stays": "the submitting agency only",
        "alive-without-death": "the submitting agency only",
        "facts-of-birth-by-correction": "the submitting agency only",
        "status": ...,
        "back-to-life-by-correction": "every node",
        "parents-registered": "the submitting agency only",
        "born-already": "the submitting agency only",
        "born-before-death": "the submitting agency only",
        "mother-older": "the submitting agency only",
        "father-older": "the submitting agency only",
        "second-parent-older": "the submitting agency only",
        "retention": ...,
        "legal-hold": "every node",
    }
    assert {each["field"]: each["class"] for each in shown["fields"]}["names"] == "personal"
    assert shown["subjects"] == [{"subject": "person", "field": None}]
    lines = [" ".join(line.split()) for line in command("register", "person").text.splitlines()]
    assert "subject-access GDPR art. 15 of every version all fields" in lines
    assert "Age left out: derived: the event's date less the date of birth UN, Principles" in " ".join(lines)
    assert not any(line.startswith("schema") for line in lines)
    (place,) = [line for line in lines if line.startswith("legal-hold blocked-by")]
    assert place == "legal-hold blocked-by by every node GDPR (Regulation (EU) 2016/679) art. 17(3)(e)"


def test_those_that_are_there_stay_as_they_are(command: Command) -> None:
    command("register", "create", "company", "--title", "Ours")
    ended = command("register", "shipped", "company", "person")
    assert (ended.code, ended.text) == (
        0,
        "company  there already, and left as it is\nperson   defined\nNo --authority-from says since when this agency "
        "keeps them, so entries may state to be valid from any day on.\n",
    )
    assert command("register", "company", "--json").result["definition"]["title"] == "Ours"


def test_the_agency_s_authority_begins_on_a_day(command: Command, tmp_path: Path) -> None:
    ended = command("register", "shipped", "person", "--authority-from", "1926-07-01")
    assert (ended.code, ended.text) == (0, "person  defined\n")
    names = [{"script": "Latn", "use": "birth", "family": "Tamm", "given": "Mari"}]
    fields = {"number": "P-000001", "names": names, "sex": "female", "date-of-birth": "1920-05-01"}
    person = {"register": "person", "fields": {**fields, "parents-unknown": "not-stated"}}
    change = tmp_path / "person.json"
    change.write_text(json.dumps({**person, "circumstances": {"valid-from": "1926-06-30"}}))
    refused = command("file", change)
    assert (refused.code, "the validity starts before 1926-07-01" in refused.err) == (1, True)
    change.write_text(json.dumps({**person, "circumstances": {"valid-from": "1926-07-01"}}))
    assert command("file", change).code == 0


def test_the_shipped_ones_are_listed_and_none_is_made(command: Command, home: Path) -> None:
    ended = command("register", "shipped", "--list")
    assert ended.text.splitlines()[0].split() == ["birth", "Births"]
    assert not home.exists()
    assert command("register", "shipped", "unicorn").err == (
        "counterfoil: no register 'unicorn' comes with the software; there are birth, business-licence, company, "
        "criminal-record, death, disclosure, land-charge, land-title, legal-hold, marriage, notice, person\n"
    )


def test_a_court_endorses_what_the_law_leaves_to_it(command: Command) -> None:
    command("register", "shipped", "land-title", "--court", "LOCAL/GOV/COURT")
    recovery = command("register", "land-title", "--json").result["definition"]["recovery"]
    assert "agency:LOCAL/GOV/COURT" in recovery["of"]
