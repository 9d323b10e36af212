"""Dates and times in the forms that tables have, read alike in every locale."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.proof.instant import MONTHS

_NUMBERS: Final = {name.lower(): at for at, name in enumerate(MONTHS, 1)} | {
    name[:3].lower(): at for at, name in enumerate(MONTHS, 1)
}
_PARTS: Final = {
    "Y": r"(?P<Y>\d{4})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "b": r"(?P<b>[A-Za-z]{3})",
    "B": r"(?P<b>[A-Za-z]{3,9})",
    "H": r"(?P<H>\d{1,2})",
    "M": r"(?P<M>\d{2})",
    "S": r"(?P<S>\d{2})",
    "z": r"(?P<z>Z|[+-]\d\d:?\d\d)",
    "%": "%",
}


class DateFormat:
    """A format as `strptime` writes it: %Y %m %d %H %M %S %z, and English months as %b %B.

    Two-digit years are not among them: which century they mean is nowhere said. As a date, a format may end with the
    year or the month; as a `time` it needs all down to the minute. Raises `Malformed` for any other.
    """

    def __init__(self, format_: str, *, time: bool):
        self._format = format_
        self._time = time
        pieces = re.split(r"%(.?)", format_)
        directives = pieces[1::2]
        for directive in directives:
            if directive not in _PARTS:
                raise Malformed(
                    f"the format {format_[:40]!r} has %{directive}, which is not known; there are %"
                    + ", %".join(_PARTS)
                )
        pieces[::2] = map(re.escape, pieces[::2])
        pieces[1::2] = [_PARTS[directive] for directive in directives]
        named = {each.lower() if each == "B" else each for each in directives} - {"%"}
        self._check(named, len([each for each in directives if each != "%"]))
        self._form = re.compile("".join(pieces), re.ASCII)
        self._depth = 3 if "d" in named else 2 if named & {"m", "b"} else 1
        self.read = lru_cache(maxsize=4096)(self._read)

    def _check(self, named: set[str], count: int) -> None:
        enough = {"Y"} | ({"d", "H", "M"} if self._time else set())
        month = bool(named & {"m", "b"})
        if not enough <= named or ("d" in named and not month) or {"m", "b"} <= named or count != len(named):
            wanted = (
                "year, month, day, hour and minute" if self._time else "a year, then month and day or neither"
            )
            raise Malformed(f"the format {self._format[:40]!r} must have {wanted}, each once")

    def _read(self, text: str) -> str:
        """The date (`1995-12-21`) or time (`1995-12-21T09:30:00`, with its offset where there is one) as ISO 8601."""
        found = self._form.fullmatch(text)
        moment = _moment(found.groupdict()) if found else None
        if found is None or moment is None:
            what = "time" if self._time else "date"
            raise Malformed(f"{text!r:.60} is no {what} as the format {self._format} has it")
        if self._time:
            return moment.isoformat() + _offset(found.groupdict().get("z"))
        if (moment.hour, moment.minute, moment.second) != (0, 0, 0):
            raise Malformed(
                f"{text!r:.60} has a time of day, which a date would lose; map it with the type time"
            )
        return "-".join((f"{moment.year:04}", f"{moment.month:02}", f"{moment.day:02}")[: self._depth])


def _moment(parts: dict[str, str]) -> datetime | None:
    month = _NUMBERS.get(parts["b"].lower(), 0) if "b" in parts else int(parts.get("m", 1))
    day, hour, minute, second = (
        int(parts.get(*part)) for part in (("d", "1"), ("H", "0"), ("M", "0"), ("S", "0"))
    )
    try:
        # What is meant may have any offset, or none that is known; it is written down again as it stands.
        return datetime(int(parts["Y"]), month, day, hour, minute, second)  # noqa: DTZ001  # a date of the table, which names no zone
    except ValueError:
        return None


def _offset(text: str | None) -> str:
    if text is None or text == "Z":
        return text or ""
    return f"{text[:3]}:{text[-2:]}"
