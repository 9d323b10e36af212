"""A folder in which a repair is rehearsed: it looks like the installation, shares its files, and is thrown away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from counterfoil.home import Home, refused_by_machine


def rehearsal(home: Home, folder: Path) -> Home:
    """Make it. Files are linked, not copied: whoever replaces one in it, by renaming, leaves the other as it is."""
    made = Home(folder)
    with refused_by_machine(folder):
        folder.mkdir(mode=0o700)
        for path in home.folder.iterdir():
            if path.name == home.cache.name:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.copytree(path, folder / path.name, symlinks=True, copy_function=_share)
            elif path.name == home.lock.name:
                # Whoever repairs holds the lock, and here it must be free.
                shutil.copyfile(path, folder / path.name)
            else:
                _share(path, folder / path.name)
    return made


def _share(path: str | Path, target: str | Path) -> None:
    try:
        os.link(path, target, follow_symlinks=False)
    except PermissionError:
        raise
    except OSError:
        # A file system without links.
        shutil.copyfile(path, target)
