"""Signature algorithms: against RFC 8032, RFC 9881 and C2SP's edge cases, and what a key as text may be."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections import Counter
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.signing import ALGORITHMS, ED25519, ML_DSA_44, PublicKey, SigningKey
from tests.shared_data import shared

SEED = bytes(range(32))
KEYS = {name: SigningKey(name, SEED) for name in ALGORITHMS}
MESSAGE = b"endorsement/v1\n" + bytes(32)

RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
        "3dca179c138ac17ad9bef1177331a704",
    ),
]
"""Section 7.1, tests 1, 2, 3 and SHA(abc): secret key, public key, message, signature."""


def edge_cases() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        (shared("tlog-data/ed25519") / "ed25519vectors.json").read_bytes()
    )
    return found


def accepts(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except Unverified:
        return False
    return True


# ---- Ed25519 -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_ed25519_is_that_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    key = SigningKey("ed25519", bytes.fromhex(seed))
    assert key.public.raw.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    key.public.verify(bytes.fromhex(signature), bytes.fromhex(message))


def test_every_edge_case_is_judged_as_libsodium_documents_it() -> None:
    # libsodium refuses points of low order and encodings that are not canonical, and checks the equation
    # without cofactor: what it accepts has components of low order at most, and those cancel out.
    harmless = {"low_order_component_R", "low_order_component_A"}
    cases = edge_cases()
    assert len(cases) == 914
    for case in cases:
        key = PublicKey("ed25519", bytes.fromhex(case["key"]))
        verdict = accepts(key, bytes.fromhex(case["sig"]), case["msg"].encode())
        assert verdict is harmless.issuperset(case["flags"] or ()), case


def test_the_edge_cases_that_are_accepted_are_43() -> None:
    accepted = Counter(
        tuple(sorted(case["flags"] or ()))
        for case in edge_cases()
        if accepts(
            PublicKey("ed25519", bytes.fromhex(case["key"])), bytes.fromhex(case["sig"]), case["msg"].encode()
        )
    )
    assert accepted == {
        (): 1,
        ("low_order_component_A",): 7,
        ("low_order_component_A", "low_order_component_R"): 35,
    }


def test_bytes_cannot_move_between_signature_and_message() -> None:
    key = KEYS["ed25519"]
    signature = key.sign(MESSAGE)
    together = signature + MESSAGE
    assert accepts(key.public, together[:64], together[64:])
    for cut in [0, 1, 63, 65, len(together)]:
        assert not accepts(key.public, together[:cut], together[cut:]), cut


def test_a_signature_with_its_scalar_raised_by_the_group_order_is_refused() -> None:
    # RFC 8032 section 5.1.7: S must be below L, or everyone could make a second signature out of a first.
    order = 2**252 + 27742317777372353535851937790883648493
    key = KEYS["ed25519"]
    signature = key.sign(MESSAGE)
    raised = int.from_bytes(signature[32:], "little") + order
    assert not accepts(key.public, signature[:32] + raised.to_bytes(32, "little"), MESSAGE)


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    signature = KEYS["ed25519"].sign(MESSAGE)
    for raw in [bytes(32), b"\xff" * 32, b"\x02" + bytes(31)]:
        assert not accepts(PublicKey("ed25519", raw), signature, MESSAGE)


# ---- ML-DSA-44 -----------------------------------------------------------------------------------------


def test_an_ml_dsa_44_key_grows_from_its_seed_as_in_rfc_9881() -> None:
    # Appendix C, the example for ML-DSA-44, whose seed is 00 to 1f.
    raw = SigningKey("ml-dsa-44", bytes(range(32))).public.raw
    assert len(raw) == 1312
    assert raw[:32].hex() == "d7b2b47254aae0db45e7930d4a98d2c97d8f1397d1789dafa17024b316e9bec9"
    assert raw[-32:].hex() == "2202766151f16a965f9f81ece76cc070b55869e4db9784cf05c830b3242c8312"


def test_ml_dsa_44_signatures_are_randomised_and_each_verifies() -> None:
    key = KEYS["ml-dsa-44"]
    first, second = key.sign(MESSAGE), key.sign(MESSAGE)
    assert first != second
    assert len(first) == len(second) == 2420
    key.public.verify(first, MESSAGE)
    key.public.verify(second, MESSAGE)


def test_ml_dsa_44_refuses_another_context_than_the_empty_one() -> None:
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

    other = MLDSA44PrivateKey.from_seed_bytes(SEED)
    assert accepts(KEYS["ml-dsa-44"].public, other.sign(MESSAGE, None), MESSAGE)
    assert accepts(KEYS["ml-dsa-44"].public, other.sign(MESSAGE, b""), MESSAGE)
    assert not accepts(KEYS["ml-dsa-44"].public, other.sign(MESSAGE, b"context"), MESSAGE)


# ---- What holds for every algorithm --------------------------------------------------------------------


@pytest.mark.parametrize("name", ALGORITHMS)
def test_sizes_are_those_that_the_algorithm_names(name: str) -> None:
    key, algorithm = KEYS[name], ALGORITHMS[name]
    assert algorithm.name == name
    assert len(key.public.raw) == algorithm.public_bytes
    assert len(key.sign(b"")) == algorithm.signature_bytes


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_signature_holds_for_its_message_and_key_only(name: str) -> None:
    key, other = KEYS[name], SigningKey(name, bytes(32))
    signature = key.sign(MESSAGE)
    key.public.verify(signature, MESSAGE)
    assert not accepts(key.public, signature, MESSAGE + b"\0")
    assert not accepts(key.public, signature, b"")
    assert not accepts(other.public, signature, MESSAGE)
    for wrong in [b"", signature[:-1], signature + b"\0", bytes(len(signature))]:
        assert not accepts(key.public, wrong, MESSAGE)


@pytest.mark.parametrize("name", ALGORITHMS)
@given(data=st.data())
def test_a_changed_bit_of_signature_or_message_is_refused(name: str, data: st.DataObject) -> None:
    key = KEYS[name]
    whole = bytearray(key.sign(MESSAGE) + MESSAGE)
    bit = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[bit // 8] ^= 1 << bit % 8
    size = ALGORITHMS[name].signature_bytes
    assert not accepts(key.public, bytes(whole[:size]), bytes(whole[size:]))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_refusal_names_the_key_and_says_what_to_do(name: str) -> None:
    public = KEYS[name].public
    with pytest.raises(Unverified, match="get the original") as refusal:
        public.verify(bytes(64), MESSAGE)
    assert public.text[:60] in str(refusal.value)
    assert len(str(refusal.value)) < 250


# ---- Keys ----------------------------------------------------------------------------------------------


def test_a_public_key_as_text_is_its_algorithm_and_unpadded_base64url() -> None:
    public = SigningKey("ed25519", bytes.fromhex(RFC_8032[0][0])).public
    assert public.text == "ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    assert PublicKey.parse(public.text) == public
    post_quantum = KEYS["ml-dsa-44"].public
    assert post_quantum.text.startswith("ml-dsa-44:17K0clSq4NtF55MNSpjSyX2PE5fReJ2voXAksxbpvsl")
    assert len(post_quantum.text) == len("ml-dsa-44:") + 1750
    assert PublicKey.parse(post_quantum.text) == post_quantum


@pytest.mark.parametrize(("name", "size"), [("ed25519", 32), ("ml-dsa-44", 1312)])
@given(data=st.data())
def test_any_key_reads_back_from_its_text(name: str, size: int, data: st.DataObject) -> None:
    key = PublicKey(name, data.draw(st.binary(min_size=size, max_size=size)))
    assert PublicKey.parse(key.text) == key
    assert key.text == f"{name}:{urlsafe_b64encode(key.raw).decode().rstrip('=')}"


GOOD = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "ed25519",
        GOOD,
        f":{GOOD}",
        "ed25519:",
        f"ed25519:{GOOD}=",
        f"ed25519:{GOOD}A",
        f"ed25519:{GOOD[:-1]}",
        f"ed25519:{GOOD[:-1]}p",
        f"ed25519:{GOOD[:-1]}r",
        f"ed25519:{GOOD.replace('_', '/')}",
        f"ed25519:{GOOD[:-1]}\n",
        f"ed25519:{GOOD}\n",
        f"ed25519: {GOOD}",
        f" ed25519:{GOOD}",
        f"ed25519::{GOOD}",
        f"Ed25519:{GOOD}",
        f"ed448:{GOOD}",
        f"ml-dsa-44:{GOOD}",
        f"ed25519:{GOOD[:-1]}é",
        f"ed25519:{'!' * 43}",
        f"ed25519:{'=' * 43}",
        f"ed25519:{GOOD[:20]}!{GOOD[21:]}",
        f"ml-dsa-44:{'A' * 1749}",
        f"ml-dsa-44:{'A' * 1749}B",
        f"ml-dsa-44:{'A' * 1751}",
    ],
)
def test_a_key_has_one_text_and_every_other_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        PublicKey.parse(text)


@given(st.text(max_size=60) | st.text(alphabet="-_AZaz09=", max_size=45).map(lambda text: f"ed25519:{text}"))
def test_text_from_anyone_is_refused_or_read_back_unchanged(text: str) -> None:
    try:
        key = PublicKey.parse(text)
    except Malformed:
        return
    assert key.text == text


def test_an_unknown_algorithm_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(
        Malformed, match="'ed448' is no signature algorithm; those known are ed25519, ml-dsa-44"
    ):
        PublicKey("ed448", bytes(57))
    with pytest.raises(Malformed, match="'rsa'"):
        SigningKey("rsa", bytes(32))
    with pytest.raises(Malformed, match="''"):
        SigningKey.generate("")


@pytest.mark.parametrize(
    ("name", "size"), [("ed25519", 31), ("ed25519", 33), ("ml-dsa-44", 32), ("ml-dsa-44", 0)]
)
def test_a_public_key_of_another_length_is_refused(name: str, size: int) -> None:
    with pytest.raises(Malformed, match=f"this one has {size}"):
        PublicKey(name, bytes(size))


@pytest.mark.parametrize("name", ALGORITHMS)
@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_seed_of_another_length_is_refused(name: str, size: int) -> None:
    with pytest.raises(Malformed, match=f"32 bytes; this one has {size}"):
        SigningKey(name, bytes(size))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_generated_keys_are_new_each_time_and_work(name: str) -> None:
    first, second = SigningKey.generate(name), SigningKey.generate(name)
    assert first.seed != second.seed
    assert first.public != second.public
    first.public.verify(first.sign(MESSAGE), MESSAGE)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_seed_always_gives_the_same_key(name: str) -> None:
    assert SigningKey(name, SEED) == KEYS[name]
    assert SigningKey(name, SEED).public == KEYS[name].public
    assert hash(SigningKey(name, SEED).public) == hash(KEYS[name].public)
    assert SigningKey(name, bytes(32)) != KEYS[name]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_no_secret_is_printed_even_after_use(name: str) -> None:
    seed = b"never-print-this-seed-anywhere!!"
    key = SigningKey(name, seed)
    key.sign(MESSAGE)
    for shown in [repr(key), str(key), f"{key!r:>200}", repr(key.public), repr([key])]:
        assert "never" not in shown
        assert seed.hex() not in shown
    assert repr(key) == f"SigningKey(algorithm='{name}')"


def test_keys_do_not_change() -> None:
    key = KEYS["ed25519"]
    for thing, name in [(key, "seed"), (key, "algorithm"), (key.public, "raw"), (ED25519, "name")]:
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, b"")
    with pytest.raises(TypeError):
        ALGORITHMS["ed25519"] = ML_DSA_44  # type: ignore[index]  # that it cannot be assigned is the test


def test_a_key_read_twice_is_made_ready_once() -> None:
    text = KEYS["ml-dsa-44"].public.text
    assert PublicKey.parse(text) is PublicKey.parse("".join(text))


# ---- Start-up ------------------------------------------------------------------------------------------


def loaded_after(code: str) -> set[str]:
    """The signature libraries that a fresh interpreter has loaded after running `code`."""
    report = "import sys; print(*sorted({'nacl', 'cryptography'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}\n{report}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_a_library_is_loaded_by_the_first_key_that_needs_it_and_not_before() -> None:
    import_only = "from counterfoil.proof.signing import PublicKey, SigningKey"
    parse = f"{import_only}\nPublicKey.parse({KEYS['ml-dsa-44'].public.text!r})"
    ed25519 = f"{import_only}\nkey = SigningKey('ed25519', bytes(32))\nkey.public.verify(key.sign(b''), b'')"
    ml_dsa = ed25519.replace("ed25519", "ml-dsa-44")
    assert loaded_after(import_only) == set()
    assert loaded_after(parse) == set()
    assert loaded_after(ed25519) == {"nacl"}
    assert loaded_after(ml_dsa) == {"cryptography"}
