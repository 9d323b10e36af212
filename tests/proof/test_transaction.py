"""Headers, endorsements and transactions: their bytes, what is signed, and that nothing signed can be changed."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Proposal
from counterfoil.proof.merkle import leaf_hash, node_hash
from counterfoil.proof.signing import PublicKey, SigningKey
from counterfoil.proof.transaction import (
    ENDORSEMENT,
    WITHDRAWAL,
    Endorsement,
    Expectation,
    Header,
    Idempotency,
    Transaction,
    decode_endorsements,
    decode_header,
    draft,
    encode_endorsements,
    endorse,
)

KEY = SigningKey("ed25519", bytes(range(32)))
OTHER = SigningKey("ed25519", bytes(32))
ML_DSA = SigningKey("ml-dsa-44", bytes(32))
HASH = digest(b"something")
PROPOSALS = [
    Proposal("land", str(number), "create", 1, body={"fields": {"n": number}}) for number in range(3)
]
HEADER = Header(
    origin="ledger.example/1",
    agency="EE/GOV/LAND",
    count=0,
    root="",
    deadline="2026-12-01T00:00:00Z",
    idempotency=Idempotency("request 1", ""),
    expectations=(Expectation("land", "9", 4), Expectation(claim=HASH, held=False)),
    not_before="2026-11-30T00:00:00Z",
)


def drafted(*keys: SigningKey) -> Transaction:
    return draft(HEADER, PROPOSALS, lambda transaction: digest(b"asked " + transaction.root.encode()), keys)


# ---- The header ------------------------------------------------------------------------------------


def test_a_draft_states_number_and_root_of_its_proposals() -> None:
    header = drafted().header
    one, two, three = (leaf_hash(proposal.encode()) for proposal in PROPOSALS)
    assert header.count == 3
    assert header.root == "sha256:" + node_hash(node_hash(one, two), three).hex()
    assert header.idempotency == Idempotency("request 1", digest(b"asked " + header.root.encode()))


def test_a_header_and_its_bytes() -> None:
    transaction = drafted()
    header = transaction.header
    assert (
        header.encode()
        == (
            '{"agency":"EE/GOV/LAND","count":3,"deadline":"2026-12-01T00:00:00Z",'
            f'"expectations":[{{"record":"9","register":"land","version":4}},{{"claim":"{HASH}","held":false}}],'
            f'"idempotency":{{"key":"request 1","request":"{header.idempotency.request}"}},'
            f'"not-before":"2026-11-30T00:00:00Z","origin":"ledger.example/1","root":"{header.root}"}}'
        ).encode()
    )
    assert decode_header(header.encode()) == header
    assert transaction.header_bytes == header.encode()
    assert transaction.hash == "sha256:" + sha256(header.encode()).hexdigest()


def test_what_a_header_does_not_say_is_left_out() -> None:
    header = Header("o", "a", 1, HASH, "2026-12-01T00:00:00Z", Idempotency("k", HASH))
    assert b"expectations" not in header.encode()
    assert b"not-before" not in header.encode()
    assert decode_header(header.encode()) == header


TEXT = st.text(max_size=8)
EXPECTATIONS = st.builds(
    Expectation, register=TEXT, record=TEXT, version=st.integers(0, 2**53 - 1)
) | st.builds(Expectation, claim=TEXT, held=st.booleans())
HEADERS = st.builds(
    Header,
    origin=TEXT,
    agency=TEXT,
    count=st.integers(0, 1000),
    root=TEXT,
    deadline=TEXT,
    idempotency=st.builds(Idempotency, TEXT, TEXT),
    expectations=st.lists(EXPECTATIONS, max_size=3).map(tuple),
    not_before=st.none() | TEXT,
)


@given(HEADERS)
def test_a_header_is_written_as_rfc_8785_writes_its_members(header: Header) -> None:
    assert header.encode() == rfc8785.dumps(msgspec.json.decode(msgspec.json.encode(header)))
    assert decode_header(header.encode()) == header


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"agency"', b' {"agency"'),
        (b'"count":3', b'"count":3.0'),
        (b'"count":3', b'"count":"3"'),
        (b'"count":3', b'"count":3,"count":3'),
        (b'"count":3', b'"count":' + b"9" * 5_000),
        (b'"count":3', b'"count":[[[[]]]]'),
        (b'"held":false', b'"held":null'),
        (b'"held":false', b'"held":0'),
        (b'"version":4', b'"version":4,"note":1'),
        (b'"origin"', b'"0rigin"'),
        (b'"not-before"', b'"not_before"'),
        (b"LAND", b"L\\u0041ND"),
        (b"LAND", b"L\xffND"),
        (b"LAND", b"\\ud800"),
        (b'"expectations":[', b'"expectations":' + b"[" * 50_000),
        (b'{"agency"', b'{"a":' + b"[" * 50_000 + b',"agency"'),
    ],
    ids=lambda part: repr(part[:25]),
)
def test_any_other_bytes_are_no_header(old: bytes, new: bytes) -> None:
    data = drafted().header_bytes
    assert old in data
    with pytest.raises(Malformed, match=r"^these bytes are "):
        decode_header(data.replace(old, new, 1))


def test_a_header_that_cannot_be_written_is_malformed() -> None:
    for wrong in (
        msgspec.structs.replace(HEADER, origin="\ud800"),
        msgspec.structs.replace(HEADER, count=10**5_000),
    ):
        with pytest.raises(Malformed):
            _ = Transaction(wrong, PROPOSALS).hash


# ---- Endorsements ----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, ML_DSA], ids=lambda key: key.algorithm)
def test_an_endorsement_signs_the_hash_of_the_header_in_its_domain(key: SigningKey) -> None:
    transaction = drafted(key)
    (endorsement,) = transaction.endorsements
    endorsement.verify(transaction.hash)
    assert endorsement.key == key.public.text
    header_hash = sha256(transaction.header_bytes).digest()
    signature = key.sign(b"endorsement/v1\n" + header_hash)
    by_hand = Endorsement(key.public.text, urlsafe_b64encode(signature).decode().rstrip("="))
    by_hand.verify(transaction.hash)


def test_ed25519_endorsements_are_the_same_each_time() -> None:
    assert endorse(HASH, KEY) == endorse(HASH, KEY)
    assert len(endorse(HASH, KEY).signature) == 86


def test_an_endorsement_is_over_one_transaction_in_one_domain_by_one_key() -> None:
    endorsement = endorse(HASH, KEY)
    endorsement.verify(HASH)
    endorsement.verify(HASH, ENDORSEMENT)
    with pytest.raises(Unverified):
        endorsement.verify(digest(b"another"))
    with pytest.raises(Unverified):
        endorsement.verify(HASH, WITHDRAWAL)
    with pytest.raises(Unverified):
        Endorsement(OTHER.public.text, endorsement.signature).verify(HASH)
    endorse(HASH, KEY, WITHDRAWAL).verify(HASH, WITHDRAWAL)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text + "=",
        lambda text: text + "==",
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: text[:5] + "\n" + text[5:],
        lambda text: text[:5] + "+" + text[6:],
        lambda text: text[:5] + "é" + text[6:],
        lambda text: text[:5] + "\ud800" + text[6:],
        lambda text: text[:-1] + chr(ord(text[-1]) + 1),  # other bits that the bytes do not hold
    ],
)
def test_a_signature_has_one_text(spoil: Any) -> None:
    text = endorse(HASH, KEY).signature
    assert text[-1] in "AQgw"
    with pytest.raises((Malformed, Unverified)):
        Endorsement(KEY.public.text, spoil(text)).verify(HASH)


@pytest.mark.parametrize("signature", ["", "AAAA", "A" * 86, "A" * 87, "é", "=" * 4])
def test_what_is_no_signature_does_not_verify(signature: str) -> None:
    with pytest.raises((Malformed, Unverified)):
        Endorsement(KEY.public.text, signature).verify(HASH)


@pytest.mark.parametrize("key", ["", "x", "ed25519:", "ed25519:AAAA", "rsa:AAAA", KEY.public.text + "="])
def test_what_is_no_key_is_malformed(key: str) -> None:
    with pytest.raises(Malformed):
        Endorsement(key, endorse(HASH, KEY).signature).verify(HASH)


def test_the_name_of_a_transaction_must_be_a_hash() -> None:
    with pytest.raises(Malformed, match="is not a hash"):
        endorse("land", KEY)
    with pytest.raises(Malformed, match="is not a hash"):
        endorse(HASH, KEY).verify("land")


@given(st.integers(0, 63), st.integers(1, 255))
def test_no_changed_byte_of_a_signature_verifies(at: int, change: int) -> None:
    signature = bytearray(KEY.sign(ENDORSEMENT + bytes.fromhex(HASH[7:])))
    signature[at] ^= change
    text = urlsafe_b64encode(signature).decode().rstrip("=")
    with pytest.raises(Unverified):
        Endorsement(KEY.public.text, text).verify(HASH)


def test_endorsements_and_their_bytes() -> None:
    endorsements = drafted(OTHER, KEY).endorsements
    data = encode_endorsements(endorsements)
    assert data == rfc8785.dumps([{"key": each.key, "signature": each.signature} for each in endorsements])
    assert decode_endorsements(data) == endorsements
    assert [PublicKey.parse(each.key) for each in endorsements] == [OTHER.public, KEY.public]
    assert encode_endorsements(()) == b"[]"
    assert decode_endorsements(b"[]") == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[ ]",
        b"[1]",
        b'[{"key":"x"}]',
        b'[{"key":"x","signature":"y","z":1}]',
        b'[{"signature":"y","key":"x"}]',
        b'[{"key":"x","key":"x","signature":"y"}]',
        b'[{"key":"\xff","signature":"y"}]',
        b"[" * 50_000,
    ],
    ids=lambda data: repr(data[:30]),
)
def test_any_other_bytes_are_no_endorsements(data: bytes) -> None:
    with pytest.raises(Malformed, match=r"^these bytes are "):
        decode_endorsements(data)


# ---- The transaction -------------------------------------------------------------------------------


def test_one_changed_field_is_another_transaction() -> None:
    names = set()
    for change in (
        {},
        {"origin": "ledger.example/2"},
        {"agency": "EE/GOV/OTHER"},
        {"deadline": "2026-12-01T00:00:01Z"},
        {"expectations": ()},
        {"expectations": HEADER.expectations[::-1]},
        {"not_before": None},
        {"idempotency": Idempotency("request 2", "")},
    ):
        names.add(draft(msgspec.structs.replace(HEADER, **change), PROPOSALS, lambda _: HASH).hash)
    names.add(draft(HEADER, PROPOSALS[::-1], lambda _: HASH).hash)
    names.add(draft(HEADER, PROPOSALS[:2], lambda _: HASH).hash)
    names.add(draft(HEADER, PROPOSALS, lambda _: digest(b"other")).hash)
    assert len(names) == 11


def test_more_endorsements_leave_the_transaction_what_it_is() -> None:
    transaction = drafted(KEY)
    more = transaction.endorsed((*transaction.endorsements, endorse(transaction.hash, OTHER)))
    assert more.hash == transaction.hash
    assert more.root == transaction.root
    assert more.header is transaction.header
    assert more.proposals == transaction.proposals
    assert [each.key for each in more.endorsements] == [KEY.public.text, OTHER.public.text]
    assert [each.key for each in transaction.endorsements] == [KEY.public.text]


def test_what_was_computed_once_is_the_same_for_a_copy() -> None:
    transaction = drafted()
    computed = (transaction.encoded, transaction.proposal_bytes, transaction.root, transaction.hash)
    copy = transaction.endorsed([endorse(transaction.hash, KEY)])
    assert (copy.encoded, copy.proposal_bytes, copy.root, copy.hash) == computed
    assert copy.proposal_bytes == [proposal.encode() for proposal in PROPOSALS]


def test_no_proposals_have_the_root_of_an_empty_tree() -> None:
    assert Transaction(HEADER, []).root == digest(b"")
