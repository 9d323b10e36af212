"""One served installation for each module of tests: a register of countries, and what may be asked of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.web.serving import Served, served

COUNTRY = {"title": "Countries", "key": "country", "law": "ISO 3166"}
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True)
class Office:
    """A served installation, with a client that may do everything and one that nobody knows."""

    served: Served
    clerk: httpx.Client
    reader: httpx.Client

    def country(self, key: str, **fields: Any) -> str:
        """Enter a country, and give its address."""
        body = {"record": key, "fields": {"country": key, **fields}}
        answer = self.clerk.post("/v1/registers/country/records", json=body)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    def patch(self, path: str, seen: str, patch: Any, **headers: str) -> httpx.Response:
        """Change a part of a record that was seen at a version."""
        named = {"if-match": seen, "content-type": MERGE_PATCH, **headers}
        return self.clerk.patch(path, content=json.dumps(patch).encode(), headers=named)

    def settle(self) -> None:
        """See that the index knows every record."""
        self.served.node.settle()

    def client(self, *scopes: str) -> httpx.Client:
        """A client with these scopes; close it."""
        name = "-".join(["client", *scopes]).replace(":", "-").replace("*", "any")
        token = self.served.service.access.add_token(name, scopes, None)
        headers = {"authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.served.url, headers=headers, timeout=20)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The installation of this module's tests."""
    with (
        served(tmp_path_factory.mktemp("office") / "home") as installation,
        installation.client() as clerk,
        installation.reader() as reader,
    ):
        made = Office(installation, clerk, reader)
        for name, definition in (("country", COUNTRY), ("visits", {"title": "Visits", "append": True})):
            answer = clerk.post("/v1/registers", json={"register": name, "definition": definition})
            assert answer.status_code == 201, answer.text
        yield made


def problem(answer: httpx.Response) -> tuple[int, str, str]:
    """An answer's status, and what its problem details say: kind and detail."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    said = answer.json()
    assert said["status"] == answer.status_code
    return answer.status_code, said["kind"], said["detail"]
