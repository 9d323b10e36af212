"""What whoever asks for a change may say of its circumstances: which names there are, and what each may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.ledger.content import CLOCKS, is_day_or_time
from counterfoil.ledger.names import MAX_NAME, is_name
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.change import STATED

MAX_TEXT: Final = 1_000
"""The most characters of one circumstance."""
NOT_SAME: Final = "not-same"
"""The circumstance that names the records which are of somebody else."""
MAX_NOT_SAME: Final = 100


def check_stated(circumstances: Mapping[str, Json]) -> None:
    """Raise `Malformed` unless the circumstances that are stated are known, and in form. No message repeats a value."""
    for name, value in circumstances.items():
        if name not in STATED:
            raise Malformed(
                f"the circumstance {name[:40]!r} is not one to be stated; there are {', '.join(sorted(STATED))}"
            )
        if name == NOT_SAME:
            _check_not_same(value)
        elif not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.strip():
            raise Malformed(f"the circumstance {name!r} is a text of 1 to {MAX_TEXT:,} characters")
        elif name in CLOCKS and not is_day_or_time(value):
            raise Malformed(
                f"the circumstance {name!r} is a date or time (2026, 2026-11-23, 2026-11-23T10:00:00Z); leave it out "
                "where it is not known"
            )


def _check_not_same(value: Json) -> None:
    named = value if isinstance(value, list) else []
    if (
        not named
        or len(named) > MAX_NOT_SAME
        or not all(isinstance(each, str) and is_name(each) for each in named)
    ):
        raise Malformed(
            f"the circumstance {NOT_SAME!r} lists the records that are of somebody else, 1 to {MAX_NOT_SAME} names of "
            f"up to {MAX_NAME} characters"
        )
