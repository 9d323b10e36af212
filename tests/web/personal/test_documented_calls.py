"""The calls that the API's page shows for officers, made as they are printed; and the vehicle of the page beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from counterfoil import registers
from tests.registers.test_filed_examples import text_of
from tests.registers.test_pages import vehicle
from tests.web.personal.conftest import Office
from tests.web.serving import AGENCY

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
CALL = re.compile(
    r"""^curl -H "\$(?P<who>\w+)" "?\$node(?P<path>[^\s"]+)"?(?: --json '(?P<body>[^']*)')?""", re.MULTILINE
)
EXPECTED = [
    ("auth", "/v1/changes", 201),
    ("auth", "/v1/registers/person/search", 200),
    ("auth", "/v1/registers/person/candidates", 200),
    ("auth", "/v1/registers/person/disclosures", 200),
    ("auth", "/v1/registers/person/extracts?as=page", 201),
    ("auth", "/v1/changes", 202),
    ("second", "/v1/desk/$CASE", 200),
    ("second", "/v1/desk/$CASE/decision", 200),
    ("auth", "/v1/erasures", 202),
    ("second", "/v1/desk/$CASE/decision", 200),
]


class Called(NamedTuple):
    """Who made a call, where, and what came back."""

    who: str
    path: str
    answer: httpx.Response


@pytest.fixture(scope="module")
def called(office: Office) -> list[Called]:
    """The calls of the page, each made after the other."""
    section = PAGE.read_text(encoding="utf-8").split("\n## Personal items")[1].split("\n## ")[0]
    (script,) = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    calls = list(CALL.finditer(script))
    assert len(calls) == script.count("curl ")
    case, made = "", []
    for call in calls:
        client = office.ann if call["who"] == "auth" else office.bob
        address, body = call["path"].replace("$CASE", case), call["body"]
        answer = client.get(address) if body is None else client.post(address, json=json.loads(body))
        made.append(Called(call["who"], call["path"], answer))
        case = answer.json()["case"] if answer.status_code == 202 else case
    return made


def test_each_call_of_the_page_is_answered_as_it_says(called: list[Called]) -> None:
    assert [(each.who, each.path, each.answer.status_code) for each in called] == EXPECTED
    texts = [each.answer.text for each in called]
    read: list[Any] = [json.loads(text) if text.startswith("{") else text for text in texts]
    created, found, alike, shown, _, _, _, corrected, _, erased = read
    helle, _ = (each["record"] for each in created["records"])
    assert [each["record"] for each in found["items"]] == [helle]
    assert [(each["record"], each["likely"]) for each in alike["items"]] == [(helle, True)]
    assert shown["fields"]["date-of-birth"] == "1990-03-08"
    assert "Helle" in texts[4]
    assert corrected["records"] == [{"register": "person", "record": helle}]
    assert erased["erased"]["keys"] >= 1


@pytest.fixture(scope="module")
def ticket(office: Office, called: list[Called]) -> str:
    """The certificate of a vehicle, stored encrypted; who holds and owns it is registered."""
    with office.served.client() as clerk:
        for name, definition in (
            ("company", registers.shipped("company", AGENCY)),
            ("vehicle", {**vehicle(), "authority": AGENCY}),
        ):
            answer = clerk.post("/v1/registers", json={"register": name, "definition": definition})
            assert answer.status_code == 201, answer.text
    # The page's calls have registered the first.
    people = json.loads(text_of("person"))[1:]
    company = json.loads(text_of("company"))
    for changes in (people, [company]):
        answer = office.ann.post("/v1/changes", json={"changes": changes})
        assert answer.status_code == 201, answer.text
    kind = {"kind": "certificate-of-conformity", "media-type": "text/plain"}
    stored: httpx.Response = office.ann.post("/v1/attachments", params=kind, content=b"A certificate.")
    assert stored.status_code == 201, stored.text
    answered: str = stored.json()["attachment"]
    return answered


def test_the_vehicle_of_the_page_is_entered_and_named_by_its_number_in_form(
    office: Office, ticket: str
) -> None:
    change = json.loads(text_of("vehicle")) | {"attachments": [ticket]}
    answer = office.ann.post("/v1/changes", json={"changes": [change]})
    assert answer.status_code == 201, answer.text
    assert answer.json()["records"] == [{"register": "vehicle", "record": "wvwzzz1jz3w386752"}]
    address = "/v1/registers/vehicle/records"
    told = office.ann.get(f"{address}/WVWZZZ1JZ3W386752")
    assert (told.status_code, "is named 'wvwzzz1jz3w386752'; ask for that" in told.text) == (404, True)
    other = {"fields": change["fields"] | {"plate": "ER-1873"}, "attachments": [ticket]}
    again = office.ann.post(address, json={**other, "record": "WVWZZZ1JZ3W386752"})
    assert (again.status_code, "has a record of that key already" in again.text) == (409, True)


@pytest.mark.parametrize("below", ["", "/entries", "/proof", "/proof?absent=1", "/inclusion", "/entries/1"])
def test_a_key_in_the_place_of_a_pseudonym_names_nothing(
    office: Office, called: list[Called], below: str
) -> None:
    answer = office.ann.get(f"/v1/registers/person/records/P-000101{below}")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith(
        "person names its records by pseudonyms, and this is none; look one up"
    )
    assert "P-000101" not in answer.json()["detail"]
