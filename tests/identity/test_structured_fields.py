"""Structured fields: what is read is what another implementation reads, and nothing else is."""

from __future__ import annotations

from typing import Any, cast

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.identity.structured_fields import (
    MAX_FIELD,
    MAX_INTEGER,
    InnerList,
    Item,
    parse_dictionary,
    serialise,
    serialise_dictionary,
)

NAMES = st.from_regex(r"[a-z*][a-z0-9_.*-]{0,8}", fullmatch=True)
STRINGS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
BARE = st.one_of(st.integers(-MAX_INTEGER, MAX_INTEGER), STRINGS, st.binary(max_size=12))
PARAMETERS = st.dictionaries(NAMES, BARE, max_size=4)
ITEMS = st.builds(Item, BARE, PARAMETERS)
LISTS = st.builds(InnerList, st.lists(ITEMS, max_size=4).map(tuple), PARAMETERS)
DICTIONARIES = st.dictionaries(NAMES, st.one_of(ITEMS, LISTS), max_size=4)


def as_the_other_has_it(member: Item | InnerList) -> Any:
    if isinstance(member, InnerList):
        return [(item.value, dict(item.parameters)) for item in member.items], dict(member.parameters)
    return member.value, dict(member.parameters)


@given(DICTIONARIES)
def test_what_is_written_is_read_again_here_and_by_another(members: dict[str, Item | InnerList]) -> None:
    text = serialise_dictionary(members.items())
    assert list(parse_dictionary(text, "it").items()) == list(members.items())
    theirs = cast(dict[str, Any], http_sf.parse(text.encode(), tltype="dictionary"))
    assert theirs == {name: as_the_other_has_it(member) for name, member in members.items()}
    if members:
        assert http_sf.ser(theirs) == text


@given(st.text(st.sampled_from('ab1-"\\:;=(), \t?@.AQ'), max_size=14))
def test_whatever_is_read_another_reads_alike(text: str) -> None:
    try:
        members = parse_dictionary(text, "it")
    except Malformed:
        return
    theirs = cast(dict[str, Any], http_sf.parse(text.encode(), tltype="dictionary"))
    assert theirs == {name: as_the_other_has_it(member) for name, member in members.items()}


def test_a_signature_input_is_read() -> None:
    text = 'sig1=("@method"  "content-digest" );created=1618884473;  keyid="a\\"b\\\\",other=:AAE=:;n=-5'
    assert parse_dictionary(text, "it") == {
        "sig1": InnerList(
            (Item("@method"), Item("content-digest")), {"created": 1618884473, "keyid": 'a"b\\'}
        ),
        "other": Item(b"\x00\x01", {"n": -5}),
    }


def test_it_is_written_in_one_form_whatever_it_was_read_from() -> None:
    member = parse_dictionary('s=( "a"   "b" ); x=007;y="\\\\"', "it")["s"]
    assert serialise(member) == '("a" "b");x=7;y="\\\\"'


@pytest.mark.parametrize("text", ["", "   "])
def test_nothing_is_a_dictionary_of_nothing(text: str) -> None:
    assert parse_dictionary(text, "it") == {}


@pytest.mark.parametrize(
    "text",
    [
        "a",  # true, which no signature needs
        "a=?1",
        "a=token",
        "a=1.5",
        "a=@1659578233",
        "a=1234567890123456",
        "a=",
        "a=1,",
        "a=1 b=2",
        ",a=1",
        "A=1",
        'a="b',
        'a="\\n"',
        'a="é"',
        "a=('b')",
        'a=("b"',
        'a=("b""c")',
        'a=("b",)',
        'a=(("b"))',
        "a=1;B=2",
        "a=1 ;b=2",
        "a=1;b",
        "a=1;",
        "a=:AAE:",  # without its padding
        "a=:AAF=:",  # with a bit that no byte has
        "a=:A=A=:",
        "a=:AA",
        "a=1\n",
    ],
)
def test_what_is_not_in_form_is_said_with_the_field(text: str) -> None:
    with pytest.raises(Malformed, match=r"^the field X "):
        parse_dictionary(text, "the field X")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a=1, a=2", "twice"),
        ("a=1;b=1;b=2", "twice"),
        (", ".join(f"a{number}=1" for number in range(17)), "over 16 members"),
        ("a=(" + " ".join(["1"] * 65) + ")", "over 64 items"),
        ("a=1" + "".join(f";p{number}=1" for number in range(17)), "over 16 of them"),
        ('a="' + "x" * MAX_FIELD + '"', "over 8,192 characters"),
    ],
)
def test_nothing_is_twice_or_without_limit(text: str, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        parse_dictionary(text, "it")


def test_the_largest_that_is_read() -> None:
    members = {f"a{number}": InnerList((Item(1),) * 64) for number in range(16)}
    assert parse_dictionary(serialise_dictionary(members.items()), "it") == members


@pytest.mark.parametrize(
    "text", ['a="' + "\\\\" * 4000, "a=" + "1" * 8000, "a=(" + " " * 8000, "a=1" + " " * 8000 + "b"]
)
def test_the_worst_that_is_not_in_form_is_refused_all_the_same(text: str) -> None:
    with pytest.raises(Malformed, match="is not in form at character"):
        parse_dictionary(text, "it")


@pytest.mark.parametrize("value", ["é", "a\nb", "\x7f", 10**15, -(10**15)])
def test_what_has_no_text_is_not_written(value: str | int) -> None:
    with pytest.raises(Malformed):
        serialise(Item(value))
    with pytest.raises(Malformed):
        serialise(InnerList((), {"a": value}))


@pytest.mark.parametrize("name", ["", "A", "a b", "1", "a="])
def test_a_name_that_is_none_is_not_written(name: str) -> None:
    with pytest.raises(Malformed, match="names no member or parameter"):
        serialise_dictionary([(name, Item(1))])
