"""Attachments: stored encrypted before the change that takes them up, and shown as any other personal item."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from counterfoil.errors import Malformed, Refused
from counterfoil.registry.desk.limits import Limit
from counterfoil.registry.personal.attachments import MAX_SIZE
from counterfoil.web.tickets import SECONDS, open_ticket, seal_ticket
from tests.web.api.conftest import problem
from tests.web.personal.conftest import Office, person

ATTACH = "/v1/attachments?kind=order&media-type=application/pdf"


def attach(client: httpx.Client, content: bytes) -> str:
    """Send a document; gives its ticket."""
    answer = client.post(ATTACH, content=content)
    assert answer.status_code == 201, answer.text
    ticket: str = answer.json()["attachment"]
    return ticket


def with_attachment(office: Office, number: str, ticket: str) -> httpx.Response:
    """Register a person with what a ticket stands for."""
    change = {"register": "person", "fields": person(number), "attachments": [ticket]}
    return office.ann.post("/v1/changes", json={"changes": [change]})


def is_stored(folder: Path, text: str) -> bool:
    """Whether a text stands in any file of an installation, asked by another process: a database's locks are ours."""
    found = subprocess.run(["grep", "--recursive", "--quiet", "--text", text, str(folder)], check=False)
    return found.returncode == 0


@pytest.mark.parametrize("size", [1, 262_127, 262_128, 1_000_001])
def test_what_was_attached_is_read_after_a_disclosure(office: Office, size: int) -> None:
    content = os.urandom(size)
    record = with_attachment(office, f"P-5{size:07}", attach(office.ann, content)).json()["records"][0][
        "record"
    ]
    address = f"/v1/registers/person/records/{record}/attachments"
    before = office.register_entries("disclosure")
    answer = office.bob.post(address, json={"number": 0, "purpose": "court-order", "case": "C-7"})
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert office.register_entries("disclosure") == before + 1
    none = office.bob.post(address, json={"number": 1, "purpose": "court-order", "case": "C-7"})
    assert problem(none)[:2] == (404, "not-found")


def test_nothing_of_it_is_stored_in_plain_and_its_key_is_told_to_nobody(office: Office) -> None:
    content = b"a certificate of one Mari Tamm, born at Tartu " * 20_000
    ticket = attach(office.ann, content)
    record = with_attachment(office, "P-500002", ticket).json()["records"][0]["record"]
    folder = office.served.node.home.folder
    assert not is_stored(folder, "a certificate of one Mari Tamm")
    assert is_stored(folder, record)
    asked = {"purpose": "subject-access", "record": record, "proof": True}
    answer = office.bob.post("/v1/registers/person/disclosures", json=asked)
    (attached,) = answer.json()["circumstances"]["attachments"]
    assert attached.keys() == {"kind", "media-type", "size", "hash"}
    secret, now = office.served.node.keyring.secret("desk"), int(office.served.node.clock())
    officer = office.served.service.access.grants[1].officer
    assert officer is not None
    opened: Any = open_ticket(secret, officer.id, ticket, now)
    assert opened["key"] not in answer.text
    assert opened["salt"] not in answer.text


def test_a_ticket_is_good_for_its_officer_and_for_a_day(office: Office) -> None:
    ticket = attach(office.bob, b"x")
    assert problem(with_attachment(office, "P-500003", ticket))[:2] == (400, "malformed")
    assert problem(with_attachment(office, "P-500003", ticket[:-1] + "~"))[:2] == (400, "malformed")


def test_a_ticket_ends() -> None:
    secret = bytes(32)
    ticket = seal_ticket(secret, "0" * 16, Limit(1, 2), 1_000)
    assert open_ticket(secret, "0" * 16, ticket, 1_000 + SECONDS) == {"hour": 1, "day": 2}
    with pytest.raises(Refused, match="older than a day"):
        open_ticket(secret, "0" * 16, ticket, 1_001 + SECONDS)
    for officer, key, text in (
        ("1" * 16, secret, ticket),
        ("0" * 16, b"1" * 32, ticket),
        ("0" * 16, secret, "é"),
    ):
        with pytest.raises(Malformed, match="not one that was given to you"):
            open_ticket(key, officer, text, 1_000)


@pytest.mark.parametrize(
    ("address", "content", "status", "detail"),
    [
        (ATTACH, b"", 400, "empty"),
        ("/v1/attachments?kind=order&media-type=text/html", b"x", 400, "cannot be attached"),
        ("/v1/attachments?kind=Order&media-type=text/plain", b"x", 400, "kind"),
        ("/v1/attachments?kind=order", b"x", 400, "media-type"),
        (ATTACH, bytes(MAX_SIZE + 1), 413, "50,000,000"),
    ],
)
def test_what_cannot_be_attached_is_refused(
    office: Office, address: str, content: bytes, status: int, detail: str
) -> None:
    answer = office.ann.post(address, content=content)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]


def test_it_takes_an_officer_who_may_write(office: Office) -> None:
    with office.program("attacher", "write:person") as program:
        assert problem(program.post(ATTACH, content=b"x"))[:2] == (403, "unauthorised")
    with office.officer("reads-only", "disclose:person") as officer:
        assert problem(officer.post(ATTACH, content=b"x"))[:2] == (403, "unauthorised")


def test_where_it_is_damaged_nothing_of_it_is_sent(office: Office) -> None:
    store = office.served.node.store
    with store.turn:
        before = {row[0] for row in store.database.query("SELECT hash FROM document")}
    ticket = attach(office.ann, b"to be damaged " * 10)
    record = with_attachment(office, "P-500004", ticket).json()["records"][0]["record"]
    with store.turn:
        (made,) = {row[0] for row in store.database.query("SELECT hash FROM document")} - before
        with store.database.transaction():
            store.database.execute("UPDATE chunk SET bytes=zeroblob(length(bytes)) WHERE hash=?", (made,))
    address = f"/v1/registers/person/records/{record}/attachments"
    answer = office.bob.post(address, json={"number": 0, "purpose": "court-order", "case": "C-7"})
    assert problem(answer)[:2] == (500, "damaged")
