"""An installation's keyring is found, made and opened by what its folder says."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from counterfoil.errors import Malformed, NotFound, Unavailable, Unverified
from counterfoil.keyring import opening
from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.opening import (
    Settings,
    open_keyring,
    passphrase_from,
    protector_of,
    read_settings,
    write_settings,
)
from counterfoil.keyring.protector import PassphraseProtector
from tests.keyring.office import cheap, put

PASSPHRASE = b"correct horse"


@pytest.fixture(autouse=True)
def cheaper(monkeypatch: pytest.MonkeyPatch) -> None:
    """What costs an attacker half a second costs these tests nothing."""
    monkeypatch.setattr(opening, "PassphraseProtector", lambda secret: PassphraseProtector(secret, cost=4))


def secret_file(path: Path, content: bytes = PASSPHRASE + b"\n") -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_without_settings_it_is_made_with_a_key_file(folder: Path) -> None:
    made = open_keyring(folder)
    keys = put(made, 2)
    made.close()
    assert stat.S_IMODE((folder / "keys" / "keyring.key").stat().st_mode) == 0o600
    again = open_keyring(folder)
    assert (again.protector, {number: again.key(number) for number in keys}) == ("file", keys)
    again.close()


def test_without_settings_and_with_a_passphrase_it_is_made_with_that(folder: Path) -> None:
    open_keyring(folder, passphrase=PASSPHRASE).close()
    assert protector_of(folder / "keyring.db") == "passphrase"
    open_keyring(folder, passphrase=PASSPHRASE).close()
    with pytest.raises(Unverified, match="this passphrase does not open the keyring"):
        open_keyring(folder, passphrase=b"battery staple")
    with pytest.raises(NotFound, match=r"keyring\.json does not name the member passphrase-file"):
        open_keyring(folder)


def test_a_passphrase_file_is_named_by_the_settings(folder: Path) -> None:
    secret_file(folder / "passphrase")
    write_settings(folder, Settings("passphrase", passphrase_file="passphrase"))
    assert stat.S_IMODE((folder / "keyring.json").stat().st_mode) == 0o600
    assert (folder / "keyring.json").read_bytes() == (
        b'{"passphrase-file":"passphrase","protector":"passphrase"}\n'
    )
    open_keyring(folder).close()
    reader = open_keyring(folder, read_only=True)
    assert reader.protector == "passphrase"
    reader.close()


def test_the_keyring_itself_says_how_it_is_protected_until_a_rotation_is_done(folder: Path) -> None:
    made = open_keyring(folder)
    keys = put(made, 1)
    secret_file(folder / "passphrase")
    write_settings(folder, Settings("passphrase", passphrase_file="passphrase"))
    made.close()
    again = open_keyring(folder)
    assert again.protector == "file"
    again.rotate(cheap(PASSPHRASE))
    again.close()
    rotated = open_keyring(folder)
    assert (rotated.protector, rotated.key(1)) == ("passphrase", keys[1])
    rotated.close()


def test_what_is_only_read_is_not_made(folder: Path) -> None:
    with pytest.raises(NotFound, match="there is no keyring at"):
        open_keyring(folder, read_only=True)
    assert list(folder.iterdir()) == []


def test_a_keyring_whose_making_was_interrupted_is_made_by_the_next_opening(folder: Path) -> None:
    (folder / "keyring.db").touch(0o600)
    assert protector_of(folder / "keyring.db") is None
    open_keyring(folder).close()
    assert protector_of(folder / "keyring.db") == "file"


@pytest.mark.parametrize(
    ("settings", "member"),
    [
        (Settings("passphrase"), "passphrase-file"),
        (Settings("pkcs11"), "pin-file"),
        (Settings("pkcs11", pin_file="pin"), "module"),
        (Settings("pkcs11", pin_file="pin", module="m.so"), "token"),
    ],
)
def test_settings_that_say_too_little_name_what_is_missing(
    folder: Path, settings: Settings, member: str
) -> None:
    secret_file(folder / "pin")
    write_settings(folder, settings)
    with pytest.raises(NotFound, match=f"does not name the member {member}, which the protector"):
        open_keyring(folder)
    assert not (folder / "keyring.db").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"protector":"none"}',
        b'{"passphrase":"correct horse"}',
        b'{"protector":"file","protector":"passphrase"}',
        b" " * 65_537,
    ],
)
def test_settings_that_are_not_in_form_are_refused(folder: Path, content: bytes) -> None:
    (folder / "keyring.json").write_bytes(content)
    with pytest.raises(Malformed, match=r"keyring\.json"):
        read_settings(folder)


def test_a_passphrase_file_that_others_can_read_is_refused(folder: Path) -> None:
    secret_file(folder / "passphrase").chmod(0o644)
    write_settings(folder, Settings("passphrase", passphrase_file="passphrase"))
    with pytest.raises(Unavailable, match=r"the passphrase file .* can be read by others; run chmod 600"):
        open_keyring(folder)


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines\n", b"x" * 1025])
def test_a_passphrase_file_holds_one_line(folder: Path, content: bytes) -> None:
    secret_file(folder / "passphrase", content)
    write_settings(folder, Settings("passphrase", passphrase_file="passphrase"))
    with pytest.raises(Malformed, match="the passphrase file"):
        open_keyring(folder)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_passphrase_is_read_from_a_descriptor(end: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, PASSPHRASE + end)
    os.close(writing)
    try:
        assert passphrase_from(reading) == PASSPHRASE
    finally:
        os.close(reading)


def test_a_descriptor_that_is_not_open_is_one_sentence() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with pytest.raises(Unavailable, match=f"the passphrase cannot be read from descriptor {reading}"):
        passphrase_from(reading)


def test_no_error_repeats_a_passphrase(folder: Path) -> None:
    Keyring.create(folder / "keyring.db", cheap()).close()
    with pytest.raises(Unverified) as refused:
        open_keyring(folder, passphrase=b"battery staple")
    assert "battery" not in str(refused.value)
