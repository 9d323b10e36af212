"""The cosigner of a serving node: every witness is asked by itself, and none that is away delays anything."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from counterfoil.errors import Unavailable
from counterfoil.gateway.cosigner import Cosigner, WitnessStatus, backoff
from counterfoil.gateway.fetch import Answer, Client
from counterfoil.gateway.witness_keys import cosigner_key
from counterfoil.gateway.witness_request import parse_request
from counterfoil.gateway.witnesses import AskedWitness, Witnesses
from counterfoil.proof.checkpoint import open_checkpoint
from counterfoil.proof.note import parse_note, sign_note
from tests.gateway.small_log import ORIGIN, SmallLog, key
from tests.gateway.witness_served import cosigning_keys, served_witness, until


class Keeper:
    """Stands for a node: a log with its published checkpoints."""

    def __init__(self, log: SmallLog, size: int):
        self.log = log
        self.published: dict[int, bytes] = {}
        self.grow(size)

    def grow(self, size: int) -> None:
        self.published[size] = self.log.note(size)
        self.size = size

    def latest(self) -> tuple[bytes, int] | None:
        return self.published[self.size], self.size

    def publish(self, size: int, note: bytes) -> None:
        self.published[size] = note

    def cosigned_by(self, size: int, *witnesses: AskedWitness) -> bool:
        """Whether the checkpoint has lines of these witnesses, and they hold."""
        keys = [key for each in witnesses for key in each.verifier_keys]
        return len(open_checkpoint(self.published[size], keys).lines) == len(keys)


@pytest.fixture
def keeper() -> Keeper:
    return Keeper(SmallLog(), 3)


@pytest.fixture
def witnesses(tmp_path: Path) -> Witnesses:
    return Witnesses(tmp_path / "witnesses.json")


@pytest.fixture
def serve(tmp_path: Path, witnesses: Witnesses) -> Iterator[Callable[[str], AskedWitness]]:
    """Serves a new witness, and adds it to the list."""
    with ExitStack() as stack:

        def begin(name: str) -> AskedWitness:
            folder = tmp_path / name.replace("/", "-")
            asked = stack.enter_context(served_witness(folder, {ORIGIN: SmallLog().keys}, name))
            return witnesses.add(asked.url, asked.verifier_keys)

        yield begin


@contextmanager
def running(
    witnesses: Witnesses, keeper: Keeper, tell: Callable[[WitnessStatus], None] = lambda status: None
) -> Iterator[Cosigner]:
    cosigner = Cosigner(
        witnesses,
        keeper.latest,
        keeper.log.proof,
        keeper.publish,
        tell=tell,
        wait=lambda failures: 0.02,
        seconds=1,
    )
    cosigner.start()
    try:
        yield cosigner
    finally:
        cosigner.stop()


def test_each_checkpoint_is_cosigned_by_every_witness(
    witnesses: Witnesses, keeper: Keeper, serve: Callable[[str], AskedWitness]
) -> None:
    pair = [serve("w.example/1"), serve("w.example/2")]
    with running(witnesses, keeper) as cosigner:
        for size in (3, 4, 9):
            keeper.grow(size)
            cosigner.wake()
            until(partial(keeper.cosigned_by, size, *pair), f"both cosign {size}")
        until(lambda: all(not each.behind for each in cosigner.status()), "both are recorded")
        assert [(each.name, each.size, each.behind, each.error) for each in cosigner.status()] == [
            ("w.example/1", 9, 0, None),
            ("w.example/2", 9, 0, None),
        ]


def test_what_is_recorded_is_when_the_witness_says_that_it_has_signed(
    witnesses: Witnesses, keeper: Keeper, tmp_path: Path
) -> None:
    then = int(time.time()) - 100
    with served_witness(tmp_path / "w", {ORIGIN: keeper.log.keys}, clock=lambda: then) as asked:
        witnesses.add(asked.url, asked.verifier_keys)
        with running(witnesses, keeper) as cosigner:
            until(lambda: not cosigner.status()[0].behind, "it is recorded")
            assert cosigner.status()[0].cosigned == then


def test_a_witness_that_signs_with_one_key_of_two_is_asked_once_for_a_checkpoint(
    witnesses: Witnesses, keeper: Keeper, tmp_path: Path
) -> None:
    asked: list[bytes] = []
    ed25519 = key("half.example")
    other = cosigner_key("half.example", key("half.example", "ml-dsa-44"))

    class Half:
        """Signs with one of its keys, whatever comes."""

        def post(self, url: str, body: bytes, limit: int) -> Answer:
            asked.append(body)
            text = parse_note(parse_request(body).note).text
            line = sign_note(text, ed25519, "half.example", 0x04, int(time.time())).line
            return Answer(200, {}, line.encode())

    witnesses.add("https://half.example", [cosigner_key("half.example", ed25519), other])
    cosigner = Cosigner(witnesses, keeper.latest, keeper.log.proof, keeper.publish)
    half = cast("Client", Half())
    for size, requests in ((3, 1), (3, 1), (4, 2), (4, 2)):
        keeper.size = size
        if size not in keeper.published:
            keeper.grow(size)
        assert cosigner.ask("half.example", half)
        assert len(asked) == requests
    assert witnesses.list()[0].size == 4


def test_what_was_published_before_the_start_is_cosigned(
    witnesses: Witnesses, keeper: Keeper, serve: Callable[[str], AskedWitness]
) -> None:
    witness = serve("w.example/1")
    with running(witnesses, keeper):
        until(lambda: keeper.cosigned_by(3, witness), "it is cosigned")


def test_a_witness_that_is_away_delays_none_and_is_shown(
    witnesses: Witnesses, keeper: Keeper, serve: Callable[[str], AskedWitness]
) -> None:
    """One refuses connections, one takes them and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        well = serve("w.example/1")
        witnesses.add("http://127.0.0.1:1", cosigning_keys("away.example"))
        witnesses.add("http://{}:{}".format(*silent.getsockname()), cosigning_keys("silent.example"))
        with running(witnesses, keeper) as cosigner:
            for size in range(4, 8):
                keeper.grow(size)
                cosigner.wake()
                until(partial(keeper.cosigned_by, size, well), f"the third cosigns {size}")
            until(lambda: all(each.error for each in cosigner.status()[1:]), "the two are shown")
            _, away, mute = cosigner.status()
    assert (away.size, away.behind, away.cosigned) == (0, 7, None)
    assert not any(each.unverified for each in witnesses.list())
    assert "cannot be reached" in (away.error or "")
    assert "has not answered within 1 seconds" in (mute.error or "")


def test_a_witness_that_comes_back_cosigns_the_newest(
    witnesses: Witnesses, keeper: Keeper, tmp_path: Path
) -> None:
    """Without being woken: it is asked again by itself, and for what is newest then."""
    told: list[str | None] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with ExitStack() as stack:
        asked = stack.enter_context(served_witness(tmp_path / "w", {ORIGIN: keeper.log.keys}))
    witnesses.add(f"http://127.0.0.1:{port}", asked.verifier_keys)
    with running(witnesses, keeper, lambda status: told.append(status.error)) as cosigner:
        until(lambda: told, "it is found to be away")
        keeper.grow(8)
        listen = f"127.0.0.1:{port}"
        with served_witness(tmp_path / "w", {ORIGIN: keeper.log.keys}, listen=listen):
            until(lambda: keeper.cosigned_by(8, asked), "it cosigns the newest")
            until(lambda: cosigner.status()[0].error is None, "that is recorded")
    assert not keeper.cosigned_by(3, asked)
    assert len(told) == 2
    assert "cannot be reached" in (told[0] or "")
    assert told[1] is None


def test_a_rewritten_log_is_told_of_until_it_is_put_right(
    witnesses: Witnesses, keeper: Keeper, serve: Callable[[str], AskedWitness]
) -> None:
    witness = serve("w.example/1")
    told: list[WitnessStatus] = []
    with running(witnesses, keeper, told.append) as cosigner:
        until(lambda: keeper.cosigned_by(3, witness), "it is cosigned")
        keeper.log = SmallLog("rewritten", fork_at=1)
        keeper.grow(5)
        cosigner._prove = keeper.log.proof
        cosigner.wake()
        until(lambda: told, "the witness finds it")
        assert "has cosigned a different log log.example/1" in (told[0].error or "")
        until(lambda: witnesses.list()[0].unverified, "it is recorded as what does not hold")
    assert len(told) == 1
    assert not keeper.cosigned_by(5, witness)


def test_witnesses_are_added_and_removed_while_it_runs(
    witnesses: Witnesses, keeper: Keeper, serve: Callable[[str], AskedWitness]
) -> None:
    first = serve("w.example/1")
    with running(witnesses, keeper) as cosigner:
        until(lambda: keeper.cosigned_by(3, first), "the first cosigns")
        second = serve("w.example/2")
        witnesses.remove(first.name)
        keeper.grow(6)
        cosigner.wake()
        until(lambda: keeper.cosigned_by(6, second), "the second cosigns")
        until(lambda: len(_threads()) == 1, "the first one's thread ends")
    assert not keeper.cosigned_by(6, first)


def test_a_list_that_cannot_be_read_stops_nobody(
    witnesses: Witnesses, keeper: Keeper, serve: Callable[[str], AskedWitness], tmp_path: Path
) -> None:
    witness = serve("w.example/1")
    with running(witnesses, keeper) as cosigner:
        until(lambda: keeper.cosigned_by(3, witness), "it is cosigned")
        whole = (tmp_path / "witnesses.json").read_bytes()
        (tmp_path / "witnesses.json").write_bytes(b"{")
        keeper.grow(4)
        cosigner.wake()
        (tmp_path / "witnesses.json").write_bytes(whole)
        until(lambda: keeper.cosigned_by(4, witness), "it is asked once the list can be read")


def test_a_store_that_fails_is_tried_again(
    witnesses: Witnesses,
    keeper: Keeper,
    serve: Callable[[str], AskedWitness],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    witness = serve("w.example/1")
    failed = threading.Event()
    publish = keeper.publish

    def once(size: int, note: bytes) -> None:
        if not failed.is_set():
            failed.set()
            raise Unavailable("the disk is full")
        publish(size, note)

    monkeypatch.setattr(keeper, "publish", once)
    with running(witnesses, keeper):
        until(lambda: keeper.cosigned_by(3, witness), "it is stored in the end")
    assert failed.is_set()


def test_stopping_ends_every_thread(
    witnesses: Witnesses, keeper: Keeper, serve: Callable[[str], AskedWitness]
) -> None:
    witness = serve("w.example/1")
    witnesses.add("http://127.0.0.1:1", cosigning_keys("away.example"))
    with running(witnesses, keeper) as cosigner:
        until(lambda: keeper.cosigned_by(3, witness), "it is cosigned")
        assert len(_threads()) == 2
    assert _threads() == []
    cosigner.wake()
    assert _threads() == []


def test_waiting_doubles_up_to_five_minutes_and_half_of_it_is_chance() -> None:
    waits = [[backoff(failures) for _ in range(50)] for failures in range(1, 40)]
    full = [min(300.0, 2.0 ** (failures - 1)) for failures in range(1, 40)]
    for row, most in zip(waits, full, strict=True):
        assert most / 2 <= min(row) < max(row) <= most


def _threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("cosigner ")]
