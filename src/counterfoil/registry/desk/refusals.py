"""Refusals that may tell an officer something about other people's records, which the officer need not have read.

A refused change leaves no entry, so that whoever tries often enough could find out what a constraint compares with: a
date of birth, a state. Each is noted here, and after so many a day only a second officer lets more of them be told.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from counterfoil.errors import Unauthorised
from counterfoil.registry.desk.budget import Budgets, Reading
from counterfoil.registry.desk.desk import Desk
from counterfoil.registry.desk.limits import Limit, Limits

REFUSED: Final = "refused-change"
"""The purpose under which refusals are counted, and more of them are asked for."""
MOST: Final = Limit(50, 50)
"""How many refusals an officer is told in an hour, and in a day."""
KEPT: Final = 90 * 86_400
"""Seconds for which a refusal is kept."""
MAX_LISTED: Final = 500

_NOTE: Final = 'INSERT INTO refusal (officer, register, "constraint", at) VALUES (?,?,?,?)'
_LIST: Final = (
    'SELECT number, officer, register, "constraint", at FROM refusal WHERE number>? ORDER BY number LIMIT ?'
)


class Refusal(NamedTuple):
    """Which constraint refused whose change, in which register, when (seconds since 1970)."""

    number: int
    officer: str
    register: str
    constraint: str
    at: int


class Refusals:
    """What was refused, noted on a desk and counted there."""

    def __init__(self, desk: Desk, most: Limit = MOST):
        self._desk = desk
        self._budgets = Budgets(desk, Limits(most))

    def note(self, officer: str, register: str, constraint: str, now: int) -> None:
        """Note that a constraint refuses an officer's change, before the officer is told.

        Raises `Unauthorised` in place of the reason, where so many were told already that a second officer must agree.
        """
        with self._desk.turn, self._desk.database.transaction():
            self._desk.database.execute("DELETE FROM refusal WHERE at<?", (now - KEPT,))
            self._desk.database.execute(_NOTE, (officer, register, constraint, now))
        try:
            self._budgets.spend(Reading(officer, REFUSED, register), 1, now)
        except Unauthorised:
            raise Unauthorised(
                "the change is refused, and so many of yours were refused today by rules that compare with other "
                f"records that a second officer must agree before you are told why; ask for it under the purpose "
                f"{REFUSED}, naming how many (counterfoil desk ask)"
            ) from None

    def listed(self, after: int = 0, limit: int = 100) -> list[Refusal]:
        """The refusals numbered above `after`, the first noted first."""
        most = max(1, min(limit, MAX_LISTED))
        with self._desk.turn:
            return [Refusal(*row) for row in self._desk.database.query(_LIST, (after, most))]
