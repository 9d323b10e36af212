"""What is given of a personal register as a file: what stands in the log, and nothing that looks like more."""

from __future__ import annotations

import pytest

from tests.web.personal.conftest import Office


@pytest.fixture(scope="module")
def mari(office: Office) -> str:
    """A person, by the name of the record."""
    return office.person("P-000301")


def test_a_table_has_no_column_for_what_goes_by_item(office: Office, mari: str) -> None:
    answer = office.ann.get("/registers/person.csv")
    assert answer.status_code == 200
    header, row = answer.text.splitlines()
    assert header.split(",") == [".record", ".version", ".operation", ".status", ".time", ".entry"]
    assert row.split(",")[:4] == [mari, "1", "create", "alive"]


def test_rsf_is_neither_offered_nor_given(office: Office, mari: str) -> None:
    page = office.ann.get("/registers/person", headers={"accept": "text/html"}).text
    assert ("person.csv" in page, "person.rsf" in page) == (True, False)
    refused = office.ann.get("/registers/person.rsf")
    assert refused.status_code == 422
    assert "fields that are not public, for which RSF has no form" in refused.text
