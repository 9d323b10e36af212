"""Activity: how many entries each week of a year had, in all registers and in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from counterfoil.registry.catalogue.catalogue import Catalogue, Day
from counterfoil.web.portal.charts import Bar

WEEKS: Final = 53
YEARS: Final = 60
"""The most years that a chart goes back."""


class RegisterActivity(msgspec.Struct, frozen=True):
    """A register's entries within the year."""

    register: str
    title: str
    entries: int


class ActivityView(msgspec.Struct, frozen=True):
    """Entries by week over a year, by the ledger's clock; `years` by the clocks of older books."""

    first: str
    last: str
    entries: int
    weeks: tuple[Bar, ...]
    registers: tuple[RegisterActivity, ...]
    years: tuple[Bar, ...]


class Year(msgspec.Struct, frozen=True):
    """The year until a day, in whole weeks."""

    first: date
    last: date

    @classmethod
    def until(cls, seconds: float) -> Year:
        """The year that ends with the day of this instant (seconds since 1970)."""
        last = datetime.fromtimestamp(seconds, UTC).date()
        return cls(last - timedelta(days=7 * WEEKS - 1), last)

    def weeks(self, days: Sequence[Day]) -> tuple[Bar, ...]:
        """The entries of its days, week by week; each is named by its first day."""
        counts = [0] * WEEKS
        for day in days:
            counts[(date.fromisoformat(day.day) - self.first).days // 7] += day.entries
        return tuple(
            Bar((self.first + timedelta(days=7 * at)).isoformat(), count) for at, count in enumerate(counts)
        )


def activity_view(catalogue: Catalogue, now: float) -> ActivityView:
    """Read a year's activity."""
    year = Year.until(now)
    span = year.first.isoformat(), year.last.isoformat()
    weeks = year.weeks(catalogue.activity(None, *span))
    registers = [
        RegisterActivity(
            each.name,
            each.title or each.name,
            sum(day.entries for day in catalogue.activity(each.name, *span)),
        )
        for each in catalogue.registers()
        if not each.system
    ]
    registers.sort(key=lambda each: (-each.entries, each.register))
    return ActivityView(
        *span, sum(week.value for week in weeks), weeks, tuple(registers), years_of(catalogue)
    )


def years_of(catalogue: Catalogue, register: str | None = None) -> tuple[Bar, ...]:
    """How many entries each year had, as older books tell it where the entries come from one."""
    counts: Counter[int] = Counter()
    for day in catalogue.activity(register, "0000-01-01", "9999-12-31", clock="book"):
        counts[int(day.day[:4])] += day.entries
    if not counts:
        return ()
    last = max(counts)
    return tuple(Bar(str(each), counts[each]) for each in range(max(min(counts), last - YEARS + 1), last + 1))
