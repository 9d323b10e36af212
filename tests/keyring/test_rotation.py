"""A new master key leaves every key and secret as it was, and nothing of the old one."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.errors import Busy, Unverified
from counterfoil.keyring import rotation
from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.protector import FileProtector
from tests.keyring.office import cheap, files_with, look, opened, put


def test_every_key_and_secret_is_the_same_under_the_new_master_key(
    keyring: Keyring, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "AT_ONCE", 7)
    keys = put(keyring, 30)
    secret = keyring.secret("desk")
    keyring.rotate(cheap(b"new passphrase"))
    assert (keyring.generation, keyring.protector) == (2, "passphrase")
    assert {number: keyring.key(number) for number in keys} == keys
    more = put(keyring, 2)
    keyring.close()
    with opened(folder / "keyring.db", passphrase=b"new passphrase") as again:
        assert {number: again.key(number) for number in keys | more} == keys | more
        assert again.secret("desk") == secret
        assert list(again.faults()) == []


def test_no_file_holds_what_the_old_master_key_wrapped(keyring: Keyring, folder: Path) -> None:
    put(keyring, 300)
    keyring.secret("desk")
    old = [
        wrapped
        for table in ("key", "secret", "master")
        for (wrapped,) in look(folder / "keyring.db", f"SELECT wrapped FROM {table}")
    ]
    keyring.rotate(cheap(b"new passphrase"))
    assert [files_with(folder, each[-16:]) for each in old] == [[]] * 303


def test_the_old_passphrase_opens_nothing_afterwards(keyring: Keyring, folder: Path) -> None:
    keyring.rotate(cheap(b"new passphrase"))
    keyring.close()
    with pytest.raises(Unverified, match="this passphrase does not open"), opened(folder / "keyring.db"):
        pass


def test_the_protector_may_be_of_another_kind(keyring: Keyring, folder: Path) -> None:
    keys = put(keyring, 1)
    keyring.rotate(FileProtector(folder / "keyring.key"))
    keyring.close()
    with pytest.raises(Unverified, match="is protected by file, not by passphrase"):
        Keyring.open(folder / "keyring.db", cheap())
    again = Keyring.open(folder / "keyring.db", FileProtector(folder / "keyring.key"))
    assert again.key(1) == keys[1]
    again.close()


class Broken:
    name = "pkcs11"

    def wrap(self, key: bytes) -> bytes:
        raise Busy("the token is in use")

    def unwrap(self, wrapped: bytes) -> bytes:
        raise Busy("the token is in use")


def test_a_protector_that_fails_changes_nothing(keyring: Keyring, folder: Path) -> None:
    keys = put(keyring, 2)
    with pytest.raises(Busy, match="token"):
        keyring.rotate(Broken())
    assert (keyring.generation, keyring.protector) == (1, "passphrase")
    keyring.close()
    with opened(folder / "keyring.db") as again:
        assert {number: again.key(number) for number in keys} == keys


def test_a_rotation_half_done_changes_nothing(
    keyring: Keyring, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = put(keyring, 2)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rotation, "_rewrap_secrets", killed)
    with pytest.raises(KeyboardInterrupt):
        keyring.rotate(cheap(b"new passphrase"))
    keyring.close()
    with opened(folder / "keyring.db") as again:
        assert {number: again.key(number) for number in keys} == keys
        assert list(again.faults()) == []


def test_who_has_the_keyring_open_meanwhile_is_told_and_writes_nothing(
    keyring: Keyring, folder: Path
) -> None:
    put(keyring, 1)
    with opened(folder / "keyring.db") as other:
        other.rotate(cheap(b"new passphrase"))
    with pytest.raises(Busy, match="was given a new master key by another process; open it anew"):
        put(keyring, 1)
    with pytest.raises(Busy, match="open it anew"):
        keyring.secret("desk")
