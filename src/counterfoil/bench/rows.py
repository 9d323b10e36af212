"""Rows to measure with: made-up ones of a fixed size, and rows like HM Land Registry's price-paid data."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final

from counterfoil.proof.entry import Proposal

REGISTER: Final = "bench"
FIELDS: Final = 8
ODD: Final = 0x9E3779B97F4A7C15
"""An odd number: multiplying by it moves 64-bit numbers about, each to a place of its own."""
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"id": {"type": "string"}}
    | {f"field-{number}": {"type": "string", "maxLength": 100} for number in range(FIELDS)},
    "required": ["id"],
    "additionalProperties": False,
}
COLUMNS: Final = (
    "transaction",
    "price",
    "date",
    "postcode",
    "property-type",
    "new-build",
    "tenure",
    "house",
    "flat",
    "street",
    "locality",
    "town",
    "district",
    "county",
    "category",
    "record-status",
)
"""The columns of price-paid data, as HM Land Registry describes them."""


def fields_of(record: str, random: Random) -> dict[str, str]:
    """Made-up fields; with them an entry has about 400 bytes."""
    return {"id": record} | {f"field-{number}": f"{random.getrandbits(44):011x}" for number in range(FIELDS)}


def name_of(number: int) -> str:
    """A record's name: no two numbers have the same, and they come in no order, as the ids of most registers do."""
    return f"{number * ODD % (1 << 64):016x}"


def proposals(first: int, count: int, random: Random, version: int = 1) -> list[Proposal]:
    """New records from `first` on, or a later version of them."""
    names = map(name_of, range(first, first + count))
    return [proposal(name, version, fields_of(name, random)) for name in names]


def proposal(record: str, version: int, fields: dict[str, str]) -> Proposal:
    """One proposal in the bench's register."""
    operation = "create" if version == 1 else "amend"
    return Proposal(REGISTER, record, operation, version, body={"fields": fields})


def land_rows(path: Path, count: int) -> Iterator[dict[str, str]]:
    """`count` rows like those of the sample: its own over and over, each with a new id and price."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        sample: Sequence[list[str]] = list(csv.reader(file))
    random = Random(1995)

    def rows() -> Iterator[dict[str, str]]:
        while True:
            for row in sample:
                values = dict(zip(COLUMNS, row, strict=True))
                values["transaction"] = f"{random.getrandbits(128):032X}"
                values["price"] = str(random.randrange(10_000, 400_000, 50))
                yield {name: value for name, value in values.items() if value}

    return islice(rows(), count)
