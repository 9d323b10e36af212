"""The blind index finds what a plain table would, whenever its rows are written."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Damaged
from counterfoil.store import blind
from counterfoil.store.blind import BlindIndex
from counterfoil.store.database import Database
from counterfoil.store.items import ItemTable, SealedItem
from counterfoil.store.schema import prepare
from counterfoil.store.sqlite import Sqlite

TOKENS = st.one_of(st.integers(0, 3), st.integers(-(1 << 63), (1 << 63) - 1))
STEPS = st.lists(
    st.one_of(
        st.lists(st.lists(TOKENS, max_size=3), min_size=1, max_size=4),
        st.sampled_from(["flush", "reopen", "erase"]),
    ),
    max_size=12,
)


def put(database: Database, index: BlindIndex, first: int, tokens: list[list[int]]) -> None:
    """Store a block of entries with these tokens."""
    named = {first + each: (first + each).to_bytes(32, "big") for each in range(len(tokens))}
    items = {
        named[first + each]: SealedItem(named[first + each], (), tuple(mine))
        for each, mine in enumerate(tokens)
    }
    with database.transaction():
        index.add(ItemTable(database).place(named, items), first + len(tokens))


def written(database: Database) -> list[tuple[int, int]]:
    return [
        (token, number) for token, number in database.query("SELECT token, number FROM blind ORDER BY 1, 2")
    ]


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_it_finds_what_a_plain_table_would(
    tmp_path_factory: pytest.TempPathFactory, steps: list[object]
) -> None:
    database = Sqlite(tmp_path_factory.mktemp("blind") / "store.db")
    prepare(database)
    index, size = BlindIndex(database), 0
    model: defaultdict[int, list[int]] = defaultdict(list)
    for step in steps:
        if isinstance(step, list):
            put(database, index, size, step)
            for number, tokens in enumerate(step, size):
                for token in set(tokens):
                    model[token].append(number)
            size += len(step)
        elif step == "flush":
            with database.transaction():
                index.flush(size)
        elif step == "reopen":
            index = BlindIndex(database)
        elif model:
            token = next(iter(model))
            rows = [(token, number) for number in model.pop(token)]
            with database.transaction():
                index.remove(rows)
                for _, number in rows:
                    ItemTable(database).erase(number, {}, [token])
        for token in (*model, 0, 1):
            assert index.search(token) == model.get(token, [])
    database.close()


def test_rows_wait_until_many_do_and_are_written_sorted(
    database: Sqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blind, "MAX_WAITING", 5)
    index = BlindIndex(database)
    put(database, index, 0, [[3, 1], [2, 3], [9]])
    assert written(database) == []
    put(database, index, 3, [[-1]])
    assert written(database) == [(-1, 3), (1, 0), (2, 1), (3, 0), (3, 1), (9, 2)]
    assert list(database.query("SELECT id, number FROM blind_end")) == [(0, 4)]
    put(database, index, 4, [[3]])
    assert BlindIndex(database).search(3) == [0, 1, 4]


def test_one_who_only_reads_finds_what_waits_too(tmp_path: Path) -> None:
    database = Sqlite(tmp_path / "store.db")
    prepare(database)
    put(database, BlindIndex(database), 0, [[4]])
    reader = Sqlite(tmp_path / "store.db", read_only=True)
    assert BlindIndex(reader).search(4) == [0]
    reader.close()
    database.close()


def test_an_end_that_was_changed_is_not_believed(database: Sqlite) -> None:
    index = BlindIndex(database)
    put(database, index, 0, [[4]])
    with database.transaction():
        index.flush(1)
    database.execute("UPDATE blind_end SET number = 0")
    with pytest.raises(Damaged, match="how far the blind index goes was changed; run counterfoil audit"):
        BlindIndex(database).search(4)
