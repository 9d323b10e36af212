"""An extract has one form, one hash, and labels that anyone derives alike."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.canonical import Json, canonical
from counterfoil.proof.extract import (
    DOMAIN,
    MAX_EXTRACT_BYTES,
    Extract,
    certify,
    extract_hash,
    label_of,
    seems_extract,
)
from counterfoil.proof.report import NOT_VALID
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.verify_extract import verify_extract

KEY = SigningKey("ed25519", bytes(32))
BUNDLE = Bundle("proof-bundle/v1", "not looked at here", ("{}",))
PLAIN = Extract(
    "extract/v1",
    "birth",
    "7",
    "Births",
    "EX/GOV/TEST",
    "2026-11-23T10:00:00Z",
    "sealed here",
    {"name": "Zoë"},
    {"name": "Name"},
    BUNDLE,
)
MEMBERS: dict[str, Any] = json.loads(PLAIN.encode())


def test_what_is_written_is_read_again() -> None:
    certified = certify(replace(PLAIN, purpose="tax", erased=("rent",)), KEY)
    assert Extract.parse(certified.encode()) == certified
    spaced = json.dumps(json.loads(certified.encode()), indent=2).encode()
    assert Extract.parse(spaced) == certified


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "extract/v2"}, "no extract of format extract/v1"),
        ({"colour": "red"}, "not in form"),
        ({"erased": []}, "empty member"),
        ({"purpose": None}, "empty member"),
        ({"level": "sure"}, "not in form"),
        ({"issued": "yesterday"}, "time"),
        ({"fields": {"amount": 1.5}}, "1.5"),
        ({"record": "7" * 256}, "not in form"),
        ({"bundle": {"format": "proof-bundle/v1"}}, "proof bundle"),
        ({"bundle": None}, "proof bundle"),
    ],
)
def test_another_form_is_not_read(change: dict[str, Json], said: str) -> None:
    with pytest.raises(Malformed, match=said):
        Extract.parse(json.dumps({**MEMBERS, **change}).encode())


def test_what_is_too_large_is_not_read() -> None:
    with pytest.raises(Malformed, match="at most"):
        Extract.parse(b" " * (MAX_EXTRACT_BYTES + 1))
    with pytest.raises(Malformed, match="show fewer fields"):
        replace(PLAIN, fields={"name": "z" * MAX_EXTRACT_BYTES}).encode()


def test_the_hash_is_over_everything_but_the_signature() -> None:
    certified = certify(PLAIN, KEY)
    assert certified.certified is not None
    assert extract_hash(certified) == extract_hash(PLAIN)
    certified.certified.verify(extract_hash(PLAIN), DOMAIN)
    with pytest.raises(Unverified):
        certified.certified.verify(extract_hash(PLAIN))  # no endorsement of a transaction
    for change in ({"title": "Deaths"}, {"issued": "2026-11-23T10:00:01Z"}, {"level": "witnessed"}):
        assert extract_hash(replace(PLAIN, **change)) != extract_hash(PLAIN)


@pytest.mark.parametrize(
    ("name", "schema", "label"),
    [
        ("date-of-birth", None, "Date of birth"),
        ("birth_place", {}, "Birth place"),
        ("x", {"properties": {"x": {"title": "The unknown"}}}, "The unknown"),
        ("x", {"properties": {"x": {"title": 7}}}, "X"),
        ("x", {"properties": {"x": True}}, "X"),
        ("x", {"properties": []}, "X"),
        ("-", None, "-"),
    ],
)
def test_a_label_is_the_title_in_the_schema_or_the_name_in_words(name: str, schema: Json, label: str) -> None:
    assert label_of(name, schema) == label


@pytest.mark.parametrize(
    ("data", "seems"),
    [
        (PLAIN.encode(), True),
        (b"<!doctype html>", True),
        (b"\n <html>", True),
        (canonical({"format": "proof-bundle/v1"}), False),
        (b"[" * 100_000, False),
        (b"\xff", False),
        (b"", False),
        (b"7", False),
    ],
)
def test_a_file_seems_to_be_an_extract_or_not(data: bytes, seems: bool) -> None:
    assert seems_extract(data) is seems


@given(st.binary(max_size=200) | st.just(PLAIN.encode()) | st.just(canonical({**MEMBERS, "fields": []})))
def test_verifying_whatever_comes_raises_nothing(data: bytes) -> None:
    report, extract, facts = verify_extract(data, None)
    assert (report.verdict, report.claims, extract, facts) == (NOT_VALID, (), None, None)
    assert report.failed
