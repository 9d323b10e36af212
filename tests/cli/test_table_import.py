"""`counterfoil import` and `export` with CSV and JSON Lines: what scripts and people rely on."""

from __future__ import annotations

import gzip
import json
import os
import signal
import stat
import subprocess
import time
from pathlib import Path
from random import Random
from typing import Any

import pytest

from counterfoil.node import Node
from tests.cli.calling import COMMAND, environment, process, snapshot
from tests.cli.conftest import Command
from tests.shared_data import shared

MAPPINGS = Path(__file__).parents[2] / "examples" / "mappings"
PEOPLE = "id,name,age\n1,Ann,42\n2,Ben,old\n3,Cho,7\n4,Dan\n"
AGES: dict[str, Any] = {
    "register": "people",
    "title": "People",
    "key": "{id}",
    "fields": {"id": {}, "name": {}, "years": {"column": "age", "type": "integer"}},
}


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(PEOPLE)
    return path


@pytest.fixture
def ages(tmp_path: Path) -> Path:
    path = tmp_path / "ages.json"
    path.write_text(json.dumps(AGES))
    return path


# Importing


def test_the_last_line_is_the_result_and_each_refused_row_a_line_before(
    home: Path, people: Path, ages: Path
) -> None:
    ended = process("import", people, "--mapping", ages, "--json")
    assert (ended.code, ended.err) == (1, "")
    *refused, result = ended.documents
    assert refused == [
        {
            "refused": {
                "line": 3,
                "column": "age",
                "record": None,
                "reason": "'old' is no whole number in its plain form, like 0, 42 or -7",
            }
        },
        {
            "refused": {
                "line": 5,
                "column": None,
                "record": None,
                "reason": "the row has 2 values, and there are 3 columns",
            }
        },
    ]
    with Node.open(home, read_only=True) as node:
        size = node.store.head.size
    assert len(result.pop("root")) == 71
    assert result == {
        "file": str(people),
        "register": "people",
        "rows": 4,
        "created": 2,
        "amended": 0,
        "unchanged": 0,
        "skipped": 0,
        "refused": 2,
        "waiting": 0,
        "rejected": None,
        "size": size,
        "dry_run": False,
    }


def test_for_people_in_lines(command: Command, people: Path, ages: Path) -> None:
    told = command("import", people, "--mapping", ages)
    assert (told.code, told.err) == (1, "")
    assert told.text.splitlines()[:3] == [
        "line 3, column age: 'old' is no whole number in its plain form, like 0, 42 or -7",
        "line 5: the row has 2 values, and there are 3 columns",
        "people: 4 rows, 2 created, 2 refused",
    ]
    assert told.text.splitlines()[3].startswith("log root sha256:")


def test_people_are_told_of_twenty_refused_rows(command: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,a\n" + ",x\n" * 23)
    told = command("import", "t.csv", "--register", "tree", "--key", "id").text.splitlines()
    assert told[19].startswith("line 21, column id:")
    assert told[20:22] == ["… and 3 more; --rejected FILE writes them all", "tree: 23 rows, 23 refused"]


def test_without_a_mapping_a_register_and_a_key_are_enough(command: Command, people: Path) -> None:
    told = command("import", people, "--register", "people", "--key", "id", "--json")
    assert (told.code, told.result["created"], told.result["refused"]) == (1, 3, 1)
    assert command("record", "people", "2", "--json").result["body"]["fields"] == {
        "id": "2",
        "name": "Ben",
        "age": "old",
    }
    again = command("import", people, "--register", "people", "--json")
    assert (again.result["unchanged"], again.result["refused"]) == (3, 1)


def test_a_key_may_be_made_of_columns(command: Command, people: Path) -> None:
    assert command("import", people, "--register", "people", "--key", "{name}/{id}").code == 1
    assert command("record", "people", "Ann/1").code == 0


def test_a_column_by_number_may_be_the_key_that_a_register_has(command: Command, tmp_path: Path) -> None:
    command("register", "create", "tree", "--key", "nr")
    (tmp_path / "t.csv").write_text("a,b\noak,7\n")
    (tmp_path / "m.json").write_text('{"fields":{"nr":{"column":2},"kind":{"column":1}}}')
    assert command("import", "t.csv", "--mapping", "m.json", "--register", "tree").code == 0
    assert command("record", "tree", "7", "--json").result["body"]["fields"] == {"nr": "7", "kind": "oak"}


def test_the_form_is_known_by_content(command: Command, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(b'{"id":"1","n":{"x":[1]}}\n{"id":"2"}\n'))
    told = command("import", "a", "--register", "tree", "--key", "id", "--json")
    assert (told.code, told.result["created"]) == (0, 2)
    assert command("record", "tree", "1", "--json").result["body"]["fields"] == {"id": "1", "n": {"x": [1]}}


def test_repeated_it_adds_nothing(command: Command, people: Path) -> None:
    first = command("import", people, "--register", "people", "--key", "id", "--json").result
    again = command("import", people, "--register", "people", "--key", "id", "--json").result
    assert again == first | {"created": 0, "unchanged": 3}


@pytest.mark.parametrize("there", [False, True], ids=["no home yet", "a home"])
def test_a_dry_run_says_what_would_be_and_writes_nothing(
    command: Command, home: Path, people: Path, ages: Path, there: bool
) -> None:
    if there:
        command("init")
    before = snapshot(home) if there else {}
    told = command("import", people, "--mapping", ages, "--dry-run")
    assert (told.code, told.text.splitlines()[-1]) == (1, "people: 4 rows, 2 would be created, 2 refused")
    document = command("import", people, "--mapping", ages, "--dry-run", "--json").result
    assert (document["dry_run"], document["created"], document["root"] is None) == (True, 2, not there)
    assert home.exists() is there
    after = snapshot(home) if there else {}
    assert {name: seen for name, seen in after.items() if not name.startswith("store.db-")} == before


def test_what_stands_in_a_row_does_not_steer_the_terminal(command: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,a\n1,\x1b[2J\n")
    (tmp_path / "m.json").write_text('{"fields":{"a":{"type":"integer"}}}')
    told = command("import", "t.csv", "--mapping", "m.json", "--register", "tree", "--key", "id")
    assert "\x1b" not in told.text
    assert "line 2, column a: '\\x1b[2J' is no whole number" in told.text


def test_a_file_in_ruins_gives_its_good_rows_and_1(command: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"id,a\n1,x\n" + b"y" * (1 << 21))
    told = command("import", "t.csv", "--register", "tree", "--key", "id", "--json")
    assert (told.code, told.result["created"], told.error["kind"]) == (1, 1, "malformed")
    assert told.error["message"] == (
        "t.csv: the row that ends at line 3 has over 1,048,576 bytes; is it a table?; the rows before it were taken"
    )
    said = command("import", "t.csv", "--register", "tree", "--key", "id")
    assert (said.code, said.err.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["people.csv"], 2, "say it with --register NAME"),
        (["people.csv", "--register", "people"], 2, "say it with --key COLUMN"),
        (["people.csv", "--register", "people", "--key", "nr"], 1, "there is no column 'nr' in the table"),
        (["people.csv", "--register", "People", "--key", "id"], 1, "'People' is no name for a register"),
        (["none.csv", "--register", "people", "--key", "id"], 3, "there is no file none.csv"),
        ([".", "--register", "people", "--key", "id"], 3, "cannot be read"),
        (["people.csv", "--mapping", "none.json"], 3, "there is no file none.json"),
        (["people.csv", "--mapping", "people.csv"], 1, "the mapping is not JSON"),
        (
            ["people.csv", "--mapping", "money.json"],
            1,
            "money.json: the field 'fee' of the mapping has the type 'money'",
        ),
        (["people.csv", "--mapping", "ages.json", "--rejected", "no/r.csv"], 3, "no/r.csv cannot be written"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(
    command: Command, people: Path, ages: Path, arguments: list[str], code: int, said: str
) -> None:
    Path("money.json").write_text(json.dumps({"fields": {"fee": {"type": "money"}}}))
    told = command("import", *arguments, "--json")
    assert (told.code, told.err) == (code, "")
    assert said in told.error["message"]


def test_a_table_that_is_no_use_makes_no_installation(command: Command, home: Path, people: Path) -> None:
    assert command("import", people, "--register", "people", "--key", "nr").code == 1
    assert command("import", people, "--register", "people").code == 2
    assert not home.exists()


# Refused rows


def test_refused_rows_are_written_corrected_and_imported(
    command: Command, people: Path, ages: Path, tmp_path: Path
) -> None:
    people.chmod(0o640)
    told = command("import", people, "--mapping", ages, "--rejected", "r.csv", "--json")
    assert told.result["rejected"] == "r.csv"
    rejected = tmp_path / "r.csv"
    assert rejected.read_bytes().decode() == (
        "id,name,age,.reason\r\n"
        "2,Ben,old,\"age: 'old' is no whole number in its plain form, like 0, 42 or -7\"\r\n"
        '4,Dan,,"the row has 2 values, and there are 3 columns"\r\n'
    )
    assert stat.S_IMODE(rejected.stat().st_mode) == 0o640
    rejected.write_text(rejected.read_text().replace(",old,", ",33,"))
    again = command("import", rejected, "--mapping", ages, "--rejected", "r2.csv", "--json")
    assert (again.code, again.result["created"], again.result["rejected"]) == (0, 2, None)
    assert not (tmp_path / "r2.csv").exists()
    assert command("record", "people", "2", "--json").result["body"]["fields"]["years"] == 33


def test_also_those_without_a_header_in_another_encoding(command: Command, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes("1;Zoë\n;Bül\nx\n".encode("latin-1"))
    mapping = {
        "header": False,
        "columns": ["id", "name"],
        "encoding": "latin-1",
        "delimiter": ";",
        "key": "{id}",
    }
    (tmp_path / "m.json").write_text(json.dumps(mapping))
    arguments = ("--mapping", "m.json", "--register", "people")
    assert command("import", "t.txt", *arguments, "--rejected", "r.txt").code == 1
    assert (tmp_path / "r.txt").read_bytes().decode("latin-1") == (
        "id;name;.reason\r\n;Bül;id: it names the record, and is empty\r\n"
        "x;;the row has 1 values, and there are 2 columns\r\n"
    )
    (tmp_path / "r.txt").write_text("id;name;.reason\n2;Bül;\n", "latin-1")
    assert command("import", "r.txt", *arguments).code == 0
    assert command("record", "people", "2", "--json").result["body"]["fields"] == {"id": "2", "name": "Bül"}


def test_also_what_could_not_be_read_at_all(command: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b'id,a\n1,\xff\n2,"x"y\n')
    command("import", "t.csv", "--register", "tree", "--key", "id", "--rejected", "r.csv")
    header, first, second = (tmp_path / "r.csv").read_bytes().splitlines()
    assert header == b"id,a,.reason"
    assert first.startswith(b'"1,\xff",,"byte 0xff at 3 is no utf-8; ')
    assert second.startswith(b'"2,""x""y",,"the line is not in the form of CSV: ')


def test_lines_of_json_are_refused_as_lines_of_json(command: Command, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"id":"1"}\n{"n":[1.5,{"a":"é"}]}\n{oops\n')
    arguments = ("--register", "tree", "--key", "id")
    told = command("import", "t.jsonl", *arguments, "--rejected", "r.jsonl", "--json")
    assert (told.code, told.result["created"], told.result["refused"]) == (1, 1, 2)
    first, second = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    assert first["n"] == [1.5, {"a": "é"}]
    assert first[".reason"].startswith("n: the number 1.5 is not whole")
    assert (second[".text"], second[".reason"][:22]) == ("{oops", "the line is no JSON: E")
    (tmp_path / "r.jsonl").write_text('{"id":"2","n":"1.5",".reason":"x"}\n')
    assert command("import", "r.jsonl", *arguments).code == 0
    assert command("record", "tree", "2", "--json").result["body"]["fields"] == {"id": "2", "n": "1.5"}


# Exporting


def test_a_register_goes_out_and_comes_in_again(command: Command, people: Path, tmp_path: Path) -> None:
    command("import", people, "--register", "people", "--key", "id")
    told = command("export", "people", "--out", "out.csv", "--mapping-out", "out.json", "--json")
    size = (tmp_path / "out.csv").stat().st_size
    assert told.result == {
        "register": "people",
        "file": "out.csv",
        "lines": 4,
        "bytes": size,
        "mapping": "out.json",
    }
    assert command("import", "out.csv", "--mapping", "out.json", "--home", "other").code == 0
    for home in ("home", "other"):
        shown = command("export", "people", "--format", "csv", "--home", home).text.splitlines()
        assert [line.split(",")[:4] for line in shown] == [
            [".record", "id", "name", "age"],
            ["1", "1", "Ann", "42"],
            ["2", "2", "Ben", "old"],
            ["3", "3", "Cho", "7"],
        ]


def test_json_lines_by_the_ending_of_their_file(command: Command, land: Path, tmp_path: Path) -> None:
    command("record", "annul", "land-title", "2")
    assert command("export", "land-title", "--out", "out.jsonl", "--all-versions").code == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(line["record"], line["version"]) for line in lines] == [
        ("1", 1),
        ("2", 1),
        ("3", 1),
        ("1", 2),
        ("2", 2),
    ]
    current = command("export", "land-title", "--format", "jsonl", "--current").documents
    assert [(line["record"], line["fields"]["owner"]) for line in current] == [("3", "Cho"), ("1", "Zoe")]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--all-versions"], 2, "RSF has every version and needs no mapping"),
        (["--format", "csv", "--all-versions", "--current"], 2, "choose one of them"),
        (["--format", "xml"], 2, "is not one of 'rsf', 'csv', 'jsonl'"),
        (["--format", "csv", "--mapping-out", "no/m.json"], 3, "no/m.json cannot be written"),
    ],
)
def test_what_cannot_be_exported(
    command: Command, land: Path, arguments: list[str], code: int, said: str
) -> None:
    told = command("export", "land-title", *arguments)
    assert (told.code, told.out) == (code, b"")
    assert said in told.err


def test_help_says_how_formulas_are_kept_from_running(command: Command) -> None:
    said = " ".join(command("export", "--help").text.split())
    assert "Have it import the file instead, with every column as text." in said


# The real tables


def test_the_land_sample_goes_in_whole(home: Path) -> None:
    sample = shared("data/land/hmlr-price-paid-1995-sample.csv.gz")
    ended = process("import", sample, "--mapping", MAPPINGS / "land.json", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert {name: ended.result[name] for name in ("rows", "created", "refused")} == {
        "rows": 10_298,
        "created": 10_298,
        "refused": 0,
    }


def plots(home: Path) -> list[tuple[str, str]]:
    """The entries of the register as they stand in the log, in its order."""
    with Node.open(home) as node:
        entries = [node.entry(number) for number in range(node.store.head.size)]
    return [(each.record, each.fields["owner"]) for each in entries if each.register == "plot"]


def test_killed_at_random_moments_it_ends_whole(tmp_path: Path) -> None:
    """Every row stands once, and rows of one key in their order, however often the process was ended."""
    random, file = Random(11), tmp_path / "plots.csv"
    rows = [(str(random.randrange(4_000)), f"owner {at}") for at in range(8_000)]
    file.write_text("plot,owner\n" + "".join(f"{key},{owner}\n" for key, owner in rows))
    arguments = ["import", str(file), "--register", "plot", "--key", "plot", "--home"]
    began = time.monotonic()
    assert process(*arguments, tmp_path / "whole").code == 0
    whole = time.monotonic() - began
    halves = number = 0
    while halves < 6:
        home = tmp_path / f"home-{number}"
        with subprocess.Popen(
            [*COMMAND, *arguments, str(home)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment(),
        ) as running:
            try:
                assert running.wait(random.uniform(0.2, 0.9) * whole) == 0
            except subprocess.TimeoutExpired:
                os.kill(running.pid, signal.SIGKILL)
        stood = plots(home) if home.exists() else []
        assert stood == rows[: len(stood)]
        halves += 0 < len(stood) < len(rows)
        number += len(stood) == len(rows)
    assert process(*arguments, home).code == 0
    assert plots(home) == rows
    assert process("audit", "--home", home).code == 0
