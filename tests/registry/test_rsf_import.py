"""RSF files through a real node: imported, found again, exported byte for byte, resumed, refused."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from counterfoil.errors import Conflict, CounterfoilError, Malformed, NotFound, Refused
from counterfoil.examples import registers_folder
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from counterfoil.registry.rsf.exporting import export_rsf
from counterfoil.registry.rsf.importing import Imported, import_rsf
from counterfoil.registry.rsf.reading import read_rsf
from tests.registry.rsf_lines import T1, T2, T3, add, entry, root

REGISTERS = sorted(registers_folder().glob("*.rsf"))
PUBLISHED = {
    each["register"]: each for each in json.loads((registers_folder() / "expected-roots.json").read_text())
}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with Node.open(tmp_path / "home") as opened:
        yield opened


def take(node: Node, *lines: bytes, register: str | None = None, **options: Any) -> Imported:
    return import_rsf(node, read_rsf(b"".join(lines)), register, **options)


def exported(node: Node, register: str) -> bytes:
    return b"".join(export_rsf(node.entries(), register))


@pytest.mark.parametrize("path", REGISTERS, ids=lambda path: path.stem)
def test_a_real_register_comes_back_byte_for_byte_with_its_published_root(node: Node, path: Path) -> None:
    data = path.read_bytes()
    published = PUBLISHED[path.stem]
    assert take(node, data) == Imported(
        path.stem,
        published["user_entries"],
        published["user_entries"] + published["system_entries"],
        published_root_verified=True,
    )
    assert exported(node, path.stem) == data


def test_all_fourteen_registers_live_in_one_ledger(node: Node) -> None:
    for path in REGISTERS:
        take(node, path.read_bytes())
    assert len(REGISTERS) == 14
    for path in REGISTERS:
        assert exported(node, path.stem) == path.read_bytes()


class Interrupted:
    """A node whose process ends between two transactions."""

    def __init__(self, node: Node, after: int):
        self.agency, self.record, self.entries = node.agency, node.record, node.entries
        self._node = node
        self._left = after

    def submit(self, proposals: Sequence[Proposal]) -> object:
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return self._node.submit(proposals)


DEFINED = (
    add({"fields": ["pet", "name"], "register": "pet", "text": "Pets"}),
    entry("system", "register:pet", T1, {"fields": ["pet", "name"], "register": "pet", "text": "Pets"}),
)
REX = {"name": "Rex", "pet": "1"}
MAX = {"name": "Max", "pet": "1"}


def test_an_entry_keeps_its_own_time_and_its_place_in_the_file(node: Node) -> None:
    take(node, *DEFINED, add(REX), entry("user", "1", T2, REX))
    latest = node.record("pet", "1")
    assert latest is not None
    assert latest.fields == REX
    assert latest.circumstances == {"recorded": T2, "source": "rsf:3:4:4"}
    assert (latest.version, latest.operation) == (1, "create")


def test_user_and_system_entries_with_one_key_are_kept_apart(node: Node) -> None:
    take(node, (registers_folder() / "field.rsf").read_bytes())
    user, system = node.record("field", "name"), node.record("field.system", "name")
    assert user is not None
    assert system is not None
    assert (user.fields["field"], system.fields) == ("name", {"name": "field"})


def test_a_repeated_identical_item_is_an_amend(node: Node) -> None:
    take(node, *DEFINED, add(REX), entry("user", "1", T1, REX), entry("user", "1", T2, REX))
    assert [(each.version, each.operation) for each in node.history("pet", "1")] == [
        (2, "amend"),
        (1, "create"),
    ]


def test_importing_again_adds_nothing(node: Node) -> None:
    lines = (*DEFINED, add(REX), entry("user", "1", T2, REX))
    take(node, *lines)
    size = node.store.head.size
    assert take(node, *lines).added == 0
    assert node.store.head.size == size


def test_a_longer_file_adds_what_is_new(node: Node) -> None:
    lines = (*DEFINED, add(REX), entry("user", "1", T2, REX))
    take(node, *lines)
    assert take(node, *lines, add(MAX), entry("user", "1", T3, MAX)).added == 1
    latest = node.record("pet", "1")
    assert latest is not None
    assert (latest.version, latest.fields) == (2, MAX)


def test_an_import_that_stopped_half_way_goes_on_from_the_log(node: Node) -> None:
    data = (registers_folder() / "government-organisation.rsf").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        import_rsf(Interrupted(node, after=2), read_rsf(data))
    assert 0 < take(node, data).added < 1031
    assert exported(node, "government-organisation") == data


def test_a_dry_run_says_what_would_be_added_and_stores_nothing(node: Node) -> None:
    size = node.store.head.size
    assert take(node, *DEFINED, add(REX), entry("user", "1", T2, REX), dry_run=True).added == 2
    assert node.store.head.size == size


def test_progress_ends_with_everything(node: Node) -> None:
    told: list[tuple[int, int]] = []
    take(
        node,
        (registers_folder() / "jobcentre.rsf").read_bytes(),
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (910, 910)
    assert told == sorted(told)


def test_a_file_without_a_definition_needs_a_name(node: Node) -> None:
    lines = (add(REX), entry("user", "1", T2, REX))
    with pytest.raises(NotFound, match="--register NAME"):
        take(node, *lines)
    assert take(node, *lines, register="pet") == Imported("pet", 1, 1, published_root_verified=False)
    assert exported(node, "pet") == b"".join(lines)


def test_a_published_root_counts_where_it_covers_entries(node: Node) -> None:
    lines = (*DEFINED, add(REX), entry("user", "1", T2, REX), root(("1", T2, REX)))
    assert take(node, *lines).published_root_verified
    assert exported(node, "pet") == b"".join(lines)


def test_another_file_under_the_same_name_is_refused_with_its_line(node: Node) -> None:
    take(node, *DEFINED, add(REX), entry("user", "1", T2, REX))
    size = node.store.head.size
    with pytest.raises(Conflict, match=r"line 4: pet '1' has another version 1 here already"):
        take(node, *DEFINED, add(MAX), entry("user", "1", T2, MAX))
    assert node.store.head.size == size


def test_a_register_that_was_made_here_is_not_imported_over(node: Node) -> None:
    fields = {"title": "Pets", "authority": node.agency}
    node.submit([Proposal(".register", "pet", "create", 1, body={"fields": fields})])
    with pytest.raises(Conflict, match="did not come from an RSF file"):
        take(node, *DEFINED, add(REX), entry("user", "1", T2, REX))


def test_what_the_ledger_would_refuse_is_refused_before_the_first_write(node: Node) -> None:
    deep: Any = "x"
    for _ in range(20):
        deep = [deep]
    item = {"name": deep, "pet": "2"}
    size = node.store.head.size
    with pytest.raises(Malformed, match="nested"):
        take(node, *DEFINED, add(REX), entry("user", "1", T2, REX), add(item), entry("user", "2", T2, item))
    assert node.store.head.size == size


def test_an_item_too_large_for_an_entry_is_refused_before_the_first_write(node: Node) -> None:
    item = {"name": "x" * 65_200, "pet": "2"}
    size = node.store.head.size
    with pytest.raises(Malformed, match="too large for an entry"):
        take(node, *DEFINED, add(item), entry("user", "2", T2, item))
    assert node.store.head.size == size


def test_a_name_that_no_register_may_have_is_refused(node: Node) -> None:
    with pytest.raises(CounterfoilError, match="is no name for a register"):
        take(node, add(REX), entry("user", "1", T2, REX), register=".pet")


def test_entries_made_here_follow_the_imported_ones_in_the_export(node: Node) -> None:
    lines = (*DEFINED, add(REX), entry("user", "1", T2, REX))
    take(node, *lines)
    node.submit([Proposal("pet", "2", "create", 1, body={"fields": {"name": "Tom", "pet": "2"}})])
    whole = exported(node, "pet")
    assert whole.startswith(b"".join(lines))
    again = read_rsf(whole)
    assert [each.key for each in again.user_entries] == ["1", "2"]
    assert again.published_root_verified


def test_a_record_that_ended_has_no_form_in_rsf(node: Node) -> None:
    take(node, *DEFINED, add(REX), entry("user", "1", T2, REX))
    node.submit([Proposal("pet", "1", "close", 2)])
    with pytest.raises(Refused, match=r"version 2 \(close\) has no form in RSF"):
        exported(node, "pet")
