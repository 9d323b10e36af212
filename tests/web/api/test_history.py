from __future__ import annotations

import pytest

from counterfoil.proof.merkle import leaf_hash
from tests.web.api.conftest import Office, problem

PATH = "/v1/registers/country/records/CI"


@pytest.fixture(scope="module")
def ivory_coast(office: Office) -> Office:
    """A record of three versions: entered late, renamed, and set right."""
    body = {
        "record": "CI",
        "fields": {"country": "CI", "name": "Ivory Coast"},
        "circumstances": {"recorded": "2016-04-05", "valid-from": "1960-08-07"},
    }
    assert office.clerk.post("/v1/registers/country/records", json=body).is_success
    renamed = {"fields": {"name": "Côte d'Ivoir"}, "circumstances": {"recorded": "2016-10-01"}}
    assert office.patch(PATH, '"1"', renamed).is_success
    right = {
        "operation": "correct",
        "fields": {"country": "CI", "name": "Côte d'Ivoire"},
        "circumstances": {"why": "misspelt", "recorded": "2017-01-02"},
    }
    assert office.clerk.post(f"{PATH}/entries", json=right, headers={"if-match": '"2"'}).is_success
    return office


def test_the_history_has_every_version_the_latest_first(ivory_coast: Office) -> None:
    answer = ivory_coast.reader.get(f"{PATH}/entries").json()
    assert [entry["version"] for entry in answer["items"]] == [3, 2, 1]
    assert answer["next"] is None
    for later, earlier in zip(answer["items"], answer["items"][1:], strict=False):
        number = earlier["number"]
        entry = ivory_coast.reader.get(f"/v1/entries/{number}").content
        assert later["previous"] == f"sha256:{leaf_hash(entry).hex()}"


def test_the_history_is_read_page_by_page(ivory_coast: Office) -> None:
    versions, after, pages = [], None, 0
    while pages == 0 or after is not None:
        query = {"limit": "2"} | ({"after": after} if after else {})
        answer = ivory_coast.reader.get(f"{PATH}/entries", params=query).json()
        versions += [entry["version"] for entry in answer["items"]]
        after, pages = answer["next"], pages + 1
    assert (versions, pages) == ([3, 2, 1], 2)


@pytest.mark.parametrize("cursor", ["0", "x", "999999", "-1", "\u0661"])
def test_a_cursor_of_another_list_is_refused(ivory_coast: Office, cursor: str) -> None:
    answer = ivory_coast.reader.get(f"{PATH}/entries", params={"after": cursor})
    assert problem(answer)[:2] == (400, "malformed")


def test_a_version_never_changes(ivory_coast: Office) -> None:
    answer = ivory_coast.reader.get(f"{PATH}/entries/2")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["etag"] == '"2"'
    assert (answer.json()["version"], answer.json()["body"]["fields"]["name"]) == (2, "Côte d'Ivoir")


@pytest.mark.parametrize(
    ("version", "status"), [("0", 404), ("4", 404), ("-1", 400), ("x", 400), ("1e1", 400)]
)
def test_a_version_that_is_not_there(ivory_coast: Office, version: str, status: int) -> None:
    assert problem(ivory_coast.reader.get(f"{PATH}/entries/{version}"))[0] == status


def test_differences_are_told_field_by_field(ivory_coast: Office) -> None:
    answer = ivory_coast.reader.get(f"{PATH}/differences", params={"from": 1, "to": 2})
    assert answer.json() == {
        "register": "country",
        "record": "CI",
        "from": 1,
        "to": 2,
        "changes": [
            {"field": "name", "before": "Ivory Coast", "after": "Côte d'Ivoir"},
            {"field": "operation", "before": "create", "after": "amend"},
        ],
    }


def test_differences_are_those_of_the_last_change_where_nothing_is_said(ivory_coast: Office) -> None:
    answer = ivory_coast.reader.get(f"{PATH}/differences").json()
    assert (answer["from"], answer["to"]) == (2, 3)
    assert answer["changes"][0]["after"] == "Côte d'Ivoire"
    same = ivory_coast.reader.get(f"{PATH}/differences", params={"from": 2, "to": 2}).json()
    assert same["changes"] == []
    assert problem(ivory_coast.reader.get(f"{PATH}/differences", params={"to": 9}))[0] == 404
    assert problem(ivory_coast.reader.get(f"{PATH}/differences", params={"to": 0}))[0] == 400


@pytest.mark.parametrize(
    ("query", "name", "reason"),
    [
        ({"known": "2016-05", "by": "book"}, "Ivory Coast", "the latest that was known"),
        ({"known": "2016-12", "by": "book"}, "Côte d'Ivoir", "the latest that was known"),
        ({"known": "2018", "by": "book"}, "Côte d'Ivoire", "the latest that was known"),
        ({"known": "2016", "by": "ledger"}, None, "nothing was known of it then"),
        ({"as-of": "1950"}, "Côte d'Ivoire", "the latest that was known"),
        ({"by": "ledger"}, "Côte d'Ivoire", "the latest that was known"),
    ],
)
def test_what_was_known_when(
    ivory_coast: Office, query: dict[str, str], name: str | None, reason: str
) -> None:
    answer = ivory_coast.reader.get(PATH, params=query).json()
    entry = answer.pop("entry")
    assert answer == {
        "register": "country",
        "record": "CI",
        "known": query.get("known"),
        "as-of": query.get("as-of"),
        "by": query.get("by", "ledger"),
        "reason": reason,
    }
    assert (entry["body"]["fields"]["name"] if entry else None) == name


@pytest.mark.parametrize("query", [{"known": "soon"}, {"as-of": "2016-13"}, {"by": "hearsay"}, {"known": ""}])
def test_a_moment_that_is_none_is_malformed(ivory_coast: Office, query: dict[str, str]) -> None:
    assert problem(ivory_coast.reader.get(PATH, params=query))[:2] == (400, "malformed")


def test_a_long_history_is_found_in_too(ivory_coast: Office) -> None:
    proposals = [
        {"register": "visits", "record": "many", "operation": "amend", "body": {"fields": {"n": n}}}
        for n in range(1, 301)
    ]
    assert ivory_coast.clerk.post("/v1/transactions", json={"proposals": proposals}).is_success
    path = "/v1/registers/visits/records/many"
    assert ivory_coast.reader.get(f"{path}/entries/1").json()["body"]["fields"] == {"n": 1}
    answer = ivory_coast.reader.get(f"{path}/entries", params={"limit": 1000}).json()
    assert [entry["version"] for entry in answer["items"]] == list(range(300, 0, -1))
