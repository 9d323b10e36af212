"""A backup comes back with k of n holders, and never brings back a key that was destroyed."""

from __future__ import annotations

import stat
from itertools import combinations
from pathlib import Path

import pytest

from counterfoil.errors import Conflict, Damaged, Malformed, NotFound, Unavailable, Unverified
from counterfoil.keyring import backup as backup_module
from counterfoil.keyring import backup_file
from counterfoil.keyring.backup import Backup
from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.restoring import Restored, restore
from counterfoil.keyring.shares import RecoveryKey, join_shares, recovery_key
from tests.keyring.office import DAY, NOW, change, cheap, look, opened, put


@pytest.fixture
def shares(keyring: Keyring) -> tuple[str, ...]:
    return keyring.make_recovery(5, 3)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "new").mkdir()
    return tmp_path / "new" / "keyring.db"


def test_everything_comes_back_under_a_new_master_key(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, target: Path
) -> None:
    keys = put(keyring, 2500)
    secret = keyring.secret("desk")
    made = keyring.backup(tmp_path / "backup", 30)
    assert made == Backup(1, 1, NOW, NOW + 30 * DAY, None)
    restored = restore(tmp_path / "backup", shares[:3], target, cheap(b"new passphrase"))
    assert restored == Restored(1, NOW, 2500, 0)
    with opened(target, passphrase=b"new passphrase") as again:
        assert {number: again.key(number) for number in keys} == keys
        assert again.secret("desk") == secret
        assert again.backups() == [made]
        assert again.generation == 2
        assert list(again.faults()) == []


def test_any_three_holders_can_and_no_two_can(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, target: Path
) -> None:
    keys = put(keyring, 1)
    keyring.backup(tmp_path / "backup", 30)
    for some in combinations(shares, 2):
        with pytest.raises(Unverified, match="2 different shares are here and 3 are needed"):
            restore(tmp_path / "backup", some, target, cheap())
    for enough in combinations(shares, 3):
        restore(tmp_path / "backup", enough, target, cheap())
        with opened(target) as again:
            assert again.key(1) == keys[1]
        target.unlink()


def test_a_destroyed_key_does_not_come_back_from_an_older_backup(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, target: Path
) -> None:
    keys = put(keyring, 5)
    keyring.backup(tmp_path / "backup", 30)
    keyring.destroy([2, 4], "sha256:ab")
    restored = restore(tmp_path / "backup", shares[2:], target, cheap(), [2, 4, 99], clock=lambda: NOW)
    assert restored == Restored(1, NOW, 3, 2)
    with opened(target) as again:
        assert {number: again.key(number) for number in (1, 3, 5)} == {
            number: keys[number] for number in (1, 3, 5)
        }
        for number in (2, 4):
            with pytest.raises(
                NotFound, match=f"the key {number} was destroyed on 2026-11-24 \\(left out by a restore"
            ):
                again.key(number)
        assert list(again.faults()) == []
    assert look(target, "SELECT id FROM key") == [(1,), (3,), (5,)]


def test_ids_given_out_after_the_backup_never_come_again(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, target: Path
) -> None:
    put(keyring, 1)
    keyring.backup(tmp_path / "backup", 30)
    lost = put(keyring, 100_000)
    restore(tmp_path / "backup", shares[:3], target, cheap())
    with opened(target) as again:
        assert again.draw(1).first > max(lost)
        assert list(again.faults()) == []


def test_a_backup_shows_no_key_wrapped_or_not(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, folder: Path
) -> None:
    keys = put(keyring, 3)
    secrets = [row[0] for row in look(folder / "keyring.db", "SELECT wrapped FROM key")]
    secrets += [row[0] for row in look(folder / "keyring.db", "SELECT wrapped FROM master")]
    keyring.backup(tmp_path / "backup", 30)
    assert stat.S_IMODE((tmp_path / "backup").stat().st_mode) == 0o600
    backup = (tmp_path / "backup").read_bytes()
    assert not any(each[:8] in backup for each in [*secrets, *keys.values()])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "home"]


def test_neither_the_passphrase_nor_the_keyring_itself_opens_an_older_backup(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path
) -> None:
    """What the running keyring keeps of the recovery key seals, and does not open."""
    put(keyring, 1)
    keyring.backup(tmp_path / "backup", 30)
    kept = keyring._stored_secret(".recovery")
    for private in (kept[:32], kept[32:]):
        with (
            (tmp_path / "backup").open("rb") as file,
            pytest.raises(Unverified, match="another recovery key"),
        ):
            backup_file.Reader(file, private)


def test_a_new_recovery_key_leaves_older_backups_to_the_shares_of_their_time(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, target: Path
) -> None:
    put(keyring, 1)
    keyring.backup(tmp_path / "first", 30)
    newer = keyring.make_recovery(2, 2)
    keyring.backup(tmp_path / "second", 30)
    with pytest.raises(Unverified, match="those of another recovery key; take the ones handed out before"):
        restore(tmp_path / "first", newer, target, cheap())
    assert restore(tmp_path / "first", shares[:3], target, cheap()).epoch == 1
    target.unlink()
    assert restore(tmp_path / "second", newer, target, cheap()).epoch == 2


def test_without_a_recovery_key_there_is_no_backup(keyring: Keyring, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no recovery key yet; make one, and give its shares"):
        keyring.backup(tmp_path / "backup", 30)
    assert not (tmp_path / "backup").exists()
    assert keyring.backups() == []


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_a_backup_has_an_end(keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, days: int) -> None:
    with pytest.raises(Malformed, match="kept from 1 to 36500 days"):
        keyring.backup(tmp_path / "backup", days)


def test_nothing_is_overwritten(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, folder: Path
) -> None:
    keyring.backup(tmp_path / "backup", 30)
    with pytest.raises(Conflict, match=r"there is a file .* already"):
        keyring.backup(tmp_path / "backup", 30)
    with pytest.raises(Conflict, match=r"there is a keyring at .* already; restore to another place"):
        restore(tmp_path / "backup", shares[:3], folder / "keyring.db", cheap())
    assert [each.number for each in keyring.backups()] == [1]


def test_a_backup_that_failed_is_noted_as_gone(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup_module, "put_in_place", full)
    with pytest.raises(Unavailable, match=r"the backup .* cannot be used: No space left on device"):
        keyring.backup(tmp_path / "backup", 30)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert [each.destroyed for each in keyring.backups()] == [NOW]
    assert list(keyring.faults()) == []


def read(path: Path, private: bytes) -> list[backup_file.Chunk]:
    with path.open("rb") as file:
        return list(backup_file.Reader(file, private).chunks())


def test_a_changed_byte_anywhere_is_refused(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path
) -> None:
    put(keyring, 3)
    keyring.backup(tmp_path / "backup", 30)
    private = join_shares(shares[:3])
    assert len(read(tmp_path / "backup", private)) == 6
    whole = (tmp_path / "backup").read_bytes()
    for at in range(0, len(whole), 5):
        (tmp_path / "changed").write_bytes(whole[:at] + bytes((whole[at] ^ 1,)) + whole[at + 1 :])
        with pytest.raises((Malformed, Unverified)):
            read(tmp_path / "changed", private)


def test_a_backup_cut_short_or_made_longer_is_refused_and_leaves_nothing(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, target: Path
) -> None:
    put(keyring, 3)
    keyring.backup(tmp_path / "backup", 30)
    whole = (tmp_path / "backup").read_bytes()
    line = whole.index(b"\n") + 1
    first = line + 4 + int.from_bytes(whole[line : line + 4], "big")
    for changed in (whole[:-1], whole + b"x", whole[:first], whole[:line], whole[:line] + whole[first:]):
        (tmp_path / "backup").write_bytes(changed)
        with pytest.raises(Unverified, match="this backup is damaged or cut short"):
            restore(tmp_path / "backup", shares[:3], target, cheap())
        assert list(target.parent.iterdir()) == []


def test_who_knows_the_public_key_alone_cannot_forge_a_backup(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, target: Path
) -> None:
    put(keyring, 1)
    made = keyring.backup(tmp_path / "backup", 30)
    public = recovery_key(join_shares(shares[:3])).public
    with (tmp_path / "forged").open("wb") as file:
        header = backup_file.Header(backup_file.FORMAT, made.epoch, made.time, made.keep_until, "", "")
        backup_file.Writer(file, header, RecoveryKey(public, bytes(32)), bytes(32)).write(backup_file.End())
    with pytest.raises(Unverified, match="damaged"):
        restore(tmp_path / "forged", shares[:3], target, cheap())


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"x" * 5000, b'{"format":"keyring-backup/v2"}\n'])
def test_another_file_is_no_backup(
    shares: tuple[str, ...], tmp_path: Path, target: Path, content: bytes
) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(Malformed):
        restore(tmp_path / "file", shares[:3], target, cheap())
    with pytest.raises(NotFound, match=r"the backup .* is missing"):
        restore(tmp_path / "none", shares[:3], target, cheap())


def test_a_damaged_keyring_s_backup_is_not_restored_as_sound(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, folder: Path, target: Path
) -> None:
    put(keyring, 3)
    change(folder / "keyring.db", "DELETE FROM key WHERE id = 2")
    keyring.backup(tmp_path / "backup", 30)
    with pytest.raises(Damaged, match="what this backup holds is not sound: the keyring's key 2 is missing"):
        restore(tmp_path / "backup", shares[:3], target, cheap())
    assert list(target.parent.iterdir()) == []


def test_a_restore_that_was_killed_is_begun_anew(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, target: Path
) -> None:
    put(keyring, 1)
    keyring.backup(tmp_path / "backup", 30)
    for name in (".keyring.db.part", ".keyring.db.part-wal", ".keyring.db.part-shm"):
        (target.parent / name).write_bytes(b"left by a process that was killed")
    assert restore(tmp_path / "backup", shares[:3], target, cheap()).keys == 1
    assert [path.name for path in target.parent.iterdir()] == ["keyring.db"]


def test_an_erasure_is_complete_when_the_last_older_backup_is_gone(folder: Path, tmp_path: Path) -> None:
    now = NOW
    keyring = Keyring.create(folder / "keyring.db", cheap(), clock=lambda: now)
    keyring.make_recovery(1, 1)
    assert keyring.last_backup_until(NOW) is None
    for day, keep in ((0, 60), (1, 30), (2, 90)):
        now = NOW + day * DAY
        keyring.backup(tmp_path / f"day-{day}", keep)
    assert keyring.last_backup_until(NOW - 1) is None
    assert keyring.last_backup_until(NOW + DAY) == NOW + 60 * DAY
    assert keyring.last_backup_until(NOW + 2 * DAY) == NOW + 92 * DAY
    keyring.forget_backup(1)
    assert keyring.last_backup_until(NOW + DAY) == NOW + 31 * DAY
    keyring.forget_backup(2)
    assert keyring.last_backup_until(NOW + DAY) is None
    assert [(each.epoch, each.destroyed) for each in keyring.backups()] == [(1, now), (2, now), (3, None)]
    with pytest.raises(NotFound, match="has noted no backup 7"):
        keyring.forget_backup(7)
    assert list(keyring.faults()) == []
    keyring.close()


def test_a_newer_backup_than_the_one_restored_is_noted_once(
    keyring: Keyring, shares: tuple[str, ...], tmp_path: Path, target: Path
) -> None:
    keyring.backup(tmp_path / "first", 30)
    second = keyring.backup(tmp_path / "second", 90)
    restore(tmp_path / "first", shares[:3], target, cheap())
    with opened(target) as again:
        assert again.last_backup_until(NOW) == NOW + 30 * DAY
        assert again.note_backup(tmp_path / "second")[1:] == second[1:]
        assert again.note_backup(tmp_path / "second").number == 2
        assert again.note_backup(tmp_path / "first").number == 1
        assert again.last_backup_until(NOW) == NOW + 90 * DAY
        assert list(again.faults()) == []
