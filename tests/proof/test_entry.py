"""Proposals and entries: canonical bytes spliced as if written whole, read back strictly, any other bytes refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import MAX_INTEGER, digest
from counterfoil.proof.entry import (
    MAX_BODY_DEPTH,
    OPERATIONS,
    Claim,
    Entry,
    Place,
    Proposal,
    Reference,
    Tree,
    check_body,
    decode_entry,
    decode_proposal,
    encode_proposal,
)

HASH = digest(b"something")
OTHER = digest(b"something else")

# ---- The example of the format ---------------------------------------------------------------------

WHOLE = Entry(
    number=1042,
    time="2026-11-23T10:00:00Z",
    transaction=HASH,
    register="land-title",
    record="EE/1",
    version=3,
    operation="amend",
    previous=OTHER,
    status="registered",
    body={"fields": {"parish": "Käina", "area": 12}, "circumstances": {"why": "sale"}},
    item=HASH,
    document=OTHER,
    tree=Tree(HASH, 9),
    claims=(Claim("civil", "owner", HASH),),
    references=(Reference("mortgage", "mortgage", "M/1"),),
    control={"require": 1, "of": ["agency:EE/GOV/LAND"]},
)
WHOLE_BYTES = (
    '{"body":{"circumstances":{"why":"sale"},"fields":{"area":12,"parish":"Käina"}},'
    f'"claims":[{{"digest":"{HASH}","name":"owner","scope":"civil"}}],'
    '"control":{"of":["agency:EE/GOV/LAND"],"require":1},'
    f'"document":"{OTHER}","item":"{HASH}","number":1042,"operation":"amend","previous":"{OTHER}","record":"EE/1",'
    '"references":[{"record":"M/1","register":"mortgage","role":"mortgage"}],"register":"land-title",'
    f'"status":"registered","time":"2026-11-23T10:00:00Z","transaction":"{HASH}",'
    f'"tree":{{"root":"{HASH}","size":9}},"version":3}}'
).encode()
SMALL = Entry(0, "1970-01-01T00:00:00Z", "r", "x", 1, "create")
SMALL_BYTES = (
    b'{"number":0,"operation":"create","record":"x","register":"r","time":"1970-01-01T00:00:00Z","version":1}'
)


@pytest.mark.parametrize(
    ("entry", "data"), [(WHOLE, WHOLE_BYTES), (SMALL, SMALL_BYTES)], ids=["whole", "small"]
)
def test_an_entry_and_its_bytes(entry: Entry, data: bytes) -> None:
    assert entry.encode() == data
    assert decode_entry(data) == entry


def test_a_proposal_is_the_entry_without_its_place() -> None:
    proposal = WHOLE.proposal()
    assert proposal.encode() == (
        WHOLE_BYTES.replace(b'"number":1042,', b"")
        .replace(b'"time":"2026-11-23T10:00:00Z",', b"")
        .replace(f'"transaction":"{HASH}",'.encode(), b"")
        .replace(f'"previous":"{OTHER}",'.encode(), b"")
    )
    assert decode_proposal(proposal.encode()) == proposal


def test_where_the_ledger_gives_the_version_a_proposal_has_none() -> None:
    proposal = WHOLE.proposal(append=True)
    assert proposal.version is None
    assert b'"version"' not in proposal.encode()
    assert decode_proposal(proposal.encode()) == proposal
    place = Place(WHOLE.number, WHOLE.time.encode(), WHOLE.transaction, WHOLE.previous)
    assert encode_proposal(proposal).entry(place, 3) == WHOLE_BYTES


def test_fields_and_circumstances_are_what_stands_in_the_body() -> None:
    assert WHOLE.fields == WHOLE.proposal().fields == {"parish": "Käina", "area": 12}
    assert WHOLE.circumstances == {"why": "sale"}
    assert SMALL.fields == SMALL.proposal().fields == SMALL.circumstances == {}


# ---- Splicing, against an independent writer -------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.text(st.characters(max_codepoint=0x7F), max_size=6)
SCALARS = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.dictionaries(NAMES, VALUES, max_size=4)
BODIES = st.fixed_dictionaries({"fields": FIELDS}, optional={"circumstances": FIELDS})
HASHES = st.binary(max_size=4).map(digest)
PROPOSALS = st.builds(
    Proposal,
    register=TEXT,
    record=TEXT,
    operation=st.sampled_from(sorted(OPERATIONS)),
    version=st.none() | st.integers(1, MAX_INTEGER),
    status=st.none() | TEXT,
    body=st.none() | BODIES,
    item=st.none() | HASHES,
    document=st.none() | HASHES,
    tree=st.none() | st.builds(Tree, HASHES, st.integers(1, MAX_INTEGER)),
    claims=st.lists(st.builds(Claim, TEXT, TEXT, HASHES), max_size=2).map(tuple),
    references=st.lists(st.builds(Reference, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    control=st.none() | st.sampled_from(["key:x", {"require": 1, "of": ["é"]}]),
)
PLACES = st.builds(
    Place,
    number=st.integers(0, MAX_INTEGER),
    time=st.just(b"2026-11-23T10:00:00Z"),
    transaction=st.none() | HASHES,
    previous=st.none() | HASHES,
)


def as_dict(struct: msgspec.Struct) -> Any:
    """The members that the format writes, by way of another library's idea of them."""
    return json.loads(msgspec.json.encode(struct))


@given(PROPOSALS)
def test_a_proposal_is_written_as_rfc_8785_writes_its_members(proposal: Proposal) -> None:
    assert proposal.encode() == rfc8785.dumps(as_dict(proposal))
    assert decode_proposal(proposal.encode()) == proposal


@given(PROPOSALS, PLACES, st.integers(1, MAX_INTEGER))
def test_an_entry_is_spliced_as_if_it_were_written_whole(
    proposal: Proposal, place: Place, version: int
) -> None:
    members = as_dict(proposal) | {
        "number": place.number,
        "time": place.time.decode(),
        "version": version,
        "transaction": place.transaction,
        "previous": place.previous,
    }
    data = encode_proposal(proposal).entry(place, version)
    assert data == rfc8785.dumps({name: value for name, value in members.items() if value is not None})
    entry = decode_entry(data)
    assert entry.encode() == data
    assert entry.proposal(append=True).encode() == encode_proposal(proposal).proposal(None)


# ---- Any other bytes -------------------------------------------------------------------------------


@dataclass
class Change:
    """A change of a canonical entry's bytes that says the same JSON value, or one that must not pass."""

    old: bytes
    new: bytes


@pytest.mark.parametrize(
    "change",
    [
        Change(b'{"body"', b' {"body"'),
        Change(b'"number":1042', b'"number": 1042'),
        Change(b'"number":1042', b'"number":1042.0'),
        Change(b'"number":1042', b'"number":1.042e3'),
        Change(b'"number":1042', b'"number":01042'),
        Change(b'"number":1042', b'"number":-1'),
        Change(b'"number":1042', b'"number":-0'),
        Change(b'"number":1042', b'"number":9007199254740992'),
        Change(b'"number":1042', b'"number":' + b"9" * 5_000),
        Change(b'"number":1042', b'"number":true'),
        Change(b'"number":1042,', b""),
        Change(b'"number":1042,', b'"number":1042,"number":1042,'),
        Change(b'"version":3', b'"version":0'),
        Change(b'"version":3', b'"version":9007199254740992'),
        Change(b'"version":3', b'"version":null'),
        Change(b'"version":3', b'"version":3,"verzion":3'),
        Change(b'"operation":"amend"', b'"operation":"delete"'),
        Change(b'"operation":"amend"', b'"operation":"\\u0061mend"'),
        Change(b'"time":"2026-11-23T10:00:00Z"', b'"time":"2026-11-23T10:00:00+00:00"'),
        Change(b'"time":"2026-11-23T10:00:00Z"', b'"time":"2026-02-30T10:00:00Z"'),
        Change(b'"previous":"sha256:', b'"previous":"sha512:'),
        Change(b'"transaction":"sha256:', b'"transaction":"SHA256:'),
        Change(b'"status":"registered"', b'"status":null'),
        Change(b'"parish":"K\xc3\xa4ina"', b'"parish":"K\\u00e4ina"'),
        Change(b'"parish":"K\xc3\xa4ina"', b'"parish":"K\xe4ina"'),
        Change(b'"parish":"K\xc3\xa4ina"', b'"parish":"\\ud800"'),
        Change(b'{"area":12,"parish"', b'{"parish":"","area":12,"parish"'),
        Change(b'"area":12', b'"area":12.5'),
        Change(b'"area":12', b'"area":9007199254740992'),
        Change(b'"area":12', b'"area":12,"area":12'),
        Change(b'"area":12', b'"\xc3\xa4":12'),
        Change(b'{"circumstances":{"why":"sale"},"fields"', b'{"circumstances":7,"fields"'),
        Change(b'{"circumstances":{"why":"sale"},"fields"', b'{"circumstances":{},"extra":{},"fields"'),
        Change(b'{"circumstances":{"why":"sale"},"fields"', b'{"extra":{},"fields"'),
        Change(b'{"circumstances":{"why":"sale"},"fields"', b'{"field"'),
        Change(b'"fields":{"area":12,', b'"fields":[],"x":{"area":12,'),
        Change(b'"size":9', b'"size":9,"x":1'),
        Change(b'"require":1', b'"require":1.5'),
        Change(b'"version":3}', b'"version":3}\n'),
        Change(b'"version":3}', b'"version":3'),
        Change(b'"version":3}', b'"version":3}{}'),
    ],
    ids=lambda change: repr(change.new[:40]),
)
def test_any_other_bytes_are_no_entry(change: Change) -> None:
    assert WHOLE_BYTES.count(change.old) == 1
    with pytest.raises(
        Malformed, match=r"^(these bytes are|an entry's|a body|the (body|control|circumstances)|'|2)"
    ):
        decode_entry(WHOLE_BYTES.replace(change.old, change.new))


@pytest.mark.parametrize("empty", ["claims", "references"])
def test_what_is_empty_is_left_out(empty: str) -> None:
    members = as_dict(SMALL) | {empty: []}
    with pytest.raises(Malformed, match="an entry, but not its canonical form"):
        decode_entry(rfc8785.dumps(members))


@pytest.mark.parametrize("decode", [decode_entry, decode_proposal])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"body":' + b"[" * 100_000,
        b'{"body":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"control":' + b'{"of":[' * 5_000 + b"]}" * 5_000 + b"}",
        b'{"entry":' + b"[" * 100_000,
    ],
    ids=lambda data: repr(data[:20]),
)
def test_hostile_bytes_are_malformed_and_nothing_worse(decode: Any, data: bytes) -> None:
    with pytest.raises(Malformed, match=r"^these bytes are not (an entry|a proposal): "):
        decode(data)


def test_a_body_nested_deep_is_malformed_at_whatever_depth_the_caller_stands() -> None:
    def at_depth(calls: int, data: bytes) -> None:
        if calls:
            at_depth(calls - 1, data)
        else:
            decode_entry(data)

    # The JSON library gives up where Python's stack ends, and that is nearer for a caller deep down.
    for calls in (0, 400):
        for depth in (MAX_BODY_DEPTH + 1, 300, 700):
            body = b'{"fields":{"a":' + b"[" * depth + b"]" * depth + b"}}"
            with pytest.raises(Malformed):
                at_depth(calls, SMALL_BYTES.replace(b'{"number"', b'{"body":' + body + b',"number"'))


@settings(max_examples=300)
@given(st.sampled_from([WHOLE_BYTES, SMALL_BYTES]), st.data())
def test_no_changed_byte_gives_the_same_entry(data: bytes, draw: st.DataObject) -> None:
    at = draw.draw(st.integers(0, len(data) - 1))
    changed = (
        data[:at]
        + bytes([draw.draw(st.integers(0, 255).filter(lambda byte: byte != data[at]))])
        + data[at + 1 :]
    )
    try:
        entry = decode_entry(changed)
    except Malformed:
        return
    assert entry not in (WHOLE, SMALL)
    assert entry.encode() == changed


@given(st.binary(max_size=60))
def test_random_bytes_are_malformed(data: bytes) -> None:
    for decode in (decode_entry, decode_proposal):
        with pytest.raises(Malformed):
            decode(data)


# ---- What cannot be written ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "proposal",
    [
        Proposal("\ud800", "x", "create"),
        Proposal("r", "\udcff", "create"),
        Proposal("r", "x", "\ud800"),
        Proposal("r", "x", "create", status="\ud800"),
        Proposal("r", "x", "create", body={"fields": {"a": "\ud800"}}),
        Proposal("r", "x", "create", body={"fields": {"a": {1, 2}}}),
        Proposal("r", "x", "create", body={"fields": {"a": 2**64}}),
        Proposal("r", "x", "create", claims=(Claim("\ud800", "n", HASH),)),
        Proposal("r", "x", "create", references=(Reference("\ud800", "r", "x"),)),
        Proposal("r", "x", "create", tree=Tree(HASH, 10**400)),
        Proposal("r", "x", "create", 0),
        Proposal("r", "x", "create", -1),
        Proposal("r", "x", "create", 2**53),
        Proposal("r", "x", "create", 10**5_000),
    ],
)
def test_what_has_no_canonical_bytes_is_malformed(proposal: Proposal) -> None:
    with pytest.raises(Malformed):
        proposal.encode()


def test_a_body_has_fields_and_circumstances_and_nothing_else() -> None:
    check_body({"fields": {}})
    check_body({"fields": {"a": [{"b": 1}]}, "circumstances": {"why": "x"}})
    shapeless: list[Any] = [
        None,
        [],
        "x",
        {},
        {"fields": None},
        {"circumstances": {}},
        {"fields": {}, "x": {}},
    ]
    for body in shapeless:
        with pytest.raises(Malformed, match=r"^a body "):
            check_body(body)
    overfull: list[Any] = [{"fields": {}, "circumstances": []}, {"fields": {}, "circumstances": {}, "x": 1}]
    for body in overfull:
        with pytest.raises(Malformed, match=r"^a body has .* and nothing else$"):
            check_body(body)
    with pytest.raises(Malformed, match=f"^the body is nested more than {MAX_BODY_DEPTH} deep"):
        check_body({"fields": {"a": json.loads("[" * MAX_BODY_DEPTH + "]" * MAX_BODY_DEPTH)}})
    check_body({"fields": {"a": json.loads("[" * (MAX_BODY_DEPTH - 1) + "]" * (MAX_BODY_DEPTH - 1))}})
