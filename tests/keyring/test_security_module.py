"""The master key wrapped by a security module: SoftHSM, by the PKCS#11 standard."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pkcs11
import pytest

from counterfoil.errors import Damaged, NotFound, Unavailable, Unverified
from counterfoil.keyring import security_module
from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.opening import Settings, open_keyring, write_settings
from counterfoil.keyring.security_module import BY_GCM, BY_KEY_WRAP, Pkcs11Protector
from tests.keyring.office import put

MASTER = bytes(range(32))
MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
TOKEN = "registers"
PIN = b"98765432"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A SoftHSM token in a folder of its own; the library reads its settings once in a process."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    settings = folder / "softhsm2.conf"
    settings.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(settings)
    words = ["--init-token", "--free", "--label", TOKEN, "--pin", PIN.decode(), "--so-pin", "12345678"]
    subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
    yield TOKEN
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


@pytest.fixture
def protector(token: str) -> Pkcs11Protector:
    return Pkcs11Protector(MODULE, token, PIN)


def test_the_module_wraps_by_aes_key_wrap_and_unwraps(protector: Pkcs11Protector) -> None:
    wrapped = protector.wrap(MASTER)
    assert (wrapped[:1], len(wrapped)) == (BY_KEY_WRAP, 1 + 16 + 40)
    assert protector.unwrap(wrapped) == MASTER


def test_a_token_without_key_wrap_encrypts_by_aes_gcm(
    protector: Pkcs11Protector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(security_module, "has_key_wrap", lambda _: False)
    wrapped = protector.wrap(MASTER)
    assert (wrapped[:1], len(wrapped)) == (BY_GCM, 1 + 16 + 12 + 48)
    assert protector.unwrap(wrapped) == MASTER


def test_the_wrapping_key_never_leaves_the_token(protector: Pkcs11Protector) -> None:
    number = protector.wrap(MASTER)[1:17]
    with pkcs11.lib(str(MODULE)).get_token(token_label=TOKEN).open(user_pin=PIN.decode()) as session:
        key = session.get_key(id=number)
        assert key[pkcs11.Attribute.SENSITIVE] is True
        assert key[pkcs11.Attribute.EXTRACTABLE] is False
        with pytest.raises(pkcs11.AttributeSensitive):
            key[pkcs11.Attribute.VALUE]


def test_a_wrong_pin_is_one_sentence(token: str) -> None:
    with pytest.raises(Unverified, match="this PIN does not open the token 'registers'; check it before"):
        Pkcs11Protector(MODULE, token, b"00000000").wrap(MASTER)


def test_a_token_or_module_that_is_not_there_is_named(token: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="has not exactly one token 'other'"):
        Pkcs11Protector(MODULE, "other", PIN).wrap(MASTER)
    with pytest.raises(Unavailable, match=r"the PKCS#11 module .*none\.so"):
        Pkcs11Protector(tmp_path / "none.so", token, PIN).wrap(MASTER)


def test_a_key_of_another_token_is_named(protector: Pkcs11Protector) -> None:
    with pytest.raises(NotFound, match=f"the token 'registers' has no key {'00' * 16}"):
        protector.unwrap(BY_KEY_WRAP + bytes(16) + bytes(40))


@pytest.mark.parametrize("wrapped", [b"", b"x" + bytes(56)])
def test_another_form_is_damage(protector: Pkcs11Protector, wrapped: bytes) -> None:
    with pytest.raises(Damaged, match="in no known form"):
        protector.unwrap(wrapped)


def test_a_changed_wrapped_key_does_not_open(protector: Pkcs11Protector) -> None:
    wrapped = protector.wrap(MASTER)
    with pytest.raises(Unverified, match="the token 'registers' does not open this keyring"):
        protector.unwrap(wrapped[:-1] + bytes((wrapped[-1] ^ 1,)))


def test_an_installation_s_keyring_lives_in_the_token(token: str, folder: Path) -> None:
    pin = folder / "pin"
    pin.write_bytes(PIN + b"\n")
    pin.chmod(0o600)
    write_settings(folder, Settings("pkcs11", module=str(MODULE), token=token, pin_file="pin"))
    made = open_keyring(folder)
    keys = put(made, 2)
    made.close()
    again = open_keyring(folder)
    assert again.protector == "pkcs11"
    assert {number: again.key(number) for number in keys} == keys
    again.close()


def test_a_keyring_moves_into_the_token_by_a_rotation(
    keyring: Keyring, folder: Path, protector: Pkcs11Protector
) -> None:
    keys = put(keyring, 2)
    keyring.rotate(protector)
    keyring.close()
    again = Keyring.open(folder / "keyring.db", protector)
    assert {number: again.key(number) for number in keys} == keys
    again.close()
