"""Importing into personal registers: the part of `counterfoil import` for what must be sealed."""

from __future__ import annotations

import os
from contextlib import ExitStack
from enum import Enum
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import msgspec
import typer

from counterfoil.cli.options import home_folder, read_input, reading
from counterfoil.cli.output import Output
from counterfoil.cli.table import TableImport
from counterfoil.errors import Busy, CounterfoilError, Malformed, Refused

if TYPE_CHECKING:
    from counterfoil.engine.submission import Receipt, Submission
    from counterfoil.node import Node
    from counterfoil.office.importing import Importing, Listeners
    from counterfoil.office.office import Office
    from counterfoil.office.shaping import Shaping
    from counterfoil.office.wanted import Reader
    from counterfoil.registry.table.entering import Refusal, Writer
    from counterfoil.registry.table.importing import TableImported
    from counterfoil.registry.table.mapping import Mapping
    from counterfoil.registry.table.reading import Table
    from counterfoil.registry.table.rejected import RejectedRows


class Duplicates(Enum):
    """What becomes of a new person's row that is likely somebody who is registered."""

    REFUSE = "refuse"
    TAKE = "take"


ASKED_ROWS: Final = 1_000
"""From how many rows on a file is not asked for duplicates unless told: each row is compared with up to 100 records."""
DUPLICATE_CHECK: Final = "duplicate-check"


def is_lines(file: Path) -> bool:
    """Whether a file has lines that name their registers themselves: an object with `register` and `fields` first."""
    from counterfoil.registry.table.mapping import Mapping
    from counterfoil.registry.table.reading import open_table

    try:
        with open_table(file, Mapping()) as table:
            first = next(table.rows(), None) if table.form == "jsonl" else None
    except CounterfoilError:
        return False  # whoever imports it says what is wrong with it
    values = first.values if first is not None and first.fault is None else {}
    return isinstance(values.get("register"), str) and isinstance(values.get("fields"), dict)


def is_personal(home: Path | None, register: str | None, mapping: Path | None) -> bool:
    """Whether a table is for a register, named here or by its mapping, that hides what it holds."""
    from counterfoil.registry.personal.plan import Plan

    if register is None and mapping is not None:
        register = _named_in(mapping)
    if register is None:
        return False
    if (home_folder(home) / "store.db").exists():
        with reading(home) as node:
            if node.record(".register", register) is not None:
                return Plan(node.definition(register)).personal
    _refuse_in_the_clear(register)
    return False


def _refuse_in_the_clear(register: str) -> None:
    """Raise `Refused` for a register that comes with the software, hides its fields, and is not defined here yet.

    A table imported into it would define it as a public one.
    """
    from counterfoil.ledger.definition import parse_definition
    from counterfoil.registers import names, shipped

    if register in names() and parse_definition(register, shipped(register, "-")).hidden:
        raise Refused(
            f"the register {register} hides what it holds, and is not defined here yet; define it first with: "
            f"counterfoil register shipped {register}"
        )


def _named_in(mapping: Path) -> str | None:
    try:
        named = msgspec.json.decode(read_input(mapping))
    except (msgspec.DecodeError, CounterfoilError):
        return None  # the import itself says what is wrong with the mapping
    register = named.get("register") if isinstance(named, dict) else None
    return register if isinstance(register, str) else None


def open_office(node: Node) -> Office:
    """The office of an installation that this process holds. Raises `Busy` where another one serves it."""
    from counterfoil.office.office import Office
    from counterfoil.web.served import ServedNode

    if isinstance(node, ServedNode):
        raise Busy("a process serves this installation; stop it to import personal records, or use its API")
    return Office(node)


def begin(
    node: Node, office: Office, reader: Reader, listeners: Listeners, *, identify: bool = False
) -> Importing:
    """An import by whoever has the installation's files."""
    from counterfoil.identity.officers import OPERATOR_OFFICER
    from counterfoil.office.importing import Importing
    from counterfoil.registry.personal.change import Acting

    def submit(submission: Submission) -> Receipt:
        (answer,) = node.submit_all([submission])
        if isinstance(answer, CounterfoilError):
            raise answer
        return answer

    acting = Acting(OPERATOR_OFFICER.kind, OPERATOR_OFFICER.id)
    return Importing(office, submit, acting, reader, listeners, identify=identify)


class PersonalImport(TableImport):
    """One call of the command on a table for a register that hides what it holds."""

    _shaping: Shaping
    _cases: int = 0
    _likely: int = 0
    duplicates: Duplicates | None = None
    """What becomes of a row that is likely somebody who is registered; None: as the number of rows has it."""

    def run(self) -> int:
        """As `TableImport.run`."""
        if self._dry_run:
            raise typer.BadParameter("a dry run cannot judge what must be sealed; import into a copy instead")
        return super().run()

    def _mapped(self) -> tuple[Mapping, str]:
        from counterfoil.office.shaping import Shaping, load_shaping
        from counterfoil.registry.table.mapping import Mapping, check_mapping

        try:
            shaping = load_shaping(read_input(self._mapping)) if self._mapping else Shaping(Mapping())
        except Malformed as error:
            raise Malformed(f"{self._mapping}: {error}") from None
        mapping = shaping.mapping
        if self._key is not None:
            template = self._key if "{" in self._key else f"{{{self._key}}}"
            mapping = msgspec.structs.replace(mapping, key=template)
        check_mapping(mapping)
        self._shaping = shaping
        return mapping, self._register or mapping.register or ""

    def _reader(self, node: Node, table: Table, mapping: Mapping, register: str) -> Reader:
        from counterfoil.office.wanted import TableReader

        return TableReader(table, self._shaping._replace(mapping=mapping), node.definition(register))

    def _import(self, writer: Writer, table: Table, mapping: Mapping, register: str) -> TableImported:
        from counterfoil.node import Node
        from counterfoil.office.importing import Listeners, import_rows
        from counterfoil.registry.table.importing import TableImported
        from counterfoil.registry.table.rejected import RejectedRows

        if not isinstance(writer, Node):
            raise typer.BadParameter("what must be sealed is imported into an installation, and nowhere else")
        with open_office(writer) as office, ExitStack() as stack:
            rows = RejectedRows(table)
            rejected: list[IO[bytes]] = []

            def refuse(refusal: Refusal) -> None:
                self._tell(refusal)
                if self._rejected is not None:
                    if not rejected:
                        rejected.append(self._begin(stack, rows, self._rejected))
                    rejected[0].write(rows.row(refusal))

            reader, listeners = (
                self._reader(writer, table, mapping, register),
                Listeners(refuse, self._lay),
            )
            importing = begin(writer, office, reader, listeners, identify=self._identifies(mapping))
            with self._output.progress(f"import {register}", "bytes") as tell:
                fault = import_rows(importing, table, tell)
            self._likely = importing.likely
            self._done(importing)
            return TableImported(register, fault=fault, **importing.counts)

    def _identifies(self, mapping: Mapping) -> bool:
        """Whether rows that are likely somebody's who is registered are refused: of a longer file, only when told."""
        from counterfoil.registry.table.reading import open_table

        if self.duplicates is not None:
            return self.duplicates is Duplicates.REFUSE
        with open_table(self._file, mapping) as table:
            return sum(1 for _ in islice(table.rows(), ASKED_ROWS)) < ASKED_ROWS

    def _document(self, imported: TableImported, node: Node) -> dict[str, Any]:
        return super()._document(imported, node) | {"likely_duplicates": self._likely}

    def _lay(self, case: str) -> None:
        self._cases += 1
        self._output.tell({"case": case})

    def _done(self, importing: Importing) -> None:
        """Note what an import did, beside what is counted of every table."""

    def _begin(self, stack: ExitStack, rows: RejectedRows, path: Path) -> IO[bytes]:
        file = super()._begin(stack, rows, path)
        if path.is_file() or not path.exists():
            os.fchmod(file.fileno(), 0o600)
        return file

    def _lines(self, imported: TableImported, document: dict[str, Any]) -> list[str]:
        told = super()._lines(imported, document)
        lines = [each.replace("further endorsements", "a second officer, or endorsements") for each in told]
        if self._likely:
            are = "row is" if self._likely == 1 else "rows are"
            lines.append(
                f"{self._likely:,} {are} likely of somebody who is registered already ({DUPLICATE_CHECK}), and "
                "refused: use that record, or state not-same in the row; --duplicates take enters them all the same"
            )
        if self._cases:
            lie = "case lies" if self._cases == 1 else "cases lie"
            lines.append(f"{self._cases:,} {lie} on the desk for a second officer: counterfoil desk")
        return lines


class LinesImport(PersonalImport):
    """One call of the command on a file whose lines name their registers themselves."""

    def __init__(
        self, output: Output, file: Path, home: Path | None, rejected: Path | None, *, dry_run: bool
    ):
        super().__init__(output, file, file.name, home, None, None, rejected, dry_run=dry_run)
        self._registers: dict[str, int] = {}

    def _mapped(self) -> tuple[Mapping, str]:
        from counterfoil.registry.table.mapping import Mapping

        return Mapping(format="jsonl", key="{register}"), self._file.name

    def _reader(self, node: Node, table: Table, mapping: Mapping, register: str) -> Reader:
        from counterfoil.office.beginning import defining
        from counterfoil.office.wanted import LineReader

        return LineReader(defining(node))

    def _done(self, importing: Importing) -> None:
        self._registers = dict(sorted(importing.registers.items()))

    def _document(self, imported: TableImported, node: Node) -> dict[str, Any]:
        document = super()._document(imported, node)
        del document["register"]
        return document | {"registers": self._registers}
