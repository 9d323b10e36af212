"""Flat columns that become nested fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.office.shaping import load_shaping, shape, steps_of

NAMES: dict[str, Any] = {"/names/0/script": "Latn", "/names/1/script": "Grek"}


@pytest.mark.parametrize(
    ("fields", "constants", "made"),
    [
        ({"sex": "male"}, {}, {"sex": "male"}),
        ({"/a/b": "1", "/a/c/d": 2}, {}, {"a": {"b": "1", "c": {"d": 2}}}),
        ({"/names/0/family": "A"}, NAMES, {"names": [{"family": "A", "script": "Latn"}]}),
        ({"/names/1/family": "B"}, NAMES, {"names": [{"family": "B", "script": "Grek"}]}),
        ({}, NAMES, {}),
        ({}, {"nationality": ["ZZZ"]}, {"nationality": ["ZZZ"]}),
        ({"type": "late"}, {"type": "ordinary"}, {"type": "late"}),
        ({"/x/10": "k", "/x/9": "j", "/x/0": "a"}, {}, {"x": ["a", "j", "k"]}),
        ({"/a~1b/c~0d": "1"}, {}, {"a/b": {"c~d": "1"}}),
        ({"whole": {"0": "a"}}, {}, {"whole": {"0": "a"}}),
    ],
)
def test_it_makes(fields: dict[str, Any], constants: dict[str, Any], made: dict[str, Any]) -> None:
    assert shape(fields, constants) == made


@pytest.mark.parametrize("name", ["/", "//a", "/0/a", "/a/", "/a/100", "/" + "/".join("a" * 200)])
def test_a_pointer_that_leads_nowhere_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        steps_of(name)


def test_a_field_cannot_be_given_whole_and_in_parts() -> None:
    with pytest.raises(Malformed, match="two columns of the mapping are for 'a'"):
        shape({"a": "x", "/a/b": "y"}, {})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"constants": []}, "constants of the mapping must be an object"),
        ({"constants": {"/0": "x"}}, "leads to no field"),
        ({"fields": {"/0/a": {}}}, "leads to no field"),
        ({"constants": {"a": 1.5}}, "holds the number"),
        ({"colour": "red"}, "unknown field `colour`"),
    ],
)
def test_a_mapping_that_is_not_in_form_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        load_shaping(json.dumps({"register": "person", "key": "{id}", **change}).encode())


def test_a_mapping_without_constants_is_one_as_ever() -> None:
    shaping = load_shaping(b'{"register": "person", "key": "{id}"}')
    assert (shaping.mapping.register, shaping.constants) == ("person", {})


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"key": "{a}", "key": "{b}"}'])
def test_what_is_no_mapping_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        load_shaping(data)


@given(
    st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.sampled_from("xyz"), st.text(), min_size=1))
)
def test_pointers_to_every_member_make_the_object_again(value: dict[str, dict[str, str]]) -> None:
    flat = {f"/{name}/{member}": text for name, members in value.items() for member, text in members.items()}
    assert shape(flat, {}) == value
