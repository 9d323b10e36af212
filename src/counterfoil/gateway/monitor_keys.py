"""Whose signatures a monitored log's checkpoints must have: a trust policy, or the log's keys alone."""

from __future__ import annotations

from dataclasses import dataclass

from counterfoil.errors import Unverified
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.checkpoint import Checkpoint, open_checkpoint
from counterfoil.proof.merkle import EMPTY_ROOT
from counterfoil.proof.note import VerifierKey, encode_base64
from counterfoil.proof.trust import Trust, judge


@dataclass(frozen=True)
class Seen:
    """A checkpoint that its log has signed, with its note; `waits` says what it still lacks of the policy."""

    checkpoint: Checkpoint
    note: bytes
    waits: str = ""

    @property
    def size(self) -> int:
        """The log's size in entries."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """The log's 32-byte root."""
        return self.checkpoint.root

    @property
    def name(self) -> str:
        """The checkpoint as messages name it."""
        return f"size {self.size}, root {encode_base64(self.root)}"


@dataclass(frozen=True)
class Expected:
    """What is expected of the log's checkpoints: a trust policy or, without one, a line by any of the log's `keys`."""

    keys: tuple[VerifierKey, ...]
    trust: Trust | None = None

    @classmethod
    def by(cls, trust: Trust) -> Expected:
        """As a trust policy says."""
        return cls(trust.keys, trust)

    @property
    def genesis(self) -> tuple[int, bytes] | None:
        """Size and root with which the log must begin, where the policy names them."""
        if self.trust is None or self.trust.genesis_root is None or self.trust.genesis_size is None:
            return None
        return self.trust.genesis_size, unlabelled(self.trust.genesis_root)

    def verify(self, note: bytes, at: str) -> Seen:
        """Verify a checkpoint at a time (RFC 3339). Raises `Unverified`, or `Malformed` where it is none.

        Witnesses may cosign later: those that the policy requires and that have not yet do not make it invalid.
        """
        seen = self._by_trust(self.trust, note, at) if self.trust else self._by_keys(note)
        if seen.size == 0 and seen.root != EMPTY_ROOT:
            raise Unverified("the log has signed an empty tree with a root that the empty tree has not")
        return seen

    def _by_keys(self, note: bytes) -> Seen:
        signed = open_checkpoint(note, self.keys)
        origin = signed.checkpoint.origin
        if not any(line.key.name == origin for line in signed.lines):
            raise Unverified(f"none of the keys given has signed for the log {origin[:80]!r}")
        return Seen(signed.checkpoint, note)

    def _by_trust(self, trust: Trust, note: bytes, at: str) -> Seen:
        judgement = judge(trust, note, at)
        if judgement.agreed < trust.require:
            raise Unverified(
                f"the checkpoint has the signatures of {judgement.agreed} of its agencies; "
                f"the trust policy asks for {trust.require}"
            )
        waits = ""
        if not judgement.met:
            waits = f"{judgement.witnessed} witnesses have cosigned it, of {trust.require_witnesses} that are required"
        return Seen(judgement.signed.checkpoint, note, waits)
