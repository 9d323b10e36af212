"""A record's proof: the verdict in one sentence, each step of it, and the file that shows the same anywhere."""

from __future__ import annotations

import re
import shlex
from typing import Final, Literal

import msgspec

from counterfoil.errors import Malformed, NotFound, Unavailable
from counterfoil.home import Home
from counterfoil.ledger.system import INDEX
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.report import Level, Report, Step, Verdict
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.registry.prove import Versions, prove_entry, prove_record
from counterfoil.store.store import Store
from counterfoil.web.portal.reading import latest, state_of, versions_back

MAX_PROVED: Final = 1_000
"""How many versions are proved in one file here: each adds a kilobyte and half a millisecond."""
LONG: Final = 100
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)


class ProofView(msgspec.Struct, frozen=True):
    """A proof as this node judges it by its own trust policy; `file` is the name of the proof as a file.

    `current`: it also proves that the version is the record's latest.
    """

    register: str
    record: str
    version: int
    versions: int
    asked: Literal["latest", "all"] | int
    current: bool
    verdict: Verdict
    level: Level | None
    claims: tuple[str, ...]
    steps: tuple[Step, ...]
    size: int
    bytes: int
    file: str
    command: str


class Proven(msgspec.Struct, frozen=True):
    """A proof bundle, what was asked for, and whether it proves the version current."""

    bundle: Bundle
    asked: Versions
    version: int
    versions: int
    current: bool


def asked_versions(query: dict[str, str]) -> Versions:
    """Which versions a query asks to prove: `version=3`, `versions=all`, else the latest. Raises `Malformed`."""
    if query.get("versions") == "all":
        return "all"
    version = query.get("version")
    if not version:
        return "latest"
    if not (version.isascii() and version.isdecimal() and len(version) < 16):
        raise Malformed(f"version={version[:40]!r} is no version; it is a number")
    return int(version)


def is_long(store: Store, register: str, record: str) -> bool:
    """Whether to prove a record takes longer than other readers should wait."""
    state = state_of(store, register, record)
    return state is not None and state.version > LONG


def prove(store: Store, trust: Trust, register: str, record: str, asked: Versions) -> Proven:
    """Prove a record; one that changed just now is proved to stand in the log, no more. Raises `NotFound`."""
    last = latest(store, register, record)
    versions = last.version if last else 0
    if asked == "all" and versions > MAX_PROVED:
        raise Unavailable(
            f"this record has {versions:,} versions, more than are proved at once here ({MAX_PROVED:,}); "
            "ask who keeps it for: counterfoil prove --all-versions"
        )
    size = trust.genesis_size
    current = not isinstance(asked, int)
    if register == INDEX:
        return _prove_index(store, record, size, versions if not isinstance(asked, int) else asked)
    try:
        bundle = prove_record(store, register, record, versions=asked, genesis_size=size)
    except Unavailable:
        if asked != "latest":
            raise
        bundle = prove_record(store, register, record, versions=versions, genesis_size=size)
        current = False
    return Proven(bundle, asked, asked if isinstance(asked, int) else versions, versions, current)


def _prove_index(store: Store, record: str, size: int | None, version: int) -> Proven:
    """An entry of the index is proved to stand in the log: what is current, the index says of others only."""
    last = latest(store, INDEX, record)
    versions = last.version if last else 0
    if not 1 <= version <= versions:
        raise NotFound(f"{INDEX} {record!r} has the versions 1 to {versions}, and no version {version}")
    (entry,) = versions_back(store, INDEX, record, skip=versions - version, count=1)
    bundle = prove_entry(store, entry.number, genesis_size=size)
    return Proven(bundle, version, version, versions, current=False)


def own_trust(home: Home) -> Trust:
    """This node's trust policy. Raises `Unavailable` where the file cannot be read."""
    try:
        return Trust.parse(home.trust.read_bytes())
    except (OSError, Malformed) as error:
        raise Unavailable(
            f"this node's trust policy cannot be read ({error}); run counterfoil audit"
        ) from None


def proof_view(proven: Proven, trust: Trust, register: str, record: str) -> tuple[ProofView, bytes]:
    """Judge a proof as anyone would; gives what to show, and the proof's file."""
    data = proven.bundle.encode()
    report: Report = verify(data, trust)
    file = file_name(register, record)
    view = ProofView(
        register,
        record,
        proven.version,
        proven.versions,
        proven.asked,
        proven.current,
        report.verdict,
        report.level,
        report.claims,
        report.steps,
        _size(proven.bundle),
        len(data),
        file,
        f"counterfoil verify {shlex.quote(file)} --trust trust.json",
    )
    return view, data


def file_name(register: str, record: str) -> str:
    """What a record's proof is called as a file, in characters that every system takes."""
    plain = _UNSAFE.sub("-", record).strip("-.")[:60] or "record"
    return f"{register.lstrip('.')}-{plain}.proof.json"


def _size(bundle: Bundle) -> int:
    return int(bundle.checkpoint.split("\n")[1])
