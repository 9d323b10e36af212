"""A commit in which any one statement fails leaves nothing, and the same block is taken afterwards as if it had not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import Unavailable
from counterfoil.ledger.command import Command, Endorse, Standing
from counterfoil.ledger.genesis import genesis
from counterfoil.ledger.system import AgencyFields
from counterfoil.proof import index
from counterfoil.proof.entry import Claim, Reference
from counterfoil.proof.index import PAIR
from counterfoil.proof.transaction import endorse
from counterfoil.store import pages
from counterfoil.store.audit.stored import OF_ITEMS
from counterfoil.store.database import Value
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from tests.store.office import COURT, LAND, ORIGIN, Office, dump, key_of, summary, title

BOTH = {"require": 2, "of": [f"agency:{LAND}", f"agency:{COURT}"]}
DIGEST = "sha256:" + "5e" * 32
OTHER = "sha256:" + "07" * 32


class Faulty(Sqlite):
    """Fails at the n-th statement: before it, after it was carried out, or there and at all that follow."""

    number = 0
    mode = "before"
    count = 0
    failed: str | None = None

    def arm(self, number: int, mode: str) -> None:
        self.number, self.mode, self.count, self.failed = number, mode, 0, None

    def disarm(self) -> None:
        self.number = 0

    def execute(self, sql: str, values: Sequence[Value] = ()) -> None:
        with self._failing(sql):
            super().execute(sql, values)

    def execute_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        with self._failing(sql):
            super().execute_many(sql, rows)

    def query(self, sql: str, values: Sequence[Value] = ()) -> Iterator[tuple[Any, ...]]:
        with self._failing(sql):
            found = list(super().query(sql, values))
        yield from found

    def row(self, sql: str, values: Sequence[Value] = ()) -> tuple[Any, ...] | None:
        with self._failing(sql):
            return super().row(sql, values)

    @contextmanager
    def _failing(self, sql: str) -> Iterator[None]:
        fails = self._fails(sql)
        # What has begun or committed a transaction has done so for good.
        after = self.mode == "after" and sql not in {"BEGIN IMMEDIATE", "COMMIT"}
        if fails and not after:
            raise Unavailable("the disk failed")
        yield
        if fails:
            raise Unavailable("the disk failed")

    def _fails(self, sql: str) -> bool:
        if not self.number or sql == "ROLLBACK":  # which SQLite can always do: it only forgets
            return False
        self.count += 1
        if self.count == self.number:
            self.failed = sql
            return True
        return self.mode == "from then on" and self.count > self.number


def first_block(office: Office) -> list[Command]:
    agencies = [(name, AgencyFields(name, (key_of(name).public.text,))) for name in (LAND, COURT)]
    return [genesis(ORIGIN, agencies, f"agency:{LAND}")]


def opened(office: Office) -> None:
    office.begin()
    office.define("title", scopes=["land"])


def one_entry(office: Office) -> list[Command]:
    opened(office)
    return [office.draft(title("one"))]


def up_to_a_full_bundle(office: Office) -> list[Command]:
    opened(office)
    office.take(office.draft(*(title(f"a{number}") for number in range(240))))
    return [office.draft(*(title(f"b{number}") for number in range(256 - office.store.head.size)))]


def over_two_full_bundles(office: Office) -> list[Command]:
    opened(office)
    office.take(office.draft(*(title(f"a{number}") for number in range(200))))
    return [office.draft(*(title(f"b{number}") for number in range(400)))]


def index_pages_that_split(office: Office) -> list[Command]:
    opened(office)
    for block in range(3):
        office.time += 1
        office.take(office.draft(*(title(f"{block} {number}") for number in range(40))))
    office.time += 1
    return [office.draft(*(title(f"b{number}") for number in range(60)))]


def amendments(office: Office) -> list[Command]:
    opened(office)
    office.take(office.draft(*(title(f"a{number}") for number in range(80))))
    return [office.draft(*(title(f"a{number}", 2) for number in range(80)), title("a7", 3))]


def one_that_waits(office: Office) -> list[Command]:
    opened(office)
    office.define("deed", policy=BOTH)
    return [office.draft(title("one", register="deed"))]


def the_last_endorsement(office: Office) -> list[Command]:
    waiting = one_that_waits(office)
    office.take(*waiting)
    (pending,) = office.store.waiting()
    return [Endorse(pending.hash, endorse(pending.hash, key_of(COURT)))]


def one_that_lapses(office: Office) -> list[Command]:
    office.take(*one_that_waits(office))
    office.time += 86_401
    return [office.draft(title("other"))]


def claims_and_references(office: Office) -> list[Command]:
    opened(office)
    held: dict[str, Any] = {
        "claims": (Claim("land", "address", DIGEST),),
        "references": (Reference("of", "title", "house"),),
    }
    office.take(office.draft(title("house"), title("garden")))
    office.take(office.draft(title("one", **held), title("two", claims=(Claim("land", "address", OTHER),))))
    moved: dict[str, Any] = {
        "claims": (Claim("land", "name", DIGEST),),
        "references": (Reference("of", "title", "garden"),),
    }
    return [office.draft(title("one", 2, **moved), title("two", 2))]


def several_commands(office: Office) -> list[Command]:
    opened(office)
    first = office.draft(title("one", references=(Reference("of", "title", "one"),)))
    office.take(first)
    away = office.draft(title("one", 2))
    again = office.draft(title("one", 3, references=(Reference("of", "title", "one"),)))
    return [away, again, office.draft(title("two"))]


def an_index_entry_of_the_next_second(office: Office) -> list[Command]:
    opened(office)
    office.take(office.draft(title("one")))
    office.time += 1
    return [office.draft(title("two"))]


SHAPES: dict[str, Callable[[Office], list[Command]]] = {
    each.__name__.replace("_", " "): each
    for each in (
        first_block,
        one_entry,
        up_to_a_full_bundle,
        over_two_full_bundles,
        index_pages_that_split,
        amendments,
        one_that_waits,
        the_last_endorsement,
        one_that_lapses,
        claims_and_references,
        several_commands,
        an_index_entry_of_the_next_second,
    )
}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "PAGE", 20)
    monkeypatch.setattr(pages, "MAX_DIRTY", 50 * PAIR)
    monkeypatch.setattr(pages, "MAX_CLEAN", 2)
    monkeypatch.setattr(pages, "MAX_LAG", 150)


def lasting(rows: dict[str, list[tuple[object, ...]]]) -> dict[str, list[tuple[object, ...]]]:
    """The rows that the log alone decides. How far the index's pages are written depends on the life of the process."""
    return {table: rows[table] for table in rows if table not in {"page", "head"}}


def without_faults(path: Path, shape: str) -> tuple[object, ...]:
    office = Office(Sqlite(path))
    office.take(*SHAPES[shape](office))
    result = summary(office.store), lasting(dump(office.store.database))
    office.store.close()
    return result


def reopened(path: Path) -> tuple[object, ...]:
    store = Store(Sqlite(path))
    found = summary(store)
    store.database.close()
    return found


@pytest.mark.parametrize("mode", ["before", "after", "from then on"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_fault_at_any_statement_leaves_what_was(tmp_path: Path, shape: str, mode: str) -> None:
    path = tmp_path / "store.db"
    database = Faulty(path)
    office = Office(database)
    commands = SHAPES[shape](office)
    before, rows = summary(office.store), dump(database)
    number, failed = 0, []
    while True:
        number += 1
        database.arm(number, mode)
        try:
            office.take(*commands)
        except Unavailable:
            failed.append(str(database.failed))
            database.disarm()
        else:
            database.disarm()
            break
        assert dump(database) == rows
        assert reopened(path) == before
        if mode != "from then on":
            assert summary(office.store) == before
    assert database.failed is None
    assert {"BEGIN IMMEDIATE", "COMMIT"} < set(failed)
    assert (summary(office.store), lasting(dump(database))) == without_faults(tmp_path / "plain.db", shape)
    assert reopened(path) == summary(office.store)
    office.store.close()
    assert reopened(path) == without_faults(tmp_path / "plain again.db", shape)[0]


def test_every_table_is_written_by_one_shape_or_another(tmp_path: Path) -> None:
    written = set()
    for number, shape in enumerate(SHAPES):
        office = Office(Sqlite(tmp_path / f"{number}.db"))
        commands = SHAPES[shape](office)
        before = dump(office.store.database)
        office.take(*commands)
        after = dump(office.store.database)
        written |= {table for table in after if after[table] != before[table]}
    assert written == set(after) - {"document", "chunk", *OF_ITEMS}


def refuse(*_: object) -> None:
    raise Unavailable("the key is locked")


def test_what_could_not_be_remembered_after_a_commit_is_made_up_for_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(Sqlite(tmp_path / "store.db"))
    commands = one_entry(office)
    size, signed = office.store.head.size, office.signer.remembered
    with monkeypatch.context() as broken:
        broken.setattr(office.signer, "remember", refuse)
        outcome = office.take(*commands)
        assert outcome is not None
        assert (outcome.standing, outcome.first) == (Standing.TAKEN, size)
        before, rows = summary(office.store), dump(office.store.database)
        with pytest.raises(Unavailable, match="the key is locked"):
            office.take(office.draft(title("two")))
        assert (summary(office.store), dump(office.store.database)) == (before, rows)
    office.take(office.draft(title("two")))
    assert office.store.head.size == size + 2
    assert office.signer.remembered == signed + 2


def test_a_commit_whose_answer_is_lost_is_repeated_without_doubling(tmp_path: Path) -> None:
    office = Office(Sqlite(tmp_path / "store.db"))
    commands = one_entry(office)
    office.machine.apply(office.time, commands)
    office.machine.commit()
    size = office.store.head.size
    outcome = Office(Sqlite(tmp_path / "store.db")).take(*commands)
    assert outcome is not None
    assert (outcome.standing, outcome.first, outcome.count) == (Standing.REPEATED, size - 1, 1)
    assert Store(Sqlite(tmp_path / "store.db")).head.size == size


def test_a_signer_that_refuses_stops_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(Sqlite(tmp_path / "store.db"))
    commands = one_entry(office)
    size, before, rows = office.store.head.size, summary(office.store), dump(office.store.database)
    with monkeypatch.context() as broken:
        broken.setattr(office.signer, "sign", refuse)
        with pytest.raises(Unavailable, match="the key is locked"):
            office.take(*commands)
    assert (summary(office.store), dump(office.store.database)) == (before, rows)
    office.take(*commands)
    assert office.store.head.size == size + 1
