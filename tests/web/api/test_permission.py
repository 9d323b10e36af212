"""Who may do what: nobody writes without a token or signature, and nobody writes what its scopes do not say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.api.conftest import Office, problem

NOTHING = f"sha256:{'0' * 64}"
NAMED = {"if-match": "*", "content-type": "application/merge-patch+json"}
COUNTRY = "/v1/registers/country/records"
PROPOSAL = {"register": "country", "record": "P", "operation": "create", "version": 1}
WRITES: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", "/v1/registers", {"json": {"register": "x"}}, "govern"),
    ("POST", COUNTRY, {"json": {"record": "P"}}, "write:country"),
    ("PUT", f"{COUNTRY}/P", {"json": {}, "headers": {"if-none-match": "*"}}, "write:country"),
    ("PATCH", f"{COUNTRY}/P", {"content": b"{}", "headers": NAMED}, "write:country"),
    (
        "POST",
        f"{COUNTRY}/P/entries",
        {"json": {"operation": "close"}, "headers": {"if-match": "*"}},
        "write:country",
    ),
    ("PUT", "/v1/registers/.register/records/country", {"json": {}, "headers": {"if-match": "*"}}, "govern"),
    ("POST", "/v1/transactions", {"json": {"proposals": [PROPOSAL]}}, "write:country"),
    ("POST", f"/v1/transactions/{NOTHING}/endorsements", {}, "endorse"),
    ("POST", f"/v1/transactions/{NOTHING}/withdrawal", {}, "endorse"),
    ("POST", "/v1/documents", {"content": b"x"}, "documents"),
]


@pytest.mark.parametrize(("method", "path", "request_", "scope"), WRITES)
def test_writing_takes_a_caller(
    office: Office, method: str, path: str, request_: dict[str, Any], scope: str
) -> None:
    size = office.served.node.store.head.size
    answer = office.reader.request(method, path, **request_)
    assert problem(answer) == (
        401,
        "unverified",
        "this takes a token or a signature; ask whoever keeps this node for one",
    )
    assert answer.headers["www-authenticate"] == 'Bearer realm="registers", Signature realm="registers"'
    assert office.served.node.store.head.size == size, scope


@pytest.mark.parametrize(("method", "path", "request_", "scope"), WRITES)
def test_writing_takes_the_scope(
    office: Office, method: str, path: str, request_: dict[str, Any], scope: str
) -> None:
    others = [each for each in ("write:visits", "govern", "endorse", "documents", "metrics") if each != scope]
    with office.client(*others) as client:
        name = client.get("/v1/caller").json()["name"]
        said = f"{name} may not do this; it takes the scope {scope}"
        assert problem(client.request(method, path, **request_)) == (403, "unauthorised", said)
        office.served.service.access.revoke(name)


def test_a_batch_is_judged_part_by_part(office: Office) -> None:
    batch = {
        "transactions": [{"proposals": [PROPOSAL | {"register": each}]} for each in ("visits", ".agency")]
    }
    assert problem(office.reader.post("/v1/batches", json=batch))[0] == 401
    with office.client("write:country") as client:
        items = client.post("/v1/batches", json=batch).json()["items"]
    assert [(item["status"], item["problem"]["kind"]) for item in items] == [(403, "unauthorised")] * 2


def test_a_scope_for_any_register_is_none_for_the_ledger_s_own(office: Office) -> None:
    with office.client("write:*") as client:
        assert client.post(COUNTRY, json={"record": "W", "fields": {"country": "W"}}).status_code == 201
        assert problem(client.post("/v1/registers", json={"register": "x"}))[0] == 403
        both = {"proposals": [PROPOSAL | {"record": "V"}, PROPOSAL | {"register": ".register"}]}
        assert problem(client.post("/v1/transactions", json=both))[0] == 403
    assert office.reader.get(f"{COUNTRY}/V").status_code == 404


def test_a_token_that_nobody_knows_is_refused_also_to_read(office: Office) -> None:
    answer = office.reader.get("/v1", headers={"authorization": "Bearer cft_unknown"})
    assert problem(answer)[:2] == (401, "unverified")
