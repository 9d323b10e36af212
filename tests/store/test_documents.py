"""Documents of any size come back as they were stored, once each, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.errors import Damaged, NotFound
from counterfoil.proof.canonical import labelled
from counterfoil.store import documents
from counterfoil.store.documents import CHUNK, document_size, put_document, read_document
from counterfoil.store.sqlite import Sqlite

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def pattern(size: int) -> bytes:
    return (b"deed %d " % size * (size // 6 + 1))[:size]


def counts(database: Sqlite) -> tuple[int, int]:
    row = database.row("SELECT (SELECT count(*) FROM document), (SELECT count(*) FROM chunk)")
    assert row is not None
    return row[0], row[1]


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5_000_000])
def test_a_document_of_any_size_comes_back(database: Sqlite, size: int) -> None:
    data = pattern(size)
    name = put_document(database, [data])
    assert name == labelled(sha256(data).digest())
    assert document_size(database, name) == size
    parts = list(read_document(database, name))
    assert b"".join(parts) == data
    assert max(map(len, parts)) <= CHUNK
    assert counts(database) == (1, max(1, -(-size // CHUNK)))


def test_a_document_without_bytes_has_a_name_too(database: Sqlite) -> None:
    assert put_document(database, []) == put_document(database, [b"", b""]) == EMPTY
    assert list(read_document(database, EMPTY)) == [b""]


@given(parts=st.lists(st.binary(max_size=40), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_how_it_is_cut_into_parts_leaves_no_trace(database: Sqlite, parts: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "CHUNK", 16)
        whole = b"".join(parts)
        name = put_document(database, parts)
        chunks = list(read_document(database, name))
        assert chunks == ([whole[at : at + 16] for at in range(0, len(whole), 16)] or [b""])
        assert put_document(database, [whole]) == name


def test_the_same_document_twice_is_stored_once(database: Sqlite) -> None:
    data = pattern(2 * CHUNK + 5)
    assert put_document(database, [data]) == put_document(database, [data[:100], data[100:]])
    assert counts(database) == (1, 3)
    assert b"".join(read_document(database, labelled(sha256(data).digest()))) == data


def test_documents_do_not_mix(database: Sqlite) -> None:
    first, second = pattern(CHUNK + 1), pattern(CHUNK + 2)
    names = [put_document(database, [first]), put_document(database, [second])]
    assert [b"".join(read_document(database, name)) for name in names] == [first, second]


@pytest.mark.parametrize("good_parts", [0, 1, 3])
def test_one_that_fails_halfway_leaves_nothing(database: Sqlite, good_parts: int) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(good_parts):
            yield pattern(CHUNK)
        raise ConnectionError("the sender hung up")

    with pytest.raises(ConnectionError):
        put_document(database, parts())
    assert counts(database) == (0, 0)
    assert document_size(database, put_document(database, [b"the next one"])) == 12


def test_one_that_is_not_here_is_not_found(database: Sqlite) -> None:
    assert document_size(database, EMPTY) is None
    with pytest.raises(NotFound, match=f"the document {EMPTY} is not stored here"):
        next(read_document(database, EMPTY))


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE chunk SET bytes = x'00' WHERE number = 1",
        "DELETE FROM chunk WHERE number = 1",
        "UPDATE chunk SET number = 7 WHERE number = 0",
    ],
)
def test_a_changed_one_is_refused_at_its_end(database: Sqlite, damage: str) -> None:
    name = put_document(database, [pattern(2 * CHUNK + 1)])
    database.execute(damage)
    with pytest.raises(Damaged, match=f"the document {name} is not what was stored"):
        list(read_document(database, name))
