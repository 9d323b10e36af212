"""The local engine: whoever waits is taken together, in order, all or none, at a time that never steps back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from counterfoil.engine.local import MAX_CLOCK_LAG, MAX_COMMANDS, LocalEngine, _Ticket
from counterfoil.errors import Damaged, Unavailable

NOW = 1_800_000_000


class Tape:
    """A machine that answers each command with its place, and keeps what was committed."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, list[str]]] = []
        self.discarded = 0
        self.at_commit: list[Callable[[], None]] = []
        self.at_discard: list[Callable[[], None]] = []
        self._block: tuple[int, list[str]] | None = None

    def apply(self, time: int, commands: Sequence[str]) -> list[str]:
        assert self._block is None, "the block before was neither committed nor discarded"
        self._block = (time, list(commands))
        return [f"{number}: {command}" for number, command in enumerate(commands)]

    def commit(self) -> None:
        assert self._block is not None
        if self.at_commit:
            self.at_commit.pop(0)()
        self.blocks.append(self._block)
        self._block = None

    def discard(self) -> None:
        self.discarded += 1
        if self.at_discard:
            self.at_discard.pop(0)()
        self._block = None


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def engine(tape: Tape) -> LocalEngine:
    return LocalEngine({"tape": tape}, lambda: NOW)


def fail(error: BaseException) -> Callable[[], None]:
    def raise_it() -> None:
        raise error

    return raise_it


def test_commands_are_taken_in_their_order_and_answered_one_by_one(engine: LocalEngine, tape: Tape) -> None:
    assert engine.submit("tape", ["a", "b", "c"]) == ["0: a", "1: b", "2: c"]
    assert engine.submit("tape", ["d"]) == ["0: d"]
    assert engine.submit("tape", []) == []
    assert tape.blocks == [(NOW, ["a", "b", "c"]), (NOW, ["d"]), (NOW, [])]


def meet(
    engine: LocalEngine, tape: Tape, submissions: Sequence[tuple[str, Sequence[str]]]
) -> dict[int, object]:
    """Hold a first block in its commit until all submissions wait behind it; what each was answered, or its error."""
    held, go = threading.Event(), threading.Event()

    def wait() -> None:
        held.set()
        assert go.wait(20)

    tape.at_commit.insert(0, wait)
    answers: dict[int, object] = {}

    def submit(number: int, machine: str, commands: Sequence[str]) -> None:
        try:
            answers[number] = engine.submit(machine, commands)
        except (Unavailable, ValueError) as error:
            answers[number] = error

    threads = [threading.Thread(target=submit, args=(-1, "tape", ["first"]))]
    threads[0].start()
    assert held.wait(20)
    for number, (machine, commands) in enumerate(submissions):
        threads.append(threading.Thread(target=submit, args=(number, machine, commands)))
        threads[-1].start()
        while len(engine._waiting) <= number:
            time.sleep(0.001)
    go.set()
    for thread in threads:
        thread.join(20)
    return answers


def test_those_that_come_while_a_block_is_stored_are_the_next_one(engine: LocalEngine, tape: Tape) -> None:
    answers = meet(engine, tape, [("tape", [f"{number}", f"{number}'"]) for number in range(20)])
    assert [commands for _, commands in tape.blocks] == [
        ["first"],
        [f"{number}{mark}" for number in range(20) for mark in ("", "'")],
    ]
    assert answers[7] == ["14: 7", "15: 7'"]
    assert len(answers) == 21


def test_a_block_has_no_more_commands_than_allowed_unless_one_submission_has(
    engine: LocalEngine, tape: Tape
) -> None:
    sizes = [MAX_COMMANDS - 10, 10, 1, MAX_COMMANDS + 5, 3]
    meet(engine, tape, [("tape", ["x"] * size) for size in sizes])
    assert [len(commands) for _, commands in tape.blocks] == [1, MAX_COMMANDS, 1, MAX_COMMANDS + 5, 3]


def test_machines_have_blocks_of_their_own_in_the_order_of_arrival(tape: Tape) -> None:
    other = Tape()
    engine = LocalEngine({"tape": tape, "other": other}, lambda: NOW)
    meet(engine, tape, [("tape", ["a"]), ("other", ["b"]), ("other", ["c"]), ("tape", ["d"])])
    assert [commands for _, commands in tape.blocks] == [["first"], ["a"], ["d"]]
    assert [commands for _, commands in other.blocks] == [["b", "c"]]


def test_a_block_that_cannot_be_stored_is_refused_to_all_that_are_in_it_and_to_no_other(
    engine: LocalEngine, tape: Tape
) -> None:
    error = Unavailable("the disk is full")
    tape.at_commit.append(fail(error))
    answers = meet(engine, tape, [("tape", [f"{number}"]) for number in range(5)])
    assert answers == {-1: ["0: first"]} | dict.fromkeys(range(5), error)
    assert tape.discarded == 1
    assert engine.submit("tape", ["again"]) == ["0: again"]
    assert [commands for _, commands in tape.blocks] == [["first"], ["again"]]


@pytest.mark.parametrize("error", [Unavailable("no"), Damaged("no"), ValueError("a mistake in the program")])
def test_what_storing_raised_is_raised_and_the_next_block_is_taken(
    engine: LocalEngine, tape: Tape, error: Exception
) -> None:
    tape.at_commit.append(fail(error))
    with pytest.raises(type(error), match=str(error)):
        engine.submit("tape", ["a"])
    assert (tape.blocks, tape.discarded) == ([], 1)
    assert engine.submit("tape", ["b"]) == ["0: b"]
    assert tape.discarded == 1


def test_until_a_failed_block_could_be_forgotten_none_is_taken(engine: LocalEngine, tape: Tape) -> None:
    tape.at_commit.append(fail(Unavailable("writing failed")))
    tape.at_discard += [fail(Unavailable("reading failed")), fail(Unavailable("reading failed again"))]
    with pytest.raises(Unavailable, match="reading failed"):
        engine.submit("tape", ["a"])
    with pytest.raises(Unavailable, match="reading failed again"):
        engine.submit("tape", ["b"])
    assert engine.submit("tape", ["c"]) == ["0: c"]
    assert engine.submit("tape", ["d"]) == ["0: d"]
    assert [commands for _, commands in tape.blocks] == [["c"], ["d"]]
    assert tape.discarded == 3


def test_an_interruption_stops_whom_it_meets_and_leaves_the_engine_working(
    engine: LocalEngine, tape: Tape
) -> None:
    tape.at_commit.append(fail(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        engine.submit("tape", ["a"])
    assert (tape.blocks, tape.discarded) == ([], 1)
    assert engine.submit("tape", ["b"]) == ["0: b"]


def test_one_interrupted_while_it_takes_the_block_of_others_withdraws_its_own(tape: Tape) -> None:
    other = Tape()
    engine = LocalEngine({"tape": tape, "other": other}, lambda: NOW)
    ticket = _Ticket("other", ["another's"])
    engine._waiting.append(ticket)
    other.at_commit.append(fail(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        engine.submit("tape", ["mine"])
    assert ticket.done
    assert isinstance(ticket.error, KeyboardInterrupt)
    assert not engine._waiting
    assert engine.submit("tape", ["next"]) == ["0: next"]
    assert [commands for _, commands in tape.blocks] == [["next"]]


def test_a_machine_that_there_is_not_is_an_error_of_the_caller(engine: LocalEngine) -> None:
    with pytest.raises(KeyError, match="calendar"):
        engine.submit("calendar", ["a"])
    assert engine.submit("tape", ["b"]) == ["0: b"]


def test_the_time_of_a_block_never_steps_back(tape: Tape) -> None:
    times = iter([NOW + 0.9, NOW - MAX_CLOCK_LAG, NOW + 1.2])
    engine = LocalEngine({"tape": tape}, lambda: next(times))
    for command in "abc":
        engine.submit("tape", [command])
    assert [time for time, _ in tape.blocks] == [NOW, NOW, NOW + 1]


def test_a_clock_that_was_set_back_is_refused_until_it_is_right(tape: Tape) -> None:
    times = iter([NOW - MAX_CLOCK_LAG - 1, NOW - MAX_CLOCK_LAG])
    engine = LocalEngine({"tape": tape}, lambda: next(times), time=NOW)
    with pytest.raises(Unavailable, match="clock is 301 seconds behind the last block; set it right"):
        engine.submit("tape", ["a"])
    assert tape.blocks == []
    engine.submit("tape", ["b"])
    assert tape.blocks == [(NOW, ["b"])]


def test_the_time_of_a_block_that_failed_does_not_count(tape: Tape) -> None:
    times = iter([NOW + 1_000, NOW])
    engine = LocalEngine({"tape": tape}, lambda: next(times))
    tape.at_commit.append(fail(Unavailable("no")))
    with pytest.raises(Unavailable):
        engine.submit("tape", ["a"])
    engine.submit("tape", ["b"])
    assert tape.blocks == [(NOW, ["b"])]


def test_many_threads_are_each_answered_once(engine: LocalEngine, tape: Tape) -> None:
    answers: dict[str, str] = {}

    def work(worker: int) -> None:
        for step in range(200):
            name = f"{worker}.{step}"
            (answer,) = engine.submit("tape", [name])
            answers[name] = answer

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [command for _, commands in tape.blocks for command in commands]
    assert len(taken) == len(set(taken)) == len(answers) == 1_600
    for worker in range(8):
        own = [command for command in taken if command.startswith(f"{worker}.")]
        assert own == [f"{worker}.{step}" for step in range(200)]
    for _, commands in tape.blocks:
        assert [answers[command] for command in commands] == [
            f"{n}: {command}" for n, command in enumerate(commands)
        ]
