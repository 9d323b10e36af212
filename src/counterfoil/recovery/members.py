"""Who keeps an installation, as its log says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import msgspec

from counterfoil.errors import CounterfoilError, Damaged, Unverified
from counterfoil.home import KEY_FILES, Home
from counterfoil.ledger.system import AGENCY, AgencyFields
from counterfoil.proof.checkpoint import Checkpoint, log_key
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.note import parse_note
from counterfoil.proof.signing import PublicKey
from counterfoil.recovery.keys_file import Keys, public_keys
from counterfoil.store.store import Store


def own_agency(store: Store, home: Home) -> tuple[str, str]:
    """Name and title of the member whose endorsement key is here; without the key, of the one that the log began with.

    Raises `Damaged` where there is none.
    """
    try:
        key: str | None = home.read_key("endorse").public.text
    except CounterfoilError:
        key = None
    members = list(_members(store))
    for name, fields in reversed(members):
        if key in fields.endorse:
            return name, fields.name
    for name, fields in members:
        return name, fields.name
    raise Damaged("the ledger has no member; run counterfoil audit")


def check_keys(store: Store, keys: Keys) -> None:
    """Raise `Unverified` unless keys from a file are those of a member of this ledger."""
    origin = _origin(store)
    if keys.origin != origin:
        raise Unverified(
            f"the file of keys is of the ledger {keys.origin[:80]!r}, and this is {origin!r}; give the one that was "
            "written with a backup of this ledger"
        )
    check_public(store, public_keys(keys), "the file of keys")


def check_public(store: Store, keys: Mapping[str, PublicKey], where: str) -> None:
    """Raise `Unverified` unless one member of this ledger lists all these keys, given by use, in its latest entry."""
    origin = _origin(store)
    for fields in dict(_members(store)).values():
        listed = {*fields.endorse, *fields.checkpoint}
        texts = (key.text if use == "endorse" else log_key(origin, key).text for use, key in keys.items())
        if listed.issuperset(texts):
            return
    raise Unverified(
        f"{where} holds keys that no member of the ledger {origin!r} lists; give the file of keys that was written "
        "with a backup of this ledger"
    )


def own_keys(home: Home) -> dict[str, PublicKey]:
    """The public halves of the keys that are here and can be read, by use."""
    found = {}
    for use in KEY_FILES:
        with suppress(CounterfoilError):
            found[use] = home.read_key(use).public
    return found


def _origin(store: Store) -> str:
    return Checkpoint.parse(parse_note(store.note).text).origin


def _members(store: Store) -> Iterator[tuple[str, AgencyFields]]:
    for data in store.entries():
        if (
            b'"register":".agency"' in data
            and (entry := decode_entry(data)).register == AGENCY
            and entry.body
        ):
            yield entry.record, msgspec.convert(entry.fields, AgencyFields)
