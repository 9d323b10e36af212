"""`counterfoil history`: versions, what was known when, and differences."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.examples import registers_folder
from tests.cli.calling import process
from tests.cli.conftest import Command

CZECH = ("country", "CZ")


@pytest.fixture
def country(command: Command, home: Path) -> Path:
    """A home with the register of countries, whose CZ was renamed in 2016."""
    assert command("import", registers_folder() / "country.rsf").code == 0
    return home


def test_every_version_the_first_one_first(command: Command, land: Path) -> None:
    told = command("history", "land-title", "1", "--json").result
    assert {name: told[name] for name in ("register", "record")} == {"register": "land-title", "record": "1"}
    assert [(each["version"], each["operation"]) for each in told["entries"]] == [(1, "create"), (2, "amend")]
    assert told["entries"][1] == command("record", "land-title", "1", "--json").result


def test_for_people_with_why(command: Command, land: Path) -> None:
    command("record", "amend", "land-title", "1", "--field", "plots:=2", "--field", "owner=Eve")
    command("record", "amend", "land-title", "1", "--without", "plots")
    command("record", "amend", "land-title", "1", "--status", "held")
    times = [each["time"] for each in command("history", "land-title", "1", "--json").result["entries"]]
    assert command("history", "land-title", "1").text.splitlines() == [
        "land-title 1",
        f"  version 1  {times[0]}  create",
        f"  version 2  {times[1]}  amend         sale",
        f"  version 3  {times[2]}  amend         owner, plots",
        f"  version 4  {times[3]}  amend         without plots",
        f"  version 5  {times[4]}  amend   held  nothing new",
    ]


def test_what_the_book_knew_on_a_day(country: Path) -> None:
    told = process("history", *CZECH, "--known", "2016-11-01", "--by", "book", "--json").result
    assert told["entry"]["body"]["fields"]["name"] == "Czech Republic"
    assert (told["known"], told["as_of"], told["by"], told["reason"]) == (
        "2016-11-01",
        None,
        "book",
        "the latest that was known",
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            ["--known", "2016-11-11", "--by", "book"],
            "as known on 2016-11-11 by the book: the latest that was known",
        ),
        (
            ["--known", "2016-04-04", "--by", "book"],
            "as known on 2016-04-04 by the book: nothing was known of it then",
        ),
        (["--known", "2017"], "as known on 2017 by the ledger: nothing was known of it then"),
        (["--as-of", "2017"], "as known on this day by the ledger, as of 2017: the latest that was known"),
    ],
)
def test_the_answer_says_by_which_clock(command: Command, country: Path, asked: list[str], said: str) -> None:
    told = command("history", *CZECH, *asked)
    assert (told.code, told.text.splitlines()[0]) == (0, said)


def test_nothing_known_is_an_answer(command: Command, country: Path) -> None:
    told = command("history", *CZECH, "--known", "2010", "--json")
    assert (told.code, told.result["entry"]) == (0, None)


def test_what_changed(command: Command, country: Path) -> None:
    told = command("history", *CZECH, "--diff", "1", "2", "--json").result
    assert (told["from"], told["to"]) == (1, 2)
    assert {"field": "name", "before": "Czech Republic", "after": "Czechia"} in told["changes"]
    lines = command("history", *CZECH, "--diff", "2", "1").text.splitlines()
    assert lines[:4] == [
        "country CZ, version 2 to 1",
        "  name",
        "    from  Czechia",
        "    to    Czech Republic",
    ]


def test_a_field_that_came(command: Command, land: Path) -> None:
    command("record", "amend", "land-title", "1", "--field", "plots:=2")
    lines = command("history", "land-title", "1", "--diff", "2", "3").text.splitlines()
    assert lines == ["land-title 1, version 2 to 3", "  plots", "    from  (absent)", "    to    2"]


def test_nothing_differs_from_itself(command: Command, land: Path) -> None:
    assert command("history", "land-title", "1", "--diff", "2", "2").text.splitlines()[1:] == [
        "  nothing differs"
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["land-title", "9"], 3, "there is no record '9' in the register 'land-title'"),
        (["land-title", "1", "--diff", "1", "3"], 3, "land-title '1' has no version 3; its last is 2"),
        (["land-title", "1", "--known", "soon"], 1, "'soon' is not a day or time"),
        (["land-title", "1", "--by", "hand"], 2, "'hand'"),
        (["land-title", "1", "--diff", "1"], 2, "'--diff'"),
        (["land-title", "1", "--diff", "1", "2", "--known", "2016"], 2, "--diff compares two versions"),
    ],
)
def test_what_cannot_be_answered(
    command: Command, land: Path, arguments: list[str], code: int, said: str
) -> None:
    told = command("history", *arguments)
    assert (told.code, told.out, told.err.count("\n")) == (code, b"", 1)
    assert said.strip("'") in told.err
