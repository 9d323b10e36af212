"""Registers: the list of them, and one with its records, its fields and its rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from counterfoil.errors import Malformed
from counterfoil.ledger.definition import CoreItem, DefinitionFields
from counterfoil.proof.entry import ENDING, Entry, decode_entry
from counterfoil.registry.catalogue.catalogue import Catalogue, Order, RegisterSummary, Row
from counterfoil.store.store import Store
from counterfoil.web.portal.charts import Bar
from counterfoil.web.portal.definition_view import (
    PurposeLine,
    Rule,
    conditions_of,
    enforced_rules,
    purposes_of,
)
from counterfoil.web.portal.field_view import Field, fields_of
from counterfoil.web.portal.reading import definition_of, ordered, read_rows, state_of
from counterfoil.web.portal.sentences import policy_words
from counterfoil.web.portal.words import brief

ROWS: Final = 50
COLUMNS: Final = 4
"""How many fields a table of records shows beside the key; a record's page has them all."""
ORDERS: Final[dict[str, Order]] = {"key": "key", "-key": "-key", "changed": "changed", "-changed": "-changed"}
STATES: Final = {"": None, "live": False, "ended": True}
MAX_QUERY: Final = 200


class RecordLine(msgspec.Struct, frozen=True):
    """A record in a table; `cells` are the values of its `columns`, shortened.

    Where its entry is damaged it has none: it is not shown, and the rest is as the catalogue remembers it.
    """

    register: str
    record: str
    cells: tuple[str, ...]
    entry: int
    version: int
    status: str | None
    ended: bool
    time: str
    damaged: bool = False


class RegisterView(msgspec.Struct, frozen=True):
    """A register, and a page of its records."""

    register: str
    title: str
    description: str | None
    law: str | None
    authority: str
    authority_name: str | None
    policy: str
    key: str | None
    pseudonymous: bool
    hidden: bool
    """Whether it has fields that are not public."""
    system: bool
    records: int
    entries: int
    last_time: str | None
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    conditions: tuple[str, ...]
    purposes: tuple[PurposeLine, ...]
    core: tuple[CoreItem, ...]
    columns: tuple[str, ...]
    rows: tuple[RecordLine, ...]
    damaged: str | None
    order: str
    state: str
    query: str
    after: str | None
    next: str | None
    years: tuple[Bar, ...]


class RegistersView(msgspec.Struct, frozen=True):
    """All registers; those of the system apart."""

    registers: tuple[RegisterSummary, ...]
    system: tuple[RegisterSummary, ...]


class Wanted(msgspec.Struct, frozen=True):
    """Which page of a register's records is asked for."""

    order: Order = "key"
    state: str = ""
    query: str = ""
    after: str | None = None

    @classmethod
    def read(cls, query: dict[str, str]) -> Wanted:
        """Read a query. Raises `Malformed`."""
        order, state, text = (
            query.get("sort") or "key",
            query.get("state") or "",
            (query.get("q") or "").strip(),
        )
        if order not in ORDERS or state not in STATES:
            raise Malformed(f"sort is one of {', '.join(ORDERS)}, and state is live, ended or left out")
        if len(text) > MAX_QUERY:
            raise Malformed(f"a search has at most {MAX_QUERY} characters; look for fewer words")
        return cls(ORDERS[order], state, text, query.get("after") or None)


def registers_view(catalogue: Catalogue) -> RegistersView:
    """Every register."""
    every = sorted(catalogue.registers(), key=by_title)
    return RegistersView(
        tuple(each for each in every if not each.system), tuple(each for each in every if each.system)
    )


def by_title(register: RegisterSummary) -> tuple[str, str]:
    """How registers are sorted where people look for one."""
    return (register.title or register.name).casefold(), register.name


def find_rows(catalogue: Catalogue, register: str, wanted: Wanted) -> tuple[Sequence[Row], str | None]:
    """The records that are asked for, as the catalogue has them, and where they go on."""
    if wanted.query:
        page = catalogue.search(wanted.query, register, wanted.after, ROWS)
    else:
        page = catalogue.records(register, wanted.after, ROWS, order=wanted.order, ended=STATES[wanted.state])
    return page.rows, page.next


def record_lines(rows: Sequence[Entry | Row], columns: Sequence[str]) -> tuple[RecordLine, ...]:
    """Records as lines of a table."""
    return tuple(
        RecordLine(
            each.register,
            each.record,
            _cells(each, columns) if isinstance(each, Entry) else (),
            each.number,
            each.version,
            each.status,
            each.operation in ENDING,
            each.time,
            not isinstance(each, Entry),
        )
        for each in rows
    )


def _cells(entry: Entry, columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(brief(entry.fields[name]) if name in entry.fields else "" for name in columns)


def columns_of(definition: DefinitionFields, entries: Sequence[Entry]) -> tuple[str, ...]:
    """The fields that a table shows: the first ones that any of its records has."""
    present = dict.fromkeys(name for entry in entries for name, value in entry.fields.items() if value != "")
    names = [name for name in ordered(definition, present) if name != definition.key]
    return tuple(names[:COLUMNS])


def register_view(
    store: Store,
    register: str,
    wanted: Wanted,
    rows: Sequence[Row],
    following: str | None,
    summary: RegisterSummary | None,
    years: tuple[Bar, ...],
) -> RegisterView:
    """Read a register's definition and records. Raises `NotFound`."""
    definition = definition_of(store, register)
    read = read_rows(store, rows)
    columns = columns_of(definition, read.entries)
    fields = fields_of(definition)
    state = state_of(store, ".agency", definition.authority) if definition.authority else None
    name = decode_entry(store.entry(state.number)).fields.get("name") if state else None
    policy = definition.policy if definition.policy is not None else f"agency:{definition.authority}"
    return RegisterView(
        register=register,
        title=definition.title,
        description=definition.description,
        law=definition.law,
        authority=definition.authority,
        authority_name=str(name) if name else None,
        policy=policy_words(policy) if definition.authority else "as the ledger's parameters say",
        key=definition.key,
        pseudonymous=definition.record_id != "natural",
        hidden=any(each.class_ != "public" for each in fields),
        system="." in register,
        records=summary.records if summary else 0,
        entries=summary.entries if summary else 0,
        last_time=summary.last_time if summary else None,
        fields=fields,
        rules=enforced_rules(register, definition),
        conditions=conditions_of(definition),
        purposes=purposes_of(definition),
        core=definition.core,
        columns=columns,
        rows=record_lines(read.rows, columns),
        damaged=read.damaged,
        order=wanted.order,
        state=wanted.state,
        query=wanted.query,
        after=wanted.after,
        next=following,
        years=years,
    )
