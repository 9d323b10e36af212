"""A log for tests: leaves in memory, keys made from names, checkpoints and proofs of any size."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from counterfoil.gateway.witness_request import encode_request
from counterfoil.proof.checkpoint import Checkpoint, log_key, sign_as_log
from counterfoil.proof.merkle import consistency_proof, leaf_hash, root
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.signing import SigningKey

ORIGIN = "log.example/1"
NOW = 1_800_000_000


def key(name: str, algorithm: str = "ed25519") -> SigningKey:
    """The same key for the same name, every time."""
    return SigningKey(algorithm, sha256(name.encode()).digest())


class SmallLog:
    """A log whose leaf `n` is `<content> n`: two of different content have different histories."""

    def __init__(self, content: str = "leaf", origin: str = ORIGIN, *, fork_at: int = 0):
        self.origin = origin
        self.signers: tuple[SigningKey, ...] = (key(origin), key(origin, "ml-dsa-44"))
        self.content = content
        self.fork_at = fork_at

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """What verifies its lines."""
        return tuple(log_key(self.origin, each.public) for each in self.signers)

    def leaves(self, size: int) -> list[bytes]:
        """The leaf hashes; before `fork_at` they are those of any other log."""
        texts = [f"{self.content if at >= self.fork_at else 'leaf'} {at}" for at in range(size)]
        return [leaf_hash(text.encode()) for text in texts]

    def root(self, size: int) -> bytes:
        """The root at a size."""
        return root(self.leaves(size))

    def note(self, size: int) -> bytes:
        """The log's signed checkpoint."""
        return sign_as_log(Checkpoint(self.origin, size, self.root(size)), self.signers, NOW)

    def proof(self, old: int, new: int) -> Sequence[bytes]:
        """The consistency proof from one size to another; none from 0."""
        leaves = self.leaves(new)
        if not 0 < old < new:
            return ()
        return consistency_proof(old, new, lambda level, at: root(leaves[at << level : (at + 1) << level]))

    def body(self, old: int, new: int) -> bytes:
        """The request that asks to cosign the checkpoint at `new`."""
        return encode_request(old, self.proof(old, new), self.note(new))
