"""Putting back key files that are lost, from the file that a backup with keys has written."""

from __future__ import annotations

from counterfoil.errors import CounterfoilError, Damaged
from counterfoil.home import KEY_FILES, Home, refused_by_machine, write_whole
from counterfoil.proof.canonical import labelled
from counterfoil.recovery.keys_file import Keys
from counterfoil.recovery.mark import ASKING, Mark, read_mark, write_mark
from counterfoil.recovery.still import still_store
from counterfoil.signer import (
    RESTORED,
    LastSigned,
    encode_last_signed,
    read_last_signed,
    signed_before,
)


def repair_keys(home: Home, keys: Keys, *, signed: bool) -> tuple[str, ...]:
    """Put back the keys that are missing or others, known to be this ledger's; gives the names of the files written.

    `signed`: what they signed last is lost or out of date, too. What the file says of it may be old, so that then the
    installation writes again only once it was asked what others were shown, like a restored one.
    """
    with refused_by_machine(home.keys):
        home.keys.mkdir(mode=0o700, exist_ok=True)
    written = []
    if signed and not _contradicts(home):
        # The mark comes first: without it the installation would write by what the file says.
        if read_mark(home) is None:
            write_mark(home, Mark(ASKING, "keys"))
            written.append(RESTORED)
        last = max(_last(home), keys.last_signed, key=lambda each: each.size)
        write_whole(home.last_signed, encode_last_signed(last), 0o600)
        written.append("keys/last-signed")
    for use, (name, _) in KEY_FILES.items():
        if _seed(home, use) != keys.seeds[use]:
            write_whole(home.keys / name, f"{keys.seeds[use]}\n".encode(), 0o600)
            written.append(f"keys/{name}")
    return tuple(written)


def _contradicts(home: Home) -> bool:
    """Whether what was signed last is not in this log: that is evidence, and stays."""
    last = _last(home)
    with still_store(home.store) as store:
        return 0 < last.size <= store.head.size and labelled(store.root_at(last.size)) != last.root


def _last(home: Home) -> LastSigned:
    try:
        return read_last_signed(home) if signed_before(home) else LastSigned(0, "")
    except Damaged:
        return LastSigned(0, "")


def _seed(home: Home, use: str) -> str | None:
    try:
        return home.read_key(use).seed.hex()
    except CounterfoilError:
        return None
