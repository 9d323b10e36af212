"""Changes through the office: by the address for them, and by those that write the records of any register."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.web.api.conftest import MERGE_PATCH, problem
from tests.web.personal.conftest import Office, person

CHANGES = "/v1/changes"
PERSONS = "/v1/registers/person/records"


def shown(office: Office, record: str, *fields: str) -> dict[str, Any]:
    """Fields of a person's record, as they are disclosed."""
    asked = {"purpose": "civil-registration", "record": record, "fields": list(fields)}
    answer = office.ann.post("/v1/registers/person/disclosures", json=asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["fields"]
    return told


def birth(number: str, child: str, mother: str, father: str) -> dict[str, Any]:
    """The change that registers a birth."""
    fields = {
        "entry-number": number,
        "type": "ordinary",
        "district": "13",
        "child": child,
        "names": [{"script": "Latn", "use": "birth", "family": "Tamm", "given": "Anu"}],
        "sex": "female",
        "date": "2026-11-01",
        "place": {"country": "EST", "place": "Tartu"},
        "mother": mother,
        "father": father,
    }
    return {"register": "birth", "fields": fields, "circumstances": {"why": "reported by the hospital"}}


def test_what_follows_from_a_change_is_answered_with_it(office: Office) -> None:
    office.person("P-100001")
    office.person("P-100010", sex="male")
    change = birth("13/2026/1", "P-100002", "P-100001", "P-100010")
    answer = office.ann.post(CHANGES, json={"changes": [change]})
    assert answer.status_code == 201
    assert [each["register"] for each in answer.json()["records"]] == ["birth", "person"]
    receipt = answer.json()["receipt"]
    assert (receipt["standing"], receipt["count"]) == ("taken", 2)
    assert answer.headers["location"] == f"/v1/transactions/{receipt['transaction']}"
    assert answer.headers["cache-control"] == "no-store"
    child = answer.json()["records"][1]["record"]
    assert shown(office, child, "date-of-birth") == {"date-of-birth": "2026-11-01"}


def test_a_receipt_comes_with_its_proof(office: Office) -> None:
    change = {"register": "person", "fields": person("P-100003")}
    answer = office.ann.post(CHANGES, json={"changes": [change], "receipt": True})
    verified = office.ann.post("/v1/verify", json={"bundle": answer.json()["proof"]}).json()
    assert verified["verdict"] == "valid"
    assert "P-100003" not in answer.text


def test_what_is_illegal_is_refused_with_constraint_field_and_citation(office: Office) -> None:
    office.person("P-100004", **{"date-of-birth": "2026-11-05"})
    office.person("P-100011", sex="male")
    change = birth("13/2026/2", "P-100012", "P-100004", "P-100011")
    answer = office.ann.post(CHANGES, json={"changes": [change]})
    said = answer.json()
    assert (answer.status_code, said["kind"], said["constraint"]) == (422, "violated", "mother-older")
    assert said["field"] == "mother"
    assert said["citation"].startswith("the law on civil registration")
    assert "P-1000" not in answer.text


def test_a_request_sent_again_is_answered_as_it_was(office: Office) -> None:
    body = {"changes": [{"register": "person", "fields": person("P-100005")}]}
    headers = {"idempotency-key": "first registration"}
    first = office.ann.post(CHANGES, json=body, headers=headers)
    again = office.ann.post(CHANGES, json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = {"changes": [{"register": "person", "fields": person("P-100006")}]}
    assert problem(office.ann.post(CHANGES, json=other, headers=headers))[:2] == (422, "reused")
    assert office.bob.post(CHANGES, json=other, headers=headers).status_code == 201


def test_a_case_is_laid_on_the_desk_once(office: Office) -> None:
    record = office.person("P-100007")
    corrected = person("P-100007", sex="male")
    body = {
        "changes": [{"register": "person", "operation": "correct", "record": record, "fields": corrected}]
    }
    headers = {"idempotency-key": "the correction"}
    first = office.ann.post(CHANGES, json=body, headers=headers)
    again = office.ann.post(CHANGES, json=body, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.json()["reasons"] == ["four-eyes"]
    assert first.headers["location"] == f"/v1/desk/{first.json()['case']}"
    body["changes"][0]["fields"] = person("P-100007", sex="female")
    assert problem(office.ann.post(CHANGES, json=body, headers=headers))[:2] == (422, "reused")


@pytest.mark.parametrize(
    ("body", "status", "kind", "detail"),
    [
        ({"changes": []}, 400, "malformed", "length >= 1"),
        ({"changes": [{"register": "person", "colour": "red"}]}, 400, "malformed", "colour"),
        ({"changes": [{"register": ".agency", "fields": {}}]}, 400, "malformed", "/v1/transactions"),
        ({"changes": [{"register": "nowhere", "key": "1"}]}, 422, "refused", "no register"),
        ({"changes": [{"register": "person", "fields": {}}]}, 400, "malformed", "by its number"),
        (
            {"changes": [{"register": "person", "operation": "erase", "key": "P-1"}]},
            400,
            "malformed",
            "a ground",
        ),
        (
            {"changes": [{"register": "person", "fields": {"number": "P-100008"}}]},
            422,
            "violated",
            "these are no fields for a record of person: ",
        ),
        (
            {"changes": [{"register": "person", "fields": {}, "circumstances": {"actor": "rule"}}]},
            400,
            "malformed",
            "",
        ),
    ],
)
def test_what_is_not_in_form_is_refused(
    office: Office, body: dict[str, Any], status: int, kind: str, detail: str
) -> None:
    answer = office.ann.post(CHANGES, json=body)
    assert problem(answer)[:2] == (status, kind), answer.text
    assert detail in answer.json()["detail"]


def test_it_takes_an_officer_and_the_scope_of_each_register(office: Office) -> None:
    body = {"changes": [{"register": "person", "fields": person("P-100009")}]}
    with office.served.reader() as nobody:
        assert problem(nobody.post(CHANGES, json=body))[:2] == (401, "unverified")
    with office.program("importer", "write:person") as program:
        status, kind, detail = problem(program.post(CHANGES, json=body))
        assert (status, kind) == (403, "unauthorised")
        assert "counterfoil access add NAME --officer" in detail
    with office.officer("births-only", "write:birth") as other:
        status, kind, detail = problem(other.post(CHANGES, json=body))
        assert (status, kind) == (403, "unauthorised")
        assert "write:person" in detail


class TestRecords:
    """The routes that write records, in a register with hidden fields."""

    def test_a_record_is_entered_by_its_key_and_named_by_a_pseudonym(self, office: Office) -> None:
        answer = office.ann.post(
            PERSONS, json={"fields": person("P-200001"), "circumstances": {"why": "moved in"}}
        )
        said = answer.json()
        assert answer.status_code == 201
        assert len(said["record"]) == 43
        assert (said["register"], said["version"], answer.headers["etag"]) == ("person", 1, '"1"')
        assert answer.headers["location"] == f"{PERSONS}/{said['record']}"
        entry = office.served.node.entry(said["number"])
        assert (entry.record, entry.fields) == (said["record"], {})
        assert entry.item is not None

    def test_no_proposal_gets_around_the_agencys_judgement(self, office: Office) -> None:
        raw = {"record": "x" * 43, "item": "sha256:" + "0" * 64, "status": "alive"}
        assert problem(office.ann.post(PERSONS, json=raw))[:2] == (400, "malformed")
        with office.program("raw", "write:*") as program:
            assert problem(program.post(PERSONS, json={"fields": person("P-200002")}))[:2] == (
                403,
                "unauthorised",
            )

    def test_a_patch_changes_a_part_also_within_a_field(self, office: Office) -> None:
        address = {"country": "EST", "lines": ["Rüütli 1"], "locality": "Tartu"}
        record = office.person("P-200003", address=address)
        assert (
            self.patch(office, record, '"1"', {"fields": {"address": {"lines": ["Lai 2"]}}}).status_code
            == 200
        )
        assert shown(office, record, "address", "sex") == {
            "address": {**address, "lines": ["Lai 2"]},
            "sex": "female",
        }
        assert self.patch(office, record, '"2"', {"fields": {"address": None}}).status_code == 200
        assert shown(office, record, "address", "sex") == {"sex": "female"}
        stale = self.patch(office, record, '"1"', {"fields": {"sex": "male"}})
        assert problem(stale)[:2] == (412, "conflict")

    def test_a_record_is_replaced_whole(self, office: Office) -> None:
        record = office.person("P-200004", nationality=["EST"])
        new = person("P-200004")
        answer = office.ann.put(f"{PERSONS}/{record}", json={"fields": new}, headers={"if-match": '"1"'})
        assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
        assert shown(office, record, "nationality", "number") == {"number": "P-200004"}
        none = office.ann.put(f"{PERSONS}/{record}", json={"fields": new})
        assert none.status_code == 428

    def test_an_operation_by_its_name_waits_for_a_second_officer_where_the_register_asks(
        self, office: Office
    ) -> None:
        record = office.person("P-200005")
        body = {"operation": "correct", "fields": person("P-200005", sex="male")}
        answer = office.ann.post(f"{PERSONS}/{record}/entries", json=body, headers={"if-match": "*"})
        assert answer.status_code == 202
        assert answer.json()["reasons"] == ["four-eyes"]
        assert answer.json()["records"] == [{"register": "person", "record": record}]

    def test_an_amendment_without_fields_keeps_them(self, office: Office) -> None:
        record = office.person("P-200006")
        body = {"operation": "amend", "circumstances": {"why": "checked"}}
        answer = office.ann.post(f"{PERSONS}/{record}/entries", json=body, headers={"if-match": '"1"'})
        assert answer.status_code == 201
        assert shown(office, record, "number", "sex") == {"number": "P-200006", "sex": "female"}

    def test_an_erasure_is_asked_for_elsewhere(self, office: Office) -> None:
        record = office.person("P-200007")
        answer = office.ann.post(
            f"{PERSONS}/{record}/entries", json={"operation": "erase"}, headers={"if-match": "*"}
        )
        status, kind, detail = problem(answer)
        assert (status, kind) == (400, "malformed")
        assert "/v1/erasures" in detail

    def patch(self, office: Office, record: str, seen: str, patch: dict[str, Any]) -> httpx.Response:
        headers = {"if-match": seen, "content-type": MERGE_PATCH}
        return office.ann.patch(f"{PERSONS}/{record}", content=json.dumps(patch).encode(), headers=headers)
