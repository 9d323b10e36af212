"""Times as RFC 3339 text in UTC to the second, and as whole seconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from counterfoil.errors import Malformed

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
"""The names of the months, as pages write dates and tables may have them."""
_FORM: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z", re.ASCII)


@lru_cache(maxsize=256)
def instant_text(seconds: int) -> str:
    """Seconds since 1970 as `2026-11-23T10:00:00Z`. Raises `Malformed` outside the years 1970 to 9999."""
    if seconds < 0:
        raise Malformed(f"{seconds} seconds lies before 1970")
    try:
        return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        raise Malformed(f"{seconds} seconds lies after the year 9999") from None


@lru_cache(maxsize=4096)
def instant(text: str) -> int:
    """The seconds since 1970 of `2026-11-23T10:00:00Z`, the only form taken. Raises `Malformed`."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise Malformed(f"{text[:40]!r} is not a time; write it as 2026-11-23T10:00:00Z")
    try:
        # Not `fromisoformat`: from Python 3.13 on it takes 24:00:00 as well.
        year, month, day, hour, minute, second = map(int, found.groups())
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise Malformed(f"{text!r} is not a time: {error}") from None
    seconds = (moment - EPOCH) // timedelta(seconds=1)
    if seconds < 0:
        raise Malformed(f"{text!r} lies before 1970, when this ledger's times begin")
    return seconds
