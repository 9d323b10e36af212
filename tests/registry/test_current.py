from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from counterfoil.errors import NotFound, Unavailable
from counterfoil.node import Node
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.canonical import canonical
from counterfoil.proof.entry import Proposal
from counterfoil.proof.report import NOT_VALID, VALID
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.registry.beginning import first_trust
from counterfoil.registry.current import Current, CurrentProofs


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with a register of 300 things."""
    with Node.open(tmp_path / "home", origin="registers.example/test", agency="EX/GOV/TEST") as opened:
        fields = {"title": "Things", "authority": opened.agency}
        opened.submit([Proposal(".register", "thing", "create", 1, body={"fields": fields})])
        opened.submit(
            [Proposal("thing", f"ö/{n}", "create", 1, body={"fields": {"n": n}}) for n in range(300)],
            receipt=True,
        )
        yield opened


def trust_of(node: Node) -> Trust:
    return Trust.parse(node.home.trust.read_bytes())


def proofs_of(node: Node) -> CurrentProofs:
    return CurrentProofs(first_trust(node.store.entries(), node.store.root_at).genesis_size)


def prove(node: Node, proofs: CurrentProofs, record: str) -> Current:
    with node.reading() as store:
        return proofs.prove(store, "thing", record)


def test_a_quick_proof_is_a_proof_bundle_in_canonical_form_that_verifies(node: Node) -> None:
    proofs = proofs_of(node)
    for n in (0, 150, 299):
        found = prove(node, proofs, f"ö/{n}")
        assert (found.version, found.number) == (1, 7 + n)
        assert Bundle.parse(found.bundle).encode() == found.bundle
        report = verify(found.bundle, trust_of(node))
        assert report.verdict == VALID
        assert [claim.split(" as of")[0] for claim in report.claims] == [
            f"thing 'ö/{n}' version 1 stands in the log as entry {7 + n} since {node.entry(7 + n).time}",
            f"thing 'ö/{n}' version 1 is the latest",
        ]
        assert [step.name for step in report.unchecked] == ["completeness"]


def test_it_does_not_verify_under_another_trust_or_beginning(node: Node, tmp_path: Path) -> None:
    bundle = prove(node, proofs_of(node), "ö/7").bundle
    with Node.open(tmp_path / "other", origin="registers.example/test", agency="EX/GOV/TEST") as other:
        assert verify(bundle, trust_of(other)).verdict == NOT_VALID
    pinned = replace(trust_of(node), genesis_root=f"sha256:{'0' * 64}")
    assert [step.name for step in verify(bundle, pinned).failed] == ["beginning"]


def test_no_part_of_it_can_be_changed(node: Node) -> None:
    bundle = json.loads(prove(node, proofs_of(node), "ö/7").bundle)
    other = json.loads(prove(node, proofs_of(node), "ö/8").bundle)
    changes = [
        {"entries": [bundle["entries"][0].replace('"n":7', '"n":8'), bundle["entries"][1]]},
        {"entries": other["entries"]},
        {"inclusion": bundle["inclusion"][:-1]},
        {"inclusion": other["inclusion"][::-1]},
        {"index": [bundle["index"][0] | {"record": "ö/8"}]},
        {"index": [bundle["index"][0] | {"bucket": ""}]},
        {"index": other["index"]},
        {"checkpoint": bundle["checkpoint"].replace("registers.example", "registers.elsewhere")},
        {"genesis": bundle["genesis"] | {"size": 1}},
    ]
    for change in changes:
        assert verify(canonical(bundle | change), trust_of(node)).verdict == NOT_VALID, change


def test_it_follows_the_log(node: Node) -> None:
    proofs = proofs_of(node)
    assert prove(node, proofs, "ö/7").version == 1
    node.submit([Proposal("thing", "ö/7", "amend", 2, body={"fields": {"n": 8}})], receipt=True)
    found = prove(node, proofs, "ö/7")
    assert found.version == 2
    report = verify(found.bundle, trust_of(node))
    assert report.verdict == VALID
    assert "version 2 is the latest" in report.claims[1]


def test_it_follows_a_store_that_has_read_itself_anew(node: Node) -> None:
    proofs = proofs_of(node)
    before = prove(node, proofs, "ö/7")
    log = node.store.log
    with pytest.raises(Unavailable), node.store.database.transaction():
        log.append([b"x"] * 300, [bytes(32)] * 300)
        raise Unavailable("the disk is full")
    node.store.reload()
    log._tiles._rows.cache_clear()
    assert prove(node, proofs, "ö/7") == before


def test_a_change_that_the_index_does_not_know_yet_is_not_proved(node: Node) -> None:
    proofs = proofs_of(node)
    node.settle()
    now = node.store.head.time
    node.clock = lambda: float(now)  # within the second of the last index entry, no other is written
    node._engine._clock = node.clock
    node.submit([Proposal("thing", "new", "create", 1, body={"fields": {}})])
    with pytest.raises(Unavailable, match="not in the index yet"):
        prove(node, proofs, "new")
    node.settle()
    assert prove(node, proofs, "new").version == 1


def test_what_is_not_there_has_no_such_proof(node: Node) -> None:
    with pytest.raises(NotFound, match="no record 'none' in the register 'thing'"):
        prove(node, proofs_of(node), "none")
    with (
        pytest.raises(NotFound, match=r"no record 'root' in the register '\.index'"),
        node.reading() as store,
    ):
        proofs_of(node).prove(store, ".index", "root")


def test_a_checkpoint_s_later_signatures_are_shown(node: Node) -> None:
    proofs = proofs_of(node)
    before = json.loads(prove(node, proofs, "ö/7").bundle)["checkpoint"]
    cosigned = f"{before}— witness.example AAAAAAAA\n"
    node.publish(node.store.head.size, cosigned.encode())
    assert json.loads(prove(node, proofs, "ö/7").bundle)["checkpoint"] == cosigned


def test_a_proof_without_a_pinned_beginning(node: Node) -> None:
    bundle = prove(node, CurrentProofs(None), "ö/7").bundle
    assert Bundle.parse(bundle).genesis is None
    assert Bundle.parse(bundle).encode() == bundle
