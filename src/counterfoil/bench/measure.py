"""How figures are taken: subject and reference alternate in one run; the median ratio is told with its spread."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence

import msgspec

Timed = Callable[[], float]
"""Does a piece of work and returns the seconds it took, by the clock that the figure is about."""


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """One measured figure. `low` and `high` are its extremes over the rounds, `load` the machine's at its end.

    `limit` is what was aimed at, and `met` whether the median meets it; `at_least` turns the comparison round.
    """

    name: str
    value: float
    unit: str
    low: float
    high: float
    rounds: int
    load: float
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the limit is met; None where there is none."""
        if self.limit is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def figure(
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    limit: float | None = None,
    at_least: bool = False,
    note: str = "",
) -> Figure:
    """The median of measured values, with their spread and the load of the machine."""
    return Figure(
        name,
        round(statistics.median(values), 3),
        unit,
        round(min(values), 3),
        round(max(values), 3),
        len(values),
        round(os.getloadavg()[0], 2),
        limit,
        at_least,
        note,
    )


def alternate(subject: Timed, reference: Timed, rounds: int) -> list[float]:
    """Ratios of subject to reference, run in turn; which of the two goes first changes each round."""
    ratios = []
    for round_ in range(rounds):
        if round_ % 2:
            below = reference()
            above = subject()
        else:
            above = subject()
            below = reference()
        ratios.append(above / below)
    return ratios


def cpu(work: Callable[[], object]) -> Timed:
    """`work`, timed by the processor time of this process."""
    return lambda: _elapsed(work, time.process_time)


def wall(work: Callable[[], object]) -> Timed:
    """`work`, timed by the clock on the wall."""
    return lambda: _elapsed(work, time.perf_counter)


def _elapsed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start
