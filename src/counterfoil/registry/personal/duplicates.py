"""Whether somebody who is to be registered already is: candidates are found by tokens, scored here, judged by people.

The score adds what speaks for one person and takes away what speaks against it, after Fellegi and Sunter, A Theory for
Record Linkage (1969), with weights in whole points that a registrar can follow; `WEIGHTS` has them all. From `SHOWN`
points a candidate is shown and must be called *same* or *not same*; from `LIKELY` it is called likely. What is unknown
weighs nothing. Nobody is ever taken for the same by score alone: twins, and namesakes born the same day, are real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import Final, NamedTuple

from jellyfish import damerau_levenshtein_distance, jaro_winkler_similarity

from counterfoil.errors import Malformed
from counterfoil.ledger.dates import Interval, parse_date
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.normal import romanised, search_words
from counterfoil.registry.personal.tokens import Tokeniser, name_text, phonetic

SHOWN: Final = 50
LIKELY: Final = 80
WEIGHTS: Final[Mapping[str, int]] = {
    "the same name": 50,
    "the same name, its words in another order": 45,
    "all words of one name are in the other": 45,
    "a name that sounds the same": 40,
    "a name that is written almost the same": 35,
    "the same given name": 20,
    "the same family name": 10,
    "another name": -30,
    "the same date of birth": 30,
    "day and month of birth exchanged": 20,
    "a date of birth that differs in one digit": 15,
    "a date of birth that may be the same": 15,
    "another date of birth": -30,
    "the same sex": 5,
    "another sex": -15,
    "a parent in common": 15,
    "both parents in common": 25,
    "other parents": -15,
    "may be twins": -10,
}
"""What each finding weighs, in points; the findings are the reasons that are shown."""
_ALIKE: Final = 0.88
"""From which Jaro-Winkler similarity two words are almost the same: one letter in six, or two in ten."""
_YEARS_APART: Final = 2 * 366
"""Days by which an estimated date may be wrong."""


class Found(NamedTuple):
    """A record that shares tokens with the new one, its fields read."""

    record: str
    version: int
    fields: Mapping[str, Json]


class Candidate(NamedTuple):
    """A record that may be of the same person: its score in points, and what speaks for it and against it."""

    record: str
    version: int
    score: int
    reasons: tuple[str, ...]

    @property
    def likely(self) -> bool:
        """Whether it is likely the same person."""
        return self.score >= LIKELY


class Likeness(NamedTuple):
    """How alike two persons' fields are."""

    score: int
    reasons: tuple[str, ...]


def lookups(
    tokeniser: Tokeniser, searchable: Mapping[str, tuple[str, ...]], fields: Mapping[str, Json]
) -> Iterator[tuple[int, ...]]:
    """Groups of tokens, the narrowest first: what has all tokens of one group is worth comparing.

    `searchable` gives the kinds by which each field is indexed. The later groups find more of others: whoever asks
    may stop when enough are found.
    """
    born = fields.get("date-of-birth")
    by_birth = searchable.get("date-of-birth", ()) if born else ()
    groups = _name_groups(tokeniser, searchable.get("names", ()), _names(fields.get("names")))
    day = tokeniser.query("date-of-birth", "exact", born) if "exact" in by_birth else ()
    year = tokeniser.query("date-of-birth", "year", born) if "year" in by_birth else ()
    for narrowing in filter(None, (day, year)):
        yield from (_together(group, narrowing) for group in (*groups.written, *groups.sounding))
    if day:
        yield from (_together(group, day) for group in groups.words)
    yield from groups.written
    if not (day or year):
        yield from groups.sounding


class _Groups(NamedTuple):
    """What finds names as they are written, as they sound, and by one of their words."""

    written: list[tuple[int, ...]]
    sounding: list[tuple[int, ...]]
    words: list[tuple[int, ...]]


def _name_groups(tokeniser: Tokeniser, kinds: tuple[str, ...], names: list[Mapping[str, Json]]) -> _Groups:
    latin = [each for each in names if any(map(phonetic, _all(each)))]
    words = {word for each in names for word in _all(each)}
    return _Groups(
        [(tokeniser.whole("names", each),) for each in names] if "name" in kinds else [],
        [tokeniser.query("names", "phonetic", each) for each in latin] if "phonetic" in kinds else [],
        [tokeniser.query("names", "name", each) for each in sorted(words)] if "name" in kinds else [],
    )


def _together(group: tuple[int, ...], narrowing: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted({*group, *narrowing}))


def candidates(fields: Mapping[str, Json], found: Iterable[Found]) -> tuple[Candidate, ...]:
    """Those found that may be the same person as the one with these fields, the likeliest first."""
    scored = (Candidate(each.record, each.version, *likeness(fields, each.fields)) for each in found)
    shown = {each.record: each for each in scored if each.score >= SHOWN}
    return tuple(sorted(shown.values(), key=lambda each: (-each.score, each.record)))


def likeness(one: Mapping[str, Json], other: Mapping[str, Json]) -> Likeness:
    """How alike two persons are by names, date of birth, sex and parents; the same either way round."""
    found = (
        _compare_names(_names(one.get("names")), _names(other.get("names"))),
        _compare_births(one.get("date-of-birth"), other.get("date-of-birth")),
        _compare_sexes(one.get("sex"), other.get("sex")),
        _compare_parents(_parents(one), _parents(other)),
    )
    reasons = tuple(reason for reason in found if reason is not None)
    if _may_be_twins(one, other, reasons):
        reasons = (*reasons, "may be twins")
    return Likeness(sum(WEIGHTS[reason] for reason in reasons), reasons)


def _may_be_twins(one: Mapping[str, Json], other: Mapping[str, Json], reasons: tuple[str, ...]) -> bool:
    """Born the same day to a same parent, and called otherwise, or otherwise by a letter and of another sex."""
    if "the same date of birth" not in reasons:
        return False
    if not {"a parent in common", "both parents in common"}.intersection(reasons):
        return False
    pairs = _comparable(_names(one.get("names")), _names(other.get("names")))
    given = [(_words(a, "given"), _words(b, "given")) for a, b in pairs]
    if "another sex" in reasons:
        return any(a != b for a, b in given)
    return bool(given) and not any(_pair_up(a, b, _almost_alike) for a, b in given)


def _compare_names(ones: list[Mapping[str, Json]], others: list[Mapping[str, Json]]) -> str | None:
    """The best that any two names in one script have in common; None where no script is in both."""
    found = [_compare_name(a, b) for a, b in _comparable(ones, others)]
    return max(found, key=WEIGHTS.__getitem__, default=None)


def _compare_name(one: Mapping[str, Json], other: Mapping[str, Json]) -> str:
    family, given = (
        (_words(one, "family"), _words(other, "family")),
        (_words(one, "given"), _words(other, "given")),
    )
    if family[0] == family[1] and given[0] == given[1]:
        return "the same name"
    words, others = _all(one), _all(other)
    if sorted(words) == sorted(others):
        return "the same name, its words in another order"
    fewer, more = sorted((set(words), set(others)), key=len)
    if len(fewer) > 1 and fewer < more:
        return "all words of one name are in the other"
    if _pair_up(words, others, _sound_alike):
        return "a name that sounds the same"
    if _pair_up(words, others, _almost_alike):
        return "a name that is written almost the same"
    if given[0] and given[0] == given[1]:
        return "the same given name"
    return "the same family name" if family[0] and family[0] == family[1] else "another name"


def _comparable(
    ones: list[Mapping[str, Json]], others: list[Mapping[str, Json]]
) -> list[tuple[Mapping[str, Json], Mapping[str, Json]]]:
    """The pairs of names that are in the same script, as far as they say in which."""
    return [
        (a, b)
        for a, b in product(ones, others)
        if a.get("script") == b.get("script") or None in (a.get("script"), b.get("script"))
    ]


def _pair_up(words: tuple[str, ...], others: tuple[str, ...], alike: Callable[[str, str], bool]) -> bool:
    """Whether each word has one that is alike among the others, each taken once."""
    left = list(others)
    for word in words:
        partner = next((each for each in left if alike(word, each)), None)
        if partner is None:
            return False
        left.remove(partner)
    return bool(words) and not left


def _sound_alike(one: str, other: str) -> bool:
    if one == other:
        return True
    sound = phonetic(one)
    if sound is None or phonetic(other) is None:
        return False
    return (sound == phonetic(other) and one[0] == other[0]) or romanised(one) == romanised(other)


def _almost_alike(one: str, other: str) -> bool:
    if _sound_alike(one, other):
        return True
    if min(len(one), len(other)) < 4:
        return False
    return (
        damerau_levenshtein_distance(one, other) == 1
        or jaro_winkler_similarity(romanised(one), romanised(other)) >= _ALIKE
    )


def _compare_births(one: Json, other: Json) -> str | None:
    first, second = _interval(one), _interval(other)
    if first is None or second is None:
        return None
    if first == second and first.sure and first.first == first.last:
        return "the same date of birth"
    slack = 0 if first.sure and second.sure else _YEARS_APART
    if first.first - slack <= second.last and second.first - slack <= first.last:
        return "a date of birth that may be the same"
    if len(one) == len(other) == len("2026-11-24"):
        if (one[:4], one[5:7], one[8:]) == (other[:4], other[8:], other[5:7]):
            return "day and month of birth exchanged"
        if sum(a != b for a, b in zip(one, other, strict=True)) == 1:
            return "a date of birth that differs in one digit"
    return "another date of birth"


def _interval(value: Json) -> Interval | None:
    try:
        return parse_date(value) if isinstance(value, str) else None
    except Malformed:
        return None


def _compare_sexes(one: Json, other: Json) -> str | None:
    if not isinstance(one, str) or not isinstance(other, str) or "unknown" in (one, other):
        return None
    return "the same sex" if one == other else "another sex"


def _compare_parents(one: Mapping[str, str], other: Mapping[str, str]) -> str | None:
    shared = len(
        set(one.values()) & set(other.values())
    )  # whoever is the father in one book may be second in another
    if shared:
        return "both parents in common" if shared > 1 else "a parent in common"
    return None if one.keys().isdisjoint(other) else "other parents"


def _parents(fields: Mapping[str, Json]) -> dict[str, str]:
    """The person numbers of the parents that are known."""
    known = {role: fields.get(role) for role in ("mother", "father", "second-parent")}
    return {role: number for role, number in known.items() if isinstance(number, str)}


def _names(value: Json) -> list[Mapping[str, Json]]:
    """The names in a list of them that have a letter."""
    return (
        [each for each in value if isinstance(each, dict) and _all(each)] if isinstance(value, list) else []
    )


def _all(name: Mapping[str, Json]) -> tuple[str, ...]:
    return search_words(name_text(name))


def _words(name: Mapping[str, Json], part: str) -> tuple[str, ...]:
    text = name.get(part)
    return search_words(text) if isinstance(text, str) else ()
