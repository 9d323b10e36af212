"""Fifty random changes to what an installation stores, each of which the real command must name."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from counterfoil.home import KEY_FILES
from tests.cli.calling import process
from tests.store.tamper import Tamperer, state

FILES = ("trust.json", "lock", "keys/last-signed", *(f"keys/{name}" for name, _ in KEY_FILES.values()))


@pytest.fixture
def store(land: Path) -> Path:
    """The store of an installation whose folder is the home."""
    return land / "store.db"


def expect_named(land: Path, what: str) -> None:
    """The command ends with 1, and lists findings that each say what and where."""
    ended = process("audit", "--json")
    assert (ended.code, ended.err) == (1, ""), what
    assert ended.result["findings"], what
    for finding in ended.result["findings"]:
        assert finding["what"], what
        assert finding["where"], what


@pytest.mark.parametrize("seed", range(25))
def test_a_change_in_a_table(land: Path, store: Path, seed: int) -> None:
    tamperer, before = Tamperer(store, Random(f"table {seed}")), state(store)
    what = None
    while what is None or state(store) == before:
        what = tamperer.change()
    expect_named(land, what)


@pytest.mark.parametrize("seed", range(15))
def test_a_bit_of_the_file(land: Path, store: Path, seed: int) -> None:
    expect_named(land, Tamperer(store, Random(f"bit {seed}")).flip())


@pytest.mark.parametrize("seed", range(10))
def test_a_byte_beside_it(land: Path, seed: int) -> None:
    chance = Random(f"beside {seed}")
    path = land / chance.choice(FILES)
    data = bytearray(path.read_bytes())
    if data and chance.random() < 0.8:
        data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    else:
        data.append(chance.randrange(256))
    path.write_bytes(data)
    expect_named(land, path.name)


def test_without_a_change_there_is_nothing_to_name(land: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(land, tmp_path / "copy")
    assert process("audit", "--home", copy, "--json").result["findings"] == []
