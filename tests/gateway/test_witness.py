"""The witness's rules: each answer that tlog-witness names, and a memory that nothing makes it lose or take back."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.errors import Damaged, Malformed, Unavailable
from counterfoil.gateway.witness import Answer, Witness
from counterfoil.gateway.witness_logs import checked, parse_keys, parse_logs
from counterfoil.gateway.witness_request import encode_request
from counterfoil.gateway.witness_state import Fault
from counterfoil.proof.checkpoint import Checkpoint, open_checkpoint, sign_as_log
from counterfoil.proof.note import Note, VerifierKey, parse_note, sign_note
from tests.cli.calling import environment
from tests.gateway.small_log import NOW, ORIGIN, SmallLog, key
from tests.gateway.witness_served import NAME
from tests.shared_data import shared

LOG = SmallLog()
LOGS = {ORIGIN: LOG.keys}


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    opened = Witness.open(tmp_path / "witness", NAME, LOGS)
    yield opened
    opened.close()


def lines(answer: Answer, note: bytes, keys: tuple[VerifierKey, ...]) -> list[tuple[str, int | None]]:
    """The cosignatures in an answer, verified: the algorithm of each, and its time."""
    assert (answer.status, answer.content_type) == (200, "text/plain; charset=utf-8"), answer.body
    signed = open_checkpoint(note + answer.body, keys)
    return [(line.key.public.algorithm, line.time) for line in signed.lines]


def status(witness: Witness, body: bytes) -> int:
    return witness.add_checkpoint(body, NOW).status


# 200


def test_it_cosigns_with_both_its_keys(witness: Witness) -> None:
    answer = witness.add_checkpoint(LOG.body(0, 5), NOW)
    assert lines(answer, LOG.note(5), witness.verifier_keys) == [("ed25519", NOW), ("ml-dsa-44", NOW)]
    assert [key.type for key in witness.verifier_keys] == [0x04, 0x06]


def test_it_follows_a_log_as_it_grows(witness: Witness) -> None:
    sizes = [0, 1, 2, 3, 7, 8, 8, 64, 65, 300]
    for old, new in zip([0, *sizes], sizes, strict=False):
        answer = witness.add_checkpoint(LOG.body(old, new), NOW + new)
        assert lines(answer, LOG.note(new), witness.verifier_keys)[0] == ("ed25519", NOW + new)
    kept = witness.cosigned()[ORIGIN]
    assert kept is not None
    assert (kept.size, kept.root, kept.time) == (300, LOG.root(300), NOW + 300)


def test_what_it_keeps_is_the_checkpoint_with_the_logs_lines_and_its_own(witness: Witness) -> None:
    stranger = sign_note(parse_note(LOG.note(5)).text, key("x"), "stranger.example", 0x01, 0)
    note = parse_note(LOG.note(5))
    body = encode_request(0, (), replace(note, signatures=(stranger, *note.signatures)).encode())
    assert status(witness, body) == 200
    kept = witness.cosigned()[ORIGIN]
    assert kept is not None
    opened = open_checkpoint(kept.note, (*LOG.keys, *witness.verifier_keys))
    assert [line.key.label for line in opened.lines] == [
        key.label for key in (*LOG.keys, *witness.verifier_keys)
    ]
    assert opened.ignored == ()


def test_one_line_by_a_known_key_is_enough(tmp_path: Path) -> None:
    opened = Witness.open(tmp_path / "other", NAME, {ORIGIN: LOG.keys[1:]})
    assert status(opened, LOG.body(0, 3)) == 200
    opened.close()


def test_over_extension_lines_it_signs_with_ed25519_alone(witness: Witness) -> None:
    """ML-DSA-44 signs what three lines say, and so cannot speak for a fourth (tlog-cosignature)."""
    text = f"{Checkpoint(ORIGIN, 3, LOG.root(3)).text}extension\n"
    note = Note(text, (sign_note(text, LOG.signers[0], ORIGIN, 0x01, 0),)).encode()
    answer = witness.add_checkpoint(encode_request(0, (), note), NOW)
    assert lines(answer, note, witness.verifier_keys) == [("ed25519", NOW)]


def test_a_hundred_lines_are_taken(witness: Witness) -> None:
    note = parse_note(LOG.note(3))
    many = replace(note, signatures=note.signatures[:1] * 100).encode()
    assert status(witness, encode_request(0, (), many)) == 200


# 400, 403, 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n\n",
        b"old 0\n\nno checkpoint",
        LOG.body(0, 3).replace(b"old 0", b"old 00"),
        LOG.body(0, 3)[:-1],
        LOG.body(0, 3).replace(b"\n3\n", b"\n03\n"),
        b"old 0\n\n" + LOG.note(3).replace(b"\n3\n", b"\nthree\n"),
        encode_request(0, (), LOG.note(3) + LOG.note(3)[-100:] * 101),
        encode_request(0, [bytes(32)] * 64, LOG.note(3)),
        b"\xff" * 100,
    ],
)
def test_400_what_is_no_request(witness: Witness, body: bytes) -> None:
    assert status(witness, body) == 400


def test_400_an_old_size_above_the_checkpoints(witness: Witness) -> None:
    assert status(witness, LOG.body(4, 3)) == 400


def test_404_a_log_that_it_does_not_know(witness: Witness) -> None:
    answer = witness.add_checkpoint(SmallLog(origin="log.example/2").body(0, 3), NOW)
    assert (answer.status, answer.body) == (404, b"this witness does not know the log 'log.example/2'\n")


def test_403_no_line_by_a_known_key(witness: Witness) -> None:
    note = sign_as_log(Checkpoint(ORIGIN, 3, LOG.root(3)), [key("stranger")], NOW)
    assert status(witness, encode_request(0, (), note)) == 403


def test_403_a_bad_line_by_a_known_key_beside_a_good_one(witness: Witness) -> None:
    first, second = parse_note(LOG.note(3)).signatures
    bad = replace(second, signature=second.signature[:-1] + bytes([second.signature[-1] ^ 1]))
    note = replace(parse_note(LOG.note(3)), signatures=(first, bad)).encode()
    assert status(witness, encode_request(0, (), note)) == 403


def test_a_refused_request_is_not_remembered(witness: Witness) -> None:
    for body in (b"", LOG.body(4, 3), SmallLog(origin="log.example/2").body(0, 3)):
        witness.add_checkpoint(body, NOW)
    assert (witness.cosigned(), witness.refused()) == ({ORIGIN: None}, [])


# 409


@pytest.mark.parametrize("old", [1, 4, 6])
def test_409_says_the_size_that_it_knows(witness: Witness, old: int) -> None:
    assert witness.add_checkpoint(LOG.body(1, 6), NOW) == Answer(409, "text/x.tlog.size", b"0\n")
    assert status(witness, LOG.body(0, 5)) == 200
    assert witness.add_checkpoint(LOG.body(old, 6), NOW) == Answer(409, "text/x.tlog.size", b"5\n")


def test_409_a_rollback_leads_nowhere(witness: Witness) -> None:
    """To go back one must say a size that is not the one known, or one above the checkpoint's."""
    assert status(witness, LOG.body(0, 9)) == 200
    answers = [status(witness, encode_request(old, LOG.proof(old, 7), LOG.note(7))) for old in range(10)]
    assert answers == [409] * 8 + [400] * 2
    assert status(witness, LOG.body(9, 9)) == 200


# 422


def test_422_a_proof_that_does_not_lead_there(witness: Witness) -> None:
    assert status(witness, LOG.body(0, 5)) == 200
    good = LOG.proof(5, 9)
    for proof in ((), good[:-1], [*good, good[0]], [good[0], *good], [bytes(32), *good[1:]]):
        assert status(witness, encode_request(5, proof, LOG.note(9))) == 422
    assert status(witness, LOG.body(5, 9)) == 200


def test_422_a_proof_from_nothing(witness: Witness) -> None:
    assert status(witness, encode_request(0, [bytes(32)], LOG.note(5))) == 422
    assert witness.refused() == []


def test_422_an_empty_log_with_a_root_of_its_own(witness: Witness) -> None:
    note = sign_as_log(Checkpoint(ORIGIN, 0, bytes(32)), LOG.signers, NOW)
    assert status(witness, encode_request(0, (), note)) == 422


def test_422_another_root_at_the_same_size_and_it_is_kept_as_evidence(witness: Witness) -> None:
    forked = SmallLog("forged", fork_at=3)
    assert status(witness, LOG.body(0, 5)) == 200
    assert status(witness, forked.body(5, 5)) == 422
    (refused,) = witness.refused()
    assert (refused.origin, refused.fault) == (ORIGIN, Fault.CONTRADICTS)
    opened = open_checkpoint(refused.kept.note, LOG.keys)
    assert (opened.checkpoint, len(opened.lines)) == (Checkpoint(ORIGIN, 5, forked.root(5)), 2)
    assert status(witness, LOG.body(5, 6)) == 200


def test_422_a_rewritten_log_and_both_checkpoints_are_kept(witness: Witness) -> None:
    rewritten = SmallLog("without an entry", fork_at=3)
    assert status(witness, LOG.body(0, 5)) == 200
    assert status(witness, rewritten.body(5, 8)) == 422
    kept = witness.cosigned()[ORIGIN]
    assert kept is not None
    assert (kept.size, kept.root) == (5, LOG.root(5))
    assert [(each.fault, each.kept.size, each.kept.root) for each in witness.refused()] == [
        (Fault.UNPROVED, 8, rewritten.root(8))
    ]


def test_a_strangers_nonsense_does_not_stay_held_against_a_log(witness: Witness) -> None:
    """Anyone who has seen a checkpoint can send it with a wrong proof."""
    assert status(witness, LOG.body(0, 5)) == 200
    assert status(witness, encode_request(5, [bytes(32)], LOG.note(9))) == 422
    assert len(witness.refused()) == 1
    assert status(witness, LOG.body(5, 9)) == 200
    assert witness.refused() == []


def test_evidence_does_not_fill_the_disk_nor_crowd_out_a_fork(witness: Witness) -> None:
    """Anyone can send a log's own checkpoints with nonsense; a fork that comes after them is kept all the same."""
    assert status(witness, LOG.body(0, 5)) == 200
    for size in range(6, 30):
        assert status(witness, encode_request(5, [bytes(32)], LOG.note(size))) == 422
    forged = SmallLog("forged")
    assert status(witness, forged.body(5, 5)) == 422
    assert status(witness, forged.body(5, 40)) == 422
    refused = witness.refused()
    assert [each.fault for each in refused] == [Fault.UNPROVED] * 15 + [Fault.CONTRADICTS, Fault.UNPROVED]
    assert [each.kept.size for each in refused] == [*range(15, 30), 5, 40]


def test_of_those_that_contradict_the_first_are_kept(witness: Witness) -> None:
    assert status(witness, LOG.body(0, 5)) == 200
    for number in range(20):
        assert status(witness, SmallLog(f"forged {number}").body(5, 5)) == 422
    assert [each.kept.root for each in witness.refused()] == [
        SmallLog(f"forged {number}").root(5) for number in range(16)
    ]


def test_what_was_without_proof_contradicts_once_another_is_cosigned_at_its_size(witness: Witness) -> None:
    assert status(witness, LOG.body(0, 5)) == 200
    assert status(witness, SmallLog("forged").body(5, 8)) == 422
    assert status(witness, encode_request(5, [bytes(32)], LOG.note(8))) == 422
    assert [each.fault for each in witness.refused()] == [Fault.UNPROVED] * 2
    assert status(witness, LOG.body(5, 8)) == 200
    (left,) = witness.refused()
    assert (left.fault, left.kept.root) == (Fault.CONTRADICTS, SmallLog("forged").root(8))


# What it remembers


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    folder, keys = tmp_path / "witness", []
    for old, new in ((0, 5), (5, 8), (8, 8)):
        opened = Witness.open(folder, NAME, LOGS)
        assert status(opened, LOG.body(old, new)) == 200
        keys.append(opened.verifier_keys)
        opened.close()
    assert len(set(keys)) == 1


KILLED = """
import os, sys
from pathlib import Path
from counterfoil.gateway.witness import Witness
from tests.gateway.small_log import NOW, SmallLog
log = SmallLog()
witness = Witness.open(Path(sys.argv[1]), "witness.example/w1", {log.origin: log.keys})
witness.add_checkpoint(log.body(0, 5), NOW)
# Killed between the commit and the answer.
os.kill(os.getpid(), 9)
"""


def test_what_it_signed_before_a_kill_it_knows_afterwards(tmp_path: Path) -> None:
    """The answer may have reached somebody or not: in both cases the size counts as cosigned."""
    root = Path(__file__).parents[2]
    env = environment({"PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"})
    ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "witness"], env=env, check=False)
    assert ended.returncode == -9
    opened = Witness.open(tmp_path / "witness", NAME, LOGS)
    assert opened.add_checkpoint(SmallLog("forged").body(0, 5), NOW).status == 409
    assert status(opened, LOG.body(5, 5)) == 200
    opened.close()


def test_nothing_is_signed_that_could_not_be_stored(
    witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise Unavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(witness._state), "keep", full)
        with pytest.raises(Unavailable, match="the disk is full"):
            witness.add_checkpoint(LOG.body(0, 5), NOW)
    assert witness.cosigned() == {ORIGIN: None}
    assert status(witness, LOG.body(0, 3)) == 200


def test_of_two_histories_at_once_one_wins(tmp_path: Path) -> None:
    """Two clients, in two connections to one state, at the same size: never are both cosigned."""
    folder = tmp_path / "witness"
    Witness.open(folder, NAME, LOGS).close()
    pair = [Witness.open(folder, NAME, LOGS) for _ in range(2)]
    forked = SmallLog("forged")
    bodies = [log.body(0, 5) for log in (LOG, forked)] * 8
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda at: status(pair[at % 2], bodies[at]), range(len(bodies))))
    assert sorted(answers) == [200] + [409] * (len(bodies) - 1)
    kept = pair[0].cosigned()[ORIGIN]
    assert kept is not None
    assert kept.root == (LOG, forked)[answers.index(200) % 2].root(5)
    for each in pair:
        each.close()


def test_time_is_never_zero(witness: Witness) -> None:
    with pytest.raises(Unavailable, match="clock stands before 1970"):
        witness.add_checkpoint(LOG.body(0, 5), 0)
    assert witness.cosigned() == {ORIGIN: None}


# Keys and folder


def test_keys_and_memory_are_their_owners_alone(tmp_path: Path) -> None:
    Witness.open(tmp_path / "witness", NAME, LOGS).close()
    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in sorted(tmp_path.rglob("*"))
    }
    assert modes == {
        "witness": 0o700,
        "witness/keys": 0o700,
        "witness/keys/cosign.ed25519": 0o600,
        "witness/keys/cosign.ml-dsa-44": 0o600,
        "witness/name": 0o600,
        "witness/state.db": 0o600,
        "witness/verifier-keys": 0o600,
    }


def test_keys_serve_one_name(tmp_path: Path) -> None:
    Witness.open(tmp_path / "witness", NAME, LOGS).close()
    with pytest.raises(Malformed, match="and its keys serve no other name"):
        Witness.open(tmp_path / "witness", "witness.example/w2", LOGS)


@pytest.mark.parametrize("lost", ["state.db", "name", "keys/cosign.ed25519", "verifier-keys"])
def test_a_witness_that_lost_keys_or_memory_cosigns_no_more(tmp_path: Path, lost: str) -> None:
    opened = Witness.open(tmp_path / "witness", NAME, LOGS)
    assert status(opened, LOG.body(0, 5)) == 200
    opened.close()
    (tmp_path / "witness" / lost).unlink()
    with pytest.raises((Damaged, Unavailable), match=lost):
        Witness.open(tmp_path / "witness", NAME, LOGS)


def test_a_beginning_that_was_interrupted_is_gone_on_with(tmp_path: Path) -> None:
    Witness.open(tmp_path / "witness", NAME, LOGS).close()
    (tmp_path / "witness" / "name").unlink()
    opened = Witness.open(tmp_path / "witness", NAME, LOGS)
    assert status(opened, LOG.body(0, 5)) == 200
    opened.close()


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    with pytest.raises(Unavailable, match="holds other things already"):
        Witness.open(tmp_path, NAME, LOGS)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def overwrite(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def drop_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DROP TABLE cosigned")


def put_another(path: Path) -> None:
    """The tables, and not the mark: some other program's file."""
    path.unlink()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE cosigned (origin TEXT)")
        database.execute("CREATE TABLE refused (origin TEXT)")


@pytest.mark.parametrize("lose", [empty, overwrite, drop_tables, put_another])
def test_a_memory_that_is_lost_is_never_taken_for_a_new_one(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    opened = Witness.open(tmp_path / "witness", NAME, LOGS)
    assert status(opened, LOG.body(0, 5)) == 200
    opened.close()
    lose(tmp_path / "witness" / "state.db")
    for _ in range(2):
        with pytest.raises(Damaged, match=r"state\.db is damaged, so what was cosigned is not known") as told:
            Witness.open(tmp_path / "witness", NAME, LOGS)
        assert "counterfoil audit" not in str(told.value), "a witness's folder has nothing to audit"


def test_damage_that_shows_while_it_serves_is_said_once(witness: Witness) -> None:
    witness._state._database.execute("DROP TABLE cosigned")
    for ask in (witness.cosigned, lambda: status(witness, LOG.body(0, 5))):
        with pytest.raises(Damaged, match="begin a new witness under a new name") as told:
            ask()
        assert str(told.value).count("is damaged") == 1
        assert "counterfoil audit" not in str(told.value)


def test_keys_that_were_changed_are_found(tmp_path: Path) -> None:
    Witness.open(tmp_path / "witness", NAME, LOGS).close()
    path = tmp_path / "witness/keys/cosign.ed25519"
    text = path.read_text()
    path.write_text(f"{'1' if text[0] == '0' else '0'}{text[1:]}")
    with pytest.raises(Damaged, match=r"are not those of which .*/verifier-keys has the verifier keys"):
        Witness.open(tmp_path / "witness", NAME, LOGS)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_keys_that_others_may_get_at_are_not_used(tmp_path: Path, mode: int) -> None:
    Witness.open(tmp_path / "witness", NAME, LOGS).close()
    path = tmp_path / "witness/keys/cosign.ml-dsa-44"
    path.chmod(mode)
    with pytest.raises(Unavailable, match=rf"\(mode {mode:o}\).*chmod go= {path}"):
        Witness.open(tmp_path / "witness", NAME, LOGS)
    path.chmod(0o600)
    Witness.open(tmp_path / "witness", NAME, LOGS).close()


# Which logs


def test_logs_are_read_from_json_and_from_lines() -> None:
    texts = [key.text for key in LOG.keys]
    assert parse_keys("\n".join([*texts, ""])) == LOG.keys
    document = json.dumps({"logs": [{"origin": "log.example/1", "keys": texts}]})
    assert parse_logs(document.encode()) == LOGS


@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ([(ORIGIN, LOG.keys), (ORIGIN, LOG.keys)], "is named twice"),
        ([(ORIGIN, ())], "has no key"),
        ([("", LOG.keys)], "cannot be cosigned"),
        ([("x" * 256, LOG.keys)], "cannot be cosigned"),
    ],
)
def test_logs_that_cannot_be_told_apart_are_refused(
    logs: list[tuple[str, tuple[VerifierKey, ...]]], message: str
) -> None:
    with pytest.raises(Malformed, match=message):
        checked(logs)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"logs": [{"origin": "x"}]}', b'{"logs": [], "more": 1}', b"\xff"]
)
def test_a_list_of_logs_in_another_form_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse_logs(data)


# Logs by others


def test_it_cosigns_a_log_that_others_wrote(tmp_path: Path) -> None:
    """Tessera's own test log, from its first checkpoint to its last; the proofs are made from its tiles."""
    folder = shared("tlog-data/tessera-log")
    log_keys = parse_keys("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
    origin = log_keys[0].name
    tile = (folder / "tile/0/000.p/15").read_bytes()
    log = SmallLog()
    log.leaves = lambda size: [tile[32 * at : 32 * at + 32] for at in range(size)]  # type: ignore[method-assign]  # theirs
    opened = Witness.open(tmp_path / "witness", NAME, {origin: log_keys})
    for size in range(16):
        note = (folder / f"checkpoint.{size}").read_bytes()
        old = max(0, size - 1)
        answer = opened.add_checkpoint(encode_request(old, log.proof(old, size), note), NOW)
        assert lines(answer, note, opened.verifier_keys) == [("ed25519", NOW), ("ml-dsa-44", NOW)]
    opened.close()


# Whatever comes


@pytest.fixture(scope="module")
def module_witness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witness]:
    opened = Witness.open(tmp_path_factory.mktemp("any") / "witness", NAME, LOGS)
    assert status(opened, LOG.body(0, 5)) == 200
    yield opened
    opened.close()


@given(at=st.integers(0, 3_500), cut=st.integers(0, 50), put=st.binary(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_is_answered_and_never_a_false_step(
    module_witness: Witness, at: int, cut: int, put: bytes
) -> None:
    """A good request with any bytes in place of others: few are still good, and those lead to what the log was."""
    before = module_witness.cosigned()[ORIGIN]
    assert before is not None
    good = LOG.body(before.size, before.size + 3)
    answer = module_witness.add_checkpoint(good[:at] + put + good[at + cut :], NOW)
    assert answer.status in {200, 400, 403, 404, 409, 422}
    after = module_witness.cosigned()[ORIGIN]
    assert after is not None
    assert (after.size > before.size) is (answer.status == 200)
    assert after.root == LOG.root(after.size)
