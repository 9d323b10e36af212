"""Stores that agree with themselves in every byte, written by a node whose rules were bent: the replay names them.

And what no audit of one node can name: a store that was written anew, by all the rules, with all the keys.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import Unverified
from counterfoil.ledger import judgement, ledger
from counterfoil.ledger import pending as notes
from counterfoil.ledger.endorsers import Endorsers
from counterfoil.ledger.ledger import Ledger
from counterfoil.ledger.state import Pending
from counterfoil.ledger.view import View
from counterfoil.node import Node
from counterfoil.proof import transaction as transactions
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import open_checkpoint
from counterfoil.proof.entry import Proposal
from counterfoil.proof.instant import instant_text
from counterfoil.proof.merkle import consistency_proof, verify_consistency
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import Endorsement
from counterfoil.store.audit.finding import CANNOT_SEE, reason
from tests.store.sample import (
    COURT,
    COURT_KEY,
    LAND,
    TITLE_SCHEMA,
    Clock,
    audited,
    define,
    joint,
    open_node,
    title,
    titles,
)

CANNOT = "its transaction cannot have been taken: "


class Bent:
    """A home whose node obeys other rules for a while."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.clock = Clock()
        self.node = open_node(folder, self.clock)

    @contextmanager
    def rules(self, owner: object, name: str, value: object) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, value)
            yield

    def says(self, *patterns: str) -> None:
        """Close the node, and require these findings and no others."""
        self.node.close()
        sentences = [each.sentence for each in audited(self.folder).findings]
        assert len(sentences) == len(patterns), sentences
        for sentence, pattern in zip(sentences, patterns, strict=True):
            assert re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), sentence), sentence


@pytest.fixture
def bent(tmp_path: Path) -> Bent:
    """Two agencies, titles with a schema and plots of their own, agreements that both endorse."""
    made = Bent(tmp_path / "home")
    node = made.node
    body = {"fields": {"name": "Court", "endorse": [COURT_KEY.public.text]}}
    node.submit([Proposal(".agency", COURT, "create", 1, body=body)])
    unique = [{"kind": "unique", "name": "one-title-a-plot", "fields": ["plot"]}]
    define(node, "title", key="id", schema=TITLE_SCHEMA, constraints=unique)
    define(node, "agreement", policy={"require": 2, "of": [f"agency:{LAND}", f"agency:{COURT}"]})
    made.clock.now += 1
    node.submit(titles(range(5)))
    return made


def nothing(*_: Any, **__: Any) -> None:
    pass


def test_rules_that_are_kept_give_no_finding(bent: Bent) -> None:
    bent.says()


def test_a_signature_that_is_none(bent: Bent) -> None:
    def forged(transaction: str, key: SigningKey, domain: bytes = b"") -> Endorsement:
        return Endorsement(key.public.text, "A" * 86)

    with bent.rules(transactions, "endorse", forged), bent.rules(Endorsement, "verify", nothing):
        bent.node.submit(titles([9]))
    bent.says(f"entry 15: title 'T9', version 1: {CANNOT}an endorsement by 'ed25519:…' does not hold: …")


def test_a_transaction_that_only_one_of_two_agencies_endorsed(bent: Bent) -> None:
    with bent.rules(Endorsers, "fulfil", lambda self, policy: True):
        bent.node.submit([joint("A")])
    bent.says(
        f"entry 15: agreement 'A', version 1: {CANNOT}its endorsements do not satisfy the policies that govern it"
    )


def test_a_version_that_is_left_out(bent: Bent) -> None:
    with bent.rules(judgement, "_check_version", nothing):
        bent.node.submit([title("T1", 3)])
    bent.says(
        f"entry 15: title 'T1', version 3: {CANNOT}title 'T1' is at version 1, so its next is 2 and not 3"
    )


def test_fields_that_break_the_schema(bent: Bent) -> None:
    with bent.rules(judgement, "check_content", nothing):
        bent.node.submit([Proposal("title", "T9", "create", 1, body={"fields": {"id": "T9", "area": "big"}})])
    bent.says(
        f"entry 15: title 'T9', version 1: {CANNOT}title 'T9' does not conform to its register's schema at …"
    )


def test_a_second_holder_of_a_claim(bent: Bent) -> None:
    with bent.rules(View, "claim", nothing):
        fields = {"id": "T9", "plot": "plot of T1"}
        bent.node.submit([Proposal("title", "T9", "create", 1, body={"fields": fields})])
    bent.says(
        f"entry 15: title 'T9', version 1: {CANNOT}title 'T9' is refused: it has the same plot as another…",
        "claim row …: title 'T1', version 1: its column holder is not what the log leads to",
    )


def test_claims_that_were_not_noted(bent: Bent) -> None:
    with bent.rules(judgement, "settle", nothing):
        bent.node.submit([title("T9"), title("T10")])
    bent.says(
        "claim row …: title 'T…', version 1: it is missing, and the log leads to it",
        "claim row …: title 'T…', version 1: it is missing, and the log leads to it",
    )


def stating(root: str | None = None, size: int | None = None) -> Callable[[View], None]:
    """Writes index entries with another root or size than they must state."""

    def write(view: View) -> None:
        right = labelled(view.state.index_root(view.changes.records))
        fields = {"root": root or right, "size": size or view.size}
        view.write_index(Proposal(".index", "root", "amend", body={"fields": fields}))

    return write


NO_ROOT = labelled(bytes(32))


def test_an_index_root_that_is_not_that_of_the_records(bent: Bent) -> None:
    with bent.rules(ledger, "write_index", stating(root=NO_ROOT)):
        bent.clock.now += 1
        bent.node.submit(titles([9]))
    bent.clock.now += 1
    bent.node.submit(titles([10]))
    bent.says("entry 16: .index 'root', version 3: the index root that it states is not that of the records")


def test_later_index_roots_are_counted_and_not_listed(bent: Bent) -> None:
    with bent.rules(ledger, "write_index", stating(root=NO_ROOT)):
        for number in range(9, 14):
            bent.clock.now += 1
            bent.node.submit(titles([number]))
    bent.says(
        "entry 16: .index 'root', version 3: the index root that it states is not that of the records; later ones that "
        "are wrong as well: 4"
    )


def test_an_index_entry_that_says_another_size(bent: Bent) -> None:
    with bent.rules(ledger, "write_index", stating(size=7)):
        bent.clock.now += 1
        bent.node.submit(titles([9]))
    bent.says("entry 16: .index 'root', version 3: it is not what its transaction wrote (body differs)")


def test_a_second_in_which_no_index_entry_was_written(bent: Bent) -> None:
    with bent.rules(ledger, "write_index", nothing):
        bent.clock.now += 1
        bent.node.submit(titles([9]))
    bent.clock.now += 1
    bent.node.submit(titles([10]))
    bent.says("entry 15: no index entry was written in its second")


def test_an_index_entry_right_after_another(bent: Bent) -> None:
    honest = ledger.write_index

    def twice(view: View) -> None:
        honest(view)
        honest(view)

    with bent.rules(ledger, "write_index", twice):
        bent.clock.now += 1
        bent.node.submit(titles([9]))
    bent.says(
        "entry 17: .index 'root', version 4: it follows another index entry directly",
        "tail row 15: a block ends within it",
        "checkpoint 17: the checkpoint published there is missing",
    )


def test_a_time_that_steps_back(bent: Bent) -> None:
    honest = View.__init__

    def earlier(self: View, state: Any, time: int) -> None:
        honest(self, state, time)
        self.time -= 100
        self.time_text = instant_text(self.time)
        self.time_bytes = self.time_text.encode()

    with bent.rules(View, "__init__", earlier):
        bent.node.submit(titles([9]))
    bent.says("entry 15: title 'T9', version 1: it is not what its transaction wrote (time differs)")


def test_a_waiting_transaction_that_should_have_lapsed(bent: Bent) -> None:
    waiting = bent.node.submit([joint("A")], deadline=instant_text(bent.clock.now + 10))
    bent.clock.now += 60
    with bent.rules(Ledger, "settle_due", nothing):
        bent.node.submit(titles([9]))
    bent.says(
        f"entry 16: title 'T9', version 1: {CANNOT}{waiting.transaction} was due before it, and neither completed nor "
        "lapsed",
    )


def test_a_waiting_transaction_that_should_have_been_completed(bent: Bent) -> None:
    later = instant_text(bent.clock.now + 10)
    bent.node.submit([joint("A")], keys=[COURT_KEY], not_before=later)
    bent.clock.now += 60
    with bent.rules(Ledger, "settle_due", nothing):
        bent.node.submit(titles([9]))
    bent.says(
        f"entry 16: title 'T9', version 1: {CANNOT}sha256:… was due before it, and neither completed nor lapsed"
    )


def test_a_waiting_transaction_that_was_completed_before_its_time(bent: Bent) -> None:
    later = instant_text(bent.clock.now + 1000)
    bent.node.submit([joint("A")], keys=[COURT_KEY], not_before=later)
    bent.clock.now += 60

    def complete_all(self: Ledger, view: View) -> None:
        for pending in view.state.waiting():
            self.complete(view, pending)

    with bent.rules(Ledger, "settle_due", complete_all):
        bent.node.submit(titles([9]))
    bent.says(f"entry 16: agreement 'A', version 1: {CANNOT}it was waiting, and nothing completed it")


def test_a_waiting_transaction_that_vanished(bent: Bent) -> None:
    waiting = bent.node.submit([joint("A")])
    bent.node.store.database.execute("DELETE FROM pending")
    bent.node.store.reload()
    bent.says(f"pending row {waiting.transaction[7:]}: it waits, and is not stored")


@pytest.mark.parametrize("status", ["vanished", "completed", "pending"])
def test_a_waiting_transaction_that_ended_in_a_way_that_there_is_not(bent: Bent, status: str) -> None:
    waiting = bent.node.submit([joint("A")])
    with bent.rules(notes, "WITHDRAWN", status):
        bent.node.withdraw(waiting.transaction)
    bent.says(
        f"entry 16: .transaction '{waiting.transaction}', version 2: {CANNOT}its transaction is not stored, and ended "
        "neither as lapsed, withdrawn nor refused",
    )


def test_a_transaction_that_is_kept_although_the_log_says_that_it_was_withdrawn(bent: Bent) -> None:
    waiting = bent.node.submit([joint("A")])
    (row,) = bent.node.store.database.query("SELECT * FROM pending")
    bent.node.withdraw(waiting.transaction)
    bent.node.store.database.execute("INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?)", row)
    bent.says(
        f"pending row {waiting.transaction[7:]}: it is stored, and the log does not lead to it",
    )


def test_an_endorsement_that_was_noted_and_never_given(bent: Bent) -> None:
    waiting = bent.node.submit([joint("A")])
    honest = notes.collect

    def note(view: View, pending: Pending, endorsement: Endorsement, *, complete: bool) -> Pending:
        honest(view, pending, endorsement, complete=complete)
        view.wait(pending.hash, pending)
        return pending

    stranger = SigningKey("ed25519", bytes(32))
    with bent.rules(notes, "collect", note), bent.rules(Endorsers, "count", lambda *_: True):
        bent.node.endorse(waiting.transaction, stranger)
    bent.says(f"entry 16: …: {CANNOT}an endorsement that it tells of is not stored")


def test_checkpoints_by_a_key_that_no_member_lists(bent: Bent) -> None:
    bent.node.close()
    for name in ("checkpoint.ed25519", "checkpoint.ml-dsa-44"):
        path = bent.folder / "keys" / name
        path.write_text(path.read_text()[:-2] + ("0" if path.read_text()[-2] != "0" else "1") + "\n")
    bent.clock.now += 1
    bent.node = open_node(bent.folder, bent.clock)
    bent.node.submit(titles([9]))
    bent.says("checkpoint 17: its signature lines are not those that this ledger's members give it")


# What cannot be seen


def rebuilt(original: Path, folder: Path, clock: Clock, rounds: int) -> None:
    """The same ledger again with the same keys, and fewer rounds of entries."""
    (folder / "keys").mkdir(parents=True)
    (folder / "lock").touch()
    for path in (original / "keys").iterdir():
        if path.name != "last-signed":
            shutil.copy(path, folder / "keys" / path.name)
    write(folder, clock, rounds)


def write(folder: Path, clock: Clock, rounds: int) -> None:
    with open_node(folder, clock) as node:
        define(node, "title")
        for number in range(rounds):
            clock.now += 1
            node.submit(titles([number]))


def test_an_operator_with_every_key_who_writes_a_shorter_store_anew(tmp_path: Path) -> None:
    """The local audit passes, and says what it cannot see; a checkpoint that was kept elsewhere shows it."""
    write(tmp_path / "home", Clock(), 10)
    with Node.open(tmp_path / "home", read_only=True) as node:
        kept = node.store.note
        size = node.store.head.size
    rebuilt(tmp_path / "home", tmp_path / "again", Clock(), 9)
    original, shorter = audited(tmp_path / "home"), audited(tmp_path / "again")
    assert original.findings == shorter.findings == ()
    assert shorter.entries < original.entries
    assert shorter.checkpoint_keys == original.checkpoint_keys
    assert "rebuild by someone who holds all its keys" in CANNOT_SEE
    with Node.open(tmp_path / "again", read_only=True) as node:
        checkpoint = open_checkpoint(kept, ()).checkpoint
        assert (checkpoint.origin, checkpoint.size) == (shorter.origin, size)
        assert node.store.head.size < checkpoint.size


def test_an_operator_with_every_key_who_writes_another_history_of_the_same_length(tmp_path: Path) -> None:
    write(tmp_path / "home", Clock(), 5)
    with Node.open(tmp_path / "home", read_only=True) as node:
        kept = open_checkpoint(node.store.note, ()).checkpoint
    rebuilt(tmp_path / "home", tmp_path / "again", Clock(), 7)
    assert audited(tmp_path / "again").findings == ()
    with Node.open(tmp_path / "again", read_only=True) as node:
        proof = consistency_proof(kept.size, node.store.head.size, node.store.reader().node)
        with pytest.raises(Unverified):
            verify_consistency(kept.size, node.store.head.size, kept.root, node.store.log.root(), proof)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("there is no register 'a'; create it first, by a record in .register", "there is no register 'a'"),
        ("title 'a; b' exists already", "title 'a; b' exists already"),
        ("it is for the ledger 'a'; this one is 'b'", "it is for the ledger 'a'; this one is 'b'"),
        ("one; two; read again", "one; two"),
    ],
)
def test_a_reason_is_given_without_the_advice_that_is_meant_for_others(message: str, said: str) -> None:
    assert reason(Unverified(message)) == said
