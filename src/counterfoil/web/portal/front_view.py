"""The front page: what is kept here, and how it has changed of late."""

from __future__ import annotations

from typing import Final

import msgspec

from counterfoil.registry.catalogue.catalogue import Catalogue, RegisterSummary
from counterfoil.web.portal.activity_view import Year
from counterfoil.web.portal.charts import Bar
from counterfoil.web.portal.register_view import by_title

SHOWN: Final = 60


class FrontView(msgspec.Struct, frozen=True):
    """The registers, those that changed last where there are too many for a page, and a year's activity."""

    registers: tuple[RegisterSummary, ...]
    count: int
    records: int
    entries: int
    weeks: tuple[Bar, ...]
    last: str
    """The day that the last week ends with."""


def front_view(catalogue: Catalogue, now: float) -> FrontView:
    """Read what the front page shows."""
    registers = [each for each in catalogue.registers() if not each.system]
    shown = sorted(registers, key=lambda each: each.last_time or "", reverse=True)[:SHOWN]
    year = Year.until(now)
    weeks = year.weeks(catalogue.activity(None, year.first.isoformat(), year.last.isoformat()))
    return FrontView(
        tuple(sorted(shown, key=by_title)),
        len(registers),
        sum(each.records for each in registers),
        sum(each.entries for each in registers),
        weeks,
        year.last.isoformat(),
    )
