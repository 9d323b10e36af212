"""Item commitments: the examples of RFC 9901, any subset of fields shown, and everything else refused."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Malformed, NotFound, Unverified
from counterfoil.proof.disclosure import (
    MAX_DISCLOSURE,
    MAX_FIELDS,
    Presentation,
    SaltedItem,
    commit,
    commitment,
    disclose,
    disclosure_digest,
    random_salt,
    verify_presentation,
)
from tests.shared_data import shared

SALT = bytes(range(16))
PERSON = {"name": "Mari Maasikas", "born": "1980-02-29", "children": 2, "alive": True, "died": None}

RFC_9901_SECTION_5_1 = {
    "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4": "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiS"
    "m9obiJd",
    "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo": "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgI"
    "kRvZSJd",
    "JzYjH4svliH0R3PyEMfeZu6Jt69u5qehZo7F7EPYlSE": "WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImVtYWlsIiwgImpvaG5kb"
    "2VAZXhhbXBsZS5jb20iXQ",
    "PorFbpKuVu6xymJagvkFsFXAbRoc2JGlAUA2BA4o7cI": "WyJlSThaV205UW5LUHBOUGVOZW5IZGhRIiwgInBob25lX251bWJlciIsI"
    "CIrMS0yMDItNTU1LTAxMDEiXQ",
    "XQ_3kPKt1XyX7KANkqVR6yZ2Va5NrPIvPYbyMvRKBMM": "WyJRZ19PNjR6cUF4ZTQxMmExMDhpcm9BIiwgInBob25lX251bWJlcl92Z"
    "XJpZmllZCIsIHRydWVd",
    "XzFrzwscM6Gn6CJDc6vVK8BkMnfG8vOSKfpPIZdAfdE": "WyJBSngtMDk1VlBycFR0TjRRTU9xUk9BIiwgImFkZHJlc3MiLCB7InN0c"
    "mVldF9hZGRyZXNzIjogIjEyMyBNYWluIFN0IiwgImxvY2FsaXR5IjogIkFueXRvd24iLCAicmVnaW9uIjogIkFueXN0YXRlIiwgImNvdW"
    "50cnkiOiAiVVMifV0",
    "gbOsI4Edq2x2Kw-w5wPEzakob9hV1cRD0ATN3oQL9JM": "WyJQYzMzSk0yTGNoY1VfbEhnZ3ZfdWZRIiwgImJpcnRoZGF0ZSIsICIxO"
    "TQwLTAxLTAxIl0",
    "CrQe7S5kqBAHt-nMYXgc6bdt2SH5aTY1sU_M-PgkjPI": "WyJHMDJOU3JRZmpGWFE3SW8wOXN5YWpBIiwgInVwZGF0ZWRfYXQiLCAxN"
    "TcwMDAwMDAwXQ",
}
"""Digest and disclosure of every object property of the RFC's first example, in the order of issuance."""
CLAIMS = {
    "given_name": "John",
    "family_name": "Doe",
    "email": "johndoe@example.com",
    "phone_number": "+1-202-555-0101",
    "phone_number_verified": True,
    "address": {
        "street_address": "123 Main St",
        "locality": "Anytown",
        "region": "Anystate",
        "country": "US",
    },
    "birthdate": "1940-01-01",
    "updated_at": 1570000000,
}
MOBIUS = {
    "as printed": "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
    "umlaut escaped": "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNXHUwMGY2Yml1cyJd",
    "no white space": "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd",
    "newlines": "WwoiXzI2YmM0TFQtYWM2cTJLSTZjQlc1ZXMiLAoiZmFtaWx5X25hbWUiLAoiTcO2Yml1cyIKXQ",
}
"""RFC 9901, section 4.2.1: four texts that mean the same."""


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "==")


def encoded(content: str) -> str:
    """A disclosure with this text inside."""
    return base64url(content.encode())


def shown_alone(disclosure: str) -> dict[str, Any]:
    """What an item shows that is committed to this disclosure and nothing else."""
    return verify_presentation(
        Presentation((disclosure,), ()), sha256(sha256(disclosure.encode()).digest()).digest()
    )


def salts() -> Any:
    """Salts 1, 2, 3 and so on."""
    return iter(range(1, 2000)).__next__


def person() -> SaltedItem:
    number = salts()
    return commit(PERSON, salt=lambda: number().to_bytes(16, "big"))


class TestRfc9901:
    @pytest.mark.parametrize("digest", RFC_9901_SECTION_5_1)
    def test_the_digests_of_section_5_1(self, digest: str) -> None:
        assert base64url(disclosure_digest(RFC_9901_SECTION_5_1[digest])) == digest

    def test_the_digest_of_section_4_2_3(self) -> None:
        digest = "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
        assert base64url(disclosure_digest(MOBIUS["as printed"])) == digest

    @pytest.mark.parametrize("disclosure", MOBIUS.values(), ids=MOBIUS)
    def test_the_json_inside_may_be_written_in_any_way(self, disclosure: str) -> None:
        assert shown_alone(disclosure) == {"family_name": "Möbius"}

    def test_each_way_of_writing_has_a_digest_of_its_own(self) -> None:
        assert len({disclosure_digest(disclosure) for disclosure in MOBIUS.values()}) == 4

    def test_all_claims_of_the_first_example(self) -> None:
        committed = commitment(map(raw, RFC_9901_SECTION_5_1))
        presentation = Presentation(tuple(RFC_9901_SECTION_5_1.values()), ())
        assert verify_presentation(presentation, committed) == CLAIMS

    def test_the_presentation_of_section_5_2(self) -> None:
        names = ["family_name", "address", "given_name"]
        digests = dict(zip(CLAIMS, RFC_9901_SECTION_5_1, strict=True))
        presentation = Presentation(
            tuple(RFC_9901_SECTION_5_1[digests[name]] for name in names),
            tuple(raw(digests[name]) for name in CLAIMS if name not in names),
        )
        committed = commitment(map(raw, RFC_9901_SECTION_5_1))
        assert verify_presentation(presentation, committed) == {name: CLAIMS[name] for name in names}

    def test_the_disclosure_of_an_array_element_is_no_field(self) -> None:
        with pytest.raises(Unverified, match="not an array of salt, name and value"):
            shown_alone("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIlVTIl0")


def shared_case(name: str) -> dict[str, dict[str, Any]]:
    """The mappings of a test case of the SD-JWT reference implementation, without the lists.

    Reads as much YAML as these files use: indented `name: value`, `!sd` before what is hidden, comments.
    """
    line_form = re.compile(r"""( *)(?:!sd )?("[^"]+"|'[^']+'|\w+):(?: ([^#\s].*?))?(?: +#.*)?""")
    path: list[dict[str, Any]] = [{}]
    for line in (shared("data/vectors/sd-jwt") / f"{name}.yml").read_text("utf-8").splitlines():
        found = line_form.fullmatch(line.rstrip())
        if found is None or len(found[1]) // 2 >= len(path):
            continue
        del path[len(found[1]) // 2 + 1 :]
        path[-1][found[2].strip("\"'")] = value = scalar(found[3]) if found[3] else {}
        if value == {}:
            path.append(value)
    return path[0]


def scalar(text: str) -> Any:
    """A YAML value in flow style: JSON, a boolean or plain text."""
    try:
        return json.loads({"True": "true", "False": "false"}.get(text, text))
    except json.JSONDecodeError:
        return text


class TestSharedCases:
    @pytest.mark.parametrize(
        "name", ["key_binding", "header_mod", "json_serialization_flattened", "json_serialization_general"]
    )
    def test_a_holder_shows_some_claims(self, name: str) -> None:
        case = shared_case(name)
        item = commit(case["user_claims"])
        presentation = item.present([name for name, show in case["holder_disclosed_claims"].items() if show])
        assert len(case["user_claims"]) == 7
        assert len(presentation.hidden_digests) == 4
        assert verify_presentation(presentation, item.commitment) == case["expect_verified_user_claims"]

    def test_names_and_values_of_every_type(self) -> None:
        case = shared_case("object_data_types")
        values, names = case["user_claims"]["value_data_types"], case["user_claims"]["key_data_types"]
        assert values.pop("test_float") == 3.14
        assert [type(value) for value in values.values()] == [type(None), int, str, bool, list, dict]
        assert list(names) == ["null", "42", "3.14", "foo", "True", '["Test"]', '{"foo": "bar"}']
        for claims in (values, names):
            item = commit(claims)
            assert verify_presentation(item.present(claims), item.commitment) == claims

    def test_a_number_that_is_no_integer_is_refused_on_both_sides(self) -> None:
        with pytest.raises(Malformed, match="write decimals and huge numbers as strings"):
            disclose("test_float", 3.14, SALT)
        with pytest.raises(Unverified, match="write decimals and huge numbers as strings"):
            shown_alone(encoded('["AAECAwQFBgcICQoLDA0ODw","test_float",3.14]'))


class TestDisclose:
    def test_it_writes_canonical_json_in_base64url_without_padding(self) -> None:
        disclosure = disclose("address", {"zip": "10115", "city": "Berlin-Mitte ß"}, SALT)
        inside = '["AAECAwQFBgcICQoLDA0ODw","address",{"city":"Berlin-Mitte ß","zip":"10115"}]'
        assert disclosure == encoded(inside)
        assert re.fullmatch("[A-Za-z0-9_-]+", disclosure)
        assert raw(disclosure).decode() == inside

    def test_what_another_implementation_writes_with_a_salt_of_the_rfc(self) -> None:
        salt = raw("2GLC42sKQveCfGfryNRN9w")
        assert raw(disclose("given_name", "John", salt)) == b'["2GLC42sKQveCfGfryNRN9w","given_name","John"]'

    @pytest.mark.parametrize("length", [0, 15, 17])
    def test_a_salt_has_128_bits(self, length: int) -> None:
        with pytest.raises(Malformed, match=f"16 random bytes, not {length}"):
            disclose("name", "value", bytes(length))

    @pytest.mark.parametrize("name", ["_sd", "..."])
    def test_names_that_sd_jwt_keeps_for_itself(self, name: str) -> None:
        for field, value in ((name, 1), ("field", {name: "x"}), ("field", [1, {"deep": [{name: []}]}])):
            with pytest.raises(Malformed, match="keeps for itself"):
                disclose(field, value, SALT)
            with pytest.raises(Unverified, match="keeps for itself"):
                shown_alone(encoded(json.dumps(["salt", field, value])))

    def test_they_may_stand_as_text(self) -> None:
        value = ["_sd", "...", {"note": "..."}, []]
        assert shown_alone(disclose("field", value, SALT)) == {"field": value}

    def test_values_outside_the_register_profile(self) -> None:
        for value in (1.5, 2**53, {"naïve": 1}, {1, 2}, b"bytes", "\ud800"):
            with pytest.raises(Malformed):
                disclose("field", value, SALT)
        with pytest.raises(Malformed, match="member names are ASCII"):
            disclose("größe", 1, SALT)

    def test_a_field_of_65_535_bytes_is_the_largest(self) -> None:
        room = 65_535 - len('["AAECAwQFBgcICQoLDA0ODw","text",""]')
        largest = disclose("text", "x" * room, SALT)
        assert len(largest) == MAX_DISCLOSURE
        assert shown_alone(largest) == {"text": "x" * room}
        with pytest.raises(Malformed, match="over 65,535 bytes; put it into a document"):
            disclose("text", "x" * (room + 1), SALT)


class TestCommitment:
    def test_it_is_the_hash_of_the_sorted_digests(self) -> None:
        digests = [bytes([n]) * 32 for n in (200, 3, 127, 128)]
        expected = sha256(bytes([3]) * 32 + bytes([127]) * 32 + bytes([128]) * 32 + bytes([200]) * 32)
        assert commitment(digests) == commitment(reversed(digests)) == expected.digest()

    def test_an_item_without_fields(self) -> None:
        assert commit({}).commitment == commitment([]) == sha256(b"").digest()
        assert verify_presentation(Presentation((), ()), sha256(b"").digest()) == {}

    def test_digests_that_would_run_into_each_other_are_refused(self) -> None:
        for digests in ([bytes(31), bytes(33)], [bytes(64)], [b""], [bytes(32), b"\1" * 31]):
            with pytest.raises(Malformed, match="32 bytes each"):
                commitment(digests)

    def test_one_digest_twice_is_refused(self) -> None:
        with pytest.raises(Malformed, match="none comes twice"):
            commitment([bytes(32), bytes(32)])

    def test_a_commitment_that_must_never_change(self) -> None:
        assert person().commitment.hex() == "532e4c31cb677a083e914a16e89d65b7a13c78e2ccb11233ff41d83f12256495"


class TestCommit:
    def test_every_field_has_a_disclosure_under_a_salt_of_its_own(self) -> None:
        item = person()
        assert item.names == tuple(PERSON)
        assert raw(item.disclosures[0]) == b'["AAAAAAAAAAAAAAAAAAAAAQ","name","Mari Maasikas"]'
        assert raw(item.disclosures[4]) == b'["AAAAAAAAAAAAAAAAAAAABQ","died",null]'
        assert item.digests == tuple(sha256(text.encode()).digest() for text in item.disclosures)
        assert item.commitment == commitment(item.digests)

    def test_the_same_fields_never_have_the_same_commitment(self) -> None:
        assert len({commit(PERSON).commitment for _ in range(20)}) == 20

    def test_salts_are_16_random_bytes(self) -> None:
        drawn = {random_salt() for _ in range(100)}
        assert len(drawn) == 100
        assert {len(salt) for salt in drawn} == {16}

    def test_a_salt_that_repeats_is_refused(self) -> None:
        with pytest.raises(Malformed, match="the same salt"):
            commit(PERSON, salt=lambda: SALT)

    def test_a_thousand_fields_are_the_most(self) -> None:
        fields = {f"f{n}": n for n in range(MAX_FIELDS)}
        item = commit(fields)
        assert verify_presentation(item.present(fields), item.commitment) == fields
        with pytest.raises(Malformed, match="at most 1,000 fields, not 1,001"):
            commit(fields | {"one-more": 1})


class TestPresent:
    def test_some_fields_are_shown_and_the_others_stay_hidden(self) -> None:
        item = person()
        presentation = item.present(["born", "alive"])
        assert presentation.disclosures == (item.disclosures[1], item.disclosures[3])
        hidden = (item.digests[0], item.digests[2], item.digests[4])
        assert presentation.hidden_digests == tuple(sorted(hidden))
        assert verify_presentation(presentation, item.commitment) == {"born": "1980-02-29", "alive": True}

    def test_what_is_hidden_does_not_tell_the_order_of_fields(self) -> None:
        forwards, backwards = commit(PERSON), commit(dict(reversed(PERSON.items())))
        for item in (forwards, backwards):
            hidden = item.present([]).hidden_digests
            assert list(hidden) == sorted(item.digests)

    def test_a_field_that_the_item_has_not(self) -> None:
        with pytest.raises(NotFound, match="no field 'address'"):
            person().present(["name", "address"])

    @settings(deadline=None)
    @given(
        st.dictionaries(
            st.text(st.characters(max_codepoint=127), max_size=12).filter(
                lambda name: name not in ("_sd", "...")
            ),
            st.one_of(st.text(), st.integers(-(2**53) + 1, 2**53 - 1), st.booleans(), st.none()),
            max_size=12,
        ),
        st.data(),
    )
    def test_any_subset_can_be_shown(self, fields: dict[str, Any], data: st.DataObject) -> None:
        names = [name for name in fields if data.draw(st.booleans())]
        item = commit(fields)
        presentation = item.present(names)
        assert verify_presentation(presentation, item.commitment) == {name: fields[name] for name in names}
        assert len(presentation.hidden_digests) == len(fields) - len(names)


class TestRefusal:
    def test_any_changed_character_of_a_disclosure(self) -> None:
        item = person()
        presentation = item.present(["born"])
        text = presentation.disclosures[0]
        for at in range(len(text)):
            for other in {"A", "B", "-", "=", " ", "é"} - {text[at]}:
                changed = text[:at] + other + text[at + 1 :]
                with pytest.raises(Unverified):
                    verify_presentation(replace(presentation, disclosures=(changed,)), item.commitment)

    def test_any_changed_bit_of_a_hidden_digest_or_the_commitment(self) -> None:
        item = person()
        presentation = item.present(["name", "born", "alive", "died"])
        for bit in range(256):
            flip = (1 << bit).to_bytes(32, "big")
            digest = bytes(a ^ b for a, b in zip(presentation.hidden_digests[0], flip, strict=True))
            with pytest.raises(Unverified, match="not those that the entry commits to"):
                verify_presentation(replace(presentation, hidden_digests=(digest,)), item.commitment)
            other = bytes(a ^ b for a, b in zip(item.commitment, flip, strict=True))
            with pytest.raises(Unverified, match="not those that the entry commits to"):
                verify_presentation(presentation, other)

    def test_a_field_left_out_or_added(self) -> None:
        item = person()
        shown = item.present(["name", "born"])
        less = replace(shown, hidden_digests=shown.hidden_digests[1:])
        more = replace(shown, disclosures=(*shown.disclosures, disclose("married", True, SALT)))
        for presentation in (less, more, replace(shown, disclosures=shown.disclosures[:1])):
            with pytest.raises(Unverified, match="not those that the entry commits to"):
                verify_presentation(presentation, item.commitment)

    def test_a_field_both_shown_and_hidden(self) -> None:
        item = person()
        shown = item.present(["name"])
        both = replace(shown, hidden_digests=item.digests)
        with pytest.raises(Unverified, match="none comes twice"):
            verify_presentation(both, item.commitment)

    def test_a_field_shown_twice(self) -> None:
        item = person()
        shown = item.present(["name"])
        with pytest.raises(Unverified, match="none comes twice"):
            verify_presentation(replace(shown, disclosures=shown.disclosures * 2), item.commitment)

    def test_two_values_under_one_name_even_if_both_are_committed(self) -> None:
        two = (disclose("name", "Mari", SALT), disclose("name", "Jüri", SALT))
        committed = commitment(map(disclosure_digest, two))
        with pytest.raises(Unverified, match="two fields of one name"):
            verify_presentation(Presentation(two, ()), committed)

    def test_two_short_digests_in_the_place_of_one(self) -> None:
        item = commit({"name": "Mari"})
        halves = (item.digests[0][:16], item.digests[0][16:])
        with pytest.raises(Unverified, match="32 bytes each"):
            verify_presentation(Presentation((), tuple(sorted(halves))), item.commitment)

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            ('["salt","name"]', "not an array of salt, name and value"),
            ('["salt","name",1,2]', "not an array of salt, name and value"),
            ("[]", "not an array of salt, name and value"),
            ('[1,"name",1]', "not an array of salt, name and value"),
            ('["salt",1,1]', "not an array of salt, name and value"),
            ('["salt",null,1]', "not an array of salt, name and value"),
            ('{"salt":1}', "not an array of salt, name and value"),
            ('"salt"', "not an array of salt, name and value"),
            ("", "not JSON"),
            ('["salt","name",1', "not JSON"),
            ('["salt","name",1] true', "not JSON"),
            ('["salt","name",NaN]', "not JSON"),
            ('["salt","name","\\ud800"]', "not JSON"),
            ('["salt","name",{"a":1,"a":2}]', "'a' twice in one object"),
            ('["salt","name",9007199254740992]', "2\\^53 or more"),
            ('["salt","größe",1]', "member names are ASCII"),
            ('["salt","name",' + "[" * 40 + "]" * 40 + "]", "nested more than"),
            ('["salt","name",' + "[" * 5000 + "]" * 5000 + "]", "not JSON"),
        ],
    )
    def test_a_committed_disclosure_that_is_no_field(self, content: str, reason: str) -> None:
        with pytest.raises(Unverified, match=reason):
            shown_alone(encoded(content))

    def test_bytes_that_are_not_utf_8(self) -> None:
        with pytest.raises(Unverified, match="not JSON"):
            shown_alone(base64url(b'["salt","name","\xff"]'))

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text + "=",
            lambda text: text + "\n",
            lambda text: " " + text,
            lambda text: text[:8] + "*" + text[8:],
            lambda text: text[:-2],
            lambda text: text[:-1] + "R",
        ],
        ids=["padding", "newline", "space", "foreign character", "one character over", "bits after the end"],
    )
    def test_text_that_is_not_strict_base64url(self, change: Any) -> None:
        text = encoded('["salt","name",1]')
        assert (len(text) % 4, text[-1]) == (3, "0")
        with pytest.raises(Unverified, match="not base64url"):
            shown_alone(change(text))

    def test_the_other_base64_alphabet(self) -> None:
        text = encoded('["salt","name","??>>~~"]')
        assert "_" in text
        assert shown_alone(text) == {"name": "??>>~~"}
        with pytest.raises(Unverified, match="not base64url"):
            shown_alone(text.replace("_", "/"))

    def test_text_that_is_not_ascii(self) -> None:
        with pytest.raises(Malformed, match="not ASCII"):
            disclosure_digest("WyJ—")
        with pytest.raises(Unverified, match="not ASCII"):
            verify_presentation(Presentation(("WyJ—",), ()), bytes(32))

    def test_more_fields_than_an_item_has(self) -> None:
        hidden = tuple(n.to_bytes(32, "big") for n in range(MAX_FIELDS))
        committed = sha256(b"".join(hidden)).digest()
        assert verify_presentation(Presentation((), hidden), committed) == {}
        with pytest.raises(Unverified, match="over 1,000 fields"):
            verify_presentation(Presentation((disclose("name", 1, SALT),), hidden), committed)

    def test_a_disclosure_longer_than_a_field(self) -> None:
        with pytest.raises(Unverified, match="over 87,380 characters"):
            shown_alone(encoded(f'["salt","name","{"x" * 65_535}"]'))
