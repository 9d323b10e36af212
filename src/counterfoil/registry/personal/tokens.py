"""Tokens of a blind index: a keyed digest for each thing that a field may be found by.

A token is the first 8 bytes, as a signed integer, of HMAC-SHA256 under the register's secret `search:REGISTER` over
the canonical bytes of `["blind/v1", field, kind, term]`. Whoever has the index without the secret cannot tell a term,
but sees which entries share one, and how many: `docs/search.md` says what that gives away.

Kinds: `exact` (the whole text), `name` (each word, and all of them in any order), `phonetic` (Metaphone of each
word in Latin letters), `trigrams` (of each word, its beginning and end included), `year` (of a date).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from hashlib import sha256
from struct import Struct
from typing import TYPE_CHECKING, Final

import orjson
from jellyfish import metaphone

from counterfoil.errors import Malformed
from counterfoil.ledger.declared import KeyForm
from counterfoil.proof.canonical import Json, canonical
from counterfoil.registry.personal.normal import exact_text, key_in_form, search_words

if TYPE_CHECKING:
    from hashlib import _Hash

MAX_TEXTS: Final = 32
"""Texts in one field: a person's names in all scripts, a list."""
MAX_WORDS: Final = 32
"""Words in one text."""
TRIGRAMS: Final = 16
"""Trigrams of one word, from its beginning: no more of a long one are indexed or asked for."""
WHOLE: Final = "whole"
"""The kind of the token that stands for all words of a name; declared by `name`."""
_LATIN: Final = re.compile(r"[a-z]+", re.ASCII)
_YEAR: Final = re.compile(r"(\d{4})(?:[-~?%].{0,40})?", re.ASCII)
_BLOCK: Final = 64
_FIRST: Final = Struct(">q24x").unpack


class Tokeniser:
    """Makes a register's tokens. `forms` gives fields whose exact values are compared in a key's form."""

    def __init__(self, secret: bytes, forms: Mapping[str, KeyForm] | None = None):
        self._forms = forms or {}
        padded = (secret if len(secret) <= _BLOCK else sha256(secret).digest()).ljust(_BLOCK, b"\0")
        # RFC 2104, section 4: what is the same for each message is absorbed once.
        self._inner = sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in padded))
        self._starts: dict[tuple[str, str], _Hash] = {}

    def tokens(
        self, searchable: Iterable[tuple[str, Collection[str]]], fields: Mapping[str, Json]
    ) -> tuple[int, ...]:
        """The tokens of some fields, each given with its kinds: in ascending order, so that it tells nothing.

        Raises `Malformed` for a value of a shape that cannot be searched, and beyond the limits above.
        """
        found: set[int] = set()
        for field, kinds in searchable:
            value = fields.get(field)
            if value is not None:
                texts = _Texts(field, value)
                for kind in kinds:
                    self._add(found, field, kind, self._terms(field, kind, texts))
                    if kind == "name":
                        self._add(found, field, WHOLE, map(_whole, texts.words))
        return tuple(sorted(found))

    def query(self, field: str, kind: str, value: Json) -> tuple[int, ...]:
        """What an entry's tokens must all hold so that a search of this kind finds it; never empty.

        A search by `name` is for all of the words given, one by `trigrams` for words that begin with those given, one
        by `phonetic` for words that sound like those given in Latin letters. Raises `Malformed` where nothing is left
        to be searched for, for a list, and as `tokens` does.
        """
        if isinstance(value, list):
            raise Malformed(f"a search in {field!r} is for one value at a time; search for each")
        texts = _Texts(field, value)
        terms: Iterable[str]
        if kind == "trigrams":
            terms = [term for word in texts.words[0] for term in _trigrams(word, "")]
        else:
            terms = self._terms(field, kind, texts)
        found: set[int] = set()
        self._add(found, field, kind, terms)
        if not found:
            raise Malformed(f"nothing of this can be searched for by {kind} in {field!r}; {_HINTS[kind]}")
        return tuple(sorted(found))

    def whole(self, field: str, name: Json) -> int:
        """The token of one whole name, its words in any order. Raises `Malformed` as `query` does."""
        found: set[int] = set()
        self._add(found, field, WHOLE, map(_whole, _Texts(field, name).words))
        if len(found) != 1:
            raise Malformed(f"this is not one name to be searched for in {field!r}; {_HINTS['name']}")
        return found.pop()

    def _terms(self, field: str, kind: str, texts: _Texts) -> Iterable[str]:
        if kind == "exact":
            form = self._forms.get(field)
            return [exact_text(text) if form is None else key_in_form(text, form) for text in texts.texts]
        if kind == "year":
            return [match[1] for text in texts.texts if (match := _YEAR.fullmatch(text))]
        of_word = _OF_WORD.get(kind)
        if of_word is None:
            raise Malformed(
                f"fields cannot be searched by {kind!r}; use exact, name, phonetic, trigrams or year"
            )
        return [term for words in texts.words for word in words for term in of_word(word)]

    def _add(self, found: set[int], field: str, kind: str, terms: Iterable[str]) -> None:
        begin_inner = (self._starts.get((field, kind)) or self._begin(field, kind)).copy
        begin_outer = self._outer.copy
        for term in terms:
            if term:
                inner, outer = begin_inner(), begin_outer()
                inner.update(orjson.dumps(term) + b"]")
                outer.update(inner.digest())
                found.add(_FIRST(outer.digest())[0])

    def _begin(self, field: str, kind: str) -> _Hash:
        start = self._starts[field, kind] = self._inner.copy()
        start.update(canonical(["blind/v1", field, kind])[:-1] + b",")
        return start


def tokens(
    secret: bytes, field: str, value: Json, kinds: Collection[str], form: KeyForm | None = None
) -> tuple[int, ...]:
    """The tokens of one field, as `Tokeniser.tokens` makes them."""
    return Tokeniser(secret, {} if form is None else {field: form}).tokens([(field, kinds)], {field: value})


def query_tokens(
    secret: bytes, field: str, value: Json, kind: str, form: KeyForm | None = None
) -> tuple[int, ...]:
    """What an entry's tokens must all hold to be found, as `Tokeniser.query` makes them."""
    return Tokeniser(secret, {} if form is None else {field: form}).query(field, kind, value)


def phonetic(word: str) -> str | None:
    """How a normalised word sounds: Metaphone (Philips 1990), an English ear; None for other scripts and digits."""
    return metaphone(word) or None if _LATIN.fullmatch(word) else None


def name_text(name: Mapping[str, Json]) -> str:
    """A name of the list `names` as one text: family name, then given names."""
    family, given = name.get("family"), name.get("given")
    if isinstance(family, str) and isinstance(given, str):
        return f"{family} {given}"
    return family if isinstance(family, str) else given if isinstance(given, str) else ""


_HINTS: Final = {
    "exact": "give its text",
    "name": "give a word with letters",
    "phonetic": "it knows words in Latin letters only; search by name instead",
    "trigrams": "give a word's beginning",
    "year": "give a year of four digits, or a date that begins with one",
}


def _trigrams(word: str, end: str = "$") -> list[str]:
    """A word's first trigrams, its beginning marked twice: of a beginning, they are among those of the word."""
    padded = f"^^{word}{end}"
    return [padded[at : at + 3] for at in range(min(len(padded) - 2, TRIGRAMS))]


def _phonetic(word: str) -> tuple[str, ...]:
    code = phonetic(word)
    return () if code is None else (code,)


_OF_WORD: Final[Mapping[str, Callable[[str], Iterable[str]]]] = {
    "name": lambda word: (word,),
    "phonetic": _phonetic,
    "trigrams": _trigrams,
}


def _whole(words: Iterable[str]) -> str:
    return " ".join(sorted(words))


class _Texts:
    """What is searched in a field: a text, an integer, a name, or each of a list of such."""

    def __init__(self, field: str, value: Json):
        members = value if isinstance(value, list) else (value,)
        if len(members) > MAX_TEXTS:
            raise Malformed(
                f"the field {field!r} has over {MAX_TEXTS} texts, too many to be searched; shorten it"
            )
        self.field = field
        self.texts = [_text(field, member) for member in members]
        self._words: list[tuple[str, ...]] | None = None

    @property
    def words(self) -> list[tuple[str, ...]]:
        """The words of each text, worked out when first asked for."""
        if self._words is None:
            self._words = [self._split(text) for text in self.texts]
        return self._words

    def _split(self, text: str) -> tuple[str, ...]:
        words = search_words(text)
        if len(words) > MAX_WORDS:
            raise Malformed(
                f"a text in {self.field!r} has over {MAX_WORDS} words, too many to be searched; shorten it"
            )
        return words


def _text(field: str, value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and ("family" in value or "given" in value):
        return name_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Malformed(
        f"the field {field!r} cannot be searched: it holds neither text nor an integer nor a name with family or "
        "given; take its searchable out of the definition, or write it as text"
    )
