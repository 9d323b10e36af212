"""The archives of the ledgers that went before, which go with a store wherever it goes."""

from __future__ import annotations

from counterfoil.home import Home, refused_by_machine
from counterfoil.home_audit.predecessors import PREDECESSORS, UNFINISHED, archives, is_archive, is_sound
from counterfoil.recovery.files import copy_file, put_in_place


def copy_kept(source: Home, target: Home) -> tuple[str, ...]:
    """Copy the sound ones that are not there; gives their paths within an installation."""
    copied = []
    folder = target.folder / PREDECESSORS
    with refused_by_machine(source.folder):
        names = sorted(path.name for path in archives(source) if path.is_file() and is_archive(path))
    for name in names:
        path, place = source.folder / PREDECESSORS / name, folder / name
        with refused_by_machine(path):
            wanted = name != UNFINISHED and is_sound(path) and not (place.is_file() and is_sound(place))
        if wanted:
            with refused_by_machine(folder):
                folder.mkdir(mode=0o700, exist_ok=True)
            copy_file(path, folder / UNFINISHED)
            put_in_place(folder / UNFINISHED, place)
            copied.append(f"{PREDECESSORS}/{name}")
    return tuple(copied)
