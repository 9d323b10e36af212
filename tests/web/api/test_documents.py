from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path

import apsw
import httpx
import pytest

from counterfoil.web.upload import MAX_DOCUMENT_BYTES
from tests.web.api.conftest import Office, problem
from tests.web.serving import served

DEED = b"a deed\r\n" * 100_000
HASH = f"sha256:{sha256(DEED).hexdigest()}"


def stored(office: Office, data: bytes = DEED) -> str:
    answer = office.clerk.post("/v1/documents", content=data, headers={"content-type": "application/pdf"})
    assert answer.status_code == 201, answer.text
    location: str = answer.headers["location"]
    return location


def test_a_document_is_stored_under_its_hash(office: Office) -> None:
    answer = office.clerk.post("/v1/documents", content=DEED)
    assert answer.json() == {"document": HASH, "size": len(DEED)}
    assert answer.headers["location"] == f"/v1/documents/{HASH}"


def test_it_is_answered_as_bytes_to_be_saved(office: Office) -> None:
    answer = office.reader.get(stored(office))
    assert answer.content == DEED
    headers = {
        "content-type": "application/octet-stream",
        "content-length": str(len(DEED)),
        "content-disposition": f'attachment; filename="{HASH.replace(":", "-")}"',
        "etag": f'"{HASH}"',
        "cache-control": "public, max-age=31536000, immutable",
        "x-content-type-options": "nosniff",
    }
    assert {name: answer.headers[name] for name in headers} == headers
    head = office.reader.head(f"/v1/documents/{HASH}")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(DEED)))


@pytest.mark.parametrize("size", [0, 1, (1 << 18) - 1, 1 << 18, (1 << 18) + 1])
def test_any_size_comes_back_as_it_was(office: Office, size: int) -> None:
    data = os.urandom(size)
    assert office.reader.get(stored(office, data)).content == data


def test_a_document_may_arrive_part_by_part(office: Office) -> None:
    def parts() -> Iterator[bytes]:
        for start in range(0, len(DEED), 100_000):
            yield DEED[start : start + 100_000]

    assert office.clerk.post("/v1/documents", content=parts()).json()["document"] == HASH


def test_an_entry_names_it(office: Office) -> None:
    stored(office)
    body = {"record": "GB", "fields": {"country": "GB"}, "document": HASH}
    assert office.clerk.post("/v1/registers/country/records", json=body).status_code == 201
    assert office.reader.get("/v1/registers/country/records/GB").json()["document"] == HASH


def test_what_is_not_stored_is_not_found(office: Office) -> None:
    absent = f"sha256:{'0' * 64}"
    assert problem(office.reader.get(f"/v1/documents/{absent}")) == (
        404,
        "not-found",
        f"the document {absent} is not stored here",
    )
    assert problem(office.reader.get("/v1/documents/x"))[:2] == (400, "malformed")


def test_one_that_says_that_it_is_too_large_is_not_waited_for(office: Office) -> None:
    url = httpx.URL(office.served.url)
    with closing(HTTPConnection(url.host, url.port or 80, timeout=20)) as connection:
        connection.putrequest("POST", "/v1/documents")
        connection.putheader("Authorization", office.clerk.headers["authorization"])
        connection.putheader("Content-Length", str(MAX_DOCUMENT_BYTES + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (413, "application/problem+json")
        assert json.loads(answer.read())["detail"] == "a document has at most 67,108,864 bytes"


def test_no_part_of_a_damaged_one_is_served(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with served(home) as installation, installation.client() as clerk:
        assert clerk.post("/v1/documents", content=DEED).status_code == 201
        with closing(apsw.Connection(str(home / "store.db"))) as database:
            database.execute(
                "UPDATE chunk SET bytes = CAST(x'00' || substr(bytes, 2) AS BLOB) WHERE number = 1"
            )
        assert problem(clerk.get(f"/v1/documents/{HASH}")) == (
            500,
            "damaged",
            f"the document {HASH} is not what was stored; run counterfoil audit",
        )
