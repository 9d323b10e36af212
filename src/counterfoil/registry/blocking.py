"""What stands against a record: live records that refer to it in a role that keeps it from changing."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.errors import Malformed
from counterfoil.ledger.constraints.blocked import MAX_REFERRING
from counterfoil.ledger.dates import day_of, parse_date
from counterfoil.ledger.declared import Constraint, DefinitionFields
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.extract import Against
from counterfoil.proof.index import record_key
from counterfoil.store.store import Store

KIND = "kind"
"""The public field that says what such a record is: a mortgage, a caution."""


def standing_against(
    store: Store, definition: DefinitionFields, register: str, record: str, now: int
) -> tuple[Against, ...] | None:
    """The records that block changes of one, each once; None where no rule of its register asks about any.

    Rules on erasures alone say nothing about the record itself, and do not count. `now` is in seconds since 1970.
    """
    rules = [
        each
        for each in definition.constraints
        if each.kind == "blocked-by" and set(each.operations) != {"erase"}
    ]
    if not rules:
        return None
    target = record_key(register, record)
    found = (each for rule in rules for each in _of_rule(store, rule, target, now))
    return tuple(dict.fromkeys(found))


def _of_rule(store: Store, rule: Constraint, target: bytes, now: int) -> Iterator[Against]:
    for source in store.referring(target, rule.role or "", MAX_REFERRING):
        state = store.record(source)
        if state is None or state.ended:
            continue
        entry = decode_entry(store.entry(state.number))
        if entry.register != rule.register or (rule.status and entry.status not in rule.status):
            continue
        until = _until(rule, entry)
        if until is None or not _has_run_out(until, now):
            kind = entry.fields.get(KIND)
            yield Against(
                entry.register, entry.record, entry.status, kind if isinstance(kind, str) else None, until
            )


def _until(rule: Constraint, entry: Entry) -> str | None:
    value = entry.fields.get(rule.until) if rule.until is not None else None
    return value if isinstance(value, str) else None


def _has_run_out(until: str, now: int) -> bool:
    try:
        date = parse_date(until)
    except Malformed:
        return False
    return date.sure and date.last < day_of(now).first
