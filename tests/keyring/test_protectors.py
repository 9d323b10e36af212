"""A passphrase or a key file holds the master key, and nothing else opens it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Damaged, Malformed, NotFound, Unavailable, Unverified
from counterfoil.keyring.protector import FileProtector, PassphraseProtector
from tests.keyring.office import cheap

MASTER = bytes(range(32))


def test_the_default_costs_128_mib_for_each_guess() -> None:
    wrapped = PassphraseProtector(b"correct horse").wrap(MASTER)
    assert tuple(wrapped[:3]) == (17, 8, 1)
    assert PassphraseProtector(b"correct horse").unwrap(wrapped) == MASTER


def test_a_passphrase_wraps_as_documented() -> None:
    wrapped = cheap().wrap(MASTER)
    cost, r, p, salt, nonce = wrapped[0], wrapped[1], wrapped[2], wrapped[3:19], wrapped[19:31]
    key = Scrypt(salt=salt, length=32, n=2**cost, r=r, p=p).derive(b"correct horse")
    assert AESGCM(key).decrypt(nonce, wrapped[31:], wrapped[:31]) == MASTER


@given(st.binary(min_size=8, max_size=40), st.binary(min_size=32, max_size=32))
def test_any_passphrase_gives_back_what_it_wrapped(passphrase: bytes, key: bytes) -> None:
    assert cheap(passphrase).unwrap(cheap(passphrase).wrap(key)) == key


def test_two_wraps_of_one_key_have_nothing_in_common() -> None:
    first, second = cheap().wrap(MASTER), cheap().wrap(MASTER)
    assert first[3:19] != second[3:19]
    assert first[31:] != second[31:]


def test_another_passphrase_opens_nothing() -> None:
    with pytest.raises(Unverified, match="this passphrase does not open the keyring"):
        cheap(b"battery staple").unwrap(cheap().wrap(MASTER))


@pytest.mark.parametrize("at", range(3, 79))
def test_a_changed_byte_opens_nothing(at: int) -> None:
    wrapped = cheap().wrap(MASTER)
    changed = wrapped[:at] + bytes((wrapped[at] ^ 1,)) + wrapped[at + 1 :]
    with pytest.raises(Unverified):
        cheap().unwrap(changed)


@pytest.mark.parametrize(
    "wrapped", [b"", bytes(30), b"\x1e\x08\x01" + bytes(76), b"\x04\xff\x01" + bytes(76)]
)
def test_a_cost_that_would_exhaust_the_machine_is_not_tried(wrapped: bytes) -> None:
    with pytest.raises(Damaged, match="the keyring's master row"):
        cheap().unwrap(wrapped)


def test_a_short_passphrase_is_refused() -> None:
    with pytest.raises(Malformed, match="at least 8 bytes"):
        PassphraseProtector(b"1234567")


def test_a_key_file_is_made_at_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "keyring.key"
    wrapped = FileProtector(path).wrap(MASTER)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["keyring.key"]
    key = bytes.fromhex(path.read_text())
    assert AESGCM(key).decrypt(wrapped[:12], wrapped[12:], b"master/v1") == MASTER
    assert FileProtector(path).unwrap(wrapped) == MASTER


def test_each_wrap_has_a_key_of_its_own_and_the_ones_before_still_open(tmp_path: Path) -> None:
    protector = FileProtector(tmp_path / "keyring.key")
    wrapped = [protector.wrap(bytes((number,)) * 32) for number in range(9)]
    assert len(set((tmp_path / "keyring.key").read_text().split())) == 8
    assert [protector.unwrap(each)[0] for each in wrapped[1:]] == list(range(1, 9))
    with pytest.raises(Unverified, match="does not open the keyring; put back the one"):
        protector.unwrap(wrapped[0])


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "keyring.key"
    wrapped = FileProtector(path).wrap(MASTER)
    path.unlink()
    with pytest.raises(NotFound, match=r"the keyring's key file .*keyring\.key is missing"):
        FileProtector(path).unwrap(wrapped)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keyring.key"
    wrapped = FileProtector(path).wrap(MASTER)
    path.chmod(mode)
    with pytest.raises(Unavailable, match="can be read by others; run chmod 600"):
        FileProtector(path).unwrap(wrapped)


@pytest.mark.parametrize(
    "content", [b"", b"00" * 32, b"0" * 63 + b"\n", b"00" * 600 + b"\n", b"\xff" * 64 + b"\n"]
)
def test_a_key_file_that_is_none_is_refused_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keyring.key"
    path.write_bytes(content)
    path.chmod(0o600)
    for attempt in (FileProtector(path).wrap, FileProtector(path).unwrap):
        with pytest.raises(Malformed, match=r"the keyring's key file .*keyring\.key"):
            attempt(MASTER)
    assert path.read_bytes() == content


def test_a_folder_in_the_place_of_a_key_file_is_one_sentence(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "keyring.key", 0o700)  # noqa: PTH102  # with its mode
    with pytest.raises(Unavailable, match="cannot be used: Is a directory"):
        FileProtector(tmp_path / "keyring.key").unwrap(bytes(60))
