"""Exporting a register as RSF: byte for byte what was imported, and after it what was entered since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from counterfoil.errors import Malformed, Refused
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.registry.rsf.format import Kind
from counterfoil.registry.rsf.importing import SYSTEM_SUFFIX
from counterfoil.registry.rsf.writing import ExportEntry, RsfPosition, write_rsf


def export_rsf(entries: Iterable[bytes], register: str) -> Iterator[bytes]:
    """The lines of an RSF file, each with its newline; `entries` is the whole log, in order.

    Raises `Refused`, before the first line, for an entry that RSF has no form for: one without fields in the clear, or
    one that ends a record.
    """
    kinds: dict[str, Kind] = {register: "user", register + SYSTEM_SUFFIX: "system"}
    return write_rsf(
        _export(entry, kinds[entry.register])
        for entry in map(decode_entry, entries)
        if entry.register in kinds
    )


def _export(entry: Entry, kind: Kind) -> ExportEntry:
    name = f"{entry.register} {entry.record!r}, version {entry.version}"
    if entry.body is None or entry.operation not in {"create", "amend", "correct"}:
        raise Refused(f"{name} ({entry.operation}) has no form in RSF, which only creates and amends")
    circumstances = entry.circumstances
    return ExportEntry(
        kind,
        entry.record,
        circumstances.get("recorded", entry.time),
        entry.fields,
        _position(circumstances.get("source")),
    )


def _position(source: str | None) -> RsfPosition | None:
    try:
        return RsfPosition.parse(source) if source else None
    except Malformed:
        return None
