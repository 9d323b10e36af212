"""Going on after a restore: what others were shown decides whether the ledger goes on, or a successor does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from counterfoil.errors import Unavailable
from counterfoil.home import KEY_FILES, Home, write_whole
from counterfoil.ledger.system import LastSeen, Predecessor
from counterfoil.proof.canonical import labelled, unlabelled
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.merkle import consistency_proof
from counterfoil.proof.note import parse_note
from counterfoil.recovery.evidence import Seen, newest, read_seen
from counterfoil.recovery.keys_file import Keys, public_keys, put_keys
from counterfoil.recovery.mark import ASKING, SUCCEEDING, UNPACKING, Mark, read_mark, remove_mark, write_mark
from counterfoil.recovery.members import check_keys, check_public, own_keys
from counterfoil.recovery.still import still_store
from counterfoil.recovery.successor import check_origin, keep_predecessor, next_origin, succeed
from counterfoil.recovery.unpack import silent
from counterfoil.registry.archive.entering import Entered
from counterfoil.registry.beginning import first_trust
from counterfoil.signer import LastSigned, encode_last_signed, read_last_signed, signed_before
from counterfoil.store.store import Store

Progress = Callable[[int, int], None]
Prove = Callable[[int, int], Sequence[bytes]]
Ask = Callable[[bytes, Prove], Sequence[Seen]]
"""Asks the witnesses, given the store's latest checkpoint and what proves one size from another; says what they know.

Raises `Unverified` where a witness knows another history, `Unavailable` where one does not answer.
"""


class Resumed(msgspec.Struct, frozen=True):
    """How an installation goes on: as `predecessor`'s successor, or as the ledger that it was; `seen` is the newest."""

    origin: str
    entries: int
    root: str
    seen: LastSeen | None = None
    where: str | None = None
    predecessor: Predecessor | None = None
    entered: Entered | None = None


def nobody(note: bytes, prove: Prove) -> Sequence[Seen]:
    """Asks no witness."""
    return ()


def resume(
    home: Home,
    seen: Sequence[tuple[str, bytes]] = (),
    *,
    ask: Ask = nobody,
    keys: Keys | None = None,
    origin: str | None = None,
    clock: Callable[[], float] = time.time,
    progress: Progress = silent,
) -> Resumed:
    """Let a restored installation write again, once it is known what was signed after its copy was taken.

    `seen` are files by name and content that others were shown (`evidence.read_seen`). Where the store holds the newest
    state, it goes on. Where it does not, it becomes a successor under `origin`. Raises `Unverified` where what was
    shown contradicts the store or the keys are another ledger's, and then nothing has changed; `Unavailable` where
    nothing was restored.
    """
    mark = read_mark(home) if home.folder.is_dir() else None
    if mark is None:
        raise Unavailable(f"{home.folder} was not restored, or goes on already; there is nothing to resume")
    if mark.step == UNPACKING:
        raise Unavailable(
            f"restoring into {home.folder} was interrupted; call counterfoil restore {mark.source} once more"
        )
    with home.writing():
        found: Seen | None = None
        if mark.step == ASKING:
            head, found = _ask(home, keys, seen, ask)
            if found is None or found.size <= head.size:
                _put(home, keys)
                return _go_on(home, head, found)
            name = origin or next_origin(head.origin)
            check_origin(name, head.origin)
            _put(home, keys)
            mark = _begin_successor(home, mark, head, found, name, progress)
        entered = succeed(home, mark, clock, progress)
        return _succeeded(home, mark, found, entered)


def _put(home: Home, keys: Keys | None) -> None:
    """Put keys from a file into the installation, once nothing stands against them any more."""
    if keys is not None:
        put_keys(home, keys)


def _ask(
    home: Home, keys: Keys | None, seen: Sequence[tuple[str, bytes]], ask: Ask
) -> tuple[Checkpoint, Seen | None]:
    """The restored log's end, and the newest state that anyone was shown."""
    with still_store(home.store) as store:
        trust = first_trust(store.entries(), store.root_at)
        shown = list(_signed(home, keys, store))
        shown += [read_seen(data, name, trust) for name, data in seen]

        def prove(old: int, new: int) -> Sequence[bytes]:
            return consistency_proof(old, new, store.reader(new).node)

        shown += ask(store.note, prove)
        head = Checkpoint.parse(parse_note(store.note).text)
        return head, newest(shown, store.head.size, store.root_at)


def _signed(home: Home, keys: Keys | None, store: Store) -> Iterator[Seen]:
    """What this ledger's keys say that they signed last; it is unsigned, so that it counts with those keys alone."""
    own = own_keys(home)
    if keys is not None:
        check_keys(store, keys)
        if keys.last_signed.size:
            yield Seen(keys.last_signed.size, unlabelled(keys.last_signed.root), "the file of keys")
        if own != public_keys(keys):
            return
    elif own:
        check_public(store, own, str(home.keys))
    if "checkpoint" in own and signed_before(home):
        last = read_last_signed(home)
        if last.size:
            yield Seen(last.size, unlabelled(last.root), "keys/last-signed")


def _go_on(home: Home, head: Checkpoint, found: Seen | None) -> Resumed:
    for use in KEY_FILES:
        home.read_key(use)
    last = LastSigned(head.size, labelled(head.root))
    write_whole(home.last_signed, encode_last_signed(last), 0o600)
    remove_mark(home)
    return Resumed(
        head.origin,
        head.size,
        labelled(head.root),
        found.last if found else None,
        found.where if found else None,
    )


def _begin_successor(
    home: Home, mark: Mark, head: Checkpoint, found: Seen, origin: str, progress: Progress
) -> Mark:
    archive = keep_predecessor(home, progress)
    predecessor = Predecessor(
        head.origin, head.size, labelled(head.root), found.last, found.size - head.size, archive
    )
    begun = Mark(SUCCEEDING, mark.source, origin, predecessor)
    write_mark(home, begun)
    return begun


def _succeeded(home: Home, mark: Mark, found: Seen | None, entered: Entered | None) -> Resumed:
    with still_store(home.store) as store:
        return Resumed(
            mark.origin or "",
            store.head.size,
            labelled(store.log.root()),
            mark.predecessor.seen if mark.predecessor else None,
            found.where if found else None,
            mark.predecessor,
            entered,
        )
