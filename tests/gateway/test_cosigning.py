"""Asking a witness: ours, served, and answers that no honest witness gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest

from counterfoil.errors import Malformed, Unavailable, Unverified
from counterfoil.gateway import cosigning
from counterfoil.gateway.cosigning import MAX_CLOCK_DIFFERENCE, cosigned_at, has_answered, merge_cosignatures
from counterfoil.gateway.fetch import Answer, Client
from counterfoil.gateway.witness_keys import cosigner_key
from counterfoil.gateway.witness_request import parse_request
from counterfoil.gateway.witnesses import AskedWitness
from counterfoil.proof.checkpoint import open_checkpoint
from counterfoil.proof.note import MAX_SIGNATURES, parse_note, sign_note
from tests.gateway.small_log import NOW, ORIGIN, SmallLog, key
from tests.gateway.witness_served import NAME, served_witness

LOG = SmallLog()
cosign = partial(cosigning.cosign, clock=lambda: NOW)


@pytest.fixture
def client() -> Iterator[Client]:
    with Client() as opened:
        yield opened


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[AskedWitness]:
    with served_witness(tmp_path / "witness", {ORIGIN: LOG.keys}, clock=lambda: NOW) as asked:
        yield asked


def knowing(witness: AskedWitness, size: int) -> AskedWitness:
    """The witness, and that it is known to have cosigned so many entries."""
    return msgspec.structs.replace(witness, size=size)


def line(name: str = NAME, time: int = NOW, size: int = 5, kind: int = 0x04) -> bytes:
    """A cosignature of the checkpoint by a key made from the name."""
    return sign_note(parse_note(LOG.note(size)).text, key(name), name, kind, time).line.encode()


def times(note: bytes, witness: AskedWitness) -> list[int | None]:
    """When the witness's lines on a note were signed; verified."""
    return [each.time for each in open_checkpoint(note, witness.verifier_keys).lines]


class Answering:
    """In the place of a client: gives answers that were laid out before, and keeps what was asked."""

    def __init__(self, *answers: tuple[int, bytes]):
        self.answers = list(answers)
        self.asked: list[bytes] = []

    def post(self, url: str, body: bytes, limit: int) -> Answer:
        assert url == "https://witness.example/add-checkpoint"
        self.asked.append(body)
        status, said = self.answers.pop(0)
        return Answer(status, {}, said)


LAID_OUT = AskedWitness(NAME, "https://witness.example", (cosigner_key(NAME, key(NAME)).text,))


def asked(*answers: tuple[int, bytes]) -> tuple[Callable[[], list[bytes]], Answering]:
    client = Answering(*answers)
    return lambda: cosign(LAID_OUT, LOG.note(5), LOG.proof, client), client  # type: ignore[arg-type]  # as much of a client as is used


# A witness that works


def test_lines_come_back_and_hold(witness: AskedWitness, client: Client) -> None:
    lines = cosign(witness, LOG.note(5), LOG.proof, client)
    note = merge_cosignatures(LOG.note(5), lines)
    assert times(note, witness) == [NOW, NOW]
    assert has_answered(note, witness)
    assert not has_answered(LOG.note(5), knowing(witness, 5))


def test_a_witness_that_signs_with_one_of_its_keys_is_asked_once_for_a_checkpoint() -> None:
    """Such as for a log with extension lines, which ML-DSA-44 does not sign."""
    pair = [cosigner_key(NAME, key(NAME, algorithm)).text for algorithm in ("ed25519", "ml-dsa-44")]
    two_keys = msgspec.structs.replace(LAID_OUT, keys=tuple(pair), size=5)
    note = merge_cosignatures(LOG.note(5), [line()])
    assert has_answered(note, two_keys)
    assert not has_answered(note, knowing(two_keys, 3)), "it is not known to have answered for this size"
    assert not has_answered(merge_cosignatures(LOG.note(6), [line(size=6)]), two_keys)


def test_when_it_has_cosigned_is_what_its_lines_state() -> None:
    assert cosigned_at(LOG.note(5), [line(time=NOW - 7)], LAID_OUT) == NOW - 7
    with pytest.raises(Unverified):
        cosigned_at(LOG.note(6), [line()], LAID_OUT)


def test_as_the_log_grows(witness: AskedWitness, client: Client) -> None:
    for old, new in ((0, 1), (1, 6), (6, 6), (6, 300)):
        assert len(cosign(knowing(witness, old), LOG.note(new), LOG.proof, client)) == 2


def test_where_the_witness_knows_another_size_it_is_asked_from_there(
    witness: AskedWitness, client: Client
) -> None:
    assert len(cosign(witness, LOG.note(5), LOG.proof, client)) == 2
    assert len(cosign(knowing(witness, 0), LOG.note(9), LOG.proof, client)) == 2
    assert len(cosign(knowing(witness, 3), LOG.note(9), LOG.proof, client)) == 2


def test_a_rewritten_log_is_told_that_the_witness_knows_another(
    witness: AskedWitness, client: Client
) -> None:
    rewritten = SmallLog("rewritten", fork_at=2)
    assert len(cosign(witness, LOG.note(5), LOG.proof, client)) == 2
    for size in (5, 8):
        with pytest.raises(Unverified, match=r"says that it has cosigned a different log log\.example/1"):
            cosign(knowing(witness, 5), rewritten.note(size), rewritten.proof, client)


def test_a_shortened_log_is_told_that_the_witness_knows_a_longer_one(
    witness: AskedWitness, client: Client
) -> None:
    assert len(cosign(witness, LOG.note(9), LOG.proof, client)) == 2
    for known, has in ((0, "says that it has"), (9, "w1 has")):
        with pytest.raises(Unverified, match=f"{has} cosigned this log with 9 entries, and it has 5 here"):
            cosign(knowing(witness, known), LOG.note(5), LOG.proof, client)


def test_a_log_that_the_witness_does_not_know(witness: AskedWitness, client: Client) -> None:
    other = SmallLog(origin="log.example/2")
    with pytest.raises(Unavailable, match=r"does not know the log log\.example/2; its keeper must add"):
        cosign(witness, other.note(5), other.proof, client)


def test_a_log_that_the_witness_knows_by_other_keys(witness: AskedWitness, client: Client) -> None:
    other = SmallLog()
    other.signers = (key("new key"), key("new key", "ml-dsa-44"))
    with pytest.raises(Unavailable, match=r"knows the log log\.example/1 by other keys"):
        cosign(witness, other.note(5), other.proof, client)


def test_a_witness_that_is_away(client: Client) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        cosign(msgspec.structs.replace(LAID_OUT, url="http://127.0.0.1:1"), LOG.note(5), LOG.proof, client)


# What is sent


def test_only_the_logs_own_lines_are_sent() -> None:
    client = Answering((200, line()))
    own = LOG.note(5)
    note = merge_cosignatures(own, [line("other.example"), line(time=NOW - 9)])
    cosign(LAID_OUT, note, LOG.proof, client)  # type: ignore[arg-type]  # as above
    assert parse_request(client.asked[0]).note == own


def test_a_request_larger_than_witnesses_take_is_not_sent() -> None:
    client = Answering()
    many = SmallLog()
    many.signers = (*many.signers, *(key(f"agency {number}", "ml-dsa-44") for number in range(4)))
    with pytest.raises(Malformed, match="witnesses take 16384"):
        cosign(LAID_OUT, many.note(5), LOG.proof, client)  # type: ignore[arg-type]  # as above
    assert client.asked == []


# Witnesses that do not work


@pytest.mark.parametrize(
    ("answers", "error", "message"),
    [
        ([(200, b"")], Unverified, "what the witness witness.example/w1 answers does not hold"),
        ([(200, b"hello\n")], Unverified, "does not hold: a signature line must be"),
        ([(200, line()[:-1])], Unverified, "does not hold"),
        ([(200, line(size=6))], Unverified, "does not hold"),
        ([(200, line(time=0))], Unverified, "does not hold: a line does not say when it was signed"),
        ([(200, line("other.example"))], Unverified, "no line is by a key that is known to be its own"),
        ([(200, line() * 101)], Unverified, "does not hold: the note has more than 100 signature lines"),
        ([(200, line() + line(size=6))], Unverified, "does not hold: the signature line"),
        (
            [(200, line(time=NOW + 301))],
            Unavailable,
            "has signed at 2027-01-15T08:05:01Z, and it is 2027-01-15T08:00:00Z here",
        ),
        ([(200, line(time=NOW - 301))], Unavailable, "one of the two clocks is wrong"),
        ([(200, line(time=1 << 62))], Unavailable, f"has signed at {1 << 62} seconds after 1970, and it is"),
        (
            [(422, b"no")],
            Unavailable,
            "does not begin to cosign the log .* with the 5 entries that it has here; it says: 'no'",
        ),
        ([(409, b"9\n")], Unverified, "says that it has cosigned this log with 9 entries, and it has 5 here"),
        ([(409, b"")], Unavailable, "answers 409 without the size that it knows"),
        ([(409, b"05\n")], Unavailable, "answers 409 without the size that it knows"),
        ([(409, b"2"), (200, line())], Unavailable, "answers 409 without the size that it knows"),
        ([(409, b"2\n"), (409, b"3\n")], Unavailable, "was asked by another process meanwhile"),
        ([(409, b"2\n"), (422, b"")], Unverified, "says that it has cosigned a different log"),
        ([(500, b"oops\x1b[31m\n")], Unavailable, r"answers with status 500; it says: 'oops\\x1b\[31m'"),
        ([(307, b"")], Unavailable, "answers with status 307; it does not say why"),
    ],
)
def test_an_answer_that_is_not_right(
    answers: list[tuple[int, bytes]], error: type[Exception], message: str
) -> None:
    call, client = asked(*answers)
    with pytest.raises(error, match=message):
        call()
    assert len(client.asked) <= 2


@pytest.mark.parametrize("off", [-MAX_CLOCK_DIFFERENCE, MAX_CLOCK_DIFFERENCE])
def test_clocks_may_differ_a_little(off: int) -> None:
    call, _ = asked((200, line(time=NOW + off)))
    assert call() == [line(time=NOW + off)]


def test_lines_of_unknown_keys_are_dropped() -> None:
    call, _ = asked((200, line("other.example") + line() + line("third.example")))
    assert call() == [line()]


def test_of_the_two_requests_the_second_begins_where_the_witness_is() -> None:
    call, client = asked((409, b"3\n"), (200, line()))
    assert call() == [line()]
    assert [parse_request(body).old for body in client.asked] == [0, 3]
    assert parse_request(client.asked[1]).proof == tuple(LOG.proof(3, 5))


# Joining


def test_lines_come_after_the_logs_own_and_take_the_place_of_older_ones() -> None:
    names = ("b.example", "a.example", "c.example")
    once = merge_cosignatures(LOG.note(5), [line(name) for name in names[:2]])
    twice = merge_cosignatures(once, [line("c.example"), line("a.example", NOW + 1)])
    signatures = parse_note(twice).signatures
    assert [each.name for each in signatures] == [ORIGIN, ORIGIN, *names]
    keys = [cosigner_key(name, key(name)) for name in names]
    assert [each.time for each in open_checkpoint(twice, keys).lines] == [NOW, NOW + 1, NOW]
    assert merge_cosignatures(twice, [line("c.example")]) == twice


def test_the_logs_own_lines_move_to_the_front() -> None:
    first, second = parse_note(LOG.note(5)).signatures
    text = parse_note(LOG.note(5)).text
    mixed = f"{text}\n{line().decode()}{first.line}{second.line}".encode()
    merged = merge_cosignatures(mixed, [line("x.example")])
    assert [each.name for each in parse_note(merged).signatures] == [ORIGIN, ORIGIN, NAME, "x.example"]


def test_a_line_in_the_logs_own_name_is_not_taken() -> None:
    with pytest.raises(Malformed, match="a cosignature under the log's own name"):
        merge_cosignatures(LOG.note(5), [line(ORIGIN)])


def test_more_lines_than_a_note_has_are_not_joined() -> None:
    lines = [line(f"w{number}") for number in range(MAX_SIGNATURES - 1)]
    with pytest.raises(Malformed, match="a signed note has 1 to 100 signatures; this one has 101"):
        merge_cosignatures(LOG.note(5), lines)
