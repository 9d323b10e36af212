"""The archives of the ledgers that went before, each named by its SHA-256; the first entry names the last of them."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import file_digest
from pathlib import Path
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.home import Home
from counterfoil.proof.entry import decode_entry
from counterfoil.store.audit.finding import Findings
from counterfoil.store.store import Store

PREDECESSORS: Final = "predecessors"
"""The folder of a home that keeps them."""
SUFFIX: Final = ".tar.zst"
UNFINISHED: Final = ".archive.part"
"""One that is being written, or that a crash left."""


def archives(home: Home) -> Iterator[Path]:
    """What lies in the folder."""
    folder = home.folder / PREDECESSORS
    return folder.iterdir() if folder.is_dir() else iter(())


def is_archive(path: Path) -> bool:
    """Whether a file there has a name that an archive has."""
    digest = path.name.removesuffix(SUFFIX)
    named = path.name.endswith(SUFFIX) and len(digest) == 64 and not digest.strip("0123456789abcdef")
    return named or path.name == UNFINISHED


def is_sound(path: Path) -> bool:
    """Whether a file's bytes are those that its name says."""
    with path.open("rb") as file:
        return f"{file_digest(file, 'sha256').hexdigest()}{SUFFIX}" == path.name


def check_predecessors(home: Home, findings: Findings) -> None:
    """Name every archive whose bytes are not those that its name says."""
    for path in sorted(archives(home)):
        named = path.is_file() and is_archive(path) and path.name != UNFINISHED
        if named and not is_sound(path):
            findings.add("its bytes are not those that its name says", f"{PREDECESSORS}/{path.name}")


def check_kept(home: Home, store: Store, findings: Findings) -> None:
    """Name the archive that the log's first entry names, where it is missing."""
    try:
        before = decode_entry(store.entry(0)).fields.get("predecessor")
    except Malformed:
        return  # that is named where the entry is judged
    if isinstance(before, dict):
        name = f"{str(before.get('archive')).partition(':')[2]}{SUFFIX}"
        if not (home.folder / PREDECESSORS / name).is_file():
            what = "it holds the ledger that went before, and is missing"
            findings.add(what, f"{PREDECESSORS}/{name}")
