"""A restored installation asks its witnesses, which really serve, what they know of its log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from counterfoil.cli.asking import ask_witnesses
from counterfoil.errors import Unavailable, Unverified
from counterfoil.gateway.cosigning import cosign
from counterfoil.gateway.fetch import Client
from counterfoil.gateway.witnesses import AskedWitness, Witnesses
from counterfoil.home import Home
from counterfoil.ledger.system import LastSeen
from counterfoil.proof.checkpoint import Checkpoint, sign_as_log
from counterfoil.proof.note import parse_note
from counterfoil.proof.trust import Trust
from counterfoil.recovery.keys_file import load_keys
from counterfoil.recovery.mark import read_mark
from counterfoil.recovery.restore import restore
from counterfoil.recovery.resume import resume
from tests.cli.calling import snapshot
from tests.gateway.witness_served import cosigning_keys, served_witness
from tests.recovery.sample import Made, faults, grown, note
from tests.store.sample import Clock

CLOCK = Clock(1_900_000_000)


@pytest.fixture
def witness(made: Made, tmp_path: Path) -> Iterator[AskedWitness]:
    """A witness that knows the log's keys, and has cosigned nothing yet."""
    trust = Trust.parse((made.home / "trust.json").read_bytes())
    keys = tuple(key for agency in trust.agencies for key in agency.keys)
    with served_witness(tmp_path / "witness", {trust.origin: keys}) as served:
        yield served


@pytest.fixture
def restored(made: Made, witness: AskedWitness, tmp_path: Path) -> Home:
    """A restored installation that has this witness in its list."""
    new = Home(tmp_path / "restored")
    restore(made.backup, new, keys=made.keys)
    Witnesses(new.witnesses).add(witness.url, witness.verifier_keys)
    return new


def stated(data: bytes) -> Checkpoint:
    return Checkpoint.parse(parse_note(data).text)


def nothing(old: int, new: int) -> Sequence[bytes]:
    raise AssertionError(f"no proof from {old} to {new} was needed")


def cosigned(witness: AskedWitness, checkpoint: bytes) -> None:
    """Have the witness know the log as it is in this checkpoint, the first that it sees."""
    with Client() as client:
        assert cosign(witness, checkpoint, nothing, client)


def test_one_that_has_seen_nothing(witness: AskedWitness, restored: Home) -> None:
    resumed = resume(restored, ask=ask_witnesses(restored))
    assert (resumed.predecessor, resumed.where) == (None, "keys/last-signed")


def test_one_that_knows_what_is_here(witness: AskedWitness, restored: Home) -> None:
    cosigned(witness, note(restored))
    assert resume(restored, ask=ask_witnesses(restored)).predecessor is None
    assert faults(restored) == []


def test_one_that_knows_more(witness: AskedWitness, restored: Home, home: Home) -> None:
    grown(home)
    cosigned(witness, note(home))
    resumed = resume(restored, ask=ask_witnesses(restored), clock=CLOCK)
    assert resumed.where == f"the witness {witness.name}"
    assert resumed.predecessor is not None
    seen = stated(note(home)).size
    assert resumed.predecessor.seen == LastSeen(seen)
    assert resumed.predecessor.lost == seen - 458
    assert not restored.witnesses.exists()
    assert faults(restored) == []


def test_one_that_knows_another_history(witness: AskedWitness, restored: Home, made: Made) -> None:
    key = Home(made.home).read_key("checkpoint")
    cosigned(witness, sign_as_log(Checkpoint("ledger.example/sample", 458, bytes(32)), [key], 0))
    with pytest.raises(Unverified, match="has cosigned a different log"):
        resume(restored, ask=ask_witnesses(restored))
    mark = read_mark(restored)
    assert mark is not None
    assert mark.step == "asking"


def test_one_that_is_away_is_waited_for_or_removed(made: Made, restored: Home, witness: AskedWitness) -> None:
    away = cosigning_keys("witness.example/away")
    Witnesses(restored.witnesses).add("http://127.0.0.1:9", away)
    before = snapshot(restored.folder)
    with pytest.raises(Unavailable) as refused:
        resume(restored, ask=ask_witnesses(restored), keys=load_keys(made.keys))
    said = str(refused.value)
    assert said.startswith(
        "nothing was changed, because the witness witness.example/away does not say what it knows"
    )
    assert said.endswith(f": counterfoil witness remove witness.example/away --home {restored.folder}")
    assert snapshot(restored.folder) == before
    Witnesses(restored.witnesses).remove("witness.example/away")
    assert resume(restored, ask=ask_witnesses(restored)).entries == 458


def test_what_the_list_says_that_one_has_cosigned_counts_too(
    made: Made, witness: AskedWitness, restored: Home
) -> None:
    listed = {"witnesses": [msgspec.structs.replace(witness, size=460)]}
    restored.witnesses.write_bytes(msgspec.json.encode(listed))
    resumed = resume(restored, ask=ask_witnesses(restored), clock=CLOCK)
    assert resumed.predecessor is not None
    assert resumed.predecessor.seen.size == 460
