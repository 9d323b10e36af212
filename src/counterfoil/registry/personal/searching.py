"""Finding records by what their hidden fields hold, over the blind index: nothing is decrypted for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from counterfoil.errors import Malformed, Refused
from counterfoil.ledger.declared import Purpose
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.index import record_key
from counterfoil.registry.personal.plan import Plan
from counterfoil.registry.personal.tokens import Tokeniser
from counterfoil.store.store import Store

MAX_FOUND: Final = 200
"""How many records a search gives; where there are more, it says so and asks for another term."""
MAX_LOOKED_AT: Final = 20_000
"""How many entries may share the rarest token of a search."""


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to find: a value in a field, compared as the kind says (exact, name, phonetic, trigrams, year)."""

    field: Annotated[str, msgspec.Meta(max_length=100)]
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    kind: str = "exact"


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is searched for in a register: records for which every term holds.

    With a purpose, they are those that may be read for it now. Without one, those that may be read for every purpose:
    a status that only some of them name is not to be found in passing. Nor is an earlier version: whoever searches by
    what somebody was once called would learn who that is now.
    """

    register: str
    terms: Annotated[tuple[Term, ...], msgspec.Meta(min_length=1, max_length=10)]
    purpose: Annotated[str, msgspec.Meta(max_length=255)] | None = None


class Match(msgspec.Struct, frozen=True):
    """A record that was found: its latest version and status; `current`: that version holds what was searched."""

    register: str
    record: str
    version: int
    status: str | None
    current: bool


class Found(msgspec.Struct, frozen=True):
    """The records that were found; `more`: there are more than are given."""

    matches: tuple[Match, ...]
    more: bool = False


def search(store: Store, plan: Plan, tokeniser: Tokeniser, query: Query) -> Found:
    """The records for which every term of a query holds.

    Raises `Refused` for a field that is not searchable so, and for a purpose that the register does not name.
    """
    purposes = _purposes(plan, query.purpose)
    allowed = [each.when for each in purposes if each.when]
    earlier = plan.definition.append or all(each.history for each in purposes)
    tokens = _tokens(plan, tokeniser, query)
    numbers = _entries(store.search, tokens)
    latest: dict[str, Match] = {}
    for number in sorted(numbers, reverse=True):
        entry = decode_entry(store.entry(number))
        if entry.record in latest:
            continue
        state = store.record(record_key(plan.name, entry.record))
        if state is not None:
            now = entry if state.number == number else decode_entry(store.entry(state.number))
            if not all(now.status in statuses for statuses in allowed):
                continue
            current = state.number == number or now.item == entry.item
            if not current and not earlier:
                continue
            latest[entry.record] = Match(plan.name, entry.record, state.version, now.status, current)
        if len(latest) > MAX_FOUND:
            break
    matches = tuple(latest.values())
    return Found(matches[:MAX_FOUND], len(matches) > MAX_FOUND)


def _purposes(plan: Plan, purpose: str | None) -> list[Purpose]:
    """The purposes for each of which a record must be readable to be found."""
    purposes = plan.definition.fields.purposes
    if purpose is not None and purpose not in purposes:
        known = ", ".join(sorted(purposes)) or "none"
        raise Refused(
            f"{purpose[:80]!r} is no purpose for which items of {plan.name} may be read; its definition names {known}"
        )
    return list(purposes.values()) if purpose is None else [purposes[purpose]]


def _tokens(plan: Plan, tokeniser: Tokeniser, query: Query) -> list[int]:
    allowed = dict(plan.searchable)
    found: list[int] = []
    for term in query.terms:
        kinds = allowed.get(term.field)
        if kinds is None or term.kind not in kinds:
            can = ", ".join(f"{name} ({'/'.join(each)})" for name, each in allowed.items()) or "nothing"
            raise Refused(
                f"{plan.name} cannot be searched for {term.field[:80]!r} by {term.kind[:20]}; it has {can}"
            )
        found += tokeniser.query(term.field, term.kind, _value(term))
    return found


def _value(term: Term) -> Json:
    return term.value


def _entries(ask: Callable[[int], list[int]], tokens: list[int]) -> set[int]:
    """The entries that have every token, the rarest first."""
    lists = sorted((ask(token) for token in set(tokens)), key=len)
    if not lists:
        raise Malformed("a search needs something to be searched for")
    if len(lists[0]) > MAX_LOOKED_AT:
        raise Refused(f"{len(lists[0]):,} entries have this; search for something rarer, or for more at once")
    found = set(lists[0])
    for each in lists[1:]:
        found.intersection_update(each)
    return found
