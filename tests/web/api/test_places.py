from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, NotFound
from counterfoil.web.api.places import Place, check_path, place_of, record_path, register_path

names = st.text(min_size=1, max_size=255).filter(lambda text: text.isprintable())


@given(names, names)
def test_any_key_fits_in_an_address_and_is_read_from_it_again(register: str, key: str) -> None:
    path = record_path(register, key, "entries", "7").encode("ascii")
    assert place_of(path) == Place(register, key, ("entries", "7"))
    check_path(path)


@pytest.mark.parametrize(
    ("key", "part"),
    [
        ("GB", "GB"),
        ("a/b", "a%2Fb"),
        ("ö", "%C3%B6"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "..."),
        ("%2F", "%252F"),
        ("a b?c#d", "a%20b%3Fc%23d"),
    ],
)
def test_a_key_is_one_part_of_the_path(key: str, part: str) -> None:
    assert record_path("country", key) == f"/v1/registers/country/records/{part}"
    assert place_of(f"/v1/registers/country/records/{part}".encode()) == Place("country", key, ())


def test_a_part_that_is_only_dots_is_a_key_also_where_it_is_not_encoded() -> None:
    assert place_of(b"/v1/registers/country/records/../proof") == Place("country", "..", ("proof",))


@pytest.mark.parametrize(
    "path",
    [
        b"/v1/registers/country/records/",
        b"/v1/registers/country/records//entries",
        b"/v1/registers//records/GB",
        b"/v1/registers/a%2Frecords%2FGB",
        b"/v1/registers/country/records",
        b"/v1/registers/country/definition/GB",
    ],
)
def test_what_is_no_record_s_address_is_not_found(path: bytes) -> None:
    with pytest.raises(NotFound, match="nothing at this address"):
        place_of(path)


def test_a_key_that_is_no_utf_8_or_too_long_is_malformed() -> None:
    with pytest.raises(Malformed, match="no UTF-8"):
        place_of(b"/v1/registers/country/records/%FF")
    with pytest.raises(Malformed, match="at most 255"):
        place_of(b"/v1/registers/country/records/" + b"x" * 256)


@pytest.mark.parametrize("path", [b"/v1/", b"/v1//registers", b"/v1/registers/"])
def test_a_path_with_an_empty_part_is_refused(path: bytes) -> None:
    with pytest.raises(NotFound, match="empty part"):
        check_path(path)


def test_the_address_of_a_register() -> None:
    assert register_path(".agency", "records") == "/v1/registers/.agency/records"
