"""Addresses: any key fits in one, and is read again from it, whatever a browser does to it on the way."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, NotFound
from counterfoil.web.portal.addresses import (
    RecordAddress,
    read_record_address,
    record_address,
    with_query,
)
from tests.web.portal.office import ODD_KEYS

KEYS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)
PAGES = st.sampled_from(["", "proof", "differences", "proof-bundle"])


@given(KEYS | st.sampled_from(ODD_KEYS), PAGES, st.booleans())
@example("a.json", "", False)
@example("proof", "proof", True)
@example("~", "", True)
def test_what_is_written_is_read_again(key: str, page: str, json: bool) -> None:
    address = record_address("country", key, page) + (".json" if json else "")
    assert read_record_address(address.encode()) == RecordAddress("country", key, page, json)


@given(KEYS | st.sampled_from(ODD_KEYS))
def test_what_is_written_is_one_part_of_a_path_that_no_client_changes(key: str) -> None:
    address = record_address("country", key)
    assert address.isascii()
    assert address.count("/") == 4
    assert urlsplit(address).path == address
    assert httpx.URL("http://x/").join(address).raw_path.decode() == address
    assert address.rpartition("/")[2].lower() not in {"", ".", "..", "%2e", "%2e%2e"}


@given(KEYS.filter(lambda key: key.isalnum()))
def test_a_plain_key_stands_as_it_is(key: str) -> None:
    address = record_address("country", key)
    assert address == f"/registers/country/records/{key}" or not key.isascii()


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/registers/country/records/", NotFound),
        ("/registers/country/records/%FF", Malformed),
        ("/registers/%FF/records/a", Malformed),
        ("/registers/country/records/~_", Malformed),
        ("/registers/country/records/~_w", Malformed),
    ],
)
def test_what_nobody_wrote_is_refused(path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_record_address(path.encode())


def test_a_query_leaves_out_what_is_not_asked() -> None:
    assert with_query("/search", q="a&b ö", register=None, after="") == "/search?q=a%26b+%C3%B6"
    assert with_query("/x", as_of="2016", before=0) == "/x?as-of=2016&before=0"
    assert with_query("/x") == "/x"
