"""The trust level *published*: a proof whose root stands where the ledger's keepers cannot take it back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calling import Ended
from tests.cli.conftest import Command


@pytest.fixture
def published(command: Command, land: Path, tmp_path: Path) -> Path:
    """The folder with the published checkpoint of the sample's log, its size in the file's name."""
    assert command("publish", "--out", tmp_path / "published").code == 0
    (note,) = (tmp_path / "published").glob("*.txt")
    return note


def size_of(note: Path) -> int:
    return int(note.stem.rpartition("-")[2])


def verified(command: Command, land: Path, proof: Path, *options: object) -> Ended:
    return command("verify", proof, "--trust", land / "trust.json", *options, "--json")


def step(ended: Ended) -> dict[str, object]:
    (found,) = [each for each in ended.result["steps"] if each["name"] == "published"]
    said: dict[str, object] = found
    return said


def test_a_proof_under_the_published_root(
    command: Command, land: Path, tmp_path: Path, published: Path
) -> None:
    command("prove", "land-title", "1", "--out", tmp_path / "proof.json")
    without = verified(command, land, tmp_path / "proof.json")
    with_it = verified(command, land, tmp_path / "proof.json", "--published", published)
    assert (without.result["verdict"], without.result["level"]) == ("valid", "sealed here")
    assert (with_it.result["verdict"], with_it.result["level"]) == ("valid", "published")
    assert step(with_it) == {
        "name": "published",
        "passed": True,
        "detail": f"the root over {size_of(published)} entries is the one that was published",
    }


def test_the_three_lines_without_signatures_are_enough(
    command: Command, land: Path, tmp_path: Path, published: Path
) -> None:
    command("prove", "land-title", "1", "--out", tmp_path / "proof.json")
    lines = "".join(published.read_text().splitlines(keepends=True)[:3])
    (tmp_path / "printed").write_text(lines)
    ended = verified(command, land, tmp_path / "proof.json", "--published", tmp_path / "printed")
    assert ended.result["level"] == "published"


def test_once_the_log_has_grown_an_entry_is_proved_under_it_and_the_latest_is_not(
    command: Command, land: Path, tmp_path: Path, published: Path
) -> None:
    size = size_of(published)
    command("record", "amend", "land-title", "1", "--field", "owner=Zoe", "--version", "2")
    command("prove", "land-title", "1", "--out", tmp_path / "latest.json")
    latest = verified(command, land, tmp_path / "latest.json", "--published", published)
    assert (latest.result["verdict"], latest.result["level"]) == ("valid", "sealed here")
    assert step(latest)["passed"] is None
    refused = command("prove", "land-title", "1", "--at", size)
    assert refused.code == 3
    assert "the log has grown since that checkpoint" in refused.err
    command("prove", "--entry", size - 2, "--at", size, "--out", tmp_path / "entry.json")
    entry = verified(command, land, tmp_path / "entry.json", "--published", published)
    assert (entry.result["verdict"], entry.result["level"]) == ("valid", "published")


def test_another_root_was_published(command: Command, land: Path, tmp_path: Path, published: Path) -> None:
    command("prove", "land-title", "1", "--out", tmp_path / "proof.json")
    lines = published.read_text().splitlines()
    lines[2] = "A" * 43 + "="
    published.write_text("\n".join(lines) + "\n")
    ended = verified(command, land, tmp_path / "proof.json", "--published", published)
    assert (ended.code, ended.result["verdict"], step(ended)["passed"]) == (1, "not valid", False)


def test_what_was_published_is_of_another_log(
    command: Command, land: Path, tmp_path: Path, published: Path
) -> None:
    command("prove", "land-title", "1", "--out", tmp_path / "proof.json")
    published.write_text("registers.example/other\n7\n" + "A" * 43 + "=\n")
    ended = verified(command, land, tmp_path / "proof.json", "--published", published)
    assert ended.code == 1
    assert "is of the log registers.example/other, and the bundle of " in str(step(ended)["detail"])


def test_what_is_no_checkpoint(command: Command, land: Path, tmp_path: Path) -> None:
    command("prove", "land-title", "1", "--out", tmp_path / "proof.json")
    (tmp_path / "none").write_text("none")
    ended = command(
        *("verify", tmp_path / "proof.json", "--trust", land / "trust.json", "--published", tmp_path / "none")
    )
    assert (ended.code, f"{tmp_path / 'none'} is no checkpoint: " in ended.err) == (3, True)


def test_there_is_no_checkpoint_of_that_size(command: Command, land: Path) -> None:
    ended = command("prove", "--entry", 1, "--at", 1)
    assert (ended.code, ended.err) == (3, "counterfoil: there is no published checkpoint of 1 entries\n")


def test_absence_is_said_of_now(command: Command, land: Path) -> None:
    ended = command("prove", "land-title", "99", "--absent", "--at", 3)
    assert (ended.code, "--absent says what is so now" in ended.err) == (2, True)
