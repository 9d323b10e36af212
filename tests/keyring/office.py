"""What tests do with a keyring: open it again, put keys into it, and look into its files as a thief would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import apsw

from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.protector import PassphraseProtector
from counterfoil.proof.canonical import labelled

NOW: Final = 1_795_500_000
DEADLINE: Final = NOW + 3600
DAY: Final = 86_400


def cheap(passphrase: bytes = b"correct horse") -> PassphraseProtector:
    return PassphraseProtector(passphrase, cost=4)


def transaction(name: str) -> str:
    return labelled(sha256(name.encode()).digest())


def put(keyring: Keyring, count: int, name: str = "birth", deadline: int = DEADLINE) -> dict[int, bytes]:
    """Draw, keep and commit keys; returns them by id."""
    drawn = keyring.draw(count)
    keyring.keep(drawn, transaction(name), deadline)
    keyring.commit()
    return dict(enumerate(drawn.keys, drawn.first))


@contextmanager
def opened(path: Path, *, read_only: bool = False, passphrase: bytes = b"correct horse") -> Iterator[Keyring]:
    keyring = Keyring.open(path, cheap(passphrase), read_only, clock=lambda: NOW)
    try:
        yield keyring
    finally:
        keyring.close()


def change(path: Path, sql: str, values: tuple[Any, ...] = ()) -> None:
    """Change a file behind the keyring's back."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(sql, values)


def look(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a file. By the library that has it open already: another one would end its locks."""
    with closing(apsw.Connection(str(path))) as connection:
        return list(connection.execute(sql))


def files_with(folder: Path, what: bytes) -> list[str]:
    """The names of all files below a folder that hold these bytes."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and what in path.read_bytes())
