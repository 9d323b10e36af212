"""Going on after a restore: with the newest log as it was, with an older one as its successor, else not at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from counterfoil.errors import Malformed, NotFound, Unavailable, Unverified
from counterfoil.home import Home
from counterfoil.node import Node
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import Checkpoint, sign_as_log
from counterfoil.proof.merkle import verify_consistency
from counterfoil.proof.note import parse_note
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.evidence import Seen
from counterfoil.recovery.keys_file import load_keys
from counterfoil.recovery.restore import restore
from counterfoil.recovery.resume import Prove, resume
from counterfoil.recovery.successor import next_origin
from counterfoil.registry.prove import prove_record
from counterfoil.signer import read_last_signed
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from tests.cli.calling import snapshot
from tests.recovery.sample import Made, faults, grown, note, roots
from tests.store.sample import LAND, Clock, title

CLOCK = Clock(1_900_000_000)


@pytest.fixture
def restored(made: Made, tmp_path: Path) -> Home:
    """An installation that was restored from the backup, with its keys."""
    new = Home(tmp_path / "restored")
    restore(made.backup, new, keys=made.keys)
    return new


@pytest.fixture
def later(home: Home) -> bytes:
    """A checkpoint that was signed after the backup was taken, over three entries and an index entry more."""
    return grown(home)


def stated(data: bytes) -> Checkpoint:
    return Checkpoint.parse(parse_note(data).text)


def goes_on(home: Home) -> None:
    """It writes, and what it writes is sound."""
    with Node.open(home.folder, clock=CLOCK) as node:
        node.submit([title("after")])
    assert faults(home) == []


def test_where_nothing_was_shown_it_goes_on(made: Made, restored: Home) -> None:
    resumed = resume(restored)
    assert (resumed.origin, resumed.entries, resumed.root) == ("ledger.example/sample", 458, made.root)
    assert resumed.predecessor is None
    assert read_last_signed(restored).size == 458
    goes_on(restored)


def test_where_it_holds_what_was_shown_it_goes_on(made: Made, restored: Home) -> None:
    with closing(Store(Sqlite(restored.store, read_only=True), read_only=True)) as store:
        old = store.published(300)
        assert old is not None
        proof = prove_record(store, "title", "T5").encode()
    resumed = resume(restored, [("old.txt", old), ("T5.proof.json", proof)])
    assert (resumed.predecessor, resumed.where) == (None, "T5.proof.json")
    assert resumed.seen is not None
    assert resumed.seen.size == 458
    goes_on(restored)


def test_a_second_time_there_is_nothing_to_resume(restored: Home) -> None:
    resume(restored)
    with pytest.raises(Unavailable, match="goes on already"):
        resume(restored)


def test_a_witness_that_knows_as_much_is_content(restored: Home) -> None:
    def ask(latest: bytes, prove: Prove) -> Sequence[Seen]:
        checkpoint = stated(latest)
        with closing(Store(Sqlite(restored.store, read_only=True), read_only=True)) as store:
            old = store.root_at(300)
        verify_consistency(300, 458, old, checkpoint.root, prove(300, 458))
        return [Seen(300, None, "the witness w"), Seen(458, None, "the witness v")]

    resumed = resume(restored, ask=ask)
    assert (resumed.predecessor, resumed.where) == (None, "keys/last-signed")
    goes_on(restored)


def test_where_a_witness_has_seen_more_a_successor_goes_on(restored: Home) -> None:
    resumed = resume(restored, ask=lambda *_: [Seen(461, None, "the witness w")], clock=CLOCK)
    before = resumed.predecessor
    assert before is not None
    assert (before.size, before.seen.size, before.seen.root, before.lost) == (458, 461, None, 3)
    assert resumed.where == "the witness w"
    assert faults(restored) == []


def test_where_more_was_shown_a_successor_goes_on(made: Made, restored: Home, later: bytes) -> None:
    checkpoint = stated(later)
    keys = {path.name: path.read_bytes() for path in restored.keys.iterdir()}
    resumed = resume(restored, [("later.txt", later)], clock=CLOCK)
    assert resumed.origin == "ledger.example/sample/2"
    with Node.open(restored.folder, read_only=True) as node:
        first = node.entry(0)
        agency = node.record(".agency", LAND)
        title = node.record("title", "T5")
    assert (first.register, first.record) == (".parameter", "ledger")
    assert first.fields["origin"] == "ledger.example/sample/2"
    assert resumed.predecessor is not None
    assert first.fields["predecessor"] == {
        "origin": "ledger.example/sample",
        "size": 458,
        "root": made.root,
        "seen": {"size": checkpoint.size, "root": labelled(checkpoint.root)},
        "lost": checkpoint.size - 458,
        "archive": resumed.predecessor.archive,
    }
    assert agency is not None
    assert agency.fields["name"] == "Land office"
    assert title is not None
    assert (title.version, title.fields["plot"]) == (2, "plot of T5")
    assert '"origin":"ledger.example/sample"' in str(title.circumstances["source"])
    new = {path.name: path.read_bytes() for path in restored.keys.iterdir()}
    assert [name for name in sorted(keys) if new[name] == keys[name]] == ["endorse.ed25519"]
    assert faults(restored) == []
    goes_on(restored)


def test_the_old_ledger_is_kept_whole(made: Made, restored: Home, later: bytes, tmp_path: Path) -> None:
    resumed = resume(restored, [("later.txt", later)], clock=CLOCK)
    assert resumed.predecessor is not None
    (kept,) = (restored.folder / "predecessors").iterdir()
    assert kept.name == f"{resumed.predecessor.archive.removeprefix('sha256:')}.tar.zst"
    again = Home(tmp_path / "again")
    assert restore(kept, again).root == made.root
    assert roots(again) == roots(Home(made.home))
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    assert faults(restored) == [f"predecessors/{kept.name}: its bytes are not those that its name says"]
    kept.unlink()
    assert faults(restored) == [
        f"predecessors/{kept.name}: it holds the ledger that went before, and is missing"
    ]


def test_a_successor_may_be_named(restored: Home, later: bytes) -> None:
    resumed = resume(restored, [("later.txt", later)], origin="ledger.example/new", clock=CLOCK)
    assert resumed.origin == "ledger.example/new"
    with Node.open(restored.folder, read_only=True) as node:
        assert stated(node.store.note).origin == "ledger.example/new"


def test_but_not_as_what_went_before(restored: Home, later: bytes) -> None:
    with pytest.raises(Malformed, match="name a new one with --origin"):
        resume(restored, [("later.txt", later)], origin="ledger.example/sample")
    with pytest.raises(Malformed):
        resume(restored, [("later.txt", later)], origin="not a name")
    assert faults(restored) == []


@pytest.mark.parametrize(
    ("origin", "following"),
    [
        ("land.example/log", "land.example/log/2"),
        ("land.example/log/2", "land.example/log/3"),
        ("log", "log/2"),
    ],
)
def test_without_a_name_it_is_counted_on(origin: str, following: str) -> None:
    assert next_origin(origin) == following


def test_what_was_signed_last_by_its_key_was_seen(made: Made, home: Home, tmp_path: Path) -> None:
    grown(home)
    back_up(home, tmp_path / "newer", keys=tmp_path / "newer.keys")
    new = Home(tmp_path / "restored")
    restore(made.backup, new, keys=tmp_path / "newer.keys")
    resumed = resume(new, clock=CLOCK)
    assert resumed.where == "keys/last-signed"
    assert resumed.predecessor is not None
    assert resumed.predecessor.lost == stated(note(home)).size - 458


def test_what_contradicts_the_store_is_refused_with_both_sides_named(made: Made, restored: Home) -> None:
    home = Home(made.home)
    keys = [home.read_key(use) for use in ("checkpoint", "checkpoint-pq")]
    forked = sign_as_log(Checkpoint("ledger.example/sample", 300, bytes(32)), keys, 1_900_000_000)
    before = snapshot(restored.folder)
    with pytest.raises(Unverified) as refused:
        resume(restored, [("forked.txt", forked)])
    with closing(Store(Sqlite(restored.store, read_only=True), read_only=True)) as store:
        for part in ("forked.txt", "300 entries", labelled(bytes(32)), labelled(store.root_at(300))):
            assert part in str(refused.value)
    changed = {name for name, seen in snapshot(restored.folder).items() if before.get(name) != seen}
    assert changed <= {"store.db-shm", "store.db-wal", "lock"}


def test_two_that_contradict_each_other_are_refused(made: Made, restored: Home) -> None:
    home = Home(made.home)
    keys = [home.read_key(use) for use in ("checkpoint", "checkpoint-pq")]
    notes = [
        (name, sign_as_log(Checkpoint("ledger.example/sample", 500, root), keys, 1_900_000_000))
        for name, root in (("one", bytes(32)), ("two", b"\1" * 32))
    ]
    with pytest.raises(Unverified, match="one and two show a log of 500 entries with different roots"):
        resume(restored, notes)


def test_what_a_stranger_signed_counts_for_nothing(made: Made, restored: Home, tmp_path: Path) -> None:
    with Node.open(tmp_path / "other", origin="ledger.example/sample", clock=CLOCK):
        pass
    with pytest.raises(Unverified, match=r"stranger.txt does not hold under the ledger's trust policy"):
        resume(restored, [("stranger.txt", note(Home(tmp_path / "other")))])
    with pytest.raises(Malformed, match=r"holds no checkpoint of ledger\.example/sample"):
        resume(restored, [("letter.txt", b"Dear Sir or Madam")])


def test_a_checkpoint_may_stand_within_a_text(made: Made, restored: Home, later: bytes) -> None:
    text = b"Printed on 24 November\r\n\r\n" + later.replace(b"\n", b"\r\n") + b"\r\nKeep this page.\r\n"
    resumed = resume(restored, [("page.txt", text)], clock=CLOCK)
    assert resumed.predecessor is not None
    assert resumed.predecessor.seen.size == stated(later).size


def test_without_keys_it_does_not_go_on_until_they_come(made: Made, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    restore(made.backup, new)
    with pytest.raises(NotFound, match="key file"):
        resume(new)
    assert resume(new, keys=load_keys(made.keys)).entries == 458
    goes_on(new)


def test_a_successor_needs_no_key_that_is_lost(made: Made, later: bytes, tmp_path: Path) -> None:
    new = Home(tmp_path / "new")
    restore(made.archive, new)
    assert resume(new, [("later.txt", later)], clock=CLOCK).predecessor is not None
    assert faults(new) == []


def test_what_was_never_restored_is_not_resumed(made: Made, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nothing to resume"):
        resume(Home(made.home))
    with pytest.raises(Unavailable, match="nothing to resume"):
        resume(Home(tmp_path / "nothing"))
