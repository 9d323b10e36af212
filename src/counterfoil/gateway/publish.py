"""Publishing: a checkpoint put where the log's keeper cannot take it back, and checked against the log later."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from counterfoil.errors import CounterfoilError, Damaged, Malformed, NotFound, Unavailable, Unverified
from counterfoil.gateway.fetch import Client
from counterfoil.gateway.publish_page import checkpoint_page
from counterfoil.gateway.timestamp import (
    MAX_RESPONSE_BYTES,
    QUERY_TYPE,
    Timestamp,
    make_query,
    read_response,
)
from counterfoil.home import refused_by_machine, write_whole
from counterfoil.proof.checkpoint import Checkpoint, open_checkpoint
from counterfoil.proof.note import MAX_NOTE_BYTES, parse_note
from counterfoil.proof.trust import Trust, judge

NAME: Final = re.compile(r"checkpoint-(0|[1-9][0-9]{0,18})\.txt")
NONCE_BITS: Final = 63
UNCHECKED: Final = "by a certificate that says so, not checked against an authority"
"""What is said of whoever has signed a time-stamp."""


class Published(NamedTuple):
    """A published checkpoint and its files: the note as it is, the page to print, a time-stamp if there is one."""

    checkpoint: Checkpoint
    note: Path
    page: Path
    timestamp: Path


class Compared(NamedTuple):
    """A file of an earlier published checkpoint, whether the log still begins as it says, and a sentence about it."""

    file: Path
    holds: bool
    said: str


def publish(folder: Path, note: bytes, trust: Trust, at: str) -> Published:
    """Write a checkpoint's note and page into a folder, made where it is missing; `at`: the time now (RFC 3339).

    A note that a time-stamp stands beside is left as it is. Raises `Unverified` where the checkpoint is not signed as
    the trust policy of its own log asks, `Damaged` where the folder has another checkpoint of that size.
    """
    judged = judge(trust, note, at)
    if judged.agreed < trust.require:
        raise Unverified("the checkpoint is not signed by as many agencies as its trust policy asks for")
    checkpoint = judged.signed.checkpoint
    stem = f"checkpoint-{checkpoint.size}"
    paths = [folder / f"{stem}{ending}" for ending in (".txt", ".html", ".tsr")]
    published = Published(checkpoint, *paths)
    with refused_by_machine(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if published.note.exists():
        _check_same(published)
    if not (published.note.exists() and published.timestamp.exists()):
        write_whole(published.note, note)
    write_whole(published.page, checkpoint_page(judged).encode())
    return published


def timestamp(client: Client, url: str, published: Published) -> Timestamp:
    """Have a service (RFC 3161) time-stamp a published note, unless that was done; keep its answer beside the note.

    Raises `Unavailable` where it does not answer or refuses, `Unverified` or `Malformed` where the answer is wrong.
    """
    note = _read(published.note, MAX_NOTE_BYTES)
    if published.timestamp.exists():
        return read_response(_read(published.timestamp, MAX_RESPONSE_BYTES), note, None)
    nonce = secrets.randbits(NONCE_BITS)
    answer = client.post(url, make_query(note, nonce), MAX_RESPONSE_BYTES, QUERY_TYPE)
    if answer.status != 200:
        raise Unavailable(
            f"the time-stamp service {url} answers with status {answer.status}; check the address"
        )
    stamped = read_response(answer.body, note, nonce)
    write_whole(published.timestamp, answer.body)
    return stamped


def check_published(folder: Path, trust: Trust, size: int, root_at: Callable[[int], bytes]) -> list[Compared]:
    """Compare every published checkpoint in a folder, the smallest first, with a log of `size` now.

    `root_at` gives the log's root when it had some size, at most this one. Raises `NotFound` where the folder has none.
    """
    with refused_by_machine(folder):
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    sizes = sorted(int(match[1]) for match in map(NAME.fullmatch, names) if match)
    if not sizes:
        raise NotFound(f"there is no published checkpoint in {folder}; name the folder that has them")
    return [_compare(folder / f"checkpoint-{each}.txt", trust, size, root_at) for each in sizes]


def _compare(file: Path, trust: Trust, size: int, root_at: Callable[[int], bytes]) -> Compared:
    try:
        note = _read(file, MAX_NOTE_BYTES)
        signed = open_checkpoint(note, trust.keys)
        checkpoint = signed.checkpoint
        if not any(line.key.name == trust.origin == checkpoint.origin for line in signed.lines):
            raise Unverified(f"it is not signed by a key of the log {trust.origin}")
        if file.name != f"checkpoint-{checkpoint.size}.txt":
            raise Unverified(f"it is a checkpoint of {checkpoint.size} entries")
        if checkpoint.size > size:
            raise Unverified(
                f"the log has {size:,} entries, and had {checkpoint.size:,} when it was published"
            )
        if root_at(checkpoint.size) != checkpoint.root:
            raise Unverified(
                f"the first {checkpoint.size:,} entries of the log are not those that were published"
            )
        stamped = _stamped(file.with_suffix(".tsr"), note)
    except (Malformed, Unverified) as error:
        return Compared(file, False, str(error))
    return Compared(file, True, f"the log begins with these {checkpoint.size:,} entries{stamped}")


def _stamped(file: Path, note: bytes) -> str:
    if not file.exists():
        return ""
    stamp = read_response(_read(file, MAX_RESPONSE_BYTES), note, None)
    return f"; time-stamped {stamp.time:%Y-%m-%dT%H:%M:%SZ} by {stamp.signer}, {UNCHECKED}"


def _check_same(published: Published) -> None:
    """Raise `Damaged` where a file of this name is there and has another checkpoint."""
    try:
        text = parse_note(_read(published.note, MAX_NOTE_BYTES)).text
    except CounterfoilError:
        text = ""
    if text != published.checkpoint.text:
        raise Damaged(
            f"{published.note} is there already and is not the checkpoint that the log has now: keep it, for it may "
            "show that the log was changed, and run: counterfoil publish --check with its folder"
        )


def _read(path: Path, limit: int) -> bytes:
    with refused_by_machine(path), path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Malformed(f"{path} is over {limit:,} bytes long")
    return data
