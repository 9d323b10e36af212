"""Days and times as registers state them: a year, a month, a day or a second, each with a beginning and an end."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final, TypeAlias

from counterfoil.errors import Malformed

Moment: TypeAlias = tuple[int, int, int, int, int, int]
"""Year, month, day, hour, minute, second, in UTC where an offset was stated."""

_FORM: Final = re.compile(
    r"(-?\d{4,6})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?(Z|[+-]\d\d:\d\d))?)?)?", re.ASCII
)
_FIRST: Final = (1, 1, 0, 0, 0)
_LAST: Final = (12, 31, 23, 59, 59)


def earliest(text: str) -> Moment:
    """The first second of what `text` names (`2016`, `2016-04`, `2016-04-05`, `2016-04-05T13:23:05Z`)."""
    return _moment(text, _FIRST)


def latest(text: str) -> Moment:
    """Its last second; a month counts 31 days here, which orders all the same. Raises `Malformed`."""
    return _moment(text, _LAST)


def _moment(text: str, fill: tuple[int, ...]) -> Moment:
    match = _FORM.fullmatch(text)
    if match is None:
        raise Malformed(
            f"{text[:40]!r} is not a day or time; write 2016, 2016-04, 2016-04-05 or 2016-04-05T13:23:05Z"
        )
    year, *parts, offset = match.groups()
    if offset not in (None, "Z"):
        try:
            moment = datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise Malformed(f"{text!r} is not a time: {error}") from None
        return moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second
    month, day, hour, minute, second = (
        int(part) if part is not None else default for part, default in zip(parts, fill, strict=True)
    )
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 24 and minute <= 59 and second <= 60):
        raise Malformed(f"{text!r} is not a day or time that exists")
    return int(year), month, day, hour, minute, second
