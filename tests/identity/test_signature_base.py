"""What a signature is over, to the byte: the example of RFC 9421 appendix B.2.6 and those of its section 2.2."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64decode

import pytest

from counterfoil.errors import Unverified
from counterfoil.identity.signature_base import DERIVED, SignedRequest, signature_base
from counterfoil.identity.structured_fields import InnerList, Item, parse_dictionary, serialise
from counterfoil.proof.signing import SigningKey
from tests.identity.asking import request, with_fields

# Appendix B.1.4 and B.2.
TEST_KEY_ED25519 = SigningKey("ed25519", urlsafe_b64decode("n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU="))
TEST_REQUEST = SignedRequest(
    "POST",
    "https",
    "example.com",
    "/foo",
    "?param=Value&Pet=dog",
    [
        (b"Host", b"example.com"),
        (b"Date", b"Tue, 20 Apr 2021 02:07:55 GMT"),
        (b"Content-Type", b"application/json"),
        (
            b"Content-Digest",
            b"sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        ),
        (b"Content-Length", b"18"),
    ],
    b'{"hello": "world"}',
)
SIGNATURE_INPUT = (
    'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"'
)
SIGNATURE = "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
BASE = """\
"date": Tue, 20 Apr 2021 02:07:55 GMT
"@method": POST
"@path": /foo
"@authority": example.com
"content-type": application/json
"content-length": 18
"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")\
;created=1618884473;keyid="test-key-ed25519\""""


def base_of_example() -> bytes:
    member = parse_dictionary(SIGNATURE_INPUT, "Signature-Input")["sig-b26"]
    assert isinstance(member, InnerList)
    return signature_base(TEST_REQUEST, [str(item.value) for item in member.items], serialise(member))


def test_the_base_of_the_example() -> None:
    assert base_of_example() == BASE.encode()


def test_the_signature_of_the_example_is_made_and_verified() -> None:
    assert TEST_KEY_ED25519.public.text == "ed25519:JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"
    assert TEST_KEY_ED25519.sign(base_of_example()) == b64decode(SIGNATURE)
    TEST_KEY_ED25519.public.verify(b64decode(SIGNATURE), base_of_example())
    with pytest.raises(Unverified):
        TEST_KEY_ED25519.public.verify(b64decode(SIGNATURE), base_of_example() + b" ")


# Section 2.2: POST /path?param=value to https://www.example.com, and variants of it.
ASKED = SignedRequest("POST", "https", "www.example.com", "/path", "?param=value", [])


@pytest.mark.parametrize(
    ("component", "value"),
    [
        ("@method", "POST"),
        ("@target-uri", "https://www.example.com/path?param=value"),
        ("@authority", "www.example.com"),
        ("@scheme", "https"),
        ("@request-target", "/path?param=value"),
        ("@path", "/path"),
        ("@query", "?param=value"),
    ],
)
def test_the_derived_components(component: str, value: str) -> None:
    assert (
        signature_base(ASKED, [component], "()")
        == f'"{component}": {value}\n"@signature-params": ()'.encode()
    )


def value(component: str, scheme: str, authority: str, path: str = "/", query: str = "") -> str:
    return DERIVED[component](SignedRequest("GET", scheme, authority, path, query, []))


def test_an_authority_is_in_lower_case_without_the_scheme_s_own_port() -> None:
    assert value("@authority", "https", "Registers.Example:443") == "registers.example"
    assert value("@authority", "http", "registers.example:80") == "registers.example"
    assert value("@authority", "https", "registers.example:80") == "registers.example:80"
    assert value("@authority", "http", "registers.example:8080") == "registers.example:8080"
    assert value("@authority", "http", "[::1]:80") == "[::1]"
    assert (
        value("@target-uri", "HTTPS", "Registers.Example:443", "/A", "?B") == "https://registers.example/A?B"
    )


def test_no_path_is_the_root_and_no_query_is_its_mark() -> None:
    assert value("@path", "http", "a", "") == "/"
    assert value("@request-target", "http", "a", "", "?b") == "/?b"
    assert value("@query", "http", "a") == "?"
    assert value("@query", "http", "a", query="?") == "?"
    assert value("@path", "http", "a", "/%7Euser/") == "/%7Euser/"


def test_a_field_is_its_lines_trimmed_and_joined() -> None:
    asked = with_fields(
        request(), ("X-Lines", " a "), ("x-other", "é"), ("x-LINES", "\tb, c "), ("X-Empty", "")
    )
    assert signature_base(asked, ["x-lines", "x-empty"], "()") == (
        b'"x-lines": a, b, c\n"x-empty": \n"@signature-params": ()'
    )


@pytest.mark.parametrize(
    ("covered", "said"),
    [
        (["@method", "@status"], "'@status', which is not used here; sign @method, "),
        (["@query-param"], "'@query-param', which is not used here"),
        (["@signature-params"], "'@signature-params', which is not used here"),
        (["digest"], "'digest', which the request does not have"),
        (["Host"], "'Host', but fields are named in lower case"),
        ([""], "'', which the request does not have"),
        (["@method", "host", "@method"], "covers a component twice"),
    ],
)
def test_what_cannot_be_covered_is_named(covered: list[str], said: str) -> None:
    with pytest.raises(Unverified, match=f"the signature (covers )?{said}"):
        signature_base(request(), covered, "()")


@pytest.mark.parametrize("value", ["é", "a\x00", "a\x7f", "a\nb", 'a\n"@method": GET', "a\rb"])
def test_what_could_be_read_as_another_line_is_not_signed(value: str) -> None:
    with pytest.raises(Unverified, match="is not printable ASCII"):
        signature_base(with_fields(request(), ("x", value)), ["x"], "()")
    with pytest.raises(Unverified, match="is not printable ASCII"):
        signature_base(request(path=f"/{value}"), ["@path"], "()")


def test_a_list_s_text_is_the_one_that_is_signed_however_it_was_sent() -> None:
    sent = parse_dictionary('a=( "@method"  "host" ); created=01', "it")["a"]
    assert serialise(sent) == serialise(InnerList((Item("@method"), Item("host")), {"created": 1}))
