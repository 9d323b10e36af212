"""The bench of personal registers, over a handful of persons: what it does is what it says it measures."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import apsw
import pytest

from counterfoil.bench import personal, personal_served
from counterfoil.bench.appends import BareTable
from counterfoil.bench.measure import Figure
from counterfoil.bench.personal_rows import (
    REGISTER,
    born,
    changes,
    define,
    family_of,
    given_of,
    number_of,
    rows,
)
from counterfoil.errors import Refused
from counterfoil.home import Home
from counterfoil.home_audit.audit import audit_home
from counterfoil.node import Node
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.registrar import Registrar
from counterfoil.registry.personal.searching import Query, Term

SOME = 12


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bench that enters few persons, and once."""
    for module, sizes in (
        (personal, {"BATCH": 10, "BATCHES": 2, "SEGMENTS": 2, "ROUNDS": 2, "SEARCHES": 5, "PROGRESS": 50}),
        (personal_served, {"BATCH": 10, "PERSONS": 20, "READS": 130, "ROUNDS": 1}),
    ):
        for name, size in sizes.items():
            monkeypatch.setattr(module, name, size)


def test_no_two_persons_have_one_number_and_names_are_words_of_letters() -> None:
    people = range(100_000)
    assert len({number_of(person) for person in people}) == len(people)
    assert all(family_of(person).isalpha() and given_of(person).isalpha() for person in people)
    assert (min(map(born, people)), max(map(born, people))) == ("1918-01-01", "1997-12-28")


def test_persons_are_entered_by_the_one_write_path_and_the_reference_has_them_in_plain(
    tmp_path: Path,
) -> None:
    with Node.open(tmp_path / "home") as node, closing(BareTable(tmp_path / "bare.db")) as bare:
        define(node)
        subjects = personal.Subjects(node, Registrar(node, node.keyring), bare)
        before = node.store.head.size
        personal.fill(subjects, 0, SOME)
        entries = list(node.entries(before))
        query = Query(REGISTER, (Term("names", f"{family_of(3)} {given_of(3)}", "name"),))
        found = subjects.registrar.search(query).matches
    persons = [entry for entry in entries if b'"register":"person"' in entry]
    assert len(persons) == SOME
    assert not any(family_of(3).encode() in entry or number_of(3).encode() in entry for entry in persons)
    assert [(match.version, match.status) for match in found] == [(1, "alive")]
    plain = list(
        apsw.Connection(str(tmp_path / "bare.db")).execute(
            "SELECT register, record, version, body FROM entry"
        )
    )
    assert sorted(plain) == sorted(rows(changes(0, SOME)))
    assert audit_home(Home(tmp_path / "home")).found == 0


def test_what_is_refused_ends_the_bench(tmp_path: Path) -> None:
    with Node.open(tmp_path / "home") as node, closing(BareTable(tmp_path / "bare.db")) as bare:
        define(node)
        subjects = personal.Subjects(node, Registrar(node, node.keyring), bare)
        personal.fill(subjects, 0, 1)
        with pytest.raises(Refused, match="a record of that key already"):
            subjects.enter(changes(0, 1))
        with pytest.raises(Refused, match="these are no fields for a record of person"):
            subjects.enter([Change(REGISTER, fields={"number": "P-1"}, status="alive")])


@pytest.mark.usefixtures("few")
def test_the_figures_of_import_search_and_audit() -> None:
    taken = list(personal.personal_figures(100))
    assert [(each.name, each.unit, each.limit) for each in taken] == [
        ("personal batch import, over a small store / bare SQLite insert, CPU", "x", 45),
        ("personal batch import, over a small store, CPU", "µs an entry", None),
        ("personal batch import, over a small store", "entries/s", None),
        ("the first 90 persons, with the reference", "entries/s", None),
        ("personal batch import, over 100 persons / bare SQLite insert, CPU", "x", 45),
        ("personal batch import, over 100 persons, CPU", "µs an entry", None),
        ("personal batch import, over 100 persons", "entries/s", 12_000),
        ("search over 100 persons by exact (a day of birth)", "ms", None),
        ("search over 100 persons by name (family and given)", "ms", None),
        ("search over 100 persons by phonetic (both)", "ms", None),
        ("search over 100 persons by name and year", "ms", None),
        ("audit of 140 persons with the keyring", "entries/s", None),
    ]
    assert [each.note for each in taken if each.name.startswith("audit")] == ["0 findings"]
    assert all(_mean(each) >= 1 for each in taken if each.name.startswith("search"))


@pytest.mark.usefixtures("few")
def test_the_figures_of_disclosed_reads() -> None:
    taken = list(personal_served.disclosed_figures())
    assert [(each.name, each.unit, each.limit) for each in taken] == [
        (
            "disclosed read with decryption and proof, 64 clients / plain read of the same record, CPU",
            "x",
            5,
        ),
        ("disclosed read with decryption and proof, 64 clients", "reads/s", None),
        ("disclosed read with decryption, 64 clients / plain read of the same record, CPU", "x", None),
        ("disclosed read with decryption, 64 clients", "reads/s", None),
    ]
    assert [each.rounds for each in taken] == [1, 1, 1, 1]


def _mean(taken: Figure) -> float:
    """How many records a search found in the mean, by its note."""
    return float(taken.note.partition(" ")[0])
