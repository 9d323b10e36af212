"""A log that others keep, at one address: its checkpoint as it is served, and proofs worked out from its tiles."""

from __future__ import annotations

from typing import Final, NamedTuple

from counterfoil.errors import Malformed, NotFound, Unavailable, Unverified
from counterfoil.gateway.fetch import Client
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.merkle import HASH_BYTES, CompactRange, consistency_proof, verify_consistency
from counterfoil.proof.note import parse_note
from counterfoil.proof.tiles import TILE_WIDTH, TileReader, tile_path

LOG_PATH: Final = "v1/log/"
"""Where a site of this program has its log."""
MAX_CHECKPOINT_BYTES: Final = 1 << 20


class Prefix(NamedTuple):
    """What a signed tree was at an earlier size: its root then, and the consistency proof from that one on."""

    root: bytes
    proof: tuple[bytes, ...]


class RemoteLog:
    """A log at an address: that of the log's prefix (C2SP tlog-tiles), or of a site that has its log at `v1/log/`."""

    def __init__(self, client: Client, url: str):
        self.url = url
        self._client = client
        self.shown = b""
        """The note that it has shown last."""
        self._prefix: str | None = None

    def checkpoint(self) -> bytes:
        """The note of the log's latest checkpoint, unverified. Raises `Unavailable` where none is served."""
        problems = []
        for prefix in _prefixes(self.url) if self._prefix is None else (self._prefix,):
            try:
                data = self._client.get(f"{prefix}checkpoint", MAX_CHECKPOINT_BYTES)
                parse_note(data)
            except Unavailable as error:
                problems.append(str(error))
            except Malformed as error:
                problems.append(f"{prefix}checkpoint is no signed checkpoint: {error}")
            else:
                self._prefix, self.shown = prefix, data
                return data
        raise Unavailable(problems[0])

    def prove(self, first: int, second: Checkpoint) -> Prefix:
        """What the tree of `second` was when it had `first` entries, 1 or more and fewer than it has.

        It is worked out from the few tiles that it takes, and led to the root of `second` here. Raises `Unavailable`
        where a tile cannot be had, `Unverified` where those that are served do not lead to that root.
        """
        node = TileReader(self._tile, second.size).node
        levels = [level for level in range(first.bit_length() - 1, -1, -1) if first >> level & 1]
        try:
            root = CompactRange(first, [node(level, (first >> level) - 1) for level in levels]).root()
            proof = consistency_proof(first, second.size, node)
            verify_consistency(first, second.size, root, second.root, proof)
        except (Malformed, NotFound) as error:
            raise Unverified(f"{self.url} serves tiles that are none: {error}") from None
        except Unverified as error:
            raise Unverified(
                f"the tiles at {self.url} do not lead to the root that was signed: {error}"
            ) from None
        return Prefix(root, tuple(proof))

    def _tile(self, level: int, index: int, width: int) -> bytes:
        """A tile's hashes; a partial one may be gone once the full one is there (tlog-tiles, Partial Tiles)."""
        if self._prefix is None:
            raise Unavailable(f"{self.url} has shown no checkpoint")
        try:
            return self._client.get(f"{self._prefix}{tile_path(level, index, width)}", width * HASH_BYTES)
        except Unavailable:
            if width == TILE_WIDTH:
                raise
        full = self._client.get(f"{self._prefix}{tile_path(level, index)}", TILE_WIDTH * HASH_BYTES)
        return full[: width * HASH_BYTES]


def _prefixes(url: str) -> tuple[str, ...]:
    """Where the log of an address may lie."""
    base = url if url.endswith("/") else f"{url}/"
    if base.endswith(f"/{LOG_PATH}"):
        return (base,)
    if base.count("/") == 3 and not base.startswith("file:"):
        return (f"{base}{LOG_PATH}", base)
    return (base, f"{base}{LOG_PATH}")
