"""A skipped test proves nothing, so each skip must be allowed by a line of `allowed-skips.txt`, or it fails."""

from __future__ import annotations

from collections.abc import Generator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import settings

ALLOWED = Path(__file__).with_name("allowed-skips.txt")

# One profile everywhere: by itself hypothesis chooses another one where it sees CI, and a slow machine is no failure.
settings.register_profile("counterfoil", deadline=None, print_blob=True)
settings.load_profile("counterfoil")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a test's skip, also one in its set-up, and a failure that it expects."""
    report = yield
    if report.skipped:
        _refuse_unless_allowed(report, getattr(report, "wasxfail", None))
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge the skip of a whole module."""
    report = yield
    if report.skipped:
        _refuse_unless_allowed(report, None)
    return report


def _refuse_unless_allowed(report: pytest.TestReport | pytest.CollectReport, expected: str | None) -> None:
    reason = expected
    if reason is None:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
    for line in ALLOWED.read_text("utf-8").splitlines():
        pattern, _, beginning = line.partition(": ")
        if not line.startswith("#") and fnmatchcase(report.nodeid, pattern) and reason.startswith(beginning):
            return
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} was skipped ({reason}), which no line of {ALLOWED.name} allows"
