"""`counterfoil record` on a register with hidden fields: through the office, and nothing personal in an argument."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer

from counterfoil.cli.office import office_of
from counterfoil.errors import Malformed

if TYPE_CHECKING:
    from counterfoil.cli.entries import StatedFields
    from counterfoil.node import Node
    from counterfoil.proof.canonical import Json
    from counterfoil.registry.personal.change import Change, Filed
    from counterfoil.registry.personal.plan import Plan

AMONG_THE_FIELDS: Final = "-"
"""In place of a key: it stands among the fields."""
HARMLESS: Final = frozenset({"law", "case"})
"""The circumstances that are no personal value, and may stand in an argument."""
_PSEUDONYM: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class Asked(NamedTuple):
    """What a command asks to do to one record of a personal register."""

    record: str
    operation: str
    fields: StatedFields
    merge: bool
    status: str | None
    version: int | None
    circumstances: dict[str, str]
    receipt: bool
    idempotency_key: str | None
    request: bytes | None


def plan_of(node: Node, register: str) -> Plan:
    """How a register's records are kept. Raises `Refused` where there is no such register."""
    from counterfoil.registry.personal.plan import Plan

    return Plan(node.definition(register))


def file_change(node: Node, plan: Plan, asked: Asked) -> Filed:
    """Have the change filed as the operator's. A wrong usage: what may be personal stands in an argument."""
    from counterfoil.identity.officers import OPERATOR_OFFICER
    from counterfoil.registry.personal.change import Acting
    from counterfoil.registry.personal.registrar import Terms

    _check_arguments(plan, asked)
    change = _change(plan, asked)
    terms = Terms(asked.idempotency_key, asked.request, receipt=asked.receipt)
    acting = Acting(OPERATOR_OFFICER.kind, OPERATOR_OFFICER.id)
    with office_of(node) as office:
        return office.file([change], acting, terms)


def _check_arguments(plan: Plan, asked: Asked) -> None:
    """Every user of the machine can read the arguments of a command, in the list of processes."""
    use = "counterfoil file states all of a change in a file"
    if asked.fields.settings or asked.fields.without:
        raise typer.BadParameter(
            f"{plan.name} is a personal register: state its fields in a file or on standard input, by --fields"
        )
    personal = sorted(asked.circumstances.keys() - HARMLESS)
    if personal:
        raise typer.BadParameter(
            f"{plan.name} is a personal register, and --{personal[0]} would be no secret; {use}"
        )
    if plan.pseudonymous and asked.record != AMONG_THE_FIELDS and not _PSEUDONYM.fullmatch(asked.record):
        raise typer.BadParameter(
            f"the keys of {plan.name} are personal: give - in place of KEY and the key among the --fields, or the "
            "record's name in the log"
        )


def _change(plan: Plan, asked: Asked) -> Change:
    from counterfoil.proof.entry import ENDING
    from counterfoil.registry.personal.change import Change

    fields: dict[str, Json] = dict(asked.fields.whole or {})
    key, record = _names(plan, asked, fields)
    if asked.operation in ENDING and plan.definition.key is not None:
        # What ends is told once more as it was, unless something else of it is stated.
        fields.pop(plan.definition.key, None)
    circumstances: dict[str, Any] = dict(asked.circumstances)
    return Change(
        plan.name,
        asked.operation,
        fields,
        key,
        record,
        asked.version,
        asked.status,
        asked.merge,
        circumstances=circumstances,
    )


def _names(plan: Plan, asked: Asked, fields: dict[str, Json]) -> tuple[str | None, str | None]:
    """The record's key, or its name in the log."""
    name = plan.definition.key
    if asked.record != AMONG_THE_FIELDS:
        if plan.pseudonymous:
            return None, asked.record
        if name is not None and asked.fields.whole is not None and not asked.merge:
            fields.setdefault(name, asked.record)
        return asked.record, None
    key = fields.get(name) if name is not None else None
    if not isinstance(key, str):
        raise Malformed(f"the key must stand among the fields of {plan.name}, as {name or 'key'}")
    return key, None
