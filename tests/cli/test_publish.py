"""`counterfoil publish` and `publish --check`: what they write and say, and with which code."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.node import Node
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.note import encode_base64, parse_note
from tests.cli.calling import process, snapshot
from tests.cli.conftest import Command
from tests.gateway.timestamping import StampingService, stamping


def latest(home: Path) -> tuple[bytes, Checkpoint]:
    with Node.open(home, read_only=True) as node:
        note = node.store.latest_published() or b""
    return note, Checkpoint.parse(parse_note(note).text)


def test_it_writes_the_latest_checkpoint_and_nothing_into_the_installation(
    land: Path, tmp_path: Path
) -> None:
    before = snapshot(land)
    ended = process("publish", "--out", tmp_path / "out", "--json")
    note, checkpoint = latest(land)
    text, page = (tmp_path / "out" / f"checkpoint-{checkpoint.size}{ending}" for ending in (".txt", ".html"))
    assert (ended.code, ended.err, ended.documents) == (
        0,
        "",
        [
            {
                "origin": "registers.example/land",
                "size": checkpoint.size,
                "root": encode_base64(checkpoint.root),
                "files": [str(text), str(page)],
            }
        ],
    )
    assert text.read_bytes() == note
    assert before.items() <= snapshot(land).items()


def test_for_people_it_says_what_each_file_is(command: Command, land: Path, tmp_path: Path) -> None:
    size = latest(land)[1].size
    assert command("publish", "--out", tmp_path / "out").text.splitlines() == [
        f"{tmp_path}/out/checkpoint-{size}.txt: the checkpoint of {size} entries",
        f"{tmp_path}/out/checkpoint-{size}.html: the same to print",
        "Give them to others: what stands outside, nobody here can take back.",
    ]


def test_with_a_service_it_is_time_stamped(command: Command, land: Path, tmp_path: Path) -> None:
    service = StampingService(tmp_path / "service")
    with stamping(service.answer, []) as url:
        told = command("publish", "--out", tmp_path / "out", "--timestamp", url, "--json")
    size = latest(land)[1].size
    assert told.code == 0
    assert told.result["files"][-1] == str(tmp_path / f"out/checkpoint-{size}.tsr")
    assert told.result["timestamp"]["signer"] == "CN=Stamping service,O=Example"
    checked = command("publish", "--check", tmp_path / "out", "--json")
    assert (checked.code, checked.result["holds"]) == (0, True)
    unchecked = "by a certificate that says so, not checked against an authority"
    said = checked.result["compared"][0]["said"]
    assert (
        f"; time-stamped {told.result['timestamp']['time']} by CN=Stamping service,O=Example, {unchecked}"
        in said
    )
    with stamping(service.answer, []) as url:
        again = command("publish", "--out", tmp_path / "out", "--timestamp", url)
    assert again.text.splitlines()[2].endswith(f" by CN=Stamping service,O=Example, {unchecked}")


def test_where_the_service_fails_it_is_3_and_the_files_are_there(
    command: Command, land: Path, tmp_path: Path
) -> None:
    told = command("publish", "--out", tmp_path / "out", "--timestamp", "http://127.0.0.1:9/", "--json")
    assert (told.code, told.error["kind"]) == (3, "unavailable")
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_a_log_that_goes_on_passes_and_one_that_was_rebuilt_does_not(
    command: Command, land: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert command("publish", "--out", out).code == 0
    first = latest(land)[1].size
    assert command("record", "create", "land-title", "4", "--field", "owner=Dee").code == 0
    assert command("publish", "--out", out).code == 0
    second = latest(land)[1].size
    told = command("publish", "--check", out)
    assert told.code == 0
    assert told.text.splitlines() == [
        f"{out}/checkpoint-{size}.txt: the log begins with these {size} entries" for size in (first, second)
    ]
    other = tmp_path / "other"
    assert command("init", "--home", other, "--origin", "registers.example/land").code == 0
    told = command("publish", "--check", out, "--home", other, "--trust", land / "trust.json", "--json")
    assert (told.code, told.result["holds"]) == (1, False)
    assert [each["said"].split(",")[0] for each in told.result["compared"]] == [
        f"the log has {latest(other)[1].size} entries"
    ] * 2


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--out", "a", "--check", "b"),
        ("--check", "b", "--timestamp", "http://127.0.0.1:9/"),
    ],
)
def test_wrong_usage_is_2(command: Command, land: Path, arguments: tuple[str, ...]) -> None:
    assert command("publish", *arguments).code == 2


def test_what_is_not_there_is_3(command: Command, home: Path, tmp_path: Path) -> None:
    told = command("publish", "--out", tmp_path / "out", "--json")
    assert (told.code, told.error["kind"]) == (3, "not-found")
    assert command("init").code == 0
    told = command("publish", "--check", tmp_path / "none", "--json")
    assert (told.code, told.error["kind"]) == (3, "not-found")
