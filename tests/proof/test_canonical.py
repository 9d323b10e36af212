"""Canonical bytes: RFC 8785 in the register profile, compared with an independent writer; and what is refused."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    canonical,
    check_profile,
    digest,
    labelled,
    parse,
    parse_canonical,
    unlabelled,
)

# ---- The register profile, as a generator ----------------------------------------------------------

NAMES = st.text(st.characters(max_codepoint=0x7F), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(max_size=20)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
AWKWARD = '\x00\x08\t\n\x0b\x0c\r\x1f "\\/<>&\x7f\x80\x85\xe9\u0301\u2028\u2029\ufeff\ufffd\uffff\U0001f600\U0010ffff'


def random_text(chance: random.Random, alphabet: str) -> str:
    return "".join(chance.choices(alphabet, k=chance.randrange(6)))


def random_document(chance: random.Random, depth: int = 0) -> Any:
    """A document of the profile, with characters that writers of JSON like to disagree about."""
    kind = chance.randrange(7 if depth < 5 else 5)
    if kind < 2:
        return random_text(chance, AWKWARD)
    if kind == 2:
        return chance.choice([0, 1, -1, MAX_INTEGER, -MAX_INTEGER, chance.randrange(-(2**53) + 1, 2**53)])
    if kind < 5:
        return chance.choice([None, True, False])
    if kind == 5:
        return [random_document(chance, depth + 1) for _ in range(chance.randrange(4))]
    ascii_names = "".join(map(chr, range(128)))
    return {
        random_text(chance, ascii_names): random_document(chance, depth + 1)
        for _ in range(chance.randrange(5))
    }


# ---- Writing ---------------------------------------------------------------------------------------


def test_canonical_is_rfc_8785_on_twenty_thousand_random_documents() -> None:
    chance = random.Random(8785)
    for _ in range(20_000):
        document = random_document(chance)
        assert canonical(document) == rfc8785.dumps(document)


@given(DOCUMENTS)
def test_canonical_is_rfc_8785_in_the_register_profile(document: Any) -> None:
    check_profile(document)
    assert canonical(document) == rfc8785.dumps(document)


@given(DOCUMENTS)
def test_what_was_written_is_read_back(document: Any) -> None:
    assert parse_canonical(canonical(document), "it") == document


@given(st.dictionaries(NAMES, SCALARS, min_size=2))
def test_the_order_of_members_does_not_matter(document: dict[str, Any]) -> None:
    assert canonical(dict(reversed(document.items()))) == canonical(document)


def test_members_are_sorted_and_nothing_is_spaced() -> None:
    document = {"b": [1, True, None], "a": {"z": "é", "A": -1}}
    assert canonical(document) == '{"a":{"A":-1,"z":"é"},"b":[1,true,null]}'.encode()


def test_only_what_json_must_escape_is_escaped() -> None:
    assert canonical('\x00\x08\t\n\x0b\x0c\r\x1f"\\/\x7f\u2028') == (
        b'"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\\"\\\\/\x7f\xe2\x80\xa8"'
    )


@pytest.mark.parametrize(
    "value",
    ["\ud800", {"a": "\udfff"}, {"\ud800": 1}, {1: 2}, {1, 2}, b"bytes", 2**64, -(2**63) - 1, object()],
    ids=repr,
)
def test_what_has_no_canonical_bytes_is_malformed(value: object) -> None:
    with pytest.raises(Malformed, match="cannot be written as JSON"):
        canonical(value)


def test_nesting_too_deep_to_write_is_malformed() -> None:
    value: Any = []
    for _ in range(10_000):
        value = [value]
    with pytest.raises(Malformed, match="cannot be written as JSON"):
        canonical(value)


# ---- The profile -----------------------------------------------------------------------------------


def nested(depth: int, leaf: Any = 1) -> Any:
    value = leaf
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1.5, "number 1.5; write decimals and huge numbers as strings"),
        (float("nan"), "number nan"),
        (1e300, "number 1e"),
        ({"a": [{"b": -0.0}]}, "number -0.0"),
        (2**53, "integer of 2\\^53 or more; write it as a string"),
        (-(2**53), "integer of 2\\^53 or more"),
        ([2**70], "integer of 2\\^53 or more"),
        ({"é": 1}, "member name 'é'; member names are ASCII"),
        ({"a": {"\x80": 1}}, "member names are ASCII"),
        ({1: 1}, "member name 1; member names are ASCII text"),
        ((1, 2), "a tuple, which JSON does not have"),
        (b"", "a bytes, which JSON does not have"),
        ({"a": {1, 2}}, "a set, which JSON does not have"),
    ],
)
def test_what_is_outside_the_profile_is_malformed(value: Any, reason: str) -> None:
    with pytest.raises(Malformed, match=f"^the thing (holds|has) .*{reason}"):
        check_profile(value, "the thing")


@pytest.mark.parametrize(
    "value", [MAX_INTEGER, -MAX_INTEGER, 0, True, None, "é\u0000", {"": []}, {"\x7f": {}}], ids=repr
)
def test_what_is_inside_the_profile_passes(value: Any) -> None:
    check_profile(value)


@pytest.mark.parametrize("leaf", [1, "text", None])
def test_nesting_is_counted_in_arrays_and_objects(leaf: Any) -> None:
    check_profile(nested(MAX_DEPTH, leaf))
    check_profile(nested(3, leaf), "it", 3)
    with pytest.raises(Malformed, match=r"^the value is nested more than 32 deep; flatten it$"):
        check_profile(nested(MAX_DEPTH + 1, leaf))
    with pytest.raises(Malformed, match=r"^it is nested more than 3 deep; flatten it$"):
        check_profile(nested(4, leaf), "it", 3)


def test_nesting_without_end_is_malformed_too() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(Malformed, match="nested more than 32 deep"):
        check_profile(endless)


# ---- Reading ---------------------------------------------------------------------------------------


def test_json_from_outside_need_not_be_canonical() -> None:
    assert parse(b' { "b" : 1,\n"a": "\\u00e9\\/" } ') == {"a": "é/", "b": 1}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the input is not JSON"),
        (b"{", "the input is not JSON"),
        (b"[1,]", "the input is not JSON"),
        (b"NaN", "the input is not JSON"),
        (b"[1] [2]", "the input is not JSON"),
        (b'"\xff"', "the input is not JSON: .*UTF-8"),
        (b'"\xed\xa0\x80"', "the input is not JSON: .*"),
        ('{"a":1}'.encode("utf-16"), "the input is not JSON"),
        (b"\xef\xbb\xbf1", "the input is not JSON: .*BOM"),
        (b'"\\ud800"', "the input is not JSON: .*surrogate"),
        (b'"\x00"', "the input is not JSON"),
        (b"[" * 100_000, "the input is not JSON"),
        (b"[" * 40 + b"]" * 40, "nested more than 32 deep"),
        (b"1.5", "number 1.5"),
        (b"1e2", "number 100.0"),
        (b"9007199254740992", "integer of 2\\^53 or more"),
        (b"-9007199254740992", "integer of 2\\^53 or more"),
        (b"18446744073709551616", "number 1.8"),
        (b"9" * 5_000, "the input is not JSON|holds the number"),
        ('{"é":1}'.encode(), "member names are ASCII"),
    ],
)
def test_input_that_is_not_json_in_the_profile_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":1}',
        b'[{"b":{"a":null, "c":0 ,"a":null}}]',
        b'{"a":{"a":1},"b":{"a":1,"a":1}}',
    ],
)
def test_a_name_twice_in_one_object_is_malformed(data: bytes) -> None:
    assert json.loads(data)  # which other readers take, each keeping what it likes
    with pytest.raises(Malformed, match=r"^the form has the name 'a' twice in one object; keep one of them$"):
        parse(data, "the form")


@pytest.mark.parametrize(
    "hidden",
    [b"[" * 1_000 + b"]" * 1_000, b"1" * 300, b"1.5", b"[9007199254740992]", '{"é":1}'.encode()],
    ids=["deep", "huge", "float", "integer", "name"],
)
def test_what_a_second_member_hides_does_not_get_by(hidden: bytes) -> None:
    with pytest.raises(Malformed, match="twice in one object"):
        parse(b'{"a":' + hidden + b',"a":1}')


def test_the_same_name_in_different_objects_is_no_fault() -> None:
    assert parse(b'{"a": {"a": [{"a": 1}, {"a": 2}]}}') == {"a": {"a": [{"a": 1}, {"a": 2}]}}


@given(DOCUMENTS, st.sampled_from([None, 1]), st.booleans())
def test_reading_is_what_the_standard_library_reads(document: Any, indent: int | None, escaped: bool) -> None:
    assert parse(json.dumps(document, indent=indent, ensure_ascii=escaped).encode()) == document


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    try:
        value = parse(data)
    except Malformed:
        return
    assert parse_canonical(canonical(value), "it") == value


@pytest.mark.parametrize("data", [b' {"a":1}', b'{"b":1,"a":2}', b'"\\u0061"', b"-0", b'{"a":1}\n', b'"\\/"'])
def test_json_that_must_be_canonical_and_is_not_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match=r"^the header is JSON, but not its canonical form \(RFC 8785\)$"):
        parse_canonical(data, "the header")


# ---- Hashes with their label -----------------------------------------------------------------------


def test_a_hash_as_text_has_its_label() -> None:
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, example B.1
    assert digest(b"abc") == f"sha256:{abc}"
    assert labelled(sha256(b"abc").digest()) == digest(b"abc")
    assert unlabelled(digest(b"abc")) == bytes.fromhex(abc)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text.upper(),
        lambda text: text.replace("sha256", "sha512"),
        lambda text: text[7:],
        lambda text: text[:-1] + "g",
        lambda text: text[:40] + "\n" + text[41:],
        lambda text: text[:-1] + "\u0661",  # a digit, and not of ASCII
        lambda text: "",
    ],
)
def test_any_other_text_is_no_hash(spoil: Callable[[str], str]) -> None:
    with pytest.raises(Malformed, match="is not a hash; it must be sha256: and 64 lower-case"):
        unlabelled(spoil(digest(b"abc")))


class Members(list[tuple[str, object]]):
    """An object's members, of which two may have one name."""


NAMES = st.text(alphabet='ab":\\, {}[]', max_size=4)
VALUES = st.recursive(
    NAMES | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(NAMES, inner), max_size=3).map(Members),
    max_leaves=12,
)


def written(value: object, space: str) -> str:
    if isinstance(value, Members):
        inner = (f"{json.dumps(name)}{space}:{space}{written(each, space)}" for name, each in value)
        return "{" + f",{space}".join(inner) + "}"
    if isinstance(value, list):
        return "[" + f",{space}".join(written(each, space) for each in value) + "]"
    return json.dumps(value)


def doubled(value: object) -> bool:
    if isinstance(value, Members):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(doubled(each) for _, each in value)
    return isinstance(value, list) and any(map(doubled, value))


@given(VALUES, st.sampled_from(["", " ", "\t\n"]))
def test_a_name_that_stands_twice_is_seen_however_it_is_written(value: object, space: str) -> None:
    data = written(value, space).encode()
    if doubled(value):
        with pytest.raises(Malformed, match="twice in one object"):
            parse(data)
    else:
        assert parse(data) == json.loads(data)
