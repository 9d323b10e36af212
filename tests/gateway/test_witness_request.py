"""The body of a request to cosign: read to the letter, and whatever else comes is refused by one sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.gateway.witness_request import MAX_BODY_BYTES, Request, encode_request, parse_request

HASH = b"A" * 43 + b"="


def test_a_body_is_the_old_size_a_proof_and_a_checkpoint() -> None:
    body = b"old 20852014\n" + HASH + b"\n" + HASH + b"\n\nlog\n1\nroot\n\n\xe2\x80\x94 log AAAA\n"
    assert parse_request(body) == Request(
        20852014, (bytes(32),) * 2, b"log\n1\nroot\n\n\xe2\x80\x94 log AAAA\n"
    )


@given(
    st.integers(0, 2**63), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.binary(min_size=1)
)
def test_what_is_written_is_read_again(old: int, proof: list[bytes], note: bytes) -> None:
    assert parse_request(encode_request(old, proof, note)) == Request(old, tuple(proof), note)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0",
        b"old 0\n",
        b"old 0\n\n",
        b"\n\nnote\n",
        b"old\n\nnote\n",
        b"old  0\n\nnote\n",
        b"old 0 \n\nnote\n",
        b"old 00\n\nnote\n",
        b"old 01\n\nnote\n",
        b"old -1\n\nnote\n",
        b"old +1\n\nnote\n",
        b"old 1_0\n\nnote\n",
        b"old 0x1\n\nnote\n",
        "old ٣\n\nnote\n".encode(),
        b"Old 0\n\nnote\n",
        b"size 0\n\nnote\n",
        b"old 9223372036854775809\n\nnote\n",
        b"old 99999999999999999999\n\nnote\n",
        b"old 0\r\n\r\nnote\n",
        b"old 3\nAAAA\n\nnote\n",
        b"old 3\n" + HASH[:-1] + b"\n\nnote\n",
        b"old 3\n " + HASH + b"\n\nnote\n",
        b"old 3\n" + b"A" * 42 + b"B=\n\nnote\n",
        b"old 3\n" + (HASH + b"\n") * 64 + b"\nnote\n",
        b"old 0\n\n" + b"n" * MAX_BODY_BYTES,
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        parse_request(body)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: b"old 1\n" + rest))
def test_no_bytes_bring_it_down(body: bytes) -> None:
    try:
        request = parse_request(body)
    except Malformed:
        return
    assert encode_request(request.old, request.proof, request.note) == body
