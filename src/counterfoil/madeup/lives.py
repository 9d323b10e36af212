"""How long made-up people live, and how many children they have."""

from __future__ import annotations

from typing import Final

from counterfoil.madeup.chance import Chance

YEAR: Final = 365.25
ADULT: Final = 19
"""The age from which people marry here, a year above what the registers demand."""
LAST_BIRTH: Final = 45
_FAMILY: Final = (0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 5)


def lifetime(chance: Chance, lived: float) -> float:
    """The age, in years, at which somebody dies who has lived to be `lived` already."""
    if lived == 0 and chance.of(0.006):
        return chance.random()
    age = 42 + 20 * (chance.random() + chance.random() + chance.random())
    return age if age > lived + 0.5 else lived + 0.5 + 8 * chance.random()


def children(chance: Chance) -> int:
    """How many children a couple wants."""
    return chance.pick(_FAMILY)
