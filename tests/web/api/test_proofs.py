from __future__ import annotations

import json
from unittest.mock import Mock

import pytest

from counterfoil.errors import Unavailable
from counterfoil.proof.report import VALID
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.web import service
from counterfoil.web.api import proofs
from tests.web.api.conftest import Office, problem

JSON = {"content-type": "application/json"}
OWN = "this node's own trust policy, since none was sent: compare it with one that you have from elsewhere"
SENT = "the trust policy that was sent with the bundle"


def trust(office: Office) -> Trust:
    return Trust.parse(office.reader.get("/v1/trust").content)


def test_a_record_is_read_with_proof_in_one_request(office: Office) -> None:
    path = office.country("a/b")
    office.settle()
    answer = office.reader.get(f"{path}/inclusion")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    report = verify(answer.content, trust(office))
    assert report.verdict == VALID
    entry = office.reader.get(path)
    assert answer.json()["entries"][0].encode() == entry.content
    assert report.claims[1].startswith("country a/b version 1 is the latest as of entry ")


def test_a_record_s_latest_version_is_proved_with_who_endorsed_it(office: Office) -> None:
    path = office.country("GB")
    assert office.patch(path, '"1"', {"fields": {"name": "UK"}}).is_success
    office.settle()
    report = verify(office.reader.get(f"{path}/proof").content, trust(office))
    assert report.verdict == VALID
    assert not report.unchecked
    assert any(
        "endorsed by EX/GOV/TEST" in claim and claim.startswith("country entry ") for claim in report.claims
    )


def test_what_was_written_just_now_is_proved_once_the_index_knows_it(office: Office) -> None:
    path = office.country("NOW")
    answer = office.reader.get(f"{path}/inclusion")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert office.patch(path, '"1"', {"fields": {"name": "Now"}}).is_success
    report = verify(office.reader.get(f"{path}/proof").content, trust(office))
    assert report.verdict == VALID
    assert any(claim.startswith("country NOW version 2 is the latest") for claim in report.claims)


def test_a_proof_does_not_wait_for_ever(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(service, "PROOF_SECONDS", 0.1)
    monkeypatch.setattr(office.served.node, "settle", fail)
    path = office.country("NEVER")
    for each in ("proof", "inclusion"):
        status, kind, detail = problem(office.reader.get(f"{path}/{each}"))
        assert (status, kind) == (503, "unavailable")
        assert "is not in the index yet" in detail
    monkeypatch.undo()
    assert office.reader.get(f"{path}/proof").status_code == 200


def test_all_versions_of_a_long_history_are_proved_beside_other_readers(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "LONG", 1)
    path = office.country("LONG")
    assert office.patch(path, '"1"', {"fields": {"name": "Long"}}).is_success
    views = Mock(side_effect=office.served.node.snapshot)
    monkeypatch.setattr(office.served.node, "snapshot", views)
    report = verify(office.reader.get(f"{path}/proof").content, trust(office))
    assert (report.verdict, views.call_count) == (VALID, 0)
    report = verify(office.reader.get(f"{path}/proof?versions=all").content, trust(office))
    assert (report.verdict, views.call_count) == (VALID, 1)


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ("all", "country DE versions 1, 2 stand"),
        ("1", "country DE version 1 stands"),
        ("2", "country DE version"),
    ],
)
def test_some_versions_are_proved(office: Office, versions: str, said: str) -> None:
    path = "/v1/registers/country/records/DE"
    if office.reader.get(path).status_code == 404:
        office.country("DE")
        assert office.patch(path, '"1"', {"fields": {"name": "Germany"}}).is_success
        office.settle()
    answer = office.reader.get(f"{path}/proof", params={"versions": versions})
    report = verify(answer.content, trust(office))
    assert report.verdict == VALID
    assert report.claims[0].startswith(said)


def test_that_there_is_no_record_is_proved(office: Office) -> None:
    office.settle()
    answer = office.reader.get("/v1/registers/country/records/ZZ/proof", params={"absent": "1"})
    report = verify(answer.content, trust(office))
    assert report.verdict == VALID
    assert report.claims[0].startswith("there is no record ZZ in the register country as of entry ")


def test_what_cannot_be_proved_is_said(office: Office) -> None:
    path = office.country("FR")
    office.settle()
    for query, status in (
        ({"versions": "3"}, 404),
        ({"versions": "0"}, 404),
        ({"versions": "some"}, 400),
        ({"absent": "1"}, 404),
        ({"absent": "yes"}, 400),
        ({"absent": "1", "versions": "all"}, 400),
    ):
        assert problem(office.reader.get(f"{path}/proof", params=query))[0] == status, query
    assert problem(office.reader.get("/v1/registers/country/records/QQ/proof"))[0] == 404
    assert problem(office.reader.get("/v1/registers/country/records/QQ/inclusion"))[0] == 404
    assert problem(office.reader.get("/v1/registers/country/records/FR/inclusion?x=1"))[0] == 400


def test_an_entry_is_proved_by_its_number(office: Office) -> None:
    office.settle()
    report = verify(office.reader.get("/v1/entries/0/proof").content, trust(office))
    assert report.verdict == VALID
    assert report.claims[0].startswith(".parameter ledger version 1 stands in the log as entry 0")
    assert problem(office.reader.get("/v1/entries/999999/proof"))[0] == 404


def test_a_bundle_is_verified_step_by_step(office: Office) -> None:
    path = office.country("IT")
    office.settle()
    bundle = office.reader.get(f"{path}/proof").content
    answer = office.reader.post("/v1/verify", content=bundle, headers=JSON)
    said = answer.json()
    assert (answer.status_code, said["verdict"], said["level"], said["trust"]) == (
        200,
        "valid",
        "sealed here",
        OWN,
    )
    own = verify(bundle, trust(office))
    assert said["claims"] == list(own.claims)
    assert [(step["name"], step["passed"], step["detail"]) for step in said["steps"]] == [
        (step.name, step.passed, step.detail) for step in own.steps
    ]


def test_a_bundle_is_judged_by_the_trust_policy_that_is_sent_beside_it(office: Office) -> None:
    office.settle()
    bundle = office.reader.get("/v1/entries/0/proof").json()
    policy = office.reader.get("/v1/trust").json()
    said = office.reader.post("/v1/verify", json={"bundle": bundle, "trust": policy}).json()
    assert (said["verdict"], said["trust"]) == ("valid", SENT)
    other = policy | {"genesis-root": f"sha256:{'0' * 64}"}
    said = office.reader.post("/v1/verify", json={"bundle": bundle, "trust": other}).json()
    assert (said["verdict"], said["trust"], said["claims"]) == ("not valid", SENT, [])
    said = office.reader.post("/v1/verify", json={"bundle": bundle}).json()
    assert said["trust"] == OWN


def test_a_bundle_that_was_changed_is_not_valid(office: Office) -> None:
    office.settle()
    bundle = office.reader.get("/v1/entries/0/proof").text.replace("registers.example", "registers.invalid")
    said = office.reader.post("/v1/verify", content=bundle.encode(), headers=JSON).json()
    assert said["verdict"] == "not valid"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"{}",
        b'{"trust":null}',
        b'{"bundle":[]}',
        b'{"bundle":{"format":"x"},"colour":1}',
    ],
)
def test_what_is_no_bundle_is_malformed(office: Office, body: bytes) -> None:
    assert problem(office.reader.post("/v1/verify", content=body, headers=JSON))[:2] == (400, "malformed")


def test_a_trust_policy_that_is_none_is_malformed(office: Office) -> None:
    body = {"bundle": {"format": "proof-bundle/v1"}, "trust": {"format": "trust/v1"}}
    status, kind, detail = problem(office.reader.post("/v1/verify", json=body))
    assert (status, kind) == (400, "malformed")
    assert "trust policy is not in form" in detail


def test_a_bundle_that_is_not_in_form_is_reported(office: Office) -> None:
    said = office.reader.post("/v1/verify", json={"format": "proof-bundle/v1", "checkpoint": 1}).json()
    assert (said["verdict"], said["steps"][0]["name"], said["steps"][0]["passed"]) == (
        "not valid",
        "form",
        False,
    )


def test_the_trust_policy_is_the_home_s(office: Office) -> None:
    answer = office.reader.get("/v1/trust")
    assert answer.content == office.served.node.home.trust.read_bytes()
    assert json.loads(answer.content)["origin"] == "registers.example/test"
