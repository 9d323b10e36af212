"""A proof bundle's form: one way to write it, limits, its JSON Schema, and the proof file for tools by others."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.proof import bundle as module
from counterfoil.proof.bundle import (
    FORMAT,
    MAX_BUNDLE_BYTES,
    Beginning,
    Bundle,
    BundledTransaction,
    Disclosure,
    IndexClaim,
    to_tlog_proof,
)
from counterfoil.proof.canonical import canonical, labelled
from counterfoil.proof.merkle import leaf_hash, verify_inclusion
from counterfoil.proof.note import decode_base64
from counterfoil.proof.transaction import Endorsement
from tests.proof.book import LOG_KEY, LOG_KEY_PQ, Book, land

SCHEMA = jsonschema_rs.Draft202012Validator(
    json.loads(Path(module.__file__).with_name("bundle.schema.json").read_text("utf-8"))
)
HASH = bytes(range(32))
HASH_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SMALL = Bundle(format=FORMAT, checkpoint="x\n", entries=("{}",))
FULL = Bundle(
    format=FORMAT,
    checkpoint="x\n",
    entries=("{}", "ä"),
    inclusion=(HASH, HASH),
    genesis=Beginning(1, labelled(HASH), (HASH,)),
    append=("visits",),
    transactions=(
        BundledTransaction(0, "{}", (Endorsement("ed25519:AA", "BB"),), (HASH,)),
        BundledTransaction(2**53 - 1, "", (), ()),
    ),
    index=(IndexClaim(7, "land", "a", HASH, HASH + HASH, (HASH,)),),
    disclosures=(Disclosure(3, ("WyJ4Il0",), (HASH,)),),
    seal={"any": ["thing", 1]},
)


def told(bundle: Bundle) -> dict[str, Any]:
    """A bundle's JSON, to be changed."""
    value: dict[str, Any] = json.loads(bundle.encode())
    return value


def test_a_bundle_is_one_json_object() -> None:
    assert SMALL.encode() == b'{"checkpoint":"x\\n","entries":["{}"],"format":"proof-bundle/v1"}'
    assert told(FULL) == {
        "format": "proof-bundle/v1",
        "checkpoint": "x\n",
        "entries": ["{}", "ä"],
        "inclusion": [HASH_TEXT, HASH_TEXT],
        "genesis": {"size": 1, "root": f"sha256:{HASH.hex()}", "proof": [HASH_TEXT]},
        "append": ["visits"],
        "transactions": [
            {
                "first": 0,
                "header": "{}",
                "endorsements": [{"key": "ed25519:AA", "signature": "BB"}],
                "inclusion": [HASH_TEXT],
            },
            {"first": 9007199254740991, "header": "", "endorsements": [], "inclusion": []},
        ],
        "index": [
            {
                "as-of": 7,
                "register": "land",
                "record": "a",
                "key": HASH_TEXT,
                "bucket": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHw==",
                "siblings": [HASH_TEXT],
            }
        ],
        "disclosures": [{"number": 3, "shown": ["WyJ4Il0"], "hidden": [HASH_TEXT]}],
        "seal": {"any": ["thing", 1]},
    }


@pytest.mark.parametrize("bundle", [SMALL, FULL])
def test_what_is_written_is_read_again(bundle: Bundle) -> None:
    assert Bundle.parse(bundle.encode()) == bundle


def test_white_space_the_order_of_members_and_escapes_do_not_matter() -> None:
    members = dict(sorted(told(FULL).items(), reverse=True))
    assert Bundle.parse(json.dumps(members, indent=4, ensure_ascii=True).encode()) == FULL


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("more", 1),
        ("checkpoint", 7),
        ("entries", []),
        ("entries", [7]),
        ("entries", {"a": "b"}),
        ("entries", ["x" * 65_536]),
        ("entries", ["ä" * 32_768]),
        ("inclusion", []),
        ("inclusion", None),
        ("inclusion", [HASH_TEXT[:-4]]),
        ("inclusion", [HASH_TEXT + "AAAA"]),
        ("inclusion", [HASH_TEXT[:-1]]),
        ("inclusion", [HASH_TEXT.replace("A", "-")]),
        ("inclusion", [HASH_TEXT[:-2] + "9="]),
        ("genesis", {"size": 0, "root": f"sha256:{HASH.hex()}", "proof": []}),
        ("genesis", {"size": 1, "proof": []}),
        ("append", []),
        ("append", ["a" * 256]),
        ("transactions", []),
        ("transactions", [{"first": 0, "header": "{}", "endorsements": []}]),
        ("transactions", [{"first": -1, "header": "{}", "endorsements": [], "inclusion": []}]),
        ("transactions", [{"first": 0.0, "header": "{}", "endorsements": [], "inclusion": []}]),
        ("transactions", [{"first": True, "header": "{}", "endorsements": [], "inclusion": []}]),
        ("transactions", [{"first": 2**53, "header": "{}", "endorsements": [], "inclusion": []}]),
        ("index", [{"as-of": 1, "register": "a", "record": "b", "bucket": "", "siblings": []}]),
        ("disclosures", [{"number": 1, "shown": [7], "hidden": []}]),
        ("seal", None),
    ],
)
def test_a_bundle_in_another_form_is_refused(member: str, value: Any) -> None:
    with pytest.raises(Malformed):
        Bundle.parse(canonical(told(SMALL) | {member: value}))


@pytest.mark.parametrize("member", ["checkpoint", "entries"])
def test_members_that_must_be_there(member: str) -> None:
    members = told(FULL)
    del members[member]
    with pytest.raises(Malformed, match=f"missing required field `{member}`"):
        Bundle.parse(canonical(members))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the proof bundle is not JSON"),
        (b"\xff", "the proof bundle is not JSON"),
        (b"[" * 2000, "the proof bundle is not JSON"),
        (b"[" * 40 + b"]" * 40, "nested more than 32 deep"),
        (b"[]", "this is no proof bundle of format proof-bundle/v1; its format is 'None'"),
        (
            b'{"format":"proof-bundle/v2"}',
            "this is no proof bundle of format proof-bundle/v1; its format is 'proof-bundle/v2'",
        ),
        (b'{"format":{}}', "its format is '{}'"),
        (b'{"entries":["{}"],"entries":["{}"],"format":"proof-bundle/v1"}', "'entries' twice"),
        (b'{"format":"proof-bundle/v1","seal":1.5}', "write decimals and huge numbers as strings"),
        (b'{"format":"proof-bundle/v1","seal":9007199254740992}', "integer of 2\\^53 or more"),
    ],
)
def test_input_that_is_no_bundle_is_refused_and_says_why(data: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        Bundle.parse(data)


def test_a_bundle_has_a_size_and_a_number_of_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Malformed, match=f"at most {MAX_BUNDLE_BYTES} are read"):
        Bundle.parse(bytes(MAX_BUNDLE_BYTES + 1))
    data = FULL.encode()
    monkeypatch.setattr(module, "MAX_BUNDLE_BYTES", len(data) - 1)
    with pytest.raises(Malformed, match="prove less at a time"):
        FULL.encode()
    with pytest.raises(Malformed, match="are read"):
        Bundle.parse(data)
    monkeypatch.undo()
    monkeypatch.setattr(module, "MAX_SIGNATURES", 0)
    with pytest.raises(Malformed, match="over 0 endorsements"):
        Bundle.parse(data)


def test_text_that_no_json_can_hold_is_refused() -> None:
    with pytest.raises(Malformed, match="cannot be written as JSON"):
        msgspec.structs.replace(SMALL, entries=("\ud800",)).encode()


# The JSON Schema


@pytest.mark.parametrize("bundle", [SMALL, FULL])
def test_the_schema_takes_bundles(bundle: Bundle) -> None:
    SCHEMA.validate(told(bundle))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2**53 - 1)
    | st.text(max_size=6)
    | st.sampled_from([HASH_TEXT, FORMAT, "sha256:00"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text("ab-", max_size=6), inner, max_size=2)
    ),
    max_leaves=3,
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value within a JSON value stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for name, each in inner for place in places(each, (*here, name)))]


@given(st.sampled_from(places(told(FULL))[1:]), JSON_VALUES)
def test_what_the_schema_takes_is_read_and_what_is_not_read_it_refuses(
    place: tuple[Any, ...], value: Any
) -> None:
    changed = told(FULL)
    around = changed
    for name in place[:-1]:
        around = around[name]
    around[place[-1]] = value
    try:
        Bundle.parse(canonical(changed))
        read = True
    except Malformed:
        read = False
    # What a hash, key or signature is made of, the schema says already and the steps of a verification say later.
    later = {"root", "key", "signature", "shown"} & {*place} or isinstance(value, str)
    # That `seal` is not null, and how base64 ends, the schema does not say.
    lax = place == ("seal",) or "bucket" in place
    if not lax:
        assert read >= SCHEMA.is_valid(changed)
    if not later:
        assert read <= SCHEMA.is_valid(changed)


# By hand, as docs/proof-bundle.md says it


def sha(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def climb(leaves: dict[int, bytes], start: int, end: int, hashes: list[bytes]) -> bytes:
    """The hash of the subtree of leaves [start, end), with the next hashes of a proof where it holds no entry."""
    inside = {number: leaf for number, leaf in leaves.items() if start <= number < end}
    if not inside:
        return hashes.pop(0)
    if end - start == 1:
        return inside[start]
    middle = start + 1
    while middle + (middle - start) < end:
        middle += middle - start
    if any(number < middle for number in inside):
        left = climb(leaves, start, middle, hashes)
        right = climb(leaves, middle, end, hashes)
    else:
        right = climb(leaves, middle, end, hashes)
        left = climb(leaves, start, middle, hashes)
    return sha(b"\x01", left, right)


@given(st.sets(st.integers(0, 19), min_size=1), st.sampled_from([16, 17, 19]))
def test_a_bundle_can_be_checked_by_hand(wanted: set[int], plots: int) -> None:
    book = Book()
    book.begin()
    book.define("land")
    book.take([land(f"plot {number}", 1) for number in range(plots)])
    index = book.index()
    bundle = told(book.bundle(sorted(wanted), [("land", "plot 3", index), ("land", "plot x", index)]))
    entries = {entry["number"]: entry for entry in map(json.loads, bundle["entries"])}
    leaves = {json.loads(text)["number"]: sha(b"\0", text.encode()) for text in bundle["entries"]}

    _, size, checkpoint_root = bundle["checkpoint"].split("\n")[:3]
    hashes = [b64decode(each) for each in bundle.get("inclusion", [])]
    assert climb(leaves, 0, int(size), hashes) == b64decode(checkpoint_root)
    assert hashes == []

    for transaction in bundle.get("transactions", []):
        header = json.loads(transaction["header"])
        name = f"sha256:{sha(transaction['header'].encode()).hex()}"
        proposals = {}
        for number, entry in entries.items():
            if entry.get("transaction") == name:
                proposal = {
                    member: entry[member]
                    for member in entry
                    if member not in ("number", "time", "transaction", "previous")
                }
                text = json.dumps(proposal, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
                proposals[number - transaction["first"]] = sha(b"\0", text.encode())
        hashes = [b64decode(each) for each in transaction["inclusion"]]
        assert f"sha256:{climb(proposals, 0, header['count'], hashes).hex()}" == header["root"]
        assert hashes == []
        signed = b"endorsement/v1\n" + bytes.fromhex(name[7:])
        for endorsement in transaction["endorsements"]:
            algorithm, _, public = endorsement["key"].partition(":")
            assert algorithm == "ed25519"
            key = Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(public + "="))
            key.verify(urlsafe_b64decode(endorsement["signature"] + "=="), signed)

    for claim in bundle["index"]:
        stated = entries[claim["as-of"]]["body"]["fields"]
        names = json.dumps([claim["register"], claim["record"]], separators=(",", ":")).encode()
        assert b64decode(claim["key"]) == sha(names)
        bucket = b64decode(claim["bucket"])
        digest = sha(b"\x02", bucket)
        bits = f"{int.from_bytes(sha(names), 'big'):0256b}"[: len(claim["siblings"])]
        for bit, sibling in zip(reversed(bits), claim["siblings"], strict=True):
            other = b64decode(sibling)
            digest = sha(b"\x03", other, digest) if bit == "1" else sha(b"\x03", digest, other)
        assert f"sha256:{digest.hex()}" == stated["root"]
        assert stated["size"] == claim["as-of"]
        pairs = {bucket[at : at + 32]: bucket[at + 32 : at + 64] for at in range(0, len(bucket), 64)}
        assert pairs.get(sha(names)) == (leaf_hash(book.entries[7]) if claim["record"] == "plot 3" else None)


# The proof file of C2SP


def test_a_bundle_of_one_entry_is_a_tlog_proof() -> None:
    book = Book("ledger.example/one")
    book.begin()
    book.define("land")
    for number in range(5):
        book.take([land(f"plot {number}", 1)])
    note = book.note(keys=[LOG_KEY, LOG_KEY_PQ])
    bundle = book.bundle([5], note=note)
    lines = to_tlog_proof(bundle).decode().split("\n\n", 1)
    assert lines[0].split("\n")[:2] == ["c2sp.org/tlog-proof@v1", "index 5"]
    assert lines[1] == note
    hashes = [decode_base64(line, "a hash") for line in lines[0].split("\n")[2:]]
    verify_inclusion(
        {5: leaf_hash(book.entries[5])}, 9, hashes, decode_base64(note.split("\n")[2], "the root")
    )
    assert to_tlog_proof(bundle).endswith(b"\n")


def test_a_log_of_one_entry_has_a_proof_without_hashes() -> None:
    bundle = Bundle(format=FORMAT, checkpoint="o\n1\nr\n\ns\n", entries=('{"number":0}',))
    assert to_tlog_proof(bundle) == b"c2sp.org/tlog-proof@v1\nindex 0\n\no\n1\nr\n\ns\n"


def test_a_bundle_of_several_entries_is_no_tlog_proof() -> None:
    with pytest.raises(Malformed, match="is about one entry, and this bundle has 2; prove the entry alone"):
        to_tlog_proof(FULL)
