from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from counterfoil.proof.report import VALID
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import endorse
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from tests.web.api.conftest import Office, problem

HOLDER = SigningKey("ed25519", sha256(b"holder").digest())
NOTHING = f"sha256:{'0' * 64}"


def proposal(register: str, record: str, **content: Any) -> dict[str, Any]:
    return {"register": register, "record": record, "operation": "create", "version": 1, **content}


def country(key: str) -> dict[str, Any]:
    return proposal("country", key, body={"fields": {"country": key}})


def endorsement(transaction: str, key: SigningKey = HOLDER) -> dict[str, str]:
    made: dict[str, str] = msgspec.to_builtins(endorse(transaction, key))
    return made


@pytest.fixture(scope="module")
def deeds(office: Office) -> Office:
    """A register whose changes take this agency's endorsement and a key holder's."""
    policy = {"require": 2, "of": ["agency:EX/GOV/TEST", f"key:{HOLDER.public.text}"]}
    body = {"register": "deed", "definition": {"title": "Deeds", "policy": policy}}
    assert office.clerk.post("/v1/registers", json=body).is_success
    return office


def waiting(office: Office, record: str) -> str:
    answer = office.clerk.post("/v1/transactions", json={"proposals": [proposal("deed", record)]})
    assert answer.status_code == 202, answer.text
    transaction: str = answer.json()["transaction"]
    return transaction


def test_proposals_take_effect_together(office: Office) -> None:
    answer = office.clerk.post("/v1/transactions", json={"proposals": [country("GB"), country("FR")]})
    said = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/transactions/{said['transaction']}"
    assert (said["standing"], said["count"]) == ("taken", 2)
    entries = [office.reader.get(f"/v1/entries/{said['first'] + at}").json() for at in range(2)]
    assert [entry["record"] for entry in entries] == ["GB", "FR"]
    assert {entry["transaction"] for entry in entries} == {said["transaction"]}


def test_or_not_at_all(office: Office) -> None:
    office.clerk.post("/v1/transactions", json={"proposals": [country("SE")]})
    answer = office.clerk.post("/v1/transactions", json={"proposals": [country("NO"), country("SE")]})
    assert problem(answer)[:2] == (409, "conflict")
    assert office.reader.get("/v1/registers/country/records/NO").status_code == 404


def test_an_expectation_that_fails_is_a_conflict(office: Office) -> None:
    expected = {"register": "country", "record": "QQ", "version": 1}
    body = {"proposals": [country("DK")], "expectations": [expected]}
    assert problem(office.clerk.post("/v1/transactions", json=body))[:2] == (409, "conflict")


def test_a_receipt_proves_the_entries_at_once(office: Office) -> None:
    body = {"proposals": [country("IT"), country("ES")], "receipt": True}
    said = office.clerk.post("/v1/transactions", json=body).json()
    policy = Trust.parse(office.reader.get("/v1/trust").content)
    report = verify(msgspec.json.encode(said["proof"], order="sorted"), policy)
    assert report.verdict == VALID
    assert not report.unchecked
    for key in ("IT", "ES"):
        assert any(claim.startswith(f"country {key} version 1 is the latest") for claim in report.claims), (
            report.claims
        )


def test_what_became_of_a_transaction(office: Office) -> None:
    said = office.clerk.post("/v1/transactions", json={"proposals": [country("PT")]}).json()
    known = office.reader.get(f"/v1/transactions/{said['transaction']}").json()
    header, endorsements = known.pop("header"), known.pop("endorsements")
    assert known == {**said, "complete": None, "proposals": [], "reason": None}
    assert (header["origin"], header["agency"], header["count"]) == (
        "registers.example/test",
        "EX/GOV/TEST",
        1,
    )
    assert len(endorsements) == 1


def test_a_transaction_that_nobody_knows(office: Office) -> None:
    assert problem(office.reader.get(f"/v1/transactions/{NOTHING}")) == (
        404,
        "not-found",
        f"no transaction {NOTHING} is known here",
    )
    assert problem(office.reader.get("/v1/transactions/sha256:00"))[:2] == (400, "malformed")


def test_one_that_lacks_endorsements_waits(deeds: Office) -> None:
    transaction = waiting(deeds, "1")
    known = deeds.reader.get(f"/v1/transactions/{transaction}").json()
    assert (known["standing"], known["complete"], known["first"], known["count"]) == (
        "pending",
        False,
        None,
        0,
    )
    assert known["proposals"] == [proposal("deed", "1")]
    listed = deeds.reader.get("/v1/pending").json()["items"]
    assert known in listed


def test_a_change_of_one_record_may_wait_too(deeds: Office) -> None:
    answer = deeds.clerk.post("/v1/registers/deed/records", json={"record": "waits"})
    said = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/transactions/{said['transaction']}"
    assert (said["standing"], said["version"], said["number"]) == ("pending", None, None)
    assert "etag" not in answer.headers


def test_a_key_holder_completes_it(deeds: Office) -> None:
    transaction = waiting(deeds, "2")
    path = f"/v1/transactions/{transaction}/endorsements"
    answer = deeds.clerk.post(path, json=endorsement(transaction))
    said = answer.json()
    assert (answer.status_code, said["standing"], said["count"]) == (200, "taken", 1)
    assert deeds.reader.get(f"/v1/entries/{said['first']}").json()["record"] == "2"
    again = deeds.clerk.post(path, json=endorsement(transaction))
    assert (again.json(), again.headers["idempotent-replayed"]) == (said, "true")


def test_an_endorsement_that_does_not_count_is_refused(deeds: Office) -> None:
    transaction = waiting(deeds, "3")
    path = f"/v1/transactions/{transaction}/endorsements"
    stranger = SigningKey("ed25519", sha256(b"stranger").digest())
    assert problem(deeds.clerk.post(path, json=endorsement(transaction, stranger)))[:2] == (
        403,
        "unauthorised",
    )
    other = endorsement(NOTHING) | {"key": HOLDER.public.text}
    assert problem(deeds.clerk.post(path, json=other))[0] in {403, 422}
    assert problem(deeds.clerk.post(path, json={"key": "x", "signature": "y"}))[0] in {400, 403}
    assert deeds.reader.get(f"/v1/transactions/{transaction}").json()["standing"] == "pending"


def test_this_agency_s_own_endorsement_needs_no_body(deeds: Office) -> None:
    transaction = waiting(deeds, "4")
    answer = deeds.clerk.post(f"/v1/transactions/{transaction}/endorsements")
    assert (answer.status_code, answer.json()["standing"]) == (200, "pending")
    assert answer.headers["idempotent-replayed"] == "true"


def test_one_that_waits_is_taken_back(deeds: Office) -> None:
    transaction = waiting(deeds, "5")
    path = f"/v1/transactions/{transaction}/withdrawal"
    answers = [deeds.clerk.post(path) for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.json()["standing"]) == (200, "withdrawn")
    assert "idempotent-replayed" not in answers[0].headers
    assert answers[1].headers["idempotent-replayed"] == "true"
    known = deeds.reader.get(f"/v1/transactions/{transaction}").json()
    assert (known["standing"], known["header"], known["proposals"]) == ("withdrawn", None, [])
    assert problem(deeds.clerk.post(path, json={}))[:2] == (400, "malformed")
    assert problem(deeds.clerk.post(f"/v1/transactions/{NOTHING}/withdrawal"))[0] == 404
    assert problem(deeds.clerk.post(f"/v1/transactions/{NOTHING}/endorsements"))[0] == 404


def test_those_that_wait_are_listed_by_page(deeds: Office) -> None:
    made = {waiting(deeds, f"page {n}") for n in range(3)}
    found, after, begun = [], None, False
    while after is not None or not begun:
        query = {"limit": "2"} | ({"after": after} if after else {})
        answer = deeds.reader.get("/v1/pending", params=query).json()
        assert len(answer["items"]) <= 2
        found += [item["transaction"] for item in answer["items"]]
        after, begun = answer["next"], True
    assert found == sorted(found)
    assert made <= set(found)


def test_each_of_a_batch_is_taken_or_refused_by_itself(office: Office) -> None:
    batch = {
        "transactions": [
            {"proposals": [country("AT")]},
            {"proposals": [country("AT")]},
            {"proposals": [proposal("none", "x")]},
            {"proposals": [country("CH"), country("LI")]},
        ]
    }
    answer = office.clerk.post("/v1/batches", json=batch)
    items = answer.json()["items"]
    assert answer.status_code == 200
    assert [item["status"] for item in items] == [201, 409, 422, 201]
    assert items[1]["problem"]["kind"] == "conflict"
    assert items[3]["receipt"]["count"] == 2


def test_a_batch_may_not_be_too_large(office: Office) -> None:
    batch = {"transactions": [{"proposals": [country("XX")]}] * 257}
    assert problem(office.clerk.post("/v1/batches", json=batch))[:2] == (400, "malformed")
    many = {"proposals": [country("XX")] * 1001}
    assert problem(office.clerk.post("/v1/transactions", json=many))[:2] == (400, "malformed")


def test_a_document_that_is_not_stored_is_refused(office: Office) -> None:
    body = {"proposals": [proposal("country", "DOC", document=NOTHING)]}
    assert problem(office.clerk.post("/v1/transactions", json=body)) == (
        422,
        "refused",
        f"the document {NOTHING} is not stored; store it before the entry that names it",
    )
