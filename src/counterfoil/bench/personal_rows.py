"""Persons to measure with: none of them exists, and each is as a register of an older age would bring them over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from counterfoil import registers
from counterfoil.bench.rows import ODD, name_of
from counterfoil.ledger.system import REGISTER as DEFINITIONS
from counterfoil.node import Node
from counterfoil.proof.canonical import canonical
from counterfoil.proof.entry import Proposal
from counterfoil.registry.personal.change import Acting, Change

REGISTER: Final = "person"
DEFINED: Final = (REGISTER, "disclosure", "notice", "legal-hold")
"""The registers of the shipped ones that a register of persons needs."""
ACTING: Final = Acting("person", "00000000000000be")
WHEN: Final = "1998-03-01"
_BEGINNINGS: Final = (
    "Bar",
    "Cor",
    "Del",
    "Fen",
    "Gal",
    "Hol",
    "Kes",
    "Lin",
    "Mor",
    "Nar",
    "Pel",
    "Ros",
    "Tam",
    "Vel",
)
_MIDDLES: Final = ("a", "an", "e", "el", "i", "il", "o", "or", "u", "un", "y", "ar")
_ENDINGS: Final = (
    "berg",
    "croft",
    "dal",
    "gard",
    "holm",
    "ling",
    "mark",
    "quist",
    "stad",
    "thwaite",
    "vik",
    "wyn",
)
_GIVEN: Final = ("a", "ane", "el", "ette", "ia", "in", "is", "ola", "on", "une")
_DAYS: Final = 28


def define(node: Node) -> None:
    """Define the registers, as they are shipped."""
    for name in DEFINED:
        fields = registers.shipped(name, node.agency)
        node.submit([Proposal(DEFINITIONS, name, "create", 1, body={"fields": fields})])


def number_of(person: int) -> str:
    """A person's number; no two persons have the same, and they come in no order."""
    return f"ZZ-{name_of(person).upper()}"


def family_of(person: int) -> str:
    """A family name of letters: one of 28,224."""
    return _name(_mixed(person), (_BEGINNINGS, _MIDDLES, _BEGINNINGS, _ENDINGS)).capitalize()


def given_of(person: int) -> str:
    """A given name of letters: one of 1,680."""
    return _name(_mixed(person) // 28_224, (_BEGINNINGS, _MIDDLES, _GIVEN)).capitalize()


def _mixed(person: int) -> int:
    return person * ODD % (1 << 64) >> 32


def _name(number: int, parts: Sequence[Sequence[str]]) -> str:
    name = ""
    for part in parts:
        number, at = divmod(number, len(part))
        name += part[at]
    return name


def born(person: int) -> str:
    """A day of birth: one of 26,880."""
    day = person * 3_571 % (80 * 12 * _DAYS)
    return f"{1_918 + day // (12 * _DAYS)}-{day // _DAYS % 12 + 1:02}-{day % _DAYS + 1:02}"


def change(person: int) -> Change:
    """A person who is taken over alive: eight fields of the register's twelve, as most have, and two circumstances."""
    fields = {
        "number": number_of(person),
        "names": [{"script": "Latn", "use": "birth", "family": family_of(person), "given": given_of(person)}],
        "sex": "female" if person % 2 else "male",
        "date-of-birth": born(person),
        "place-of-birth": {"country": "ZZZ", "district": str(person % 331), "place": family_of(person * 5)},
        "parents-unknown": "not-in-register",
        "nationality": ["ZZZ"],
        "address": {
            "lines": [f"{person % 240 + 1} Ferry Steps"],
            "locality": family_of(person * 11),
            "district": str(person % 331),
            "country": "ZZZ",
        },
    }
    return Change(REGISTER, fields=fields, status="alive", circumstances={"recorded": WHEN})


def changes(first: int, count: int) -> list[Change]:
    """So many new persons, from a number on."""
    return [change(person) for person in range(first, first + count)]


def rows(batch: Sequence[Change]) -> list[tuple[str, str, int, bytes]]:
    """The same persons for a bare table, in plain: number and fields."""
    return [(each.register, str(each.fields["number"]), 1, canonical(each.fields)) for each in batch]
