"""Who keeps an installation, as its log says."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from counterfoil.errors import CounterfoilError, Damaged
from counterfoil.home import Home
from counterfoil.ledger.system import AGENCY, AgencyFields
from counterfoil.proof.entry import decode_entry
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


def _members(store: Store) -> Iterator[tuple[str, AgencyFields]]:
    for data in store.entries():
        if (
            b'"register":".agency"' in data
            and (entry := decode_entry(data)).register == AGENCY
            and entry.body
        ):
            yield entry.record, msgspec.convert(entry.fields, AgencyFields)
