"""Importing into personal registers: good rows go in together, each bad one is told of by itself, nothing twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import Conflict, CounterfoilError
from counterfoil.madeup.country import people
from counterfoil.office.beginning import define_shipped, defining
from counterfoil.office.importing import Importing, Listeners, import_rows
from counterfoil.office.line import Line, Paper, encode_line
from counterfoil.office.shaping import Shaping, load_shaping
from counterfoil.office.wanted import LineReader, Reader, TableReader
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Proposal
from counterfoil.registers import names
from counterfoil.registry.table.entering import Refusal
from counterfoil.registry.table.mapping import Mapping
from counterfoil.registry.table.reading import open_table
from tests.office.house import OPERATOR, SECOND, House, copies


class Import:
    """One import by the operator into a house, and what was told of it."""

    def __init__(self, house: House, *, decided: bool = False):
        self.house = house
        self.refused: list[Refusal] = []
        self.cases: list[str] = []
        self.transactions = 0
        self._decided = decided

    def lines(self, lines: Sequence[Line | bytes]) -> Importing:
        """Import a file of lines."""
        file = self.house.folder.parent / "lines.jsonl"
        file.write_bytes(b"".join(encode_line(each) if isinstance(each, Line) else each for each in lines))
        return self._run(file, Mapping(format="jsonl"), LineReader(defining(self.house.node)))

    def table(self, content: str, shaping: Shaping) -> Importing:
        """Import a table of persons in CSV."""
        file = self.house.folder.parent / "persons.csv"
        file.write_text(content)
        with open_table(file, shaping.mapping) as table:
            reader = TableReader(table, shaping, self.house.node.definition("person"))
        return self._run(file, shaping.mapping, reader)

    @property
    def told(self) -> list[tuple[int, str | None, str]]:
        """The line, column and reason of each row refused."""
        return [(each.line, each.column, each.reason) for each in self.refused]

    def _run(self, file: Path, mapping: Mapping, reader: Reader) -> Importing:
        listeners = Listeners(self.refused.append, self._lay)
        importing = Importing(self.house.office, self._submit, OPERATOR, reader, listeners)
        with open_table(file, mapping) as table:
            assert import_rows(importing, table) is None
        return importing

    def _submit(self, submission: Submission) -> Receipt:
        self.transactions += 1
        (answer,) = self.house.node.submit_all([submission])
        if isinstance(answer, CounterfoilError):
            raise answer
        return answer

    def _lay(self, case: str) -> None:
        self.cases.append(case)
        if self._decided:
            self.house.office.decide(case, SECOND, approved=True, reason="seen and found right")


def counted(importing: Importing) -> dict[str, int]:
    """What is not nought of the counts."""
    return {name: count for name, count in importing.counts.items() if count}


def person(number: str, family: str = "Ostrandel", **fields: Json) -> Line:
    """A person who comes into the register."""
    stated: dict[str, Json] = {
        "number": number,
        "names": [{"script": "Latn", "use": "birth", "family": family}],
        "sex": "female",
        "date-of-birth": "1970-01-02",
    }
    return Line("person", {**stated, **{name.replace("_", "-"): value for name, value in fields.items()}})


def marriage(number: str, first: str, second: str, **more: Json) -> Line:
    """A marriage."""
    fields: dict[str, Json] = {
        "entry-number": number,
        "district": "13",
        "spouse-a": first,
        "spouse-b": second,
        "date": "2001-05-05",
        "place": {"country": "ZZZ"},
        "type": "civil",
    }
    return Line("marriage", {**fields, **more})


def death(number: str, deceased: str, date: str = "2010-10-10") -> Line:
    """A death."""
    place: Json = {"country": "ZZZ"}
    fields: dict[str, Json] = {
        "entry-number": number,
        "type": "ordinary",
        "district": "13",
        "deceased": deceased,
    }
    return Line("death", {**fields, "date": date, "place": place})


# A made-up country


def test_a_made_up_country_breaks_no_constraint(house: House) -> None:
    lines = list(people(250, 11))
    run = Import(house, decided=True)
    importing = run.lines(lines)
    assert run.told == []
    assert importing.counts["rows"] == len(lines) == sum(importing.registers.values())
    assert len(run.cases) == importing.counts["waiting"] > 0
    assert house.office.cases() == []
    for line in lines:
        if line.register == "person":
            assert house.latest("person", str(line.fields["number"])).version >= 1


def test_imported_again_it_adds_nothing(house: House) -> None:
    lines = list(people(60, 12))
    Import(house).lines(lines)
    size, cases = house.node.store.head.size, house.office.cases()
    again = Import(house).lines(lines)
    assert again.counts["unchanged"] + again.counts["waiting"] == len(lines)
    assert (house.node.store.head.size, house.office.cases()) == (size, cases)


def test_interrupted_it_goes_on_where_it_stopped(house: House, bare: Path, tmp_path: Path) -> None:
    lines = list(people(80, 13))
    Import(house, decided=True).lines(lines[:50])
    rest = Import(house, decided=True).lines(lines)
    assert rest.counts["unchanged"] == 50
    assert rest.counts["created"] + rest.counts["amended"] + rest.counts["waiting"] == len(lines) - 50


def test_its_lines_become_few_transactions(house: House) -> None:
    run = Import(house)
    run.lines([person(f"ZZ-P{number:04}") for number in range(1500)])
    assert run.transactions == 2


# Refusals


def test_a_line_that_is_illegal_is_refused_with_its_reason_and_the_others_go_in(house: House) -> None:
    lines = [person(f"ZZ-P{number:03}") for number in range(40)]
    child = person("ZZ-CHILD", date_of_birth="1999-09-09")
    run = Import(house)
    importing = run.lines(
        [
            *lines,
            child,
            marriage("13/2001/1", "ZZ-P001", "ZZ-CHILD"),
            marriage("13/2001/2", "ZZ-P002", "ZZ-P003"),
        ]
    )
    ((line, column, reason),) = run.told
    assert (line, column) == (42, "spouse-b")
    assert "age-of-spouse-b" in reason
    assert counted(importing) == {"rows": 43, "created": 42, "refused": 1}


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (b'{"register":"nowhere","fields":{"a":"b"}}\n', None, "there is no register 'nowhere'"),
        (b'{"register":"person","fields":"all"}\n', None, "the line is not in form"),
        (b'{"register":"person","fields":{},"sex":"female"}\n', None, "unknown field `sex`"),
        (b"{not json}\n", None, "the line is no JSON"),
        (
            b'{"register":"person","fields":{"number":"ZZ-1","weight":70.5}}\n',
            None,
            "a number that is not whole",
        ),
        (
            encode_line(person("ZZ-1", sex="Geheim")),
            "sex",
            "a record of person: sex is one of female, male, other",
        ),
        (encode_line(person("ZZ-1", mother="ZZ-2")), "mother", "parents-registered"),
        (encode_line(person("ZZ-1", date_of_birth="2999-01-01")), "date-of-birth", "born-already"),
        (
            encode_line(Line("person", {"sex": "male"}, "amend", "ZZ-1")),
            None,
            "there is no such record in person",
        ),
        (encode_line(Line("person", {"number": "ZZ-1"}, circumstances={"mood": "x"})), None, "'mood'"),
    ],
)
def test_a_line_that_cannot_be_taken_is_refused_alone(
    house: House, line: bytes, column: str | None, reason: str
) -> None:
    run = Import(house)
    importing = run.lines([person("ZZ-A"), line, person("ZZ-B")])
    ((number, told_column, told),) = run.told
    assert (number, told_column) == (2, column)
    assert reason in told
    assert counted(importing) == {"rows": 3, "created": 2, "refused": 1}


def test_no_reason_repeats_what_a_line_says(house: House) -> None:
    run = Import(house)
    secret = "Qwertzuiop"
    bad: list[Json] = [secret, [secret], {secret: secret}, 1.5]
    run.lines(
        [person("ZZ-A", sex=each) for each in bad] + [person(f"{secret}\0")] + [person("ZZ-B", names=secret)]
    )
    assert len(run.told) == 6
    assert not [reason for _, _, reason in run.told if secret in reason]


def test_what_is_there_and_says_something_else_is_refused(house: House) -> None:
    Import(house).lines([person("ZZ-A", "Ostrandel")])
    run = Import(house)
    assert counted(run.lines([person("ZZ-A", "Corvafell")])) == {"rows": 1, "refused": 1}
    assert "has a record of that key already" in run.refused[0].reason


def test_many_faults_among_many_lines_are_all_found(house: House) -> None:
    lines = [
        person(f"ZZ-P{number:03}", **({"mother": "ZZ-NONE"} if number % 37 == 5 else {}))
        for number in range(300)
    ]
    run = Import(house)
    importing = run.lines(lines)
    assert [line for line, _, _ in run.told] == [number + 1 for number in range(300) if number % 37 == 5]
    assert importing.counts["created"] == 300 - len(run.told)


# What follows one another


def test_changes_of_one_record_in_one_file_follow_one_another(house: House) -> None:
    run = Import(house)
    address: Json = {"lines": ["1 Bell Yard"], "country": "ZZZ"}
    lines = [
        person("ZZ-A"),
        Line("person", {"address": address}, "amend", "ZZ-A"),
        Line("person", {"address": None, "nationality": ["ZZZ"]}, "amend", "ZZ-A"),
    ]
    importing = run.lines(lines)
    assert (run.told, counted(importing)) == ([], {"rows": 3, "created": 1, "amended": 2})
    shown = house.shown("person", "ZZ-A", "civil-registration").fields
    assert "address" not in shown
    assert shown["nationality"] == ["ZZZ"]
    assert shown["names"] == person("ZZ-A").fields["names"]


def test_both_spouses_may_die_in_one_file(house: House) -> None:
    run = Import(house)
    run.lines([person("ZZ-A"), person("ZZ-B"), marriage("13/2001/1", "ZZ-A", "ZZ-B")])
    importing = run.lines([death("13/2010/1", "ZZ-A"), death("13/2011/1", "ZZ-B", "2011-11-11")])
    assert (run.told, counted(importing)) == ([], {"rows": 2, "created": 2})
    assert run.transactions == 3
    assert house.latest("marriage", "13/2001/1").status == "widowed"


def test_who_owned_land_before_dying_did_own_it(house: House) -> None:
    owned: Json = [{"party": {"person": "ZZ-A"}, "share": "1"}]
    fields: dict[str, Json] = {
        "title": "ZZ-T1",
        "kind": "basic-property-unit",
        "first-registered": "2002-02-02",
        "spatial-units": [{"id": "1", "district": "13"}],
        "ownership": owned,
        "conveyances": [{"to": {"person": "ZZ-A"}, "share": "1"}],
    }
    run = Import(house)
    title = Line("land-title", fields, control="agency:{authority}")
    importing = run.lines([person("ZZ-A"), title, death("13/2010/1", "ZZ-A")])
    assert (run.told, counted(importing)) == ([], {"rows": 3, "created": 3})
    assert house.latest("land-title", "ZZ-T1").control == "agency:EE/GOV/REGISTRY"


# A second officer


def test_what_is_not_sure_waits_for_a_second_officer_once(house: House) -> None:
    line = person("ZZ-A", date_of_birth="1950~")
    run = Import(house)
    assert counted(run.lines([person("ZZ-B"), line])) == {"rows": 2, "created": 1, "waiting": 1}
    assert counted(Import(house).lines([line])) == {"rows": 1, "waiting": 1}
    (case,) = house.office.cases()
    assert (case.id, case.reasons) == (run.cases[0], ("born-already",))
    house.office.decide(case.id, SECOND, approved=True, reason="the parish book says so")
    assert counted(Import(house).lines([line])) == {"rows": 1, "unchanged": 1}


def test_what_only_judging_shows_to_be_undecidable_waits_too(house: House) -> None:
    unknown = person("ZZ-B")
    del unknown.fields["date-of-birth"]
    run = Import(house)
    importing = run.lines([person("ZZ-A"), unknown, person("ZZ-C"), person("ZZ-D")])
    assert counted(importing) == {"rows": 4, "created": 4}
    weddings = [marriage("13/2001/1", "ZZ-A", "ZZ-B"), marriage("13/2001/2", "ZZ-C", "ZZ-D")]
    assert counted(run.lines(weddings)) == {"rows": 2, "created": 1, "waiting": 1}
    (case,) = house.office.cases()
    assert case.reasons == ("age-of-spouse-b",)


def test_papers_are_attached_encrypted(house: House) -> None:
    text = "Judgment of 2005-05-05, made up."
    court: Json = {"authority": "Family Court", "date": "2005-05-05"}
    ended: dict[str, Json] = {"ended-by": "divorce", "ended-on": "2005-05-05", "ended-court": court}
    divorce = Line(
        "marriage", ended, "close", "13/2001/1", "divorced", attachments=(Paper("judgment", text),)
    )
    run = Import(house, decided=True)
    run.lines([person("ZZ-A"), person("ZZ-B"), marriage("13/2001/1", "ZZ-A", "ZZ-B"), divorce])
    assert run.told == []
    assert house.latest("marriage", "13/2001/1").status == "divorced"
    (paper,) = house.shown("marriage", "13/2001/1", "civil-registration").circumstances["attachments"]
    assert (paper["kind"], paper["size"]) == ("judgment", len(text))
    assert not any(text.encode() in file.read_bytes() for file in house.folder.rglob("*") if file.is_file())


# Tables

SHAPING = load_shaping(
    json.dumps(
        {
            "register": "person",
            "key": "{id}",
            "fields": {
                "number": {"column": "id"},
                "/names/0/family": {"column": "surname"},
                "/names/0/given": {"column": "forenames"},
                "sex": {"values": {"F": "female", "M": "male"}},
                "date-of-birth": {"column": "born", "type": "date", "format": "%d.%m.%Y"},
            },
            "circumstances": {"recorded": {"column": "entered"}},
            "constants": {"/names/0/script": "Latn", "/names/0/use": "birth", "nationality": ["ZZZ"]},
        }
    ).encode()
)
HEAD = "id,surname,forenames,sex,born,entered\n"
HOME: Json = {"lines": ["1 Mill Lane"], "country": "ZZZ"}


def test_a_table_becomes_records_by_its_mapping(house: House) -> None:
    run = Import(house)
    importing = run.table(HEAD + "ZZ-A,Corvafell,Adelka,F,02.01.1970,1970-01-09\n", SHAPING)
    assert (run.told, counted(importing)) == ([], {"rows": 1, "created": 1})
    shown = house.shown("person", "ZZ-A", "civil-registration")
    assert shown.fields == {
        "number": "ZZ-A",
        "names": [{"script": "Latn", "use": "birth", "family": "Corvafell", "given": "Adelka"}],
        "sex": "female",
        "date-of-birth": "1970-01-02",
        "nationality": ["ZZZ"],
    }
    assert shown.circumstances["recorded"] == "1970-01-09"


def test_a_row_that_does_not_fit_the_mapping_is_refused_without_its_value(house: House) -> None:
    run = Import(house)
    importing = run.table(
        HEAD + "ZZ-A,Corvafell,Adelka,X,02.01.1970,\nZZ-B,Corvafell,,F,1970-01-02,\nZZ-C,a,b,F,02.01.1970,\n",
        SHAPING,
    )
    reason = "the value does not fit what the mapping says of this column"
    assert run.told == [(2, "sex", reason), (3, "born", reason)]
    assert counted(importing) == {"rows": 3, "created": 1, "refused": 2}


@pytest.mark.parametrize(
    ("on_existing", "counts"),
    [
        ("amend if different", {"rows": 2, "amended": 1, "unchanged": 1}),
        ("skip", {"rows": 2, "skipped": 1, "unchanged": 1}),
        ("refuse", {"rows": 2, "refused": 1, "unchanged": 1}),
    ],
)
def test_a_record_that_is_there_is_treated_as_the_mapping_says(
    house: House, on_existing: str, counts: dict[str, int]
) -> None:
    mapping = msgspec.structs.replace(SHAPING.mapping, on_existing=on_existing)
    run = Import(house)
    run.table(HEAD + "ZZ-A,Corvafell,Adelka,F,02.01.1970,\nZZ-B,Estrelmere,Iselin,F,02.01.1971,\n", SHAPING)
    Import(house).lines([Line("person", {"address": HOME}, "amend", "ZZ-A")])
    second = HEAD + "ZZ-A,Corvafell,,F,02.01.1970,\nZZ-B,Estrelmere,Iselin,F,02.01.1971,\n"
    assert counted(run.table(second, SHAPING._replace(mapping=mapping))) == counts
    shown = house.shown("person", "ZZ-A", "civil-registration").fields
    assert shown["address"] == HOME
    assert ("given" not in shown["names"][0]) is (on_existing == "amend if different")


# Registers that come with the software


def test_they_are_defined_when_a_line_first_names_one(bare: Path, tmp_path: Path) -> None:
    house = House(copies(bare, tmp_path)())
    importing = Import(house).lines([person("ZZ-A")])
    assert counted(importing) == {"rows": 1, "created": 1}
    assert all(house.node.record(".register", name) is not None for name in names())
    assert define_shipped(house.node) == ()
    house.close()


def test_another_register_of_one_of_their_names_is_told_of(bare: Path, tmp_path: Path) -> None:
    house = House(copies(bare, tmp_path)())
    fields: dict[str, Json] = {"title": "Companies that are listed", "authority": house.node.agency}
    house.node.submit([Proposal(".register", "company", "create", 1, body={"fields": fields})])
    with pytest.raises(Conflict, match="the register company of this installation is not the one"):
        define_shipped(house.node)
    assert house.node.record(".register", "person") is None
    house.close()
