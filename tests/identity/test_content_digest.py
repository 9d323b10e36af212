"""Content-Digest, by the examples of RFC 9530 (appendices B and D)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unverified
from counterfoil.identity.content_digest import content_digest, verify_content_digest

HELLO = b'{"hello": "world"}\n'
HELLO_256 = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
HELLO_512 = (
    "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:"
)
EXAMPLES = [
    (HELLO, HELLO_256),
    (HELLO, HELLO_512),
    (b'"world"}\n', "sha-256=:jjcgBDWNAtbYUXI37CVG3gRuGOAjaaDRGpIUFsdyepQ=:"),
    (b'{"title": "New Title"}\n', "sha-256=:mEkdbO7Srd9LIOegftO0aBX+VPTVz7/CSHes2Z27gc4=:"),
    (b'{"hello": "world"}', "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
    (
        b'{"hello": "world"}',
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
    ),
    (b"", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
]


@pytest.mark.parametrize(("body", "field"), EXAMPLES)
def test_the_examples_are_made_and_verified(body: bytes, field: str) -> None:
    assert content_digest(body, field[:7]) == field
    verify_content_digest(field, body)


@given(st.binary(max_size=40), st.sampled_from(["sha-256", "sha-512"]), st.data())
def test_any_other_body_is_not_the_one(body: bytes, algorithm: str, data: st.DataObject) -> None:
    other = data.draw(st.binary(max_size=40).filter(lambda other: other != body))
    verify_content_digest(content_digest(body, algorithm), body)
    with pytest.raises(
        Unverified, match=f"does not have the digest that content-digest states by {algorithm}"
    ):
        verify_content_digest(content_digest(body, algorithm), other)


def test_of_several_digests_every_known_one_must_fit() -> None:
    verify_content_digest(f"{HELLO_256}, {HELLO_512}", HELLO)
    wrong = content_digest(b"other", "sha-512")
    with pytest.raises(Unverified, match="by sha-512"):
        verify_content_digest(f"{HELLO_256}, {wrong}", HELLO)


def test_other_algorithms_are_passed_over_and_are_not_enough() -> None:
    verify_content_digest(f"crc32c=:Q3lHIA==:, {HELLO_256}", HELLO)
    with pytest.raises(Unverified, match="has no digest by sha-256 or sha-512"):
        verify_content_digest("md5=:Sd/dVLAcvNLSq16eXua5uQ==:, sha=:07CavjDP4u3/TungoUHJO/Wzr4c=:", HELLO)
    with pytest.raises(Unverified, match="has no digest"):
        verify_content_digest("", HELLO)


@pytest.mark.parametrize(
    "field", ["sha-256=1", 'sha-256="RK/0"', "sha-256=(:RK/0:)", "sha-256=RK/0qy18", "sha-256"]
)
def test_a_digest_that_is_no_byte_sequence_is_not_in_form(field: str) -> None:
    with pytest.raises(Malformed):
        verify_content_digest(field, HELLO)


def test_a_digest_that_is_only_the_beginning_of_the_right_one_is_not_enough() -> None:
    with pytest.raises(Unverified):
        verify_content_digest("sha-256=:RK/0:", HELLO)


@pytest.mark.parametrize("algorithm", ["md5", "SHA-256", ""])
def test_no_other_algorithm_makes_a_digest(algorithm: str) -> None:
    with pytest.raises(Malformed, match="use sha-256 or sha-512"):
        content_digest(b"", algorithm)
