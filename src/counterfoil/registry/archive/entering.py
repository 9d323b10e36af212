"""Entering registers of another ledger from an archive: as new entries here, each of which names the one it is.

The whole archive is verified before the first write. What is here already is passed over, so that an import that was
interrupted goes on where it stopped, and one that is repeated adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from counterfoil.errors import Malformed, NotFound, Refused
from counterfoil.ledger.command import Standing
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.system import REGISTER
from counterfoil.proof.canonical import Json, canonical, labelled
from counterfoil.proof.entry import Entry, Proposal, decode_entry
from counterfoil.proof.transaction import MAX_PROPOSALS, MAX_TRANSACTION_BYTES
from counterfoil.proof.trust import Trust
from counterfoil.registry.archive.format import open_archive
from counterfoil.registry.archive.parts import ArchiveHead, Chunk, Entries
from counterfoil.registry.archive.survey import Survey, pieces, read_head, scan_archive

PLACE_BYTES: Final = 512
"""The most bytes that its place in the log adds to a proposal."""
MAX_REFUSED: Final = 100
"""How many refused entries are listed one by one."""
LEFT_OUT: Final = ("policy", "recovery")
"""What a definition does not bring along: it names agencies of the other ledger."""

Progress = Callable[[int, int], None]


class Writer(Protocol):
    """What entering needs of a node."""

    @property
    def agency(self) -> str:
        """The agency that submits, and keeps what is entered."""
        ...

    def record(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record."""
        ...

    def history(self, register: str, record: str) -> Iterator[Entry]:
        """The entries of a record, the latest first."""
        ...

    def definition(self, register: str) -> Definition:
        """A register's definition."""
        ...

    def put_document(self, parts: Iterable[bytes]) -> str:
        """Store a document."""
        ...

    def submit(self, proposals: Sequence[Proposal]) -> Any:
        """Have proposals take effect together; gives their transaction and its standing."""
        ...

    def withdraw(self, transaction: str) -> Any:
        """Take back a waiting transaction."""
        ...


class RefusedEntry(msgspec.Struct, frozen=True):
    """An entry of the archive that this ledger does not take, and why."""

    entry: int
    register: str
    record: str
    reason: str


class Entered(msgspec.Struct, frozen=True):
    """What was entered: the archive's labelled SHA-256, the registers, how many entries now and how many were there.

    `refused` lists the first that were refused, `not_entered` is how many they are.
    """

    archive: str
    origin: str
    registers: tuple[str, ...]
    added: int
    present: int
    not_entered: int
    refused: tuple[RefusedEntry, ...]


def enter_archive(
    writer: Writer,
    path: Path,
    registers: Collection[str] = (),
    *,
    trust: Trust | None = None,
    progress: Progress = lambda done, total: None,
) -> Entered:
    """Enter these registers of an archive, or all that it holds.

    A register that is not here is defined as it was there, with this agency as its authority. An entry's own time there
    becomes `recorded`, unless an older book's time stands there already; its `source` names archive, origin and number.
    Records with `control` enter with their latest version alone, as nobody here could endorse the changes in between.
    """
    with open_archive(path) as file:
        archive = labelled(file_digest(file, "sha256").digest())
    survey = Survey(registers)
    for _, item in scan_archive(path, trust):
        if isinstance(item, Entries):
            survey.see(item)
    head = read_head(path, trust)
    missing = sorted(set(registers) - survey.definitions.keys())
    if missing:
        raise NotFound(f"the archive does not hold the register {missing[0]!r}")
    _define(writer, survey, head, archive)
    _put_documents(writer, path, survey)
    return _Entering(writer, path, survey, head, archive).run(progress)


def _define(writer: Writer, survey: Survey, head: ArchiveHead, archive: str) -> None:
    for name, definition in sorted(survey.definitions.items(), key=lambda item: item[1].number):
        if writer.record(REGISTER, name) is None:
            fields = {key: value for key, value in definition.fields.items() if key not in LEFT_OUT}
            constraints = [each for each in fields.get("constraints", []) if each["kind"] != "authorised-by"]
            if "constraints" in fields:
                fields["constraints"] = constraints
            source = {"archive": archive, "entry": definition.number, "origin": head.origin}
            fields |= {"authority": writer.agency, "source": source}
            writer.submit([Proposal(REGISTER, name, "create", 1, body={"fields": fields})])


def _put_documents(writer: Writer, path: Path, survey: Survey) -> None:
    items = (item for _, item in scan_archive(path))
    for item in items:
        if isinstance(item, Chunk) and item.document in survey.documents:
            writer.put_document(pieces(item, items))


class _Entering:
    """Goes through the archive's entries, again for as long as that lets refused ones in that built on later ones."""

    def __init__(self, writer: Writer, path: Path, survey: Survey, head: ArchiveHead, archive: str):
        self._writer = writer
        self._path = path
        self._survey = survey
        self._head = head
        self._archive = archive
        self._definitions = {name: writer.definition(name) for name in survey.definitions}
        self._versions: dict[tuple[str, str], int] = {}
        self._refused: dict[int, RefusedEntry] = {}
        self._added = 0
        self._present = 0

    def run(self, progress: Progress) -> Entered:
        before = -1
        while before < self._added:
            before, self._present, self._refused = self._added, 0, {}
            self._pass(progress)
            if not self._refused:
                break
        refused = tuple(islice(self._refused.values(), MAX_REFUSED))
        return Entered(
            self._archive,
            self._head.origin,
            tuple(sorted(self._survey.definitions)),
            self._added,
            self._present,
            len(self._refused),
            refused,
        )

    def _pass(self, progress: Progress) -> None:
        batch: list[tuple[Entry, Proposal]] = []
        size = 0
        for _, item in scan_archive(self._path):
            if not isinstance(item, Entries):
                continue
            for entry in filter(self._survey.takes, map(decode_entry, item.data)):
                proposal = self._proposal(entry)
                if proposal is None:
                    continue
                length = len(proposal.encode()) + PLACE_BYTES
                if batch and (len(batch) == MAX_PROPOSALS or size + length > MAX_TRANSACTION_BYTES):
                    self._submit(batch)
                    batch, size = [], 0
                batch.append((entry, proposal))
                size += length
            progress(item.numbers[-1] + 1, self._head.size)
        self._submit(batch)

    def _proposal(self, entry: Entry) -> Proposal | None:
        """The entry as a proposal here; None where it is here already, or cannot be entered, which is noted."""
        name = entry.register, entry.record
        only = self._survey.controlled.get(name)
        version = only.index(entry.number) + 1 if only else entry.version
        known = self._versions[name] if name in self._versions else self._known(entry)
        if known is None:
            self._refuse(entry, "another record of this name is here already")
        elif version <= known:
            self._present += 1
        elif version > known + 1:
            self._refuse(entry, f"version {known + 1} of its record is not here")
        else:
            self._versions[name] = version
            return self._made(entry, version)
        return None

    def _known(self, entry: Entry) -> int | None:
        """The version of its record that is here; 0 where there is none, None where it came from elsewhere."""
        latest = self._writer.record(entry.register, entry.record)
        if latest is None:
            return 0
        for version in self._writer.history(entry.register, entry.record):
            if version.body is None or _origin_of(version) == self._head.origin:
                return latest.version
        return None

    def _made(self, entry: Entry, version: int) -> Proposal:
        definition = self._definitions[entry.register]
        operation = entry.operation
        if not definition.append and version == 1:
            operation = "create"
        body = entry.body
        if body is None and definition.schema is None and definition.key is None:
            body = {"fields": {}}
        if body is not None:
            body = {"fields": body["fields"], "circumstances": self._circumstances(entry)}
        proposal = entry.proposal(append=definition.append)
        return msgspec.structs.replace(
            proposal, body=body, operation=operation, version=None if definition.append else version
        )

    def _circumstances(self, entry: Entry) -> dict[str, Json]:
        old = entry.circumstances
        source: dict[str, Json] = {
            "archive": self._archive,
            "entry": entry.number,
            "origin": self._head.origin,
        }
        if "source" in old:
            source["source"] = old["source"]
        return {"recorded": entry.time, **old, "source": canonical(source).decode()}

    def _submit(self, batch: Sequence[tuple[Entry, Proposal]]) -> None:
        """Submit a batch as one; where it is refused, each entry by itself, so that the good ones go in."""
        self._versions.clear()
        if not batch or self._try([proposal for _, proposal in batch]) is None:
            self._added += len(batch)
            return
        for entry, _ in batch:
            proposal = self._proposal(entry)
            self._versions.clear()
            if proposal is None:
                continue
            reason = self._try([proposal])
            if reason is None:
                self._added += 1
            else:
                self._refuse(entry, reason)

    def _try(self, proposals: Sequence[Proposal]) -> str | None:
        """Why proposals are not taken; None once they are."""
        try:
            receipt = self._writer.submit(proposals)
        except (Refused, Malformed) as error:
            return str(error)
        if receipt.standing is Standing.PENDING:
            self._writer.withdraw(receipt.transaction)
            return "it asks for the endorsement of another"
        return None

    def _refuse(self, entry: Entry, reason: str) -> None:
        self._refused[entry.number] = RefusedEntry(entry.number, entry.register, entry.record, reason)


def _origin_of(entry: Entry) -> str | None:
    """The origin that an entry's source names, where it came from an archive."""
    try:
        source = msgspec.json.decode(str(entry.circumstances.get("source")))
    except msgspec.DecodeError:
        return None
    return source.get("origin") if isinstance(source, dict) else None
