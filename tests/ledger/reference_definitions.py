"""The registers of the small world, with all their fields public, or with those about persons and holdings hidden."""

from __future__ import annotations

from typing import Any

from tests.ledger.reference_company import COMPANY

DEFINITIONS: dict[str, dict[str, Any]] = {
    "person": {
        "constraints": [
            {"kind": "immutable", "name": "born-once", "fields": ["born"]},
            {"kind": "transition", "name": "life", "initial": ["alive"], "transitions": {"alive": ["dead"]}},
        ]
    },
    "marriage": {
        "scopes": ["civil"],
        "constraints": [
            {
                "kind": "transition",
                "name": "bond",
                "initial": ["married"],
                "transitions": {"married": ["ended"]},
            },
            {
                "kind": "reference",
                "name": "spouses-live",
                "fields": ["a", "b"],
                "register": "person",
                "status": ["alive"],
                "when": ["married"],
            },
            {
                "kind": "exclusive",
                "name": "married-once",
                "scope": "civil",
                "claim": "married",
                "fields": ["a", "b"],
                "when": ["married"],
                "against": ["dead"],
            },
            *[
                {
                    "kind": "order",
                    "name": f"{spouse}-of-age",
                    "fields": [f"{spouse}>born", "date"],
                    "apart": "P18Y",
                    "operations": ["create"],
                }
                for spouse in "ab"
            ],
        ],
    },
    "death": {
        "scopes": ["civil"],
        "constraints": [
            {"kind": "reference", "name": "person-known", "fields": ["person"], "register": "person"},
            {
                "kind": "exclusive",
                "name": "dead-once",
                "scope": "civil",
                "claim": "dead",
                "fields": ["person"],
            },
            {"kind": "order", "name": "born-before", "fields": ["person>born", "date", ":now"]},
            {
                "kind": "effect",
                "name": "noted",
                "operations": ["create"],
                "effect": {
                    "register": "person",
                    "record": "person",
                    "operation": "amend",
                    "from-status": "alive",
                    "status": "dead",
                    "set": {"died": "date"},
                },
            },
            {
                "kind": "effect",
                "name": "widowed",
                "operations": ["create"],
                "effect": {
                    "register": "marriage",
                    "record": {"claim": {"scope": "civil", "name": "married", "field": "person"}},
                    "operation": "amend",
                    "status": "ended",
                    "optional": True,
                },
            },
        ],
    },
    "title": {
        "constraints": [
            {"kind": "sum", "name": "shares-make-one", "fields": ["owners/*/share"], "equals": "=1"},
            {
                "kind": "sum",
                "name": "owners-sell",
                "fields": ["owners/*/share"],
                "group": "owner",
                "moves": "moves",
            },
            {
                "kind": "blocked-by",
                "name": "unburdened",
                "register": "charge",
                "role": "title",
                "status": ["in force"],
                "until": "until",
                "operations": ["amend"],
            },
        ]
    },
    "charge": {
        "constraints": [
            {"kind": "unique", "name": "rank-once", "fields": ["title", "rank"]},
            {
                "kind": "reference",
                "name": "title-stands",
                "fields": ["title"],
                "register": "title",
                "role": "title",
            },
        ]
    },
    "company": COMPANY,
}

CLASSES: dict[str, dict[str, str]] = {
    "person": {"born": "personal", "died": "public"},
    "marriage": {"a": "personal", "b": "personal", "date": "special"},
    "death": {"person": "personal", "date": "public"},
    "title": {"owners": "personal", "moves": "personal"},
    "company": {"classes": "public", "holdings": "personal", "moves": "personal"},
}
"""Which fields go by item where this world hides what it can; each of the rest stands in the log."""
REQUIRED = {"marriage": ["a", "b", "date"], "death": ["person", "date"]}
UNSEEN = frozenset({"widowed"})
"""Rules that the ledger cannot judge though every field is public: who holds a claim, only its maker can say."""


def hiding(register: str) -> dict[str, Any]:
    """The register's definition, with a schema that gives its fields classes."""
    if register not in CLASSES:
        return DEFINITIONS[register]
    properties = {name: {"class": each} for name, each in CLASSES[register].items()}
    return DEFINITIONS[register] | {
        "schema": {"properties": properties, "required": REQUIRED.get(register, [])}
    }
