from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed
from counterfoil.proof.entry import Claim, Entry, Proposal
from counterfoil.web.api.content import Content, NewEntry, following, merged, patched, proposal

HASH = f"sha256:{'0' * 64}"
CLAIM = Claim("civil", "married", HASH)
ENTRY = Entry(
    7,
    "2026-11-24T10:00:00Z",
    "country",
    "GB",
    2,
    "amend",
    status="current",
    body={"fields": {"name": "UK", "capital": "London"}, "circumstances": {"why": "renamed"}},
    claims=(CLAIM,),
)


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # RFC 7396, appendix A, whole.
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches(target: Any, patch: Any, result: Any) -> None:
    assert merged(target, patch) == result


def test_a_patch_keeps_what_it_does_not_name_but_for_the_circumstances() -> None:
    assert patched(ENTRY, {"fields": {"capital": None, "name": "United Kingdom"}}) == Content(
        fields={"name": "United Kingdom"}, status="current", claims=(CLAIM,)
    )
    assert patched(ENTRY, {"status": None, "claims": None, "circumstances": {"why": "law"}}) == Content(
        fields={"name": "UK", "capital": "London"}, circumstances={"why": "law"}
    )


@pytest.mark.parametrize("patch", [[], None, {"colour": "red"}, {"status": 1}, {"fields": "x"}])
def test_a_patch_that_gives_no_content_is_malformed(patch: Any) -> None:
    with pytest.raises(Malformed, match="merge patch"):
        patched(ENTRY, patch)


def test_an_operation_keeps_what_is_not_stated() -> None:
    assert following(
        ENTRY, NewEntry(operation="close", status="gone", circumstances={"why": "x"})
    ) == Content(
        fields={"name": "UK", "capital": "London"},
        status="gone",
        circumstances={"why": "x"},
        claims=(CLAIM,),
    )


def test_a_proposal_states_the_content_whole() -> None:
    content = Content(circumstances={"why": "x"}, document=HASH)
    assert proposal("deeds", "7", "create", 1, content) == Proposal(
        "deeds", "7", "create", 1, body={"fields": {}, "circumstances": {"why": "x"}}, document=HASH
    )
    assert proposal("visits", "7", "amend", None, Content()) == Proposal("visits", "7", "amend")
