"""What lies beside the store: each byte of it follows from the log, or is named."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from counterfoil.home import KEY_FILES, Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from counterfoil.proof.canonical import labelled
from counterfoil.proof.signing import SigningKey
from counterfoil.signer import LastSigned, encode_last_signed, read_last_signed
from tests.home_audit.conftest import Clock, found, open_node, places, titles

FILES = ["trust.json", "keys/last-signed", *(f"keys/{name}" for name, _ in KEY_FILES.values())]


def test_a_healthy_one_has_no_finding(home: Home) -> None:
    with Node.open(home.folder, read_only=True) as node:
        size, root = node.store.head.size, labelled(node.store.log.root())
    audited = audit_home(home)
    assert (audited.findings, audited.found, audited.unchecked) == ((), 0, ())
    assert (audited.entries, audited.root, audited.origin) == (size, root, "registers.example/land")


@pytest.mark.parametrize("name", FILES)
def test_no_byte_changes_unseen(home: Home, name: str) -> None:
    path, chance = home.folder / name, random.Random(name)
    stored = path.read_bytes()
    for _ in range(25):
        changed = bytearray(stored)
        at = chance.randrange(len(changed))
        changed[at] ^= chance.randrange(1, 256)
        path.write_bytes(changed)
        assert places(home) == {name}
    path.write_bytes(stored)
    assert found(home) == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", ["cut", "longer", "empty", "gone", "folder"])
def test_no_other_length_or_kind_either(home: Home, name: str, change: str) -> None:
    path = home.folder / name
    stored = path.read_bytes()
    path.unlink()
    match change:
        case "cut":
            path.write_bytes(stored[:-1])
        case "longer":
            path.write_bytes(stored + b"\n")
        case "empty":
            path.write_bytes(b"")
        case "folder":
            path.mkdir()
    assert name in places(home)


def test_a_secret_is_never_in_a_finding(home: Home) -> None:
    seed = home.read_key("endorse").seed.hex()
    (home.keys / "endorse.ed25519").write_text(seed + "\n\n")
    assert seed not in repr(audit_home(home))
    assert found(home) == ["keys/endorse.ed25519: it does not hold a key"]


# Keys


@pytest.mark.parametrize(
    ("use", "what"),
    [
        ("endorse", "no member of this ledger lists this key"),
        ("checkpoint", "EX/GOV/LAND does not list this key among its own"),
        ("checkpoint-pq", "EX/GOV/LAND does not list this key among its own"),
    ],
)
def test_a_key_of_someone_else(home: Home, use: str, what: str) -> None:
    name, algorithm = KEY_FILES[use]
    other = SigningKey.generate(algorithm)
    (home.keys / name).write_text(other.seed.hex() + "\n")
    assert found(home) == [f"keys/{name}: {what}"]


def test_a_member_that_came_later_knows_its_keys(home: Home, writing: Node) -> None:
    from counterfoil.proof.entry import Proposal

    other = SigningKey.generate("ed25519")
    fields = {"name": "Tax Office", "endorse": [other.public.text]}
    writing.submit([Proposal(".agency", "EX/GOV/TAX", "create", 1, body={"fields": fields})])
    (home.keys / "endorse.ed25519").write_text(other.seed.hex() + "\n")
    assert found(home) == [
        "keys/checkpoint.ed25519: EX/GOV/TAX does not list this key among its own",
        "keys/checkpoint.ml-dsa-44: EX/GOV/TAX does not list this key among its own",
    ]


def test_an_installation_whose_keys_are_gone_is_not_well(home: Home) -> None:
    shutil.rmtree(home.keys)
    without = "the key file is missing; without it this installation can only read"
    assert found(home) == [
        "keys/last-signed: it is missing or empty, so that nothing tells what this key has signed",
        f"keys/endorse.ed25519: {without}",
        f"keys/checkpoint.ed25519: {without}",
        f"keys/checkpoint.ml-dsa-44: {without}",
    ]


@pytest.mark.parametrize("mark", ["backup", "restored"])
def test_a_copy_without_keys_is_no_fault_and_says_so(home: Home, mark: str) -> None:
    shutil.rmtree(home.keys)
    (home.folder / mark).touch()
    audited = audit_home(home)
    assert (audited.findings, audited.unchecked) == (
        (),
        ("this agency's keys and what they signed last, which are not here",),
    )


# What was signed last


def sign(home: Home, size: int, root: bytes) -> None:
    home.last_signed.write_bytes(encode_last_signed(LastSigned(size, labelled(root) if size else "")))


def test_a_store_that_ends_before_what_its_key_signed(home: Home, clock: Clock, made: Path) -> None:
    size = audit_home(home).entries
    clock.now += 5000
    with open_node(home.folder, clock) as node:
        node.submit(titles(400, 1))
    signed = read_last_signed(home).size
    home.store.write_bytes((made / "store.db").read_bytes())
    assert found(home) == [
        f"keys/last-signed: the store ends before what its key signed last: entries {size} to {signed - 1} are missing"
    ]


def test_a_root_that_was_never_the_logs(home: Home) -> None:
    sign(home, read_last_signed(home).size, bytes(32))
    size = audit_home(home).entries
    assert found(home) == [f"keys/last-signed: its root is not that of the log's first {size} entries"]


@pytest.mark.parametrize("size", [0, 7, 200])
def test_one_further_back_than_any_crash_leaves(home: Home, size: int) -> None:
    with Node.open(home.folder, read_only=True) as node:
        sign(home, size, node.store.root_at(size))
    last = audit_home(home).entries
    assert found(home) == [
        f"keys/last-signed: it stops at {size} of {last} entries, further behind than a crash can leave it"
    ]


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_crash_leaves_it_as_far_behind_as_what_was_not_flushed(
    home: Home, clock: Clock, seconds: int
) -> None:
    before = home.last_signed.read_bytes()
    clock.now += 5000
    with open_node(home.folder, clock) as node:
        node.submit(titles(400, 3))
        clock.now += seconds
        node.submit(titles(500, 3))
    home.last_signed.write_bytes(before)
    assert found(home) == []


def test_and_no_further(home: Home, clock: Clock) -> None:
    before = home.last_signed.read_bytes()
    clock.now += 5000
    with open_node(home.folder, clock) as node:
        node.submit(titles(400, 3))
        clock.now += 61
        node.submit(titles(500, 3))
    home.last_signed.write_bytes(before)
    assert places(home) == {"keys/last-signed"}


# Files that do not belong


@pytest.mark.parametrize(
    "name", ["notes.txt", ".hidden", "keys/old", "store.db-journal", "trust.json.bak", "folder/"]
)
def test_whatever_does_not_belong_is_named(home: Home, name: str) -> None:
    path = home.folder / name
    path.mkdir() if name.endswith("/") else path.write_text("")
    assert found(home) == [f"{name.rstrip('/')}: it is no part of an installation"]


@pytest.mark.parametrize("name", ["cache/anything", ".trust.json.part", "keys/.last-signed.part"])
def test_what_is_an_aid_or_half_written_does(home: Home, name: str) -> None:
    path = home.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("half")
    assert found(home) == []


def test_the_lock_is_empty(home: Home) -> None:
    home.lock.write_text("x")
    assert found(home) == ["lock: it holds bytes, and must hold none"]
