"""Small files with secrets: only their owner reads them, and they are whole at any moment."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from counterfoil.errors import Malformed, NotFound, Unavailable

MAX_SECRET: Final = 1024
"""Bytes of a passphrase, PIN or key file; more is a mistake."""


@contextmanager
def refused(path: Path, what: str) -> Iterator[None]:
    """Turn the operating system's refusals about a file into `NotFound` and `Unavailable`, one sentence each."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound(f"{what} {path} is missing; put it back where it was") from None
    except OSError as error:
        raise Unavailable(
            f"{what} {path} cannot be used: {error.strerror or error}; check the disk and its permissions"
        ) from None


def read_private(path: Path, what: str) -> bytes:
    """The bytes of a file that only its owner may read, at most 1,024 of them.

    Raises `NotFound`, `Malformed` where it is too long, and `Unavailable` where others may read it.
    """
    with refused(path, what):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
                raise Unavailable(f"{what} {path} can be read by others; run chmod 600 {path}")
            return _read(descriptor, f"{what} {path}")
        finally:
            os.close(descriptor)


def read_secret_file(path: Path, what: str) -> bytes:
    """The one line of a file that only its owner may read. Raises as `read_private` does."""
    return _one_line(read_private(path, what), f"{what} {path}")


def read_secret_descriptor(descriptor: int, what: str) -> bytes:
    """The one line that can be read from an open descriptor, to its end. Raises as `read_secret_file` does."""
    try:
        return _one_line(_read(descriptor, what), what)
    except OSError as error:
        raise Unavailable(
            f"{what} cannot be read from descriptor {descriptor}: {error.strerror}; check how it was opened"
        ) from None


def write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 so that at any moment the old one or the new one is there, whole."""
    part = path.with_name(f".{path.name}.part")
    with refused(path, "the file"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        put_in_place(part, path)


def put_in_place(part: Path, path: Path) -> None:
    """Give a file that lies on the disk its name, durably."""
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(descriptor: int, what: str) -> bytes:
    read = b""
    while len(read) <= MAX_SECRET and (more := os.read(descriptor, MAX_SECRET + 1)):
        read += more
    if len(read) > MAX_SECRET:
        raise Malformed(f"{what} is longer than {MAX_SECRET} bytes; name the one that is meant")
    return read


def _one_line(read: bytes, what: str) -> bytes:
    line = read.removesuffix(b"\n").removesuffix(b"\r")
    if not line or b"\n" in line:
        raise Malformed(f"{what} must hold one line, and it must not be empty")
    return line
