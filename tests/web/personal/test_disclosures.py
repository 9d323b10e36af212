"""Disclosures: under a purpose, within a budget, in the log before anything is shown, with a proof on demand."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from counterfoil.engine.submission import Submission
from counterfoil.errors import Unavailable
from counterfoil.identity.officers import Appointment
from counterfoil.registry.desk.limits import Limit, Limits
from tests.gateway.witness_served import until
from tests.web.api.conftest import problem
from tests.web.personal.conftest import Office

PERSONS = "/v1/registers/person/disclosures"
MANY = "/v1/disclosures"


@pytest.fixture(scope="module")
def record(office: Office) -> str:
    """A person's record."""
    return office.person("P-300001")


def ask(**members: Any) -> dict[str, Any]:
    """What is asked of the person."""
    return {"purpose": "identification", "key": "P-300001", **members}


def test_what_the_purpose_allows_is_shown_and_who_looked_is_in_the_log(office: Office, record: str) -> None:
    before = office.register_entries("disclosure")
    answer = office.ann.post(PERSONS, json=ask())
    said = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (said["register"], said["record"], said["version"], said["status"]) == (
        "person",
        record,
        1,
        "alive",
    )
    assert sorted(said["fields"]) == ["date-of-birth", "names", "number", "sex"]
    assert (said["erased"], said["circumstances"], said["disclosed"]["count"]) == (False, {}, 1)
    assert office.register_entries("disclosure") == before + 1
    entry = office.served.node.entry(said["disclosed"]["first"])
    assert (entry.register, entry.operation) == ("disclosure", "amend")


def test_it_may_be_asked_by_record_by_version_and_for_some_fields(office: Office, record: str) -> None:
    asked = {"purpose": "identification", "record": record, "version": 1, "fields": ["sex"], "case": "C-1"}
    assert office.ann.post(PERSONS, json=asked).json()["fields"] == {"sex": "female"}


def test_who_acted_is_shown_where_the_purpose_allows_all(office: Office, record: str) -> None:
    said = office.ann.post(PERSONS, json=ask(purpose="subject-access")).json()
    assert said["circumstances"]["actor"] == "person"


@pytest.mark.parametrize(
    ("body", "status", "kind", "detail"),
    [
        ({"key": "P-300001"}, 400, "malformed", "purpose"),
        ({"purpose": "identification"}, 400, "malformed", "by its key or by record"),
        (ask(purpose="curiosity"), 422, "refused", "is no purpose"),
        (ask(fields=["mother"]), 422, "refused", "does not allow the field 'mother'"),
        (ask(fields=["shoe-size"]), 404, "not-found", "no field 'shoe-size'"),
        (ask(key="P-399999"), 404, "not-found", "no such record"),
        (ask(version=7), 404, "not-found", "no version 7"),
        (ask(proof="all"), 400, "malformed", "proof"),
    ],
)
def test_what_is_not_allowed_is_refused_and_nothing_is_written(
    office: Office, record: str, body: dict[str, Any], status: int, kind: str, detail: str
) -> None:
    before = office.register_entries("disclosure")
    answer = office.ann.post(PERSONS, json=body)
    assert problem(answer)[:2] == (status, kind)
    assert detail in answer.json()["detail"]
    assert office.register_entries("disclosure") == before


def test_it_takes_an_officer_and_the_scope(office: Office, record: str) -> None:
    with office.served.reader() as nobody:
        assert problem(nobody.post(PERSONS, json=ask()))[:2] == (401, "unverified")
    with office.program("reader", "write:person") as program:
        assert problem(program.post(PERSONS, json=ask()))[:2] == (403, "unauthorised")
    with office.officer("writes-only", "write:person") as officer:
        status, kind, detail = problem(officer.post(PERSONS, json=ask()))
        assert (status, kind) == (403, "unauthorised")
        assert "disclose:person" in detail


@pytest.mark.parametrize("proof", [True, "inclusion"])
def test_the_proof_shows_what_was_shown_and_no_more(office: Office, record: str, proof: bool | str) -> None:
    said = office.ann.post(PERSONS, json=ask(fields=["sex"], proof=proof)).json()
    report = office.ann.post("/v1/verify", json={"bundle": said["proof"]}).json()
    assert report["verdict"] == "valid"
    claims = "\n".join(report["claims"])
    assert 'has the field sex: "female"' in claims
    assert f"person {record} version 1 is the latest" in claims
    assert "P-300001" not in claims
    assert [each["number"] for each in said["proof"]["disclosures"]] == [said["number"]]


def test_the_proof_of_an_earlier_version_is_of_that_version(office: Office) -> None:
    record = office.person("P-300002")
    answer = office.ann.post(
        f"/v1/registers/person/records/{record}/entries",
        json={"operation": "amend", "circumstances": {"why": "checked"}},
        headers={"if-match": '"1"'},
    )
    assert answer.status_code == 201
    asked = {"purpose": "subject-access", "record": record, "version": 1, "proof": True}
    said = office.ann.post(PERSONS, json=asked).json()
    report = office.ann.post("/v1/verify", json={"bundle": said["proof"]}).json()
    assert (said["version"], report["verdict"]) == (1, "valid")


def test_of_several_the_number_is_named(office: Office, record: str) -> None:
    office.person("P-300003")
    asks = [{"register": "person", **ask(key=key, fields=["number"])} for key in ("P-300001", "P-300003")]
    before = office.register_entries("disclosure")
    answer = office.ann.post(MANY, json={"count": 2, "asks": asks})
    numbers = [each["fields"]["number"] for each in answer.json()["items"]]
    assert numbers == ["P-300001", "P-300003"]
    assert office.register_entries("disclosure") == before + 2
    status, kind, detail = problem(office.ann.post(MANY, json={"count": 1, "asks": asks}))
    assert (status, kind) == (422, "refused")
    assert "this would show 2 records" in detail
    assert problem(office.ann.post(MANY, json={"asks": asks}))[:2] == (400, "malformed")
    assert office.register_entries("disclosure") == before + 2


def test_of_several_each_register_takes_its_scope(office: Office, record: str) -> None:
    asks = [{"register": "person", **ask()}, {"register": "birth", **ask()}]
    with office.officer("persons-only", "disclose:person") as officer:
        status, kind, detail = problem(officer.post(MANY, json={"count": 2, "asks": asks}))
    assert (status, kind) == (403, "unauthorised")
    assert "disclose:birth" in detail


def test_beyond_the_budget_a_second_officer_is_asked(office: Office, record: str) -> None:
    limits = Limits(Limit(1, 1))
    office.served.service.office.budgets._limits, kept = limits, office.served.service.office.budgets._limits
    try:
        with office.officer("busy", "disclose:person") as busy:
            assert busy.post(PERSONS, json=ask()).status_code == 200
            status, kind, detail = problem(busy.post(PERSONS, json=ask()))
            assert (status, kind) == (403, "unauthorised")
            assert "ask a second officer" in detail
            wanted = {
                "purpose": "identification",
                "register": "person",
                "count": 1,
                "why": "the yearly check",
            }
            asked = busy.post("/v1/budget-requests", json=wanted)
            assert (asked.status_code, asked.json()["reasons"]) == (202, ["budget"])
            case = asked.headers["location"]
            assert office.bob.get(case).json()["content"] == {
                "purpose": "identification", "count": 1, "why": "the yearly check",
            }  # fmt: skip
            decided = office.bob.post(f"{case}/decision", json={"approve": True, "reason": "known"})
            assert (decided.status_code, decided.json()["case"]["standing"]) == (200, "done")
            assert busy.post(PERSONS, json=ask()).status_code == 200
            assert busy.post(PERSONS, json=ask()).status_code == 403
    finally:
        office.served.service.office.budgets._limits = kept


def test_64_clients_look_at_once_and_each_look_is_in_the_log(office: Office, record: str) -> None:
    before = office.register_entries("disclosure")
    add = office.served.service.access.add_token
    tokens = [add(f"officer-{number}", ["disclose:person"], None, Appointment()) for number in range(64)]
    with httpx.Client(base_url=office.served.url, timeout=30) as client, ThreadPoolExecutor(64) as threads:

        def look(token: str) -> httpx.Response:
            headers = {"authorization": f"Bearer {token}"}
            return client.post(PERSONS, json=ask(proof="inclusion"), headers=headers)

        answers = list(threads.map(look, tokens))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["fields"]["number"] for answer in answers} == {"P-300001"}
    firsts = {answer.json()["disclosed"]["first"] for answer in answers}
    assert len(firsts) == 64
    assert office.register_entries("disclosure") == before + 64


def test_who_looks_while_a_block_is_stored_shares_the_next_transaction_with_the_others(
    office: Office, record: str
) -> None:
    service, kept = office.served.service, office.served.node.submit_all
    begun, go = threading.Event(), threading.Event()
    submitted: list[int] = []

    def submit_all(submissions: Sequence[Submission]) -> list[Any]:
        submitted.append(sum(len(each.proposals) for each in submissions))
        begun.set()
        assert go.wait(20)
        return list(kept(submissions))

    office.served.node.submit_all = submit_all  # type: ignore[method-assign]  # held, so that looks gather
    try:
        with ThreadPoolExecutor(9) as threads:
            answers = [threads.submit(office.ann.post, PERSONS, json=ask())]
            assert begun.wait(20)
            bodies = [*[ask()] * 6, ask(purpose="curiosity"), ask(key="P-399999")]
            answers += [threads.submit(office.bob.post, PERSONS, json=body) for body in bodies]
            until(lambda: len(service.desks.looks._waiting) == 8, "eight looks wait")
            go.set()
            statuses = [each.result().status_code for each in answers]
            shown = [each.result().json() for each in answers[:7]]
    finally:
        del office.served.node.submit_all
    assert statuses == [200] * 7 + [422, 404]
    assert submitted == [1, 6]
    assert len({each["disclosed"]["first"] for each in shown}) == 7
    transactions = {office.served.node.entry(each["disclosed"]["first"]).transaction for each in shown}
    assert len(transactions) == 2


def test_where_the_disclosure_cannot_be_stored_nothing_is_shown(office: Office, record: str) -> None:
    def full(submissions: Sequence[Submission]) -> list[Any]:
        raise Unavailable("the disk is full")

    office.served.node.submit_all = full  # type: ignore[method-assign]  # a machine that refuses
    try:
        answer = office.ann.post(PERSONS, json=ask())
    finally:
        del office.served.node.submit_all
    assert problem(answer) == (503, "unavailable", "the disk is full")
    assert office.ann.post(PERSONS, json=ask()).status_code == 200
