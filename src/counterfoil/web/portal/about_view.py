"""What is proved at which trust level, and how anyone checks it."""

from __future__ import annotations

import msgspec

from counterfoil.web.portal.words import LEVELS


class LevelMeaning(msgspec.Struct, frozen=True):
    """A trust level, and what it means."""

    level: str
    meaning: str


class AboutView(msgspec.Struct, frozen=True):
    """The four levels, from the least to the most, and this node's address for the commands that check it."""

    levels: tuple[LevelMeaning, ...]
    address: str


def about_view(address: str) -> AboutView:
    """The page's content."""
    return AboutView(tuple(LevelMeaning(*each) for each in LEVELS.items()), address)
