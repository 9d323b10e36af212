"""Schemathesis sends the running node whatever the description allows, and what it does not, and follows its links.

`SCHEMATHESIS_SECONDS` says for how long, `SCHEMATHESIS_SEED` from which seed on.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from counterfoil import registers
from tests.web.personal.conftest import person
from tests.web.serving import Served, served

SECONDS = float(os.environ.get("SCHEMATHESIS_SECONDS", "100"))
SEED = int(os.environ.get("SCHEMATHESIS_SEED", "1"))
EXAMPLES = 20
ROOT = Path(__file__).parents[3]
# 503 says that the index is a second behind. What is in form may still be refused: by a condition, a rule, the depth
# of a value, the time that a deadline has; and what is not in form, first for something else.
CONFIGURATION = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "400", "401", "403", "404", "409", "412", "422", "428", "503"]
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428"]
[checks.missing_required_header]
expected-statuses = ["400", "401", "403", "404", "406", "422", "428"]
"""


def prepare(installation: Served) -> None:
    """Registers, public and personal, a record, and what waits: something for each operation to meet."""
    with installation.client() as clerk:
        policy = {"require": 2, "of": ["agency:EX/GOV/TEST", "agency:EX/GOV/OTHER"]}
        for name, definition in (
            ("country", {"title": "Countries"}),
            ("visits", {"title": "Visits", "append": True}),
            ("deed", {"title": "Deeds", "policy": policy}),
        ):
            assert clerk.post("/v1/registers", json={"register": name, "definition": definition}).is_success
        for register, status in (("country", 201), ("visits", 201), ("deed", 202)):
            answer = clerk.post(
                f"/v1/registers/{register}/records", json={"record": "GB", "fields": {"a": 1}}
            )
            assert answer.status_code == status
        for name in ("disclosure", "legal-hold", "person"):
            body = {"register": name, "definition": registers.shipped(name, "EX/GOV/TEST")}
            assert clerk.post("/v1/registers", json=body).is_success
        change = {"register": "person", "fields": person("P-000001"), "circumstances": {"why": "first"}}
        filed = clerk.post("/v1/changes", json={"changes": [change]})
        assert filed.status_code == 201
        correct = {**change, "operation": "correct", "fields": person("P-000001", sex="male")}
        assert clerk.post("/v1/changes", json={"changes": [correct]}).status_code == 202


def run(folder: Path, installation: Served, seed: int) -> subprocess.CompletedProcess[str]:
    """One run over all operations and links."""
    address = f"{installation.url}/v1/openapi.json"
    command = [sys.executable, "-m", "tests.web.api.schemathesis_process", "run", address]
    options = {
        "--checks": "all",
        "--max-examples": str(EXAMPLES),
        "--seed": str(seed),
        "--generation-database": "none",
    }
    return subprocess.run(
        [
            *command,
            *(word for option in options.items() for word in option),
            "--continue-on-failure",
            "--no-color",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def counted(installation: Served) -> dict[tuple[str, int], int]:
    """How many requests of each method were answered with each status."""
    with installation.client() as clerk:
        text = clerk.get("/v1/metrics").text
    found = re.findall(r'requests_total{method="(\w+)",status="(\d+)"} ([\d.]+)', text)
    return {(method, int(status)): int(float(count)) for method, status, count in found}


def test_whatever_is_sent_is_answered_as_the_description_says(tmp_path: Path) -> None:
    with served(tmp_path / "home") as installation:
        token = f'[auth.openapi.bearer]\nbearer = "{installation.token}"\n'
        (tmp_path / "schemathesis.toml").write_text(CONFIGURATION + token)
        prepare(installation)
        end, longest, seed = time.monotonic() + SECONDS, 0.0, SEED
        while seed == SEED or time.monotonic() + longest < end:
            begun = time.monotonic()
            ended = run(tmp_path, installation, seed)
            assert ended.returncode == 0, f"seed {seed}\n{ended.stdout[-20_000:]}\n{ended.stderr[-5_000:]}"
            longest, seed = max(longest, time.monotonic() - begun), seed + 1
        answers = counted(installation)
    # It was no walk through refusals alone: records were made, replaced, patched and read.
    for met in (("POST", 201), ("POST", 202), ("PUT", 200), ("PATCH", 200), ("GET", 200)):
        assert answers.get(met, 0) > 0, json.dumps({f"{m} {s}": n for (m, s), n in answers.items()})
