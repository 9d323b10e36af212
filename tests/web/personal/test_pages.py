"""The portal's pages of registers with fields that are not public."""

from __future__ import annotations

import httpx
import pytest

from counterfoil.registers import shipped
from tests.web.personal.conftest import Office
from tests.web.serving import AGENCY


@pytest.fixture
def reader(office: Office) -> httpx.Client:
    """A browser that nobody is logged in with."""
    return httpx.Client(base_url=office.served.url, headers={"accept": "text/html"})


def test_where_records_are_pseudonyms_there_is_no_box_into_which_a_name_could_be_typed(
    office: Office, reader: httpx.Client
) -> None:
    office.person("P-400031")
    with reader:
        page = reader.get("/registers/person").text
    assert 'name="q"' not in page
    assert "so there is no search here" in page


def test_records_are_listed_under_what_they_are_and_rules_under_their_names(reader: httpx.Client) -> None:
    with reader:
        page = reader.get("/registers/person").text
    assert ">record <span" in page.replace("\n", "")
    assert '<th scope="row">born-before-death</th><td>Nobody dies before being born' in page
    assert "A second officer decides: " in page


def test_what_is_public_of_a_register_is_searched(reader: httpx.Client, office: Office) -> None:
    with office.served.client() as clerk:
        body = {"register": "company", "definition": shipped("company", AGENCY)}
        assert clerk.post("/v1/registers", json=body).status_code == 201
    with reader:
        page = reader.get("/registers/company").text
    assert "Search what is public of it" in page
    assert "Some of what it holds is not public. Officers search that" in page
