"""Archives of a ledger and of registers: everything in them is held against the checkpoint inside."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from counterfoil.errors import CounterfoilError, Malformed, NotFound, Unverified
from counterfoil.home import KEY_FILES
from counterfoil.proof.canonical import canonical, parse
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.merkle import inclusion_proof
from counterfoil.proof.trust import Trust
from counterfoil.registry.archive.format import Part, PartWriter, read_parts
from counterfoil.registry.archive.parts import Chunk, Entries, decode_proved, encode_proved
from counterfoil.registry.archive.reading import ArchiveScan
from counterfoil.registry.archive.writing import write_archive
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from tests.store.sample import DEEDS, build

Edit = Callable[[Part], Part | None]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archived") / "home"
    build(folder)
    return folder


@pytest.fixture(scope="module")
def store(home: Path) -> Iterator[Store]:
    with closing(Store(Sqlite(home / "store.db", read_only=True), read_only=True)) as opened:
        yield opened


def archived(home: Path, store: Store, *registers: str) -> bytes:
    file = io.BytesIO()
    write_archive(store, (home / "trust.json").read_bytes(), file, registers)
    return file.getvalue()


@pytest.fixture(scope="module")
def whole(home: Path, store: Store) -> bytes:
    return archived(home, store)


@pytest.fixture(scope="module")
def some(home: Path, store: Store) -> bytes:
    return archived(home, store, "title", "deed")


def parts_of(data: bytes) -> list[Part]:
    return list(read_parts(io.BytesIO(data)))


def edited(data: bytes, edit: Edit) -> io.BytesIO:
    """The archive with its parts edited; a part that becomes None is left out."""
    file = io.BytesIO()
    writer = PartWriter(file)
    for part in parts_of(data):
        changed = edit(part)
        if changed is not None:
            writer.put(*changed)
    writer.finish()
    file.seek(0)
    return file


def without(name: str) -> Edit:
    return lambda part: None if part.name == name else part


def scan(file: io.BytesIO) -> list[object]:
    return list(ArchiveScan(file).items())


def test_a_whole_one_holds_every_entry(store: Store, whole: bytes) -> None:
    reading = ArchiveScan(io.BytesIO(whole))
    items = list(reading.items())
    entries = [data for item in items if isinstance(item, Entries) for data in item.data]
    assert entries == list(store.entries())
    assert (reading.head.origin, reading.head.size, reading.head.whole) == (
        "ledger.example/sample",
        458,
        True,
    )
    assert Counter(type(item).__name__ for item in items) == {
        "Entries": 2,
        "TakenPart": 31,
        "PendingPart": 3,
        "PublishedPart": 12,
        "Chunk": 4,
    }


def test_one_of_registers_holds_theirs_and_their_definitions(store: Store, some: bytes) -> None:
    reading = ArchiveScan(io.BytesIO(some))
    items = list(reading.items())
    numbers = [number for item in items if isinstance(item, Entries) for number in item.numbers]
    wanted = {"title", "deed"}
    expected = [
        entry.number
        for entry in map(decode_entry, store.entries())
        if entry.register in wanted or (entry.register == ".register" and entry.record in wanted)
    ]
    assert numbers == expected
    assert reading.head.registers == ("deed", "title")
    documents: dict[bytes, bytes] = {}
    for item in items:
        if isinstance(item, Chunk):
            documents[item.document] = documents.get(item.document, b"") + item.data
    assert sorted(documents.values()) == sorted(DEEDS)


def test_no_key_is_in_it(home: Path, whole: bytes) -> None:
    plain = b"".join(part.data for part in parts_of(whole))
    for name, _ in KEY_FILES.values():
        seed = (home / "keys" / name).read_text().strip()
        assert seed.encode() not in plain
        assert bytes.fromhex(seed) not in plain


def test_the_same_ledger_gives_the_same_file(home: Path, store: Store, whole: bytes) -> None:
    assert archived(home, store) == whole


def test_a_register_that_is_not_there_is_named(home: Path, store: Store) -> None:
    with pytest.raises(NotFound, match="there is no register 'nothing'"):
        archived(home, store, "title", "nothing")


@pytest.mark.parametrize("kind", ["whole", "some"])
def test_any_byte_of_any_part_that_is_signed_or_hashed_counts(
    request: pytest.FixtureRequest, kind: str
) -> None:
    """Transactions and checkpoints are judged by whoever rebuilds the store (tests/recovery)."""
    data: bytes = request.getfixturevalue(kind)
    later = ("transactions/", "pending/", "checkpoints/")
    names = [part.name for part in parts_of(data) if part.data and not part.name.startswith(later)]
    for name in names:
        size = next(len(part.data) for part in parts_of(data) if part.name == name)
        for at in {0, size // 3, size // 2, size - 2}:

            def flip(part: Part, name: str = name, at: int = at) -> Part:
                if part.name != name:
                    return part
                changed = part.data[:at] + bytes([part.data[at] ^ 1]) + part.data[at + 1 :]
                return Part(name, changed)

            with pytest.raises(CounterfoilError):
                scan(edited(data, flip))


@pytest.mark.parametrize("kind", ["whole", "some"])
def test_no_part_may_be_missing_or_stand_elsewhere(request: pytest.FixtureRequest, kind: str) -> None:
    data: bytes = request.getfixturevalue(kind)
    found = parts_of(data)
    may_go = ("transactions/000000001", "pending/000000002", "checkpoints/", "proved/")
    for left_out in found:
        last_chunk = left_out.name.endswith("/000000000") and left_out.name.startswith("document/")
        if not left_out.name.startswith(may_go) and not (last_chunk and len(left_out.data) < 1000):
            with pytest.raises((Malformed, Unverified)):
                scan(edited(data, without(left_out.name)))
    for index in range(len(found) - 1):
        swapped = [*found[:index], found[index + 1], found[index], *found[index + 2 :]]
        names = [part.name.partition("/")[0] for part in swapped[index : index + 2]]
        if set(names) == {"checkpoints"} or "transactions" in names:
            continue
        file = io.BytesIO()
        writer = PartWriter(file)
        for part in swapped:
            writer.put(*part)
        writer.finish()
        file.seek(0)
        with pytest.raises((Malformed, Unverified)):
            scan(file)


def test_entries_of_another_register_are_refused(store: Store, some: bytes) -> None:
    def smuggle(part: Part) -> Part:
        if not part.name.startswith("proved/"):
            return part
        entries, _ = decode_proved(part.data)
        numbers = [300, *(decode_entry(each).number for each in entries if decode_entry(each).number > 300)]
        proof = inclusion_proof(numbers, store.head.size, store.reader().node)
        return Part(part.name, encode_proved([store.entry(number) for number in numbers], proof))

    with pytest.raises(Malformed, match="is of no register that it names"):
        scan(edited(some, smuggle))


def test_a_stranger_cannot_sign_one(home: Path, whole: bytes, tmp_path: Path) -> None:
    build(tmp_path / "other")
    stranger = Trust.parse((tmp_path / "other" / "trust.json").read_bytes())
    with pytest.raises(Unverified, match="signatures of 0 agencies that count"):
        ArchiveScan(io.BytesIO(whole), stranger)
    known = Trust.parse((home / "trust.json").read_bytes())
    begun = replace(known, genesis_root="sha256:" + "0" * 64)
    with pytest.raises(Unverified, match="did not begin as the trust policy says"):
        list(ArchiveScan(io.BytesIO(whole), begun).items())
    assert list(ArchiveScan(io.BytesIO(whole), known).items())


@pytest.mark.parametrize(
    ("member", "value", "why"),
    [
        ("format", "archive/v2", "this program reads archive/v1"),
        ("size", 457, "something else than the checkpoint"),
        ("origin", "ledger.example/other", "something else than the checkpoint"),
        ("more", 1, "not in form"),
    ],
)
def test_a_head_that_says_something_else(whole: bytes, member: str, value: object, why: str) -> None:
    def restate(part: Part) -> Part:
        if part.name != "archive.json":
            return part
        return Part(part.name, canonical({**parse(part.data), member: value}))

    with pytest.raises((Malformed, Unverified), match=why):
        scan(edited(whole, restate))
