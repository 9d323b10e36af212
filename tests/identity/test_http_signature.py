"""Who made a request: only what was signed as it is received, lately, once, and by a key that has access."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.errors import Damaged, Malformed, Unverified
from counterfoil.identity.access import Access
from counterfoil.identity.caller import Caller
from counterfoil.identity.content_digest import content_digest
from counterfoil.identity.http_signature import SignedRequest, sign_request, verify_request
from counterfoil.identity.signature_base import signature_base
from counterfoil.identity.structured_fields import (
    Bare,
    InnerList,
    Item,
    serialise,
    serialise_dictionary,
)
from counterfoil.proof.signing import PublicKey, SigningKey
from tests.identity.asking import BODY, KEY, KEYID, NOW, request, signed, with_fields, without

OFFICE = Caller(KEYID, "key", frozenset({"write:land-title"}))
ENOUGH = ("@method", "@authority", "@path", "content-digest")
DIGEST = ("Content-Digest", content_digest(BODY))


def sign_by_hand(
    asked: SignedRequest,
    covered: Sequence[str | Item] = ENOUGH,
    *,
    label: str = "sig",
    key: SigningKey = KEY,
    says: Mapping[str, Bare | None] = {},
) -> SignedRequest:
    """Sign by any components and parameters, also by such as must not be taken; None leaves a parameter out."""
    parameters: dict[str, Bare | None] = {"created": NOW, "keyid": KEYID, **says}
    kept = {name: value for name, value in parameters.items() if value is not None}
    items = tuple(item if isinstance(item, Item) else Item(item) for item in covered)
    member = InnerList(items, kept)
    base = signature_base(asked, [str(item.value) for item in items], serialise(member))
    return with_fields(
        asked,
        ("Signature-Input", serialise_dictionary([(label, member)])),
        ("Signature", serialise_dictionary([(label, Item(key.sign(base)))])),
    )


def refused(asked: SignedRequest, access: Access, now: int = NOW) -> str:
    with pytest.raises(Unverified) as error:
        verify_request(asked, access, now)
    assert "\n" not in str(error.value)
    return str(error.value)


# What is signed by `sign_request` is taken


def test_a_signed_request_is_its_caller_s(access: Access) -> None:
    assert verify_request(signed(request()), access, NOW) == OFFICE


REQUESTS = st.builds(
    request,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=st.from_regex(r"/[A-Za-z0-9._~%-]{0,12}", fullmatch=True),
    query=st.from_regex(r"(\?[a-z0-9=&%+]{1,12})?", fullmatch=True),
    body=st.binary(max_size=20),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["content-type", "Idempotency-Key", "If-Match", "if-none-match"]),
            st.from_regex(r'[a-z0-9"/*-]{1,12}', fullmatch=True),
        ),
        max_size=4,
    ).map(tuple),
)
EVERY = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EVERY
@given(REQUESTS)
def test_so_is_any_other(access: Access, asked: SignedRequest) -> None:
    assert verify_request(signed(asked), access, NOW) == OFFICE


def change_bytes(data: bytes, draw: st.DataObject) -> bytes:
    if not data:
        return b"x"
    at = draw.draw(st.integers(0, len(data) - 1))
    return data[:at] + bytes([data[at] ^ (1 << draw.draw(st.integers(0, 4)))]) + data[at + 1 :]


def change_field(asked: SignedRequest, name: str, draw: st.DataObject) -> SignedRequest:
    """Another value of a field that is sent, a second line of it, or none."""
    how = draw.draw(st.sampled_from(["value", "line", "none"]))
    if how == "line":
        return with_fields(asked, (name, "more"))
    if how == "none":
        return without(asked, name)
    return with_fields(without(asked, name), (name, asked.fields[name] + "x"))


def changed(asked: SignedRequest, draw: st.DataObject) -> SignedRequest:
    """The request with one thing in it changed that the signature covers, or with one bit of the signature."""
    present = [name for name in asked.fields if name not in {"host", "signature-input", "signature"}]
    what = draw.draw(st.sampled_from(["method", "path", "query", "authority", "body", "signature", *present]))
    if what == "method":
        return replace(asked, method=asked.method + "X")
    if what == "path":
        return replace(asked, path=f"{asked.path}0")
    if what == "query":
        return replace(asked, query=f"{asked.query or '?'}0")
    if what == "authority":
        return replace(asked, authority="registers.example:8443")
    if what == "body":
        return replace(asked, body=change_bytes(asked.body, draw))
    if what == "signature":
        raw = change_bytes(b64decode(asked.fields["signature"].removeprefix("sig=").strip(":")), draw)
        return with_fields(without(asked, "signature"), ("Signature", f"sig=:{b64encode(raw).decode()}:"))
    return change_field(asked, what, draw)


@EVERY
@given(REQUESTS, st.data())
def test_and_with_any_change_it_is_nobody_s(
    access: Access, asked: SignedRequest, data: st.DataObject
) -> None:
    once = signed(asked)
    refused(changed(once, data), access)
    # The refused one has used nothing up.
    assert verify_request(once, access, NOW) == OFFICE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"created={NOW}", f"created={NOW + 1}"),
        (f'keyid="{KEYID}"', 'keyid="other"'),
        ('"@path"', '"@request-target"'),
        (' "content-type"', ""),
        ('"@method" "@authority"', '"@authority" "@method"'),
        ('alg="ed25519"', 'alg="ed25519";tag="x"'),
        ('nonce="', 'nonce="x'),
    ],
)
def test_what_the_signature_says_of_itself_is_signed_too(access: Access, old: str, new: str) -> None:
    access.add_key("other", ["read"], KEY.public.text)
    once = signed(request())
    said = once.fields["signature-input"]
    assert old in said
    other = with_fields(without(once, "signature-input"), ("Signature-Input", said.replace(old, new)))
    assert "not by the key of " in refused(other, access)


def test_a_field_that_is_not_covered_may_change_on_the_way(access: Access) -> None:
    on_its_way = with_fields(signed(request()), ("Via", "1.1 proxy"), ("Accept", "*/*"))
    assert verify_request(on_its_way, access, NOW) == OFFICE


def test_in_whatever_case_and_order_fields_come(access: Access) -> None:
    once = signed(request())
    turned = replace(once, headers=[(name.upper(), b" " + value) for name, value in reversed(once.headers)])
    assert verify_request(turned, access, NOW) == OFFICE


# What must be covered


@pytest.mark.parametrize("missing", ENOUGH)
def test_without_one_of_these_it_is_refused(access: Access, missing: str) -> None:
    covered = [name for name in ENOUGH if name != missing]
    asked = with_fields(request(), DIGEST)
    assert verify_request(sign_by_hand(asked), access, NOW) == OFFICE
    assert f"does not cover {missing}" in refused(sign_by_hand(asked, covered), access)


@pytest.mark.parametrize("name", ["idempotency-key", "if-match", "if-none-match"])
def test_a_field_that_changes_what_is_done_is_covered_where_it_is_sent(access: Access, name: str) -> None:
    asked = with_fields(request(), DIGEST, (name, '"1"'))
    assert f"does not cover {name}; sign that too" in refused(sign_by_hand(asked), access)
    assert verify_request(sign_by_hand(asked, (*ENOUGH, name)), access, NOW) == OFFICE
    slipped_in = with_fields(signed(request()), (name, '"1"'))
    assert f"does not cover {name}" in refused(slipped_in, access)


def test_a_query_is_covered_where_there_is_one(access: Access) -> None:
    asked = with_fields(request(query="?limit=1"), DIGEST)
    assert "does not cover @query" in refused(sign_by_hand(asked), access)
    assert verify_request(sign_by_hand(asked, (*ENOUGH, "@query")), access, NOW) == OFFICE


@pytest.mark.parametrize(
    "covered",
    [
        ("@method", "@target-uri"),
        ("@method", "@authority", "@request-target"),
        ("@method", "@target-uri", "@scheme"),
    ],
)
def test_the_target_says_as_much_as_its_parts(access: Access, covered: tuple[str, ...]) -> None:
    asked = request("GET", query="?limit=1", body=b"")
    assert verify_request(sign_by_hand(asked, covered), access, NOW) == OFFICE


def test_the_target_s_path_alone_does_not_say_whose_it_is(access: Access) -> None:
    asked = request("GET", body=b"")
    assert "does not cover @authority" in refused(sign_by_hand(asked, ("@method", "@request-target")), access)


def test_without_a_body_no_digest_is_asked_for_and_one_that_is_covered_must_fit(access: Access) -> None:
    asked = request("GET", body=b"")
    assert verify_request(sign_by_hand(asked, ENOUGH[:3]), access, NOW) == OFFICE
    empty = with_fields(asked, ("Content-Digest", content_digest(b"")))
    assert verify_request(sign_by_hand(empty), access, NOW) == OFFICE
    assert "does not have the digest" in refused(sign_by_hand(with_fields(asked, DIGEST)), access)


@pytest.mark.parametrize(
    ("digest", "said"),
    [
        (content_digest(b"other"), "the body does not have the digest that content-digest states by sha-256"),
        ("crc32c=:Q3lHIA==:", "has no digest by sha-256 or sha-512"),
        ("sha-256=x", "content-digest is not in form"),
        (f"{content_digest(BODY)}, {content_digest(BODY)}", "'sha-256' twice"),
    ],
)
def test_a_digest_must_be_the_body_s(access: Access, digest: str, said: str) -> None:
    assert said in refused(sign_by_hand(with_fields(request(), ("Content-Digest", digest))), access)


def test_a_digest_by_sha_512_will_do(access: Access) -> None:
    field = ("Content-Digest", content_digest(BODY, "sha-512"))
    assert verify_request(signed(with_fields(request(), field)), access, NOW) == OFFICE


# When it was signed


@pytest.mark.parametrize("away", [-300, -1, 0, 1, 300])
def test_it_is_taken_within_five_minutes(access: Access, away: int) -> None:
    assert verify_request(signed(request(), now=NOW + away), access, NOW) == OFFICE


@pytest.mark.parametrize("away", [-301, 301, -(10**9)])
def test_and_not_before_or_after(access: Access, away: int) -> None:
    said = refused(signed(request(), now=NOW + away), access)
    assert said.startswith(f"the signature was created at {NOW + away}, over 300 seconds from now, {NOW}")


def test_it_holds_no_longer_than_it_says(access: Access) -> None:
    asked = with_fields(request(), DIGEST)
    assert verify_request(sign_by_hand(asked, says={"expires": NOW}), access, NOW) == OFFICE
    assert f"the signature expired at {NOW - 1}" in refused(
        sign_by_hand(asked, says={"expires": NOW - 1}), access
    )


# By whom, and how


@pytest.mark.parametrize(
    ("leave_out", "said"), [("created", "does not say when it was created"), ("keyid", "has no keyid")]
)
def test_without_a_time_or_a_name_it_is_refused(access: Access, leave_out: str, said: str) -> None:
    assert said in refused(sign_by_hand(with_fields(request(), DIGEST), says={leave_out: None}), access)


@pytest.mark.parametrize("algorithm", ["rsa-pss-sha512", "hmac-sha256", "Ed25519", ""])
def test_it_is_signed_by_ed25519_or_not_at_all(access: Access, algorithm: str) -> None:
    asked = with_fields(request(), DIGEST)
    assert verify_request(sign_by_hand(asked, says={"alg": "ed25519"}), access, NOW) == OFFICE
    assert f"algorithm is {algorithm!r}; sign by ed25519" in refused(
        sign_by_hand(asked, says={"alg": algorithm}), access
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("created", "1"), ("expires", "never"), ("keyid", 7), ("alg", 1), ("nonce", b"x"), ("tag", 3)],
)
def test_a_parameter_of_another_type_is_refused(access: Access, name: str, value: Bare) -> None:
    asked = sign_by_hand(with_fields(request(), DIGEST), says={name: value})
    assert f"the parameter {name} of the signature 'sig' is not of its type" in refused(asked, access)


def test_a_parameter_that_nobody_knows_is_signed_and_passed_over(access: Access) -> None:
    assert (
        verify_request(
            sign_by_hand(with_fields(request(), DIGEST), says={"tag": "x", "other": b"y"}), access, NOW
        )
        == OFFICE
    )


def test_a_key_that_has_no_access_is_refused(access: Access) -> None:
    assert "no key is known here by the keyid 'stranger'" in refused(
        signed(request(), keyid="stranger"), access
    )


def test_the_name_of_another_does_not_help(access: Access) -> None:
    stranger = SigningKey("ed25519", bytes(32))
    assert "not by the key of land-office" in refused(signed(request(), stranger), access)


def test_a_key_s_access_ends_and_is_revoked(tmp_path: Path) -> None:
    access = Access(tmp_path / "access.json", clock=lambda: NOW)
    access.add_key(KEYID, ["write:land-title"], KEY.public.text, "2027-01-15T08:00:00Z")
    assert verify_request(signed(request()), access, NOW) == OFFICE
    assert "or its access has ended" in refused(signed(request()), access, NOW + 1)
    access.revoke(KEYID)
    assert "no key is known here" in refused(signed(request()), access)


def test_a_damaged_file_of_access_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "access.json").write_bytes(b"{")
    with pytest.raises(Damaged, match="so nobody is let in"):
        verify_request(signed(request()), Access(tmp_path / "access.json"), NOW)


def test_a_public_key_that_is_no_point_verifies_nothing(access: Access) -> None:
    access.add_key("zero", ["write:*"], PublicKey("ed25519", bytes(32)).text)
    asked = with_fields(request(), DIGEST)
    forged = with_fields(
        asked,
        (
            "Signature-Input",
            f'sig=("@method" "@authority" "@path" "content-digest");created={NOW};keyid="zero"',
        ),
        ("Signature", f"sig=:{b64encode(bytes(64)).decode()}:"),
    )
    assert "not by the key of zero" in refused(forged, access)


# The fields that carry it


@pytest.mark.parametrize("name", ["signature", "signature-input"])
def test_without_its_fields_there_is_no_signature(access: Access, name: str) -> None:
    assert "signature" in refused(without(signed(request()), name), access)
    assert "the request has no signature" in refused(request(), access)


@pytest.mark.parametrize(
    ("inputs", "signatures", "said"),
    [
        ("sig", "sig=:AAAA:", "Signature-Input is not in form"),
        ("sig=()", "sig", "Signature is not in form"),
        ("sig=()", "other=:AAAA:", "'sig' is not in form, or not in both fields"),
        ("sig=1", "sig=:AAAA:", "'sig' is not in form, or not in both fields"),
        ("sig=()", "sig=()", "'sig' is not in form, or not in both fields"),
        ("sig=(1)", "sig=:AAAA:", "covers components that are no names, or have parameters"),
        (f'sig=();keyid="{KEYID}"', "sig=:AAAA:", "has 64 bytes; this one has not"),
        (f'sig=();keyid="{KEYID}"', 'sig="AAAA"', "has 64 bytes; this one has not"),
        ("a=(), a=()", "a=:AAAA:", "'a' twice"),
        ("a=();b=(", "a=:AAAA:", "Signature-Input is not in form"),
        ("a" * 9000, "a=:AAAA:", "over 8,192 characters"),
    ],
)
def test_fields_that_are_not_in_form_are_refused(
    access: Access, inputs: str, signatures: str, said: str
) -> None:
    assert said in refused(
        with_fields(request(), ("Signature-Input", inputs), ("Signature", signatures)), access
    )


@pytest.mark.parametrize(
    "component", [Item("content-digest", {"key": "sha-256"}), Item("content-digest", {"req": 1})]
)
def test_a_part_of_a_field_is_not_the_field(access: Access, component: Item) -> None:
    covered = ("@method", "@authority", "@path", component)
    assert "or have parameters" in refused(sign_by_hand(with_fields(request(), DIGEST), covered), access)


def test_a_component_that_is_not_there_or_not_known_is_named(access: Access) -> None:
    once = sign_by_hand(with_fields(request(), DIGEST, ("x-case", "7")), (*ENOUGH, "x-case"))
    assert "covers 'x-case', which the request does not have" in refused(without(once, "x-case"), access)


def test_what_a_proxy_signed_beside_does_not_matter(access: Access) -> None:
    proxied = sign_by_hand(with_fields(request(), DIGEST), label="proxy", says={"keyid": "proxy"})
    assert verify_request(signed(proxied), access, NOW) == OFFICE


def test_of_two_signatures_that_count_neither_does(access: Access) -> None:
    access.add_key("other", ["write:*"], KEY.public.text)
    twice = sign_by_hand(signed(request()), label="two", says={"keyid": "other"})
    assert "2 signatures by keys that are known here; send one" in refused(twice, access)


# Once


def test_the_same_signature_is_taken_once(access: Access) -> None:
    once = sign_by_hand(with_fields(request(), DIGEST))
    assert verify_request(once, access, NOW) == OFFICE
    for later in (0, 1, 299, 300):
        assert "this signature or its nonce was used already" in refused(once, access, NOW + later)
    assert "over 300 seconds from now" in refused(once, access, NOW + 301)


def test_so_is_one_from_ahead_of_the_clock_for_as_long_as_it_could_be(access: Access) -> None:
    once = signed(request(), now=NOW + 300)
    assert verify_request(once, access, NOW) == OFFICE
    for later in (300, 600):
        assert "used already" in refused(once, access, NOW + later)


def test_a_nonce_is_taken_once_also_in_another_request(access: Access) -> None:
    asked = with_fields(request(), DIGEST)
    assert verify_request(sign_by_hand(asked, says={"nonce": "1"}), access, NOW) == OFFICE
    assert "nonce was used already" in refused(
        sign_by_hand(asked, says={"nonce": "1", "created": NOW + 5}), access
    )
    assert verify_request(sign_by_hand(asked, says={"nonce": "2"}), access, NOW) == OFFICE


def test_another_s_nonce_is_another_nonce(access: Access) -> None:
    other = SigningKey("ed25519", bytes(32))
    access.add_key("other", ["read"], other.public.text)
    asked = with_fields(request(), DIGEST)
    assert verify_request(sign_by_hand(asked, says={"nonce": "1"}), access, NOW) == OFFICE
    assert (
        verify_request(
            sign_by_hand(asked, key=other, says={"keyid": "other", "nonce": "1"}), access, NOW
        ).name
        == "other"
    )


def test_equal_requests_in_one_second_are_signed_differently(access: Access) -> None:
    assert verify_request(signed(request()), access, NOW) == verify_request(signed(request()), access, NOW)


# Signing


def test_what_signing_adds() -> None:
    asked = request(
        query="?dry-run=1", headers=(("Idempotency-Key", "k1"), ("content-type", "application/json"))
    )
    added = dict(sign_request(asked, KEY, KEYID, NOW))
    assert list(added) == ["Content-Digest", "Signature-Input", "Signature"]
    assert added["Content-Digest"] == content_digest(BODY)
    said, _, nonce = added["Signature-Input"].partition(";nonce=")
    assert said == (
        'sig=("@method" "@authority" "@path" "@query" "content-digest" "content-type" "idempotency-key")'
        f';created={NOW};keyid="{KEYID}";alg="ed25519"'
    )
    assert len(nonce) == 24


def test_a_digest_that_is_there_is_left_and_a_body_that_is_not_needs_none() -> None:
    assert [name for name, _ in sign_request(with_fields(request(), DIGEST), KEY, KEYID, NOW)] == [
        "Signature-Input",
        "Signature",
    ]
    assert [name for name, _ in sign_request(request("GET", body=b""), KEY, KEYID, NOW)] == [
        "Signature-Input",
        "Signature",
    ]


def test_what_cannot_be_signed_is_said() -> None:
    with pytest.raises(Malformed, match="printable ASCII"):
        sign_request(request(), KEY, "é", NOW)
    with pytest.raises(Unverified, match="printable ASCII"):
        sign_request(request(path="/é"), KEY, KEYID, NOW)


def test_no_secret_is_in_a_request_s_text() -> None:
    once = signed(with_fields(request(), ("Authorization", "Bearer cft_secret")))
    assert "cft_secret" not in repr(once)
    assert "Ann" not in repr(once)
