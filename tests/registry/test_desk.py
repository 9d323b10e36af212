"""The desk: what waits for a second officer is sealed, is decided once by somebody else, and is scrubbed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from counterfoil.errors import CounterfoilError, Damaged, Malformed, NotFound, Refused, Unavailable
from counterfoil.registry.desk.case import MAX_CONTENT, Case, Decision
from counterfoil.registry.desk.desk import WAITING_SECONDS, Desk
from counterfoil.registry.desk.refusals import KEPT, Refusal, Refusals

ANN = "a" * 16
BEN = "b" * 16
NOW = 1_800_000_000
SECRET = bytes(range(32))
CONTENT = b'{"given":"Wilhelmina","family":"Featherstonehaugh"}'
REASON = "seen the certificate of Featherstonehaugh"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "desk.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(path: Path, clock: Clock) -> Iterator[Desk]:
    desk = Desk(path, lambda: SECRET, clock=clock)
    yield desk
    desk.close()


def put(desk: Desk, *, by: str = ANN, register: str = "birth", content: bytes = CONTENT) -> str:
    return desk.put("change", content, by, register, ["four-eyes"])


def stored(path: Path) -> bytes:
    """Every byte of the desk's files."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob("desk.db*")))


def sealed(desk: Desk, case: str) -> bytes:
    """A case's ciphertext as it is stored."""
    row = desk.database.row("SELECT content FROM paper WHERE id=?", (case,))
    assert row is not None
    found: bytes = row[0]
    return found


def test_what_is_put_waits_with_what_is_said_of_it(desk: Desk) -> None:
    case = desk.put("change", CONTENT, ANN, "birth", ["four-eyes", "parents-of-age"])
    expected = Case(
        number=1,
        id=case,
        kind="change",
        register="birth",
        by=ANN,
        reasons=("four-eyes", "parents-of-age"),
        put=NOW,
        until=NOW + 90 * 86_400,
        standing="waiting",
        decision=None,
    )
    assert desk.waiting() == [expected]
    assert desk.get(case) == (expected, CONTENT)


def test_an_id_cannot_be_guessed(desk: Desk) -> None:
    first, second = put(desk), put(desk)
    assert len(bytes.fromhex(first)) == 16
    assert first != second


def test_the_file_is_its_owner_s_alone_and_has_nothing_in_plain(desk: Desk, path: Path) -> None:
    case = put(desk)
    desk.decide(case, BEN, False, REASON)
    put(desk)
    assert path.stat().st_mode & 0o777 == 0o600
    for word in (b"Featherstonehaugh", b"Wilhelmina", SECRET, SECRET.hex().encode()):
        assert word not in stored(path)


def test_the_same_content_is_never_the_same_ciphertext(desk: Desk) -> None:
    assert sealed(desk, put(desk)) != sealed(desk, put(desk))


def test_a_second_officer_s_approval_gives_the_content_to_carry_out(desk: Desk, clock: Clock) -> None:
    case = put(desk)
    clock.now += 60
    decided = desk.decide(case, BEN, True, REASON)
    assert decided.content == CONTENT
    assert decided.case.standing == "approved"
    assert decided.case.decision == Decision(BEN, NOW + 60, approved=True, reason=REASON)
    assert desk.waiting() == []
    assert [each.id for each in desk.approved()] == [case]
    assert desk.get(case) == decided


def test_an_officer_does_not_decide_a_case_of_their_own(desk: Desk) -> None:
    case = put(desk, by=ANN)
    for approved in (True, False):
        with pytest.raises(Refused, match="does not decide a case of their own; ask a second officer"):
            desk.decide(case, ANN, approved, REASON)
    assert desk.get(case).case.standing == "waiting"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_a_case_is_decided_once(desk: Desk, first: bool, second: bool) -> None:
    case = put(desk)
    decided = desk.decide(case, BEN, first, REASON)
    with pytest.raises(Refused, match=f"this case is {decided.case.standing} already"):
        desk.decide(case, "c" * 16, second, "I see it otherwise")
    assert desk.get(case) == decided


@pytest.mark.parametrize("reason", ["", " \n", "x" * 2_001])
def test_a_decision_needs_its_reason(desk: Desk, reason: str) -> None:
    case = put(desk)
    with pytest.raises(Malformed, match="a decision needs its reason"):
        desk.decide(case, BEN, True, reason)
    assert desk.get(case).case.standing == "waiting"


def test_what_is_refused_is_scrubbed_at_once_and_its_reason_is_kept_for_who_put_it(
    desk: Desk, path: Path
) -> None:
    case = put(desk, content=CONTENT * 500)
    ciphertext = sealed(desk, case)
    assert ciphertext[:64] in stored(path)
    refused = desk.decide(case, BEN, False, REASON)
    assert refused.content is None
    assert desk.get(case) == refused
    assert refused.case.decision == Decision(BEN, NOW, approved=False, reason=REASON)
    assert not any(ciphertext[at : at + 16] in stored(path) for at in range(0, len(ciphertext), 16))


def test_what_was_carried_out_is_scrubbed_and_its_line_stays(desk: Desk, path: Path, clock: Clock) -> None:
    case = put(desk, content=CONTENT * 500)
    ciphertext = sealed(desk, case)
    clock.now += 60
    desk.decide(case, BEN, True, REASON)
    assert ciphertext[:64] in stored(path)
    desk.finish(case)
    desk.finish(case)
    assert desk.approved() == []
    line = Case(
        number=1,
        id=case,
        kind="change",
        register="birth",
        by=ANN,
        reasons=("four-eyes",),
        put=NOW,
        until=NOW + 90 * 86_400,
        standing="done",
        decision=Decision(BEN, NOW + 60, approved=True, reason=None),
    )
    assert desk.get(case) == (line, None)
    assert not any(ciphertext[at : at + 16] in stored(path) for at in range(0, len(ciphertext), 16))


@pytest.mark.parametrize("decided", [None, False])
def test_only_what_was_approved_can_be_carried_out(desk: Desk, decided: bool | None) -> None:
    case = put(desk)
    if decided is not None:
        desk.decide(case, BEN, decided, REASON)
    before = desk.get(case)
    with pytest.raises(Refused, match="only what was approved can be carried out"):
        desk.finish(case)
    assert desk.get(case) == before


def test_after_ninety_days_a_case_has_lapsed(desk: Desk, path: Path, clock: Clock) -> None:
    waits, approved, refused = put(desk), put(desk), put(desk)
    ciphertexts = [sealed(desk, case) for case in (waits, approved)]
    desk.decide(approved, BEN, True, REASON)
    desk.decide(refused, BEN, False, REASON)
    clock.now = NOW + WAITING_SECONDS
    assert [each.id for each in desk.waiting()] == [waits]
    clock.now += 1
    assert desk.waiting() == desk.approved() == []
    with pytest.raises(Refused, match="this case is lapsed already"):
        desk.decide(waits, BEN, True, REASON)
    with pytest.raises(Refused, match="this case is lapsed; only what was approved"):
        desk.finish(approved)
    lines = [desk.get(case) for case in (waits, approved, refused)]
    assert [line.content for line in lines] == [None, None, None]
    assert [line.case.standing for line in lines] == ["lapsed", "lapsed", "refused"]
    assert [line.case.decision for line in lines] == [
        None,
        Decision(BEN, NOW, approved=True, reason=None),
        Decision(BEN, NOW, approved=False, reason=None),
    ]
    assert not any(ciphertext in stored(path) for ciphertext in ciphertexts)


def test_what_lapses_while_nobody_has_the_desk_open_is_scrubbed_when_it_is_opened(path: Path) -> None:
    first = Desk(path, lambda: SECRET, clock=lambda: NOW)
    case = put(first)
    ciphertext = sealed(first, case)
    first.close()
    assert ciphertext in stored(path)
    Desk(path, lambda: SECRET, clock=lambda: NOW + WAITING_SECONDS + 1).close()
    assert ciphertext not in stored(path)


def test_cases_are_listed_by_register_a_page_at_a_time(desk: Desk) -> None:
    births = [put(desk, register="birth") for _ in range(3)]
    deaths = [put(desk, register="death") for _ in range(2)]
    assert [each.id for each in desk.waiting()] == births + deaths
    assert [each.id for each in desk.waiting(["birth"])] == births
    assert [each.id for each in desk.waiting(["death", "birth"], limit=4)] == births + deaths[:1]
    assert [each.id for each in desk.waiting(["death", "birth"], after=4)] == deaths[1:]
    assert [each.id for each in desk.waiting(["marriage"])] == []
    assert [each.id for each in desk.waiting([])] == []


@pytest.mark.parametrize("case", ["", "f" * 32, "F" * 32, "1", "x' OR 1=1 --"])
def test_a_case_that_there_is_not_is_not_found(desk: Desk, case: str) -> None:
    put(desk)
    asked: list[Callable[[], object]] = [
        lambda: desk.get(case),
        lambda: desk.decide(case, BEN, True, REASON),
        lambda: desk.finish(case),
    ]
    for ask in asked:
        with pytest.raises(NotFound, match="there is no such case on the desk"):
            ask()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Change of name", b"", ANN, "birth", ["four-eyes"]), "'Change of name' is no name of a kind"),
        (("change", b"", "ann", "birth", ["four-eyes"]), "'ann' is no officer's id"),
        (("change", b"", ANN, "", ["four-eyes"]), "'' is no name of a kind, register or reason"),
        (
            ("change", b"", ANN, "birth", ["born 1975-11-24 in Kent"]),
            "is no name of a kind, register or reason",
        ),
        (("change", b"", ANN, "birth", []), "the case has 0 reasons; give it 1 to 100"),
        (("change", b"", ANN, "birth", ["r"] * 101), "the case has 101 reasons"),
        (("change", b"x" * (MAX_CONTENT + 1), ANN, "birth", ["four-eyes"]), "1,048,577 bytes, and 1,048,576"),
    ],
)
def test_what_is_not_in_form_is_not_put(
    desk: Desk, arguments: tuple[str, bytes, str, str, list[str]], said: str
) -> None:
    with pytest.raises(Malformed, match=said):
        desk.put(*arguments)
    assert desk.waiting() == []


def test_the_largest_case_is_taken(desk: Desk) -> None:
    content = bytes(MAX_CONTENT)
    assert desk.get(put(desk, content=content)).content == content


def test_one_officer_cannot_fill_the_desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counterfoil.registry.desk.desk.MAX_WAITING_EACH", 2)
    monkeypatch.setattr("counterfoil.registry.desk.desk.MAX_WAITING", 3)
    first, _ = put(desk), put(desk)
    with pytest.raises(Refused, match="2 cases lie on the desk, 2 of them this officer's; decide some first"):
        put(desk)
    put(desk, by=BEN)
    with pytest.raises(Refused, match="3 cases lie on the desk, 1 of them"):
        put(desk, by=BEN)
    desk.decide(first, BEN, False, REASON)
    put(desk, by=BEN)


CHANGES = {
    "by": "UPDATE paper SET by='cccccccccccccccc'",
    "kind": "UPDATE paper SET kind='erasure'",
    "register": "UPDATE paper SET register='death'",
    "reasons": """UPDATE paper SET reasons='["checked"]'""",
    "no reasons": "UPDATE paper SET reasons='x'",
    "put": "UPDATE paper SET put=put+1",
    "until": "UPDATE paper SET until=until+1",
    "content": "UPDATE paper SET content=zeroblob(40)",
    "short": "UPDATE paper SET content=x'00'",
    "gone": "UPDATE paper SET content=NULL",
    "other": "UPDATE paper SET content=(SELECT content FROM paper WHERE number=2)",
    "approved": "UPDATE paper SET standing='approved', approved=1, decided_by='cccccccccccccccc', decided=1",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_case_that_somebody_changed_in_the_file_is_neither_shown_nor_decided(desk: Desk, what: str) -> None:
    case = put(desk)
    put(desk, by=BEN)
    desk.database.execute(CHANGES[what] + " WHERE number=1")
    asked: list[Callable[[], object]] = [
        lambda: desk.get(case),
        lambda: desk.decide(case, BEN, True, REASON),
        lambda: desk.finish(case),
    ]
    for ask in asked:
        with pytest.raises(Damaged, match="is not as it was put") as damaged:
            ask()
        assert "Featherstonehaugh" not in str(damaged.value)


DECISIONS = {
    "who": "UPDATE paper SET decided_by='cccccccccccccccc'",
    "when": "UPDATE paper SET decided=decided+1",
    "what": "UPDATE paper SET approved=1-approved",
    "standing": "UPDATE paper SET standing='approved'",
    "another's": "UPDATE paper SET said=(SELECT said FROM paper WHERE number=2)",
    "its own content": "UPDATE paper SET said=(SELECT content FROM paper WHERE number=2)",
}


@pytest.mark.parametrize("what", DECISIONS)
def test_a_refusal_cannot_be_made_an_approval_in_the_file(desk: Desk, what: str) -> None:
    case, other = put(desk), put(desk)
    desk.decide(other, BEN, True, REASON)
    desk.decide(case, BEN, False, REASON)
    desk.database.execute(DECISIONS[what] + " WHERE number=1")
    for ask in (lambda: desk.get(case), lambda: desk.finish(case)):
        with pytest.raises(Damaged, match="is not as it was put or decided"):
            ask()


def test_an_approval_by_who_put_it_is_none(desk: Desk) -> None:
    case = put(desk, by=ANN)
    desk.decide(case, BEN, True, REASON)
    desk.database.execute("UPDATE paper SET decided_by=by")
    with pytest.raises(Damaged):
        desk.get(case)


def test_under_another_secret_nothing_is_opened(path: Path) -> None:
    first = Desk(path, lambda: SECRET, clock=lambda: NOW)
    case = put(first)
    first.close()
    other = Desk(path, lambda: bytes(32), clock=lambda: NOW)
    with pytest.raises(Damaged, match="sealed under another secret"):
        other.get(case)
    other.close()


def test_a_secret_of_another_size_seals_nothing(path: Path) -> None:
    desk = Desk(path, lambda: SECRET[:16], clock=lambda: NOW)
    with pytest.raises(Malformed, match="has 16 bytes and must have 32"):
        put(desk)
    assert desk.waiting() == []
    desk.close()


@pytest.mark.parametrize("by", [ANN, BEN])
@pytest.mark.parametrize("approved", [False, True])
def test_a_withdrawn_case_keeps_who_withdrew_it_and_nothing_it_held(
    desk: Desk, path: Path, by: str, approved: bool
) -> None:
    case = put(desk)
    if approved:
        desk.decide(case, BEN, True, "seen")
    desk.withdraw(case, by, REASON)
    found = desk.get(case)
    assert (found.case.standing, found.content) == ("withdrawn", None)
    assert found.case.decision == Decision(by, NOW, False, REASON)
    assert desk.waiting() == desk.approved() == []
    assert b"Featherstonehaugh" not in stored(path)
    with pytest.raises(Refused, match="withdrawn already"):
        desk.withdraw(case, by, REASON)
    with pytest.raises(Refused, match="withdrawn"):
        desk.finish(case)


def test_who_withdrew_a_case_is_sealed(desk: Desk) -> None:
    case = put(desk)
    desk.withdraw(case, ANN, REASON)
    desk.database.execute("UPDATE paper SET decided_by=? WHERE id=?", (BEN, case))
    with pytest.raises(Damaged):
        desk.get(case)


def test_a_withdrawal_cannot_be_made_into_an_approval(desk: Desk) -> None:
    case = put(desk)
    desk.withdraw(case, ANN, REASON)
    desk.database.execute("UPDATE paper SET standing='approved', approved=1 WHERE id=?", (case,))
    with pytest.raises(Damaged):
        desk.get(case)


def test_the_desk_is_as_it_was_when_it_is_opened_again(path: Path) -> None:
    desk = Desk(path, lambda: SECRET, clock=lambda: NOW)
    waits, approved = put(desk), put(desk)
    desk.decide(approved, BEN, True, REASON)
    before = [desk.get(case) for case in (waits, approved)]
    desk.close()
    again = Desk(path, lambda: SECRET, clock=lambda: NOW)
    assert [again.get(case) for case in (waits, approved)] == before
    again.close()


def _statement(sql: str) -> Callable[[Path], None]:
    def run(path: Path) -> None:
        connection = apsw.Connection(str(path))
        connection.execute(sql)
        connection.close()

    return run


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (_statement("CREATE TABLE other (a)"), Damaged, "this file is no desk"),
        (lambda path: path.write_bytes(b"x" * 4096), Damaged, "is damaged"),
        (
            _statement(f"PRAGMA application_id={0x1ED6E202}; PRAGMA user_version=3; CREATE TABLE a (a)"),
            Unavailable,
            "written by a newer program",
        ),
    ],
)
def test_a_file_that_is_no_desk_is_left_alone(
    path: Path, make: Callable[[Path], None], error: type[CounterfoilError], said: str
) -> None:
    make(path)
    with pytest.raises(error, match=said):
        Desk(path, lambda: SECRET)


def test_a_desk_of_the_version_before_is_brought_on(path: Path) -> None:
    before = Desk(path, lambda: SECRET, clock=lambda: NOW)
    case = put(before)
    before.close()
    _statement("DROP TABLE refusal; PRAGMA user_version=1")(path)
    again = Desk(path, lambda: SECRET, clock=lambda: NOW)
    refusals = Refusals(again)
    refusals.note(ANN, "birth", "mother-older", NOW)
    assert refusals.listed() == [Refusal(1, ANN, "birth", "mother-older", NOW)]
    assert again.get(case).content == CONTENT
    refusals.note(ANN, "birth", "born-once", NOW + KEPT + 1)
    assert [each.number for each in refusals.listed()] == [2]
    again.close()
