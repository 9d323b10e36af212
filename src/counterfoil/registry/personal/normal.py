"""Normal forms: of keys, so that one person has one record, and of names, so that a search finds what it means.

Only what is derived from a text is in normal form; the stored text is untouched. No error here repeats the text:
it may be personal.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import Final
from unicodedata import category, combining, normalize

from counterfoil.errors import Malformed
from counterfoil.ledger.declared import KeyForm
from counterfoil.ledger.names import MAX_NAME, fold_case, normal_key, normal_name
from counterfoil.proof.canonical import LABEL, canonical


def key_in_form(text: str, form: KeyForm) -> str:
    """A key in the form in which its register compares keys, as the ledger does (`names.normal_key`).

    Raises `Malformed` for what is empty, too long, or holds a character that does not print or that Unicode 14 does not
    assign.
    """
    key = normal_key(text, form.case, form.spaces)
    if key is None:
        raise Malformed(
            f"the key is empty, longer than {MAX_NAME} characters, or holds a character that does not print or is "
            "newer than Unicode 14; write it as the register's definition says"
        )
    return key


def pseudonym(secret: bytes, register: str, key: str) -> str:
    """The record that a key in normal form names, by a register's secret: 43 characters of base64url.

    HMAC-SHA256 (RFC 2104) over the canonical bytes of `["record/v1", register, key]`.
    """
    mac = hmac.digest(secret, canonical(["record/v1", register, key]), "sha256")
    return urlsafe_b64encode(mac)[:-1].decode("ascii")


def claim_digest(secret: bytes, value: str) -> str:
    """The labelled digest under which a value in normal form is claimed, by the secret of the claim's scope.

    HMAC-SHA256 (RFC 2104) over the canonical bytes of `["claim/v1", value]`.
    """
    return LABEL + hmac.digest(secret, canonical(["claim/v1", value]), "sha256").hex()


def exact_text(text: str) -> str:
    """A text as an exact search compares it: NFC, case folded, spaces collapsed, without what does not print."""
    text = " ".join(text.split())
    if not text.isascii() or not text.isprintable():
        text = "".join(each for each in text if normal_name(each) is not None)
    return fold_case(text)


def search_words(text: str) -> tuple[str, ...]:
    """The words of a text as a search by name compares them, in their order.

    Compatibility forms and case are folded and marks taken away (`Müller` is `muller`, `Łódź` is `lodz`, `أحمد` is
    `احمد`). Apostrophes join (`O'Brien` is `obrien`), hyphens and all else that is no letter, mark or digit separate.
    Particles (van, de la, bin) are words like others. Scripts stay what they are: the vowel signs of Indic scripts,
    Hangul and the voiced kana are letters here, not marks.
    """
    if text.isascii():
        return tuple(text.lower().translate(_ASCII).split())
    text = text.replace("\u00b4", "'")  # NFKD would make a space of this one
    folded = normalize("NFKD", normalize("NFKD", text).casefold())
    return tuple(normalize("NFC", folded.translate(_FOLDING)).split())


def romanised(word: str) -> str:
    """A word in Latin letters with what romanisations differ in taken away; doubled letters count once."""
    for letters, common in _TRANSLITERATED:
        word = word.replace(letters, common)
    return "".join(each for at, each in enumerate(word) if at == 0 or word[at - 1] != each)


_TRANSLITERATED: Final = tuple(
    (letters, common)
    for common, several in {
        "c": ("tsch", "tch", "ch", "ts", "tz"),
        "s": ("sch", "sh"),
        "h": ("kh",),
        "z": ("zh",),
        "f": ("ph",),
        "t": ("th",),
        "k": ("ck", "q"),
        "v": ("w",),
        "u": ("ou", "oo"),
        "e": ("ye", "je"),
        "i": ("ee", "ii", "iy", "ij", "y", "j"),
    }.items()
    for letters in several
)
"""What the usual romanisations of one letter differ in, and what stands for all of them."""
_JOINING: Final = frozenset(
    "'`\u2018\u2019\u201b\u02bc\u02bb\u02b9\u02be\u02bf\u2032"  # apostrophes, and what transliteration uses for them
    "\u00b7\u0640"  # the middle dot of Catalan, the tatweel of Arabic
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"  # what is invisible
)
"""What stands between the letters of one word."""
_LETTERS: Final = dict(zip("łøđðħŧŋə\u0131", "loddhtnei", strict=True)) | {
    "þ": "th",
    "æ": "ae",
    "œ": "oe",
    "\u06a9": "\u0643",  # kaf, yeh and heh, which the keyboards of Arabic and Persian write in several ways
    "\u06cc": "\u064a",
    "\u0649": "\u064a",
    "\u0629": "\u0647",
}
"""Letters that have no decomposition in Unicode, and are commonly written as others."""


class _Folding(dict[int, str]):
    """What becomes of each character, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(chr(code))
        return folded


def _fold(character: str) -> str:
    if character in _LETTERS:
        return _LETTERS[character]
    if character in _JOINING or _is_diacritic(character):
        return ""
    if normal_name(character) is None or category(character)[0] not in "LMN":
        return " "
    return character


def _is_diacritic(character: str) -> bool:
    """Whether a mark may be left out, by its combining class (Unicode Standard Annex 44).

    Those from 200 stand above, below or through letters; 10 to 36 are the points of Hebrew, Arabic and Syriac. The
    classes between and below are viramas, nuktas, voicing marks and vowels, without which a word is another.
    """
    where = combining(character)
    return where >= 200 or 10 <= where <= 36


_FOLDING: Final = _Folding()
_ASCII: Final = {code: _fold(chr(code)) for code in range(128)}
