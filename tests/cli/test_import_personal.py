"""`counterfoil import` of personal records, and the people whom `counterfoil demo` makes up."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from counterfoil.cli.people import people_to_try
from counterfoil.node import Node
from counterfoil.office.beginning import define_shipped
from tests.cli.calling import process, snapshot
from tests.cli.conftest import Command
from tests.web.process import serving

SECRET = "Geheimling"
MAPPING: dict[str, Any] = {
    "register": "person",
    "key": "{id}",
    "fields": {
        "number": {"column": "id"},
        "/names/0/family": {"column": "surname"},
        "sex": {"values": {"F": "female", "M": "male"}},
        "date-of-birth": {"column": "born", "type": "date"},
    },
    "constants": {"/names/0/script": "Latn", "/names/0/use": "birth"},
}
TABLE = f"id,surname,sex,born\nZZ-A,{SECRET},F,1970-01-02\nZZ-B,Corvafell,{SECRET},1971-01-02\n"


def line(number: str, **fields: Any) -> str:
    """A person, as a line of a file."""
    named = [{"script": "Latn", "use": "birth", "family": SECRET}]
    stated = {"number": number, "names": named, "sex": "female", "date-of-birth": "1970-01-02"}
    return json.dumps({"register": "person", "fields": {**stated, **fields}}) + "\n"


@pytest.fixture(scope="session")
def registers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with the registers that come with the software, to be copied."""
    folder = tmp_path_factory.mktemp("registers") / "home"
    with Node.open(folder) as node:
        define_shipped(node)
    return folder


@pytest.fixture
def ready(registers: Path, home: Path) -> Path:
    """A copy of it, where commands look for one."""
    return Path(shutil.copytree(registers, home))


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.json"
    path.write_text(json.dumps(MAPPING))
    return path


# Made-up people


def test_people_are_written_into_a_file_that_import_takes(
    command: Command, home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "people.jsonl"
    written = command("demo", "--people", 40, "--seed", 9, "--out", file, "--json")
    lines = file.read_bytes().splitlines()
    assert (written.code, written.err) == (0, "")
    assert written.result == {
        "people": 40,
        "seed": 9,
        "file": str(file),
        "lines": len(lines),
        "bytes": file.stat().st_size,
    }
    assert all({"register", "fields"} <= json.loads(each).keys() for each in lines)
    assert not home.exists()
    imported = command("import", file, "--json")
    assert imported.code == 0
    result = imported.result
    assert (result["rows"], result["refused"]) == (len(lines), 0)
    assert result["created"] + result["amended"] + result["waiting"] == len(lines)
    assert sum(result["registers"].values()) == len(lines)
    assert [each for each in imported.documents if "case" in each] == [
        each for each in imported.documents[:-1] if "refused" not in each
    ]
    again = command("import", file, "--json").result
    assert again["unchanged"] + again["waiting"] == len(lines)
    assert again["size"] == result["size"]


def test_the_same_seed_writes_the_same_file(command: Command, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b", "c")]
    for file, seed in zip(files, (3, 3, 4), strict=True):
        assert command("demo", "--people", 25, "--seed", seed, "--out", file).code == 0
    first, second, third = (file.read_bytes() for file in files)
    assert first == second
    assert first != third


def test_a_file_without_people_is_a_wrong_call(command: Command, tmp_path: Path) -> None:
    ended = command("demo", "--out", tmp_path / "people.jsonl")
    assert ended.code == 2
    assert "--people" in ended.err


def test_the_demonstration_has_people_in_it_once(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    told = command("demo", "--people", 25, "--no-serve", "--home", folder, "--json")
    assert told.code == 0
    people = told.result["people"]
    assert (people["people"], people["refused"], people["faults"]) == (25, 0, [])
    assert {"person", "birth", "marriage"} <= people["registers"].keys()
    again = command("demo", "--people", 25, "--no-serve", "--home", folder, "--json")
    tried = [
        call.replace("person.proof.json", str(tmp_path / "proof.json")) for _, call in people_to_try(folder)
    ]
    for call in tried:
        said, _, called = call.rpartition("counterfoil ")
        stdin = said.removeprefix("echo ").removesuffix(" | ") + "\n"
        assert process(*called.split(), stdin=stdin.encode()).code == 0, call
    assert again.result["people"]["unchanged"] == people["rows"]
    assert again.result["entries"] == told.result["entries"]


# Lines


def test_a_refused_line_is_told_without_what_it_says(command: Command, ready: Path, tmp_path: Path) -> None:
    file, rejected = tmp_path / "lines.jsonl", tmp_path / "rejected.jsonl"
    born = [{"date-of-birth": f"19{year}-06-30"} for year in (30, 95)]
    file.write_text(line("ZZ-A") + line("ZZ-B", sex=SECRET, **born[0]) + line("ZZ-C", **born[1]))
    ended = command("import", file, "--rejected", rejected)
    assert ended.code == 1
    assert SECRET not in ended.text + ended.err
    assert ended.text.splitlines()[0].startswith(
        "line 2, column sex: these are no fields for a record of person: sex is one of female, male, "
    )
    (row,) = [json.loads(each) for each in rejected.read_text().splitlines()]
    assert row["fields"]["sex"] == SECRET
    assert "sex is one of female, male, " in row[".reason"]
    assert stat.S_IMODE(rejected.stat().st_mode) == 0o600
    rejected.write_text(rejected.read_text().replace(f'"sex":"{SECRET}"', '"sex":"male"'))
    assert command("import", rejected, "--json").result["created"] == 1


def test_who_is_likely_registered_already_is_listed_and_not_entered_unless_told(
    command: Command, ready: Path, tmp_path: Path
) -> None:
    file, rejected = tmp_path / "lines.jsonl", tmp_path / "rejected.jsonl"
    file.write_text(line("ZZ-A") + line("ZZ-B", **{"date-of-birth": "1930-06-30"}) + line("ZZ-C"))
    ended = command("import", file, "--rejected", rejected)
    assert ended.code == 1
    assert "line 3, column names: person likely has this person already, as " in ended.text
    assert (
        "1 row is likely of somebody who is registered already (duplicate-check), and refused" in ended.text
    )
    (row,) = [json.loads(each) for each in rejected.read_text().splitlines()]
    assert (row["fields"]["number"], "duplicate-check" in row[".reason"]) == ("ZZ-C", True)
    again = command("import", rejected, "--json")
    assert (again.code, again.result["created"], again.result["likely_duplicates"]) == (1, 0, 1)
    other = row[".reason"].split(" as ")[1].split(";")[0]
    rejected.write_text(json.dumps({**row, "circumstances": {"not-same": [other]}}))
    assert command("import", rejected, "--json").result["created"] == 1


def test_all_are_taken_where_that_is_said(command: Command, ready: Path, tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(line("ZZ-A") + line("ZZ-B") + line("ZZ-C"))
    ended = command("import", file, "--duplicates", "take", "--json")
    assert (ended.code, ended.result["created"], ended.result["likely_duplicates"]) == (0, 3, 0)


def test_a_table_is_asked_for_duplicates_as_well(
    command: Command, ready: Path, mapping: Path, tmp_path: Path
) -> None:
    table = tmp_path / "persons.csv"
    rows = ["id,surname,sex,born", f"ZZ-A,{SECRET},F,1970-01-02", f"ZZ-B,{SECRET},F,1970-01-02"]
    table.write_text("\n".join(rows) + "\n")
    ended = command("import", table, "--mapping", mapping, "--json")
    assert (ended.result["created"], ended.result["likely_duplicates"]) == (1, 1)


def test_a_line_for_a_second_officer_is_a_case(command: Command, ready: Path, tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(line("ZZ-A", **{"date-of-birth": "1950~"}))
    ended = command("import", file)
    assert ended.code == 0
    lines = ended.text.splitlines()
    assert lines[0] == "lines.jsonl: 1 row, 1 waiting for a second officer, or endorsements"
    assert lines[2] == "1 case lies on the desk for a second officer: counterfoil desk"


def test_nothing_personal_stands_in_the_store(command: Command, ready: Path, tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(line("ZZ-A") + line("ZZ-B", **{"date-of-birth": "1950~"}))
    assert command("import", file).code == 0
    for stored in ready.rglob("*"):
        assert not stored.is_file() or SECRET.encode() not in stored.read_bytes(), stored


def test_a_dry_run_is_a_wrong_call_and_writes_nothing(command: Command, ready: Path, tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(line("ZZ-A"))
    before = snapshot(ready)
    assert command("import", file, "--dry-run").code == 2
    assert snapshot(ready) == before


def test_while_it_is_served_personal_records_are_refused_in_one_sentence(
    command: Command, ready: Path, tmp_path: Path
) -> None:
    file = tmp_path / "lines.jsonl"
    file.write_text(line("ZZ-A"))
    with serving(ready):
        ended = command("import", file, "--json")
    assert ended.code == 3
    assert ended.error["kind"] == "busy"
    assert "stop it to import personal records" in ended.error["message"]


# Tables


def test_a_table_for_a_personal_register_is_sealed(
    command: Command, ready: Path, mapping: Path, tmp_path: Path
) -> None:
    file, rejected = tmp_path / "persons.csv", tmp_path / "rejected.csv"
    file.write_text(TABLE)
    ended = command("import", file, "--mapping", mapping, "--rejected", rejected, "--json")
    assert ended.code == 1
    assert SECRET.encode() not in ended.out
    refused, result = ended.documents
    assert refused == {
        "refused": {
            "line": 3,
            "column": "sex",
            "record": None,
            "reason": "the value does not fit what the mapping says of this column",
        }
    }
    assert {name: result[name] for name in ("register", "rows", "created", "refused")} == {
        "register": "person",
        "rows": 2,
        "created": 1,
        "refused": 1,
    }
    assert stat.S_IMODE(rejected.stat().st_mode) == 0o600
    rejected.write_text(rejected.read_text().replace(f"Corvafell,{SECRET}", "Corvafell,F"))
    corrected = command("import", rejected, "--mapping", mapping, "--json")
    assert (corrected.code, corrected.result["created"]) == (0, 1)
    assert command("import", rejected, "--mapping", mapping, "--json").result["unchanged"] == 1


@pytest.mark.parametrize("content", ["{", '{"register":"person","key":"{id}","constants":[]}'])
def test_a_mapping_that_is_wrong_is_told_by_its_name(
    command: Command, ready: Path, tmp_path: Path, content: str
) -> None:
    file, wrong = tmp_path / "persons.csv", tmp_path / "wrong.json"
    file.write_text(TABLE)
    wrong.write_text(content)
    ended = command("import", file, "--register", "person", "--mapping", wrong)
    assert ended.code == 1
    assert ended.err.startswith(f"counterfoil: {wrong}: ")


def test_tables_for_public_registers_are_imported_as_ever(
    command: Command, ready: Path, tmp_path: Path
) -> None:
    file = tmp_path / "trees.csv"
    file.write_text("number,kind\n1,oak\n")
    assert command("import", file, "--register", "tree", "--key", "number").code == 0
    with Node.open(ready, read_only=True) as node:
        entry = node.record("tree", "1")
    assert entry is not None
    assert entry.fields == {"number": "1", "kind": "oak"}
