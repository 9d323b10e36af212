"""Which logs a witness cosigns, and by which keys it knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import parse
from counterfoil.proof.note import MAX_NAME_BYTES, VerifierKey

MAX_LOGS_BYTES: Final = 1 << 20
"""The most that is read of a file with keys or logs."""

Logs: TypeAlias = Mapping[str, tuple[VerifierKey, ...]]
"""From a log's origin to the keys of which one must have signed a checkpoint of it."""


class _Log(msgspec.Struct, forbid_unknown_fields=True):
    origin: str
    keys: tuple[str, ...]


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    logs: tuple[_Log, ...]


def parse_keys(text: str) -> tuple[VerifierKey, ...]:
    """Read verifier keys, one a line, as a log serves them beside its checkpoints. Raises `Malformed`."""
    return tuple(VerifierKey.parse(line) for line in text.splitlines() if line.strip())


def parse_logs(data: bytes) -> Logs:
    """Read `{"logs": [{"origin": …, "keys": [verifier key, …]}, …]}`. Raises `Malformed`."""
    try:
        form = msgspec.convert(parse(data, "the list of logs"), _Form)
    except msgspec.ValidationError as error:
        raise Malformed(f"the list of logs is not in form: {error}") from None
    return checked((log.origin, tuple(map(VerifierKey.parse, log.keys))) for log in form.logs)


def checked(logs: Iterable[tuple[str, tuple[VerifierKey, ...]]]) -> Logs:
    """Logs by origin. Raises `Malformed` where one is named twice, has no key, or two keys that look alike."""
    known: dict[str, tuple[VerifierKey, ...]] = {}
    for origin, keys in logs:
        said = f"the log {origin[:80]!r}"
        if not 1 <= len(origin.encode()) <= MAX_NAME_BYTES or "\n" in origin:
            raise Malformed(
                f"{said} cannot be cosigned; an origin is one line of 1 to {MAX_NAME_BYTES} bytes"
            )
        if origin in known:
            raise Malformed(f"{said} is named twice; give all its keys in one place")
        if not keys:
            raise Malformed(f"{said} has no key; give one or more, as the log's keeper publishes them")
        if len({key.label for key in keys}) < len(set(keys)):
            raise Malformed(f"two keys of {said} share name and key id; replace one of the two")
        known[origin] = keys
    return known
