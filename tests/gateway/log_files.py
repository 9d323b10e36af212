"""A small log as files, as any web server could serve them, and a client that notes what is read of them."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from counterfoil.gateway.fetch import Client
from counterfoil.proof.merkle import root
from counterfoil.proof.tiles import TILE_WIDTH, tiles_of
from tests.gateway.small_log import SmallLog


class ReadingClient(Client):
    """A client that notes the addresses that it reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def __enter__(self) -> Self:
        return self

    def get(self, url: str, limit: int) -> bytes:
        self.read.append(url)
        return super().get(url, limit)


def show(folder: Path, log: SmallLog, size: int, *, tiles: bool = True) -> str:
    """Write a log's checkpoint at a size, and its tiles, into a folder; gives its address."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "checkpoint").write_bytes(log.note(size))
    if tiles:
        hashes = {0: log.leaves(size)}
        for tile in tiles_of(size):
            if tile.level not in hashes:
                below = hashes[tile.level - 1]
                full = len(below) // TILE_WIDTH
                hashes[tile.level] = [
                    root(below[at * TILE_WIDTH : (at + 1) * TILE_WIDTH]) for at in range(full)
                ]
            start = tile.index * TILE_WIDTH
            path = folder / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(hashes[tile.level][start : start + tile.width]))
    return folder.as_uri()


def hide(folder: Path) -> None:
    """Take away the tiles of a log."""
    for path in sorted((folder / "tile").rglob("*"), reverse=True):
        if path.is_file():
            path.unlink()
