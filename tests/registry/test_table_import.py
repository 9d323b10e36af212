"""Tables through a real node: what goes in, what is refused and why, and that nothing is ever doubled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.engine.submission import Receipt
from counterfoil.errors import Malformed, Refused, Unauthorised
from counterfoil.ledger.definition import Definition
from counterfoil.node import Node
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.registry.table.importing import import_table
from counterfoil.registry.table.mapping import load_mapping
from counterfoil.registry.table.reading import open_table
from counterfoil.registry.table.rehearsal import MEMORY, Rehearsal
from tests.registry.tables import counts, fields, mapped, take, versions
from tests.shared_data import shared

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node.open(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def define(node: Node, register: str, **members: object) -> None:
    fields = {"title": register, "authority": node.agency} | members
    node.submit([Proposal(".register", register, "create", 1, body={"fields": fields})])


# What goes in


def test_each_column_becomes_a_text(node: Node, path: Path) -> None:
    imported, refused = take(node, path, 'id,kind,.entry\n1,"oak, old",7\n02,,8\n')
    assert (counts(imported), refused, imported.fault) == ({"rows": 2, "created": 2}, [], None)
    assert fields(node, "1") == {"id": "1", "kind": "oak, old"}
    assert fields(node, "02") == {"id": "02"}
    assert node.definition("tree").fields.key == "id"


def test_a_key_with_spaces_at_its_ends_is_no_record_beside_the_one_without(node: Node, path: Path) -> None:
    data = "id,kind\n1,oak\n1 ,elm\n\N{NO-BREAK SPACE}1,ash\n1 a, fir \n"
    imported, refused = take(node, path, data)
    assert counts(imported) == {"rows": 4, "created": 2, "refused": 2}
    assert [(each.line, each.column, each.reason) for each in refused] == [
        (
            line,
            "id",
            f'it names the record, and {key!r} has spaces at its ends; take them off, or say "trim": true in a mapping',
        )
        for line, key in ((3, "1 "), (4, "\N{NO-BREAK SPACE}1"))
    ]
    assert fields(node, "1 a") == {"id": "1 a", "kind": " fir "}


def test_they_are_taken_off_or_kept_where_the_mapping_says_so(node: Node, path: Path) -> None:
    data = "id,kind\n 1 , oak \n"
    assert counts(take(node, path, data, trim=True)[0]) == {"rows": 1, "created": 1}
    assert fields(node, "1") == {"id": "1", "kind": "oak"}
    assert counts(take(node, path, data, "kept", trim=False)[0]) == {"rows": 1, "created": 1}
    assert fields(node, " 1 ", "kept") == {"id": " 1 ", "kind": " oak "}


def test_they_are_taken_off_in_json_too(node: Node, path: Path) -> None:
    data = '{"id":" 1 ","kind":{"name":" oak "},"n":1}\n'
    take(node, path.with_suffix(".jsonl"), data, trim=True)
    assert fields(node, "1") == {"id": "1", "kind": {"name": " oak "}, "n": 1}


@pytest.mark.parametrize("data", ["id,n\n", "id,n\n1,x\n,2\n"])
def test_a_register_is_not_made_for_a_table_of_which_no_row_goes_in(
    node: Node, path: Path, data: str
) -> None:
    mapping = {"id": {}, "n": {"type": "integer"}}
    imported, _ = take(node, path, data, fields=mapping)
    assert (imported.created, imported.refused) == (0, imported.rows)
    assert node.record(".register", "tree") is None
    take(node, path, data + "3,4\n", fields=mapping)
    assert fields(node, "3") == {"id": "3", "n": 4}
    assert node.definition("tree").fields.key == "id"


def test_an_entry_says_which_file_and_line_it_came_from(node: Node, path: Path) -> None:
    take(node, path, "id\n1\n2\n")
    entry = node.record("tree", "2")
    assert entry is not None
    digest = sha256(path.read_bytes()).hexdigest()
    assert (entry.version, entry.operation) == (1, "create")
    assert entry.circumstances == {"source": f"csv:sha256:{digest}:3"}


def test_a_mapping_says_what_they_become(node: Node, path: Path) -> None:
    imported, _ = take(
        node,
        path,
        "Nr;Kind;Height;Planted;Felled;State\n7;O;12.50;1.3.1990;no;alive\n",
        key="{Kind}-{Nr}",
        title="Trees",
        description="Trees of the town",
        law="Trees Act",
        fields={
            "kind": {"column": "Kind", "values": {"O": "oak"}},
            "height": {"column": 3, "type": "decimal", "required": True},
            "felled": {"column": "Felled", "type": "boolean", "true": ["yes"], "false": ["no"]},
        },
        circumstances={"valid-from": {"column": "Planted", "type": "date", "format": "%d.%m.%Y"}},
        status={"column": "State"},
    )
    assert counts(imported) == {"rows": 1, "created": 1}
    entry = node.record("tree", "O-7")
    assert entry is not None
    assert entry.fields == {"kind": "oak", "height": "12.50", "felled": False}
    assert (entry.circumstances["valid-from"], entry.status) == ("1990-03-01", "alive")
    definition = node.record(".register", "tree")
    assert definition is not None
    assert definition.fields == {
        "title": "Trees",
        "description": "Trees of the town",
        "law": "Trees Act",
        "authority": node.agency,
        "schema": {
            "type": "object",
            "properties": {
                "kind": {"type": "string", "enum": ["oak"]},
                "height": {"type": "string", "pattern": "^-?(0|[1-9][0-9]*)([.][0-9]+)?$"},
                "felled": {"type": "boolean"},
            },
            "required": ["height"],
        },
        "source": {"fields": ["kind", "height", "felled"]},
    }


def test_members_of_json_lines_become_fields_as_they_are(node: Node, path: Path) -> None:
    imported, _ = take(node, path, '{"id":7,"kind":["oak"],"n":{"a":null},".reason":"x"}\n', format="jsonl")
    assert counts(imported) == {"rows": 1, "created": 1}
    assert fields(node, "7") == {"id": 7, "kind": ["oak"], "n": {"a": None}}
    assert node.definition("tree").fields.key is None


def test_members_are_found_by_dotted_path_or_pointer(node: Node, path: Path) -> None:
    take(
        node,
        path,
        '{"a":{"id":"7","x.y":"1"},"n":null}\n{"a":{"id":"8"},"n":"2"}\n{"a":"9"}\n',
        format="jsonl",
        key="{a.id}",
        fields={
            "xy": {"column": "/a/x.y"},
            "n": {"type": "json"},
            "m": {"column": "a.b.c", "type": "json"},
        },
    )
    assert (fields(node, "7"), fields(node, "8")) == ({"xy": "1", "n": None}, {"n": "2"})


def test_what_is_empty_is_left_out_or_kept(node: Node, path: Path) -> None:
    take(node, path, "id,a,b\n1,,\n", fields={"a": {}, "b": {"empty": "keep"}})
    assert fields(node, "1") == {"b": ""}


def test_columns_for_circumstances_are_no_fields_by_themselves(node: Node, path: Path) -> None:
    take(node, path, "id,on\n1,2020\n", circumstances={"recorded": {"column": "on"}})
    assert fields(node, "1") == {"id": "1"}


def test_a_table_so_wide_that_no_schema_can_list_it_has_none(node: Node, path: Path) -> None:
    names = ["id", *(f"a-column-with-a-long-name-{number}" for number in range(900))]
    imported, _ = take(node, path, ",".join(names) + "\n" + "1," * 900 + "1\n")
    assert counts(imported) == {"rows": 1, "created": 1}
    assert node.definition("tree").schema is None


def test_a_field_that_names_the_record_need_not_be_mapped(node: Node, path: Path) -> None:
    define(node, "tree", key="number")
    take(node, path, "id,kind\n7,oak\n", fields={"kind": {}})
    assert fields(node, "7") == {"number": "7", "kind": "oak"}


def test_a_name_is_written_in_one_form(node: Node, path: Path) -> None:
    take(node, path, "id\ne\u0301\n")
    assert fields(node, "\u00e9") == {"id": "e\u0301"}


# What is there already


def test_a_second_run_adds_nothing(node: Node, path: Path) -> None:
    data = "id,kind\n1,oak\n2,elm\n"
    take(node, path, data)
    size = node.store.head.size
    imported, _ = take(node, path, data)
    assert (counts(imported), node.store.head.size) == ({"rows": 2, "unchanged": 2}, size)


def test_a_record_is_amended_where_a_row_says_something_else(node: Node, path: Path) -> None:
    take(node, path, "id,kind\n1,oak\n2,elm\n")
    imported, _ = take(node, path, "id,kind\n1,oak\n2,fir\n3,ash\n")
    assert counts(imported) == {"rows": 3, "created": 1, "amended": 1, "unchanged": 1}
    assert versions(node, "2") == [{"id": "2", "kind": "elm"}, {"id": "2", "kind": "fir"}]


def test_what_the_table_does_not_speak_of_stays(node: Node, path: Path) -> None:
    define(node, "tree")
    body = {"fields": {"id": "1", "note": "hollow", "kind": "oak"}}
    control = f"agency:{node.agency}"
    node.submit([Proposal("tree", "1", "create", 1, "alive", body=body, control=control)])
    take(node, path, "id,kind\n1,\n")
    entry = node.record("tree", "1")
    assert entry is not None
    assert (entry.fields, entry.status, entry.control) == ({"id": "1", "note": "hollow"}, "alive", control)


def test_circumstances_and_status_are_part_of_what_a_row_says(node: Node, path: Path) -> None:
    mapping: dict[str, Any] = {
        "circumstances": {"valid-from": {"column": "on"}},
        "status": {"column": "state"},
    }
    take(node, path, "id,on,state\n1,2020,alive\n", **mapping)
    assert counts(take(node, path, "id,on,state\n1,2020,alive\n ,,\n", **mapping)[0])["unchanged"] == 1
    assert counts(take(node, path, "id,on,state\n1,2021,alive\n", **mapping)[0])["amended"] == 1
    assert counts(take(node, path, "id,on,state\n1,2021,felled\n", **mapping)[0])["amended"] == 1
    assert counts(take(node, path, "id,on,state\n1,2021,\n", **mapping)[0])["unchanged"] == 1


def test_1_is_not_true(node: Node, path: Path) -> None:
    take(node, path, '{"id":"1","a":1}\n', format="jsonl")
    imported, _ = take(node, path, '{"id":"1","a":true}\n', format="jsonl")
    assert counts(imported)["amended"] == 1


@pytest.mark.parametrize(("on_existing", "became"), [("skip", "skipped"), ("refuse", "refused")])
def test_a_mapping_may_leave_alone_what_is_there(
    node: Node, path: Path, on_existing: str, became: str
) -> None:
    take(node, path, "id,kind\n1,oak\n2,elm\n")
    rule: dict[str, Any] = {"on-existing": on_existing}
    imported, refused = take(node, path, "id,kind\n1,oak\n2,fir\n3,ash\n3,yew\n", **rule)
    assert counts(imported) == {"rows": 4, "created": 1, "unchanged": 1, became: 2}
    assert (fields(node, "2"), fields(node, "3")) == ({"id": "2", "kind": "elm"}, {"id": "3", "kind": "ash"})
    assert [(each.line, each.record) for each in refused] == (
        [] if became == "skipped" else [(3, "2"), (5, "3")]
    )
    for each in refused:
        assert each.reason.endswith(
            "is here already and says something else, and the mapping says to refuse that"
        )


# One key twice in a file


TWICE = "id,kind\n1,oak\n2,elm\n1,fir\n1,oak\n"


def test_rows_of_one_key_follow_each_other_as_versions(node: Node, path: Path) -> None:
    imported, _ = take(node, path, TWICE)
    assert counts(imported) == {"rows": 4, "created": 2, "amended": 2}
    assert [each["kind"] for each in versions(node, "1")] == ["oak", "fir", "oak"]


def test_and_a_second_run_adds_nothing_to_them(node: Node, path: Path) -> None:
    take(node, path, TWICE)
    imported, _ = take(node, path, TWICE)
    assert counts(imported) == {"rows": 4, "unchanged": 4}


def test_another_file_may_go_back_to_an_older_content(node: Node, path: Path) -> None:
    take(node, path, "id,kind\n1,oak\n")
    take(node, path, "id,kind\n1,fir\n")
    assert counts(take(node, path, "id,kind\n1,oak\n\n")[0]) == {"rows": 1, "amended": 1}


def test_a_file_does_not_undo_what_was_changed_after_it(node: Node, path: Path) -> None:
    take(node, path, "id,kind\n1,oak\n")
    node.submit([Proposal("tree", "1", "correct", 2, body={"fields": {"id": "1", "kind": "elm"}})])
    assert counts(take(node, path, "id,kind\n1,oak\n")[0]) == {"rows": 1, "unchanged": 1}
    assert fields(node, "1") == {"id": "1", "kind": "elm"}


def test_nor_where_a_row_of_it_had_nothing_to_say(node: Node, path: Path) -> None:
    take(node, path, "id,kind\n1,oak\n")
    data = "id,kind\n1,oak\n1,oak\n1,fir\n1,fir\n"
    assert counts(take(node, path, data)[0]) == {"rows": 4, "unchanged": 3, "amended": 1}
    assert counts(take(node, path, data)[0]) == {"rows": 4, "unchanged": 4}
    assert [each["kind"] for each in versions(node, "1")] == ["oak", "fir"]


def test_a_corrected_mapping_changes_what_the_same_file_gave(node: Node, path: Path) -> None:
    define(node, "tree")
    take(node, path, "id,n\n1,5\n", fields={"n": {}})
    assert counts(take(node, path, "id,n\n1,5\n", fields={"n": {"type": "integer"}})[0])["amended"] == 1
    assert fields(node, "1") == {"n": 5}


class Interrupted:
    """A node whose process ends between two transactions, or whose answer to the last one is lost."""

    def __init__(self, node: Node, after: int):
        self.agency = node.agency
        self._node = node
        self._left = after

    def record(self, register: str, record: str) -> Entry | None:
        return self._node.record(register, record)

    def history(self, register: str, record: str) -> Iterator[Entry]:
        return self._node.history(register, record)

    def definition(self, register: str) -> Definition:
        return self._node.definition(register)

    def submit(self, proposals: Sequence[Proposal]) -> Receipt:
        receipt = self._node.submit(proposals)
        self._left -= 1
        if not self._left:
            raise KeyboardInterrupt
        return receipt


def test_an_import_that_stopped_goes_on_where_it_did(node: Node, path: Path) -> None:
    random = Random(5)
    rows = [f"{random.randrange(700)},{random.choice('abc')}" for _ in range(4_000)]
    data = "id,kind\n" + "\n".join(rows)
    for transactions in (2, 1, 1):
        with pytest.raises(KeyboardInterrupt):
            take(Interrupted(node, transactions), path, data)
    imported, _ = take(node, path, data)
    assert 0 < counts(imported)["created"] + counts(imported)["amended"] < 4_000
    expected: dict[str, list[str]] = {}
    for key, kind in (row.split(",") for row in rows):
        if expected.setdefault(key, [])[-1:] != [kind]:
            expected[key].append(kind)
    assert {key: [each["kind"] for each in versions(node, key)] for key in expected} == expected


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.sampled_from("12"), st.sampled_from("abX")), max_size=6),
    more=st.lists(st.tuples(st.sampled_from("12"), st.sampled_from("abX")), max_size=3),
)
def test_whatever_was_refused_before_the_last_row_of_a_key_holds(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], more: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    data = "id,kind\n" + "\n".join(f"{key},{kind}" for key, kind in rows)
    strict: dict[str, Any] = {"fields": {"kind": {"pattern": "^[a-z]$"}}}
    free: dict[str, Any] = {"fields": {"kind": {}}}
    with Node.open(folder / "home") as node:
        define(node, "tree")
        take(node, folder / "t.csv", data, **strict)
        # The rows that the first mapping refused go in now, and each key still ends as its last row says.
        take(node, folder / "t.csv", data, **free)
        size = node.store.head.size
        assert {key: fields(node, key) for key, _ in rows} == {
            key: {"kind": kind} for key, kind in dict(rows).items()
        }
        take(node, folder / "t.csv", data, **free)
        assert node.store.head.size == size
        take(node, folder / "t.csv", "id,kind\n" + "\n".join(map(",".join, more)), **free)
        assert {key: fields(node, key) for key, _ in more} == {
            key: {"kind": kind} for key, kind in dict(more).items()
        }


# What is refused


def test_a_row_is_refused_with_line_column_and_reason_and_the_others_go_in(node: Node, path: Path) -> None:
    imported, refused = take(
        node,
        path,
        "id,Height\n1,12\n2,tall\n3\n4,\n,9\n5,7,\n6,8\n",
        fields={"height": {"column": "Height", "type": "integer", "required": True}},
    )
    assert counts(imported) == {"rows": 7, "created": 2, "refused": 5}
    assert [each[:4] for each in refused] == [
        (3, "Height", None, "'tall' is no whole number in its plain form, like 0, 42 or -7"),
        (4, None, None, "the row has 1 values, and there are 2 columns"),
        (5, "Height", None, "it is empty, and must not be"),
        (6, "id", None, "it names the record, and is empty"),
        (7, None, None, "the row has 3 values, and there are 2 columns"),
    ]


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ('{"id":null}', "id", "it names the record, and is empty"),
        ('{"kind":1}', "id", "it names the record, and is empty"),
        ('{"id":[1]}', "id", "it names the record, and is neither text nor a whole number"),
        ('{"id":true}', "id", "it names the record, and is neither text nor a whole number"),
        ('{"id":"a\\u0007"}', "id", "'a\\x07' is no name for a record; it has 1 to 255 printable characters"),
        ('{"id":"1","n":1.5}', "n", "the number 1.5 is not whole; write it as text"),
        ('{"id":"1","n":{"é":1}}', "n", "the value has the member name 'é'; member names are ASCII text"),
    ],
)
def test_a_line_of_json_is_refused(node: Node, path: Path, line: str, column: str, reason: str) -> None:
    _, refused = take(node, path, line + "\n", format="jsonl")
    assert [each[:4] for each in refused] == [(1, column, None, reason)]


SCHEMA = {"type": "object", "properties": {"kind": {"type": "string", "maxLength": 3}}}


def test_what_the_schema_refuses_is_found_at_its_column(node: Node, path: Path) -> None:
    define(node, "tree", schema=SCHEMA)
    imported, refused = take(
        node, path, "id,Kind\n1,oak\n2,poplar\n3,elm\n4,linden\n", fields={"kind": {"column": "Kind"}}
    )
    assert counts(imported) == {"rows": 4, "created": 2, "refused": 2}
    assert [each[:3] for each in refused] == [(3, "Kind", "2"), (5, "Kind", "4")]
    assert "does not conform to its register's schema at /kind" in refused[0].reason


def test_what_a_constraint_refuses_is_found_among_a_thousand(node: Node, path: Path) -> None:
    define(node, "tree", constraints=[{"kind": "unique", "name": "one-plaque", "fields": ["plaque"]}])
    rows = [f"{number},{'P1' if number in (10, 500, 777) else number}" for number in range(1_200)]
    imported, refused = take(
        node, path, "id,Plaque\n" + "\n".join(rows), fields={"plaque": {"column": "Plaque"}}
    )
    assert counts(imported) == {"rows": 1_200, "created": 1_198, "refused": 2}
    assert [each[:3] for each in refused] == [(502, "Plaque", "500"), (779, "Plaque", "777")]
    assert fields(node, "10") == {"plaque": "P1"}


def test_a_record_that_has_ended_is_not_brought_back(node: Node, path: Path) -> None:
    take(node, path, "id,kind\n1,oak\n2,elm\n")
    node.submit([Proposal("tree", "1", "close", 2)])
    again, _ = take(node, path, "id,kind\n1,oak\n2,elm\n")
    assert counts(again) == {"rows": 2, "unchanged": 2}
    imported, refused = take(node, path, "id,kind\n1,ash\n2,ash\n")
    assert counts(imported) == {"rows": 2, "amended": 1, "refused": 1}
    assert "has ended" in refused[0].reason


def test_a_row_too_large_for_an_entry_and_rows_too_large_for_one_transaction(node: Node, path: Path) -> None:
    rows = [f"{number},{'x' * 60_000}" for number in range(40)]
    escaped = [f'{number},"{chr(1) * 10_000}"' for number in range(100, 140)]
    imported, refused = take(node, path, "id,text\n" + "\n".join([*rows, f"40,{'x' * 70_000}", *escaped]))
    assert counts(imported) == {"rows": 81, "created": 80, "refused": 1}
    assert refused[0].line == 42
    assert "one has at most 65535" in refused[0].reason


def test_a_file_that_ends_in_ruin_gives_its_good_rows(node: Node, path: Path) -> None:
    imported, refused = take(node, path, b"id,kind\n1,oak\n" + b"x" * (1 << 21))
    assert (counts(imported), refused) == ({"rows": 1, "created": 1}, [])
    assert imported.fault == "the row that ends at line 3 has over 1,048,576 bytes; is it a table?"


# What no row is to blame for


@pytest.mark.parametrize(
    ("data", "mapping", "said"),
    [
        ("id,kind\n", {"key": "{nr}"}, "there is no column 'nr' in the table; there are 'id', 'kind'"),
        ("id\n", {"fields": {"kind": {}}}, "there is no column 'kind' in the table"),
        ("id\n", {"fields": {"kind": {"column": 2}}}, "there is no column 2 in the table; it has 1"),
        ("id\n", {"key": None}, "nothing says which column names the records"),
        (
            "id,größe\n",
            {},
            "column 2 is called 'größe', and a field's name is ASCII text; map the columns to fields",
        ),
        ("id,,a\n", {}, "column 2 is called ''"),
        (".a,.b\n", {"key": "{.a}"}, "no column that could be a field"),
        (
            "{}\n",
            {"format": "jsonl", "fields": {"a": {"column": 1}}},
            "JSON Lines have no column 1; name the member",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_its_table_defines_nothing(
    node: Node, path: Path, data: str, mapping: dict[str, Any], said: str
) -> None:
    with pytest.raises(Malformed, match=said):
        take(node, path, data, **mapping)
    assert node.record(".register", "tree") is None


def test_a_register_that_only_appends_takes_no_table(node: Node, path: Path) -> None:
    define(node, "tree", append=True)
    with pytest.raises(Refused, match="only appends, and its entries cannot be told from a table's rows"):
        take(node, path, "id\n1\n")


def test_nor_does_one_of_the_ledger_itself(node: Node, path: Path) -> None:
    with pytest.raises(Malformed, match="no name for a register"):
        take(node, path, "id\n1\n", register=".agency")


def test_where_further_endorsements_are_needed_rows_wait(node: Node, path: Path) -> None:
    policy = {"require": 2, "of": [f"agency:{node.agency}", "agency:EX/GOV/OTHER"]}
    define(node, "tree", policy=policy)
    imported, refused = take(node, path, "id\n1\n2\n")
    assert (counts(imported), refused) == ({"rows": 2, "waiting": 2}, [])
    assert fields(node, "1") is None


def test_progress_is_told_in_bytes_and_ends_with_all(node: Node, path: Path) -> None:
    path.write_text("id\n" + "".join(f"{number}\n" for number in range(2_500)))
    told: list[tuple[int, int]] = []
    with open_table(path, mapped()) as table:
        import_table(node, table, mapped(), "tree", progress=lambda *each: told.append(each))
    assert told == sorted(told)
    assert (len(told), told[-1]) == (3, (path.stat().st_size,) * 2)


# The dry run


def test_a_rehearsal_says_what_an_import_would_and_writes_nothing(node: Node, path: Path) -> None:
    define(node, "tree", schema=SCHEMA, constraints=[{"kind": "unique", "name": "one", "fields": ["plaque"]}])
    take(node, path, "id,kind,plaque\n1,oak,A\n2,elm,B\n")
    size = node.store.head.size
    data = "id,kind,plaque\n1,oak,A\n2,fir,B\n3,poplar,C\n4,ash,A\n5,ash,D\n6,yew,D\n5,yew,E\n"
    rehearsed = take(Rehearsal(node, node.agency), path, data)
    assert node.store.head.size == size
    assert counts(rehearsed[0]) == {"rows": 7, "created": 2, "amended": 2, "unchanged": 1, "refused": 2}
    assert rehearsed == take(node, path, data)


def test_also_where_the_register_is_not_there_yet(node: Node, path: Path) -> None:
    imported, _ = take(Rehearsal(node, node.agency), path, "id,kind\n1,oak\n1,elm\n")
    assert counts(imported) == {"rows": 2, "created": 1, "amended": 1}
    assert node.record(".register", "tree") is None


def test_its_memory_does_not_grow_with_the_file(node: Node, path: Path) -> None:
    rows = MEMORY + 2_500
    data = "id,kind\n" + "".join(f"{number},oak\n" for number in range(rows))
    rehearsal = Rehearsal(node, node.agency)
    imported, _ = take(rehearsal, path, data)
    assert counts(imported) == {"rows": rows, "created": rows}
    assert rehearsal._view is not None
    assert len(rehearsal._view.changes.entries) <= MEMORY + 1_000


def test_it_knows_that_rows_would_wait(node: Node, path: Path) -> None:
    define(node, "tree", policy={"require": 2, "of": [f"agency:{node.agency}", "agency:EX/GOV/OTHER"]})
    assert counts(take(Rehearsal(node, node.agency), path, "id\n1\n")[0]) == {"rows": 1, "waiting": 1}


def test_a_key_that_counts_no_more_ends_an_import(node: Node, path: Path) -> None:
    class Elsewhere(Interrupted):
        def submit(self, proposals: Sequence[Proposal]) -> Receipt:
            raise Unauthorised("no member of that name endorsed it")

    define(node, "tree")
    with pytest.raises(Unauthorised):
        take(Elsewhere(node, 9), path, "id\n1\n2\n")


# The real tables


def test_the_503_companies(node: Node) -> None:
    path = shared("data/company/sp500-constituents.csv")
    mapping = load_mapping((EXAMPLES / "mappings" / "company.json").read_bytes())
    with open_table(path, mapping) as table:
        imported = import_table(node, table, mapping, "company")
    assert counts(imported) == {"rows": 503, "created": 503}
    assert fields(node, "MMM", "company") == {
        "symbol": "MMM",
        "name": "3M",
        "sector": "Industrials",
        "industry": "Industrial Conglomerates",
        "headquarters": ["Saint Paul", "Minnesota"],
        "central-index-key": 66740,
        "founded": "1902",
    }
    brown = node.record("company", "BF.B")
    assert brown is not None
    assert (brown.fields["name"], brown.circumstances["valid-from"]) == ("Brown\u2013Forman", "1982-10-31")


def test_the_10298_prices_paid(node: Node) -> None:
    path = shared("data/land/hmlr-price-paid-1995-sample.csv.gz")
    mapping = load_mapping((EXAMPLES / "mappings" / "land.json").read_bytes())
    refused: list[object] = []
    with open_table(path, mapping) as table:
        imported = import_table(node, table, mapping, "price-paid", refuse=refused.append)
    assert (counts(imported), refused) == ({"rows": 10_298, "created": 10_298}, [])
    found = node.record("price-paid", "{5BBE9CB3-6332-4EB0-9CD3-8737CEA4A65A}")
    assert found is not None
    assert found.circumstances["valid-from"] == "1995-12-21"
    assert found.fields == {
        "transaction": "{5BBE9CB3-6332-4EB0-9CD3-8737CEA4A65A}",
        "price": 42000,
        "date": "1995-12-21",
        "postcode": "NE4 9DN",
        "property-type": "semi-detached",
        "newly-built": False,
        "tenure": "freehold",
        "house": "8",
        "street": "MATFEN PLACE",
        "locality": "FENHAM",
        "town": "NEWCASTLE UPON TYNE",
        "district": "NEWCASTLE UPON TYNE",
        "county": "TYNE AND WEAR",
        "category": "standard",
    }
