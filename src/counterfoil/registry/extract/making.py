"""Making an extract of what was shown of a record: its fields, and everything that proves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from counterfoil.errors import Conflict, Malformed, NotFound, Unavailable
from counterfoil.ledger.definition import Definition
from counterfoil.proof.bundle import Bundle, Disclosure
from counterfoil.proof.canonical import Json
from counterfoil.proof.disclosure import read_disclosure
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.extract import FORMAT, Extract, label_of
from counterfoil.proof.extract_steps import AS_FOUND
from counterfoil.proof.instant import instant_text
from counterfoil.proof.report import SEALED_HERE
from counterfoil.proof.rules import AGENCY, REGISTER
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.registry.blocking import standing_against
from counterfoil.registry.gathering import Gathering
from counterfoil.registry.personal.opening import entries_back
from counterfoil.registry.personal.plan import Plan
from counterfoil.store.store import Store


class Chosen(NamedTuple):
    """What an extract is to hold of an entry: the fields asked for by name, and those of its item that may be shown.

    `purpose` is why; None where all fields are public.
    """

    entry: Entry
    names: tuple[str, ...]
    presentation: Disclosure | None
    purpose: str | None


def make_extract(store: Store, plan: Plan, chosen: Chosen, trust: Trust, now: int) -> Extract:
    """An extract that nobody has certified yet. `trust`: the policy by which its level is judged.

    Raises `Conflict` where the record has changed since it was shown, `Unavailable` where the index does not know its
    last change yet, `NotFound` for a public field that the record does not have.
    """
    entry, definition = chosen.entry, plan.definition
    erasures = [each for each in entries_back(store, entry) if each.operation == "erase"]
    fields = _fields(chosen)
    erased = tuple(name for name in chosen.names if name not in fields and _is_erased(plan, name, erasures))
    for name in chosen.names:
        if name not in plan.hidden and name not in fields and name not in erased:
            raise NotFound(
                f"the record has no field {name[:80]!r}; leave it out, or look at its register's fields"
            )
    if not fields and not erased:
        raise Malformed("the record has none of the fields asked for; ask for others")
    bundle = _prove(store, chosen, definition, erasures, trust)
    report = verify(bundle, trust)
    # An extract is issued after what it shows, also where this machine's clock is behind the ledger's.
    issued = instant_text(max(now, store.head.time))
    return Extract(
        FORMAT,
        entry.register,
        entry.record,
        definition.fields.title,
        definition.fields.authority,
        issued,
        report.level or SEALED_HERE,
        fields,
        {name: label_of(name, definition.fields.schema) for name in (*fields, *erased)},
        bundle,
        chosen.purpose,
        erased,
        standing_against(store, definition.fields, entry.register, entry.record, max(now, store.head.time)),
    )


def _fields(chosen: Chosen) -> dict[str, Json]:
    shown = dict(map(read_disclosure, chosen.presentation.shown)) if chosen.presentation else {}
    clear = {name: value for name, value in chosen.entry.fields.items() if name in chosen.names}
    return {**clear, **shown}


def _is_erased(plan: Plan, name: str, erasures: Sequence[Entry]) -> bool:
    """Whether an erasure was about a field's subject; what several share goes with the last of them."""
    slots = {slot.number: slot.name for slot in plan.slots}
    subject = slots.get(plan.slot_of(name))
    return name in plan.hidden and any(
        subject in (None, each.circumstances.get("subject")) for each in erasures
    )


def _prove(
    store: Store, chosen: Chosen, definition: Definition, erasures: Sequence[Entry], trust: Trust
) -> Bundle:
    entry, gathering = chosen.entry, Gathering(store)
    found = gathering.versions(entry.register, entry.record)
    if found[-1] != entry.number:
        raise Conflict("the record has changed since it was shown; ask for the extract again")
    if found[-1] >= gathering.indexed:
        raise Unavailable("the record's last change is not in the index yet; ask again in a second")
    first = decode_entry(store.entry(found[0]))
    versions = [decode_entry(store.entry(number)) for number in found] if erasures else [entry]
    content = next(each.number for each in reversed(versions) if each.operation != "erase")
    wanted = {entry.number, content, *(each.number for each in erasures)}
    if first.status == AS_FOUND:
        wanted.add(first.number)
    # From the latest back to what it repeats, so that nothing can stand between them.
    wanted.update(number for number in found if number >= content)
    for register, record in ((REGISTER, entry.register), (AGENCY, definition.fields.authority)):
        number = gathering.in_force(register, record, before=gathering.indexed)
        if number is not None:
            wanted.add(number)
    for number in sorted(wanted):
        gathering.add(number)
    gathering.claim(entry.register, entry.record)
    bundle = gathering.bundle(trust.genesis_size)
    return bundle if chosen.presentation is None else replace(bundle, disclosures=(chosen.presentation,))
