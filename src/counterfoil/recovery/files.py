"""Files and folders that take their place only once they are whole and on the disk."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from counterfoil.errors import Unavailable
from counterfoil.home import refused_by_machine


def unfinished(path: Path) -> Path:
    """What a file or folder is called until it is whole."""
    return path.with_name(f".{path.name}.part")


def flush_file(path: Path) -> None:
    """Bring a file's bytes to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(part: Path, path: Path) -> None:
    """Let a file, or a folder with all that is in it, take its place for good. Raises `Unavailable`."""
    with refused_by_machine(path):
        for each in [part, *part.rglob("*")] if part.is_dir() else [part]:
            flush_file(each)
        part.replace(path)
        flush_file(path.parent)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file, for its owner alone. Raises `Unavailable`, which names the target where that is what has no room."""
    with refused_by_machine(source):
        try:
            shutil.copyfile(source, target)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise Unavailable(f"the disk that holds {target} is full; make room and try again") from None
            raise
        target.chmod(0o600)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """An empty folder for as long as it is needed; what an earlier process left there is removed first."""
    with refused_by_machine(folder):
        remove(folder)
        folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove(folder: Path) -> None:
    """Remove a folder of ours with all that is in it, where it is there."""
    if folder.is_symlink() or folder.is_file():
        raise Unavailable(f"{folder} is not a folder of ours; move it away and try again")
    if folder.exists():
        shutil.rmtree(folder)


def check_free(path: Path) -> None:
    """Raise `Unavailable` unless nothing, or an empty folder, is where something is to be made."""
    with refused_by_machine(path):
        if path.is_symlink() or (path.exists() and not (path.is_dir() and not any(path.iterdir()))):
            raise Unavailable(f"{path} is there already; name a new one, or move it away first")
        if not path.absolute().parent.is_dir():
            raise Unavailable(f"the folder {path.absolute().parent} is not there; make it first")
