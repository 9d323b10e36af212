"""A served node on a machine that is not as it should be: each write is refused in one clear sentence, none is lost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from tests.cli.calling import process
from tests.web.process import serving

FULL = "from counterfoil.store import sqlite; sqlite.PRAGMAS = (*sqlite.PRAGMAS, 'max_page_count=120')"
"""A database that may not grow: SQLite says the same as of a disk that is full."""
READ_ONLY = "from counterfoil.store import sqlite; sqlite.PRAGMAS = (*sqlite.PRAGMAS, 'query_only=1')"
YESTERDAY = "import time; now = time.time; time.time = lambda: now() - 86_400"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    process("register", "create", "tree", "--key", "number", "--home", folder)
    return folder


@pytest.fixture
def headers(home: Path) -> dict[str, str]:
    added = process("access", "add", "clerk", "--scope", "write:tree", "--home", home, "--json")
    return {"authorization": f"Bearer {added.result['token']}"}


def tree(name: str, size: int = 2) -> dict[str, Any]:
    fields = {"number": name, "kind": "oak" * size}
    proposal = {
        "register": "tree",
        "record": name,
        "operation": "create",
        "version": 1,
        "body": {"fields": fields},
    }
    return {"proposals": [proposal]}


def write(url: str, headers: dict[str, str], name: str, size: int = 2) -> httpx.Response:
    return httpx.post(f"{url}v1/transactions", json=tree(name, size), headers=headers, timeout=30)


def test_a_full_disk_refuses_writes_and_loses_nothing(home: Path, headers: dict[str, str]) -> None:
    taken: list[str] = []
    with serving(home, first=FULL) as served:
        for number in range(400):
            answer = write(served.url, headers, str(number), 1_000)
            if answer.status_code != 201:
                break
            taken.append(str(number))
        again = write(served.url, headers, "again", 1_000)
        read = httpx.get(f"{served.url}v1/registers/tree/records/{taken[-1]}")
        served.end()
    for refused in (answer, again):
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["detail"] == (
            "the disk that holds store.db is full; make room and try again (nothing was lost)"
        )
    assert read.status_code == 200
    with serving(home) as served:
        assert write(served.url, headers, "after").status_code == 201
        for name in taken:
            assert httpx.get(f"{served.url}v1/registers/tree/records/{name}").status_code == 200
        served.end()
    assert audit_home(Home(home)).findings == ()


def test_a_read_only_disk_refuses_writes_and_serves_reads(home: Path, headers: dict[str, str]) -> None:
    with serving(home) as served:
        assert write(served.url, headers, "1").status_code == 201
        served.end()
    with serving(home, first=READ_ONLY) as served:
        refused = write(served.url, headers, "2")
        read = httpx.get(f"{served.url}v1/registers/tree/records/1")
        served.process.kill()
    assert refused.status_code == 503
    assert refused.json()["detail"] == ("store.db or its disk is read-only; make it writable and try again")
    assert read.status_code == 200


def test_a_clock_that_was_set_back_refuses_writes(home: Path, headers: dict[str, str]) -> None:
    with serving(home) as served:
        assert write(served.url, headers, "1").status_code == 201
        served.end()
    with serving(home, first=YESTERDAY) as served:
        refused = write(served.url, headers, "2")
        read = httpx.get(f"{served.url}v1/registers/tree/records/1")
        health = httpx.get(f"{served.url}v1/health")
        served.end()
    assert refused.status_code == 503
    detail = refused.json()["detail"]
    assert detail.startswith("this machine's clock is 86")
    assert detail.endswith(" seconds behind the last block; set it right, then try again")
    assert (read.status_code, health.status_code) == (200, 503)
    with serving(home) as served:
        assert write(served.url, headers, "2").status_code == 201
        served.end()
    assert audit_home(Home(home)).findings == ()


def test_a_write_is_provable_as_the_latest_a_moment_later(home: Path, headers: dict[str, str]) -> None:
    with serving(home) as served:
        assert write(served.url, headers, "1").status_code == 201
        deadline = time.monotonic() + 10
        while (proof := httpx.get(f"{served.url}v1/registers/tree/records/1/proof")).status_code == 503:
            assert time.monotonic() < deadline, proof.text
            time.sleep(0.05)
    assert proof.status_code == 200
