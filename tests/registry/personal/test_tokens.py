"""Tokens of a blind index: what finds what, and that nothing is found without the secret."""

from __future__ import annotations

import hmac
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.ledger.declared import KeyForm
from counterfoil.registry.personal.tokens import (
    MAX_TEXTS,
    MAX_WORDS,
    TRIGRAMS,
    Tokeniser,
    phonetic,
    query_tokens,
    tokens,
)

SECRET = bytes(range(32))
KINDS = ("exact", "name", "phonetic", "trigrams", "year")
SEARCHABLE = (("names", ("name", "phonetic")), ("date-of-birth", ("exact", "year")))
PERSON = {
    "number": "311299-1234",
    "names": [
        {"script": "Latn", "family": "Ivanova", "given": "Yelena", "use": "birth"},
        {"script": "Cyrl", "family": "Иванова", "given": "Елена", "use": "birth"},
    ],
    "date-of-birth": "1999-12-31",
}


def finds(value: Any, kind: str, asked: Any, form: KeyForm | None = None) -> bool:
    """Whether a field with this value, indexed by this kind, is found by what is asked."""
    indexed = tokens(SECRET, "field", value, (kind,), form)
    return set(query_tokens(SECRET, "field", asked, kind, form)) <= set(indexed)


def by_definition(field: str, kind: str, term: str) -> int:
    message = json.dumps(["blind/v1", field, kind, term], separators=(",", ":"), ensure_ascii=False).encode()
    return int.from_bytes(hmac.new(SECRET, message, "sha256").digest()[:8], "big", signed=True)


def test_a_person_has_a_token_for_each_thing_that_the_definition_declares() -> None:
    expected = [
        ("names", "name", "ivanova"),
        ("names", "name", "yelena"),
        ("names", "name", "иванова"),
        ("names", "name", "елена"),
        ("names", "whole", "ivanova yelena"),
        ("names", "whole", "елена иванова"),
        ("names", "phonetic", "IFNF"),
        ("names", "phonetic", "YLN"),
        ("date-of-birth", "exact", "1999-12-31"),
        ("date-of-birth", "year", "1999"),
    ]
    assert Tokeniser(SECRET).tokens(SEARCHABLE, PERSON) == tuple(
        sorted(by_definition(*each) for each in expected)
    )


def test_a_token_is_what_openssl_makes_of_it() -> None:
    # printf '["blind/v1","number","exact","311299-1234"]' | openssl dgst -sha256 -mac HMAC -macopt hexkey:00..1f
    assert tokens(SECRET, "number", "311299-1234", ("exact",)) == (5_624_942_677_506_905_303,)


def test_a_secret_of_any_length_keys_as_hmac_has_it() -> None:
    for secret in (b"", b"k" * 64, b"k" * 65, b"k" * 200):
        mac = hmac.new(secret, b'["blind/v1","f","exact","x"]', "sha256").digest()
        assert tokens(secret, "f", "x", ("exact",)) == (int.from_bytes(mac[:8], "big", signed=True),)


def test_tokens_stand_in_order_of_size_and_none_comes_twice() -> None:
    made = tokens(
        SECRET, "names", [{"family": "Bo", "given": "Bo"}, {"family": "Bo", "given": "BO"}], ("name",)
    )
    assert made == tuple(
        sorted({by_definition("names", "name", "bo"), by_definition("names", "whole", "bo bo")})
    )


def test_tokens_fit_a_signed_integer_of_64_bits() -> None:
    made = [tokens(SECRET, "f", str(number), ("exact",))[0] for number in range(200)]
    assert all(-(2**63) <= each < 2**63 for each in made)
    assert min(made) < 0 < max(made)
    assert len(set(made)) == 200


def test_the_same_text_has_another_token_in_another_field_kind_or_register() -> None:
    made = {
        *tokens(SECRET, "one", "1985", ("exact",)),
        *tokens(SECRET, "two", "1985", ("exact",)),
        *tokens(SECRET, "one", "1985", ("year",)),
        *tokens(bytes(32), "one", "1985", ("exact",)),
    }
    assert len(made) == 4


def test_fields_that_are_absent_or_null_have_no_token() -> None:
    assert Tokeniser(SECRET).tokens(SEARCHABLE, {"names": None, "other": "text"}) == ()


def test_a_value_without_a_letter_has_no_token_by_name() -> None:
    assert tokens(SECRET, "names", "\u2013", ("name", "phonetic", "trigrams")) == ()


@pytest.mark.parametrize(
    ("value", "kind", "asked", "found"),
    [
        ("AB 12", "exact", "ab 12", True),
        ("AB 12", "exact", "ab12", False),
        (1042, "exact", "1042", True),
        (["one", "two"], "exact", "two", True),
        ("Ivanova Yelena", "name", "yelena", True),
        ("Ivanova Yelena", "name", "Yelena IVANOVA", True),
        ("Ivanova Yelena", "name", "Yelena Petrova", False),
        ("Ivanova Yelena", "name", "Ivan", False),
        ("O'Brien", "name", "o\u2019brien", True),
        ("Müller-Lüdenscheidt", "name", "muller", True),
        ("van der Berg", "name", "Berg", True),
        ("王小明", "name", "王小明", True),
        ("Müller", "phonetic", "Mueller", True),
        ("Mohammed Hussein", "phonetic", "Muhammad Husayn", True),
        ("Mohammed Hussein", "phonetic", "Muhammad", True),
        ("Tchaikovsky", "phonetic", "Chaykovskiy", True),
        ("Schmidt", "phonetic", "Weber", False),
        ("Andersson", "trigrams", "and", True),
        ("Andersson", "trigrams", "An", True),
        ("Andersson", "trigrams", "Andersson", True),
        ("Andersson", "trigrams", "Anderssons", False),
        ("Andersson", "trigrams", "son", False),
        ("Nordic Steel Works", "trigrams", "wor nord", True),
        ("1985", "year", "1985-03-02", True),
        ("1985-03-02", "year", 1985, True),
        ("1985-03~", "year", "1985", True),
        ("1985-03-02", "year", "1986", False),
    ],
)
def test_a_search_finds_what_it_is_for(value: Any, kind: str, asked: Any, found: bool) -> None:
    assert finds(value, kind, asked) is found


def test_an_exact_value_is_compared_in_the_form_of_a_key_where_it_has_one() -> None:
    form = KeyForm(case="fold", spaces="remove")
    assert finds("AB 12", "exact", "ab1 2", form)
    with pytest.raises(Malformed, match="the key is empty"):
        query_tokens(SECRET, "number", " ", "exact", form)


def test_a_name_in_parts_is_found_by_any_of_its_words_in_any_script() -> None:
    for asked in ("Yelena", "ivanova", "Елена Иванова", {"family": "Ivanova", "given": "Yelena"}):
        assert finds(PERSON["names"], "name", asked)


def test_a_whole_name_has_one_token_whatever_the_order_of_its_words() -> None:
    terms = Tokeniser(SECRET)
    indexed = terms.tokens(SEARCHABLE, PERSON)
    assert terms.whole("names", {"family": "Yelena", "given": "Ivanova"}) in indexed
    assert terms.whole("names", "IVANOVA Yelena") in indexed
    assert terms.whole("names", "Ivanova") not in indexed


@given(st.text(max_size=60), st.data())
def test_the_beginning_of_a_word_is_always_found_by_trigrams(text: str, data: st.DataObject) -> None:
    word = data.draw(st.from_regex(r"[a-z]{1,40}", fullmatch=True))
    beginning = word[: data.draw(st.integers(1, len(word)))]
    value = f"{text[:20]} {word}"
    assert finds(value, "trigrams", beginning)


def test_a_long_word_has_a_declared_number_of_trigrams() -> None:
    assert len(tokens(SECRET, "f", "abcdefghijklmnopqrstuvwxyz", ("trigrams",))) == TRIGRAMS
    assert len(query_tokens(SECRET, "f", "abcdefghijklmnopqrstuvwxyz", "trigrams")) == TRIGRAMS
    assert len(tokens(SECRET, "f", "anna", ("trigrams",))) == 5


@given(st.text(max_size=80))
def test_every_text_that_has_tokens_is_found_by_itself(text: str) -> None:
    for kind in ("exact", "name", "phonetic", "trigrams"):
        if tokens(SECRET, "field", text, (kind,)):
            assert finds(text, kind, text)


@pytest.mark.parametrize(
    ("word", "code"),
    [("muller", "MLR"), ("mueller", "MLR"), ("иванова", None), ("王", None), ("5", None), ("", None)],
)
def test_only_latin_words_have_a_phonetic_code(word: str, code: str | None) -> None:
    assert phonetic(word) == code


@pytest.mark.parametrize(
    ("kind", "asked", "hint"),
    [
        ("phonetic", "Иванова", "it knows words in Latin letters only; search by name instead"),
        ("name", "\u2013", "give a word with letters"),
        ("trigrams", "*", "give a word's beginning"),
        ("exact", " ", "give its text"),
        ("year", "March", "give a year of four digits, or a date that begins with one"),
    ],
)
def test_a_search_for_nothing_is_refused_and_not_answered_with_everything(
    kind: str, asked: str, hint: str
) -> None:
    with pytest.raises(Malformed) as refused:
        query_tokens(SECRET, "names", asked, kind)
    assert str(refused.value) == f"nothing of this can be searched for by {kind} in 'names'; {hint}"


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"street": "Main"}, "neither text nor an integer nor a name"),
        ([["nested"]], "neither text nor an integer nor a name"),
        (True, "neither text nor an integer nor a name"),
        (["x"] * (MAX_TEXTS + 1), "over 32 texts"),
        ("a " * (MAX_WORDS + 1), "over 32 words"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_the_name_of_its_field(value: Any, fault: str) -> None:
    with pytest.raises(Malformed, match=f"'f'.*{fault}"):
        tokens(SECRET, "f", value, ("name",))


def test_an_unknown_kind_is_refused() -> None:
    for kind in ("soundex", "whole"):
        with pytest.raises(Malformed, match="use exact, name, phonetic, trigrams or year"):
            query_tokens(SECRET, "f", "x", kind)


def test_a_search_is_for_one_value() -> None:
    with pytest.raises(Malformed, match="one value at a time"):
        query_tokens(SECRET, "f", ["x", "y"], "exact")


def test_no_refusal_repeats_the_value() -> None:
    for value in ("Weber " * 40, {"street": "Weber"}):
        with pytest.raises(Malformed) as refused:
            tokens(SECRET, "f", value, KINDS)
        assert "Weber" not in str(refused.value)


@given(st.lists(st.sampled_from(["Silva", "Costa", "Okafor", "Weber", "Nguyen"]), max_size=40))
def test_an_index_shows_how_often_each_term_occurs_and_nothing_else_of_it(names: list[str]) -> None:
    made = Counter(tokens(SECRET, "names", name, ("exact",)) for name in names)
    assert sorted(made.values()) == sorted(Counter(names).values())


@pytest.mark.parametrize(
    ("kinds", "count"), [(("name",), 3), (("name", "phonetic"), 5), (("name", "phonetic", "trigrams"), 19)]
)
def test_the_number_of_tokens_shows_the_number_and_length_of_words(
    kinds: tuple[str, ...], count: int
) -> None:
    assert len(tokens(SECRET, "names", {"family": "Ivanova", "given": "Elena"}, kinds)) == count
