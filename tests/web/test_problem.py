"""Errors as problem details: every kind has its status, its name and its one sentence."""

from __future__ import annotations

import json

import pytest

from counterfoil import errors
from counterfoil.errors import Conflict, CounterfoilError, Malformed, Reused, Unverified, Violated
from counterfoil.web.problem import problem, problem_of

KINDS = {
    "Malformed": (400, "malformed", {}),
    "Unverified": (
        401,
        "unverified",
        {"www-authenticate": 'Bearer realm="registers", Signature realm="registers"'},
    ),
    "NotFound": (404, "not-found", {}),
    "Refused": (422, "refused", {}),
    "Conflict": (409, "conflict", {}),
    "Reused": (422, "reused", {}),
    "Unauthorised": (403, "unauthorised", {}),
    "Lapsed": (422, "lapsed", {}),
    "Damaged": (500, "damaged", {}),
    "Busy": (503, "busy", {"retry-after": "1"}),
    "Unavailable": (503, "unavailable", {"retry-after": "1"}),
}


def kinds() -> list[str]:
    """Every error that this program raises."""
    every = [each for each in vars(errors).values() if isinstance(each, type)]
    return [each.__name__ for each in every if issubclass(each, CounterfoilError)]


def test_no_error_is_forgotten() -> None:
    assert set(kinds()) == {*KINDS, "CounterfoilError", "Violated"}


@pytest.mark.parametrize("name", KINDS)
def test_each_error_has_its_status_and_its_name(name: str) -> None:
    status, kind, headers = KINDS[name]
    said = problem_of(getattr(errors, name)("what is wrong; what to do"))
    assert (said.status, said.kind, said.detail) == (status, kind, "what is wrong; what to do")
    assert said.headers == headers


def test_a_problem_is_json_without_what_there_is_not() -> None:
    assert json.loads(problem_of(Malformed("wrong")).encode()) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "wrong",
        "kind": "malformed",
    }


def test_a_constraint_is_named_with_its_field_and_law() -> None:
    said = problem_of(Violated("no", constraint="schema", field="owner", citation="Land Act"))
    assert (said.status, said.kind, said.constraint, said.field, said.citation) == (
        422,
        "violated",
        "schema",
        "owner",
        "Land Act",
    )
    assert {"field", "citation"}.isdisjoint(json.loads(problem_of(Violated("no", constraint="x")).encode()))


def test_a_version_that_was_asked_for_and_is_another_is_a_failed_precondition() -> None:
    assert problem_of(Conflict("moved on"), conditional=True).status == 412
    assert problem_of(Reused("another request"), conditional=True).status == 422
    assert problem_of(Unverified("wrong"), conditional=True).status == 401


def test_text_that_cannot_be_sent_is_written_so_that_it_can() -> None:
    assert json.loads(problem_of(Malformed("\ud800 is wrong")).encode())["detail"] == "\\ud800 is wrong"


def test_a_problem_of_the_request_itself_is_named_after_its_status() -> None:
    said = problem(413, "too much")
    assert (said.title, said.kind, said.headers) == (
        "Request Entity Too Large",
        "request-entity-too-large",
        {},
    )
    assert problem(500, "ours", "unexpected").kind == "unexpected"
