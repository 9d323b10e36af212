"""Registers as tables, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.errors import Refused
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from counterfoil.registry.table.exporting import (
    Latest,
    Which,
    chosen,
    csv_lines,
    export_mapping,
    json_lines,
    survey,
)
from counterfoil.registry.table.importing import import_table
from counterfoil.registry.table.mapping import Form, load_mapping
from counterfoil.registry.table.reading import open_table
from tests.registry.tables import take


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node.open(tmp_path / "home", clock=lambda: 1_800_000_000.0) as opened:
        yield opened


def enter(node: Node, register: str, *records: dict[str, Any]) -> None:
    """Define a register and enter records: `record`, `fields`, and what else a proposal has."""
    fields = {"title": register, "authority": node.agency}
    node.submit([Proposal(".register", register, "create", 1, body={"fields": fields})])
    for each in records:
        told = {"circumstances": each["circumstances"]} if "circumstances" in each else {}
        body = {"fields": each["fields"], **told}
        node.submit([Proposal(register, each["record"], "create", 1, each.get("status"), body=body)])


def export(node: Node, register: str, form: Form = "csv", which: Which = "latest") -> bytes:
    if form == "jsonl":
        return b"".join(json_lines(chosen(node.entries(), latest(node), register, which)))
    return b"".join(
        csv_lines(
            chosen(node.entries(), latest(node), register, which),
            survey(chosen(node.entries(), latest(node), register, which), definition(node, register), form),
        )
    )


def latest(node: Node) -> Latest:
    def number(register: str, record: str) -> int | None:
        entry = node.record(register, record)
        return entry.number if entry else None

    return number


def definition(node: Node, register: str) -> dict[str, Any]:
    entry = node.record(".register", register)
    return entry.fields if entry else {}


TIME = "2027-01-15T08:00:00Z"


def test_columns_are_in_the_order_of_the_table_they_came_from(node: Node, tmp_path: Path) -> None:
    take(node, tmp_path / "t.csv", "kind,id,age\noak,1,5\n,2,7\n")
    assert export(node, "tree").decode() == (
        ".record,kind,id,age,.version,.operation,.time,.entry\r\n"
        f"1,oak,1,5,1,create,{TIME},7\r\n"
        f"2,,2,7,1,create,{TIME},8\r\n"
    )


def test_what_is_no_text_is_written_as_json(node: Node) -> None:
    enter(
        node,
        "tree",
        {"record": "1", "fields": {"n": 7, "l": ["a", 'b"'], "mixed": "5"}, "status": "alive"},
        {"record": "2", "fields": {"mixed": 5}, "circumstances": {"why": "gale", "valid-from": "2020"}},
    )
    assert export(node, "tree").decode() == (
        ".record,l,mixed,n,.version,.operation,.status,.valid-from,.why,.time,.entry\r\n"
        f'1,"[""a"",""b\\""""]","""5""",7,1,create,alive,,,{TIME},7\r\n'
        f"2,,5,,1,create,,2020,gale,{TIME},8\r\n"
    )


def test_a_value_stands_as_it_is_also_where_a_spreadsheet_would_take_it_for_a_formula(node: Node) -> None:
    values = ["=1+1", "+49 30", "-5", "@home", "\tx"]
    enter(node, "tree", *({"record": str(at), "fields": {"v": value}} for at, value in enumerate(values)))
    assert [line.split(",")[1] for line in export(node, "tree").decode().splitlines()[1:]] == values


@pytest.mark.parametrize(
    ("which", "said"),
    [
        ("latest", [("2", 1, "create"), ("1", 2, "amend"), ("3", 2, "close")]),
        ("current", [("2", 1, "create"), ("1", 2, "amend")]),
        (
            "all",
            [
                ("1", 1, "create"),
                ("2", 1, "create"),
                ("3", 1, "create"),
                ("1", 2, "amend"),
                ("3", 2, "close"),
            ],
        ),
    ],
)
def test_the_latest_version_of_each_or_all_or_of_those_that_last(
    node: Node, which: Which, said: list[tuple[str, int, str]]
) -> None:
    enter(node, "tree", *({"record": each, "fields": {"kind": "oak"}} for each in "123"))
    node.submit([Proposal("tree", "1", "amend", 2, body={"fields": {"kind": "elm"}})])
    node.submit([Proposal("tree", "3", "close", 2)])
    enter(node, "tree-2", {"record": "9", "fields": {"register": '"register":"tree"'}})
    lines = [json.loads(line) for line in export(node, "tree", "jsonl", which).splitlines()]
    assert [(line["record"], line["version"], line["operation"]) for line in lines] == said


def test_json_lines_have_all_that_a_record_is(node: Node) -> None:
    enter(
        node,
        "tree",
        {"record": "1", "fields": {"n": [1, None]}, "status": "alive", "circumstances": {"why": "gale"}},
    )
    node.submit([Proposal("tree", "1", "close", 2)])
    first, second = map(json.loads, export(node, "tree", "jsonl", "all").splitlines())
    assert first == {
        "record": "1",
        "version": 1,
        "operation": "create",
        "status": "alive",
        "fields": {"n": [1, None]},
        "circumstances": {"why": "gale"},
        "time": TIME,
        "entry": 7,
    }
    assert (second["fields"], second["operation"]) == (None, "close")


def test_an_empty_register_is_a_header(node: Node) -> None:
    enter(node, "tree")
    assert export(node, "tree") == b".record,.version,.operation,.time,.entry\r\n"
    assert export(node, "tree", "jsonl") == b""


def test_a_field_with_the_name_of_a_column_of_the_ledgers_own_is_for_json_lines(node: Node) -> None:
    enter(node, "tree", {"record": "1", "fields": {".version": "9"}})
    with pytest.raises(Refused, match="export as JSON Lines"):
        export(node, "tree")
    assert b'".version":"9"' in export(node, "tree", "jsonl")


def test_so_is_a_circumstance_that_no_table_can_hold(node: Node) -> None:
    enter(node, "tree", {"record": "1", "fields": {}, "circumstances": {"why": "a\0b"}})
    with pytest.raises(Refused, match="NUL character, which CSV has no form for"):
        export(node, "tree")
    assert json.loads(export(node, "tree", "jsonl"))["circumstances"] == {"why": "a\0b"}


def test_a_mapping_says_no_more_than_it_must(node: Node) -> None:
    enter(node, "tree", {"record": "1", "fields": {"a": "x", "n": 1}}, {"record": "2", "fields": {"a": ""}})
    columns = survey(chosen(node.entries(), latest(node), "tree", "latest"), {}, "csv")
    assert json.loads(export_mapping("tree", {"title": "Trees"}, columns, "csv").encode()) == {
        "register": "tree",
        "key": "{.record}",
        "title": "Trees",
        "format": "csv",
        "delimiter": ",",
        "trim": False,
        "fields": {"a": {"column": "a", "empty": "keep"}, "n": {"column": "n", "type": "json"}},
    }


TEXT = st.text(max_size=8)
TOLD = st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(["a", "b c", "d,e", "f/g~h.i", '"', " ", "{x}", "n\n"])
FIELDS = st.dictionaries(NAMES, st.one_of(TEXT, TEXT, VALUES), max_size=4)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"fields": FIELDS},
        optional={
            "status": st.sampled_from(["alive", "=felled"]),
            "circumstances": st.dictionaries(st.sampled_from(["why", "law", "case"]), TOLD, max_size=2),
        },
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node]]:
    folder = tmp_path_factory.mktemp("two")
    with Node.open(folder / "one") as one, Node.open(folder / "other") as other:
        yield one, other


def records(node: Node, register: str) -> list[Any]:
    """Everything that the records of a register are, but where and when they were entered."""
    return [
        (
            each.record,
            each.fields,
            each.status,
            {k: v for k, v in each.circumstances.items() if k != "source"},
        )
        for each in chosen(node.entries(), latest(node), register, "latest")
    ]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stated=RECORDS)
def test_an_export_imported_by_its_mapping_gives_the_same_records(
    two_nodes: tuple[Node, Node], tmp_path: Path, form: Form, stated: list[dict[str, Any]]
) -> None:
    one, other = two_nodes
    register = f"r{one.store.head.size}-{form}"
    enter(one, register, *({"record": f"é{at}"} | each for at, each in enumerate(stated)))
    data = export(one, register, form)
    columns = survey(chosen(one.entries(), latest(one), register, "latest"), definition(one, register), form)
    mapping = load_mapping(export_mapping(register, definition(one, register), columns, form).encode())
    (tmp_path / "table").write_bytes(data)
    refused: list[Any] = []
    with open_table(tmp_path / "table", mapping) as table:
        import_table(other, table, mapping, register, refuse=refused.append)
    assert refused == []
    assert records(other, register) == records(one, register)
