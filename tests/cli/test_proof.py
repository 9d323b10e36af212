"""`counterfoil prove` and `verify`: a proof goes out of one installation and is checked without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from counterfoil.proof.bundle import Bundle
from tests.cli.calling import process
from tests.cli.conftest import Command


@pytest.fixture
def proof(command: Command, land: Path, tmp_path: Path) -> Path:
    """A proof of a record's latest entry."""
    path = tmp_path / "proof.json"
    assert command("prove", "land-title", "1", "--out", path).code == 0
    return path


def test_a_proof_needs_no_installation(proof: Path, land: Path, tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_bytes((land / "trust.json").read_bytes())
    ended = process(
        "verify",
        proof,
        "--trust",
        tmp_path / "trust.json",
        "--json",
        env={"COUNTERFOIL_HOME": str(tmp_path / "no")},
    )
    assert ended.code == 0
    assert (ended.result["verdict"], ended.result["level"]) == ("valid", "sealed here")
    assert {step["passed"] for step in ended.result["steps"]} == {True}
    assert any("land-title 1 version 2 is the latest" in claim for claim in ended.result["claims"])


def test_for_people_every_step_is_a_line(command: Command, proof: Path, land: Path) -> None:
    steps = command("verify", proof, "--trust", land / "trust.json", "--json").result["steps"]
    lines = command("verify", proof, "--trust", land / "trust.json").text.splitlines()
    assert lines[: len(steps)] == [f"✓ {step['name']}: {step['detail']}" for step in steps]
    assert lines[-1] == "valid, sealed here"


def test_without_a_trust_policy_it_cannot_be_found_out(command: Command, proof: Path) -> None:
    told = command("verify", proof, "--json")
    assert (told.code, told.result["verdict"], told.result["level"]) == (
        3,
        "consistent, signer unknown",
        None,
    )
    lines = command("verify", proof).text.splitlines()
    assert lines[-2:] == [
        "consistent, signer unknown",
        "Give the ledger's trust policy with --trust, from whoever keeps the ledger and not beside the proof.",
    ]
    assert [line for line in lines if line.startswith("? signatures: not checked")]


def test_by_a_trust_policy_of_another_ledger_it_is_not_valid(
    command: Command, proof: Path, tmp_path: Path
) -> None:
    command("init", "--home", tmp_path / "other")
    told = command("verify", proof, "--trust", tmp_path / "other" / "trust.json")
    assert (told.code, told.text.splitlines()[-1]) == (1, "not valid")
    assert [line for line in told.text.splitlines() if line.startswith("✗ ")]


def test_a_proof_that_was_changed_is_not_valid(command: Command, proof: Path, land: Path) -> None:
    proof.write_bytes(proof.read_bytes().replace(b"Zoe", b"Zog"))
    told = command("verify", proof, "--trust", land / "trust.json", "--json")
    assert (told.code, told.result["verdict"], told.result["claims"]) == (1, "not valid", [])


@pytest.mark.parametrize("written", [b"", b"{}", b"[" * 100_000, b'{"format":"proof-bundle/v9"}', b"\xff"])
def test_what_is_no_proof_is_not_valid(command: Command, land: Path, tmp_path: Path, written: bytes) -> None:
    (tmp_path / "p.json").write_bytes(written)
    told = command("verify", "p.json", "--trust", land / "trust.json", "--json")
    assert (told.code, told.result["verdict"]) == (1, "not valid")


@pytest.mark.parametrize(
    ("trust", "said"),
    [("none.json", "there is no file none.json"), ("bad.json", "bad.json is no trust policy: ")],
)
def test_a_trust_policy_that_is_none_is_3(
    command: Command, proof: Path, tmp_path: Path, trust: str, said: str
) -> None:
    (tmp_path / "bad.json").write_text('{"format": "trust/v1"}')
    told = command("verify", proof, "--trust", trust)
    assert (told.code, told.out) == (3, b"")
    assert told.err.startswith(f"counterfoil: {said}")


def test_a_proof_that_is_not_there_is_3(command: Command) -> None:
    assert command("verify", "none.json").err == "counterfoil: there is no file none.json\n"


# Proving


def test_out_of_one_pipe_into_another(land: Path) -> None:
    proved = process("prove", "land-title", "1")
    assert (proved.code, proved.err, proved.out.count(b"\n")) == (0, "", 1)
    assert process("verify", "-", "--trust", land / "trust.json", stdin=proved.out).code == 0


def test_what_was_written_is_said(command: Command, land: Path, tmp_path: Path) -> None:
    told = command("prove", "land-title", "1", "--out", "p.json", "--json").result
    data = (tmp_path / "p.json").read_bytes()
    assert told == {
        "proof": "p.json",
        "bytes": len(data),
        "entries": len(Bundle.parse(data).entries),
        "format": "proof-bundle/v1",
    }


@pytest.mark.parametrize(
    ("arguments", "claim"),
    [
        (["land-title", "1", "--all-versions"], "land-title 1 versions 1, 2 stand in the log"),
        (["land-title", "9", "--absent"], "land-title"),
        (["--entry", "8"], "stands in the log as entry 8"),
    ],
)
def test_what_can_be_proved(command: Command, land: Path, arguments: list[str], claim: str) -> None:
    command("prove", *arguments, "--out", "p.json")
    report = command("verify", "p.json", "--trust", land / "trust.json", "--json")
    assert (report.code, report.result["verdict"]) == (0, "valid")
    assert any(claim in said for said in report.result["claims"])


def test_the_genesis_is_proved_as_the_trust_policy_pins_it(command: Command, proof: Path, land: Path) -> None:
    beginning = json.loads(proof.read_bytes())["genesis"]
    assert beginning["root"] == json.loads((land / "trust.json").read_bytes())["genesis-root"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["land-title", "9"], "there is no record '9' in the register 'land-title'"),
        (["land-title", "1", "--absent"], "there is a record '1' in land-title"),
        (["tree", "1", "--absent"], "there is no register 'tree'"),
        (["--entry", "999"], "there is no entry 999"),
    ],
)
def test_what_cannot_be_proved_is_3(command: Command, land: Path, arguments: list[str], said: str) -> None:
    told = command("prove", *arguments)
    assert (told.code, told.out) == (3, b"")
    assert said in told.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["land-title"],
        ["land-title", "1", "--entry", "7"],
        ["land-title", "--entry", "7"],
        ["land-title", "1", "--absent", "--all-versions"],
        ["--entry", "7", "--absent"],
        ["--entry", "-1"],
    ],
)
def test_one_thing_at_a_time(command: Command, land: Path, arguments: list[str]) -> None:
    told = command("prove", *arguments)
    assert (told.code, told.out, told.err.count("\n")) == (2, b"", 1)
