"""Evidence against a log: what it takes for anyone to believe it, and what does not prove anything."""

from __future__ import annotations

import msgspec
import pytest

from counterfoil.errors import Malformed, Unverified
from counterfoil.gateway.monitor_evidence import Evidence, explain_evidence, judge_evidence, read_evidence
from counterfoil.gateway.witness_keys import cosigner_key
from counterfoil.proof.checkpoint import Checkpoint, sign_as_log
from counterfoil.proof.merkle import consistency_proof
from counterfoil.proof.merkle import root as root_of
from counterfoil.proof.note import encode_base64, sign_note
from tests.gateway.small_log import NOW, ORIGIN, SmallLog, key

HONEST = SmallLog()
FORKED = SmallLog("other", fork_at=100)


def evidence(first: bytes, second: bytes, root: bytes | None = None, proof: tuple[bytes, ...] = ()) -> bytes:
    return Evidence(
        "fork",
        first.decode(),
        second.decode(),
        "https://log.example/",
        NOW,
        None if root is None else encode_base64(root),
        tuple(map(encode_base64, proof)),
    ).encode()


def proof(log: SmallLog, first: int, second: int) -> tuple[bytes, ...]:
    leaves = log.leaves(second)
    return tuple(
        consistency_proof(first, second, lambda level, at: root_of(leaves[at << level : at + 1 << level]))
    )


def test_it_is_read_as_it_was_written() -> None:
    made = Evidence("rollback", "first", "second", "https://log.example/", NOW)
    assert read_evidence(made.encode()) == made
    assert msgspec.json.decode(made.encode()) == {
        "kind": "rollback",
        "first": "first",
        "second": "second",
        "url": "https://log.example/",
        "time": NOW,
        "root": None,
        "proof": [],
        "format": "log-evidence/v1",
    }


def test_two_roots_of_one_size_prove_a_fork() -> None:
    assert judge_evidence(evidence(HONEST.note(300), FORKED.note(300)), HONEST.keys)
    assert judge_evidence(evidence(HONEST.note(0), sign_root(0, bytes(32))), HONEST.keys)


def sign_root(size: int, root: bytes) -> bytes:
    return sign_as_log(Checkpoint(ORIGIN, size, root), HONEST.signers, NOW)


@pytest.mark.parametrize("sizes", [(300, 310), (256, 600), (101, 102), (128, 256)])
def test_a_tree_that_was_another_one_at_the_smaller_size_proves_a_fork(sizes: tuple[int, int]) -> None:
    small, large = sizes
    shown = evidence(HONEST.note(small), FORKED.note(large), FORKED.root(small), proof(FORKED, small, large))
    assert judge_evidence(shown, HONEST.keys)
    turned = evidence(FORKED.note(large), HONEST.note(small), FORKED.root(small), proof(FORKED, small, large))
    assert judge_evidence(turned, HONEST.keys)


def test_two_checkpoints_of_one_history_prove_nothing() -> None:
    assert not judge_evidence(evidence(HONEST.note(300), HONEST.note(300)), HONEST.keys)
    assert not judge_evidence(evidence(HONEST.note(300), HONEST.note(310)), HONEST.keys)
    shown = evidence(HONEST.note(300), HONEST.note(310), HONEST.root(300), proof(HONEST, 300, 310))
    assert not judge_evidence(shown, HONEST.keys)
    below = evidence(HONEST.note(90), FORKED.note(310), FORKED.root(90), proof(FORKED, 90, 310))
    assert not judge_evidence(below, HONEST.keys)


def test_a_proof_that_does_not_hold_proves_nothing() -> None:
    hashes = proof(FORKED, 300, 310)
    for changed in ((), hashes[:-1], (*hashes, bytes(32)), (bytes(32), *hashes[1:])):
        shown = evidence(HONEST.note(300), FORKED.note(310), FORKED.root(300), changed)
        assert not judge_evidence(shown, HONEST.keys)
    other = evidence(HONEST.note(300), FORKED.note(310), bytes(32), hashes)
    assert not judge_evidence(other, HONEST.keys)
    empty = evidence(HONEST.note(0), FORKED.note(310), bytes(32), ())
    assert not judge_evidence(empty, HONEST.keys)


def test_one_key_must_have_signed_both() -> None:
    classical, quantum = (SmallLog("other", fork_at=100), SmallLog())
    classical.signers, quantum.signers = classical.signers[:1], quantum.signers[1:]
    assert not judge_evidence(evidence(quantum.note(300), classical.note(300)), HONEST.keys)
    assert judge_evidence(evidence(HONEST.note(300), classical.note(300)), HONEST.keys)


def test_keys_of_another_log_prove_nothing() -> None:
    other = SmallLog(origin="log.example/2")
    shown = evidence(HONEST.note(300), FORKED.note(300))
    assert not judge_evidence(shown, other.keys)
    assert not judge_evidence(shown, ())
    assert not judge_evidence(evidence(HONEST.note(300), other.note(300)), (*HONEST.keys, *other.keys)), (
        "two logs may say what they like"
    )


def test_a_witness_that_has_cosigned_both_proves_nothing_against_the_log() -> None:
    witness = key("witness")
    known = cosigner_key("witness.example/1", witness)
    notes = []
    for log in (HONEST, FORKED):
        text = Checkpoint(ORIGIN, 300, log.root(300)).text
        line = sign_note(text, witness, known.name, known.type, NOW).line
        notes.append(f"{text}\n{line}".encode())
    assert not judge_evidence(evidence(notes[0], notes[1]), (*HONEST.keys, known))


def test_a_signature_that_does_not_hold_is_an_error() -> None:
    forged = FORKED.note(300).replace(b"\n300\n", b"\n301\n")
    with pytest.raises(Unverified, match="does not hold"):
        judge_evidence(evidence(HONEST.note(301), forged), HONEST.keys)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        evidence(b"a", b"b").replace(b"log-evidence/v1", b"log-evidence/v2"),
        evidence(b"a", b"b").replace(b'"url"', b'"address"'),
        evidence(b"a", b"b", bytes(32), (bytes(32),) * 65),
        evidence(b"a" * 3 * (1 << 20), b"b"),
    ],
    ids=["empty", "object", "list", "bytes", "version", "member", "proof", "long"],
)
def test_what_is_no_evidence_is_an_error(data: bytes) -> None:
    with pytest.raises(Malformed):
        judge_evidence(data, HONEST.keys)


def test_notes_and_hashes_that_are_none_are_errors() -> None:
    with pytest.raises(Malformed):
        judge_evidence(evidence(b"a", b"b"), HONEST.keys)
    shown = evidence(HONEST.note(300), FORKED.note(310), FORKED.root(300), proof(FORKED, 300, 310))
    with pytest.raises(Malformed, match="the root in the evidence"):
        judge_evidence(shown.replace(encode_base64(FORKED.root(300)).encode(), b"="), HONEST.keys)


def name_of(log: SmallLog, size: int) -> str:
    return f"size {size}, root {encode_base64(log.root(size))}"


def test_what_it_shows_is_said() -> None:
    key = min(each.label for each in HONEST.keys)
    signed = f"the log {ORIGIN} has signed two histories with its key {key}: {name_of(HONEST, 300)}, and "
    same = explain_evidence(evidence(HONEST.note(300), FORKED.note(300)), HONEST.keys)
    assert (same.convinces, same.said) == (True, signed + name_of(FORKED, 300))
    shown = evidence(HONEST.note(300), FORKED.note(310), FORKED.root(300), proof(FORKED, 300, 310))
    larger = explain_evidence(shown, HONEST.keys)
    assert (larger.convinces, larger.said) == (
        True,
        f"{signed}{name_of(FORKED, 310)}; the log of 310 had at size 300 the root {encode_base64(FORKED.root(300))}",
    )
    assert (larger.first.size, larger.second.size) == (300, 310)


def test_what_it_lacks_is_said() -> None:
    other = SmallLog(origin="log.example/2")
    two_logs = explain_evidence(evidence(HONEST.note(300), other.note(300)), (*HONEST.keys, *other.keys))
    no_key = explain_evidence(evidence(HONEST.note(300), FORKED.note(300)), other.keys)
    one = explain_evidence(evidence(HONEST.note(300), HONEST.note(310)), HONEST.keys)
    back = Evidence(
        "rollback", HONEST.note(310).decode(), HONEST.note(300).decode(), "https://log.example/", NOW
    )
    rollback = explain_evidence(back.encode(), HONEST.keys)
    assert [each.convinces for each in (two_logs, no_key, one, rollback)] == [False] * 4
    assert [each.said for each in (two_logs, no_key, one, rollback)] == [
        f"it proves nothing: its checkpoints are of two logs, {ORIGIN} and log.example/2",
        f"it proves nothing: no key of the log {ORIGIN} that was given has signed both checkpoints",
        "both are signed, and nothing shows that one log cannot have been both: "
        f"{name_of(HONEST, 300)}, and {name_of(HONEST, 310)}",
        "both checkpoints are signed, and one log may have been both: "
        f"{name_of(HONEST, 310)}, and {name_of(HONEST, 300)}. That the second was shown after the first, "
        "at https://log.example/, is the word of whoever saw it",
    ]
