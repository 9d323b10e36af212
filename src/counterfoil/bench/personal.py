"""Personal registers: import with everything on against a bare SQLite insert of the same rows, search, and the audit.

Everything is schema, constraints, salted commitments, encryption, keyring, blind index, Merkle tree and checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Final, NamedTuple

from counterfoil.bench.appends import BATCH, BareTable
from counterfoil.bench.measure import Figure, figure
from counterfoil.bench.personal_rows import ACTING, REGISTER, born, changes, define, family_of, given_of, rows
from counterfoil.errors import CounterfoilError, Unavailable
from counterfoil.home import Home
from counterfoil.home_audit.audit import audit_home
from counterfoil.node import Node
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.registrar import Registrar
from counterfoil.registry.personal.searching import Query, Term

SEGMENTS: Final = 6
BATCHES: Final = 10
"""Batches in a segment: 10,000 entries, and 70,000 rows of the blind index, which is written once for each 65,536."""
SEARCHES: Final = 50
ROUNDS: Final = 5
PROGRESS: Final = 250_000
"""After how many persons it is told how fast they went in."""


class Subjects(NamedTuple):
    """What is compared: the registrar of an open node, and a bare table beside it."""

    node: Node
    registrar: Registrar
    bare: BareTable

    def enter(self, batch: Sequence[Change]) -> None:
        """Enter persons by the one write path. Raises what refuses them."""
        submission = self.registrar.prepare(batch, ACTING).submission
        if submission is None:
            raise Unavailable("a second officer would have to decide these persons; nothing is measured then")
        (answer,) = self.node.submit_all([submission])
        if isinstance(answer, CounterfoilError):
            raise answer


def personal_figures(records: int) -> Iterator[Figure]:
    """Batches of 1,000 persons over a small store and over `records`; then searches in it, and its audit."""
    with TemporaryDirectory(prefix="bench-") as name:
        home = Path(name) / "home"
        with Node.open(home) as node, closing(BareTable(Path(name) / "bare.db")) as bare:
            define(node)
            subjects, numbers = Subjects(node, Registrar(node, node.keyring), bare), count(0, BATCH)
            yield from _segments("over a small store", subjects, numbers)
            small = next(numbers)
            yield from _fill(subjects, small, records)
            numbers = count(max(small, records), BATCH)
            yield from _segments(f"over {records:,} persons", subjects, numbers, rate=12_000)
            yield from _searches(subjects, records)
        yield _audit(home, next(numbers))


def fill(subjects: Subjects, first: int, end: int) -> None:
    """Enter persons from a number up to another."""
    for start in range(first, end, BATCH):
        batch = changes(start, min(BATCH, end - start))
        subjects.enter(batch)
        subjects.bare.insert(rows(batch))


def _fill(subjects: Subjects, first: int, records: int) -> Iterator[Figure]:
    """Tells at times how it goes: a million takes minutes."""
    for start in range(first, records, PROGRESS):
        end, began = min(start + PROGRESS, records), perf_counter()
        fill(subjects, start, end)
        if end < records:
            rate = (end - start) / (perf_counter() - began)
            yield figure(f"the first {end:,} persons, with the reference", [rate], "entries/s")


def _segments(
    name: str, subjects: Subjects, numbers: count[int], rate: float | None = None
) -> Iterator[Figure]:
    above, below, elapsed = [], [], []
    for segment in range(SEGMENTS):
        batches = [changes(next(numbers), BATCH) for _ in range(BATCHES)]
        plain = [rows(each) for each in batches]
        for subject in (True, False) if segment % 2 else (False, True):
            start, began = process_time(), perf_counter()
            if subject:
                for each in batches:
                    subjects.enter(each)
                above.append(process_time() - start)
                elapsed.append(perf_counter() - began)
            else:
                for each_rows in plain:
                    subjects.bare.insert(each_rows)
                below.append(process_time() - start)
    entries = BATCH * BATCHES
    ratios = [one / other for one, other in zip(above, below, strict=True)]
    fields, size = len(batches[0][0].fields), len(plain[0][0][3])
    note = f"{fields} fields, {size} bytes in plain; totals {sum(above) / sum(below):.2f}"
    yield figure(f"personal batch import, {name} / bare SQLite insert, CPU", ratios, "x", limit=45, note=note)
    yield figure(
        f"personal batch import, {name}, CPU", [each / entries * 1e6 for each in above], "µs an entry"
    )
    yield figure(
        f"personal batch import, {name}",
        [entries / each for each in elapsed],
        "entries/s",
        limit=rate,
        at_least=rate is not None,
    )


def _searches(subjects: Subjects, records: int) -> Iterator[Figure]:
    """Each kind of search, for persons who are there."""
    several: dict[str, Callable[[int], tuple[Term, ...]]] = {
        "exact (a day of birth)": lambda person: (Term("date-of-birth", born(person)),),
        "name (family and given)": lambda person: (
            Term("names", f"{family_of(person)} {given_of(person)}", "name"),
        ),
        "phonetic (both)": lambda person: (
            Term("names", f"{family_of(person)} {given_of(person)}", "phonetic"),
        ),
        "name and year": lambda person: (
            Term("names", family_of(person), "name"),
            Term("date-of-birth", born(person)[:4], "year"),
        ),
    }
    step = max(1, records // SEARCHES)
    for kind, terms in several.items():
        values, found = [], 0
        for round_ in range(ROUNDS):
            people = range(round_, records, step)
            start, found = perf_counter(), 0
            for person in people:
                found += len(subjects.registrar.search(Query(REGISTER, terms(person))).matches)
            values.append((perf_counter() - start) / len(people) * 1e3)
        note = f"{found / len(people):.1f} records found in the mean"
        yield figure(f"search over {records:,} persons by {kind}", values, "ms", note=note)


def _audit(folder: Path, persons: int) -> Figure:
    """The audit of the whole installation, in which every item is decrypted and compared with its commitment."""
    start = process_time()
    audited = audit_home(Home(folder))
    rate = audited.entries / (process_time() - start)
    return figure(
        f"audit of {persons:,} persons with the keyring",
        [rate],
        "entries/s",
        note=f"{audited.found} findings",
    )
