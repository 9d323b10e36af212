"""A served installation with personal registers and two officers, one for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from counterfoil import registers
from counterfoil.identity.officers import Appointment
from tests.web.serving import AGENCY, Served, served

ALL = ("write:*", "disclose:*", "search:*", "decide:*", "erase:*")
NAMES = ("disclosure", "notice", "legal-hold", "person", "birth", "marriage", "death")


@dataclass(frozen=True)
class Office:
    """A served installation with the registers of persons and of their births, marriages and deaths."""

    served: Served
    ann: httpx.Client
    bob: httpx.Client

    def officer(self, name: str, *scopes: str, subject: str | None = None) -> httpx.Client:
        """A client of an officer with these scopes; close it."""
        return officer(self.served, name, *scopes, subject=subject)

    def program(self, name: str, *scopes: str) -> httpx.Client:
        """A client of a program, which is no officer; close it."""
        token = self.served.service.access.add_token(name, scopes, None)
        return httpx.Client(
            base_url=self.served.url, headers={"authorization": f"Bearer {token}"}, timeout=30
        )

    def person(self, number: str, **fields: Any) -> str:
        """Register a person, and give the record."""
        change = {"register": "person", "fields": person(number, **fields)}
        answer = self.ann.post("/v1/changes", json={"changes": [change]})
        assert answer.status_code == 201, answer.text
        record: str = answer.json()["records"][0]["record"]
        return record

    def register_entries(self, register: str) -> int:
        """How many entries a register has in the log."""
        return sum(f'"register":"{register}"'.encode() in entry for entry in self.served.node.entries())


def officer(installation: Served, name: str, *scopes: str, subject: str | None = None) -> httpx.Client:
    """A client of an officer with these scopes; close it."""
    token = installation.service.access.add_token(name, scopes, None, Appointment((), subject))
    return httpx.Client(base_url=installation.url, headers={"authorization": f"Bearer {token}"}, timeout=30)


def person(number: str, **fields: Any) -> dict[str, Any]:
    """The fields of a made-up person."""
    names = [{"script": "Latn", "use": "birth", "family": f"Family of {number}", "given": "Mari"}]
    return {
        "number": number,
        "names": names,
        "sex": "female",
        "date-of-birth": "1980-05-01",
        "parents-unknown": "not-in-register",
        **fields,
    }


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The installation of this module's tests."""
    with opened(tmp_path_factory.mktemp("office") / "home") as each:
        yield each


@contextmanager
def opened(home: Path) -> Iterator[Office]:
    """Serve the installation in a folder until the end of the block."""
    with served(home) as installation:
        _define(installation)
        with officer(installation, "ann", *ALL) as ann, officer(installation, "bob", *ALL) as bob:
            yield Office(installation, ann, bob)


def _define(installation: Served) -> None:
    with installation.client() as clerk:
        for name in NAMES:
            body = {"register": name, "definition": registers.shipped(name, AGENCY)}
            answer = clerk.post("/v1/registers", json=body)
            assert answer.status_code == 201, answer.text
