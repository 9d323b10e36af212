"""What the ledger is asked at each operation: nothing that it could not find broken by what it sees."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.ledger.definition import Definition, parse_definition

CLASSES = {
    "born": "personal",
    "died": "personal",
    "parent": "personal",
    "registered": "public",
    "office": "public",
}
WRITING = ("create", "amend", "correct")


def definition(*constraints: dict[str, Any], hides: bool = True) -> Definition:
    """A register of those fields with some constraints; where it does not hide, every field is public."""
    classes = CLASSES if hides else dict.fromkeys(CLASSES, "public")
    properties = {name: {"type": "string", "class": class_} for name, class_ in classes.items()}
    fields = {
        "title": "Lives",
        "authority": "EE/GOV/AGENCY",
        "schema": {"type": "object", "properties": properties},
        "constraints": [{"name": f"rule-{at}", **each} for at, each in enumerate(constraints)],
    }
    return parse_definition("life", fields)


def order(*operands: str, **members: Any) -> dict[str, Any]:
    """A constraint on dates."""
    return {"kind": "order", "fields": list(operands), **members}


def reference(*fields: str, **members: Any) -> dict[str, Any]:
    """A constraint on the records that fields name."""
    return {"kind": "reference", "fields": list(fields), "register": "life", **members}


@pytest.mark.parametrize(
    "constraint",
    [order("born", "died"), order("born", ":now"), order("born", ":now", apart="P18Y"), reference("parent")],
    ids=repr,
)
def test_of_hidden_fields_alone_it_is_asked_nothing(constraint: dict[str, Any]) -> None:
    hidden, open_ = definition(constraint), definition(constraint, hides=False)
    for operation in WRITING:
        assert hidden.asked_for[operation] == ()
        assert open_.asked_for[operation] == open_.constraints


@pytest.mark.parametrize(
    "constraint",
    [
        order("registered", "born"),
        order("born", "registered"),
        order(":now", ":now", strict=True),
        order("born", "=2026"),
        order("born", ":valid-from"),
        reference("parent", "office"),
        reference("parent", role="parent"),
        {"kind": "blocked-by", "register": "hold", "role": "record"},
        {"kind": "exclusive", "scope": "civil", "claim": "alive", "fields": ["born"]},
    ],
    ids=repr,
)
def test_it_is_asked_whatever_it_sees_a_part_of(constraint: dict[str, Any]) -> None:
    judged = definition(constraint)
    assert judged.asked_for["create"] == judged.constraints


def test_it_is_asked_at_the_operations_that_a_constraint_is_about() -> None:
    judged = definition(order("born", ":now", operations=["erase"]), order("registered", ":now"))
    erase, written = judged.constraints
    asked = {operation: judged.asked_for[operation] for operation in ("create", "annul", "close", "erase")}
    assert asked == {"create": (written,), "annul": (), "close": (), "erase": (erase,)}
