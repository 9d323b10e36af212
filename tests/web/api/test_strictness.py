"""What a request has beyond what is described is refused, and so is what is too deep, too long or of another type."""

from __future__ import annotations

import json
from typing import Any

import pytest

from counterfoil.web.api.description.document import document
from tests.web.api.conftest import Office, problem

RECORDS = "/v1/registers/country/records"
JSON = {"content-type": "application/json"}
FILLED = {
    "{register}": "country",
    "{record}": "GB",
    "{version}": "1",
    "{number}": "0",
    "{transaction}": f"sha256:{'0' * 64}",
    "{document}": f"sha256:{'0' * 64}",
}
OPERATIONS = [
    (method, path, operation)
    for path, item in document()["paths"].items()
    for method, operation in item.items()
]


def filled(path: str) -> str:
    """A path with something in the place of each parameter."""
    for name, value in FILLED.items():
        path = path.replace(name, value)
    return path


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[each[2]["operationId"] for each in OPERATIONS]
)
def test_an_unknown_query_parameter_is_named(
    office: Office, method: str, path: str, operation: dict[str, Any]
) -> None:
    answer = office.clerk.request(method, filled(path), params={"colour": "red"})
    status, kind, detail = problem(answer)
    assert (status, kind) == (400, "malformed")
    assert "colour" in detail


def test_a_parameter_stands_once(office: Office) -> None:
    assert problem(office.reader.get("/v1/entries?limit=1&limit=2")) == (
        400,
        "malformed",
        "the query has 'limit' twice; give it once",
    )


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "limit=null", "limit=", "limit=1.5", "after=", "%FF=1"]
)
def test_a_parameter_is_in_form(office: Office, query: str) -> None:
    assert problem(office.reader.get(f"/v1/entries?{query}"))[:2] == (400, "malformed")


@pytest.mark.parametrize(
    ("method", "rest", "allowed"),
    [
        ("PUT", "differences", "GET, HEAD"),
        ("PATCH", "entries", "GET, HEAD, POST"),
        ("POST", "proof", "GET, HEAD"),
        ("PUT", "entries/1", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_said_first(
    office: Office, method: str, rest: str, allowed: str
) -> None:
    answer = office.reader.request(method, f"{RECORDS}/GB/{rest}", params={"colour": "red"})
    assert problem(answer) == (405, "method-not-allowed", f"this address takes {allowed}")
    assert answer.headers["allow"] == allowed


def test_too_many_parameters_are_refused(office: Office) -> None:
    query = "&".join(f"p{n}=1" for n in range(17))
    assert problem(office.reader.get(f"/v1/entries?{query}"))[:2] == (400, "malformed")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (RECORDS, {"record": "X", "colour": "red"}),
        ("/v1/registers", {"register": "x", "colour": "red"}),
        ("/v1/transactions", {"proposals": [{"register": "x"}], "colour": "red"}),
        (
            "/v1/transactions",
            {"proposals": [{"register": "x", "record": "y", "operation": "z", "colour": 1}]},
        ),
        ("/v1/batches", {"transactions": [], "colour": "red"}),
        ("/v1/batches", {"transactions": [{"proposals": [], "receipt": True}]}),
    ],
)
def test_an_unknown_member_is_refused(office: Office, path: str, body: Any) -> None:
    status, kind, detail = problem(office.clerk.post(path, json=body))
    assert (status, kind) == (400, "malformed")
    assert detail.startswith("the body is not in form: ")


def test_an_unknown_member_is_named(office: Office) -> None:
    answer = office.clerk.post(RECORDS, json={"record": "X", "colour": "red"})
    assert "colour" in problem(answer)[2]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b'{"record":"X","record":"Y"}', "twice"),
        (b'{"record":"X","fields":{"a":1,"a":2}}', "twice"),
        (b'{"record":"X","fields":{"a":1.5}}', "holds the number 1.5"),
        (b'{"record":"X","fields":{"a":9007199254740992}}', "integer of 2^53 or more"),
        ('{"record":"X","fields":{"ö":1}}'.encode(), "member names are ASCII"),
        (b'{"record":"X","fields":{"a":' + b"[" * 40 + b"]" * 40 + b"}}", "nested more than 32 deep"),
        (b'{"record":"X","fields":{"a":' + b"[" * 20 + b"]" * 20 + b"}}", "nested more than 16 deep"),
        (b"[" * 100_000, "the body is not JSON"),
        (b'{"record":"\\ud800"}', "the body is not JSON"),
        (b'{"record":7}', "the body is not in form"),
        (b"null", "the body is not in form"),
    ],
)
def test_a_body_is_strict_json(office: Office, body: bytes, said: str) -> None:
    status, kind, detail = problem(office.clerk.post(RECORDS, content=body, headers=JSON))
    assert (status, kind) == (400, "malformed")
    assert said in detail


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json; charset=latin-1", "application/xml"]
)
def test_a_body_of_another_type_is_refused(office: Office, content_type: str) -> None:
    answer = office.clerk.post(RECORDS, content=b'{"record":"X"}', headers={"content-type": content_type})
    assert problem(answer)[0] == 415


def test_a_merge_patch_says_that_it_is_one(office: Office) -> None:
    path = office.country("MP")
    answer = office.clerk.patch(path, content=b"{}", headers={"if-match": '"1"', **JSON})
    assert problem(answer) == (
        415,
        "unsupported-media-type",
        "the body must be application/merge-patch+json, in UTF-8; say so in Content-Type",
    )


def test_json_may_say_its_charset(office: Office) -> None:
    headers = {"content-type": 'Application/JSON; charset="UTF-8"'}
    body = json.dumps({"record": "CS", "fields": {"country": "CS"}}).encode()
    assert office.clerk.post(RECORDS, content=body, headers=headers).status_code == 201


def test_a_body_that_is_too_large_is_refused(office: Office) -> None:
    answer = office.clerk.post(RECORDS, content=b" " * ((16 << 20) + 1), headers=JSON)
    assert problem(answer)[0] == 413


def test_an_entry_that_is_too_large_is_refused(office: Office) -> None:
    body = {"record": "BIG", "fields": {"country": "BIG", "text": "x" * 70_000}}
    assert problem(office.clerk.post(RECORDS, json=body))[0] in {400, 422}
    assert office.reader.get(f"{RECORDS}/BIG").status_code == 404


def test_an_address_that_is_too_long_is_refused(office: Office) -> None:
    assert problem(office.reader.get(f"{RECORDS}/{'x' * 9000}"))[0] == 414
    assert problem(office.reader.get(f"{RECORDS}/{'x' * 256}"))[:2] == (400, "malformed")
    assert problem(office.reader.get(f"{RECORDS}/%FF"))[:2] == (400, "malformed")
