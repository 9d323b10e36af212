"""The made-up country, a line at a time: the same for the same seed on every machine, however large it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from counterfoil.madeup.chance import Chance
from counterfoil.madeup.community import Community
from counterfoil.madeup.person import Numbers
from counterfoil.office.line import Line

COMMUNITY: Final = 10_000
"""The people of one community. Nobody has to do with those of another, so that only one is in memory at a time."""


def people(count: int, seed: int) -> Iterator[Line]:
    """The lines of a country of `count` people, in an order in which each can be taken when those before it are.

    A line of `person` or `birth` makes one person each. They break no constraint of the registers that come with the
    software; a few wait for a second officer (what was found in an older book, a date that is not sure, what a court
    decided), and no line after one of those depends on it.
    """
    numbers = Numbers()
    for begun in range(0, count, COMMUNITY):
        chance = Chance(f"{seed}/{begun}")
        yield from Community(chance, numbers, min(COMMUNITY, count - begun)).lines()
