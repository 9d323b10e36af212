"""A person of the made-up country, as far as what happens to them later depends on it."""

from __future__ import annotations

from datetime import date

COUNTRY = "ZZZ"
"""No country's code, in ISO 3166-1 alpha-3 nor in ICAO Doc 9303; `ZZ` in alpha-2 is left to users alike."""


class Person:
    """Somebody made up. Days are counted as `date.toordinal` does; `last` is that of the last thing that befell them.

    Nothing more befalls who is `settled`: what was said of them waits for a second officer, or cannot be decided.
    """

    __slots__ = ("alive", "born", "family", "given", "last", "number", "settled", "sex", "spouse", "wedding")

    def __init__(self, number: str, sex: str, born: int, family: str, given: str):
        self.number = number
        self.sex = sex
        self.born = born
        self.family = family
        self.given = given
        self.alive = True
        self.last = born
        self.settled = False
        self.spouse: Person | None = None
        self.wedding: str | None = None
        """The entry of the marriage that stands."""

    def befalls(self, day: int) -> int:
        """The day on which something befalls them: that day, or that of what befell them last where it is later."""
        self.last = max(self.last, day)
        return self.last


def text(day: int) -> str:
    """A day as registers write it."""
    return date.fromordinal(day).isoformat()


class Numbers:
    """The numbers that the made-up offices give. None can be a real one: `ZZ` is no country's code."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def next(self, series: str) -> str:
        """The next number of a series, which a letter names (`P`, a person; `C`, a company)."""
        return f"ZZ-{series}{self._count(series):07}"

    def entry(self, book: str, district: str, year: int) -> str:
        """The next number in a district's book of a year, as civil registers write it."""
        return f"{district}/{year}/{self._count(f'{book}/{district}/{year}')}"

    def _count(self, series: str) -> int:
        number = self._last[series] = self._last.get(series, 0) + 1
        return number
