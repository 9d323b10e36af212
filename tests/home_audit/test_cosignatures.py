"""Lines of witnesses on stored checkpoints: those that do not hold are named, those of nobody known are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from counterfoil.gateway.cosigning import merge_cosignatures
from counterfoil.gateway.witness_keys import cosigner_key
from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.home_audit.cosignatures import read_trust
from counterfoil.proof.note import Note, VerifierKey, parse_note, sign_note
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.trust import Trust
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from tests.gateway.small_log import NOW, key

NAME = "witness.example/w1"
BOTH = ("ed25519", "ml-dsa-44")


def verifier(algorithm: str, seed: str = NAME, name: str = NAME) -> VerifierKey:
    return cosigner_key(name, key(seed, algorithm))


def line(note: bytes, algorithm: str, seed: str = NAME, name: str = NAME) -> bytes:
    """The line of a witness under a checkpoint."""
    signer: SigningKey = key(seed, algorithm)
    kind = cosigner_key(name, signer).type
    return sign_note(parse_note(note).text, signer, name, kind, NOW).line.encode()


def known(home: Home, keys: Sequence[VerifierKey]) -> None:
    """Have the trust policy name these witnesses' keys."""
    trust = Trust.parse(home.trust.read_bytes())
    home.trust.write_bytes(replace(trust, witnesses=tuple(keys)).encode())


def latest(home: Home) -> tuple[int, bytes]:
    """The newest published checkpoint."""
    store = Store(Sqlite(home.store, read_only=True), read_only=True)
    note = store.latest_published()
    size = store.head.size
    store.close()
    assert note is not None
    return size, note


def keep(home: Home, size: int, note: bytes) -> None:
    store = Store(Sqlite(home.store))
    store.keep_published(size, note)
    store.close()


def of_witnesses(home: Home) -> list[str]:
    """What the audit says of witnesses' lines."""
    return [finding.what for finding in audit_home(home).findings if finding.what.startswith("a witness's")]


def test_checkpoints_without_a_line_or_with_lines_that_hold_are_no_finding(home: Home) -> None:
    known(home, [verifier(each) for each in BOTH])
    assert audit_home(home).findings == ()
    size, note = latest(home)
    keep(home, size, merge_cosignatures(note, [line(note, each) for each in BOTH]))
    audited = audit_home(home)
    assert audited.findings == ()
    assert not any("lines of witnesses" in each for each in audited.unchecked)


@pytest.mark.parametrize("algorithm", BOTH)
def test_a_line_that_does_not_hold_is_named_with_its_checkpoint(home: Home, algorithm: str) -> None:
    known(home, [verifier(each) for each in BOTH])
    size, note = latest(home)
    other = parse_note(note).text.replace(f"\n{size}\n", f"\n{size + 1}\n")
    forged = sign_note(other, key(NAME, algorithm), NAME, verifier(algorithm).type, NOW).line
    keep(home, size, merge_cosignatures(note, [forged.encode()]))
    (finding,) = audit_home(home).findings
    assert finding.where == f"checkpoint {size}"
    assert finding.what.startswith(
        f"a witness's line does not hold: the signature line of {verifier(algorithm).label} does not hold"
    )


@pytest.mark.parametrize("algorithm", BOTH)
@pytest.mark.parametrize("part", ["name", "id"])
def test_a_line_whose_key_s_name_was_changed_is_named(home: Home, algorithm: str, part: str) -> None:
    known(home, [verifier(each) for each in BOTH])
    size, note = latest(home)
    gained = parse_note(merge_cosignatures(note, [line(note, algorithm)]))
    *own, witness = gained.signatures
    changed = (
        replace(witness, name="witness.example/w2") if part == "name" else replace(witness, key_id=b"abcd")
    )
    keep(home, size, Note(gained.text, (*own, changed)).encode())
    label = verifier(algorithm).label
    assert of_witnesses(home) == [f"a witness's line does not name the key that made it, {label}"]


@pytest.mark.parametrize(
    ("name", "seed"),
    [("elsewhere.example/w", "elsewhere"), (NAME, "the key before")],
    ids=["unknown", "old key"],
)
def test_lines_of_keys_that_nobody_named_are_counted(home: Home, name: str, seed: str) -> None:
    known(home, [verifier(each) for each in BOTH])
    size, note = latest(home)
    keep(home, size, merge_cosignatures(note, [line(note, each, seed, name) for each in BOTH]))
    audited = audit_home(home)
    assert audited.findings == ()
    assert "lines of witnesses whose keys trust.json does not name: 2" in audited.unchecked


def test_what_is_no_trust_policy_names_nobody() -> None:
    assert read_trust(b"{}") is None
    assert read_trust(b"\xff") is None
