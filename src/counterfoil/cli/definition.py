"""A register's definition as `counterfoil register` shows it: what is enforced where, who may see what and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from counterfoil.cli.entries import value_lines
from counterfoil.cli.output import columns

_APART: Final = ("schema", "constraints", "purposes", "subjects", "core")
"""The members of a definition that have lines of their own."""
_Row = Sequence[str]


def definition_lines(definition: dict[str, Any], described: dict[str, Any]) -> list[str]:
    """A definition for people: its members, then what `described` (of `web.api.defined`) says of it, a part each.

    Of a register of the ledger itself nothing is described. A schema that lists no field is shown as it is.
    """
    apart = () if not described else _APART if described["fields"] else _APART[1:]
    lines = value_lines((name, value) for name, value in definition.items() if name not in apart)
    if described:
        lines += _part("fields", [_field(each) for each in described["fields"]])
        lines += _part(
            "subjects", [(each["subject"], each["field"] or "the record") for each in described["subjects"]]
        )
        lines += _part("purposes", [_purpose(each) for each in described["purposes"]])
        lines += _part("constraints", [_rule(each) for each in described["rules"]])
        lines += _part("core items", [_core(each) for each in described["core"]])
    return lines


def _part(title: str, rows: Sequence[_Row]) -> list[str]:
    return [f"  {title}", *columns(rows, "    ")] if rows else []


def _field(field: dict[str, Any]) -> _Row:
    about = f"about {field['subject']}" if field["subject"] else ""
    found = f"searched by {', '.join(field['searchable'])}" if field["searchable"] else ""
    return field["field"], field["class"], "required" if field["required"] else "", about, found


def _purpose(purpose: dict[str, Any]) -> _Row:
    fields = "all fields" if purpose["fields"] is None else ", ".join(purpose["fields"])
    conditions = [f"where it is {', '.join(purpose['when'])}"] if purpose["when"] else []
    conditions += ["of every version"] if purpose["history"] else []
    conditions += ["with the case"] if purpose["case"] else []
    return purpose["purpose"], purpose["law"], "; ".join(conditions), fields


def _rule(rule: dict[str, Any]) -> _Row:
    remark = f" ({rule['remark']})" if rule["remark"] else ""
    return rule["name"], rule["kind"], f"by {rule['enforced']}{remark}", rule["citation"] or ""


def _core(core: dict[str, Any]) -> _Row:
    where = core["field"] if core["field"] is not None else f"left out: {core['left-out']}"
    return core["item"], where, core["source"]
