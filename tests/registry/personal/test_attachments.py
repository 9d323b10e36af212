"""Attachments: sealed in chunks, opened only whole and in order, and by nothing but what the item holds."""

from __future__ import annotations

import traceback
import tracemalloc
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import repeat
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Damaged, Malformed
from counterfoil.proof.canonical import canonical
from counterfoil.registry.personal.attachments import (
    CHUNK,
    MAX_SIZE,
    SEALED,
    Attachment,
    open_attachment,
    parse_attachment,
    seal_attachment,
)
from counterfoil.store.documents import put_document, read_document
from counterfoil.store.schema import prepare
from counterfoil.store.sqlite import Sqlite

PDF = "application/pdf"


@dataclass
class Documents:
    """A store of documents in memory, by the hash of their bytes."""

    kept: dict[str, bytes] = field(default_factory=dict)
    piece: int = 10_000

    def put(self, parts: Iterable[bytes]) -> str:
        data = b"".join(parts)
        name = "sha256:" + sha256(data).hexdigest()
        self.kept[name] = data
        return name

    def read(self, name: str) -> Iterator[bytes]:
        data = self.kept[name]
        return (data[at : at + self.piece] for at in range(0, len(data), self.piece))


@pytest.fixture
def documents() -> Documents:
    return Documents()


def content(size: int) -> bytes:
    return (b"%07d\n" * 40_000 % tuple(range(40_000)) * (size // 320_000 + 1))[:size]


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def seal(documents: Documents, data: bytes, kind: str = "scan") -> Attachment:
    return seal_attachment([data], documents.put, PDF, kind)


def test_a_document_is_sealed_and_opened_again(documents: Documents) -> None:
    attachment = seal_attachment(
        [b"medical ", b"", b"certificate"], documents.put, "text/plain", "certificate"
    )

    assert b"".join(open_attachment(attachment, documents.read)) == b"medical certificate"
    assert (attachment.kind, attachment.media_type, attachment.size) == ("certificate", "text/plain", 19)


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
def test_every_length_around_a_chunk_is_what_it_was(documents: Documents, size: int) -> None:
    data = content(size)
    attachment = seal(documents, data)

    assert b"".join(open_attachment(attachment, documents.read)) == data
    chunks = -(-size // CHUNK)
    assert len(documents.kept[attachment.document]) == size + 16 * chunks


@given(st.lists(st.integers(0, 2 * CHUNK), max_size=5), st.integers(1, 3 * CHUNK))
def test_how_the_bytes_arrive_makes_no_difference(sizes: list[int], piece: int) -> None:
    documents = Documents(piece=piece)
    parts = [bytes([number]) * size for number, size in enumerate([*sizes, 1])]
    attachment = seal_attachment(parts, documents.put, PDF, "scan")
    assert b"".join(open_attachment(attachment, documents.read)) == b"".join(parts)


def test_the_ciphertext_is_a_stream_of_aes_256_gcm_that_anyone_with_the_key_can_open(
    documents: Documents,
) -> None:
    data = content(CHUNK + 3)
    attachment = seal(documents, data)
    value = msgspec.to_builtins(attachment)
    key = AESGCM(decoded(value["key"]))
    context = canonical(["attachment/v1", "scan", PDF])
    sealed = documents.kept[attachment.document]

    first = key.decrypt(bytes.fromhex("000000000000000000000000"), sealed[:SEALED], context)
    last = key.decrypt(bytes.fromhex("000000000000000000000101"), sealed[SEALED:], context)
    assert first + last == data
    assert value["hash"] == "sha256:" + sha256(decoded(value["salt"]) + data).hexdigest()


def test_what_goes_into_the_circumstances_has_these_members_and_comes_back(documents: Documents) -> None:
    attachment = seal(documents, b"x")
    value = msgspec.to_builtins(attachment)
    assert list(value) == ["kind", "media-type", "size", "hash", "salt", "key", "document"]
    assert (len(decoded(value["key"])), len(decoded(value["salt"]))) == (32, 16)
    assert parse_attachment(value) == attachment


def test_the_same_document_sealed_twice_has_nothing_in_common(documents: Documents) -> None:
    one, other = (msgspec.to_builtins(seal(documents, b"the same")) for _ in range(2))
    assert all(one[name] != other[name] for name in ("hash", "salt", "key", "document"))


def test_nothing_of_the_content_is_in_the_store_not_even_its_hash(documents: Documents) -> None:
    data = content(CHUNK * 2)
    attachment = seal(documents, data)
    sealed = documents.kept[attachment.document]
    assert not any(data[at : at + 8] in sealed for at in range(0, len(data), 4096))
    assert sha256(data).hexdigest() not in (attachment.hash[7:], attachment.document[7:])


def swapped(sealed: bytes) -> bytes:
    return sealed[SEALED : 2 * SEALED] + sealed[:SEALED] + sealed[2 * SEALED :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: b"",
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:SEALED],
        lambda sealed: sealed[: 2 * SEALED],
        lambda sealed: sealed[SEALED:],
        lambda sealed: sealed[:SEALED] + sealed[2 * SEALED :],
        lambda sealed: sealed[:SEALED] + sealed,
        lambda sealed: sealed + b"\0",
        lambda sealed: sealed + bytes(SEALED),
        swapped,
        lambda sealed: bytes([sealed[0] ^ 1]) + sealed[1:],
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 128]),
    ],
    ids=[
        "nothing left",
        "last byte lost",
        "first chunk alone",
        "last chunk lost",
        "first chunk lost",
        "middle chunk lost",
        "first chunk twice",
        "byte added",
        "chunk added",
        "chunks swapped",
        "first bit turned",
        "last bit turned",
    ],
)
def test_what_is_cut_moved_added_or_changed_is_refused(
    documents: Documents, damage: Callable[[bytes], bytes]
) -> None:
    attachment = seal(documents, content(2 * CHUNK + 100))
    documents.kept[attachment.document] = damage(documents.kept[attachment.document])

    with pytest.raises(Damaged) as refused:
        list(open_attachment(attachment, documents.read))
    assert str(refused.value) == (
        f"the attachment stored as {attachment.document} is not what was sealed; run counterfoil audit, and bring it "
        "back from a backup"
    )


def test_a_chunk_is_given_out_only_after_it_was_found_authentic(documents: Documents) -> None:
    attachment = seal(documents, content(2 * CHUNK))
    sealed = bytearray(documents.kept[attachment.document])
    sealed[SEALED + 5] ^= 1
    documents.kept[attachment.document] = bytes(sealed)

    opened = open_attachment(attachment, documents.read)
    assert next(opened) == content(CHUNK)
    with pytest.raises(Damaged):
        next(opened)


@pytest.mark.parametrize("taken", ["document", "key", "salt", "hash", "size", "kind", "media_type"])
def test_no_part_of_one_attachment_passes_for_that_of_another(documents: Documents, taken: str) -> None:
    one = seal_attachment([b"a deed of sale"], documents.put, PDF, "deed")
    other = seal_attachment([b"another deed of sale"], documents.put, "image/png", "order")
    mixed = msgspec.structs.replace(one, **{taken: getattr(other, taken)})
    with pytest.raises(Damaged, match="is not what was sealed"):
        list(open_attachment(mixed, documents.read))


def test_a_document_may_have_50_mb_and_no_byte_more(documents: Documents) -> None:
    megabyte = bytes(1_000_000)
    largest = seal_attachment(repeat(megabyte, 50), documents.put, PDF, "scan")
    assert largest.size == MAX_SIZE == 50_000_000
    assert sum(map(len, open_attachment(largest, documents.read))) == MAX_SIZE

    documents.kept.clear()
    with pytest.raises(Malformed, match="larger than 50 MB"):
        seal_attachment([*repeat(megabyte, 50), b"!"], documents.put, PDF, "scan")
    assert documents.kept == {}


def test_the_store_keeps_a_piece_for_each_sealed_chunk_and_nothing_of_what_is_refused(tmp_path: Path) -> None:
    with closing(Sqlite(tmp_path / "documents.db")) as database:
        prepare(database)
        put, read = partial(put_document, database), partial(read_document, database)
        attachment = seal_attachment([content(CHUNK + 10)], put, PDF, "scan")
        with pytest.raises(Malformed, match="larger than 50 MB"):
            seal_attachment(repeat(bytes(1_000_000)), put, PDF, "scan")

        assert b"".join(open_attachment(attachment, read)) == content(CHUNK + 10)
        sizes = database.query("SELECT length(bytes) FROM chunk ORDER BY number")
        assert [size for (size,) in sizes] == [SEALED, 26]


def test_a_document_without_end_is_read_no_further_than_one_may_be(documents: Documents) -> None:
    attachment = seal(documents, b"x")
    with pytest.raises(Damaged):
        list(open_attachment(attachment, lambda name: repeat(bytes(SEALED))))
    with pytest.raises(Malformed, match="larger than 50 MB"):
        seal_attachment(repeat(bytes(100_000)), documents.put, PDF, "scan")


def test_memory_does_not_grow_with_the_document() -> None:
    def peak(chunks: int) -> int:
        sealed: list[bytes] = []

        def drop(parts: Iterable[bytes]) -> str:
            for part in parts:
                sealed[:] = [part]
            return "sha256:" + "0" * 64

        tracemalloc.start()
        seal_attachment(repeat(bytes(CHUNK), chunks), drop, PDF, "scan")
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1)
    assert peak(60) < peak(6) + CHUNK


def test_an_empty_document_is_refused(documents: Documents) -> None:
    for parts in ([], [b""]):
        with pytest.raises(Malformed, match="the document is empty"):
            seal_attachment(parts, documents.put, PDF, "scan")


@pytest.mark.parametrize("media_type", ["text/html", "application/pdf; charset=utf-8", "", "image/svg+xml"])
def test_only_listed_media_types_are_attached(documents: Documents, media_type: str) -> None:
    with pytest.raises(Malformed, match="cannot be attached; use application/pdf, "):
        seal_attachment([b"x"], documents.put, media_type, "scan")


@pytest.mark.parametrize("kind", ["", "Scan", "a b", "1st", "scan\n", "s" * 100])
def test_a_kind_is_a_name(documents: Documents, kind: str) -> None:
    with pytest.raises(Malformed, match="is no kind of document"):
        seal_attachment([b"x"], documents.put, PDF, kind)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("kind", "Scan"),
        ("media-type", "text/html"),
        ("size", 0),
        ("size", MAX_SIZE + 1),
        ("hash", "sha256:12"),
        ("document", "md5:" + "0" * 64),
        ("key", "A" * 42),
        ("key", "A" * 42 + "B"),
        ("key", "?" * 43),
        ("salt", "A" * 21 + "B"),
        ("other", 1),
    ],
)
def test_what_is_no_attachment_is_refused_without_repeating_it(
    documents: Documents, member: str, value: object
) -> None:
    stated = {**msgspec.to_builtins(seal(documents, b"x")), member: value}
    with pytest.raises(Malformed, match="not in form") as refused:
        parse_attachment(stated)
    shown = "".join(traceback.format_exception(refused.value))
    assert stated["key"] not in shown


def test_key_and_salt_are_not_shown_where_an_attachment_is_printed(documents: Documents) -> None:
    attachment = seal(documents, b"x")
    for shown in (repr(attachment), str(attachment), f"{attachment}", repr(attachment.__rich_repr__())):
        assert attachment.key not in shown
        assert attachment.salt not in shown
