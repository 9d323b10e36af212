"""`counterfoil doctor` of an installation that is served: grants, witnesses, certificates, the process itself."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from counterfoil.gateway.witnesses import Witnesses
from counterfoil.home import Home
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.signing import SigningKey
from tests.cli.calling import Ended, process
from tests.cli.conftest import Command
from tests.web.process import serving

NAME = "witness.example/a"
KEY = VerifierKey(NAME, 4, SigningKey("ed25519", bytes(32)).public)


def check(ended: Ended, name: str) -> dict[str, str]:
    (only,) = [each for each in ended.result["checks"] if each["name"] == name]
    found: dict[str, str] = only
    return found


def certificate(folder: Path, first: int, last: int) -> Path:
    """A self-signed certificate, valid from and until so many days from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registers.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + timedelta(first))
        .not_valid_after(now + timedelta(last))
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_process_that_serves_is_seen(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served:
        seen = process("doctor", "--home", tmp_path / "home", "--json")
        served.process.kill()
        served.process.communicate()
    left = process("doctor", "--home", tmp_path / "home", "--json")
    assert check(seen, "served")["said"].startswith("a process serves this installation")
    assert check(left, "served")["said"].startswith("a process that served it was stopped without closing")


def test_grants_that_end_soon_and_a_file_that_others_may_write(command: Command, land: Path) -> None:
    command("access", "add", "clerk", "--scope", "write:land-title")
    assert check(command("doctor", "--json"), "grants")["said"] == "1 may use the API beyond reading"
    (land / "access.json").chmod(0o644)
    opened = command("doctor", "--json")
    assert opened.code == 1
    assert check(opened, "grants")["advice"].startswith("chmod go= ")


def test_a_witness_that_is_late_is_named(command: Command, land: Path) -> None:
    witnesses = Witnesses(Home(land).witnesses)
    witnesses.add("http://127.0.0.1:9/", [KEY])
    assert check(command("doctor", "--json"), "witnesses")["said"] == "1 asked: witness.example/a"
    witnesses.record("witness.example/a", size=0, cosigned=None, error="it does not answer")
    never = check(command("doctor", "--json"), "witnesses")
    assert never["said"] == "witness.example/a has not cosigned yet: it does not answer"
    witnesses.record("witness.example/a", size=3, cosigned=1_700_000_000, error="it does not answer")
    late = check(command("doctor", "--json"), "witnesses")
    assert late["level"] == "warning"
    assert late["said"] == (
        "witness.example/a has not cosigned since 2023-11-14 22:13 UTC: it does not answer"
    )


def test_a_witness_that_tells_of_another_log_is_a_problem_at_once(command: Command, land: Path) -> None:
    witnesses = Witnesses(Home(land).witnesses)
    witnesses.add("http://127.0.0.1:9/", [KEY])
    now = int(time.time())
    told = "the witness witness.example/a says that it has cosigned a different log"
    witnesses.record(NAME, size=3, cosigned=now, error=told)
    assert check(command("doctor", "--json"), "witnesses")["level"] == "ok", "it has not lasted yet"
    witnesses.record(NAME, size=3, cosigned=now, error=told, unverified=True)
    ended = command("doctor", "--json")
    found = check(ended, "witnesses")
    assert (ended.code, found["level"], found["said"]) == (1, "problem", told)
    assert (
        found["advice"]
        == "compare the checkpoint that http://127.0.0.1:9 shows with the one here, and keep both"
    )


def test_a_witness_that_is_far_behind_without_an_error_is_named(command: Command, home: Path) -> None:
    """It is only what has been there for over an hour that it should have cosigned by now."""
    now = int(time.time())
    with Node.open(home, clock=lambda: now - 7_200) as node:
        fields = {"title": "Trees", "authority": node.agency}
        node.submit([Proposal(".register", "tree", "create", 1, body={"fields": fields})])
    with Node.open(home) as node:
        first = node.store.head.size
        node.submit([Proposal("tree", "1", "create", 1, body={"fields": {"kind": "oak"}})])
        size = node.store.head.size
    witnesses = Witnesses(Home(home).witnesses)
    witnesses.add("http://127.0.0.1:9/", [KEY])
    for known, level in ((first, "ok"), (size, "ok"), (first - 1, "warning")):
        witnesses.record(NAME, size=known, cosigned=1_700_000_000, error=None)
        assert check(command("doctor", "--json"), "witnesses")["level"] == level
    found = check(command("doctor", "--json"), "witnesses")
    assert found["said"] == (
        f"witness.example/a has not cosigned since 2023-11-14 22:13 UTC and is {size - first + 1} entries behind, "
        "though nothing is wrong with it"
    )
    assert found["advice"].endswith("counterfoil witness ask")


@pytest.mark.parametrize(
    ("first", "last", "level", "said"),
    [
        (-1, 90, "ok", "is valid until"),
        (-1, 10, "warning", "is valid until"),
        (-10, -1, "problem", "was valid until"),
        (1, 90, "problem", "is not valid yet"),
    ],
)
def test_certificates(
    command: Command, land: Path, tmp_path: Path, first: int, last: int, level: str, said: str
) -> None:
    path = certificate(tmp_path, first, last)
    found = check(command("doctor", "--tls-cert", path, "--json"), "certificate")
    assert (found["level"], said in found["said"]) == (level, True), found


def test_what_is_no_certificate(command: Command, land: Path, tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("none")
    found = check(command("doctor", "--tls-cert", tmp_path / "cert.pem", "--json"), "certificate")
    assert found["said"].endswith("is no certificate in PEM form")
