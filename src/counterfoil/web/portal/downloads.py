"""A register as a file: CSV, JSON Lines or RSF, made whole before it is sent, so that it is of one moment."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from counterfoil.errors import Busy, Damaged, Refused
from counterfoil.home import refused_by_machine
from counterfoil.proof.canonical import canonical
from counterfoil.proof.entry import Entry
from counterfoil.registry.rsf.exporting import export_rsf
from counterfoil.registry.rsf.importing import SYSTEM_SUFFIX
from counterfoil.registry.table.definition import hidden_fields
from counterfoil.registry.table.exporting import chosen, csv_lines, json_lines, survey
from counterfoil.store.store import Store
from counterfoil.web.portal.reading import definition_of, state_of

TYPES: Final = {
    "csv": "text/csv; header=present",
    "jsonl": "application/jsonl; charset=utf-8",
    "rsf": "application/uk-gov-rsf",
}
MAX_ENTRIES: Final = 500_000
"""The most entries of a register that is given as a file here; of a larger one an archive is the better copy."""
AT_ONCE: Final = 2
PART: Final = 1 << 16

_turns = threading.BoundedSemaphore(AT_ONCE)


def write_download(store: Store, register: str, form: str, entries: int, folder: Path) -> BinaryIO:
    """A register in a form, in a file without a name in `folder`, to be read from its beginning and closed.

    `entries` is how many entries the register has. Raises `NotFound`, `Refused` where the form or the page cannot hold
    it, `Busy` where others are being made, `Damaged` where an entry cannot be given: no file has a silent gap.
    """
    definition_of(store, register)
    if entries > MAX_ENTRIES:
        raise Refused(
            f"{register} has {entries:,} entries, more than are given as a file here ({MAX_ENTRIES:,}); "
            f"who keeps it can give it whole: counterfoil export {register}"
        )
    if not _turns.acquire(blocking=False):
        raise Busy("other registers are being made into files at this moment; ask again in a while")
    try:
        return _written(_lines(store, register, form), folder)
    except Damaged as error:
        raise Damaged(f"the file would have a gap: {error}") from None
    finally:
        _turns.release()


def parts_of(file: BinaryIO) -> Iterator[bytes]:
    """A file's content part by part; it is closed at its end."""
    with file:
        while part := file.read(PART):
            yield part


def _written(lines: Iterable[bytes], folder: Path) -> BinaryIO:
    with refused_by_machine(folder):
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closed by who reads it
        try:
            file.writelines(lines)
            file.seek(0)
        except BaseException:
            file.close()
            raise
    return file


def _lines(store: Store, register: str, form: str) -> Iterable[bytes]:
    definition = msgspec.to_builtins(definition_of(store, register))
    if form == "rsf":
        if hidden_fields(definition):
            raise Refused(
                f"{register} has fields that are not public, for which RSF has no form; take CSV or JSON Lines for "
                "what stands in the log"
            )
        return export_rsf(_of(store, register, register + SYSTEM_SUFFIX), register)

    def last(name: str, record: str) -> int | None:
        state = state_of(store, name, record)
        return state.number if state else None

    def records() -> Iterator[Entry]:
        return chosen(store.entries(), last, register, "latest")

    if form == "jsonl":
        return json_lines(records())
    return csv_lines(records(), survey(records(), definition, "csv"))


def _of(store: Store, *registers: str) -> Iterator[bytes]:
    """The entries that may be of these registers: what is not is passed over without being read."""
    marks = [b'"register":' + canonical(register) for register in registers]
    for data in store.entries():
        if any(mark in data for mark in marks):
            yield data
