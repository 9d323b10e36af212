"""`counterfoil register`: which there are, and defining them."""

from __future__ import annotations

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
