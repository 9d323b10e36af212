"""Read budgets: never more in any hour or day than the limit, whatever the order of reads and restarts."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Refused, Unavailable
from counterfoil.registry.desk.budget import ALLOWANCE_SECONDS, Allowance, Budgets, Reading
from counterfoil.registry.desk.desk import Desk
from counterfoil.registry.desk.limits import Limit, Limits, read_limits

ANN = "a" * 16
BEN = "b" * 16
NOW = 1_800_000_000
SECRET = bytes(range(32))
READING = Reading(ANN, "certificate", "birth")
HOUR = 3_600
DAY = 24 * HOUR


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "desk.db", lambda: SECRET, clock=lambda: NOW)
    yield desk
    desk.close()


@pytest.fixture
def budgets(desk: Desk) -> Budgets:
    return Budgets(desk)


def spent(budgets: Budgets, count: int, now: int, reading: Reading = READING) -> bool:
    """Whether so many items may be read."""
    try:
        budgets.spend(reading, count, now)
    except Refused:
        return False
    return True


def test_sixty_an_hour_and_no_more(budgets: Budgets) -> None:
    for _ in range(60):
        budgets.spend(READING, 1, NOW)
    with pytest.raises(Refused) as refused:
        budgets.spend(READING, 1, NOW + 3_000)
    assert str(refused.value) == (
        "1 item is asked for, and the budget leaves 0 under this purpose now (60 an hour, 300 a day); "
        "ask a second officer for more (counterfoil desk ask)"
    )
    assert spent(budgets, 60, NOW + HOUR + 60)


def test_three_hundred_a_day_and_no_more(budgets: Budgets) -> None:
    hours = [NOW + 2 * HOUR * number for number in range(6)]
    assert [spent(budgets, 60, now) for now in hours] == [True] * 5 + [False]
    assert not spent(budgets, 1, NOW + DAY)
    assert spent(budgets, 60, NOW + DAY + 60)
    assert not spent(budgets, 1, NOW + DAY + 60)


def test_a_bulk_read_is_allowed_whole_or_not_at_all(budgets: Budgets) -> None:
    budgets.spend(READING, 50, NOW)
    assert not spent(budgets, 11, NOW)
    assert budgets.left(READING, NOW) == 10
    assert spent(budgets, 10, NOW)
    assert budgets.left(READING, NOW) == 0


def test_each_officer_and_each_purpose_has_a_budget_and_registers_have_none(budgets: Budgets) -> None:
    budgets.spend(READING, 60, NOW)
    assert budgets.left(READING._replace(officer=BEN), NOW) == 60
    assert budgets.left(READING._replace(purpose="inquiry"), NOW) == 60
    assert budgets.left(READING._replace(register="death"), NOW) == 0


def test_a_clock_that_is_set_back_gives_nothing_back(budgets: Budgets) -> None:
    budgets.spend(READING, 60, NOW)
    assert not spent(budgets, 1, NOW - 10 * DAY)
    budgets.spend(READING, 60, NOW + 2 * HOUR)
    assert budgets.left(READING, NOW + 90) == 0


@pytest.mark.parametrize("count", [0, -1, 1_000_001])
def test_a_number_of_items_that_is_none_is_refused(budgets: Budgets, count: int) -> None:
    for ask in (
        lambda: budgets.spend(READING, count, NOW),
        lambda: budgets.ask(READING, count, "an inquiry"),
    ):
        with pytest.raises(Malformed, match="is no number of items to read"):
            ask()
    assert budgets.left(READING, NOW) == 60


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (READING._replace(officer="ann"), "'ann' is no officer's id"),
        (READING._replace(purpose=""), "a purpose has 1 to 200 characters"),
        (READING._replace(purpose="x" * 201), "a purpose has 1 to 200 characters"),
    ],
)
def test_nobody_and_nothing_have_no_budget(budgets: Budgets, reading: Reading, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        budgets.spend(reading, 1, NOW)


# Never more than the limit


class Restarting:
    """Budgets on a file of their own, of a process that may be killed."""

    def __init__(self, folder: str, limits: Limits):
        self._path = Path(folder) / "desk.db"
        self._limits = limits
        self.start()

    def start(self) -> None:
        self.desk = Desk(self._path, lambda: SECRET, clock=lambda: NOW)
        self.budgets = Budgets(self.desk, self._limits)

    def kill(self) -> None:
        """End the process without its storing anything more."""
        self.desk.database._connection.close()
        self.start()


STEPS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 90), st.integers(0, 2 * HOUR), st.integers(0, 8 * HOUR)),
        st.integers(1, 12),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, hour=st.integers(0, 40), more=st.integers(0, 60))
def test_no_window_has_more_than_the_limit_and_nothing_less_is_refused(
    steps: list[tuple[int, int, bool]], hour: int, more: int
) -> None:
    limit = Limit(hour, hour + more)
    ahead = hour // 16
    reads: list[tuple[int, int]] = []
    now, kills = NOW, 0
    with tempfile.TemporaryDirectory() as folder:
        process = Restarting(folder, Limits(limit))
        for later, count, killed in steps:
            now += later
            if killed:
                process.kill()
                kills += 1

            def within(seconds: int, now: int = now) -> int:
                return sum(count for at, count in reads if at > now - seconds)

            if spent(process.budgets, count, now):
                reads.append((now, count))
                assert within(HOUR) <= limit.hour
                assert within(DAY) <= limit.day
            else:
                # A minute counts whole, and what a killed process had counted ahead counts as read.
                lost = ahead * kills
                assert (
                    within(HOUR + 60) + lost + count > limit.hour
                    or within(DAY + 60) + lost + count > limit.day
                )
        process.desk.close()


def test_what_was_read_is_known_after_a_kill_and_little_is_lost(tmp_path: Path) -> None:
    process = Restarting(str(tmp_path), Limits())
    for _ in range(30):
        process.budgets.spend(READING, 1, NOW)
    process.kill()
    assert 60 - 30 - 60 // 16 <= process.budgets.left(READING, NOW) <= 60 - 30
    process.desk.close()


def test_a_process_that_ends_well_has_counted_what_was_read_and_no_more(tmp_path: Path) -> None:
    process = Restarting(str(tmp_path), Limits())
    for read in range(60):
        assert process.budgets.left(READING, NOW) == 60 - read
        process.budgets.spend(READING, 1, NOW)
        process.budgets.close()
        process.desk.close()
        process.start()
    assert not spent(process.budgets, 1, NOW)
    process.desk.close()


def test_not_every_read_costs_a_commit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = Budgets(desk, Limits(Limit(1_600, 10_000)))
    commits = 0
    transaction = desk.database.transaction

    def counted() -> object:
        nonlocal commits
        commits += 1
        return transaction()

    monkeypatch.setattr(desk.database, "transaction", counted)
    for _ in range(1_000):
        budgets.spend(READING, 1, NOW)
    assert commits == 10


def test_what_is_older_than_a_day_is_forgotten(desk: Desk) -> None:
    budgets = Budgets(desk)
    for day in range(5):
        budgets.spend(READING, 1, NOW + day * 2 * DAY)
    assert desk.database.row("SELECT count(*) FROM reading") == (1,)
    assert Budgets(desk).left(READING, NOW + 8 * DAY) >= 60 - 1 - 60 // 16


def test_threads_do_not_read_the_same_budget_twice(desk: Desk) -> None:
    budgets = Budgets(desk, Limits(Limit(100, 100)))
    allowed: list[bool] = []
    start = threading.Barrier(4)

    def read() -> None:
        start.wait()
        for _ in range(50):
            allowed.append(spent(budgets, 1, NOW))  # noqa: PERF401  # seen by all threads as it goes

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(allowed), sum(allowed)) == (200, 100)


# What a second officer allows beyond


def approved(desk: Desk, budgets: Budgets, count: int, reading: Reading = READING) -> str:
    case = budgets.ask(reading, count, "the census of 1901")
    desk.decide(case, BEN, True, "announced by the ministry")
    return case


def test_a_second_officer_is_asked_with_number_purpose_and_reason(desk: Desk, budgets: Budgets) -> None:
    case, content = desk.get(budgets.ask(READING, 500, "the census of 1901"))
    assert (case.kind, case.by, case.register, case.reasons) == ("reading", ANN, "birth", ("budget",))
    assert content == b'{"purpose":"certificate","count":500,"why":"the census of 1901"}'
    with pytest.raises(Malformed, match="say why so many are to be read"):
        budgets.ask(READING, 500, " ")


def test_what_was_approved_may_be_read_once_for_eight_hours(desk: Desk, budgets: Budgets) -> None:
    case = approved(desk, budgets, 500)
    assert not spent(budgets, 500, NOW)
    granted = budgets.allowance(case, NOW)
    assert granted == Allowance(ANN, "certificate", "birth", 500, NOW + ALLOWANCE_SECONDS)
    assert budgets.left(READING, NOW) == 60
    assert not spent(budgets, 501, NOW)
    assert spent(budgets, 400, NOW)
    assert spent(budgets, 60, NOW)
    assert spent(budgets, 100, NOW + ALLOWANCE_SECONDS)
    assert budgets.left(READING, NOW) == 0
    assert not spent(budgets, 1, NOW)


def test_what_was_allowed_ends(desk: Desk, budgets: Budgets) -> None:
    case = approved(desk, budgets, 500)
    budgets.allowance(case, NOW)
    assert not spent(budgets, 500, NOW + ALLOWANCE_SECONDS + 1)
    budgets.allowance(approved(desk, budgets, 61), NOW + ALLOWANCE_SECONDS + 1)
    with pytest.raises(Refused, match="has ended; ask a second officer anew"):
        budgets.allowance(case, NOW + ALLOWANCE_SECONDS + 2)
    assert desk.database.row("SELECT count(*) FROM allowance") == (1,)


def test_an_approval_is_granted_once(desk: Desk, budgets: Budgets) -> None:
    case = approved(desk, budgets, 500)
    budgets.allowance(case, NOW)
    budgets.spend(READING, 300, NOW)
    assert budgets.allowance(case, NOW + 60) == Allowance(
        ANN, "certificate", "birth", 200, NOW + ALLOWANCE_SECONDS
    )
    assert desk.get(case).case.standing == "done"
    assert not spent(budgets, 300, NOW)


def test_what_was_allowed_is_for_that_officer_purpose_and_register(desk: Desk, budgets: Budgets) -> None:
    budgets.allowance(approved(desk, budgets, 500), NOW)
    for other in (
        READING._replace(officer=BEN),
        READING._replace(purpose="inquiry"),
        READING._replace(register="criminal-record"),
    ):
        assert not spent(budgets, 61, NOW, other)
    assert spent(budgets, 61, NOW)


def test_what_was_not_approved_gives_nothing(desk: Desk, budgets: Budgets) -> None:
    waits = budgets.ask(READING, 500, "the census of 1901")
    refused = budgets.ask(READING, 500, "the census of 1901")
    desk.decide(refused, BEN, False, "not this year")
    other = desk.put("erasure", b"{}", ANN, "birth", ["four-eyes"])
    desk.decide(other, BEN, True, "he asked for it")
    for case, said in (
        (waits, "this case is waiting; only what was approved"),
        (refused, "this case is refused; only what was approved"),
        (other, "this case is of the kind erasure, and gives nothing to read"),
    ):
        with pytest.raises(Refused, match=said):
            budgets.allowance(case, NOW)
    assert not spent(budgets, 61, NOW)
    assert [each.id for each in desk.approved()] == [other]


def test_what_is_left_of_an_allowance_outlives_the_process(tmp_path: Path) -> None:
    process = Restarting(str(tmp_path), Limits())
    case = approved(process.desk, process.budgets, 500)
    process.budgets.allowance(case, NOW)
    process.budgets.spend(READING, 400, NOW)
    process.kill()
    assert not spent(process.budgets, 101, NOW)
    assert spent(process.budgets, 100, NOW)
    process.desk.close()


# The file of limits


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_without_a_file_there_are_limits_all_the_same(tmp_path: Path) -> None:
    assert read_limits(tmp_path / "budgets.json") == Limits(Limit(60, 300), {})


def test_limits_go_by_role_and_of_several_the_largest_counts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "budgets.json",
        '{"format":"budgets/v1","default":{"hour":10,"day":20},'
        '"roles":{"trainee":{"hour":0,"day":0},"registrar":{"hour":100,"day":200},"archive":{"hour":5,"day":900}}}',
    )
    limits = read_limits(path)
    assert limits.of(()) == limits.of(("checker",)) == Limit(10, 20)
    assert limits.of(("trainee",)) == limits.of(("trainee", "checker")) == Limit(0, 0)
    assert limits.of(("registrar", "trainee", "archive")) == Limit(100, 900)


def test_a_role_decides_how_much_may_be_read(desk: Desk) -> None:
    budgets = Budgets(desk, Limits(Limit(10, 20), {"registrar": Limit(100, 200), "trainee": Limit(0, 0)}))
    assert budgets.left(READING, NOW) == 10
    assert budgets.left(READING._replace(roles=("registrar",)), NOW) == 100
    assert not spent(budgets, 1, NOW, READING._replace(roles=("trainee",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not in the form budgets/v1"),
        ('{"format":"budgets/v2"}', "has the format 'budgets/v2', and budgets/v1 is known"),
        ('{"format":"budgets/v1","default":{"hour":60}}', "is not in the form budgets/v1"),
        ('{"format":"budgets/v1","limit":{"hour":60,"day":300}}', "is not in the form budgets/v1"),
        ('{"format":"budgets/v1","default":{"hour":60,"day":30}}', "allows 60 an hour and 30 a day"),
        ('{"format":"budgets/v1","roles":{"a":{"hour":-1,"day":30}}}', "allows -1 an hour and 30 a day"),
        ('{"format":"budgets/v1","roles":{"a":{"hour":1,"day":1000000001}}}', "both 0 to 1,000,000,000"),
        (" " * 65_537, "is over 65,536 bytes long"),
    ],
)
def test_limits_that_are_not_in_form_are_none(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        read_limits(write(tmp_path / "budgets.json", text))


def _writable(path: Path) -> None:
    write(path, '{"format":"budgets/v1"}').chmod(0o664)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (_writable, Malformed, "others than its owner can write"),
        (Path.mkdir, Unavailable, "cannot be read, so no budget is known"),
    ],
)
def test_limits_that_others_may_have_set_are_none(
    tmp_path: Path, make: Callable[[Path], None], error: type[Exception], said: str
) -> None:
    make(tmp_path / "budgets.json")
    with pytest.raises(error, match=said):
        read_limits(tmp_path / "budgets.json")
