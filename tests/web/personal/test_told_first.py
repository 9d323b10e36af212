"""Over the API: personal registers are written by the office alone, and what officers see is told first."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.conftest import problem
from tests.web.personal.conftest import Office, person
from tests.web.personal.test_desk import correction

ITEM = f"sha256:{'ab' * 32}"


def raw(record: str, operation: str, **members: Any) -> dict[str, Any]:
    """A transaction that changes a person as no office has judged it."""
    proposal = {"register": "person", "record": record, "operation": operation, "version": 2, **members}
    return {"proposals": [proposal]}


RAW = [
    ("P-600001", "amend", {"status": "deceased", "item": ITEM}),
    ("P-600002", "erase", {"status": "alive", "item": ITEM, "body": {"fields": {}}}),
    ("P-600003", "annul", {"status": "void"}),
]


@pytest.mark.parametrize(("number", "operation", "members"), RAW)
def test_proposals_for_a_personal_register_are_refused(
    office: Office, number: str, operation: str, members: dict[str, Any]
) -> None:
    record = office.person(number)
    size = office.served.node.store.head.size
    asked = raw(record, operation, **members)
    with office.program(f"program-{number}", "read", "write:person") as program:
        for client in (program, office.ann):
            answer = client.post("/v1/transactions", json=asked)
            assert problem(answer)[:2] == (422, "refused")
            assert "POST /v1/changes" in answer.json()["detail"]
            (one,) = client.post("/v1/batches", json={"transactions": [asked]}).json()["items"]
            assert (one["status"], one["problem"]["kind"]) == (422, "refused")
    assert office.served.node.store.head.size == size


def test_nor_does_one_go_in_beside_others(office: Office) -> None:
    governing = {"register": ".agency", "record": "EE/GOV/X", "operation": "create", "version": 1}
    asked = raw(office.person("P-600100"), "amend", status="deceased", item=ITEM)
    asked["proposals"].append(governing)
    with office.program("another-program", "read", "govern", "write:person") as program:
        assert problem(program.post("/v1/transactions", json=asked))[:2] == (422, "refused")


def test_candidates_are_disclosed_to_whoever_compares_them(office: Office) -> None:
    record = office.person("P-600200")
    before = office.register_entries("disclosure")
    asked = {"fields": person("P-600201", names=person("P-600200")["names"])}
    found = office.bob.post("/v1/registers/person/candidates", json=asked).json()["items"]
    assert record in [each["record"] for each in found]
    assert office.register_entries("disclosure") == before + len(found)


def test_a_case_is_told_to_whom_it_is_about_when_its_content_is_shown(office: Office) -> None:
    _, case = correction(office, "P-600300")
    before = office.register_entries("disclosure")
    with office.officer("who-decides-nothing", "write:person") as other:
        assert problem(other.get(case))[:2] == (403, "unauthorised")
    assert office.register_entries("disclosure") == before
    assert office.bob.get(case).json()["content"] is not None
    assert office.register_entries("disclosure") == before + 1


def test_nobody_files_what_a_person_is_told(office: Office) -> None:
    fields = {"officer": "00000000000000bb", "purpose": "x", "legal-basis": "y", "register": "person"}
    change = {"register": "disclosure", "operation": "amend", "key": "P-600400", "fields": fields}
    answer = office.ann.post("/v1/changes", json={"changes": [change]})
    assert problem(answer)[:2] == (422, "refused")
    assert "written by the office alone" in answer.json()["detail"]


def test_a_search_names_a_purpose_of_the_register(office: Office) -> None:
    record = office.person("P-600500")
    asked = {"terms": [{"field": "names", "value": "P-600500", "kind": "name"}], "purpose": "identification"}
    found = office.bob.post("/v1/registers/person/search", json=asked).json()["items"]
    assert [each["record"] for each in found] == [record]
    other = office.bob.post("/v1/registers/person/search", json={**asked, "purpose": "curiosity"})
    assert problem(other)[:2] == (422, "refused")


def test_more_refusals_are_asked_for_by_whoever_may_write(office: Office) -> None:
    asked = {"purpose": "refused-change", "register": "person", "count": 5, "why": "a long form"}
    with office.officer("only-writes", "write:person") as writer:
        assert writer.post("/v1/budget-requests", json=asked).status_code == 202
        other = {**asked, "purpose": "identification"}
        assert problem(writer.post("/v1/budget-requests", json=other))[:2] == (403, "unauthorised")
