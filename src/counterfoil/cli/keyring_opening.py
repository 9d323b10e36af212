"""Opening an installation's keyring for a command, and backups as commands tell of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterfoil.cli.options import home_folder
from counterfoil.cli.output import columns
from counterfoil.errors import NotFound
from counterfoil.proof.instant import instant_text

if TYPE_CHECKING:
    from counterfoil.home import Home
    from counterfoil.keyring.backup import Backup
    from counterfoil.keyring.keyring import Keyring


def home_of(home: Path | None) -> Home:
    """An installation that is there."""
    from counterfoil.home import Home

    found = Home(home_folder(home))
    if not found.store.exists():
        raise NotFound(
            f"there is no installation in {found.folder}; make one with: counterfoil init --home {found.folder}"
        )
    return found


@contextmanager
def opened(home: Home, *, read_only: bool = False) -> Iterator[Keyring]:
    """A keyring that is there; none is made."""
    from counterfoil.keyring.opening import open_keyring

    if not home.keyring.exists():
        raise NotFound(
            f"{home.folder} has no keyring yet; it is made with the first item, or by counterfoil keyring restore"
        )
    with closing(open_keyring(home.folder, read_only=read_only)) as keyring:
        yield keyring


def backup_document(backup: Backup) -> dict[str, Any]:
    """A noted backup as JSON, with times as instants."""
    return {
        "number": backup.number,
        "epoch": backup.epoch,
        "time": instant_text(backup.time),
        "keep-until": instant_text(backup.keep_until),
        "destroyed": None if backup.destroyed is None else instant_text(backup.destroyed),
    }


def backup_lines(documents: list[dict[str, Any]]) -> list[str]:
    """Backups for people."""
    rows = [
        (
            f"backup {each['number']}",
            f"of {each['time'][:10]}",
            f"until {each['keep-until'][:10]}",
            f"destroyed {each['destroyed'][:10]}" if each["destroyed"] else "",
        )
        for each in documents
    ]
    return columns(rows) or ["no backup is noted"]
