"""`counterfoil import` and `export`: what scripts rely on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.cli.rsf import Plan
from counterfoil.errors import Unavailable
from counterfoil.examples import registers_folder
from counterfoil.node import Node
from counterfoil.proof.canonical import labelled
from counterfoil.registry.rsf.format import rsf_hash
from tests.cli.calling import process, snapshot
from tests.cli.conftest import Command
from tests.shared_data import shared

COUNTRY = registers_folder() / "country.rsf"


def rsf(*rows: dict[str, str], register: str = "tree") -> bytes:
    """An RSF file that defines a register and enters these items, without an assertion."""
    lines = []
    definition = {"fields": ["number", "kind"], "register": register, "text": "Trees"}
    for kind, key, item in [
        ("system", f"register:{register}", definition),
        *(("user", row["number"], row) for row in rows),
    ]:
        data = json.dumps(item, separators=(",", ":"), sort_keys=True)
        lines += [
            f"add-item\t{data}",
            f"append-entry\t{kind}\t{key}\t2020-01-01T00:00:00Z\t{rsf_hash(data.encode())}",
        ]
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    """A small file that publishes no root."""
    path = tmp_path / "tree.tsv"
    path.write_bytes(rsf({"number": "1", "kind": "oak"}, {"number": "2", "kind": "elm"}))
    return path


# Importing


def test_the_last_line_is_the_result(home: Path) -> None:
    ended = process("import", COUNTRY, "--json")
    assert (ended.code, ended.err) == (0, "")
    with Node.open(home, read_only=True) as node:
        root, size = labelled(node.store.log.root()), node.store.head.size
    assert ended.result == {
        "file": str(COUNTRY),
        "register": "country",
        "entries": 210,
        "added": 228,
        "published_root_verified": True,
        "root": root,
        "size": size,
        "assertions": 2,
        "dry_run": False,
    }


def test_for_people_in_two_lines(command: Command, trees: Path) -> None:
    told = command("import", trees)
    first, second = told.text.splitlines()
    assert first == "tree: 2 entries in the file, 3 written; the file publishes no root over its entries"
    assert second.startswith("log root sha256:")
    again = command("import", COUNTRY).text.splitlines()[0]
    assert again.endswith(
        "210 entries in the file, 228 written; 2 published roots recomputed, and each is as published"
    )


def test_imported_again_nothing_is_added(command: Command, trees: Path) -> None:
    first = command("import", trees, "--json").result
    again = command("import", trees, "--json")
    assert (again.code, again.result) == (0, first | {"added": 0})


def test_a_file_without_assertions_imports_with_false(command: Command, trees: Path) -> None:
    told = command("import", trees, "--json")
    assert (told.code, told.result["published_root_verified"]) == (0, False)


def test_under_another_name(command: Command, trees: Path) -> None:
    assert command("import", trees, "--register", "old-tree", "--json").result["register"] == "old-tree"
    assert command("record", "old-tree", "1").code == 0


@pytest.mark.parametrize("there", [False, True], ids=["no home yet", "a home"])
def test_a_dry_run_checks_and_writes_nothing(command: Command, home: Path, trees: Path, there: bool) -> None:
    if there:
        command("import", COUNTRY)
    before = snapshot(home) if there else {}
    told = command("import", trees, "--dry-run", "--json")
    assert told.code == 0
    assert {name: told.result[name] for name in ("register", "entries", "added", "dry_run")} == {
        "register": "tree",
        "entries": 2,
        "added": 3,
        "dry_run": True,
    }
    assert (told.result["root"] is not None) is there
    assert "3 would be written" in command("import", trees, "--dry-run").text
    assert home.exists() is there
    after = snapshot(home) if there else {}
    assert {name: seen for name, seen in after.items() if not name.startswith("store.db-")} == before


def test_a_dry_run_sees_what_an_import_would(command: Command, trees: Path) -> None:
    command("import", trees)
    trees.write_bytes(rsf({"number": "1", "kind": "ash"}))
    told = command("import", trees, "--dry-run", "--json")
    assert (told.code, told.error["kind"], told.error["line"]) == (1, "conflict", 4)


def test_what_only_plans_writes_nothing() -> None:
    plan = Plan(None)
    assert (plan.log, plan.record("tree", "1"), list(plan.entries())) == ((0, None), None, [])
    with pytest.raises(Unavailable, match="only plans"):
        plan.submit([])


def test_a_plan_knows_who_keeps_what_is_there(command: Command, home: Path, trees: Path) -> None:
    command("init", "--agency", "EX/GOV/TREES")
    command("import", trees)
    with Node.open(home, read_only=True) as node:
        assert Plan(node).agency == "EX/GOV/TREES"
    assert command("import", trees, "--dry-run", "--json").result["added"] == 0


# Wrong files


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("register-register-invalid-entry-ordering.rsf", 14),
        ("register-register-non-canonical-item.tsv", 1),
        ("register-register-orphan-rsf.tsv", 2),
        ("register-register-rsf-invalid-root-hash.tsv", 1),
    ],
)
def test_a_wrong_file_is_refused_with_reason_and_line(home: Path, name: str, line: int) -> None:
    path = shared(f"data/vectors/rsf-negative/{name}")
    ended = process("import", path, "--register", "register", "--json")
    assert (ended.code, ended.err) == (1, "")
    assert (ended.error["line"], ended.error["message"].split(":")[0]) == (line, f"line {line}")
    assert {key: ended.result[key] for key in ("register", "entries", "root", "published_root_verified")} == {
        "register": "register",
        "entries": 0,
        "root": None,
        "published_root_verified": False,
    }
    assert not home.exists()


def test_for_people_it_is_a_sentence_with_the_file(command: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.rsf").write_bytes(b"add-item\t{}\n")
    told = command("import", "bad.rsf")
    assert (told.code, told.out, told.err.count("\n")) == (1, b"", 1)
    assert told.err.startswith("counterfoil: bad.rsf: line 1: no entry refers to this item")


def test_one_that_defines_no_register_needs_a_name(command: Command, home: Path, tmp_path: Path) -> None:
    data = b'{"a":"b"}'
    line = f"append-entry\tuser\tb\t2020-01-01T00:00:00Z\t{rsf_hash(data)}\n".encode()
    (tmp_path / "a.tsv").write_bytes(b"add-item\t" + data + b"\n" + line)
    told = command("import", "a.tsv", "--json")
    assert (told.code, told.error["kind"], told.result["published_root_verified"]) == (2, "usage", False)
    assert not home.exists()
    assert command("import", "a.tsv", "--register", "letter").code == 0


def test_one_that_contradicts_what_is_there_stores_nothing(command: Command, home: Path, trees: Path) -> None:
    command("import", trees)
    size = command("audit", "--json").result["entries"]
    trees.write_bytes(rsf({"number": "3", "kind": "fir"}, {"number": "1", "kind": "ash"}))
    told = command("import", trees, "--json")
    assert (told.code, told.error["kind"], told.result["published_root_verified"]) == (1, "conflict", False)
    assert command("audit", "--json").result["entries"] == size


@pytest.mark.parametrize(("name", "said"), [("none.rsf", "there is no file"), (".", "cannot be read")])
def test_one_that_cannot_be_read_is_3(command: Command, name: str, said: str) -> None:
    told = command("import", name, "--json")
    assert (told.code, told.result["published_root_verified"]) == (3, False)
    assert said in told.error["message"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.csv", "counterfoil: there is no file none.csv\n"),
        (".", "counterfoil: . cannot be read: Is a directory\n"),
    ],
)
def test_a_file_is_named_once(command: Command, name: str, said: str) -> None:
    assert command("import", name).err == said


# Exporting


def test_what_was_imported_comes_back_byte_for_byte(home: Path, tmp_path: Path) -> None:
    process("import", COUNTRY)
    assert process("export", "country").out == COUNTRY.read_bytes()
    ended = process("export", "country", "--out", tmp_path / "out.rsf", "--json")
    assert (tmp_path / "out.rsf").read_bytes() == COUNTRY.read_bytes()
    assert ended.result == {
        "register": "country",
        "file": f"{tmp_path}/out.rsf",
        "lines": 456,
        "bytes": 55300,
    }


def test_with_what_was_entered_since(command: Command, tmp_path: Path, trees: Path) -> None:
    command("import", trees)
    before = command("export", "tree").text
    command("record", "create", "tree", "3", "--field", "kind=fir")
    after = command("export", "tree").text
    assert after.startswith(before)
    (tmp_path / "again.rsf").write_text(after)
    told = command("import", "again.rsf", "--home", tmp_path / "other", "--json")
    assert (told.code, told.result["entries"]) == (0, 3)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["tree"], 3, "there is no register 'tree'"),
        (
            ["land-title", "--out", "none/out.rsf"],
            3,
            "none/out.rsf cannot be written: No such file or directory",
        ),
    ],
)
def test_what_cannot_be_exported(
    command: Command, land: Path, arguments: list[str], code: int, said: str
) -> None:
    told = command("export", *arguments)
    assert (told.code, told.out) == (code, b"")
    assert said in told.err


def test_what_has_no_form_in_rsf_is_3_and_leaves_no_file(
    command: Command, land: Path, tmp_path: Path
) -> None:
    command("record", "annul", "land-title", "2")
    told = command("export", "land-title", "--out", "out.rsf", "--json")
    assert (told.code, told.error["kind"]) == (3, "refused")
    assert "land-title '2', version 2 (annul) has no form in RSF" in told.error["message"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_an_export_is_no_json(command: Command, land: Path) -> None:
    told = command("export", "land-title", "--json")
    assert (told.code, told.error["kind"]) == (2, "usage")
