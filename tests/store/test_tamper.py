"""Random changes, thousands of them, to everything that a home holds: the audit names each one.

What counts as a change to the store: a bit of its file, wherever it is; and where the sum at the file's end is made to
fit, so that the audit must find what it means, anything that SQL can read of it: a row, a value or its type, the
schema, one of SQLite's own numbers about the file (see `tamper.state`). A bit that SQLite does not use (between the
cells of a page, in a page that is free) is then no change, and is passed over. Beside the store: a byte more, less or
another in any file, a file that is gone, a file that was never there.

`make test` makes 2,000 changes out of one seed. `make campaign-tamper` makes 50,000 out of a new one, and prints it;
TAMPER_CHANGES and TAMPER_SEED give other numbers. A seed chooses what is done; signatures differ from run to run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

import pytest

from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.store.audit.stored import OF_ITEMS
from tests.store.tamper import Tamperer, state

CHANGES: Final = int(os.environ.get("TAMPER_CHANGES", "2000"))
SEED: Final = os.environ.get("TAMPER_SEED", "1")
BATCH: Final = 100


@pytest.fixture
def home(sample_home: Path, tmp_path: Path) -> Path:
    """A copy of the sample, of which a change spoils what it spoils."""
    return Path(shutil.copytree(sample_home, tmp_path / "home"))


def test_a_copy_that_nobody_changed_is_as_it_must_be(home: Path) -> None:
    assert audit_home(Home(home)).findings == ()


@pytest.mark.parametrize("batch", range(-(-CHANGES * 6 // 10 // BATCH)))
def test_changes_in_tables(home: Path, sample_home: Path, batch: int) -> None:
    expect_named(home, sample_home, f"table {batch}", Tamperer.change)


@pytest.mark.parametrize("batch", range(-(-CHANGES // 10 // BATCH)))
def test_changes_in_the_tables_of_items(items_home: Path, tmp_path: Path, batch: int) -> None:
    home = Path(shutil.copytree(items_home, tmp_path / "home"))
    assert audit_home(Home(home)).findings == ()
    expect_named(home, items_home, f"item {batch}", lambda tamperer: tamperer.change(sorted(OF_ITEMS)))


@pytest.mark.parametrize("batch", range(-(-CHANGES * 2 // 10 // BATCH)))
def test_bits_of_the_file_with_its_sum_made_to_fit(home: Path, sample_home: Path, batch: int) -> None:
    expect_named(home, sample_home, f"fitted bit {batch}", Tamperer.flip_fitted)


@pytest.mark.parametrize("batch", range(-(-CHANGES // 10 // BATCH)))
def test_bits_of_the_file(home: Path, sample_home: Path, batch: int) -> None:
    original, store = sample_home / "store.db", home / "store.db"
    random = Random(f"{SEED} bit {batch}")
    for _ in range(BATCH):
        shutil.copyfile(original, store)
        what = Tamperer(store, random).flip()
        assert audit_home(Home(home)).findings, what


@pytest.mark.parametrize("batch", range(-(-CHANGES // 10 // BATCH)))
def test_changes_beside_the_store(home: Path, sample_home: Path, batch: int) -> None:
    random = Random(f"{SEED} beside {batch}")
    for _ in range(BATCH):
        shutil.rmtree(home)
        shutil.copytree(sample_home, home)
        what = change_beside(home, random)
        assert audit_home(Home(home)).findings, what


def expect_named(home: Path, sample_home: Path, name: str, change: Callable[[Tamperer], str | None]) -> None:
    """Make changes one by one, each to a fresh copy, until as many as make a batch can be seen; each must be named."""
    original, before, store = sample_home / "store.db", state(sample_home / "store.db"), home / "store.db"
    random = Random(f"{SEED} {name}")
    seen = 0
    while seen < BATCH:
        shutil.copyfile(original, store)
        what = change(Tamperer(store, random))
        if what is not None and state(store) != before:
            seen += 1
            assert audit_home(Home(home)).findings, what


def change_beside(home: Path, random: Random) -> str:
    """A random change to a file of the home that is not its store."""
    files = sorted(
        path for path in home.rglob("*") if path.is_file() and not path.name.startswith("store.db")
    )
    path = random.choice(files)
    data = bytearray(path.read_bytes())
    kind = random.choice(("flip", "flip", "cut", "add", "remove", "invent"))
    if kind == "remove" and path.name not in KEPT_WITHOUT:
        path.unlink()
    elif kind == "invent":
        path = random.choice((home, home / "keys")) / f"made-up-{random.randrange(100)}"
        path.write_bytes(random.randbytes(random.randrange(40)))
    elif kind == "cut" and data:
        path.write_bytes(data[: random.randrange(len(data))])
    elif kind == "flip" and data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)
        path.write_bytes(data)
    else:
        path.write_bytes(data + random.randbytes(random.randrange(1, 10)))
    return f"{kind} {path.relative_to(home)}"


KEPT_WITHOUT: Final = frozenset({"lock"})
"""Files that hold nothing, and are made again when somebody writes."""
