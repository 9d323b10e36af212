"""How the pages read the store: records by name, their versions, and what their register says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from counterfoil.errors import Damaged, NotFound, Unavailable
from counterfoil.ledger.definition import DefinitionFields
from counterfoil.ledger.state import RecordState
from counterfoil.ledger.system import INDEX, REGISTER
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.rules import INDEX_RECORD
from counterfoil.registry.catalogue.catalogue import Row
from counterfoil.registry.record_name import missing
from counterfoil.registry.table.definition import field_order
from counterfoil.store.store import Store

MAX_SKIP: Final = 50_000
"""How many versions back a page looks: each is a step in the store."""
SYSTEM: Final[dict[str, tuple[str, str]]] = {
    ".register": (
        "Registers",
        "How each register is defined: its title, fields, rules, and who may change it.",
    ),
    ".agency": ("Agencies", "The members of this ledger, with the keys that they sign with."),
    ".parameter": (
        "Parameters",
        "The ledger's own: its origin, the version of its rules, how it is governed.",
    ),
    ".algorithm": ("Algorithms", "Which algorithms count for what, from when until when."),
    ".transaction": ("Transactions", "What became of transactions that waited for endorsements."),
    ".index": (
        "Index",
        "The root of the index, which proves what is current, each time it was written down.",
    ),
}
"""The ledger's own registers, which no record defines: title and description."""


class ReadRows(msgspec.Struct, frozen=True):
    """Records as the store has them, or the catalogue's row where an entry is damaged, and why the first one is."""

    rows: tuple[Entry | Row, ...]
    damaged: str | None

    @property
    def entries(self) -> list[Entry]:
        """Those that can be shown."""
        return [each for each in self.rows if isinstance(each, Entry)]


def state_of(store: Store, register: str, record: str) -> RecordState | None:
    """The latest entry of a record; that of the index is kept apart."""
    if register == INDEX:
        return store.head.index if record == INDEX_RECORD else None
    return store.record(record_key(register, record))


def latest(store: Store, register: str, record: str) -> Entry | None:
    """The latest version of a record; None where there is none."""
    state = state_of(store, register, record)
    return decode_entry(store.entry(state.number)) if state else None


def read_rows(store: Store, rows: Sequence[Row]) -> ReadRows:
    """The latest entry of each record, from the store; one that is not there is left out."""
    found: list[Entry | Row] = []
    damaged = None
    for row in rows:
        try:
            entry = latest(store, row.register, row.record)
        except Damaged as error:
            damaged = damaged or str(error)
            found.append(row)
            continue
        if entry is not None and (entry.register, entry.record) == (row.register, row.record):
            found.append(entry)
    return ReadRows(tuple(found), damaged)


def numbers_back(store: Store, register: str, record: str) -> Iterator[int]:
    """The numbers of a record's entries, the latest first. Raises `NotFound` where there is no such record."""
    state = state_of(store, register, record)
    if state is None:
        raise missing(store, register, record, "; look for it in the register, or search")
    number: int | None = state.number
    while number is not None:
        yield number
        number = store.prior(number)


def versions_back(store: Store, register: str, record: str, *, skip: int = 0, count: int) -> list[Entry]:
    """Up to `count` versions of a record, the latest first, without the `skip` latest ones.

    Raises `NotFound` where there is no such record, `Unavailable` where those are too many to walk past.
    """
    if skip > MAX_SKIP:
        raise Unavailable(
            f"the version lies more than {MAX_SKIP:,} versions back, further than is looked here; "
            "ask with: counterfoil history"
        )
    numbers = islice(numbers_back(store, register, record), skip, skip + count)
    return [decode_entry(store.entry(number)) for number in numbers]


def definition_of(store: Store, register: str) -> DefinitionFields:
    """What a register says of itself. Raises `NotFound` where there is none, `Damaged` where it cannot be read."""
    if register in SYSTEM:
        title, description = SYSTEM[register]
        return DefinitionFields(title=title, authority="", description=description)
    entry = latest(store, REGISTER, register)
    if entry is None:
        raise NotFound(f"there is no register {register!r} here; the list of registers says which there are")
    try:
        return msgspec.convert(entry.fields, DefinitionFields)
    except msgspec.ValidationError as error:
        raise Damaged(
            f"the definition of {register} cannot be read ({error}); run counterfoil audit"
        ) from None


def properties_of(definition: DefinitionFields) -> dict[str, Json]:
    """The fields that a definition describes, each with its JSON Schema, in their order."""
    schema = definition.schema
    found = schema.get("properties") if isinstance(schema, dict) else None
    return found if isinstance(found, dict) else {}


def ordered(definition: DefinitionFields, present: Iterable[str]) -> list[str]:
    """Names of fields as people look for them: the key, what it is called, then as the register has them."""
    names = list(present)
    known = {"source": definition.source, "schema": definition.schema}
    place = {name: at for at, name in enumerate(field_order(known))}
    first = {name: at for at, name in enumerate([definition.key, "name", "title"], -3)}
    return sorted(names, key=lambda name: (first.get(name, place.get(name, len(place))), name))
