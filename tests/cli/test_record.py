"""`counterfoil record`: a record's latest entry, and its next one."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from counterfoil.node import Node
from counterfoil.proof.entry import decode_entry
from tests.cli.calling import process
from tests.cli.conftest import Command


def fields(command: Command, key: str, register: str = "land-title") -> Any:
    return command("record", register, key, "--json").result["body"]["fields"]


# Showing


def test_one_is_shown_as_it_stands_in_the_log(command: Command, land: Path) -> None:
    told = command("record", "land-title", "1", "--json")
    with Node.open(land, read_only=True) as node:
        number = decode_entry(told.out.rstrip(b"\n")).number
        assert told.out == node.store.entry(number) + b"\n"


def test_for_people_with_its_fields_why_and_where(command: Command, land: Path) -> None:
    entry = command("record", "land-title", "1", "--json").result
    assert command("record", "land-title", "1").text.splitlines() == [
        "land-title 1, version 2 (amend)",
        "  owner         Zoe",
        "  title-number  1",
        "  circumstances",
        "    why  sale",
        f"  entry {entry['number']}, {entry['time']}, transaction {entry['transaction']}",
    ]


def test_show_may_be_said(command: Command, land: Path) -> None:
    assert command("record", "show", "land-title", "1").out == command("record", "land-title", "1").out


@pytest.mark.parametrize("name", [("land-title", "9"), ("tree", "1")])
def test_one_that_is_not_there_is_3(command: Command, land: Path, name: tuple[str, str]) -> None:
    told = command("record", *name)
    assert (told.code, told.out) == (3, b"")
    assert told.err == f"counterfoil: there is no record '{name[1]}' in the register '{name[0]}'\n"


def test_a_record_cannot_steer_the_terminal(command: Command, land: Path) -> None:
    command("record", "amend", "land-title", "1", "--field", "owner=\x1b[2J\x1b]0;x\x07\u202eAnn")
    said = command("record", "land-title", "1").text
    assert "  owner         \\x1b[2J\\x1b]0;x\\x07\\u202eAnn\n" in said
    assert all(character.isprintable() or character == "\n" for character in said)


# Writing


def test_what_was_written_is_said(land: Path) -> None:
    written = process("record", "create", "land-title", "4", "--field", "owner=Dan", "--json")
    assert written.code == 0
    with Node.open(land, read_only=True) as node:
        entry = node.record("land-title", "4")
    assert entry is not None
    assert written.result == {
        "register": "land-title",
        "record": "4",
        "version": 1,
        "number": entry.number,
        "transaction": entry.transaction,
        "standing": "taken",
    }


def test_for_people_in_a_line(command: Command, land: Path) -> None:
    written = command("record", "create", "land-title", "4", "--field", "owner=Dan")
    number = command("record", "land-title", "4", "--json").result["number"]
    assert written.text == f"land-title 4, version 1: entry {number} of the log\n"


def test_the_key_field_goes_without_saying(command: Command, land: Path) -> None:
    command("record", "create", "land-title", "4", "--field", "owner=Dan")
    assert fields(command, "4") == {"owner": "Dan", "title-number": "4"}


def test_a_field_is_text_or_json(command: Command, land: Path) -> None:
    command(
        "record",
        "create",
        "land-title",
        "4",
        "--field",
        "owner=Dan",
        "--field",
        "plots:=2",
        "--field",
        "note=a=b:=c",
    )
    assert fields(command, "4") == {"note": "a=b:=c", "owner": "Dan", "plots": 2, "title-number": "4"}


def test_an_amendment_changes_what_is_given(command: Command, land: Path) -> None:
    command("record", "amend", "land-title", "1", "--field", "plots:=2")
    assert fields(command, "1") == {"owner": "Zoe", "plots": 2, "title-number": "1"}
    command("record", "amend", "land-title", "1", "--without", "plots", "--field", "owner=Eve")
    assert fields(command, "1") == {"owner": "Eve", "title-number": "1"}


def test_a_file_is_the_whole(land: Path) -> None:
    written = process(
        "record",
        "amend",
        "land-title",
        "1",
        "--fields",
        "-",
        "--field",
        "plots:=3",
        stdin=b'{"owner": "Eve"}',
    )
    assert written.code == 0
    shown = process("record", "land-title", "1", "--json").result
    assert shown["body"]["fields"] == {"owner": "Eve", "plots": 3, "title-number": "1"}


def test_status_stays_and_circumstances_do_not(command: Command, land: Path) -> None:
    given = ("--why", "sale", "--law", "Land Act, s. 5", "--case", "2026/7", "--valid-from", "2026-01-31")
    command("record", "amend", "land-title", "2", "--field", "owner=Eve", "--status", "registered", *given)
    first = command("record", "land-title", "2", "--json").result
    assert (first["status"], first["body"]["circumstances"]) == (
        "registered",
        {"why": "sale", "law": "Land Act, s. 5", "case": "2026/7", "valid-from": "2026-01-31"},
    )
    command("record", "amend", "land-title", "2", "--field", "owner=Fay")
    second = command("record", "land-title", "2", "--json").result
    assert (second["status"], "circumstances" in second["body"]) == ("registered", False)


@pytest.mark.parametrize("operation", ["correct", "annul", "close"])
def test_the_other_operations_keep_the_fields(command: Command, land: Path, operation: str) -> None:
    assert command("record", operation, "land-title", "3", "--why", "because").code == 0
    shown = command("record", "land-title", "3", "--json").result
    assert (shown["operation"], shown["body"]["fields"]) == (operation, {"owner": "Cho", "title-number": "3"})


def test_a_document_is_kept_beside(command: Command, land: Path, tmp_path: Path) -> None:
    deed = b"deed\n" * 200_000
    (tmp_path / "deed.txt").write_bytes(deed)
    command("record", "amend", "land-title", "1", "--document", tmp_path / "deed.txt")
    name = command("record", "land-title", "1", "--json").result["document"]
    assert name == f"sha256:{sha256(deed).hexdigest()}"
    with Node.open(land, read_only=True) as node:
        assert b"".join(node.store.read_document(name)) == deed
    assert command("audit").code == 0


def test_a_receipt_is_a_proof_that_verifies(command: Command, land: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    written = command(
        "record", "amend", "land-title", "1", "--field", "owner=Eve", "--receipt", proof, "--json"
    )
    assert (written.code, written.result["proof"]) == (0, str(proof))
    report = command("verify", proof, "--trust", land / "trust.json", "--json")
    assert (report.code, report.result["verdict"]) == (0, "valid")
    assert any("land-title 1 version 3 is the latest" in claim for claim in report.result["claims"])


def test_where_the_receipt_cannot_be_written_the_entry_is_said_to_stand(command: Command, land: Path) -> None:
    told = command(
        "record", "amend", "land-title", "1", "--field", "owner=Eve", "--receipt", "none/proof.json", "--json"
    )
    assert (told.code, told.error["kind"]) == (3, "unavailable")
    assert "is stored, and its proof is not: none/proof.json cannot be written" in told.error["message"]
    assert fields(command, "1")["owner"] == "Eve"


def test_a_receipt_of_a_request_that_was_done_before_is_of_its_entry(
    command: Command, land: Path, tmp_path: Path
) -> None:
    call = ("record", "amend", "land-title", "1", "--field", "owner=Eve", "--idempotency-key", "r1")
    command(*call)
    command("record", "amend", "land-title", "1", "--field", "owner=Fay")
    assert command(*call, "--receipt", "proof.json", "--json").result["standing"] == "repeated"
    report = command("verify", "proof.json", "--trust", land / "trust.json", "--json").result
    assert report["verdict"] == "valid"
    assert any("land-title 1 versions 2, 3 stand in the log" in claim for claim in report["claims"])


# Compare and set


def test_a_version_that_was_seen(command: Command, land: Path) -> None:
    assert command("record", "amend", "land-title", "1", "--version", "2", "--field", "owner=Eve").code == 0
    told = command("record", "amend", "land-title", "1", "--version", "2", "--field", "owner=Fay")
    assert (told.code, told.out) == (1, b"")
    assert told.err == (
        "counterfoil: land-title '1' is at version 3, so its next is 4 and not 3; read again\n"
    )
    assert fields(command, "1")["owner"] == "Eve"


def test_a_request_is_done_once(command: Command, land: Path) -> None:
    call = ("record", "amend", "land-title", "1", "--field", "owner=Eve", "--idempotency-key", "r1")
    first = command(*call, "--json").result
    again = command(*call, "--json")
    assert (again.code, again.result) == (0, first | {"standing": "repeated"})
    assert command("record", "land-title", "1", "--json").result["version"] == 3
    assert "was taken before" in command(*call).text


def test_so_is_one_that_creates(command: Command, land: Path) -> None:
    call = (
        "record",
        "create",
        "land-title",
        "4",
        "--field",
        "owner=Dan",
        "--idempotency-key",
        "r1",
        "--json",
    )
    assert [command(*call).result["standing"] for _ in range(2)] == ["taken", "repeated"]


def test_its_key_is_for_that_request_alone(command: Command, land: Path) -> None:
    call = ("record", "amend", "land-title", "1", "--idempotency-key", "r1")
    command(*call, "--field", "owner=Eve")
    told = command(*call, "--field", "owner=Fay", "--json")
    assert (told.code, told.error["kind"]) == (1, "reused")
    assert "used for another request" in told.error["message"]


# Refused


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["create", "land-title", "4", "--field", "plots:=1"],
            {
                "kind": "violated",
                "message": "land-title '4' does not conform to its register's schema at /: "
                '"owner" is a required property',
                "constraint": "schema",
                "citation": "Land Act",
            },
        ),
        (
            ["amend", "land-title", "1", "--field", "plots:=0"],
            {
                "kind": "violated",
                "message": "land-title '1' does not conform to its register's schema at /plots: "
                "0 is less than the minimum of 1",
                "constraint": "schema",
                "field": "plots",
                "citation": "Land Act",
            },
        ),
        (
            ["amend", "land-title", "1", "--field", "title-number=2"],
            {
                "kind": "violated",
                "message": "the record land-title '1' must be named by its field 'title-number', which is '2'",
                "constraint": "key",
                "field": "title-number",
            },
        ),
        (
            ["create", "land-title", "1", "--field", "owner=Dan"],
            {"kind": "conflict", "message": "land-title '1' exists already; create does not apply"},
        ),
        (
            ["close", "land-title", "9", "--field", "owner=Dan"],
            {"kind": "conflict", "message": "land-title '9' does not exist yet; close does not apply"},
        ),
        (
            ["create", "tree", "1", "--field", "kind=oak"],
            {
                "kind": "refused",
                "message": "there is no register 'tree'; create it first, by a record in .register",
            },
        ),
        (
            ["create", ".index", "1", "--field", "kind=oak"],
            {
                "kind": "refused",
                "message": "the register .index is written by the ledger alone; nobody can propose to it",
            },
        ),
    ],
)
def test_what_the_ledger_refuses_is_1_and_says_which_rule(
    command: Command, land: Path, arguments: list[str], error: dict[str, str]
) -> None:
    before = command("register", "--json").result
    told = command("record", *arguments, "--json")
    assert (told.code, told.err, told.documents) == (1, "", [{"error": error}])
    assert command("register", "--json").result == before


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b'{"owner": "Ann", "owner": "Ben"}', "has the name 'owner' twice in one object"),
        (b'{"owner": "Ann"', "is not JSON"),
        (b'{"owner": "\xff"}', "is not JSON"),
        (b"", "is not JSON"),
        (b'["owner"]', "must be a JSON object"),
        (b'{"owner": ' + b"[" * 600 + b"]" * 600 + b"}", "nested"),
        (b'{"owner": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is not JSON: depth limit exceeded"),
        (b'{"plots": 1.5}', "write decimals"),
        (b'{"plots": 9007199254740993}', "2^53"),
        ('{"ö": "x"}'.encode(), "member names are ASCII"),
        (b'{"owner": "' + b"x" * (1 << 20) + b'"}', "is over 1,048,576 bytes long"),
        (b'{"owner": "' + b"x" * 70_000 + b'"}', "does not conform to its register's schema at /owner"),
    ],
    ids=[
        "duplicate",
        "cut",
        "not-utf-8",
        "empty",
        "array",
        "deep",
        "deeper",
        "float",
        "integer",
        "name",
        "huge",
        "long",
    ],
)
def test_input_that_is_none_is_one_clear_error_and_nothing_stored(
    command: Command, land: Path, tmp_path: Path, written: bytes, said: str
) -> None:
    (tmp_path / "in.json").write_bytes(written)
    told = command("record", "create", "land-title", "4", "--fields", tmp_path / "in.json")
    assert (told.code, told.out, told.err.count("\n")) == (1, b"", 1)
    assert said in told.err
    assert command("record", "land-title", "4").code == 3
    assert command("audit").code == 0


def test_input_that_is_none_does_not_even_make_a_home(command: Command, home: Path, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_bytes(b"{")
    assert command("record", "create", "tree", "1", "--fields", tmp_path / "in.json").code == 1
    assert not home.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--field", "owner"], "'owner' is no field; write --field name=text or --field name:=JSON"),
        (["--field", "=x"], "'=x' is no field"),
        (["--field", "owner=a", "--field", "owner=b"], "a field is given twice"),
        (["--field", "owner=a", "--field", 'owner:="b"'], "a field is given twice"),
        (["--without", "colour"], "there is no field 'colour' to leave out"),
        (["--version", "two"], "'--version'"),
        (["--version", "-1"], "'--version'"),
    ],
)
def test_options_that_say_nothing_are_wrong_usage(
    command: Command, land: Path, options: list[str], said: str
) -> None:
    told = command("record", "amend", "land-title", "1", *options)
    assert (told.code, told.out, told.err.count("\n")) == (2, b"", 1)
    assert said in told.err
    assert command("record", "land-title", "1", "--json").result["version"] == 2


@pytest.mark.parametrize("option", ["--fields", "--document"])
def test_a_file_that_is_not_there_is_3(command: Command, land: Path, option: str) -> None:
    told = command("record", "amend", "land-title", "1", option, "none.json", "--json")
    assert (told.code, told.error) == (3, {"kind": "not-found", "message": "there is no file none.json"})


def test_what_waits_for_others_says_so(command: Command, land: Path, tmp_path: Path) -> None:
    from counterfoil.proof.signing import SigningKey

    other = SigningKey.generate("ed25519").public.text
    policy = {"title": "Shared", "policy": {"require": 2, "of": ["agency:EX/GOV/LAND", f"key:{other}"]}}
    (tmp_path / "d.json").write_text(json.dumps(policy))
    command("register", "create", "shared", "--definition", tmp_path / "d.json")
    told = command("record", "create", "shared", "1", "--field", "a=b", "--json")
    assert (told.code, told.result["standing"], told.result["number"]) == (0, "pending", None)
    assert (
        "waits for further endorsements" in command("record", "create", "shared", "2", "--field", "a=b").text
    )
    proof = command("record", "create", "shared", "3", "--field", "a=b", "--receipt", "proof.json", "--json")
    assert (proof.code, proof.error["kind"], Path("proof.json").exists()) == (3, "not-found", False)
