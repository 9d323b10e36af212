"""Trust policies: what one may say, and how it judges signed checkpoints."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.checkpoint import Checkpoint, log_key, sign_checkpoint
from counterfoil.proof.note import (
    ED25519_COSIGNATURE,
    ED25519_NOTE,
    ML_DSA_44_COSIGNATURE,
    Note,
    NoteSignature,
    VerifierKey,
)
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.trust import NO_END, Signer, Trust, TrustedAgency, judge
from tests.shared_data import shared

ORIGIN = "registers.example/ledger"
CHECKPOINT = Checkpoint(ORIGIN, 1042, sha256(b"root").digest())
TIME = 1_795_000_000
GENESIS = "sha256:" + "5a" * 32


def secret(algorithm: str, who: str) -> SigningKey:
    return SigningKey(algorithm, sha256(f"{who} {algorithm}".encode()).digest())


LAND, COURT, TAX = NAMES = ("EX/GOV/LAND", "EX/GOV/COURT", "EX/GOV/TAX")
BOTH = ("ed25519", "ml-dsa-44")
AGENCIES = tuple(
    TrustedAgency(name, tuple(log_key(ORIGIN, secret(algorithm, name).public) for algorithm in BOTH))
    for name in NAMES
)
W1, W2 = "witness.example/w1", "witness.example/w2"
WITNESSES = (
    VerifierKey(W1, ED25519_COSIGNATURE, secret("ed25519", W1).public),
    VerifierKey(W1, ML_DSA_44_COSIGNATURE, secret("ml-dsa-44", W1).public),
    VerifierKey(W2, ED25519_COSIGNATURE, secret("ed25519", W2).public),
)
ONE = Trust(ORIGIN, AGENCIES[:1], 1)
TWO_OF_THREE = Trust(ORIGIN, AGENCIES, 2)
WITNESSED = Trust(ORIGIN, AGENCIES, 1, WITNESSES, 2)


def line(who: str, algorithm: str = "ed25519", time: int = TIME) -> NoteSignature:
    """A line by an agency under the log's name, or by a witness under its own."""
    key = secret(algorithm, who)
    if who in NAMES:
        return sign_checkpoint(CHECKPOINT, key, ORIGIN, log_key(ORIGIN, key.public).type, time)
    kind = {"ed25519": ED25519_COSIGNATURE, "ml-dsa-44": ML_DSA_44_COSIGNATURE}[algorithm]
    return sign_checkpoint(CHECKPOINT, key, who, kind, time)


STRANGE = sign_checkpoint(CHECKPOINT, secret("ed25519", "stranger"), ORIGIN, ED25519_NOTE, TIME)
FORGED = replace(line(LAND), signature=bytes(64))
ALL = [
    *(line(name, algorithm) for name in NAMES for algorithm in BOTH),
    line(W1),
    line(W1, "ml-dsa-44"),
    line(W2),
]


def note(*lines: NoteSignature) -> bytes:
    return Note(CHECKPOINT.text, lines).encode()


def counted(signers: tuple[Signer, ...]) -> list[str]:
    return [signer.name for signer in signers if signer.counts]


# ---- A quorum of agencies --------------------------------------------------------------------------------


def test_one_agency_whose_line_verifies_meets_a_policy_of_one() -> None:
    judgement = judge(ONE, note(line(LAND)), None)
    assert judgement.met
    assert judgement.signed.checkpoint == CHECKPOINT
    assert judgement.agencies == (Signer(LAND, ("ed25519",), (), counts=True),)
    assert judgement.witnesses == ()
    assert judgement.ignored == ()


def test_a_judgement_lists_every_agency_with_the_algorithms_it_signed_in() -> None:
    judgement = judge(TWO_OF_THREE, note(line(COURT, "ml-dsa-44"), line(LAND, "ml-dsa-44"), line(LAND)), None)
    assert judgement.agencies == (
        Signer(LAND, ("ed25519", "ml-dsa-44"), (), counts=True),
        Signer(COURT, ("ml-dsa-44",), (), counts=True),
        Signer(TAX, (), (), counts=False),
    )
    assert (judgement.agreed, judgement.require) == (2, 2)
    assert judgement.met


def test_agencies_are_counted_and_not_their_keys() -> None:
    judgement = judge(TWO_OF_THREE, note(line(LAND), line(LAND, "ml-dsa-44"), line(LAND)), None)
    assert judgement.agreed == 1
    assert not judgement.met


def test_an_unmet_quorum_is_reported_and_not_raised() -> None:
    judgement = judge(TWO_OF_THREE, note(STRANGE), None)
    assert not judgement.met
    assert judgement.agreed == 0
    assert judgement.agencies == tuple(Signer(name, (), (), counts=False) for name in NAMES)


def test_lines_of_keys_that_the_policy_does_not_name_are_ignored_and_listed() -> None:
    judgement = judge(ONE, note(STRANGE, line(LAND), line(COURT), line(W1)), None)
    assert judgement.met
    assert judgement.ignored == (STRANGE.label, line(COURT).label, line(W1).label)
    assert [line.key for line in judgement.signed.lines] == [AGENCIES[0].keys[0]]


def test_a_bad_line_of_a_key_that_the_policy_names_is_raised_and_names_the_key() -> None:
    with pytest.raises(Unverified) as refusal:
        judge(TWO_OF_THREE, note(line(COURT), line(TAX), FORGED), None)
    assert FORGED.label in str(refusal.value)
    assert judge(Trust(ORIGIN, AGENCIES[1:], 2), note(line(COURT), line(TAX), FORGED), None).met


def test_the_checkpoint_of_another_log_is_raised_whoever_signed_it() -> None:
    other = Checkpoint("registers.example/other", 1042, CHECKPOINT.root)
    signature = sign_checkpoint(other, secret("ed25519", LAND), ORIGIN, ED25519_NOTE, TIME)
    with pytest.raises(
        Unverified, match=r"is of the log 'registers\.example/other', not of 'registers\.example/ledger'"
    ):
        judge(ONE, Note(other.text, (signature,)).encode(), None)


@pytest.mark.parametrize("data", [b"", b"text\n", CHECKPOINT.text.encode(), note(STRANGE)[:-1]])
def test_what_is_no_signed_checkpoint_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        judge(ONE, data, None)


def test_a_log_by_others_is_judged_like_our_own() -> None:
    key = VerifierKey.parse("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx")
    trust = Trust(key.name, (TrustedAgency("tessera", (key,)),), 1)
    judgement = judge(trust, (shared("tlog-data/tessera-log") / "checkpoint").read_bytes(), None)
    assert judgement.met
    assert judgement.signed.checkpoint.size == 15


# ---- Witnesses -------------------------------------------------------------------------------------------


def test_witnesses_are_counted_by_name_whatever_keys_they_cosign_with() -> None:
    judgement = judge(WITNESSED, note(line(LAND), line(W1), line(W1, "ml-dsa-44")), None)
    assert judgement.witnesses == (
        Signer(W1, ("ed25519", "ml-dsa-44"), (), counts=True),
        Signer(W2, (), (), counts=False),
    )
    assert (judgement.agreed, judgement.witnessed, judgement.require_witnesses) == (1, 1, 2)
    assert not judgement.met
    assert judge(WITNESSED, note(line(LAND), line(W1, "ml-dsa-44"), line(W2)), None).met


def test_witnesses_do_not_stand_in_for_agencies_nor_agencies_for_witnesses() -> None:
    witnesses_only = judge(WITNESSED, note(line(W1), line(W2)), None)
    assert (witnesses_only.agreed, witnesses_only.witnessed, witnesses_only.met) == (0, 2, False)
    agencies_only = judge(WITNESSED, note(*(line(name) for name in NAMES)), None)
    assert (agencies_only.agreed, agencies_only.witnessed, agencies_only.met) == (3, 0, False)


@pytest.mark.parametrize("algorithm", BOTH)
def test_a_witness_that_states_no_time_does_not_count(algorithm: str) -> None:
    trust = replace(WITNESSED, require_witnesses=1)
    judgement = judge(trust, note(line(LAND), line(W1, algorithm, time=0)), None)
    assert counted(judgement.witnesses) == []
    assert not judgement.met
    assert [line.time for line in judgement.signed.lines] == [None, 0]
    assert judge(trust, note(line(LAND), line(W1, algorithm, time=1)), None).met


def test_an_agency_may_sign_at_time_zero() -> None:
    assert judge(ONE, note(line(LAND, "ml-dsa-44", time=0)), None).met


# ---- Algorithms that end ---------------------------------------------------------------------------------

ENDING = replace(TWO_OF_THREE, algorithms={"ed25519": "2030-12-31T23:59:59Z", "ml-dsa-44": None})


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        ("1970-01-01T00:00:00Z", True),
        ("2026-11-23T10:00:00Z", True),
        ("2030-12-31T23:59:58Z", True),
        ("2030-12-31T23:59:59Z", True),
        ("2031-01-01T00:00:00Z", False),
        ("9999-12-31T23:59:59Z", False),
        (None, False),
    ],
)
def test_signatures_in_an_algorithm_count_up_to_its_end_and_not_where_the_time_is_unknown(
    at: str | None, counts: bool
) -> None:
    judgement = judge(
        ENDING, note(line(LAND), line(COURT, "ml-dsa-44"), line(TAX), line(TAX, "ml-dsa-44")), at
    )
    land, court, tax = judgement.agencies
    assert land == Signer(LAND, ("ed25519",) if counts else (), () if counts else ("ed25519",), counts=counts)
    assert court == Signer(COURT, ("ml-dsa-44",), (), counts=True)
    assert tax.counts
    assert tax.algorithms == (BOTH if counts else ("ml-dsa-44",))
    assert judgement.agreed == (3 if counts else 2)


def test_an_algorithm_that_the_policy_does_not_name_does_not_count() -> None:
    trust = replace(ONE, algorithms={"ml-dsa-44": None})
    judgement = judge(trust, note(line(LAND)), "2026-11-23T10:00:00Z")
    assert judgement.agencies == (Signer(LAND, (), ("ed25519",), counts=False),)
    assert not judgement.met
    assert judge(trust, note(line(LAND, "ml-dsa-44")), None).met


def test_the_end_of_an_algorithm_is_the_end_for_witnesses_too() -> None:
    trust = replace(WITNESSED, algorithms=ENDING.algorithms, require_witnesses=1)
    lines = [line(LAND, "ml-dsa-44"), line(W1), line(W2)]
    assert counted(judge(trust, note(*lines), "2030-01-01T00:00:00Z").witnesses) == [W1, W2]
    assert counted(judge(trust, note(*lines), "2031-01-01T00:00:00Z").witnesses) == []
    assert judge(trust, note(*lines, line(W1, "ml-dsa-44")), "2031-01-01T00:00:00Z").met


def test_a_bad_line_in_an_ended_algorithm_is_still_a_bad_line() -> None:
    with pytest.raises(Unverified):
        judge(ENDING, note(FORGED, line(COURT, "ml-dsa-44")), "2040-01-01T00:00:00Z")


@pytest.mark.parametrize("at", ["", "2026", "2026-11-23T10:00:00+00:00", "2026-02-30T00:00:00Z"])
def test_a_time_in_any_other_form_is_refused_even_where_no_algorithm_ends(at: str) -> None:
    with pytest.raises(Malformed, match="is not a time"):
        judge(ONE, note(line(LAND)), at)


def test_an_agency_counts_only_with_a_line_in_each_required_algorithm() -> None:
    trust = replace(TWO_OF_THREE, require_algorithms=BOTH)
    lines = [line(LAND), line(LAND, "ml-dsa-44"), line(COURT), line(TAX, "ml-dsa-44")]
    judgement = judge(trust, note(*lines), None)
    assert counted(judgement.agencies) == [LAND]
    assert judgement.agencies[1] == Signer(COURT, ("ed25519",), (), counts=False)
    assert not judgement.met
    assert judge(trust, note(*lines, line(COURT, "ml-dsa-44")), None).met


def test_a_required_algorithm_that_has_ended_is_not_fulfilled_by_its_lines() -> None:
    trust = replace(ENDING, require=1, require_algorithms=("ed25519",))
    lines = [line(LAND), line(LAND, "ml-dsa-44")]
    assert judge(trust, note(*lines), "2030-01-01T00:00:00Z").met
    judgement = judge(trust, note(*lines), "2031-01-01T00:00:00Z")
    assert judgement.agencies[0] == Signer(LAND, ("ml-dsa-44",), ("ed25519",), counts=False)
    assert not judgement.met


def test_required_algorithms_are_asked_of_agencies_and_not_of_witnesses() -> None:
    trust = replace(WITNESSED, require_algorithms=("ml-dsa-44",))
    assert judge(trust, note(line(LAND, "ml-dsa-44"), line(W1), line(W2)), None).met


# ---- What a policy may say -------------------------------------------------------------------------------


def agency(name: str, *keys: VerifierKey) -> TrustedAgency:
    return TrustedAgency(name, keys)


OTHER = VerifierKey(W1, ED25519_COSIGNATURE, secret("ed25519", LAND).public)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"agencies": (), "require": 0}, "require 1 to all of its 0 agencies, not 0"),
        ({"require": 0}, "require 1 to all of its 3 agencies, not 0"),
        ({"require": 4}, "require 1 to all of its 3 agencies, not 4"),
        ({"require": -1}, "require 1 to all of its 3 agencies, not -1"),
        ({"agencies": (*AGENCIES, AGENCIES[0])}, "need names, each its own"),
        ({"agencies": (agency("", *AGENCIES[0].keys),), "require": 1}, "need names"),
        ({"agencies": (*AGENCIES, agency("EX/GOV/NEW"))}, "'EX/GOV/NEW' has no key"),
        ({"agencies": (*AGENCIES, agency("EX/GOV/NEW", AGENCIES[0].keys[0]))}, "names a public key twice"),
        ({"origin": "registers.example/other"}, "does not sign for this log"),
        ({"agencies": (agency(LAND, WITNESSES[0]),), "require": 1}, "does not sign for this log"),
        (
            {
                "agencies": (agency(LAND, VerifierKey(ORIGIN, ED25519_COSIGNATURE, WITNESSES[0].public)),),
                "require": 1,
            },
            "its type 0x01 or 0x06",
        ),
        ({"require_witnesses": 1}, "require 0 to all of its 0 witnesses, not 1"),
        ({"require_witnesses": -1}, "require 0 to all of its 0 witnesses, not -1"),
        ({"witnesses": WITNESSES, "require_witnesses": 3}, "require 0 to all of its 2 witnesses, not 3"),
        ({"witnesses": (WITNESSES[0], WITNESSES[0])}, "names a public key twice"),
        ({"witnesses": (OTHER,)}, "names a public key twice"),
        ({"witnesses": (replace(WITNESSES[0], type=ED25519_NOTE),)}, "cannot be a witness's"),
        ({"witnesses": (replace(WITNESSES[0], name=ORIGIN),)}, "cannot be a witness's"),
        ({"algorithms": {"ed25519": None, "ed448": None}}, "'ed448' is no signature algorithm"),
        ({"algorithms": {"ed25519": "2030"}}, "'2030' is not a time"),
        ({"algorithms": {"ed25519": "2030-12-31T24:00:00Z"}}, "is not a time"),
        ({"require_algorithms": ("ed448",)}, "requires 'ed448', which is not among its algorithms"),
        (
            {"algorithms": {"ed25519": None}, "require_algorithms": ("ml-dsa-44",)},
            "requires 'ml-dsa-44', which is not among",
        ),
        ({"genesis_root": GENESIS}, "by root and size together"),
        ({"genesis_size": 5}, "by root and size together"),
        ({"genesis_root": "5a" * 32, "genesis_size": 5}, "is not a hash"),
        ({"genesis_root": GENESIS.upper(), "genesis_size": 5}, "is not a hash"),
        ({"genesis_root": GENESIS, "genesis_size": 0}, "must be 1 to 2\\^53-1, not 0"),
        ({"genesis_root": GENESIS, "genesis_size": 2**53}, "must be 1 to 2\\^53-1"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        replace(TWO_OF_THREE, **change)


def test_two_keys_that_share_name_and_id_are_refused() -> None:
    twin = log_key(ORIGIN, secret("ed25519", "twin").public)
    twin.__dict__["key_id"] = AGENCIES[0].keys[0].key_id  # as if someone had searched for a key with this id
    with pytest.raises(Malformed, match="two keys of a trust policy share name and key id"):
        replace(TWO_OF_THREE, agencies=(*AGENCIES, agency("EX/GOV/TWIN", twin)))


def test_where_nothing_is_said_every_algorithm_counts_without_end_and_nothing_more_is_required() -> None:
    assert dict(ONE.algorithms) == {"ed25519": None, "ml-dsa-44": None}
    assert ONE.algorithms is NO_END
    assert (ONE.witnesses, ONE.require_witnesses, ONE.require_algorithms) == ((), 0, ())
    assert (ONE.genesis_root, ONE.genesis_size) == (None, None)


def test_a_policy_names_the_keys_of_agencies_and_witnesses() -> None:
    assert WITNESSED.keys == (*(key for each in AGENCIES for key in each.keys), *WITNESSES)


def test_a_policy_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        ONE.require = 0  # type: ignore[misc]  # that it cannot be assigned is the test
    assert len({ONE, replace(ONE), TWO_OF_THREE}) == 2


# ---- A policy as JSON ------------------------------------------------------------------------------------

WHOLE = Trust(
    ORIGIN,
    AGENCIES,
    2,
    WITNESSES,
    1,
    {"ed25519": "2030-12-31T23:59:59Z", "ml-dsa-44": None},
    GENESIS,
    5,
    ("ml-dsa-44",),
)


def test_a_policy_is_written_as_canonical_json() -> None:
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    trust = Trust(
        "PeterNeumann", (TrustedAgency("EX/GOV/LAND", (key,)),), 1, genesis_root=GENESIS, genesis_size=5
    )
    assert trust.encode().decode() == (
        '{"agencies":[{"keys":["PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"],'
        '"name":"EX/GOV/LAND"}],'
        '"algorithms":{"ed25519":null,"ml-dsa-44":null},'
        '"format":"trust/v1",'
        f'"genesis-root":"{GENESIS}","genesis-size":5,'
        '"origin":"PeterNeumann","require":1,"require-algorithms":[],"require-witnesses":0,"witnesses":[]}'
    )


@pytest.mark.parametrize("trust", [ONE, TWO_OF_THREE, WITNESSED, ENDING, WHOLE])
def test_a_policy_reads_back_from_its_json(trust: Trust) -> None:
    again = Trust.parse(trust.encode())
    assert again == trust
    assert again.encode() == trust.encode()


def test_a_policy_may_be_laid_out_for_people() -> None:
    members = json.loads(WHOLE.encode())
    assert Trust.parse(json.dumps(members, indent=2, ensure_ascii=False).encode()) == WHOLE


def changed(**members: object) -> bytes:
    whole = json.loads(WHOLE.encode())
    whole.update({name.replace("_", "-"): value for name, value in members.items()})
    return json.dumps(whole).encode()


@pytest.mark.parametrize("name", json.loads(WHOLE.encode()))
def test_every_member_must_be_there(name: str) -> None:
    members = json.loads(WHOLE.encode())
    del members[name]
    with pytest.raises(Malformed, match=f"the trust policy is not in form: .*`{name}`"):
        Trust.parse(json.dumps(members).encode())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the trust policy is not JSON"),
        (b"\xff", "the trust policy is not JSON"),
        (b"[]", "the trust policy is not in form"),
        (b"null", "the trust policy is not in form"),
        (b"{}", "the trust policy is not in form"),
        (b'{"require":1,"require":2}', "has the name 'require' twice"),
        (b"[" * 40 + b"]" * 40, "nested more than 32 deep"),
        (changed(format="trust/v2"), "is of format 'trust/v2'; this program reads trust/v1"),
        (changed(surplus=1), "unknown field `surplus`"),
        (changed(require="1"), "Expected `int`, got `str`"),
        (changed(require=1.5), "holds the number 1.5"),
        (changed(require=True), "Expected `int`, got `bool`"),
        (changed(require=2**53), "integer of 2^53 or more".replace("^", "\\^")),
        (changed(require=9), "require 1 to all of its 3 agencies, not 9"),
        (changed(origin=None), "Expected `str`, got `null`"),
        (changed(agencies=[{"name": "a", "keys": [], "more": 1}]), "unknown field `more`"),
        (changed(agencies=[{"name": "a"}]), "`keys`"),
        (changed(agencies=[{"name": "a", "keys": ["ed25519:abc"]}]), "is no verifier key"),
        (changed(witnesses=[WITNESSES[0].text + "="]), "canonical"),
        (changed(algorithms={"ed25519": 2030}), "Expected `str \\| null`, got `int`"),
        (changed(algorithms=["ed25519"]), "Expected `object`, got `array`"),
        (changed(genesis_size=None), "by root and size together"),
        (changed(require_algorithms="ml-dsa-44"), "Expected `array`, got `str`"),
    ],
)
def test_json_that_is_no_policy_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Trust.parse(data)


def test_a_policy_over_a_mebibyte_is_not_read() -> None:
    data = WHOLE.encode()
    assert Trust.parse(data + b" " * (2**20 - len(data))) == WHOLE
    with pytest.raises(Malformed, match="at most 1048576 are read"):
        Trust.parse(data + b" " * (2**20 - len(data) + 1))


@settings(max_examples=200)
@given(st.data())
def test_changed_json_is_refused_or_says_what_it_says(data: st.DataObject) -> None:
    whole = bytearray(WHOLE.encode())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        trust = Trust.parse(bytes(whole))
    except Malformed:
        return
    assert Trust.parse(trust.encode()) == trust
    assert {key.text for key in trust.keys} <= {key.text for key in WHOLE.keys}


# ---- Any signers, any order ------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(ALL), min_size=1, max_size=12), st.integers(1, 3), st.integers(0, 2))
def test_a_policy_is_met_by_enough_agencies_and_witnesses_whoever_they_are(
    lines: list[NoteSignature], require: int, require_witnesses: int
) -> None:
    trust = replace(WITNESSED, require=require, require_witnesses=require_witnesses)
    judgement = judge(trust, note(*lines, STRANGE), None)
    labels = {line.label for line in lines}
    agencies = [each.name for each in AGENCIES if any(key.label in labels for key in each.keys)]
    witnesses = sorted({key.name for key in WITNESSES if key.label in labels})
    assert counted(judgement.agencies) == agencies
    assert counted(judgement.witnesses) == witnesses
    assert judgement.met is (len(agencies) >= require and len(witnesses) >= require_witnesses)
    assert judgement.ignored == (STRANGE.label,)


@settings(max_examples=200)
@given(st.data())
def test_no_edit_of_a_note_adds_a_signer(data: st.DataObject) -> None:
    whole = bytearray(note(line(LAND), line(TAX, "ml-dsa-44"), line(W1), STRANGE))
    original = judge(WITNESSED, bytes(whole), None)
    at = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 120))
    whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        judgement = judge(WITNESSED, bytes(whole), None)
    except (Malformed, Unverified):
        return
    assert set(counted(judgement.agencies)) <= set(counted(original.agencies))
    assert set(counted(judgement.witnesses)) <= set(counted(original.witnesses))
    assert judgement.signed.checkpoint == CHECKPOINT


def test_a_judgement_is_the_same_for_any_order_of_lines() -> None:
    forwards, backwards = judge(WHOLE, note(*ALL), None), judge(WHOLE, note(*reversed(ALL)), None)
    assert forwards.agencies == backwards.agencies
    assert forwards.witnesses == backwards.witnesses
    assert forwards.met
