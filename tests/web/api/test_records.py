from __future__ import annotations

from hashlib import sha256

import httpx
import pytest

from counterfoil.proof.entry import decode_entry
from counterfoil.proof.merkle import leaf_hash
from tests.web.api.conftest import Office, problem


def test_creating_a_record_answers_with_its_entry_s_place(office: Office) -> None:
    body = {
        "record": "GB",
        "fields": {"country": "GB", "name": "United Kingdom"},
        "status": "current",
        "circumstances": {"why": "first registration", "law": "ISO 3166"},
    }
    answer = office.clerk.post("/v1/registers/country/records", json=body)
    said = answer.json()
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["location"] == "/v1/registers/country/records/GB"
    entry = office.served.node.entry(said["number"])
    assert said == {
        "register": "country",
        "record": "GB",
        "version": 1,
        "number": entry.number,
        "transaction": entry.transaction,
        "standing": "taken",
    }
    assert (entry.status, entry.fields, entry.circumstances) == (
        "current",
        body["fields"],
        body["circumstances"],
    )


def test_a_record_is_answered_byte_for_byte_as_it_is_a_leaf_of_the_log(office: Office) -> None:
    path = office.country("FR", name="France")
    answer = office.reader.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["link"] == (
        '</v1/registers/country/records/FR/entries>; rel="version-history", '
        '</v1/registers/country/records/FR/proof>; rel="describedby"'
    )
    number = decode_entry(answer.content).number
    with office.served.node.reading() as store:
        assert answer.content == store.entry(number)
        assert leaf_hash(answer.content) == sha256(b"\0" + answer.content).digest()


def test_a_head_request_answers_as_the_other_without_the_body(office: Office) -> None:
    path = office.country("BE")
    head, get = office.reader.head(path), office.reader.get(path)
    assert head.content == b""
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(get.content)))
    assert head.headers["etag"] == '"1"'


@pytest.mark.parametrize("key", ["a/b", "ö", ".", "..", "%2F", "a b?c#d&e=f", "'\"<>", "entries"])
def test_a_key_may_hold_any_character(office: Office, key: str) -> None:
    path = office.country(key)
    assert office.reader.get(path).json()["record"] == key
    history = office.reader.get(f"{path}/entries").json()
    assert [each["record"] for each in history["items"]] == [key]
    changed = office.patch(path, '"1"', {"fields": {"name": "x"}})
    assert (changed.status_code, changed.headers["location"]) == (200, path)


def test_an_empty_key_is_nothing(office: Office) -> None:
    for path in ("/v1/registers/country/records/", "/v1/registers/country/records//entries"):
        assert problem(office.reader.get(path)) == (
            404,
            "not-found",
            "there is nothing at this address; it has an empty part",
        )
    answer = office.clerk.post("/v1/registers/country/records", json={"record": ""})
    assert problem(answer)[:2] == (400, "malformed")


def test_a_record_that_is_there_is_not_created_again(office: Office) -> None:
    office.country("DE")
    answer = office.clerk.post(
        "/v1/registers/country/records", json={"record": "DE", "fields": {"country": "DE"}}
    )
    assert problem(answer) == (
        409,
        "conflict",
        "country 'DE' is at version 1, so its next is 2 and not 1; read again",
    )


def test_putting_states_the_whole_content(office: Office) -> None:
    path = "/v1/registers/country/records/AT"
    first = {"fields": {"country": "AT", "name": "Austria", "capital": "Vienna"}, "status": "current"}
    made = office.clerk.put(path, json=first, headers={"if-none-match": "*"})
    assert (made.status_code, made.headers["etag"], made.json()["version"]) == (201, '"1"', 1)
    second = {"fields": {"country": "AT", "name": "Österreich"}}
    changed = office.clerk.put(path, json=second, headers={"if-match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["version"]) == (200, '"2"', 2)
    entry = office.reader.get(path).json()
    assert entry["operation"] == "amend"
    assert entry["body"] == {"fields": second["fields"]}
    assert "status" not in entry


def test_patching_changes_a_part(office: Office) -> None:
    path = office.country("NL", name="Nederland", capital="Amsterdam")
    patch = {"fields": {"name": "Netherlands", "capital": None}, "circumstances": {"why": "in English"}}
    assert office.patch(path, '"1"', patch).status_code == 200
    assert office.reader.get(path).json()["body"] == {
        "fields": {"country": "NL", "name": "Netherlands"},
        "circumstances": {"why": "in English"},
    }


@pytest.mark.parametrize("operation", ["correct", "annul", "close"])
def test_an_entry_is_added_by_its_operation(office: Office, operation: str) -> None:
    path = office.country(f"X{operation}", name="X")
    body = {"operation": operation, "circumstances": {"why": "a test", "law": "none"}}
    answer = office.clerk.post(f"{path}/entries", json=body, headers={"if-match": '"1"'})
    assert (answer.status_code, answer.headers["etag"], answer.headers["location"]) == (201, '"2"', path)
    entry = office.reader.get(path).json()
    assert (entry["operation"], entry["body"]["fields"]["name"]) == (operation, "X")
    assert entry["body"]["circumstances"] == body["circumstances"]


def test_what_has_ended_takes_no_other_change(office: Office) -> None:
    path = office.country("SU")
    body = {"operation": "close"}
    assert office.clerk.post(f"{path}/entries", json=body, headers={"if-match": "*"}).status_code == 201
    status, kind, detail = problem(office.patch(path, '"2"', {"fields": {"name": "x"}}))
    assert (status, kind) in {(412, "conflict"), (422, "violated"), (422, "refused")}
    assert "clos" in detail or "ended" in detail


def test_a_register_that_appends_gives_the_version_itself(office: Office) -> None:
    records = "/v1/registers/visits/records"
    for version in (1, 2):
        answer = office.clerk.post(records, json={"record": "ann", "fields": {"page": str(version)}})
        assert (answer.status_code, answer.json()["version"]) == (201, version)
    path = f"{records}/ann"
    taken = office.clerk.put(path, json={"fields": {"page": "3"}}, headers={"if-match": '"2"'})
    assert (taken.status_code, taken.headers["etag"]) == (200, '"3"')
    late = office.clerk.put(path, json={"fields": {"page": "4"}}, headers={"if-match": '"2"'})
    assert problem(late)[:2] == (412, "conflict")
    new = office.clerk.put(path, json={"fields": {}}, headers={"if-none-match": "*"})
    assert problem(new)[:2] == (412, "conflict")


def test_a_schema_that_says_no_is_named_with_field_and_law(office: Office) -> None:
    schema = {"type": "object", "properties": {"area": {"type": "integer"}}}
    definition = {"title": "Plots", "schema": schema, "law": "Land Registration Act 2002"}
    assert office.clerk.post("/v1/registers", json={"register": "plot", "definition": definition}).is_success
    answer = office.clerk.post(
        "/v1/registers/plot/records", json={"record": "7", "fields": {"area": "large"}}
    )
    said = answer.json()
    assert problem(answer)[:2] == (422, "violated")
    assert (said["constraint"], said["field"], said["citation"]) == (
        "schema",
        "area",
        "Land Registration Act 2002",
    )


def test_what_is_not_there_is_said_to_be_absent(office: Office) -> None:
    assert problem(office.reader.get("/v1/registers/country/records/ZZ")) == (
        404,
        "not-found",
        "there is no record 'ZZ' in the register 'country'; proof?absent=1 below it proves that",
    )
    for path in ("/v1/registers/none/records", "/v1/registers/none", "/v1/registers/none/definition"):
        assert problem(office.reader.get(path)) == (
            404,
            "not-found",
            "there is no register 'none'; /v1/registers lists those there are",
        )
    answer = office.clerk.post("/v1/registers/none/records", json={"record": "x"})
    assert problem(answer)[0] == 404
    answer = office.patch("/v1/registers/country/records/ZZ", "*", {})
    assert problem(answer)[0] == 404
    assert problem(office.reader.get("/v1/registers/country/records/GB/colour"))[0] == 404


def test_the_ledger_s_own_registers_are_not_written_to(office: Office) -> None:
    answer = office.clerk.post("/v1/registers/.index/records", json={"record": "root"})
    assert problem(answer)[:2] == (422, "refused")


def test_a_record_takes_only_some_methods(office: Office) -> None:
    path = office.country("IE")
    assert problem(office.clerk.delete(path))[0] == 405
    assert problem(office.clerk.post(path, json={}))[0] == 405
    assert problem(office.clerk.put(f"{path}/entries", json={}))[0] == 405
    allowed = {
        path: "GET, HEAD, PUT, PATCH, OPTIONS",
        f"{path}/entries": "GET, HEAD, POST, OPTIONS",
        f"{path}/proof": "GET, HEAD, OPTIONS",
        "/v1/registers": "GET, HEAD, OPTIONS, POST",
    }
    for each, methods in allowed.items():
        answer = office.reader.options(each)
        assert (answer.status_code, answer.headers["allow"]) == (204, methods)


def test_records_are_listed_in_order_and_by_page(office: Office) -> None:
    assert office.clerk.post("/v1/registers", json={"register": "number"}).is_success
    for key in ("10", "2", "1"):
        body = {"record": key, "fields": {"word": f"word{key}"}, "status": "odd" if key == "1" else "even"}
        assert office.clerk.post("/v1/registers/number/records", json=body).is_success
    path = "/v1/registers/number/records"

    def keys(answer: httpx.Response) -> list[str]:
        return [row["record"] for row in answer.json()["items"]]

    assert keys(office.reader.get(path)) == ["1", "2", "10"]
    assert keys(office.reader.get(path, params={"order": "-key"})) == ["10", "2", "1"]
    assert keys(office.reader.get(path, params={"order": "changed"})) == ["10", "2", "1"]
    assert keys(office.reader.get(path, params={"status": "even"})) == ["2", "10"]
    assert keys(office.reader.get(path, params={"q": "word2"})) == ["2"]
    first = office.reader.get(path, params={"limit": 2})
    assert keys(first) == ["1", "2"]
    last = office.reader.get(path, params={"limit": 2, "after": first.json()["next"]})
    assert (keys(last), last.json()["next"]) == (["10"], None)
    closing = {"operation": "close"}
    assert office.clerk.post(f"{path}/2/entries", json=closing, headers={"if-match": "*"}).is_success
    assert keys(office.reader.get(path, params={"ended": "true"})) == ["2"]
    assert keys(office.reader.get(path, params={"ended": "false"})) == ["1", "10"]


def test_a_row_of_the_list_says_what_the_record_is(office: Office) -> None:
    path = office.country("LU")
    rows = office.reader.get("/v1/registers/country/records", params={"q": "LU"}).json()["items"]
    entry = office.reader.get(path).json()
    assert rows == [
        {
            "register": "country",
            "record": "LU",
            "number": entry["number"],
            "version": 1,
            "status": None,
            "operation": "create",
            "time": entry["time"],
        }
    ]
