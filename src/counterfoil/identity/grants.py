"""What the file of access holds: who may use the API, by a token's digest or by a public key, for what and how long."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from counterfoil.errors import Malformed
from counterfoil.identity.caller import check_scope, officers_alone
from counterfoil.identity.officers import Officer, Retired, check_id, check_officer
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.instant import instant
from counterfoil.proof.signing import ED25519, PublicKey

FORMAT: Final = "access/v2"
EARLIER: Final = "access/v1"
"""The format before there were officers; it is read, and written no more."""
MAX_FILE: Final = 1 << 20
MAX_SCOPES: Final = 100
RESERVED: Final = frozenset({"anonymous", "operator"})
"""Names of callers who have no grant."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Scopes given to one name, which shows itself by the token of this digest or by this key.

    `until` (the last second in which it holds) and `created` are as `proof.instant` writes times. `officer` is who acts
    by it, where that is a person; without one it is a program's.
    """

    name: str
    scopes: tuple[str, ...]
    token: str | None
    key: str | None
    until: str | None
    created: str
    officer: Officer | None = None

    @property
    def kind(self) -> str:
        """`token` or `key`."""
        return "token" if self.token is not None else "key"


class Listed(NamedTuple):
    """Who has access, and the ids of officers that are not used any more."""

    grants: tuple[Grant, ...] = ()
    retired: tuple[Retired, ...] = ()


NOBODY: Final = Listed()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    grants: tuple[Grant, ...]
    retired: tuple[Retired, ...] = ()


_DECODER: Final = msgspec.json.Decoder(_File)


def encode_grants(listed: Listed) -> bytes:
    """The file's bytes. Raises `Malformed` where there are so many that they would not be read."""
    data = msgspec.json.format(msgspec.json.encode(_File(FORMAT, *listed))) + b"\n"
    if len(data) > MAX_FILE:
        raise Malformed(f"access for so many does not fit into {MAX_FILE:,} bytes; revoke what is not needed")
    return data


def decode_grants(data: bytes) -> Listed:
    """What the file's bytes hold. Raises `Malformed` where anything in them is not in form."""
    try:
        file = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"it is not in the form {FORMAT}: {error}") from None
    if file.format not in {FORMAT, EARLIER}:
        raise Malformed(f"it has the format {file.format[:40]!r}, and {FORMAT} is known")
    for grant in file.grants:
        check_grant(grant)
    for once in file.retired:
        check_id(once.id)
        instant(once.retired)
    officers = [grant.officer for grant in file.grants if grant.officer is not None]
    if file.format == EARLIER and (officers or file.retired):
        raise Malformed(f"it has officers, and the format {EARLIER} has none")
    _check_once("name", [grant.name for grant in file.grants])
    _check_once("token", [grant.token for grant in file.grants])
    _check_once("officer's id", [*[each.id for each in officers], *[once.id for once in file.retired]])
    _check_once("officer's subject", [each.subject for each in officers])
    return Listed(file.grants, file.retired)


def _check_once(what: str, values: Sequence[str | None]) -> None:
    given = [value for value in values if value is not None]
    if len(set(given)) != len(given):
        raise Malformed(f"two grants have the same {what}")


def check_grant(grant: Grant) -> None:
    """Raise `Malformed` unless the grant is one that can be given."""
    if not _NAME.fullmatch(grant.name) or grant.name in RESERVED:
        raise Malformed(
            f"{grant.name[:80]!r} cannot be a name here; use up to 64 letters, digits, and . _ @ -, "
            f"beginning with a letter or digit, but not {' or '.join(sorted(RESERVED))}"
        )
    if not 0 < len(grant.scopes) <= MAX_SCOPES:
        raise Malformed(f"{grant.name} has {len(grant.scopes)} scopes; give it 1 to {MAX_SCOPES}")
    for scope in grant.scopes:
        check_scope(scope)
        if grant.officer is None and officers_alone(scope):
            raise Malformed(f"{grant.name} is no officer, and {scope} is for officers alone; make it one")
    if grant.officer is not None:
        check_officer(grant.officer)
    for time in (grant.until, grant.created):
        if time is not None:
            instant(time)
    if (grant.token is None) is (grant.key is None):
        raise Malformed(f"{grant.name} must have a token or a key, and only one of them")
    if grant.token is not None:
        _check_digest(grant.name, grant.token)
    if grant.key is not None:
        client_key(grant.key)


def _check_digest(name: str, text: str) -> None:
    try:
        unlabelled(text)
    except Malformed:
        # Without its own words: what stands there may be a token.
        raise Malformed(f"the token of {name} is no SHA-256 digest; only that may stand there") from None


def client_key(text: str) -> PublicKey:
    """A caller's public key, which is of Ed25519. Raises `Malformed`, and does not repeat what may be a secret key."""
    try:
        key = PublicKey.parse(text)
    except Malformed:
        key = None
    if key is None or key.algorithm != ED25519.name:
        raise Malformed(
            f"this is no public key for signing requests; it must be {ED25519.name}: and 43 characters of base64url"
        )
    return key
