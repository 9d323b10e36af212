"""Importing a table: each row becomes a record's next entry where it says something new, or is refused by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from counterfoil.errors import Malformed, Refused
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.system import REGISTER
from counterfoil.proof.entry import Proposal
from counterfoil.proof.transaction import MAX_PROPOSALS, MAX_TRANSACTION_BYTES
from counterfoil.registry.table.definition import table_definition
from counterfoil.registry.table.entering import Entering, Refusal, Writer
from counterfoil.registry.table.mapping import Mapping
from counterfoil.registry.table.reading import RawRow, Table
from counterfoil.registry.table.rows import Conversion

CHUNK_BYTES: Final = MAX_TRANSACTION_BYTES // 4 * 3
"""About how many bytes of rows are taken at once."""

Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class TableImported:
    """How many rows there were, and what became of them.

    `waiting` rows lie in transactions that need further endorsements. `fault` says where and why reading ended before
    the file did.
    """

    register: str
    rows: int = 0
    created: int = 0
    amended: int = 0
    unchanged: int = 0
    skipped: int = 0
    refused: int = 0
    waiting: int = 0
    fault: str | None = None


def import_table(
    writer: Writer,
    table: Table,
    mapping: Mapping,
    register: str,
    *,
    refuse: Callable[[Refusal], None] = lambda refusal: None,
    progress: Progress = lambda done, total: None,
) -> TableImported:
    """Import a table into `register`, which is defined with the first row that fits the mapping where there is none.

    Tells every refused row to `refuse`, in the order of lines, and how many of the file's bytes are read to `progress`.
    Raises, with every row before stored, `Unauthorised`, `Lapsed` or another `Refused` that is no row's fault.
    """
    conversion = Conversion(mapping, table)

    def define() -> Definition:
        return _defined(writer, register, mapping, conversion)

    if writer.record(REGISTER, register) is not None:
        define()  # what takes no table is refused before a row is read
    entering = Entering(writer, register, define, table, mapping, conversion)
    rows, fault = table.rows(), None
    while fault is None:
        chunk, fault = _chunk(rows)
        if not chunk:
            break
        entering.take(chunk)
        for refusal in entering.refusals():
            refuse(refusal)
        progress(min(table.position, table.length), table.length)
    return TableImported(register, fault=fault, **entering.counts)


def _defined(writer: Writer, register: str, mapping: Mapping, conversion: Conversion) -> Definition:
    if writer.record(REGISTER, register) is None:
        fields = table_definition(register, writer.agency, mapping, conversion)
        if not writer.submit([Proposal(REGISTER, register, "create", 1, body={"fields": fields})]).count:
            raise Refused(
                f"the definition of the register {register} waits for further endorsements; "
                "import again once it has them"
            )
    definition = writer.definition(register)
    if definition.append:
        raise Refused(
            f"the register {register} only appends, and its entries cannot be told from a table's rows"
        )
    if definition.system:
        raise Refused(
            f"the register {register} governs the ledger and takes no table; change its records one by one"
        )
    return definition


def _chunk(rows: Iterator[RawRow]) -> tuple[list[RawRow], str | None]:
    """The next rows for one transaction, and why the file cannot be read on after them."""
    chunk: list[RawRow] = []
    size = 0
    try:
        for row in islice(rows, MAX_PROPOSALS):
            chunk.append(row)
            size += row.size
            if size > CHUNK_BYTES:
                break
    except Malformed as error:
        return chunk, str(error)
    return chunk, None
