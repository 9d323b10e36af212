"""A registers office with data of ugly length, for looking at its pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from counterfoil.examples import registers_folder
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal, Reference
from counterfoil.registry.rsf.importing import import_rsf
from counterfoil.registry.rsf.reading import read_rsf

ORIGIN: Final = "registers.example.org/national"
AGENCY: Final = "GB/GOV/1001"
KEEPER: Final = "National Registers Office"
BEGUN: Final = 1_787_224_000  # 20 August 2026
EXAMPLES: Final = ("country", "territory", "register", "allergen")
VERSIONS: Final = 400
"""How many versions the vessel 7 has."""
LONG_NAME: Final = (
    "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch and District Mutual Improvement Society "
    "for the Encouragement of Arts, Manufactures and Commerce"
)
LONG_REGISTER: Final = "z" * 90
ODD_KEYS: Final = (
    "a/b", "..", ".", "a b", "ö", '"quoted"', "it's", "a.json", ".json", "~x", "100%", "a?b#c", "%2F", "proof",
    "<script>alert(1)</script>", "x" * 255, "مرحبا", "a/proof", "proof/differences", "&amp;", "+", "\\", "//",
    "a//b/", "/a", "..json", "日本語", "a;b=c", "{}", "$(touch x)",
)  # fmt: skip


class Clock:
    """Seconds since 1970, which a test moves on."""

    def __init__(self, now: float = BEGUN) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def make_office(folder: Path) -> None:
    """An installation with a few registers of the UK government, and others that are hard to show."""
    clock = Clock()
    with Node.open(folder, clock=clock, origin=ORIGIN, agency=AGENCY, title=KEEPER) as node:
        for name in EXAMPLES:
            import_rsf(node, read_rsf((registers_folder() / f"{name}.rsf").read_bytes()))
            clock.now += 5 * 86_400
        _make_vessels(node, clock)
        _define(node, "odd", title="Odd keys")
        node.submit([_odd(key) for key in ODD_KEYS])
        why = {"why": "the key was wrong"}
        node.submit([_entry("odd", "a b", 2, "annul", {"what": "a b"}, circumstances=why)])
        _define(node, "single", title="A register of one")
        dated = {"valid-from": "2000-01-01"}
        node.submit([_entry("single", "only", 1, "create", {"name": "The only one"}, circumstances=dated)])
        _define(node, "empty", title="A register with nothing in it yet")
        _define(node, LONG_REGISTER, title="A title so long that it must be broken somewhere " * 3)
        _define(node, "sealed", title="A register of items")
        reference = Reference("about", "vessel", "7")
        item = "sha256:" + "ab" * 32
        node.submit([Proposal("sealed", "p1", "create", 1, "open", item=item, references=(reference,))])


def _make_vessels(node: Node, clock: Clock) -> None:
    transitions = {"registered": ["detained", "removed"], "detained": ["registered", "removed"]}
    _define(
        node,
        "vessel",
        title="Register of vessels",
        description="Ships and boats that fly the flag.",
        law="Merchant Shipping Act 1995, section 8",
        key="number",
        schema={
            "type": "object",
            "properties": {
                "number": {"type": "string", "description": "The official number."},
                "name": {"type": "string"},
                "tonnage": {"type": "integer"},
                "previous-names": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["number", "name"],
        },
        constraints=[
            {"kind": "transition", "name": "states", "initial": ["registered"], "transitions": transitions},
            {"kind": "unique", "name": "one-name", "fields": ["name"], "citation": "section 9"},
        ],
    )
    breeze = {"number": "7", "name": "Sea Breeze", "tonnage": 412, "previous-names": ["Wind", "Gale"]}
    told = {"why": "first registration", "valid-from": "1962-04-01"}
    node.submit([_entry("vessel", "7", 1, "create", breeze, "registered", told)])
    why = {"why": "measured anew"}
    versions = [
        _entry("vessel", "7", version, "amend", {**breeze, "tonnage": 411 + version}, _state(version), why)
        for version in range(2, VERSIONS + 1)
    ]
    node.submit(versions)
    clock.now += 86_400
    names = {"2": "Petrel", "10": LONG_NAME, "100": "Ärger"}
    for key, name in names.items():
        node.submit([_entry("vessel", key, 1, "create", {"number": key, "name": name}, "registered")])
    broken = {"why": "broken up", "law": "section 16"}
    node.submit([_entry("vessel", "10", 2, "close", {"number": "10", "name": LONG_NAME}, "removed", broken)])


def _state(version: int) -> str:
    return "registered" if version % 2 else "detained"


def _odd(key: str) -> Proposal:
    fields = {
        "what": key,
        "x" * 120: "a long field name",
        "nested": {"a": [1, 2, {"b": None, "c": True}], "text": "line one\nline two"},
        "long": "W" * 3000 if key == "a b" else "",
    }
    return _entry("odd", key, 1, "create", fields)


def _entry(
    register: str,
    record: str,
    version: int,
    operation: str,
    fields: dict[str, Any],
    status: str | None = None,
    circumstances: dict[str, str] | None = None,
) -> Proposal:
    body: dict[str, Any] = {"fields": fields} | ({"circumstances": circumstances} if circumstances else {})
    return Proposal(register, record, operation, version, status, body)


def _define(node: Node, name: str, **fields: Any) -> None:
    node.submit([_entry(".register", name, 1, "create", {"authority": node.agency, **fields})])
