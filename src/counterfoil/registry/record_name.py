"""What a record is called in the log, by how its register names its records, and what is said where there is none."""

from __future__ import annotations

import msgspec

from counterfoil.errors import NotFound
from counterfoil.ledger.content import is_pseudonym
from counterfoil.ledger.declared import KeyForm
from counterfoil.ledger.definition import NATURAL
from counterfoil.ledger.names import normal_key
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.rules import REGISTER
from counterfoil.store.store import Store


class _Naming(msgspec.Struct, frozen=True, rename="kebab"):
    """What a definition says of its records' names."""

    record_id: str = NATURAL
    key_form: KeyForm = KeyForm()


def record_name(store: Store, register: str, stated: str) -> str:
    """The name that a stated one comes to: a natural one in the form in which its register compares keys.

    Raises `NotFound` where the register names its records by pseudonyms and this is none: whatever were said of such a
    name would be taken for something about the key, of which the log knows nothing.
    """
    state = store.record(record_key(REGISTER, register))
    if state is None:
        return stated
    naming = msgspec.convert(decode_entry(store.entry(state.number)).fields, _Naming)
    if naming.record_id == NATURAL:
        return normal_key(stated, naming.key_form.case, naming.key_form.spaces) or stated
    if not is_pseudonym(stated):
        # Without what was stated: it may be personal.
        raise NotFound(
            f"{register} names its records by pseudonyms, and this is none; look one up by its key: an officer with "
            f"counterfoil disclose or extract, --key-file, or POST /v1/registers/{register}/disclosures; "
            "who keeps the register also with counterfoil prove --key-file"
        )
    return stated


def missing(store: Store, register: str, record: str, hint: str = "") -> NotFound:
    """What is said of a record that is not there; `hint` says what can be done about it."""
    try:
        name = record_name(store, register, record)
    except NotFound as error:
        return error
    if name != record and store.record(record_key(register, name)) is not None:
        return NotFound(
            f"the record of this key in the register {register[:120]!r} is named {name!r}; ask for that"
        )
    return NotFound(f"there is no record {record[:255]!r} in the register {register[:120]!r}{hint}")
