"""A successor: the ledger that goes on, under a new origin, from a copy that lacks what was signed after it.

Each step leaves the installation so that the next call goes on from there; the mark says which step that is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from hashlib import file_digest
from pathlib import Path
from typing import Final

from counterfoil.engine.ledger_machine import LedgerMachine, Settle
from counterfoil.engine.local import LocalEngine
from counterfoil.errors import Damaged, Malformed
from counterfoil.home import KEY_FILES, Home, refused_by_machine, write_whole
from counterfoil.home_audit.audit import BUILDING
from counterfoil.home_audit.predecessors import PREDECESSORS, SUFFIX, UNFINISHED
from counterfoil.ledger.genesis import genesis
from counterfoil.ledger.system import AgencyFields, Predecessor
from counterfoil.node import Node
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.recovery.files import put_in_place, remove
from counterfoil.recovery.mark import SUCCEEDING, SWAPPING, Mark, remove_mark, write_mark
from counterfoil.recovery.members import own_agency
from counterfoil.recovery.still import still_store
from counterfoil.registry.archive.entering import Entered, enter_archive
from counterfoil.registry.archive.writing import write_archive
from counterfoil.registry.beginning import first_trust
from counterfoil.signer import HomeSigner, begin_last_signed, signed_before
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store

LEDGER: Final = "ledger"

Progress = Callable[[int, int], None]


def next_origin(origin: str) -> str:
    """The origin of a successor where none is given: the same with the next number after a slash."""
    base, _, number = origin.rpartition("/")
    if base and number.isascii() and number.isdigit():
        return f"{base}/{int(number[:9]) + 1}"
    return f"{origin}/2"


def check_origin(origin: str, before: str) -> None:
    """Raise `Malformed` unless a ledger of this origin can go on from the other."""
    Checkpoint(origin, 0, bytes(32))
    if origin == before:
        raise Malformed(
            f"{origin} is the origin of the ledger that cannot go on; name a new one with --origin"
        )


def keep_predecessor(home: Home, progress: Progress) -> str:
    """Keep the restored ledger whole as an archive; gives its labelled SHA-256. The same ledger gives the same file."""
    folder = home.folder / PREDECESSORS
    with refused_by_machine(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
        part = folder / UNFINISHED
        with (
            still_store(home.store) as store,
            part.open("wb") as file,
        ):
            trust = first_trust(store.entries(), store.root_at).encode()
            write_archive(store, trust, file, progress=progress)
        with part.open("rb") as file:
            digest = file_digest(file, "sha256").digest()
    put_in_place(part, predecessor_path(home, labelled(digest)))
    return labelled(digest)


def predecessor_path(home: Home, archive: str) -> Path:
    """Where the archive with this labelled hash lies."""
    return home.folder / PREDECESSORS / f"{archive.partition(':')[2]}{SUFFIX}"


def succeed(home: Home, mark: Mark, clock: Callable[[], float], progress: Progress) -> Entered | None:
    """Bring a successor that was begun to its end; gives what entered, or None where only the last step was left."""
    entered = None
    if mark.step == SUCCEEDING:
        entered = _build(home, mark, clock, progress)
        write_mark(home, Mark(SWAPPING, mark.source, mark.origin, mark.predecessor))
    _swap(home)
    remove_mark(home)
    return entered


def _build(home: Home, mark: Mark, clock: Callable[[], float], progress: Progress) -> Entered:
    predecessor, origin = mark.predecessor, mark.origin
    if predecessor is None or origin is None:
        raise Damaged(
            "the mark of the restored installation does not say what it goes on from; restore it anew"
        )
    made = Home(home.folder / BUILDING)
    made.create()
    with made.writing():
        _begin(home, made, origin, predecessor, clock)
    with Node.open(made.folder, clock=clock) as node:
        return enter_archive(node, predecessor_path(home, predecessor.archive), progress=progress)


def _begin(home: Home, made: Home, origin: str, predecessor: Predecessor, clock: Callable[[], float]) -> None:
    """The successor's keys and its first block. An endorsement key that is here stays; the others are new."""
    for use, (name, _) in KEY_FILES.items():
        if not (made.keys / name).exists():
            if use == "endorse" and (home.keys / name).exists():
                write_whole(made.keys / name, f"{home.read_key(use).seed.hex()}\n".encode(), 0o600)
            else:
                made.create_key(use)
    if not signed_before(made):
        begin_last_signed(made)
    with closing(Store(Sqlite(made.store))) as store, closing(HomeSigner(made, origin, clock)) as signer:
        if store.head.size:
            return
        with still_store(home.store) as before:
            agency, title = own_agency(before, home)
        keys = tuple(key.text for key in signer.verifier_keys)
        fields = AgencyFields(title, (made.read_key("endorse").public.text,), keys)
        first = genesis(origin, [(agency, fields)], f"agency:{agency}", predecessor)
        engine = LocalEngine({LEDGER: LedgerMachine(store, signer)}, clock)
        begun = engine.submit(LEDGER, [first, Settle()])[0]
        if begun.error is not None:
            raise begun.error


def _swap(home: Home) -> None:
    """Let the successor's files take the place of the restored ones, which its archive keeps."""
    made = Home(home.folder / BUILDING)
    with refused_by_machine(home.folder):
        home.keys.mkdir(mode=0o700, exist_ok=True)
        names = [f"keys/{name}" for name in ("last-signed", *(name for name, _ in KEY_FILES.values()))]
        for name in (*names, made.trust.name, made.store.name):
            source = made.folder / name
            if source.exists():
                if name == made.store.name:
                    for suffix in ("-wal", "-shm"):
                        (home.folder / f"{name}{suffix}").unlink(missing_ok=True)
                put_in_place(source, home.folder / name)
        # What the witnesses have cosigned is the old origin's; they must be told of the new one first.
        home.witnesses.unlink(missing_ok=True)
        remove(made.folder)
