"""Rows of one file that are likely of one person: the later is judged once the earlier is stored, as by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.duplicates import Found, candidates
from counterfoil.registry.personal.identifying import is_asked
from counterfoil.registry.personal.normal import search_words
from counterfoil.registry.personal.plan import Plan
from counterfoil.registry.personal.tokens import name_text


class Alike:
    """The new persons among rows that are on their way into one transaction."""

    def __init__(self) -> None:
        self._by_clue: dict[str, list[Found]] = {}

    def has(self, change: Change, plan: Plan) -> bool:
        """Whether one of them is likely the person that a change would register."""
        if not _registers(change, plan):
            return False
        near = {
            found.record: found for clue in _clues(change.fields) for found in self._by_clue.get(clue, ())
        }
        return any(each.likely for each in candidates(change.fields, near.values()))

    def add(self, change: Change, plan: Plan) -> None:
        """Put in a row, if it registers a person."""
        if _registers(change, plan):
            found = Found(str(len(self._by_clue)), 0, change.fields)
            for clue in set(_clues(change.fields)):
                self._by_clue.setdefault(clue, []).append(found)


def _registers(change: Change, plan: Plan) -> bool:
    return change.operation == "create" and is_asked(plan)


def _clues(fields: Mapping[str, Json]) -> Iterator[str]:
    """What two persons' fields have in common who are likely one: the day of birth, or a word of a name."""
    born, names = fields.get("date-of-birth"), fields.get("names")
    if isinstance(born, str):
        yield born
    for each in names if isinstance(names, list) else ():
        if isinstance(each, dict):
            yield from search_words(name_text(each))
