"""What must not be seen: no personal value in the log of requests, in metrics or in errors; a node that only reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from counterfoil.node import Node
from counterfoil.web.server import serving as beside
from tests.web.personal.conftest import Office, opened, person
from tests.web.process import serving

FAMILY = "Xyzzyplughson"
NUMBER = "P-QQ7788QQ"
VALUES = (FAMILY, NUMBER, "1977-07-07")


def ask_all(office: Office) -> list[str]:
    """Have every route meet a person's values, also where it fails; what was answered with an error."""
    fields = person(NUMBER, **{"date-of-birth": "1977-07-07"})
    fields["names"] = [{"script": "Latn", "use": "birth", "family": FAMILY, "given": "Mari"}]
    wrong = {**fields, "sex": FAMILY, NUMBER: FAMILY}
    look = {"purpose": "identification", "key": NUMBER}
    term = {"field": "names", "value": FAMILY, "kind": "name"}
    change = {"register": "person", "fields": fields}
    erasure = {"register": "person", "ground": "objection", "law": "y"}
    asked = [
        ("/v1/changes", {"changes": [change]}),
        ("/v1/changes", {"changes": [change]}),
        ("/v1/changes", {"changes": [{**change, "fields": wrong}]}),
        ("/v1/changes", {"changes": [{**change, "operation": "correct"}]}),
        ("/v1/registers/person/records", {"fields": fields}),
        ("/v1/registers/person/records", {"fields": wrong}),
        ("/v1/registers/person/records", {"fields": FAMILY}),
        ("/v1/registers/person/disclosures", look),
        ("/v1/registers/person/disclosures", {**look, "key": f"{NUMBER}X"}),
        ("/v1/registers/person/search", {"terms": [term]}),
        ("/v1/registers/person/search", {"terms": [{**term, "kind": "year"}]}),
        ("/v1/registers/person/candidates", {"fields": fields}),
        ("/v1/erasures", {**erasure, "key": NUMBER}),
        ("/v1/erasures", {**erasure, "key": f"{NUMBER}X"}),
    ]
    answers = [office.ann.post(address, json=body) for address, body in asked]
    assert {answer.status_code for answer in answers} >= {200, 201, 202, 400, 404, 422}
    return [answer.text for answer in answers if answer.status_code >= 400]


def test_no_personal_value_is_in_logs_errors_or_metrics(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as lines, opened(tmp_path / "home") as office:
        errors = ask_all(office)
        with office.served.client() as clerk:
            metrics = clerk.get("/v1/metrics").text
    assert len(lines) > 15
    told = [*map(repr, lines), *errors, metrics]
    for value in VALUES:
        assert [each for each in told if value in each] == []


def test_a_node_that_only_reads_takes_nothing_from_officers(tmp_path: Path) -> None:
    with opened(tmp_path / "home") as office:
        headers = {"authorization": office.ann.headers["authorization"]}
    asked: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/v1/changes", {"changes": [{"register": "person", "fields": person("P-1")}]}),
        ("/v1/registers/person/records", {"fields": person("P-1")}),
        ("/v1/registers/person/disclosures", {"purpose": "identification", "key": "P-1"}),
        ("/v1/registers/person/search", {"terms": [{"field": "number", "value": "P-1"}]}),
        ("/v1/erasures", {"register": "person", "key": "P-1", "ground": "objection", "law": "y"}),
        ("/v1/attachments?kind=order&media-type=text/plain", {}),
    )
    with (
        serving(tmp_path / "home", "--read-only") as process,
        httpx.Client(base_url=process.url, headers=headers, timeout=20) as ann,
    ):
        for address, body in asked:
            answer = ann.post(address, json=body)
            assert (answer.status_code, answer.json()["kind"]) == (503, "unavailable"), address
        assert ann.get("/v1/desk").status_code == 503


def test_an_installation_without_personal_registers_makes_no_keyring(tmp_path: Path) -> None:
    with (
        Node.open(tmp_path / "home", origin="a.example/b", agency="EX/GOV/A", title="A") as node,
        beside(node),
    ):
        pass
    names = {path.name for path in (tmp_path / "home").iterdir()}
    assert "store.db" in names
    assert names.isdisjoint({"keyring.db", "desk.db"})


def test_the_register_says_who_enforces_each_rule_and_who_may_see_what(office: Office) -> None:
    said = office.ann.get("/v1/registers/person").json()["described"]
    fields = {each["field"]: each for each in said["fields"]}
    assert (fields["names"]["class"], fields["names"]["subject"]) == ("personal", "person")
    assert fields["names"]["required"]
    assert "name" in fields["names"]["searchable"]
    rules = {each["name"]: each for each in said["rules"]}
    assert rules["status"]["enforced"] == "every node"
    assert rules["born-before-death"]["enforced"] == "the submitting agency only"
    assert rules["retention"]["operations"] == ["erase"]
    assert rules["retention"]["citation"].startswith("the period of")
    assert said["subjects"] == [{"subject": "person", "field": None}]
    purposes = {each["purpose"]: each for each in said["purposes"]}
    assert purposes["subject-access"] == {
        "purpose": "subject-access", "law": "GDPR art. 15", "fields": None, "when": [], "history": True, "case": False,
    }  # fmt: skip
    left_out = [each for each in said["core"] if each["field"] is None]
    assert left_out
    assert all(each["left-out"] for each in left_out)


@pytest.mark.parametrize("register", ["person", "marriage"])
def test_its_page_says_so_too(office: Office, register: str) -> None:
    page = office.ann.get(f"/registers/{register}", headers={"accept": "text/html"}).text
    for text in (
        "every node",
        "the submitting agency only",
        "Why items may be read",
        "officers, for a purpose",
    ):
        assert text in page
