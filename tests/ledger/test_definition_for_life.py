"""What a register's definition keeps for its whole life: what its records were named, claimed and sealed by."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Violated
from counterfoil.ledger.system import check_successor
from counterfoil.proof.entry import Proposal

FIELDS: dict[str, Any] = {
    "title": "Births",
    "authority": "LAND/GOV/REGISTRY",
    "key": "number",
    "record-id": "hmac-sha256",
    "scopes": ["civil-status"],
    "subjects": {"child": "child"},
    "schema": {
        "type": "object",
        "properties": {
            "number": {"class": "personal", "type": "string"},
            "child": {"class": "personal", "subject": "child", "type": "string"},
            "note": {"class": "special", "subject": "child", "type": "string"},
            "district": {"class": "public", "type": "string"},
        },
    },
    "constraints": [
        {"kind": "exclusive", "name": "once", "scope": "civil-status", "claim": "born", "fields": ["child"]}
    ],
}


def definition(**changes: Any) -> Proposal:
    return Proposal(".register", "birth", "amend", 2, body={"fields": FIELDS | changes})


def properties(**changes: Any) -> dict[str, Any]:
    """The schema with some properties changed; None takes one away."""
    found = FIELDS["schema"]["properties"] | changes
    schema: dict[str, Any] = FIELDS["schema"]
    return schema | {"properties": {name: each for name, each in found.items() if each is not None}}


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({"key-form": {"case": "fold"}}, "how its records are named"),
        ({"key": "child"}, "how its records are named"),
        ({"record-id": "natural", "key": "district"}, "how its records are named"),
        ({"constraints": []}, "its exclusive claims"),
        ({"subjects": {"child": "child", "a-parent": "note"}}, "its subjects"),
        ({"subjects": {"child": "number"}}, "its subjects"),
        ({"schema": properties(note=None)}, "its hidden fields, and whom they are about"),
        (
            {"schema": properties(note={"class": "public", "type": "string"})},
            "its hidden fields, and whom they are about",
        ),
        (
            {"schema": properties(note={"class": "special", "type": "string"})},
            "its hidden fields, and whom they are about",
        ),
    ],
)
def test_what_records_were_sealed_by_stays(change: dict[str, Any], kept: str) -> None:
    with pytest.raises(Violated) as refused:
        check_successor(definition(), definition(**change))
    assert str(refused.value) == (
        f"the register birth keeps {kept} for its whole life: its records were named, claimed and sealed by it; "
        "create a register of another name"
    )
    assert refused.value.constraint == "definition"


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Births and adoptions"},
        {"schema": properties(weight={"class": "special", "subject": "child", "type": "integer"})},
        {"schema": properties(district={"class": "personal", "type": "string"})},
        {"purposes": {"certificate": {"law": "the law on certificates"}}},
    ],
)
def test_what_only_later_records_go_by_may_change(change: dict[str, Any]) -> None:
    check_successor(definition(), definition(**change))
