"""The witnesses of a serving node, asked to cosign each published checkpoint, and the trust level that they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from counterfoil.errors import CounterfoilError
from counterfoil.gateway.cosigner import Cosigner, WitnessStatus
from counterfoil.gateway.cosigning import Witnesses
from counterfoil.node import Node
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.merkle import consistency_proof
from counterfoil.proof.note import parse_note
from counterfoil.proof.report import SEALED_HERE, WITNESSED, Level
from counterfoil.proof.trust import Trust, judge

NOTHING: Final = b""


class Witnessing:
    """Keeps a node's witnesses up to date."""

    def __init__(self, node: Node):
        self._node = node
        self._witnesses = Witnesses(node.home.witnesses)
        self._size = 0
        self._cosigner = Cosigner(
            self._witnesses, latest=self._latest, prove=self._prove, publish=node.publish
        )

    def start(self) -> None:
        """Begin to ask."""
        self._cosigner.start()

    def wake(self) -> None:
        """A checkpoint may have been published: ask about it. Returns at once."""
        self._cosigner.wake()

    def stop(self) -> None:
        """Ask no more."""
        self._cosigner.stop()

    def status(self) -> tuple[WitnessStatus, ...]:
        """Each witness, and how far it has cosigned; does not wait for a block that is stored now."""
        turn = self._node.store.turn
        if turn.acquire(blocking=False):
            try:
                self._latest()
            finally:
                turn.release()
        return tuple(
            WitnessStatus(
                each.name, each.url, each.size, max(0, self._size - each.size), each.cosigned, each.error
            )
            for each in self._witnesses.list()
        )

    def level(self) -> Level:
        """The trust level that the latest published checkpoint has by this node's own trust policy."""
        with self._node.reading() as store:
            note = store.latest_published()
        try:
            judged = judge(Trust.parse(self._node.home.trust.read_bytes()), note or NOTHING, None)
        except (CounterfoilError, OSError):
            return SEALED_HERE
        return WITNESSED if judged.met and judged.witnessed else SEALED_HERE

    def _latest(self) -> tuple[bytes, int] | None:
        with self._node.reading() as store:
            note = store.latest_published()
        if note is None:
            return None
        self._size = Checkpoint.parse(parse_note(note).text).size
        return note, self._size

    def _prove(self, old: int, new: int) -> Sequence[bytes]:
        with self._node.reading() as store:
            return consistency_proof(old, new, store.reader(new).node)
