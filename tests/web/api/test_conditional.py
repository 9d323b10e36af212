from __future__ import annotations

import pytest

from tests.web.api.conftest import Office, problem


def test_what_the_client_has_already_is_not_sent_again(office: Office) -> None:
    path = office.country("GB")
    for tag in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = office.reader.get(path, headers={"if-none-match": tag})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
    assert office.reader.get(path, headers={"if-none-match": '"2"'}).status_code == 200


@pytest.mark.parametrize("tag", ["1", '"1', "", '"1" "2"', "'1'"])
def test_an_entity_tag_stands_in_quotes(office: Office, tag: str) -> None:
    path = office.country(f"tag {tag.encode().hex()}")
    status, kind, detail = problem(office.reader.get(path, headers={"if-none-match": tag}))
    assert (status, kind) == (400, "malformed")
    assert "entity tags in quotes" in detail
    assert problem(office.patch(path, tag, {}))[:2] == (400, "malformed")


def test_a_change_says_which_version_was_seen(office: Office) -> None:
    path = office.country("FR")
    for answer in (
        office.clerk.put(path, json={"fields": {}}),
        office.clerk.patch(path, json={}, headers={"content-type": "application/merge-patch+json"}),
        office.clerk.post(f"{path}/entries", json={"operation": "close"}),
    ):
        assert problem(answer) == (
            428,
            "precondition-required",
            'say in If-Match which version you saw, as the record\'s ETag has it: If-Match: "3"',
        )


def test_who_saw_an_older_version_writes_nothing(office: Office) -> None:
    path = office.country("DE")
    assert office.patch(path, '"1"', {"fields": {"name": "Germany"}}).status_code == 200
    late = office.patch(path, '"1"', {"fields": {"name": "Allemagne"}})
    assert problem(late) == (
        412,
        "conflict",
        "country 'DE' is at version 2, so its next is 3 and not 2; read again",
    )
    assert office.reader.get(path).json()["body"]["fields"]["name"] == "Germany"


def test_one_of_several_versions_may_be_the_one_that_was_seen(office: Office) -> None:
    path = office.country("IT")
    assert office.patch(path, '"7", "1"', {"fields": {"name": "Italy"}}).headers["etag"] == '"2"'
    assert problem(office.patch(path, '"1", "7"', {"fields": {"name": "x"}}))[0] == 412


def test_any_version_may_do(office: Office) -> None:
    path = office.country("ES")
    assert office.patch(path, "*", {"fields": {"name": "Spain"}}).headers["etag"] == '"2"'
    put = office.clerk.put(path, json={"fields": {"country": "ES"}}, headers={"if-match": "*"})
    assert put.headers["etag"] == '"3"'


def test_a_weak_tag_is_no_version_to_write_over(office: Office) -> None:
    path = office.country("PT")
    assert problem(office.patch(path, 'W/"1"', {"fields": {"name": "x"}}))[:2] == (412, "conflict")


def test_a_new_record_must_be_new(office: Office) -> None:
    path = office.country("PL")
    again = office.clerk.put(path, json={"fields": {"country": "PL"}}, headers={"if-none-match": "*"})
    assert problem(again)[:2] == (412, "conflict")
    absent = "/v1/registers/country/records/QQ"
    seen = office.clerk.put(absent, json={"fields": {"country": "QQ"}}, headers={"if-match": '"1"'})
    assert problem(seen)[:2] == (412, "conflict")
    any_ = office.clerk.put(absent, json={"fields": {"country": "QQ"}}, headers={"if-match": "*"})
    assert problem(any_)[:2] == (412, "conflict")


def test_a_condition_that_contradicts_itself_is_malformed(office: Office) -> None:
    path = office.country("CZ")
    both = office.clerk.put(path, json={"fields": {}}, headers={"if-match": '"1"', "if-none-match": "*"})
    assert problem(both)[:2] == (400, "malformed")
    other = office.clerk.put(path, json={"fields": {}}, headers={"if-none-match": '"1"'})
    assert problem(other)[:2] == (400, "malformed")
