"""A security module (PKCS#11 v2.40) holds the key to the master key, and never lets it out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from counterfoil.errors import Damaged, NotFound, Unavailable, Unverified
from counterfoil.keyring.wrapping import KEY_BYTES, NONCE_BYTES

if TYPE_CHECKING:
    from pkcs11 import Key, Session, Token
    from pkcs11.types import DecryptMixin, EncryptMixin, UnwrapMixin, WrapMixin

KEY_ID_BYTES: Final = 16
KEY_LABEL: Final = "keyring"
BY_KEY_WRAP: Final = b"w"
BY_GCM: Final = b"g"
_ABOUT: Final = b"master/v1"


class Pkcs11Protector:
    """An AES-256 key made inside the token `token` of the PKCS#11 library `module`, unlocked by its user PIN.

    Each `wrap` makes a key of its own there. Wrapped: one byte for the mechanism, the key's CKA_ID (16 bytes), then
    AES key wrap (CKM_AES_KEY_WRAP, RFC 3394; 40 bytes) or, where the token lacks it, a nonce (12 bytes) and AES-GCM
    (48). Needs the extra `pkcs11`.
    """

    name: Final = "pkcs11"

    def __init__(self, module: Path, token: str, pin: bytes):
        self._module = module
        self._token = token
        self._pin = pin

    def wrap(self, key: bytes) -> bytes:
        """See `Protector.wrap`. Raises `Unavailable` where the token refuses."""
        from pkcs11 import KeyType, MechanismFlag

        with self._session() as session:
            number = os.urandom(KEY_ID_BYTES)
            flags = MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT | MechanismFlag.WRAP | MechanismFlag.UNWRAP
            wrapping = session.generate_key(
                KeyType.AES, 8 * KEY_BYTES, id=number, label=KEY_LABEL, store=True, capabilities=flags
            )
            if has_key_wrap(session):
                return BY_KEY_WRAP + number + _wrap(session, wrapping, key)
            return BY_GCM + number + _encrypt(wrapping, key)

    def unwrap(self, wrapped: bytes) -> bytes:
        """See `Protector.unwrap`. Raises `NotFound` where the token has no such key."""
        from pkcs11 import NoSuchKey, ObjectClass, PKCS11Error

        mechanism, number, rest = wrapped[:1], wrapped[1 : 1 + KEY_ID_BYTES], wrapped[1 + KEY_ID_BYTES :]
        if mechanism not in (BY_KEY_WRAP, BY_GCM):
            raise Damaged("the keyring's master row is in no known form; restore the keyring from a backup")
        with self._session() as session:
            try:
                found = session.get_key(object_class=ObjectClass.SECRET_KEY, id=number)
            except NoSuchKey:
                raise NotFound(
                    f"the token {self._token!r} has no key {number.hex()}; name the token that protects this keyring"
                ) from None
            try:
                return _unwrap(found, rest) if mechanism == BY_KEY_WRAP else _decrypt(found, rest)
            except PKCS11Error as error:
                raise Unverified(
                    f"the token {self._token!r} does not open this keyring ({type(error).__name__}); "
                    "name the token that protects it"
                ) from None

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            import pkcs11
        except ImportError:
            raise Unavailable(
                "a security module needs python-pkcs11; install this package's extra: pkcs11"
            ) from None
        try:
            with self._open_token().open(rw=True, user_pin=self._pin.decode()) as session:
                yield session
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange, UnicodeDecodeError):
            raise Unverified(
                f"this PIN does not open the token {self._token!r}; check it before the token locks itself"
            ) from None
        except pkcs11.PKCS11Error as error:
            raise Unavailable(
                f"the token {self._token!r} of {self._module} does not answer ({type(error).__name__} {error}); "
                "check that it is plugged in, and which module and token keyring.json names"
            ) from None

    def _open_token(self) -> Token:
        import pkcs11

        try:
            library = pkcs11.lib(str(self._module))
        except (pkcs11.PKCS11Error, RuntimeError) as error:
            raise Unavailable(
                f"the PKCS#11 module {self._module} cannot be loaded ({error}); name the one that came with the token"
            ) from None
        try:
            return library.get_token(token_label=self._token)
        except (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned):
            raise NotFound(
                f"the module {self._module} has not exactly one token {self._token!r}; list what it has"
            ) from None


def has_key_wrap(session: Session) -> bool:
    """Whether the token offers CKM_AES_KEY_WRAP."""
    from pkcs11 import Mechanism

    return Mechanism.AES_KEY_WRAP in session.token.slot.get_mechanisms()


def _wrap(session: Session, wrapping: Key, key: bytes) -> bytes:
    from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

    # A session object: it is gone with the session, and never stored in the token.
    master = session.create_object(
        {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: KeyType.AES,
            Attribute.VALUE: key,
            Attribute.TOKEN: False,
            Attribute.EXTRACTABLE: True,
        }
    )
    return cast("WrapMixin", wrapping).wrap_key(cast("Key", master), mechanism=Mechanism.AES_KEY_WRAP)


def _unwrap(wrapping: Key, wrapped: bytes) -> bytes:
    from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

    template = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True, Attribute.TOKEN: False}
    master = cast("UnwrapMixin", wrapping).unwrap_key(
        ObjectClass.SECRET_KEY, KeyType.AES, wrapped, mechanism=Mechanism.AES_KEY_WRAP, template=template
    )
    return bytes(master[Attribute.VALUE])


def _encrypt(wrapping: Key, key: bytes) -> bytes:
    from pkcs11 import GCMParams, Mechanism

    nonce = os.urandom(NONCE_BYTES)
    sealed = cast("EncryptMixin", wrapping).encrypt(
        key, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, _ABOUT)
    )
    return nonce + cast("bytes", sealed)


def _decrypt(wrapping: Key, wrapped: bytes) -> bytes:
    from pkcs11 import GCMParams, Mechanism

    nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    opened = cast("DecryptMixin", wrapping).decrypt(
        sealed, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, _ABOUT)
    )
    return cast("bytes", opened)
