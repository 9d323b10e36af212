"""The desk against a plain model of it: whatever is done in whatever order, and across restarts."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from counterfoil.errors import Refused
from counterfoil.registry.desk.desk import WAITING_SECONDS, Desk

OFFICERS = st.sampled_from(["a" * 16, "b" * 16, "c" * 16])
REGISTERS = st.sampled_from(["birth", "death"])
SECRET = bytes(range(32))
REASON = "as the certificate says"


@dataclass
class Expected:
    """What should be known of a case."""

    by: str
    register: str
    content: bytes | None
    until: int
    standing: str = "waiting"
    decided_by: str | None = None
    reason: str | None = None


class DeskStates(RuleBasedStateMachine):
    """Officers put, decide and carry out cases while time goes by and the process starts anew."""

    cases: Bundle[str] = Bundle("cases")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.now = 1_800_000_000
        self.known: dict[str, Expected] = {}
        self.desk = self._opened()

    def _opened(self) -> Desk:
        return Desk(self.folder / "desk.db", lambda: SECRET, clock=lambda: self.now)

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.close()
            shutil.rmtree(self.folder)

    @rule(target=cases, by=OFFICERS, register=REGISTERS, content=st.binary(max_size=4_000))
    def put(self, by: str, register: str, content: bytes) -> str:
        case = self.desk.put("change", content, by, register, ["four-eyes"])
        assert case not in self.known
        self.known[case] = Expected(by, register, content, self.now + WAITING_SECONDS)
        return case

    @rule(case=cases, by=OFFICERS, approved=st.booleans())
    def decide(self, case: str, by: str, approved: bool) -> None:
        expected = self.known[case]
        allowed = expected.standing == "waiting" and by != expected.by
        assert self._done(lambda: self.desk.decide(case, by, approved, REASON)) is allowed
        if allowed:
            expected.standing = "approved" if approved else "refused"
            expected.decided_by, expected.reason = by, REASON
            if not approved:
                expected.content = None

    @rule(case=cases)
    def finish(self, case: str) -> None:
        expected = self.known[case]
        allowed = expected.standing in {"approved", "done"}
        assert self._done(lambda: self.desk.finish(case)) is allowed
        if allowed:
            expected.standing, expected.content, expected.reason = "done", None, None

    @rule(days=st.sampled_from([1, 30, 89, 90, 91]))
    def wait(self, days: int) -> None:
        self.now += days * 86_400
        for expected in self.known.values():
            if expected.until < self.now:
                expected.content = expected.reason = None
                if expected.standing in {"waiting", "approved"}:
                    expected.standing = "lapsed"
        self.desk.lapse()

    @rule()
    def restart(self) -> None:
        self.desk.close()
        self.desk = self._opened()

    @invariant()
    def every_case_is_what_it_should_be(self) -> None:
        for name, expected in self.known.items():
            case, content = self.desk.get(name)
            decision = case.decision
            assert content == expected.content
            assert (case.by, case.register, case.standing) == (
                expected.by,
                expected.register,
                expected.standing,
            )
            assert (decision.by if decision else None) == expected.decided_by
            assert (decision.reason if decision else None) == expected.reason

    @invariant()
    def the_lists_have_each_case_in_its_turn(self) -> None:
        for standing, listed in (("waiting", self.desk.waiting()), ("approved", self.desk.approved())):
            assert [each.id for each in listed] == [
                name for name, expected in self.known.items() if expected.standing == standing
            ]
        births = [each.id for each in self.desk.waiting(["birth"])]
        assert births == [each.id for each in self.desk.waiting() if each.register == "birth"]

    def _done(self, act: object) -> bool:
        assert callable(act)
        try:
            act()
        except Refused:
            return False
        return True


TestDeskStates = DeskStates.TestCase
TestDeskStates.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
