"""A monitor's folder: nothing in it is changed or lost, others cannot read it, and damage to it is told."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from counterfoil.errors import Busy, Damaged, Unavailable
from counterfoil.gateway.monitor_keys import Seen
from counterfoil.gateway.monitor_state import Address, monitor_state, normal_address
from counterfoil.proof.checkpoint import Checkpoint
from tests.gateway.small_log import NOW, ORIGIN, SmallLog

LOG = SmallLog()
NO_ADDRESS = b'{"origin": null, "addresses": {"log": {"since": 1, "seen": 1, "size": 1, "grew": 1}}}'


def seen(size: int, log: SmallLog = LOG) -> Seen:
    return Seen(Checkpoint(ORIGIN, size, log.root(size)), log.note(size))


def test_neighbours_are_found_among_those_kept(tmp_path: Path) -> None:
    kept = {size: seen(size) for size in (1, 9, 10, 2_000)}
    with monitor_state(tmp_path) as state:
        for size in (10, 1, 2_000, 9):
            state.keep(kept[size])
    with monitor_state(tmp_path) as state:
        assert (state.below(1), state.above(2_000)) == (None, None)
        assert (state.below(10), state.above(10)) == (kept[9], kept[2_000])
        assert (state.below(11), state.above(8)) == (kept[10], kept[9])
        assert state.at_size(10) == [kept[10]]
        assert state.at_size(11) == []
        assert [state.keeps(kept[9]), state.keeps(seen(9, SmallLog("other")))] == [True, False]


def test_what_is_kept_is_never_changed(tmp_path: Path) -> None:
    first = seen(10)
    with monitor_state(tmp_path) as state:
        state.keep(first)
        state.keep(Seen(first.checkpoint, LOG.note(10)))
        assert state.at_size(10) == [first]


def test_unproven_ones_of_a_size_count_and_leave_once_kept(tmp_path: Path) -> None:
    here, other = seen(10), seen(10, SmallLog("other"))
    with monitor_state(tmp_path) as state:
        state.keep_unproven(here)
        state.keep_unproven(other)
        assert {each.root for each in state.at_size(10)} == {here.root, other.root}
        state.keep(here)
        assert state.unproven() == [other]
        assert {each.root for each in state.at_size(10)} == {here.root, other.root}
        state.drop_unproven(other)
        assert state.unproven() == []


def test_what_is_known_of_an_address_is_written_down(tmp_path: Path) -> None:
    known = Address(since=NOW, seen=NOW + 60, size=10, grew=NOW + 30)
    with monitor_state(tmp_path) as state:
        assert state.address("https://log.example/", NOW) == Address(NOW, NOW, 0, NOW)
        state.bind(ORIGIN)
        state.update("https://log.example/", known)
        state.save()
    with monitor_state(tmp_path) as state:
        assert state.origin == ORIGIN
        assert state.address("https://log.example/", NOW + 99) == known


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("https://log.example", "https://log.example"),
        ("HTTPS://LOG.Example:443/", "https://log.example"),
        ("http://log.example:80/a/B/#part", "http://log.example/a/B"),
        ("https://log.example:8443/a", "https://log.example:8443/a"),
        ("http://[::1]:8090/", "http://[::1]:8090"),
        ("file://localhost/srv/Log/", "file:///srv/Log"),
    ],
)
def test_an_address_is_known_by_one_form(written: str, known: str) -> None:
    assert normal_address(written) == normal_address(known) == known


def test_of_an_address_that_was_written_in_two_ways_the_larger_log_counts(tmp_path: Path) -> None:
    entries = {
        url: {"since": 1, "seen": 2, "size": size, "grew": 1}
        for url, size in (("https://Log.example/", 10), ("https://log.example", 9))
    }
    (tmp_path / "addresses.json").write_text(json.dumps({"origin": ORIGIN, "addresses": entries}))
    with monitor_state(tmp_path) as state:
        assert (state.address("https://log.example:443", NOW).size, state.largest()) == (10, 10)


def test_the_largest_is_what_is_kept_or_was_shown(tmp_path: Path) -> None:
    with monitor_state(tmp_path) as state:
        assert state.largest() == 0
        state.keep(seen(10))
        assert state.largest() == 10
        state.update("https://log.example/", Address(NOW, NOW, 12, NOW))
        assert state.largest() == 12


def test_others_cannot_read_it(tmp_path: Path) -> None:
    with monitor_state(tmp_path / "state") as state:
        state.keep(seen(10))
        state.keep_unproven(seen(11))
        state.save()
    for path in [tmp_path / "state", *(tmp_path / "state").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_one_monitor_works_at_a_time(tmp_path: Path) -> None:
    with (
        monitor_state(tmp_path),
        pytest.raises(Busy, match="another monitor works in"),
        monitor_state(tmp_path),
    ):
        pytest.fail("two hold one folder")
    with monitor_state(tmp_path):
        pass


def test_a_part_of_a_file_that_a_crash_left_is_no_checkpoint(tmp_path: Path) -> None:
    with monitor_state(tmp_path) as state:
        state.keep(seen(10))
    (path,) = (tmp_path / "checkpoints").iterdir()
    path.with_name(f".{path.name}.part").write_bytes(b"half of i")
    with monitor_state(tmp_path) as state:
        assert state.above(0) == state.below(11)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"gone", "is no checkpoint any more"),
        (LOG.note(11), "is not the checkpoint that it is named after"),
        (SmallLog("other").note(10), "is not the checkpoint that it is named after"),
    ],
)
def test_a_checkpoint_that_was_changed_is_told_of(tmp_path: Path, data: bytes, said: str) -> None:
    with monitor_state(tmp_path) as state:
        state.keep(seen(10))
        (path,) = (tmp_path / "checkpoints").iterdir()
        path.write_bytes(data)
        with pytest.raises(Damaged, match=said):
            state.at_size(10)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"origin": 1, "addresses": {}}', NO_ADDRESS, b"\xff"])
def test_a_damaged_list_of_addresses_is_told_of(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "addresses.json").write_bytes(data)
    with pytest.raises(Damaged, match=r"addresses\.json cannot be read"), monitor_state(tmp_path):
        pytest.fail("it was read")


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be used"), monitor_state(tmp_path / "file"):
        pytest.fail("it was used")
