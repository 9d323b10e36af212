"""Trying an archive out: a whole ledger is restored into a folder that is thrown away, and audited there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from counterfoil.errors import Damaged, Unverified
from counterfoil.proof.trust import Trust
from counterfoil.recovery.backup import STORE
from counterfoil.recovery.unpack import silent, unpack
from counterfoil.registry.archive.format import open_archive
from counterfoil.registry.archive.parts import ArchiveHead
from counterfoil.registry.archive.survey import read_head, verify_archive

Progress = Callable[[int, int], None]


def try_archive(path: Path, trust: Trust | None = None, progress: Progress = silent) -> ArchiveHead:
    """Check an archive by all that can be known of it; gives its head.

    Raises `Malformed` or `Unverified` where it does not hold, `NotFound` where there is no such file.
    """
    if not read_head(path, trust).whole:
        return verify_archive(path, trust, progress)
    with TemporaryDirectory(prefix="archive-") as folder, open_archive(path) as file:
        try:
            return unpack(file, Path(folder) / STORE, trust, progress).head
        except Damaged as error:
            raise Unverified(f"the archive does not hold: {error}") from None
