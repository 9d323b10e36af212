"""Folders that may lack this agency's keys: a backup, and an installation that was restored and has not asked yet."""

from __future__ import annotations

from typing import Final

from counterfoil.home import KEY_FILES, Home
from counterfoil.signer import RESTORED

BACKUP: Final = "backup"
"""The empty file that marks a backup's folder."""


def is_restored(home: Home) -> bool:
    """Whether the installation was restored and has not asked yet whether it holds the newest log."""
    return (home.folder / RESTORED).exists()


def is_backup(home: Home) -> bool:
    """Whether the folder is a backup; with keys in it, it is none any more."""
    return (home.folder / BACKUP).exists() and not has_keys(home)


def has_keys(home: Home) -> bool:
    """Whether a key is here. An attempt to write without any leaves the folder for them, and what they signed last."""
    return any((home.keys / name).exists() for name, _ in KEY_FILES.values())


def may_lack_keys(home: Home) -> bool:
    """Whether it is as it must be without keys."""
    return is_restored(home) or is_backup(home)
