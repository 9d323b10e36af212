"""Importing registers from files in the Register Serialisation Format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from counterfoil.cli.failure import COULD_NOT, DONE, Failure, failure_of, usage
from counterfoil.cli.options import AGENCY, home_folder, reading, writing
from counterfoil.cli.output import Output
from counterfoil.errors import CounterfoilError, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterfoil.node import Node
    from counterfoil.proof.entry import Entry, Proposal
    from counterfoil.registry.rsf.format import RsfFile

_LINE: Final = re.compile(r"line (\d+): ")


def import_file(output: Output, file: Path, register: str | None, home: Path | None, *, dry_run: bool) -> int:
    """Import a register from an RSF file, with its history; gives the exit code."""
    try:
        document = _import(output, file, register, home, dry_run=dry_run)
    except CounterfoilError as error:
        return refuse(output, failure_of(error), file, register)
    except typer.BadParameter as error:
        return refuse(output, usage(error.message), file, register)
    output.result(document, *_lines(document))
    return DONE


def _import(
    output: Output, path: Path, register: str | None, home: Path | None, *, dry_run: bool
) -> dict[str, Any]:
    """Read and check the file, and only then open the installation; gives what was done."""
    from counterfoil.proof.canonical import labelled
    from counterfoil.registry.rsf.importing import import_rsf

    file = _read(output, path)
    name = register or file.register
    if name is None:
        raise typer.BadParameter("the file defines no register; say which one it is for with --register NAME")
    with _to_plan(home) if dry_run else writing(home) as writer:
        with output.progress(f"import {name}", "entries") as tell:
            imported = import_rsf(writer, file, name, dry_run=dry_run, progress=tell)
        if isinstance(writer, Plan):
            size, root = writer.log
        else:
            writer.settle()
            size, root = writer.store.head.size, labelled(writer.store.log.root())
    return {
        "file": str(path),
        **imported._asdict(),
        "root": root,
        "size": size,
        "assertions": len(file.assertions),
        "dry_run": dry_run,
    }


def _read(output: Output, path: Path) -> RsfFile:
    from counterfoil.registry.rsf.reading import read_rsf

    try:
        with path.open("rb") as stream:
            total = path.stat().st_size
            with output.progress(f"check {path.name}", "bytes") as tell:
                return read_rsf(stream, lambda done: tell(done, max(total, done)))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None


class Plan:
    """What an import needs of a node, where nothing is to be written; `node` is None where there is no installation."""

    def __init__(self, node: Node | None):
        self._node = node
        self.agency = AGENCY
        if node is not None:
            from counterfoil.proof.entry import decode_entry

            members = (entry for entry in map(decode_entry, node.entries()) if entry.register == ".agency")
            self.agency = next(members).record

    @property
    def log(self) -> tuple[int, str | None]:
        """The log's size and labelled root, as they are and stay."""
        from counterfoil.proof.canonical import labelled

        if self._node is None:
            return 0, None
        return self._node.store.head.size, labelled(self._node.store.log.root())

    def record(self, register: str, record: str) -> Entry | None:
        """The latest entry of a record."""
        return self._node.record(register, record) if self._node else None

    def entries(self) -> Iterator[bytes]:
        """Every entry of the log."""
        return self._node.entries() if self._node else iter(())

    def submit(self, proposals: Sequence[Proposal]) -> object:
        """Nothing is written."""
        raise Unavailable(f"{len(proposals)} proposals were to be written in an import that only plans")


@contextmanager
def _to_plan(home: Path | None) -> Iterator[Plan]:
    if (home_folder(home) / "store.db").exists():
        with reading(home) as node:
            yield Plan(node)
    else:
        yield Plan(None)


def _lines(document: dict[str, Any]) -> list[str]:
    """What an import did, for people."""
    count, added = document["entries"], document["added"]
    if document["published_root_verified"]:
        checked = f"{document['assertions']} published roots recomputed, and each is as published"
    else:
        checked = "the file publishes no root over its entries"
    if document["dry_run"]:
        return [
            f"{document['register']}: {count:,} entries in the file, {added:,} would be written; {checked}"
        ]
    return [
        f"{document['register']}: {count:,} entries in the file, {added:,} written; {checked}",
        f"log root {document['root']}, at {document['size']:,} entries",
    ]


def refuse(output: Output, failure: Failure, path: Path, register: str | None) -> int:
    """Say why nothing was imported; under --json in the shape of a result."""
    if output.json:
        line = _LINE.search(failure.message)
        error = failure.document | ({"line": int(line[1])} if line else {})
        output.result(
            {
                "file": str(path),
                "register": register,
                "entries": 0,
                "added": 0,
                "root": None,
                "published_root_verified": False,
                "error": error,
            }
        )
    else:
        # What could not be done names its file itself.
        where = "" if failure.code == COULD_NOT else f"{path}: "
        output.error(failure._replace(message=f"{where}{failure.message}"))
    return failure.code
