"""Keys and names in their normal forms, and the pseudonyms and claims made of them."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode
from typing import Literal
from unicodedata import is_normalized, normalize

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.ledger.declared import KeyForm
from counterfoil.ledger.names import is_name
from counterfoil.registry.personal.normal import (
    claim_digest,
    exact_text,
    key_in_form,
    pseudonym,
    romanised,
    search_words,
)

SECRET = bytes(range(32))
# Most characters of Unicode do not print, and a text with one of them is no key: half of the texts have none.
PRINTED = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
TEXTS = st.text(PRINTED, min_size=1, max_size=40) | st.text(min_size=1, max_size=40)
FORMS = st.builds(
    KeyForm, case=st.sampled_from(["keep", "fold"]), spaces=st.sampled_from(["keep", "collapse", "remove"])
)


@pytest.mark.parametrize(
    ("case", "spaces", "text", "key"),
    [
        ("keep", "keep", "AB 12", "AB 12"),
        ("keep", "keep", " AB  12 ", " AB  12 "),
        ("keep", "collapse", " AB \u00a0 12\t", "AB 12"),
        ("keep", "remove", "31 12 99-1234 ", "311299-1234"),
        ("fold", "keep", "Ab-12", "ab-12"),
        ("fold", "remove", "ÄB 12", "äb12"),
        ("fold", "keep", "STRASSE", "strasse"),
        ("fold", "keep", "Straße", "strasse"),
        ("fold", "keep", "ΣΟΦΌΣ", "σοφόσ"),
        ("keep", "keep", "A\u0308B", "ÄB"),
    ],
)
def test_a_key_is_compared_as_its_register_says(
    case: Literal["keep", "fold"], spaces: Literal["keep", "collapse", "remove"], text: str, key: str
) -> None:
    assert key_in_form(text, KeyForm(case=case, spaces=spaces)) == key


@pytest.mark.parametrize(
    "text",
    ["", "\u0378", "\U0001fae8", "a\u0000", "a\nb", "\ud800", "a" * 256, "zero\u200bwidth"],
    ids=["empty", "unassigned", "newer than Unicode 14", "nul", "line", "surrogate", "long", "invisible"],
)
def test_what_is_no_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        key_in_form(text, KeyForm())
    assert str(refused.value) == (
        "the key is empty, longer than 255 characters, or holds a character that does not print or is newer than "
        "Unicode 14; write it as the register's definition says"
    )


def test_a_key_of_spaces_alone_is_empty_where_spaces_do_not_count() -> None:
    for spaces in ("collapse", "remove"):
        with pytest.raises(Malformed, match="the key is empty"):
            key_in_form("  \t ", KeyForm(spaces=spaces))


@given(TEXTS, FORMS)
def test_a_key_in_form_is_a_name_and_stays_as_it_is(text: str, form: KeyForm) -> None:
    try:
        key = key_in_form(text, form)
    except Malformed:
        assume(False)
    assert is_name(key)
    assert key_in_form(key, form) == key


@given(TEXTS, FORMS)
def test_a_key_has_one_form_however_its_marks_are_composed(text: str, form: KeyForm) -> None:
    try:
        key = key_in_form(normalize("NFC", text), form)
    except Malformed:
        assume(False)
    assert key_in_form(normalize("NFD", text), form) == key


def test_a_pseudonym_is_43_characters_of_a_keyed_hash() -> None:
    record = pseudonym(SECRET, "person", "311299-1234")

    mac = hmac.new(SECRET, b'["record/v1","person","311299-1234"]', "sha256").digest()
    assert urlsafe_b64decode(record + "=") == mac
    assert len(record) == 43
    assert record == "En59yyDT5WVql05Ul_-_eipEJ2d5NRqRiqG7ha6cBLc"  # openssl dgst -mac HMAC


def test_a_pseudonym_differs_by_register_key_and_secret() -> None:
    made = {
        pseudonym(secret, register, key)
        for secret in (SECRET, bytes(32))
        for register in ("person", "birth")
        for key in ("1", "2")
    }
    assert len(made) == 8


def test_a_claim_is_a_labelled_keyed_hash_of_the_value_alone() -> None:
    mac = hmac.new(SECRET, b'["claim/v1","311299-1234"]', "sha256").hexdigest()
    assert claim_digest(SECRET, "311299-1234") == f"sha256:{mac}"
    assert claim_digest(SECRET, "311299-1234") != claim_digest(SECRET, "311299-1235")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Müller", ["muller"]),
        ("MÜLLER-LÜDENSCHEIDT", ["muller", "ludenscheidt"]),
        ("O'Brien", ["obrien"]),
        ("O\u2019Brien", ["obrien"]),
        ("O\u00b4Brien", ["obrien"]),
        ("D\u2019Angelo  Rossi", ["dangelo", "rossi"]),
        ("van der Berg", ["van", "der", "berg"]),
        ("María de los Ángeles", ["maria", "de", "los", "angeles"]),
        ("Łódź", ["lodz"]),
        ("Søren Ægir Þór Ðuro", ["soren", "aegir", "thor", "duro"]),
        ("Groß", ["gross"]),
        ("İnci Iş\u0131k", ["inci", "isik"]),
        ("Nguyễn Thị Ánh", ["nguyen", "thi", "anh"]),
        ("Gal·la", ["galla"]),
        ("J.R.R. Tolkien", ["j", "r", "r", "tolkien"]),
        ("ﬁnn", ["finn"]),
        ("\uff2a\uff4f\uff48\uff4e", ["john"]),
        ("Фёдор Достоевский", ["федор", "достоевскии"]),
        ("ΓΕΏΡΓΙΟΣ Γεώργιος", ["γεωργιοσ", "γεωργιοσ"]),
        ("أحمد", ["احمد"]),
        ("مُحَمَّد", ["محمد"]),
        ("علی", ["علي"]),
        ("שָׁלוֹם", ["שלום"]),
        ("王小明", ["王小明"]),
        ("김철수", ["김철수"]),
        ("がくと", ["がくと"]),
        ("ガクト", ["ガクト"]),
        ("प्रिया शर्मा", ["प्रिया", "शर्मा"]),
        ("สมชาย ใจดี", ["สมชาย", "ใจดี"]),
        ("  ", []),
        ("\u2013 * \u2013", []),
        ("Jean\u00adPaul", ["jeanpaul"]),
        ("Anna 2", ["anna", "2"]),
        ("\U0001fae8", []),
    ],
)
def test_names_are_searched_by_their_words_in_normal_form(text: str, words: list[str]) -> None:
    assert list(search_words(text)) == words


def test_what_voices_a_kana_or_carries_a_vowel_is_not_taken_for_an_accent() -> None:
    assert search_words("がくと") != search_words("かくと")
    assert search_words("ซี") != search_words("ซ")
    assert search_words("की") != search_words("का")


@given(st.text(max_size=40))
def test_normal_words_stay_as_they_are(text: str) -> None:
    words = search_words(text)
    assert search_words(" ".join(words)) == words
    assert all(is_normalized("NFC", word) and word.strip() for word in words)


@given(st.text(max_size=40))
def test_a_name_has_the_same_words_however_its_marks_are_composed(text: str) -> None:
    assert search_words(normalize("NFD", text)) == search_words(normalize("NFC", text))


@pytest.mark.parametrize(
    ("text", "term"),
    [
        (" Main  Street 5 ", "main street 5"),
        ("1985-03-02", "1985-03-02"),
        ("A\u0308B", "äb"),
        ("a\u200bb\u0000c", "abc"),
        ("two\nlines", "two lines"),
        ("", ""),
    ],
)
def test_an_exact_search_minds_neither_case_nor_spaces_nor_what_is_invisible(text: str, term: str) -> None:
    assert exact_text(text) == term


@pytest.mark.parametrize(
    "words",
    [
        ["tchaikovsky", "chaykovskij", "tschaikowsky"],
        ["yelena", "elena", "jelena"],
        ["yusuf", "jusuf", "yousouf"],
        ["khrushchev", "hrushchev", "khrushtchev"],
        ["natalya", "natalia", "natalja"],
        ["mohamed", "mohammed"],
    ],
)
def test_a_name_is_one_in_its_usual_romanisations(words: list[str]) -> None:
    assert len({romanised(word) for word in words}) == 1


def test_romanisation_keeps_other_names_and_other_scripts_apart() -> None:
    assert len({romanised(word) for word in ["maria", "mara", "marta", "mario", "иванова", "王"]}) == 6
