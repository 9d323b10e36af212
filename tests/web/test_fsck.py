"""Tessera's `fsck`, written by others, on the served log: it passes a whole one, and says where a broken one is broken.

It ends with 0 whatever it found, so what counts is what it says; on damage it may hang, so it has a time limit.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from counterfoil.ledger.state import Changes, Head
from counterfoil.node import Node
from counterfoil.proof.checkpoint import Checkpoint, log_key, sign_as_log
from counterfoil.proof.entry import Entry
from counterfoil.proof.merkle import leaf_hash
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.trust import Trust
from counterfoil.store.head import Signed
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from counterfoil.web.api.log import PREFIX, log_app
from tests.web.log_serving import ORIGIN, fill, serve_app, serve_log

FSCK: Final = Path(__file__).parents[2] / ".go-tools" / "fsck"
SECONDS: Final = 50
"""As long as it may take; a whole log of 70,000 entries takes it about one."""


def fsck(prefix: str, key: str, folder: Path) -> str:
    """What `fsck` says of the log at an address, whose Ed25519 key is `key`."""
    if not FSCK.exists():
        pytest.fail("Tessera's fsck is missing; build it with scripts/go-tools")
    keys = folder / "key"
    keys.write_text(f"{key}\n")
    arguments = [str(FSCK), "-ui=false", "-N=16", f"-storage_url={prefix}", f"-public_key={keys}"]
    try:
        ended = subprocess.run(arguments, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        return (error.stderr or b"").decode()
    return ended.stderr.decode()


def ed25519_key(home: Path) -> str:
    return Trust.parse((home / "trust.json").read_bytes()).keys[0].text


@pytest.mark.parametrize("size", [255, 256, 257, 70_000])
def test_it_passes_the_log_of_an_installation(tmp_path: Path, size: int) -> None:
    fill(tmp_path / "home", size)
    with serve_log(tmp_path / "home") as prefix:
        said = fsck(prefix, ed25519_key(tmp_path / "home"), tmp_path)
    assert f"Successfully fsck'd log with size {size}" in said, said


class OneEntry:
    """A log of a single entry, which no ledger has: one begins with several."""

    def __init__(self, store: Store):
        self._store = store

    @contextmanager
    def reading(self) -> Iterator[Store]:
        yield self._store

    def record(self, register: str, record: str) -> Entry | None:
        raise NotImplementedError


def test_it_passes_a_log_of_one_entry(tmp_path: Path) -> None:
    key = SigningKey.generate("ed25519")

    def sign(head: Head, root: bytes) -> Signed:
        return Signed(sign_as_log(Checkpoint(ORIGIN, head.size, root), [key], 0), published=True)

    store = Store(Sqlite(tmp_path / "store.db"))
    try:
        store.commit(Changes(Head(size=1), [b"the only one"], [leaf_hash(b"the only one")]), sign)
        with serve_app(log_app(OneEntry(store))) as address:
            said = fsck(f"{address}{PREFIX}", log_key(ORIGIN, key.public).text, tmp_path)
    finally:
        store.close()
    assert "Successfully fsck'd log with size 1" in said, said


class Broken:
    """A served log with one bit changed in what stands at `path`."""

    def __init__(self, app: Any, path: str, place: int):
        self._app = app
        self._path = path
        self._place = place

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        plain = {**scope, "headers": [each for each in scope["headers"] if each[0] != b"accept-encoding"]}

        async def change(message: Any) -> None:
            if scope["path"] == f"{PREFIX}{self._path}" and message.get("body"):
                changed = bytearray(message["body"])
                changed[self._place] ^= 1
                message = {**message, "body": bytes(changed)}
            await send(message)

        await self._app(plain, receive, change)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("broken") / "home"
    fill(found, 600)
    return found


@pytest.mark.parametrize(
    ("path", "place", "complaint"),
    [
        ("tile/0/001", 1000, "fsck failed: failed: tile/0/001: log has"),
        ("tile/1/000.p/2", 40, "fsck failed: failed: tile/1/000.p/2: log has"),
        ("tile/entries/001", 500, "fsck failed: failed: tile/(0/001|1/000.p/2): log has"),
        ("tile/entries/002.p/88", 500, "fsck failed: failed: tile/0/002.p/88: log has"),
        ("checkpoint", len(ORIGIN) + 10, "fsck failed: .*invalid signature for key registers.example/land"),
    ],
)
def test_it_says_what_is_broken(home: Path, tmp_path: Path, path: str, place: int, complaint: str) -> None:
    with Node.open(home, read_only=True) as node, serve_app(Broken(log_app(node), path, place)) as address:
        said = fsck(f"{address}{PREFIX}", ed25519_key(home), tmp_path)
    assert "Successfully" not in said
    assert re.search(complaint, said), said
