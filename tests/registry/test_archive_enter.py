"""Registers of another ledger entered from an archive: each entry names the one there that it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from counterfoil.engine.submission import Receipt
from counterfoil.errors import Malformed, NotFound, Unavailable, Unverified
from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.proof.trust import Trust
from counterfoil.registry.archive.entering import enter_archive
from counterfoil.registry.archive.survey import verify_archive
from tests.recovery.sample import archive_of
from tests.store.sample import COURT_KEY, DEEDS, Clock, build, title

OTHER = "ledger.example/other"
AGENCY = "EE/GOV/ARCHIVE"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger that the archives are of; shared."""
    folder = tmp_path_factory.mktemp("old") / "home"
    build(folder)
    return folder


@pytest.fixture(scope="module")
def whole(old: Path) -> Path:
    return archive_of(Home(old), old.parent / "whole.tar.zst")


@pytest.fixture(scope="module")
def titles(old: Path) -> Path:
    return archive_of(Home(old), old.parent / "titles.tar.zst", ("title", "deed"))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A ledger of another agency's."""
    clock = Clock(1_900_000_000)
    with Node.open(tmp_path / "home", clock=clock, origin=OTHER, agency=AGENCY, title="Archive") as opened:
        yield opened
    assert audit_home(Home(tmp_path / "home")).findings == ()


def source(entry: Entry) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(str(entry.circumstances["source"]))
    return found


def versions(home: Node, register: str, record: str) -> list[Entry]:
    return list(home.history(register, record))[::-1]


def test_every_version_enters_and_names_the_one_that_it_is(old: Path, titles: Path, node: Node) -> None:
    entered = enter_archive(node, titles, ["title"])
    assert (entered.origin, entered.registers) == ("ledger.example/sample", ("title",))
    assert (entered.not_entered, entered.present) == (0, 0)
    assert entered.archive == digest(titles.read_bytes())
    with Node.open(old, read_only=True) as before:
        for record in ("T0", "T3", "T7", "T8", "T2002"):
            theirs, ours = versions(before, "title", record), versions(node, "title", record)
            assert [(entry.version, entry.operation, entry.status, entry.fields) for entry in ours] == [
                (entry.version, entry.operation, entry.status, entry.fields) for entry in theirs
            ]
            for one, other in zip(ours, theirs, strict=True):
                assert one.circumstances["recorded"] == other.time
                assert source(one) == {
                    "archive": entered.archive,
                    "entry": other.number,
                    "origin": "ledger.example/sample",
                }


def test_the_register_is_defined_as_it_was_under_this_agency(old: Path, titles: Path, node: Node) -> None:
    enter_archive(node, titles, ["title"])
    with Node.open(old, read_only=True) as before:
        theirs = before.record(".register", "title")
    ours = node.record(".register", "title")
    assert theirs is not None
    assert ours is not None
    assert ours.fields["source"]["entry"] == theirs.number
    same = {name: value for name, value in ours.fields.items() if name not in {"authority", "source"}}
    assert same == {name: value for name, value in theirs.fields.items() if name != "authority"}
    assert ours.fields["authority"] == AGENCY


def test_what_names_agencies_of_the_other_ledger_stays_behind(whole: Path, node: Node) -> None:
    enter_archive(node, whole, ["agreement"])
    definition = node.record(".register", "agreement")
    assert definition is not None
    assert "policy" not in definition.fields
    node.submit([Proposal("agreement", "new", "create", 1, body={"fields": {}})])


def test_a_record_under_control_enters_with_its_latest_version(titles: Path, node: Node) -> None:
    enter_archive(node, titles, ["title"])
    (only,) = versions(node, "title", "T9")
    assert (only.version, only.operation, only.fields["area"]) == (1, "create", 500)


def test_documents_come_along(titles: Path, node: Node) -> None:
    enter_archive(node, titles, ["deed"])
    for number, deed in enumerate(DEEDS):
        record = node.record("deed", f"D{number}")
        assert record is not None
        assert record.document == digest(deed)
        assert b"".join(node.store.read_document(record.document)) == deed


def test_all_registers_of_a_ledger(old: Path, whole: Path, node: Node) -> None:
    entered = enter_archive(node, whole)
    assert entered.not_entered == 0
    with Node.open(old, read_only=True) as before:
        for register in entered.registers:
            theirs = {name for name in records(before, register) if name != "T9"}
            assert theirs <= records(node, register)


def records(node: Node, register: str) -> set[str]:
    marker = f'"register":"{register}"'.encode()
    entries = (orjson.loads(data) for data in node.entries() if marker in data)
    return {entry["record"] for entry in entries if entry["register"] == register}


def test_an_older_book_s_time_and_source_stay(old: Path, whole: Path, node: Node) -> None:
    enter_archive(node, whole, ["territory"])
    with Node.open(old, read_only=True) as before:
        theirs = before.record("territory", "IM")
    ours = node.record("territory", "IM")
    assert theirs is not None
    assert ours is not None
    assert ours.circumstances["recorded"] == theirs.circumstances["recorded"]
    assert source(ours)["source"] == theirs.circumstances["source"]


def test_a_second_time_adds_nothing(whole: Path, node: Node) -> None:
    first = enter_archive(node, whole)
    size = node.store.head.size
    again = enter_archive(node, whole)
    assert (again.added, again.present, again.not_entered) == (0, first.added, 0)
    assert node.store.head.size == size


def test_an_interrupted_one_goes_on_where_it_stopped(
    whole: Path, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.registry.archive.entering.MAX_PROPOSALS", 50)
    submit = node.submit
    batches = 0

    def stops(proposals: Sequence[Proposal]) -> Receipt:
        nonlocal batches
        batches += 1
        if batches > 3:
            raise Unavailable("the disk is full")
        return submit(proposals)

    with monkeypatch.context() as patched, pytest.raises(Unavailable, match="the disk is full"):
        patched.setattr(node, "submit", stops)
        enter_archive(node, whole, ["title"])
    entered = enter_archive(node, whole, ["title"])
    assert (entered.present, entered.not_entered) == (100, 0)
    assert {"T0", "T179", "T2002"} <= records(node, "title")


def test_whose_signatures_count_can_be_told(old: Path, titles: Path, node: Node) -> None:
    trust = Trust.parse((old / "trust.json").read_bytes())
    assert verify_archive(titles, trust).registers == ("deed", "title")
    assert enter_archive(node, titles, ["deed"], trust=trust).added == 3
    with pytest.raises(Unverified, match=r"not of 'ledger\.example/other'"):
        enter_archive(node, titles, ["title"], trust=Trust.parse(node.home.trust.read_bytes()))


def test_entries_that_are_refused_are_named_and_the_others_enter(titles: Path, node: Node) -> None:
    fields = {"title": "Titles", "authority": AGENCY}
    node.submit([Proposal(".register", "title", "create", 1, body={"fields": fields})])
    node.submit([title("T3")])
    entered = enter_archive(node, titles, ["title"])
    assert {(each.register, each.record) for each in entered.refused} == {("title", "T3")}
    assert entered.refused[0].reason == "another record of this name is here already"
    assert entered.not_entered == len(entered.refused) == 3
    assert {"T2", "T4", "T2002"} <= records(node, "title")
    (only,) = versions(node, "title", "T3")
    assert "source" not in only.circumstances


def test_what_a_schema_refuses_keeps_its_later_versions_out_too(titles: Path, node: Node) -> None:
    schema = {"type": "object", "properties": {"id": {"not": {"const": "T6"}}}}
    fields = {"title": "Titles", "authority": AGENCY, "schema": schema}
    node.submit([Proposal(".register", "title", "create", 1, body={"fields": fields})])
    entered = enter_archive(node, titles, ["title"])
    reasons = [each.reason for each in entered.refused]
    assert {each.record for each in entered.refused} == {"T6"}
    assert "does not conform to its register's schema" in reasons[0]
    assert set(reasons[1:]) == {"version 1 of its record is not here"}


def test_what_waits_for_others_is_taken_back(titles: Path, node: Node) -> None:
    policy = {"require": 2, "of": [f"agency:{AGENCY}", f"key:{COURT_KEY.public.text}"]}
    fields = {"title": "Deeds", "authority": AGENCY, "policy": policy}
    node.submit([Proposal(".register", "deed", "create", 1, body={"fields": fields})])
    entered = enter_archive(node, titles, ["deed"])
    assert (entered.added, entered.not_entered) == (0, 3)
    assert {each.reason for each in entered.refused} == {"it asks for the endorsement of another"}
    assert list(node.store.waiting()) == []


def test_what_the_archive_does_not_hold(titles: Path, node: Node, tmp_path: Path) -> None:
    size = node.store.head.size
    with pytest.raises(NotFound, match="does not hold the register 'mortgage'"):
        enter_archive(node, titles, ["mortgage"])
    with pytest.raises(NotFound, match="there is no file"):
        enter_archive(node, tmp_path / "nothing")
    with pytest.raises(Unavailable):
        enter_archive(node, tmp_path)
    assert node.store.head.size == size


def test_a_damaged_archive_enters_nothing(titles: Path, node: Node, tmp_path: Path) -> None:
    data = bytearray(titles.read_bytes())
    data[-1] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    size = node.store.head.size
    with pytest.raises(Malformed, match="damaged or no archive"):
        enter_archive(node, tmp_path / "damaged")
    assert node.store.head.size == size
