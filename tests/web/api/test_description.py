"""The description says what there is: every route, and nothing else; every reference and link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from counterfoil.web.api.description.document import document
from counterfoil.web.api.records import RECORD
from counterfoil.web.api.routes import routes
from tests.web.api.conftest import Office

DOCUMENT = document()
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation for item in DOCUMENT["paths"].values() for operation in item.values()
}
BELOW = ("", "/entries", "/entries/{version}", "/differences", "/proof", "/inclusion", "/attachments")
"""What is below a record's address, which one route of the library takes whole."""


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value."""
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from parts(member)
    elif isinstance(value, list):
        for member in value:
            yield from parts(member)


def resolve(reference: str) -> dict[str, Any]:
    """What a reference leads to."""
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    assert isinstance(found, dict)
    return found


def test_every_route_is_described_and_nothing_else() -> None:
    served = set()
    for route in routes[0].routes:
        path = re.sub(r":\w+}", "}", route.path)
        paths = (
            [path]
            if RECORD not in route.path
            else [path.replace("{rest}", f"{{record}}{rest}") for rest in BELOW]
        )
        for method in set(route.methods) - {"HEAD", "OPTIONS"}:
            served |= {(method, each) for each in paths}
    described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    below = "/v1/registers/{register}/records/{record}"
    not_taken = {(method, each) for method, each in served if each.startswith(below)} - described
    assert served - not_taken == described
    assert {method for method, _ in not_taken} == {"GET", "PUT", "PATCH", "POST"}


def test_operations_have_a_name_of_their_own_and_a_summary() -> None:
    assert len(OPERATIONS) == sum(len(item) for item in DOCUMENT["paths"].values())
    for name, operation in OPERATIONS.items():
        assert operation["summary"], name
        assert operation["tags"], name


def test_every_reference_leads_somewhere() -> None:
    references = [part["$ref"] for part in parts(DOCUMENT) if isinstance(part.get("$ref"), str)]
    assert references
    for reference in references:
        resolve(reference)


def test_every_component_is_used() -> None:
    used = {part["$ref"] for part in parts(DOCUMENT) if isinstance(part.get("$ref"), str)}
    for kind in ("schemas", "parameters", "headers", "responses"):
        for name in DOCUMENT["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, name


def test_every_link_gives_parameters_that_its_operation_takes() -> None:
    links = [
        link
        for operation in OPERATIONS.values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]
    assert len(links) > 20
    for link in links:
        taken = set()
        for parameter in OPERATIONS[link["operationId"]]["parameters"]:
            found = resolve(parameter["$ref"]) if "$ref" in parameter else parameter
            taken.add(found["name"] if found["in"] == "path" else f"{found['in']}.{found['name']}")
        assert set(link["parameters"]) <= taken, link


def test_every_path_parameter_is_described() -> None:
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            named = {
                resolve(each["$ref"])["name"] for each in operation.get("parameters", []) if "$ref" in each
            }
            assert set(re.findall(r"{(\w+)}", path)) <= named, path


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_what_writes_takes_a_caller(name: str) -> None:
    operation = OPERATIONS[name]
    writes = "403" in operation["responses"] and name != "showMetrics"
    assert bool(operation["security"]) is writes
    assert {"400", "401", "414", "500", "503"} <= set(operation["responses"])


def test_it_is_served(office: Office) -> None:
    answer = office.reader.get("/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DOCUMENT
    assert answer.json()["openapi"] == "3.1.0"
