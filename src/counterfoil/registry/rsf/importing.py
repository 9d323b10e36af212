"""Importing a register from an RSF file: its user entries into the register, its system entries into one beside it.

Entries keep their own time as `recorded`, and their place in the file as `source`. What the ledger holds already is
passed over, so that an import that was interrupted goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from counterfoil.errors import Conflict, Malformed, NotFound
from counterfoil.ledger.content import check_content
from counterfoil.ledger.definition import Definition, parse_definition
from counterfoil.ledger.system import REGISTER
from counterfoil.proof.canonical import Json, canonical
from counterfoil.proof.entry import MAX_ENTRY_BYTES, Entry, Proposal, decode_entry
from counterfoil.proof.transaction import MAX_PROPOSALS, MAX_TRANSACTION_BYTES
from counterfoil.registry.rsf.definition import definition_fields
from counterfoil.registry.rsf.format import RsfEntry, RsfFile
from counterfoil.registry.rsf.writing import position_of

SYSTEM_SUFFIX: Final = ".system"
"""The register of a file's system entries is named like the register itself, with this after it."""
PLACE_BYTES: Final = 512
"""The most bytes that its place in the log adds to a proposal."""

Progress = Callable[[int, int], None]


class Writer(Protocol):
    """What an import needs of a node."""

    @property
    def agency(self) -> str:
        """The agency that submits, and keeps what is imported."""
        ...

    def record(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record."""
        ...

    def entries(self) -> Iterator[bytes]:
        """The canonical bytes of every entry in the log."""
        ...

    def submit(self, proposals: Sequence[Proposal]) -> object:
        """Have proposals take effect together."""
        ...


class Imported(NamedTuple):
    """What an import did: the file's user entries, how many of both kinds were new, whether a root was checked."""

    register: str
    entries: int
    added: int
    published_root_verified: bool


def import_rsf(
    writer: Writer,
    file: RsfFile,
    register: str | None = None,
    *,
    dry_run: bool = False,
    progress: Progress = lambda done, total: None,
) -> Imported:
    """Import a file that `read_rsf` has checked; `register` names it, where the file does not.

    Everything that can be judged is judged before the first write. Raises `NotFound` without a name, `Conflict` where
    the register holds other entries under the same versions, `Malformed` or `Refused` as the ledger does.
    """
    name = register or file.register
    if name is None:
        raise NotFound("the file defines no register; say which one it is for: --register NAME")
    plan = _Plan(writer, file, name)
    new = plan.check()
    imported = Imported(name, len(file.user_entries), new, file.published_root_verified)
    if dry_run:
        return imported
    if plan.definitions:
        writer.submit(plan.definitions)
    done = len(file.entries) - new
    for batch in _batches(plan.proposals()):
        writer.submit(batch)
        done += len(batch)
        progress(done, len(file.entries))
    progress(len(file.entries), len(file.entries))
    return imported


class _Plan:
    """The definitions and entries that are still to be written."""

    def __init__(self, writer: Writer, file: RsfFile, name: str):
        self._names = {"user": name, "system": name + SYSTEM_SUFFIX}
        self._known = _known(writer, set(self._names.values())) if writer.record(REGISTER, name) else {}
        self._compiled: list[Definition] = []
        fields = definition_fields(file, name)
        self.definitions = [
            *self._define(writer, name, {**fields, "authority": writer.agency, "source": "rsf"}),
            *self._define(
                writer,
                name + SYSTEM_SUFFIX,
                {
                    "title": f"{fields['title']}: system entries",
                    "description": f"How the register {name} was defined before it came here, entry by entry.",
                    "authority": writer.agency,
                    "source": "rsf",
                },
            ),
        ]
        self._file = file

    def check(self) -> int:
        """How many entries are new. Raises `Malformed` or `Violated` for the first that its register would not take."""
        definitions = {definition.name: definition for definition in self._compiled}
        new = 0
        for proposal in self.proposals():
            new += 1
            check_content(definitions[proposal.register], proposal)
            if len(proposal.encode()) + PLACE_BYTES > MAX_ENTRY_BYTES:
                raise Malformed(
                    f"{proposal.register} {proposal.record!r} is too large for an entry of {MAX_ENTRY_BYTES} bytes"
                )
        return new

    def _define(self, writer: Writer, name: str, fields: dict[str, Json]) -> Iterator[Proposal]:
        self._compiled.append(parse_definition(name, fields))
        existing = writer.record(REGISTER, name)
        if existing is None:
            yield Proposal(REGISTER, name, "create", 1, body={"fields": fields})
        elif existing.fields.get("source") != "rsf":
            raise Conflict(
                f"the register {name} exists and did not come from an RSF file; import under another name: --register"
            )
        elif existing.fields != fields:
            yield Proposal(REGISTER, name, "amend", existing.version + 1, body={"fields": fields})

    def proposals(self) -> Iterator[Proposal]:
        """The entries that are not here yet, in the file's order. Raises `Conflict` for one that differs from ours."""
        file = self._file
        versions: dict[tuple[str, str], int] = {}
        for entry in file.entries:
            register = self._names[entry.kind]
            version = versions[register, entry.key] = versions.get((register, entry.key), 0) + 1
            known = self._known.get((register, entry.key, version))
            if known is not None:
                _check_same(register, entry, version, known)
                continue
            circumstances = {"recorded": entry.timestamp, "source": position_of(entry, file).encode()}
            yield Proposal(
                register,
                entry.key,
                "create" if version == 1 else "amend",
                version,
                body={"circumstances": circumstances, "fields": entry.item},
            )


def _known(writer: Writer, registers: set[str]) -> dict[tuple[str, str, int], Entry]:
    entries = (decode_entry(data) for data in writer.entries())
    return {
        (entry.register, entry.record, entry.version): entry
        for entry in entries
        if entry.register in registers
    }


def _check_same(register: str, entry: RsfEntry, version: int, known: Entry) -> None:
    if (
        canonical(known.fields) != canonical(entry.item)
        or known.circumstances.get("recorded") != entry.timestamp
    ):
        raise Conflict(
            f"line {entry.line}: {register} {entry.key!r} has another version {version} here already; "
            "import the file under another name: --register"
        )


def _batches(proposals: Iterable[Proposal]) -> Iterator[list[Proposal]]:
    batch: list[Proposal] = []
    size = 0
    for proposal in proposals:
        length = len(proposal.encode()) + PLACE_BYTES
        if batch and (len(batch) == MAX_PROPOSALS or size + length > MAX_TRANSACTION_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(proposal)
        size += length
    if batch:
        yield batch
