"""Numbers, times and hashes as people read them, and the four words of trust."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from counterfoil.proof.canonical import Json
from counterfoil.proof.instant import MONTHS
from counterfoil.proof.report import REPLICATED, SEALED_HERE, WITNESSED

LEVELS: Final = {
    SEALED_HERE: "One node keeps this log. A change to anything stored is detected; a rebuild of the whole node by "
    "someone who holds all its keys is not, unless somebody elsewhere kept a checkpoint.",
    WITNESSED: "The witnesses that the trust policy names have cosigned this log. Whether they are independent of this "
    "agency is for you to judge; if they are, showing the log to different people in different forms would come to "
    "light.",
    REPLICATED: "Four agencies or more keep this log together. No single one of them can change or delete an entry.",
    "published": "The log's root also stands where nobody here can change it, so that a later rebuild would show.",
}
"""What each trust level means: what is proved, and no more."""
_TIME: Final = re.compile(
    r"(-?\d{4,6})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d)(?::\d\d)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)
_THIN: Final = "\N{NARROW NO-BREAK SPACE}"
MAX_SHOWN: Final = 2_000
"""How many characters of one value a page shows; its JSON has them all."""


def number(value: int) -> str:
    """A number with thin spaces: 12 345."""
    return f"{value:,}".replace(",", _THIN)


def size(count: int) -> str:
    """How long a file is: 812 bytes, 14.2 kB, 3.1 MB."""
    if count < 1000:
        return plural(count, "byte")
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def plural(count: int, noun: str) -> str:
    """A number and its noun: 1 entry, 2 entries, 3 records."""
    if count == 1:
        return f"1 {noun}"
    return f"{number(count)} {noun[:-1]}ies" if noun.endswith("ry") else f"{number(count)} {noun}s"


def moment(text: str | None) -> str:
    """A day or time as people write it: 23 November 2026, 10:04. What is none of those stays as it is."""
    found = _TIME.fullmatch(text or "")
    if found is None:
        return text or ""
    year, month, day, clock, offset = found.groups()
    if month is not None and not 1 <= int(month) <= 12:
        return text or ""
    words = " ".join(([str(int(day))] if day else []) + ([MONTHS[int(month) - 1]] if month else []) + [year])
    if not clock:
        return words
    return f"{words}, {clock}" + ("" if offset in (None, "Z") else f" ({offset})")


def day(text: str | None) -> str:
    """The day alone of a day or time."""
    return moment((text or "").partition("T")[0])


def brief(value: Json, most: int = 80) -> str:
    """A value in a line of at most so many characters."""
    text = value if isinstance(value, str) else plain(value)
    text = " ".join(text[: 4 * most].split())
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def plain(value: Json) -> str:
    """A value as a line of text: lists with commas, objects as JSON."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return ", ".join(plain(each) if not isinstance(each, str) else each for each in value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def duration(seconds: float) -> str:
    """How long something took."""
    return (
        f"{seconds * 1000:.0f} ms"
        if seconds < 1
        else f"{seconds:.1f} seconds"
        if seconds < 60
        else _minutes(seconds)
    )


def _minutes(seconds: float) -> str:
    return f"{plural(int(seconds // 60), 'minute')} {int(seconds % 60)} seconds"
