"""Whether a store has items of an agency's own, so that there must be a keyring with their keys and its secrets."""

from __future__ import annotations

from collections.abc import Callable

from counterfoil.ledger.definition import Definition
from counterfoil.proof.entry import decode_entry
from counterfoil.store.schema import WITH_ITEMS, stored_version
from counterfoil.store.store import Store


def has_own_items(store: Store, agency: str, definition: Callable[[str], Definition]) -> bool:
    """Whether an entry of a register that this agency keeps names an item.

    A keyring made anew would give the same persons other pseudonyms, and nobody would see that they have records.
    """
    if stored_version(store.database) < WITH_ITEMS:
        return False
    own: dict[str, bool] = {}
    for (number,) in store.database.query("SELECT number FROM item ORDER BY number"):
        register = decode_entry(store.entry(number)).register
        if register not in own:
            own[register] = definition(register).fields.authority == agency
        if own[register]:
            return True
    return False
