"""Whether two persons are one: what speaks for it, what against it, and what a machine cannot know."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.registry.personal.duplicates import (
    LIKELY,
    SHOWN,
    WEIGHTS,
    Candidate,
    Found,
    candidates,
    likeness,
    lookups,
)
from counterfoil.registry.personal.tokens import Tokeniser

SECRET = bytes(range(32))
SEARCHABLE = {"names": ("name", "phonetic", "trigrams"), "date-of-birth": ("exact", "year")}


def latin(family: str | None, given: str | None) -> dict[str, Any]:
    parts = {"script": "Latn", "use": "birth", "family": family, "given": given}
    return {name: part for name, part in parts.items() if part is not None}


def person(*names: dict[str, Any], **fields: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {"names": list(names), "date-of-birth": "1985-03-02", "sex": "female"}
    stated |= {name.replace("_", "-"): value for name, value in fields.items()}
    return {name: value for name, value in stated.items() if value is not None}


MARIA = person(latin("Silva", "Maria"), mother="M-1000", father="F-1000")


def test_the_same_fields_are_as_alike_as_can_be() -> None:
    assert likeness(MARIA, MARIA) == (
        110,
        ("the same name", "the same date of birth", "the same sex", "both parents in common"),
    )


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (latin("Müller", "Jürgen"), latin("MULLER", "Jurgen"), "the same name"),
        (latin("O'Brien", "Sean"), latin("O\u2019Brien", "Seán"), "the same name"),
        (latin("Meyer-Schulz", "Anna"), latin("Meyer Schulz", "Anna"), "the same name"),
        (latin("Nguyen", "Thi Anh"), latin("Thi Anh", "Nguyen"), "the same name, its words in another order"),
        (latin("Garcia", "Ana"), latin("García Márquez", "Ana"), "all words of one name are in the other"),
        (latin("Müller", "Jürgen"), latin("Mueller", "Juergen"), "a name that sounds the same"),
        (latin("Tchaikovsky", "Pyotr"), latin("Chaykovskiy", "Pjotr"), "a name that sounds the same"),
        (latin("Ivanova", "Yelena"), latin("Iwanowa", "Elena"), "a name that sounds the same"),
        (latin("Hussein", "Mohammed"), latin("Husayn", "Muhammad"), "a name that sounds the same"),
        (latin("Yulia", "Natalya"), latin("Julia", "Natalia"), "a name that sounds the same"),
        (latin("Petersen", "Karin"), latin("Karin", "Pedersen"), "a name that sounds the same"),
        (latin("Kowalski", "Marek"), latin("Kowlaski", "Marek"), "a name that is written almost the same"),
        (latin("Silva", "Maria"), latin("Costa", "Maria"), "the same given name"),
        (latin("Silva", "Maria"), latin("Silva", "Carlos"), "the same family name"),
        (latin("Silva", "Maria"), latin("Okafor", "Chidi"), "another name"),
        (latin("Li", "Na"), latin("Lu", "Ma"), "another name"),
        (latin(None, "Suharto"), latin(None, "Soeharto"), "a name that sounds the same"),
        (
            {"script": "Cyrl", "family": "Иванова", "given": "Елена"},
            {"script": "Cyrl", "family": "Иванова", "given": "Ольга"},
            "the same family name",
        ),
        (
            {"script": "Hans", "family": "王", "given": "小明"},
            {"script": "Hans", "family": "王", "given": "小明"},
            "the same name",
        ),
        ({"family": "Silva", "given": "Maria"}, latin("Silva", "Maria"), "the same name"),
    ],
)
def test_names_are_compared_as_people_write_them(
    one: dict[str, Any], other: dict[str, Any], reason: str
) -> None:
    assert likeness({"names": [one]}, {"names": [other]}) == (WEIGHTS[reason], (reason,))


def test_of_several_names_the_two_that_are_most_alike_count() -> None:
    married = {"script": "Latn", "use": "married", "family": "Costa", "given": "Maria"}
    cyrillic = {"script": "Cyrl", "use": "birth", "family": "Сильва", "given": "Мария"}
    assert likeness(
        {"names": [latin("Silva", "Maria"), cyrillic, married]},
        {"names": [latin("Santos", "Maria"), {**cyrillic, "use": "legal"}]},
    ).reasons == ("the same name",)


def test_names_without_a_script_in_common_say_nothing() -> None:
    cyrillic = {"script": "Cyrl", "family": "Иванова", "given": "Елена"}
    assert likeness({"names": [cyrillic]}, {"names": [latin("Weber", "Anna")]}) == (0, ())


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ("1985-03-02", "1985-03-02", "the same date of birth"),
        ("1985-03-02", "1985-02-03", "day and month of birth exchanged"),
        ("1985-03-02", "1958-03-02", "another date of birth"),
        ("1985-03-02", "1985-03-12", "a date of birth that differs in one digit"),
        ("1985-03-02", "1986-03-02", "a date of birth that differs in one digit"),
        ("1985-03-02", "1985", "a date of birth that may be the same"),
        ("1985-03-02", "1985-03", "a date of birth that may be the same"),
        ("1985", "1985", "a date of birth that may be the same"),
        ("1985-03-02?", "1985-03-02", "a date of birth that may be the same"),
        ("1985-03-02", "1987~", "a date of birth that may be the same"),
        ("1985-03-02", "1989~", "another date of birth"),
        ("1985-03-02", "1986", "another date of birth"),
        ("1985-03-02", "1986-04-12", "another date of birth"),
        ("1985-03-02", "2 March 1985", None),
        ("1985-03-02", None, None),
    ],
)
def test_dates_of_birth_may_be_partial_estimated_or_mistyped(
    one: str, other: str | None, reason: str | None
) -> None:
    expected = (0, ()) if reason is None else (WEIGHTS[reason], (reason,))
    assert likeness({"date-of-birth": one}, {"date-of-birth": other}) == expected


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        ({"mother": "A", "father": "B"}, {"mother": "A", "father": "B"}, "both parents in common"),
        ({"mother": "A", "father": "B"}, {"mother": "A", "second-parent": "B"}, "both parents in common"),
        ({"mother": "A", "father": "B"}, {"mother": "A"}, "a parent in common"),
        ({"mother": "A", "father": "B"}, {"mother": "A", "father": "C"}, "a parent in common"),
        ({"mother": "A", "father": "B"}, {"mother": "C", "father": "D"}, "other parents"),
        ({"mother": "A"}, {"father": "B"}, None),
        ({"mother": "A"}, {"parents-unknown": "foundling"}, None),
    ],
)
def test_parents_may_be_unknown(one: dict[str, str], other: dict[str, str], reason: str | None) -> None:
    expected = (0, ()) if reason is None else (WEIGHTS[reason], (reason,))
    assert likeness(one, other) == expected


@pytest.mark.parametrize(
    ("one", "other", "reasons"),
    [
        ("female", "female", ("the same sex",)),
        ("female", "male", ("another sex",)),
        ("female", "unknown", ()),
        ("unknown", "unknown", ()),
    ],
)
def test_an_unknown_sex_says_nothing(one: str, other: str, reasons: tuple[str, ...]) -> None:
    assert likeness({"sex": one}, {"sex": other}).reasons == reasons


@pytest.mark.parametrize(
    "other",
    [
        person(latin("Sylva", "Maria"), mother="M-1000"),
        person(latin("Maria", "Silva")),
        person(latin("da Silva", "Maria")),
        person(latin("Silva", "Maria"), date_of_birth="1985", mother="M-1000"),
        person(latin("Silva", "Maria"), date_of_birth="1985-02-03", mother="M-1000"),
    ],
    ids=["misspelt", "exchanged names", "with a particle", "year only", "day and month exchanged"],
)
def test_one_person_entered_twice_is_likely_found(other: dict[str, Any]) -> None:
    (found,) = candidates(MARIA, [Found("r", 1, other)])
    assert found.likely


@pytest.mark.parametrize(
    "other",
    [
        person(latin("Costa", "Maria")),
        person(latin("Silva", "Maria"), date_of_birth=None),
        person(latin("Silva", "Maria"), date_of_birth="1984~"),
        person(latin("Silva", "Mario"), sex="male"),
    ],
    ids=["name of a husband", "no date", "estimated date", "other sex"],
)
def test_who_may_be_the_same_is_shown_but_not_called_likely(other: dict[str, Any]) -> None:
    (found,) = candidates(MARIA, [Found("r", 1, other)])
    assert SHOWN <= found.score < LIKELY


@pytest.mark.parametrize(
    "other",
    [
        person(latin("Silva", "Maria"), date_of_birth="1953-11-20"),
        person(latin("Silva", "Ana")),
        person(latin("Okafor", "Chidi")),
        person(latin("Silva", "Ana"), date_of_birth="1988-07-09", mother="M-1000", father="F-1000"),
        person(latin("Silva", "Maria"), date_of_birth="1986-07-09", mother="X", father="Y"),
    ],
    ids=["namesake", "same day and family name", "same day", "sister", "namesake with other parents"],
)
def test_who_is_somebody_else_is_not_shown(other: dict[str, Any]) -> None:
    assert candidates(MARIA, [Found("r", 1, other)]) == ()


@pytest.mark.parametrize(
    ("twin", "score"),
    [
        (person(latin("Silva", "Joana"), mother="M-1000", father="F-1000"), 60),
        (person(latin("Silva", "Joana"), mother="M-1000"), 50),
        (person(latin("Silva", "Mario"), sex="male", mother="M-1000", father="F-1000"), 70),
    ],
    ids=["sister", "one parent known", "names that sound the same"],
)
def test_twins_are_shown_as_such_and_never_called_likely_the_same(twin: dict[str, Any], score: int) -> None:
    (found,) = candidates(MARIA, [Found("r", 1, twin)])
    assert found.reasons[-1] == "may be twins"
    assert found.score == score
    assert not found.likely


def test_a_misspelt_given_name_does_not_make_twins() -> None:
    again = person(latin("Silva", "Marria"), mother="M-1000", father="F-1000")
    (found,) = candidates(MARIA, [Found("r", 1, again)])
    assert "may be twins" not in found.reasons
    assert found.likely


def test_candidates_come_with_the_likeliest_first_and_each_record_once() -> None:
    costa = person(latin("Costa", "Maria"))
    found = [Found("c", 4, costa), Found("b", 1, MARIA), Found("a", 2, MARIA), Found("b", 1, MARIA)]
    assert candidates(MARIA, found) == (
        Candidate("a", 2, *likeness(MARIA, MARIA)),
        Candidate("b", 1, *likeness(MARIA, MARIA)),
        Candidate("c", 4, 55, ("the same given name", "the same date of birth", "the same sex")),
    )


NAMES = st.lists(
    st.fixed_dictionaries(
        {"script": st.sampled_from(["Latn", "Cyrl"])},
        optional={
            "family": st.text(max_size=8),
            "given": st.sampled_from(["Anna", "Hanna", "Ana Maria", "Jan"]),
        },
    ),
    max_size=3,
)
PERSONS = st.fixed_dictionaries(
    {},
    optional={
        "names": NAMES,
        "date-of-birth": st.sampled_from(["1985-03-02", "1985-02-03", "1985", "1986~", "?"]),
        "sex": st.sampled_from(["female", "male", "unknown"]),
        "mother": st.sampled_from(["A", "B"]),
        "father": st.sampled_from(["A", "C"]),
    },
)


@given(PERSONS, PERSONS)
def test_likeness_is_the_same_either_way_round(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert likeness(one, other) == likeness(other, one)


@given(PERSONS, PERSONS)
def test_a_score_is_the_sum_of_its_reasons(one: dict[str, Any], other: dict[str, Any]) -> None:
    score, reasons = likeness(one, other)
    assert score == sum(WEIGHTS[reason] for reason in reasons)


def found_by(fields: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether looking for `fields` comes upon a record that is indexed with the other's tokens."""
    terms = Tokeniser(SECRET)
    indexed = set(terms.tokens(list(SEARCHABLE.items()), other))
    return any(indexed.issuperset(group) for group in lookups(terms, SEARCHABLE, fields))


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (person(latin("Silva", "Maria"), date_of_birth="1953-11-20"), True),
        (person(latin("Maria", "Silva"), date_of_birth=None), True),
        (person(latin("Sylva", "Maria")), True),
        (person(latin("Sylva", "Maria"), date_of_birth="1985-07-09"), True),
        (person(latin("Costa", "Maria")), True),
        (person(latin("Sylva", "Maria"), date_of_birth="1953-11-20"), False),
        (person(latin("Costa", "Maria"), date_of_birth="1953-11-20"), False),
        (person(latin("Okafor", "Chidi")), False),
    ],
    ids=[
        "the same name alone",
        "names exchanged",
        "one word, the same day",
        "sounds alike, the same year",
        "given name, the same day",
        "sounds alike alone",
        "given name alone",
        "the same day alone",
    ],
)
def test_candidates_are_looked_for_by_what_narrows(other: dict[str, Any], found: bool) -> None:
    assert found_by(MARIA, other) is found


def test_the_narrowest_groups_come_first() -> None:
    terms = Tokeniser(SECRET)
    groups = list(lookups(terms, SEARCHABLE, MARIA))
    day, year = (terms.query("date-of-birth", kind, "1985-03-02")[0] for kind in ("exact", "year"))
    whole = terms.whole("names", latin("Silva", "Maria"))

    assert set(groups[0]) == {whole, day}
    assert day in groups[1]
    assert set(groups[2]) == {whole, year}
    assert groups[-1] == (whole,)


@pytest.mark.parametrize(
    ("searchable", "fields", "groups"),
    [
        ({}, MARIA, 0),
        (SEARCHABLE, {}, 0),
        (SEARCHABLE, {"date-of-birth": "1985-03-02"}, 0),
        (SEARCHABLE, person(latin("\u2013", "*")), 0),
        ({"names": ("name",)}, MARIA, 1),
        ({"names": ("phonetic",)}, MARIA, 1),
        (SEARCHABLE, person({"script": "Cyrl", "family": "Иванова"}, date_of_birth=None), 1),
    ],
)
def test_nothing_is_looked_for_that_is_not_indexed_or_not_known(
    searchable: dict[str, tuple[str, ...]], fields: dict[str, Any], groups: int
) -> None:
    assert len(list(lookups(Tokeniser(SECRET), searchable, fields))) == groups
