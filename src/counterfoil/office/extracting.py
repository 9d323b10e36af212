"""Extracts for those who ask the office for one: a disclosure as any other, then a copy that the agency certifies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace

from counterfoil.errors import Malformed, NotFound, Refused
from counterfoil.ledger.fields import CIRCUMSTANCES
from counterfoil.node import Node
from counterfoil.proof.entry import Entry
from counterfoil.proof.extract import Extract, certify
from counterfoil.proof.trust import Trust
from counterfoil.registry.extract.making import Chosen, make_extract
from counterfoil.registry.personal.disclosing import Ask, Shown
from counterfoil.registry.personal.plan import Plan
from counterfoil.store.store import Store

Disclose: TypeAlias = Callable[[Ask], Shown]
"""Shows what is not public to whoever acts, as `Office.disclose` does, here or in the process that serves the node."""


class Looked(NamedTuple):
    """What an extract is to be made of, once its disclosure is in the log."""

    plan: Plan
    chosen: Chosen


def extract(node: Node, disclose: Disclose, ask: Ask) -> Extract:
    """An extract of a record's latest entry, certified. `ask.purpose` is empty where all fields asked for are public.

    Raises as `look_for_extract` and `certified_extract`.
    """
    looked = look_for_extract(node, disclose, ask)
    node.settle()
    with node.reading() as store:
        return certified_extract(node, store, looked)


def look_for_extract(node: Node, disclose: Disclose, ask: Ask) -> Looked:
    """Choose what the extract holds; what is not public is disclosed, and that is in the log first.

    Public fields need no purpose. Raises `Refused` for a register that another agency keeps or fields that are not
    public without a purpose, `NotFound` and `Malformed`, and as `Office.disclose`.
    """
    plan = Plan(node.definition(ask.register))
    authority = plan.definition.fields.authority
    if authority != node.agency:
        raise Refused(f"extracts of {plan.name} are certified by {authority}, which keeps it; ask there")
    if ask.version is not None:
        raise Malformed("an extract is of a record's latest entry; leave the version out")
    hidden = _hidden(plan, ask.fields)
    if ask.purpose and hidden != ():
        return Looked(plan, _disclosed(node, plan, disclose(replace(ask, fields=hidden)), ask))
    if hidden:
        raise Refused(
            f"the field {hidden[0][:80]!r} of {plan.name} is not public; name the purpose for which it is shown"
        )
    entry = _latest(node, plan, ask)
    return Looked(plan, Chosen(entry, ask.fields or tuple(entry.fields), None, None))


def certified_extract(node: Node, store: Store, looked: Looked) -> Extract:
    """The extract of what was looked at, with its proof, signed by this agency.

    Raises `Unavailable` while the index does not know the record's last change, `Conflict` where it has changed since.
    """
    trust = Trust.parse(node.home.trust.read_bytes())
    made = make_extract(store, looked.plan, looked.chosen, trust, int(node.clock()))
    return certify(made, node.home.read_key("endorse"))


def _hidden(plan: Plan, asked: Sequence[str] | None) -> tuple[str, ...] | None:
    """Those of the fields asked for that are not public; None where the purpose is to say which ones."""
    if asked is None:
        return None
    return tuple(name for name in asked if name in plan.hidden or name == CIRCUMSTANCES)


def _disclosed(node: Node, plan: Plan, shown: Shown, ask: Ask) -> Chosen:
    entry = node.entry(shown.number)
    if ask.fields is not None:
        return Chosen(entry, ask.fields, shown.presentation, ask.purpose)
    allowed = plan.definition.fields.purposes[ask.purpose].fields
    named = plan.definition.rules.rules if allowed is None else allowed
    hidden = (name for name in named if name in plan.hidden)
    return Chosen(entry, (*entry.fields, *hidden), shown.presentation, ask.purpose)


def _latest(node: Node, plan: Plan, ask: Ask) -> Entry:
    if plan.pseudonymous and ask.record is None:
        raise Malformed(
            f"no purpose is named for which a record of {plan.name} may be found by its key; name one, or the record"
        )
    record = ask.record if ask.key is None else ask.key
    entry = node.record(plan.name, record) if record is not None else None
    if entry is None:
        raise NotFound(f"there is no such record in {plan.name}; name one by its key or by record")
    return entry
