"""The desk: who sees a case, who decides it, what follows; erasures, search and candidates."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.conftest import problem
from tests.web.personal.conftest import Office, person

APPROVED = {"approve": True, "reason": "seen, with the certificate"}


def correction(office: Office, number: str) -> tuple[str, str]:
    """A correction that waits: the record that it is of, and the address of its case."""
    record = office.person(number)
    change = {
        "register": "person",
        "operation": "correct",
        "record": record,
        "fields": person(number, sex="male"),
        "circumstances": {"why": "misread"},
    }
    answer = office.ann.post("/v1/changes", json={"changes": [change]})
    assert answer.status_code == 202, answer.text
    return record, answer.headers["location"]


def sex(office: Office, record: str) -> str:
    """What the record says."""
    asked = {"purpose": "identification", "record": record, "fields": ["sex"]}
    told: str = office.bob.post("/v1/registers/person/disclosures", json=asked).json()["fields"]["sex"]
    return told


def test_a_case_is_listed_and_its_content_shown_to_whoever_may_decide_it(office: Office) -> None:
    record, case = correction(office, "P-400001")
    listed = office.bob.get("/v1/desk", params={"register": "person"}).json()["items"]
    (line,) = [each for each in listed if each["case"] in case]
    assert (line["kind"], line["reasons"], line["standing"]) == ("change", ["four-eyes"], "waiting")
    assert "P-400001" not in str(line)
    content = office.bob.get(case).json()["content"]
    assert content["changes"][0]["fields"]["sex"] == "male"
    assert content["changes"][0]["record"] == record
    with office.officer("no-decider", "write:person") as other:
        assert problem(other.get(case))[:2] == (403, "unauthorised")
        assert other.get("/v1/desk").json()["items"] == []
        assert problem(other.post(f"{case}/decision", json=APPROVED))[:2] == (403, "unauthorised")


def test_whoever_may_decide_sees_what_it_would_do_and_why_it_waits(office: Office) -> None:
    record, case = correction(office, "P-400021")
    said = office.bob.get(case).json()
    assert said["because"] == [
        {
            "name": "four-eyes",
            "says": "its register has a second officer decide such a change",
            "citation": None,
        }
    ]
    (change,) = said["changes"]
    assert (change["record"], change["operation"], change["follows"]) == (record, "correct", False)
    assert {"field": "sex", "before": "female", "after": "male"} in change["fields"]
    assert problem(office.bob.get(f"{case}/attachments/0"))[:2] == (404, "not-found")


def test_a_case_is_withdrawn_with_a_reason(office: Office) -> None:
    _, case = correction(office, "P-400022")
    with office.officer("bystander", "write:person") as other:
        assert problem(other.post(f"{case}/withdrawal", json={"reason": "x"}))[:2] == (403, "unauthorised")
        assert problem(other.get(f"{case}/attachments/0"))[:2] == (403, "unauthorised")
    said = office.ann.post(f"{case}/withdrawal", json={"reason": "entered twice"}).json()["case"]
    assert (said["standing"], said["decision"]["reason"]) == ("withdrawn", "entered twice")
    again = office.bob.post(f"{case}/withdrawal", json={"reason": "x"})
    assert problem(again)[:2] == (422, "refused")


def test_the_officer_whose_case_it_is_sees_its_line_alone(office: Office) -> None:
    with office.officer("writer", "write:person") as writer:
        change: dict[str, Any] = {"register": "person", "operation": "correct"}
        change |= {"record": office.person("P-400002"), "fields": person("P-400002", sex="male")}
        case = writer.post("/v1/changes", json={"changes": [change]}).headers["location"]
        said = writer.get(case).json()
        assert (said["standing"], said["content"]) == ("waiting", None)
        assert [each["case"] for each in writer.get("/v1/desk").json()["items"]] == [said["case"]]


def test_lists_go_on_after_the_page_before(office: Office) -> None:
    for number in ("P-400003", "P-400004"):
        correction(office, number)
    first = office.bob.get("/v1/desk?limit=1").json()
    second = office.bob.get(f"/v1/desk?limit=1&after={first['next']}").json()
    assert first["items"][0]["number"] < second["items"][0]["number"]


def test_approved_it_is_carried_out_at_once(office: Office) -> None:
    record, case = correction(office, "P-400005")
    own = office.ann.post(f"{case}/decision", json=APPROVED)
    assert problem(own)[:2] == (422, "refused")
    assert sex(office, record) == "female"
    said = office.bob.post(f"{case}/decision", json=APPROVED).json()
    assert said["case"]["standing"] == "done"
    assert said["records"] == [{"register": "person", "record": record}]
    assert said["receipt"]["standing"] == "taken"
    assert sex(office, record) == "male"
    assert office.bob.get(case).json()["content"] is None
    again = office.bob.post(f"{case}/decision", json=APPROVED)
    assert problem(again)[:2] == (422, "refused")


def test_refused_it_is_not(office: Office) -> None:
    record, case = correction(office, "P-400006")
    said = office.bob.post(f"{case}/decision", json={"approve": False, "reason": "not shown"}).json()
    assert said["case"]["standing"] == "refused"
    assert said.keys() == {"case"}
    assert sex(office, record) == "female"


def test_what_has_moved_on_meanwhile_is_refused_and_stays_approved(office: Office) -> None:
    record = office.person("P-400007")
    change: dict[str, Any] = {"register": "person", "operation": "correct", "record": record, "version": 1}
    change["fields"] = person("P-400007", sex="male")
    case = office.ann.post("/v1/changes", json={"changes": [change]}).headers["location"]
    amend = {"register": "person", "operation": "amend", "record": record, "fields": person("P-400007")}
    assert office.ann.post("/v1/changes", json={"changes": [amend]}).status_code == 201
    for _ in range(2):
        assert problem(office.bob.post(f"{case}/decision", json=APPROVED))[:2] == (409, "conflict")
    assert office.bob.get(case).json()["standing"] == "approved"


@pytest.mark.parametrize(
    ("body", "detail"),
    [({"approve": True}, "reason"), ({"reason": "x"}, "approve"), ({"approve": 1, "reason": "x"}, "bool")],
)
def test_a_decision_says_what_and_why(office: Office, body: dict[str, Any], detail: str) -> None:
    answer = office.bob.post(f"/v1/desk/{'0' * 32}/decision", json=body)
    assert problem(answer)[:2] == (400, "malformed")
    assert detail in answer.json()["detail"]


def test_a_case_that_there_is_not_is_not_found(office: Office) -> None:
    assert problem(office.bob.get(f"/v1/desk/{'0' * 32}"))[:2] == (404, "not-found")
    assert problem(office.bob.get("/v1/desk/x"))[:2] == (404, "not-found")


def erasure(**members: Any) -> dict[str, Any]:
    """What is asked to have a person's fields erased."""
    ground = {"ground": "unlawful-processing", "law": "GDPR art. 17(1)(d)"}
    return {"register": "person", "subject": "person", **ground, **members}


def test_an_erasure_takes_two_officers_and_then_nothing_can_be_shown(office: Office) -> None:
    record = office.person("P-400008", **{"date-of-birth": "1900-01-01"})
    headers = {"idempotency-key": "erase her"}
    asked = office.ann.post("/v1/erasures", json=erasure(key="P-400008"), headers=headers)
    assert asked.status_code == 202, asked.text
    assert asked.json()["records"] == [{"register": "person", "record": record}]
    again = office.ann.post("/v1/erasures", json=erasure(key="P-400008"), headers=headers)
    assert again.json()["case"] == asked.json()["case"]
    case = asked.headers["location"]
    assert office.bob.get(case).json()["content"]["erasure"]["ground"] == "unlawful-processing"
    said = office.bob.post(f"{case}/decision", json=APPROVED).json()
    assert (said["erased"]["record"], said["erased"]["subject"]) == (record, "person")
    assert said["erased"]["keys"] > 0
    look = {"purpose": "identification", "record": record, "proof": True}
    shown = office.bob.post("/v1/registers/person/disclosures", json=look).json()
    assert (shown["erased"], shown["fields"]) == (True, {})
    assert office.bob.post("/v1/verify", json={"bundle": shown["proof"]}).json()["verdict"] == "valid"


def test_within_the_retention_period_none_is_taken_up(office: Office) -> None:
    office.person("P-400009")
    answer = office.ann.post("/v1/erasures", json=erasure(key="P-400009"))
    assert (answer.status_code, answer.json()["constraint"]) == (422, "retention")


@pytest.mark.parametrize("members", [{}, {"key": "P-400009", "record": "x"}])
def test_an_erasure_names_one_record(office: Office, members: dict[str, Any]) -> None:
    assert problem(office.ann.post("/v1/erasures", json=erasure(**members)))[:2] == (400, "malformed")


def test_an_erasure_takes_its_scope(office: Office) -> None:
    with office.officer("no-eraser", "write:person", "decide:person") as other:
        status, kind, detail = problem(other.post("/v1/erasures", json=erasure(key="P-400009")))
    assert (status, kind) == (403, "unauthorised")
    assert "erase:person" in detail


def test_a_search_finds_records_and_shows_nothing_of_them(office: Office) -> None:
    record = office.person("P-400010")
    term = {"field": "names", "value": "family of p-400010", "kind": "name"}
    answer = office.ann.post("/v1/registers/person/search", json={"terms": [term]})
    assert answer.json() == {
        "items": [{"register": "person", "record": record, "version": 1, "status": "alive", "current": True}],
        "more": False,
    }
    wrong = office.ann.post(
        "/v1/registers/person/search", json={"terms": [{"field": "sex", "value": "female"}]}
    )
    assert problem(wrong)[:2] == (422, "refused")
    with office.officer("no-searcher", "write:person") as other:
        denied = other.post("/v1/registers/person/search", json={"terms": [term]})
        assert problem(denied)[:2] == (403, "unauthorised")


def test_candidates_are_scored_and_not_shown(office: Office) -> None:
    record = office.person("P-400011")
    fields = {name: value for name, value in person("P-400011").items() if name != "number"}
    answer = office.ann.post("/v1/registers/person/candidates", json={"fields": fields})
    (found,) = [each for each in answer.json()["items"] if each["record"] == record]
    assert found["likely"]
    assert "the same date of birth" in found["reasons"]
    assert "P-400011" not in answer.text
