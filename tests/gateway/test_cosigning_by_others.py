"""A witness by others takes our log for one of its own: omniwitness cosigns what our store has published."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from counterfoil.errors import Unverified
from counterfoil.gateway.cosigning import cosign, merge_cosignatures
from counterfoil.gateway.fetch import Client
from counterfoil.node import Node
from counterfoil.proof.checkpoint import log_key
from counterfoil.proof.entry import Proposal
from counterfoil.proof.merkle import consistency_proof
from counterfoil.proof.note import parse_note, parse_tree_head
from counterfoil.proof.trust import Trust, judge
from tests.gateway.omniwitness import omniwitness
from tests.gateway.small_log import ORIGIN, SmallLog


def grow(node: Node, first: int, count: int) -> bytes:
    """The note that is published after so many records more."""
    pets = [
        Proposal("pet", str(number), "create", 1, body={"fields": {"name": f"pet {number}"}})
        for number in range(first, first + count)
    ]
    node.submit(pets, receipt=True)
    note = node.store.latest_published()
    assert note is not None
    return note


def test_it_cosigns_our_log_as_it_grows(tmp_path: Path) -> None:
    """Entries by ones and by hundreds, over the edge of a tile; each note then counts as witnessed."""
    with Node.open(tmp_path / "home", origin="registers.example/pets") as node:
        fields = {"title": "Pets", "authority": node.agency}
        node.submit([Proposal(".register", "pet", "create", 1, body={"fields": fields})])
        trust = Trust.parse(node.home.trust.read_bytes())
        ours = log_key(trust.origin, node.home.read_key("checkpoint").public)
        with omniwitness(tmp_path, trust.origin, ours) as fresh, Client() as client:
            witness = fresh
            trust = replace(trust, witnesses=witness.verifier_keys, require_witnesses=1)
            for first, count in ((0, 1), (1, 1), (2, 3), (5, 250), (255, 300)):
                note = grow(node, first, count)
                lines = cosign(witness, note, prover(node), client)
                cosigned = merge_cosignatures(note, lines)
                size = parse_tree_head(parse_note(note).text).size
                node.store.keep_published(size, cosigned)
                witness = msgspec.structs.replace(witness, size=size)
                judged = judge(trust, node.store.latest_published() or b"", None)
                assert (judged.met, judged.witnesses[0].algorithms) == (True, ("ed25519", "ml-dsa-44"))
            assert size > 512


def prover(node: Node) -> Callable[[int, int], Sequence[bytes]]:
    return lambda old, new: consistency_proof(old, new, node.store.reader(new).node)


def test_it_finds_a_rewritten_log(tmp_path: Path) -> None:
    """And that is what our client makes of its answer."""
    log, rewritten = SmallLog(), SmallLog("rewritten", fork_at=2)
    with omniwitness(tmp_path, ORIGIN, log.keys[0]) as witness, Client() as client:
        assert len(cosign(witness, log.note(5), log.proof, client)) == 2
        knowing = msgspec.structs.replace(witness, size=5)
        for size in (5, 8):
            with pytest.raises(Unverified, match="has cosigned a different log"):
                cosign(knowing, rewritten.note(size), rewritten.proof, client)
        with pytest.raises(Unverified, match="has cosigned this log with 5 entries, and it has 3 here"):
            cosign(witness, log.note(3), log.proof, client)
