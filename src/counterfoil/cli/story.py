"""The demonstration, chapter by chapter."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from counterfoil.cli.entries import entry_lines, shown
from counterfoil.cli.options import read_input, reading, write_output, writing
from counterfoil.cli.output import Output, columns, flush, printable
from counterfoil.cli.people import load_people, people_to_try
from counterfoil.cli.tampering import change_one_byte
from counterfoil.examples import companies, registers_folder
from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.home_audit.keyless import BACKUP
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import Entry
from counterfoil.proof.report import VALID
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.registry.beginning import genesis_size
from counterfoil.registry.history import Clock, as_known, differences
from counterfoil.registry.prove import prove_record
from counterfoil.registry.rsf.importing import import_rsf
from counterfoil.registry.rsf.reading import read_rsf
from counterfoil.registry.table.importing import import_table
from counterfoil.registry.table.mapping import load_mapping
from counterfoil.registry.table.reading import open_table

if TYPE_CHECKING:
    from counterfoil.node import Node

REGISTER: Final = "country"
RECORD: Final = "CZ"
NAME: Final = "Czechia"
DAY: Final = "2016-06-01"
"""A day on which the Czech Republic was not called Czechia yet."""


class Expected(msgspec.Struct):
    """A register's root as the Government Digital Service published it."""

    register: str
    root_asserted_at_user_entries: int
    root_hash: str


class Story:
    """Tells the demonstration in `folder`; `as_told` is whether everything came out as it must.

    `people`: how many made-up people are loaded beside, and the seed they come from.
    """

    def __init__(self, output: Output, folder: Path, people: tuple[int, int] | None = None):
        self._output = output
        self._people = people
        self._home = Home(folder)
        # What can be deleted and is made again lies there, so that the audit does not take it for a stray.
        self._proof = self._home.cache / "czechia.proof.json"
        self._latest: Entry
        self.as_told = True
        self.document: dict[str, Any] = {"home": str(folder)}

    def tell(self, *, serve: bool = False) -> None:
        """Every chapter in turn; `serve`: the installation is served right after."""
        with writing(self._home.folder, title="Demonstration") as node:
            self._import(node)
        with reading(self._home.folder) as node:
            self._show(node)
            self._prove(node)
        self._tamper()
        self._go_on(serve=serve)

    def _chapter(self, number: int, title: str, *lines: str) -> None:
        self._output.say()
        self._output.say(f"{number}. {title}", "bold")
        for line in lines:
            self._output.say(f"   {line}")
        self._output.say()
        flush()

    def _said(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._output.say(f"   {line}".rstrip())

    def _expect(self, said: str, *, well: bool) -> None:
        """A line with a mark; the demonstration is as told if every such line is well."""
        self.as_told = self.as_told and well
        mark = self._output.styled("✓", "green") if well else self._output.styled("✗", "red")
        self._output.say(f"   {mark} {said}")
        flush()

    def _import(self, node: Node) -> None:
        self._chapter(
            1,
            "Fourteen registers of the UK government, imported with their history, and a table of companies",
            "Each register publishes roots of its own Merkle tree. Every one is computed again from the entries.",
        )
        data = read_input(registers_folder() / "expected-roots.json")
        for expected in msgspec.json.decode(data, type=list[Expected]):
            self._import_one(node, expected)
        self._import_companies(node)
        if self._people is not None:
            self._load_people(node, *self._people)
        node.settle()
        self.document["entries"] = node.store.head.size
        self.document["root"] = labelled(node.store.log.root())
        self._said(
            ["", f"The ledger now has {node.store.head.size:,} entries and one root over all of them,"]
        )
        self._said([f"{self.document['root']}."])

    def _import_one(self, node: Node, expected: Expected) -> None:
        path = registers_folder() / f"{expected.register}.rsf"
        with self._output.progress(f"import {expected.register}", "entries") as tell:
            file = read_rsf(path.read_bytes())
            imported = import_rsf(node, file, progress=tell)
        asserted = {(assertion.user_entries, assertion.root) for assertion in file.assertions}
        same = (expected.root_asserted_at_user_entries, expected.root_hash) in asserted
        count = f"{imported.entries:>5,} entries" + ("" if imported.added else ", here already")
        self._expect(
            f"{count}, root {expected.root_hash[8:24]}… as published: {expected.register}", well=same
        )
        self._output.tell({**imported._asdict(), "published_root": expected.root_hash, "reproduced": same})

    def _import_companies(self, node: Node) -> None:
        path, mapping_file = companies()
        mapping = load_mapping(read_input(mapping_file))
        register = mapping.register or path.stem
        if self._people is not None:
            register = f"listed-{register}"  # the made-up companies are in the register of that name
        with open_table(path, mapping) as table:
            imported = import_table(node, table, mapping, register)
        here = imported.created + imported.amended
        count = f"{here:>5,} entries" + ("" if here else ", here already")
        self._expect(f"{count}, from a table in CSV: {register}", well=not imported.refused)
        self._output.tell({"register": register, "created": imported.created, "refused": imported.refused})

    def _load_people(self, node: Node, count: int, seed: int) -> None:
        loaded = load_people(self._output, node, count, seed)
        new = sum(loaded["registers"].values())
        self._expect(
            f"{new:>5,} changes to records of {count:,} people, of whom none exists"
            + ("" if new else ", here already")
            + f"; {loaded['decided']:,} decided by a second officer",
            well=not loaded["faults"],
        )
        self._said(f"  {printable(each)}" for each in loaded["faults"][:3])
        self._output.tell(loaded)
        self.document["people"] = loaded

    def _show(self, node: Node) -> None:
        self._chapter(
            2,
            "A record through time",
            "Nothing is overwritten: a change is a new entry that names the hash of the one before.",
        )
        entries = sorted(node.history(REGISTER, RECORD), key=lambda entry: entry.version)
        self._latest = entries[-1]
        for entry in entries:
            self._said(entry_lines(entry))
        changes = [each for each in differences(entries[0], entries[-1]) if each.field in entries[0].fields]
        self._said(
            f"changed: {each.field}, from {shown(each.before)} to {shown(each.after)}" for each in changes
        )
        answer = as_known(entries, known=DAY, clock=Clock.BOOK)
        name = answer.entry.fields["name"] if answer.entry else None
        self._said([""])
        self._expect(
            f"as the book knew it on {DAY}, the country was called {name}", well=name == "Czech Republic"
        )
        self._output.tell(
            {"register": REGISTER, "record": RECORD, "versions": len(entries), "known": {DAY: name}}
        )

    def _prove(self, node: Node) -> None:
        self._chapter(
            3,
            "A proof that anyone can check",
            "One file shows both versions, that there is no later one, who endorsed them, and the log's signed root.",
        )
        self._home.cache.mkdir(mode=0o700, exist_ok=True)
        bundle = prove_record(
            node.store, REGISTER, RECORD, versions="all", genesis_size=genesis_size(node.store)
        )
        data = bundle.encode()
        write_output(self._proof, data)
        self._said([f"{self._proof}: {len(data):,} bytes", f"{self._home.trust}: whose signatures count", ""])
        report = verify(data, Trust.parse(read_input(self._home.trust)))
        for step in report.steps:
            self._expect(f"{step.name}: {step.detail}", well=step.passed is not False)
        level = f", {report.level}" if report.level else ""
        self._expect(f"verdict: {report.verdict}{level}", well=report.verdict == VALID)
        self.document |= {
            "proof": str(self._proof),
            "trust": str(self._home.trust),
            "verdict": report.verdict,
        }

    def _tamper(self) -> None:
        self._chapter(
            4,
            "One stored byte, changed",
            "In a copy of the store, by somebody who gets at the disk, knows this program, and mends its checksums.",
        )
        with tempfile.TemporaryDirectory(prefix="counterfoil-copy-") as folder:
            copy = Home(Path(folder) / "copy")
            # The secret keys stay where they are: the audit of a copy can do without.
            beside = shutil.ignore_patterns("keys", "cache", "*-wal", "*-shm")
            shutil.copytree(self._home.folder, copy.folder, ignore=beside)
            (copy.folder / BACKUP).touch()
            changed = change_one_byte(copy.store, self._latest.number, NAME.encode())
            audited = audit_home(copy)
        said = f"{NAME!r} now reads {changed.after + NAME[1:]!r}: byte {changed.offset} of entry {self._latest.number}"
        self._said([said, "", "The audit of the copy:", ""])
        self._said(f"  {printable(finding.sentence)}" for finding in audited.findings[:3])
        self._said([""])
        named = any(finding.number == self._latest.number for finding in audited.findings)
        self._expect("the audit names the entry, its record and its version", well=named)
        healthy = audit_home(self._home)
        self._expect(
            f"and finds nothing in the original's {healthy.entries:,} entries", well=not healthy.found
        )
        self.document |= {"tampered": audited.findings[:3], "faults": healthy.found}

    def _go_on(self, *, serve: bool) -> None:
        home = self._home.folder
        self._chapter(5, "What to try next, in another terminal" if serve else "What to try next")
        calls = [
            ("every register", f"counterfoil register --home {home}"),
            ("another record's history", f"counterfoil history country CI --home {home}"),
            ("verify it yourself", f"counterfoil verify {self._proof} --trust {self._home.trust}"),
            (
                "that there is none",
                f"counterfoil prove country ZZ --absent --home {home} --out no-zz.proof.json",
            ),
            ("a register of your own", f"counterfoil register create tree --key number --home {home}"),
            ("and its first record", f"counterfoil record create tree 1 --field kind=oak --home {home}"),
            ("look for faults", f"counterfoil audit --home {home}"),
        ]
        if self._people is not None:
            calls += people_to_try(home)
        self._said(columns(calls))
        if not self.as_told:
            self._said(
                [
                    "",
                    self._output.styled(
                        "Something did not come out as it must; see the lines marked ✗.", "red"
                    ),
                ]
            )
