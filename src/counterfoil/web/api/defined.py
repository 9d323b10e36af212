"""What a register's definition says, for people: where each rule is enforced, who may see a field, why it is read."""

from __future__ import annotations

from typing import Any

from counterfoil.ledger.constraints import enforcement
from counterfoil.ledger.definition import Constraint, Definition


def described(definition: Definition) -> dict[str, Any]:
    """The definition's fields, rules, subjects, purposes and core items, as `GET /v1/registers/REGISTER` has them."""
    fields = definition.fields
    return {
        "fields": [
            {
                "field": rule.name,
                "class": rule.class_,
                "searchable": rule.searchable,
                "subject": rule.subject,
                "required": rule.name in definition.rules.required,
            }
            for rule in definition.rules.rules.values()
        ],
        "rules": [_rule(definition, constraint) for constraint in definition.constraints],
        "subjects": [{"subject": name, "field": path} for name, path in sorted(fields.subjects.items())],
        "purposes": [
            {
                "purpose": name,
                "law": purpose.law,
                "fields": purpose.fields,
                "when": purpose.when,
                "history": purpose.history,
                "case": purpose.case,
            }
            for name, purpose in sorted(fields.purposes.items())
        ],
        "core": [
            {"item": core.item, "source": core.source, "field": core.field, "left-out": core.left_out}
            for core in fields.core
        ],
    }


def _rule(definition: Definition, constraint: Constraint) -> dict[str, Any]:
    enforced = enforcement(definition, constraint)
    return {
        "name": constraint.name,
        "kind": constraint.kind,
        "fields": constraint.fields,
        "operations": constraint.operations,
        "when": constraint.when,
        "policy": constraint.policy,
        "citation": constraint.citation,
        "enforced": enforced.by.value,
        "remark": enforced.remark or None,
    }
