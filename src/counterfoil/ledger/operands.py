"""How constraints name values: paths into fields, fields of another record, the clock, and literals.

`a/b` is member `b` of field `a`; `*` stands for every member of a list (`holdings/*/number`). `spouse>date-of-birth`
follows the reference that the field `spouse` is into that record. `:now`, `:valid-from`, `:valid-to` and `:recorded`
are clocks; `=TEXT` is the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json

CLOCKS: Final = frozenset({"now", "valid-from", "valid-to", "recorded"})
MAX_STEPS: Final = 16
_NAME: Final = re.compile(r"[!-)+-./-9;<?-~]+", re.ASCII)
EVERY: Final = "*"


class Path(NamedTuple):
    """Steps into a record's fields: the field's name first, `*` for each member of a list."""

    steps: tuple[str, ...]

    @property
    def field(self) -> str:
        """The field that the path begins with."""
        return self.steps[0]

    @property
    def many(self) -> bool:
        """Whether the path may lead to more than one value."""
        return EVERY in self.steps

    def __str__(self) -> str:
        return "/".join(self.steps)


class Operand(NamedTuple):
    """One of: a path, perhaps with a path into the record that it names (`into`); a clock; a literal."""

    path: Path | None = None
    into: Path | None = None
    clock: str | None = None
    literal: str | None = None


@lru_cache(maxsize=1024)
def parse_path(text: str) -> Path:
    """Read `a`, `a/b` or `a/*/b`. Raises `Malformed`."""
    steps = tuple(text.split("/"))
    if steps[0] == EVERY or len(steps) > MAX_STEPS or not all(map(_is_step, steps)):
        raise Malformed(
            f"{text[:80]!r} is no path to a field; write it as a, a/b or a/*/b, with names in ASCII that have none of "
            "the characters / > * : ="
        )
    return Path(steps)


@lru_cache(maxsize=1024)
def parse_operand(text: str) -> Operand:
    """Read an operand. Raises `Malformed`."""
    if text.startswith("="):
        return Operand(literal=text[1:])
    if text.startswith(":"):
        if text[1:] not in CLOCKS:
            raise Malformed(
                f"{text[:40]!r} is no clock; there are {', '.join(f':{each}' for each in sorted(CLOCKS))}"
            )
        return Operand(clock=text[1:])
    path, follows, into = text.partition(">")
    return Operand(path=parse_path(path), into=parse_path(into) if follows else None)


def values_at(value: Json, steps: tuple[str, ...]) -> Iterator[Json]:
    """Every value that these steps lead to; none where a member is missing or of another type."""
    if not steps:
        yield value
    elif steps[0] == EVERY:
        for member in value if isinstance(value, list) else ():
            yield from values_at(member, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from values_at(value[steps[0]], steps[1:])


def _is_step(step: str) -> bool:
    return step == EVERY or (_NAME.fullmatch(step) is not None and "/" not in step and ">" not in step)
