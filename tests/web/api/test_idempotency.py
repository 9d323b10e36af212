from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.web.api.conftest import Office, problem

RECORDS = "/v1/registers/country/records"


def key(name: str) -> dict[str, str]:
    return {"idempotency-key": name}


def size(office: Office) -> int:
    return int(office.reader.get("/v1").json()["size"])


def entries_of(office: Office, record: str) -> int:
    return len(office.reader.get(f"{RECORDS}/{record}/entries").json()["items"])


def test_a_request_that_is_sent_again_is_answered_as_it_was_and_not_done_again(office: Office) -> None:
    body = {"record": "GB", "fields": {"country": "GB"}}
    first, again = (office.clerk.post(RECORDS, json=body, headers=key("one")) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    for name in ("etag", "location"):
        assert first.headers[name] == again.headers[name]
    assert entries_of(office, "GB") == 1


def test_a_change_is_repeated_also_when_the_record_has_moved_on(office: Office) -> None:
    path = office.country("FR")
    patch = {"fields": {"name": "France"}}
    first = office.patch(path, '"1"', patch, **{"idempotency-key": "two"})
    assert office.patch(path, '"2"', {"fields": {"name": "Frankreich"}}).status_code == 200
    again = office.patch(path, '"1"', patch, **{"idempotency-key": "two"})
    assert (again.status_code, again.headers["etag"], again.content) == (200, '"2"', first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert entries_of(office, "FR") == 3


def test_a_change_of_any_version_is_not_done_twice(office: Office) -> None:
    path = office.country("NO")
    first, again = (
        office.patch(path, "*", {"fields": {"name": "Norway"}}, **{"idempotency-key": "any"})
        for _ in range(2)
    )
    assert (first.headers["etag"], again.headers["etag"]) == ('"2"', '"2"')
    assert first.content == again.content
    assert entries_of(office, "NO") == 2


def test_a_key_stands_for_one_request(office: Office) -> None:
    path = office.country("DE")
    assert office.patch(path, '"1"', {"fields": {"name": "Germany"}}, **key("three")).status_code == 200
    said = (
        422,
        "reused",
        "this idempotency key was used for another request; choose a new key for a new request",
    )
    assert problem(office.patch(path, '"1"', {"fields": {"name": "Deutschland"}}, **key("three"))) == said
    assert problem(office.patch(path, '"2"', {"fields": {"name": "Germany"}}, **key("three"))) == said
    other = office.country("AT")
    assert problem(office.patch(other, '"1"', {"fields": {"name": "Germany"}}, **key("three"))) == said


def test_two_callers_may_use_the_same_key(office: Office) -> None:
    with office.client("write:country") as other:
        for client, record in ((office.clerk, "SE"), (other, "DK")):
            body = {"record": record, "fields": {"country": record}}
            assert client.post(RECORDS, json=body, headers=key("four")).status_code == 201


def test_the_log_names_neither_the_key_nor_the_caller(office: Office) -> None:
    body = {"record": "FI", "fields": {"country": "FI"}}
    answer = office.clerk.post(RECORDS, json=body, headers=key("case 2026/115 of Ann"))
    header = office.reader.get(f"/v1/transactions/{answer.json()['transaction']}").text
    assert "2026/115" not in header
    assert "clerk" not in header


@pytest.mark.parametrize("name", ["", "x" * 256, "tab\there"])
def test_a_key_that_is_not_in_form_is_refused(office: Office, name: str) -> None:
    before = size(office)
    answer = office.clerk.post(RECORDS, json={"record": "YY"}, headers=key(name))
    assert problem(answer) == (400, "malformed", "an Idempotency-Key has 1 to 255 printable ASCII characters")
    assert size(office) == before


def test_many_at_once_are_one(office: Office) -> None:
    def send(_: int) -> httpx.Response:
        body = {"record": "CH", "fields": {"country": "CH"}}
        with office.served.client() as client:
            return client.post(RECORDS, json=body, headers=key("five"))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(24)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert entries_of(office, "CH") == 1


def test_without_a_key_each_request_is_its_own(office: Office) -> None:
    body = {"record": "ann", "fields": {"page": "1"}}
    versions = [
        office.clerk.post("/v1/registers/visits/records", json=body).json()["version"] for _ in range(2)
    ]
    assert versions == [1, 2]


def test_a_batch_is_repeated_part_by_part(office: Office) -> None:
    def proposal(record: str) -> dict[str, object]:
        body = {"fields": {"country": record}}
        return {
            "register": "country",
            "record": record,
            "operation": "create",
            "version": 1,
            "body": body,
        }

    batch = {"transactions": [{"proposals": [proposal(record)]} for record in ("IS", "LI", "IS")]}
    first, again = (office.clerk.post("/v1/batches", json=batch, headers=key("six")).json() for _ in range(2))
    assert [item["status"] for item in first["items"]] == [201, 201, 409]
    assert [item["status"] for item in again["items"]] == [201, 201, 409]
    assert [item.get("replayed") for item in first["items"]] == [False, False, None]
    assert [item.get("replayed") for item in again["items"]] == [True, True, None]
    assert [item.get("receipt") for item in first["items"]] == [
        item.get("receipt") for item in again["items"]
    ]
    assert entries_of(office, "LI") == 1


def test_defining_a_register_is_repeated_too(office: Office) -> None:
    body = {"register": "street"}
    first, again = (office.clerk.post("/v1/registers", json=body, headers=key("seven")) for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
