"""Progress of long work on standard error: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

Tell: TypeAlias = Callable[[int, int], None]
"""Told how much is done, of how much."""

PATIENCE: Final = 0.5
"""Seconds before a bar appears: what is done sooner needs none, and need not load what draws it."""
LINE_SECONDS: Final = 10.0
"""Seconds between two lines where there is no terminal."""


class Progress:
    """One piece of long work; `unit` names what is counted (`entries`)."""

    def __init__(self, title: str, unit: str):
        self._title = title
        self._unit = unit
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._terminal = sys.stderr.isatty()
        self._due = time.monotonic() + (PATIENCE if self._terminal else LINE_SECONDS)

    def tell(self, done: int, total: int) -> None:
        """Show how far the work is."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)
        elif time.monotonic() >= self._due:
            self._show(done, total)

    def close(self) -> None:
        """Take the bar away; what became of the work is said by its result."""
        if self._bar is not None:
            self._bar.stop()

    def _show(self, done: int, total: int) -> None:
        if not self._terminal:
            self._due = time.monotonic() + LINE_SECONDS
            sys.stderr.write(f"{self._title}: {done:,} of {total:,} {self._unit}".rstrip() + "\n")
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(self._unit),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(self._title, completed=done, total=total)
        self._bar.start()
