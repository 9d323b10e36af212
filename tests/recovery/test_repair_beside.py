"""Repair of what lies beside the store: keys, the ledgers that went before; and what it says of a backup too short."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from counterfoil.errors import NotFound, Unverified
from counterfoil.home import KEY_FILES, Home
from counterfoil.node import Node
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.mark import read_mark
from counterfoil.recovery.repair import Short, repair
from counterfoil.recovery.resume import resume
from counterfoil.signer import LastSigned, encode_last_signed, read_last_signed
from tests.cli.calling import snapshot
from tests.recovery.sample import Made, Other, faults, grown, note, roots
from tests.store.sample import Clock, title
from tests.store.tamper import opened

FILES = [f"keys/{name}" for name, _ in KEY_FILES.values()]


def goes_on(home: Home) -> None:
    with Node.open(home.folder, clock=Clock(1_900_000_000)) as node:
        node.submit([title("after")])
    assert faults(home) == []


# Keys


@pytest.mark.parametrize("use", KEY_FILES)
def test_a_key_that_is_lost_comes_from_the_file_of_keys(made: Made, home: Home, use: str) -> None:
    name, _ = KEY_FILES[use]
    healthy = (home.keys / name).read_bytes()
    (home.keys / name).unlink()
    assert [each.where for each in repair(home, made.backup).left] == [f"keys/{name}"]
    repaired = repair(home, keys=made.keys)
    assert (repaired.left, repaired.files) == ((), (f"keys/{name}",))
    assert (home.keys / name).read_bytes() == healthy
    assert (home.keys / name).stat().st_mode & 0o777 == 0o600
    goes_on(home)


def test_keys_that_are_damaged_or_anothers_too(made: Made, home: Home) -> None:
    (home.keys / "endorse.ed25519").write_bytes(b"no key")
    home.create_key("checkpoint")
    assert len(faults(home)) == 2
    repaired = repair(home, keys=made.keys)
    assert (repaired.left, repaired.files) == ((), tuple(FILES[:2]))
    goes_on(home)


def test_what_they_signed_last_is_not_taken_from_the_file_without_asking(made: Made, home: Home) -> None:
    """The file may be older than what was signed last, so that it only reads until it was asked."""
    grown(home)
    shutil.rmtree(home.keys)
    assert [fault.partition(":")[0] for fault in faults(home)] == ["keys/last-signed", *FILES]
    repaired = repair(home, keys=made.keys)
    assert (repaired.left, repaired.files) == ((), ("restored", "keys/last-signed", *FILES))
    assert read_mark(home) is not None
    assert read_last_signed(home).size == 458
    resumed = resume(home, [("latest.txt", note(home))])
    assert (resumed.predecessor, read_last_signed(home).size) == (None, resumed.entries)
    goes_on(home)


def test_what_they_signed_last_stays_where_the_log_does_not_hold_it(made: Made, home: Home) -> None:
    """It is evidence of another history."""
    forked = encode_last_signed(LastSigned(400, "sha256:" + "0" * 64))
    home.last_signed.write_bytes(forked)
    (home.keys / "endorse.ed25519").unlink()
    repaired = repair(home, keys=made.keys)
    assert (repaired.files, [each.where for each in repaired.left]) == (
        ("keys/endorse.ed25519",),
        ["keys/last-signed"],
    )
    assert home.last_signed.read_bytes() == forked


@pytest.mark.parametrize("which", ["keys", "posing"])
def test_another_ledgers_keys_are_refused(home: Home, other: Other, which: str) -> None:
    (home.keys / "endorse.ed25519").unlink()
    home.trust.unlink()
    before = snapshot(home.folder)
    with pytest.raises(Unverified, match="the file of keys"):
        repair(home, keys=getattr(other, which))
    assert snapshot(home.folder) == before
    with pytest.raises(NotFound):
        repair(home, keys=other.home / "nothing")


# The ledgers that went before


def test_the_ledger_that_went_before_comes_from_a_backup(succeeded: Home, tmp_path: Path) -> None:
    back_up(succeeded, tmp_path / "copy")
    (kept,) = (succeeded.folder / "predecessors").iterdir()
    healthy = kept.read_bytes()
    for damage in (kept.unlink, lambda: kept.write_bytes(healthy[:-1] + b"?")):
        damage()
        repaired = repair(succeeded, tmp_path / "copy")
        assert (repaired.left, repaired.files) == ((), (f"predecessors/{kept.name}",))
        assert (kept.read_bytes(), faults(succeeded)) == (healthy, [])


# A dry run promises what comes of it


def lose_the_one_before(home: Home) -> None:
    shutil.rmtree(home.folder / "predecessors")


def lose_a_key(home: Home) -> None:
    (home.keys / "endorse.ed25519").unlink()


def leave_a_stray(home: Home) -> None:
    (home.folder / "stray").write_text("mine")


def lose_claims(home: Home) -> None:
    with opened(home.store) as database:
        database.execute("DELETE FROM claim")


def lose_the_policy(home: Home) -> None:
    home.trust.unlink()


def lose_a_header(home: Home) -> None:
    with opened(home.store) as database:
        database.execute("DELETE FROM taken WHERE first = (SELECT max(first) FROM taken)")


DAMAGES = (lose_the_one_before, lose_a_key, leave_a_stray, lose_claims, lose_the_policy, lose_a_header)


@pytest.mark.parametrize("with_backup", [False, True], ids=["alone", "from a backup"])
def test_a_dry_run_promises_what_comes_of_it(succeeded: Home, tmp_path: Path, with_backup: bool) -> None:
    back_up(succeeded, tmp_path / "copy", keys=tmp_path / "keys")
    source = tmp_path / "copy" if with_backup else None
    for number, damage in enumerate(DAMAGES):
        home = Home(tmp_path / str(number))
        shutil.copytree(succeeded.folder, home.folder)
        damage(home)
        before = snapshot(home.folder)
        planned = repair(home, source, dry_run=True)
        assert snapshot(home.folder) == before
        assert planned.dry_run
        done = repair(home, source)
        assert (planned.left, planned.files, planned.root) == (done.left, done.files, done.root), damage
        assert bool(done.left) == (
            damage in {lose_a_key, leave_a_stray} or (not with_backup and damage in LOST)
        )


LOST = {lose_the_one_before, lose_a_header}
"""What no other row tells, so that it comes from a copy or not at all."""


# A backup that is not enough


def test_a_backup_that_lacks_what_was_signed_later_is_counted(made: Made, home: Home) -> None:
    signed = read_last_signed_after_growing(home)
    home.store.write_bytes(b"\0" * 4096)
    for dry_run in (True, False):
        repaired = repair(home, made.backup, dry_run=dry_run)
        assert (repaired.short, repaired.whole) == (Short(458, signed), False)


def read_last_signed_after_growing(home: Home) -> int:
    grown(home)
    return read_last_signed(home).size


def test_a_store_that_ends_too_early_is_made_whole_by_a_newer_backup(home: Home, tmp_path: Path) -> None:
    shutil.copy(home.store, tmp_path / "older.db")
    grown(home)
    whole = roots(home)
    back_up(home, tmp_path / "newer")
    shutil.copy(tmp_path / "older.db", home.store)
    assert [fault.partition(":")[0] for fault in faults(home)] == ["keys/last-signed"]
    assert repair(home, tmp_path / "newer").left == ()
    assert roots(home) == whole


def test_a_backup_of_another_ledger_is_refused_for_the_files_beside_too(
    made: Made, home: Home, other: Other
) -> None:
    home.trust.unlink()
    before = snapshot(home.folder)
    with pytest.raises(Unverified, match="it is of another history"):
        repair(home, other.backup)
    assert snapshot(home.folder) == before
