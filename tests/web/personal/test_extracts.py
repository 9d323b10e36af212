"""Extracts over the API: who may have one made, what it is, and that it verifies anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.proof.extract import Extract
from counterfoil.proof.trust import Trust
from counterfoil.registry.extract.verifying import verify_extract_file
from tests.web.personal.conftest import Office

WANTED = {"purpose": "identification", "key": "P-000101", "fields": ["number", "date-of-birth"]}
AT = "/v1/registers/person/extracts"


@pytest.fixture(scope="module")
def mari(office: Office) -> str:
    """A person, by the name of the record."""
    return office.person("P-000101")


def trust(office: Office) -> Trust:
    return Trust.parse(office.served.node.home.trust.read_bytes())


def test_an_officer_gets_a_certified_copy_that_verifies(office: Office, mari: str) -> None:
    before = office.register_entries("disclosure")
    answer = office.ann.post(AT, json=WANTED)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = Extract.parse(answer.content)
    assert (made.record, made.purpose) == (mari, "identification")
    assert made.fields == {"number": "P-000101", "date-of-birth": "1980-05-01"}
    assert office.register_entries("disclosure") == before + 1
    assert verify_extract_file(answer.content, trust(office)).verdict == "valid"


def test_as_a_page_it_is_a_file_to_save_with_the_extract_inside(office: Office, mari: str) -> None:
    answer = office.ann.post(f"{AT}?as=page", json=WANTED)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="extract.html"'
    assert "1980-05-01" in answer.text
    assert verify_extract_file(answer.content, trust(office)).verdict == "valid"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"purpose": "curiosity", "key": "P-000101"}, 422, "is no purpose"),
        ({"purpose": "residence", "key": "P-000101", "fields": ["sex"]}, 422, "does not allow"),
        ({"purpose": "identification", "key": "P-000999"}, 404, "no such record"),
        ({"key": "P-000101", "fields": ["sex"]}, 422, "name the purpose"),
        ({"key": "P-000101", "colour": "red"}, 400, "colour"),
        ({"purpose": "identification", "key": "P-000101", "fields": []}, 400, "fields"),
    ],
)
def test_what_may_not_be_shown_is_refused_and_not_disclosed(
    office: Office, mari: str, body: dict[str, Any], status: int, said: str
) -> None:
    before = office.register_entries("disclosure")
    answer = office.ann.post(AT, json=body)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert office.register_entries("disclosure") == before


def test_nobody_but_an_officer_with_the_scope_has_one_made(office: Office, mari: str) -> None:
    with (
        office.served.reader() as reader,
        office.program("importer", "write:*") as program,
        office.officer("eve", "search:person", "disclose:birth") as eve,
    ):
        statuses = [client.post(AT, json=WANTED).status_code for client in (reader, program, eve)]
    assert statuses == [401, 403, 403]
