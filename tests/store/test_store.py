"""The store as a whole: what a block changed is found again, in this life and in the next."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from counterfoil.errors import Damaged, Unavailable
from counterfoil.ledger.command import Endorse, Standing
from counterfoil.ledger.constraints import claim_key
from counterfoil.proof import index as index_tree
from counterfoil.proof.entry import Claim, Entry, Reference, decode_entry
from counterfoil.proof.index import record_key, root_of, verify_index
from counterfoil.proof.merkle import leaf_hash, leaf_hashes, root
from counterfoil.proof.transaction import endorse
from counterfoil.store import pages
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from tests.store.office import COURT, LAND, ORIGIN, Office, dump, key_of, summary, title

DIGEST = "sha256:" + "5e" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def office(path: Path) -> Office:
    opened = Office(Sqlite(path))
    opened.begin()
    opened.define("title", scopes=["land"])
    return opened


def entries(store: Store) -> list[Entry]:
    return [decode_entry(data) for data in store.entries()]


def leaves(store: Store) -> dict[bytes, bytes]:
    """The leaf hash of every record but the index's own, as of the latest index entry, read off the log."""
    index = store.head.index
    end = index.number if index else 0
    return {
        record_key(entry.register, entry.record): leaf_hash(data)
        for data, entry in zip(store.entries(0, end), entries(store)[:end], strict=True)
        if entry.register != ".index"
    }


def replayed(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many entries a start reads again."""
    seen: list[bytes] = []

    def decode(data: bytes) -> Entry:
        seen.append(data)
        return decode_entry(data)

    monkeypatch.setattr("counterfoil.store.store._decode", decode)
    Store(Sqlite(path)).database.close()
    return len(seen)


def test_log_and_index_are_those_of_a_plain_recomputation(office: Office) -> None:
    for block in range(6):
        office.time += block % 2
        office.take(office.draft(*(title(f"{block} {number}") for number in range(100))))
    store = office.store
    data = list(store.entries())
    assert store.head.size == len(data) > 600
    assert store.log.root() == root(leaf_hashes(data))
    assert store._pages.root() == root_of(leaves(store))
    assert [entry.number for entry in entries(store)] == list(range(len(data)))
    assert list(store.entries(250, 260)) == data[250:260]
    assert list(store.entries(590)) == data[590:]
    assert list(store.entries(5, 5)) == []


def test_the_index_entry_states_the_root_before_it(office: Office) -> None:
    office.take(office.draft(title("one")))
    office.time += 1
    office.take(office.draft(title("two")))
    index = office.store.head.index
    assert index is not None
    assert index.number == office.store.head.size - 1
    stated = decode_entry(office.store.entry(index.number)).fields
    assert stated == {"root": f"sha256:{root_of(leaves(office.store)).hex()}", "size": index.number}
    assert index.leaf == leaf_hash(office.store.entry(index.number))


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_everything_is_found_again_after_the_process_has_ended(path: Path, office: Office, how: str) -> None:
    office.define("deed", policy={"require": 2, "of": [f"agency:{LAND}", f"agency:{COURT}"]})
    claim = Claim("land", "address", DIGEST)
    office.take(office.draft(*(title(f"a{number}") for number in range(300))))
    office.take(office.draft(title("a7", 2, claims=(claim,), references=(Reference("of", "title", "a8"),))))
    waiting = office.draft(title("d", register="deed"))
    office.take(waiting)
    before, rows = summary(office.store), dump(office.store.database)
    if how == "closed":
        office.store.close()
    again = Store(Sqlite(path))
    assert summary(again) == before
    key = record_key("title", "a7")
    state = again.record(key)
    assert state is not None
    assert (state.version, again.prior(state.number)) == (2, state.number - 300 + 7)
    assert again.claim(claim_key(claim)) == key
    assert list(again.database.query("SELECT * FROM reference")) == [(record_key("title", "a8"), "of", key)]
    pending = again.pending(waiting.hash)
    assert pending is not None
    assert pending.transaction.proposal_bytes == waiting.proposal_bytes
    if how == "killed":
        assert dump(again.database) == rows


def test_the_transaction_of_an_entry_is_found_and_the_ledgers_own_have_none(office: Office) -> None:
    first = office.store.head.size
    transaction = office.draft(title("one"), title("two"), name="a request")
    office.take(transaction)
    taken = office.store.taken_at(first)
    assert taken is not None
    assert (taken.first, taken.count, taken.header) == (first, 2, transaction.header_bytes)
    assert office.store.taken_at(first + 1) == taken
    assert office.store.taken_as(taken.name) == taken
    assert office.store.taken_at(0) is None
    assert office.store.taken_as(bytes(32)) is None
    office.time += 1
    office.take(office.draft(title("three")))
    assert office.store.taken_at(office.store.head.size - 1) is None


def test_a_history_is_walked_from_entry_to_entry(office: Office) -> None:
    numbers = []
    for version in range(1, 5):
        office.take(office.draft(title("one", version), title(f"other {version}")))
        numbers.append(office.store.head.size - 2)
    state = office.store.record(record_key("title", "one"))
    assert state is not None
    walked, number = [], office.store.prior(state.number)
    while number is not None:
        walked.append(number)
        number = office.store.prior(number)
    assert [state.number, *walked] == numbers[::-1]


def test_a_released_claim_is_free_and_a_moved_one_has_its_new_holder(office: Office) -> None:
    key = claim_key(Claim("land", "address", DIGEST))
    claims = (Claim("land", "address", DIGEST),)
    office.take(office.draft(title("one", claims=claims), title("two")))
    assert office.store.claim(key) == record_key("title", "one")
    office.take(office.draft(title("one", 2), title("two", 2, claims=claims)))
    assert office.store.claim(key) == record_key("title", "two")
    office.take(office.draft(title("two", 3)))
    assert office.store.claim(key) is None


def test_who_refers_to_a_record_is_told_in_order_up_to_a_limit(office: Office) -> None:
    there = (Reference("of", "title", "house"),)
    office.take(office.draft(*(title(each, references=there) for each in "abcdef"), title("house")))
    keys = sorted(record_key("title", each) for each in "abcdef")
    house = record_key("title", "house")
    assert [office.store.referring(house, "of", limit) for limit in (0, 4, 9)] == [[], keys[:4], keys]


def test_a_reference_taken_away_and_made_again_within_one_block_stands(office: Office) -> None:
    there = (Reference("of", "title", "house"),)
    office.take(office.draft(title("house"), title("one", references=there)))
    office.take(office.draft(title("one", 2)), office.draft(title("one", 3, references=there)))
    row = (record_key("title", "house"), "of", record_key("title", "one"))
    assert list(office.store.database.query("SELECT * FROM reference")) == [row]
    office.take(office.draft(title("one", 4, references=there)), office.draft(title("one", 5)))
    assert list(office.store.database.query("SELECT * FROM reference")) == []


def test_index_proofs_hold_under_the_root_of_the_latest_index_entry(office: Office) -> None:
    office.take(office.draft(*(title(f"a{number}") for number in range(200))), settle=True)
    office.take(office.draft(title("later"), title("a7", 2)))
    for name in ("a0", "a7", "a199", "later", "absent"):
        key = record_key("title", name)
        proved = verify_index(office.store.prove_index(key), key, root_of(leaves(office.store)))
        assert proved == leaves(office.store).get(key)


def test_the_log_has_the_root_that_it_had(office: Office) -> None:
    office.take(office.draft(*(title(f"a{number}") for number in range(300))))
    hashes = leaf_hashes(office.store.entries())
    assert all(office.store.root_at(size) == root(hashes[:size]) for size in range(len(hashes) + 1))


# Checkpoints


def test_the_latest_note_stands_and_the_published_ones_are_kept(path: Path, office: Office) -> None:
    for number in range(4):
        office.time += number % 2
        office.take(office.draft(title(f"a{number}")))
    sizes = [entry.number + 1 for entry in entries(office.store) if entry.register == ".index"]
    kept = [size for (size,) in office.store.database.query("SELECT size FROM checkpoint ORDER BY size")]
    assert kept == sizes
    assert len(sizes) == 3
    head = office.store.head.size
    assert office.store.note == f"ledger.example/one\n{head}\n{office.store.log.root().hex()}\n".encode()
    assert Store(Sqlite(path)).note == office.store.note
    assert office.signer.remembered == 6


def test_settling_ends_the_block_with_an_index_entry_within_the_second(office: Office) -> None:
    size = office.store.head.size
    office.take(office.draft(title("one")), settle=True)
    assert office.store.head.size == size + 2
    assert [entry.register for entry in entries(office.store)[-2:]] == ["title", ".index"]


def test_a_note_that_has_gained_signatures_takes_the_place_of_the_one_before(
    path: Path, office: Office
) -> None:
    office.take(office.draft(title("one")), settle=True)
    note = office.store.note + b"and a cosignature\n"
    office.store.keep_published(office.store.head.size, note)
    assert office.store.note == note
    again = Store(Sqlite(path))
    assert (again.note, again.head) == (note, office.store.head)
    assert again.database.row("SELECT note FROM checkpoint WHERE size = ?", (again.head.size,)) == (note,)


def cosigned(store: Store, size: int, line: str) -> bytes:
    """The published checkpoint of that size with one line more, as it is stored."""
    note = store.published_at(size)
    assert note is not None
    # A signer in plain words has no signature lines: the empty line is what comes before them.
    gained = note + f"\n\u2014 {line} c2lnbmF0dXJl\n".encode()
    store.keep_published(size, gained)
    return gained


def published(office: Office, count: int) -> list[int]:
    """The sizes of so many checkpoints more."""
    sizes = []
    for number in range(count):
        office.take(office.draft(title(f"published {number} {office.store.head.size}")), settle=True)
        sizes.append(office.store.head.size)
    return sizes


def test_a_published_checkpoint_is_found_by_its_size(path: Path, office: Office) -> None:
    one, two = published(office, 2)
    office.take(office.draft(title("after")))
    for store in (office.store, Store(Sqlite(path, read_only=True), read_only=True)):
        notes = {size: store.published_at(size) for size in (one, two)}
        assert all(
            note is not None and note.startswith(f"{ORIGIN}\n{size}\n".encode())
            for size, note in notes.items()
        )
        assert store.published_at(one + 1) is None
        assert store.latest_published() == notes[two]
        assert store.published(one) == notes[one]
        assert store.published(one + 1) == notes[two]
        # After the last published one there is the checkpoint that only stands until the next block.
        assert store.published(two + 1) == store.note != notes[two]
        assert store.published(store.head.size + 1) is None
        store.database.close()


def test_what_a_checkpoint_gains_is_kept_in_its_own_place(path: Path, office: Office) -> None:
    one, two = published(office, 2)
    latest = office.store.note
    older = cosigned(office.store, one, "witness.example/w1")
    assert (office.store.note, office.store.latest_published()) == (latest, latest)
    newest = cosigned(office.store, two, "witness.example/w1")
    assert (office.store.note, office.store.latest_published()) == (newest, newest)
    again = Store(Sqlite(path))
    assert (again.note, again.published_at(one), again.published_at(two)) == (newest, older, newest)


def test_of_a_size_that_was_not_published_nothing_is_kept(office: Office) -> None:
    (size,) = published(office, 1)
    before = dump(office.store.database)
    office.store.keep_published(size - 1, b"a note")
    office.store.keep_published(size + 7, b"a note")
    assert dump(office.store.database) == before


def test_the_first_checkpoint_that_a_witness_has_cosigned(office: Office) -> None:
    sizes = published(office, 4)
    assert list(office.store.cosigned(0)) == []
    cosigned(office.store, sizes[0], ORIGIN)  # another line of the log's own is nobody else's
    assert list(office.store.cosigned(0)) == []
    third = cosigned(office.store, sizes[2], "witness.example/w1")
    fourth = cosigned(office.store, sizes[3], f"{ORIGIN}/not-it")
    assert list(office.store.cosigned(sizes[0])) == [third]
    assert list(office.store.cosigned(sizes[2])) == [third]
    assert list(office.store.cosigned(sizes[2] + 1)) == [fourth]
    assert list(office.store.cosigned(sizes[3] + 1)) == []


def test_one_that_was_cosigned_much_later_is_not_looked_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counterfoil.store.store.LOOKED_AT", 2)
    sizes = published(office, 3)
    last = cosigned(office.store, sizes[2], "witness.example/w1")
    assert list(office.store.cosigned(sizes[0])) == []
    assert list(office.store.cosigned(sizes[1])) == [last]


def test_room_is_what_the_index_can_still_wait_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    published(office, 1)
    monkeypatch.setattr("counterfoil.store.store.MAX_WAITING", 10)
    assert office.store.room == 10
    office.take(office.draft(*(title(f"r{number}") for number in range(7))))
    assert office.store.room == 3
    office.take(office.draft(title("r0", 2)))  # it waits already
    assert office.store.room == 3
    published(office, 1)
    assert office.store.room == 10


# Starting again


def test_after_closing_a_start_replays_the_index_entry_alone(
    path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.take(office.draft(*(title(f"a{number}") for number in range(300))), settle=True)
    office.store.close()
    assert replayed(path, monkeypatch) == 1


def test_after_a_kill_a_start_replays_what_the_pages_lack_and_no_more(
    path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_tree, "PAGE", 20)
    monkeypatch.setattr(pages, "MAX_LAG", 150)
    for block in range(8):
        office.take(office.draft(*(title(f"{block} {number}") for number in range(50))), settle=True)
    before = summary(office.store)
    assert 1 < replayed(path, monkeypatch) <= 151
    monkeypatch.undo()
    assert summary(Store(Sqlite(path))) == before


def test_lives_that_end_after_a_block_do_not_make_the_next_start_longer(
    path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.take(office.draft(*(title(f"a{number}") for number in range(600))), settle=True)
    office.store.close()
    for life in range(5):
        later = Office(Sqlite(path))
        later.take(later.draft(*(title(f"{life} {number}") for number in range(10))), settle=True)
        later.store.database.close()
    assert replayed(path, monkeypatch) == 1 + 5 * 11


def test_a_full_disk_at_closing_is_said_and_loses_nothing(path: Path, office: Office) -> None:
    office.take(office.draft(*(title(f"a{number}") for number in range(60))), settle=True)
    before = summary(office.store)
    office.store.database.execute("PRAGMA max_page_count=1")  # or as many as there are now
    with pytest.raises(Unavailable, match="is full"):
        office.store.close()
    with pytest.raises(Damaged, match="closed"):
        office.store.database.row("SELECT 1")
    assert summary(Store(Sqlite(path))) == before


def test_the_index_stays_what_its_latest_entry_says_while_records_are_found_as_they_are(
    office: Office,
) -> None:
    office.take(office.draft(title("one")), settle=True)
    root_then = office.store._pages.root()
    office.take(office.draft(title("one", 2), title("two")))
    assert office.store._pages.root() == root_then
    one, two = (office.store.record(record_key("title", name)) for name in ("one", "two"))
    assert one is not None
    assert two is not None
    assert (one.version, two.version) == (2, 1)
    office.take(office.draft(title("two", 2)), settle=True)
    assert office.store._pages.root() == root_of(leaves(office.store)) != root_then


def test_a_block_that_was_taken_but_never_stored_is_not_written_by_closing(
    path: Path, office: Office
) -> None:
    office.take(office.draft(title("one")))
    before = summary(office.store)
    office.time += 1
    office.machine.apply(office.time, [office.draft(title("two"))])
    office.store.close()
    assert summary(Store(Sqlite(path))) == before


def test_discarding_a_block_forgets_it(office: Office) -> None:
    before = summary(office.store)
    office.time += 1
    office.machine.apply(office.time, [office.draft(title("two"))])
    office.machine.discard()
    office.machine.commit()
    assert summary(office.store) == before


def test_a_block_in_which_all_was_refused_stores_nothing(office: Office) -> None:
    before, signed = dump(office.store.database), office.signer.remembered
    refused = office.engine.submit("ledger", [office.draft(title("one", 2))])
    assert refused[0].standing is Standing.REFUSED
    assert dump(office.store.database) == before
    assert office.signer.remembered == signed


def test_an_entry_that_cannot_be_replayed_is_named(path: Path, office: Office) -> None:
    office.take(office.draft(title("one")))
    number = office.store.head.size - 1
    row = office.store.database.row("SELECT entries FROM tail ORDER BY first DESC LIMIT 1")
    assert row is not None
    office.store.database.execute(
        "UPDATE tail SET entries = ? WHERE first = ?", (row[0].replace(b"{", b"["), number)
    )
    with pytest.raises(Damaged, match=f"entry {number} cannot be read .*; run counterfoil audit"):
        Store(Sqlite(path))


def test_a_store_opened_for_reading_says_the_same_and_writes_nothing(path: Path, office: Office) -> None:
    office.take(office.draft(*(title(f"a{number}") for number in range(300))))
    files = {
        file.name: sha256(file.read_bytes()).digest()
        for file in path.parent.glob("store.db*")
        if "shm" not in file.name
    }
    reader = Store(Sqlite(path, read_only=True), read_only=True)
    assert summary(reader) == summary(office.store)
    assert list(reader.entries()) == list(office.store.entries())
    reader.database.close()
    assert files == {name: sha256(path.with_name(name).read_bytes()).digest() for name in files}


def test_what_is_only_read_is_replayed_once_it_is_asked_for(
    path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.take(office.draft(*(title(f"a{number}") for number in range(300))))
    seen: list[bytes] = []

    def decode(data: bytes) -> Entry:
        seen.append(data)
        return decode_entry(data)

    monkeypatch.setattr("counterfoil.store.store._decode", decode)
    reader = Store(Sqlite(path, read_only=True), read_only=True)
    assert len(list(reader.entries())) == office.store.head.size
    assert reader.latest_published() == office.store.latest_published()
    assert seen == []
    state = reader.record(record_key("title", "a299"))
    assert state == office.store.record(record_key("title", "a299"))
    assert len(seen) >= 300
    count = len(seen)
    reader.record(record_key("title", "a1"))
    reader.index_root({})
    assert len(seen) == count
    reader.close()


def test_half_a_replay_is_not_taken_for_the_whole(path: Path, office: Office) -> None:
    office.take(office.draft(*(title(f"a{number}") for number in range(10))))
    office.take(office.draft(title("last")))
    number = office.store.head.size - 1
    reader = Store(Sqlite(path, read_only=True), read_only=True)
    sound = reader.log._tail[-1]
    reader.log._tail[-1] = sound.replace(b"{", b"[")
    for _ in range(2):
        for name in ("a1", "last", "none"):
            with pytest.raises(Damaged, match=f"entry {number} cannot be read"):
                reader.record(record_key("title", name))
    reader.log._tail[-1] = sound
    for name in ("a1", "last", "none"):
        assert reader.record(record_key("title", name)) == office.store.record(record_key("title", name))
    reader.close()


# Documents and what waits


def test_a_document_is_kept_beside_the_log(path: Path, office: Office) -> None:
    name = office.store.put_document([b"a deed ", b"of 1842"])
    again = Store(Sqlite(path))
    assert name == f"sha256:{sha256(b'a deed of 1842').hexdigest()}"
    assert again.document_size(name) == 14
    assert b"".join(again.read_document(name)) == b"a deed of 1842"


@pytest.fixture
def shared_register(office: Office) -> Office:
    office.define("deed", policy={"require": 2, "of": [f"agency:{LAND}", f"agency:{COURT}"]})
    return office


def test_what_waits_is_endorsed_and_taken_in_another_life(path: Path, shared_register: Office) -> None:
    office = shared_register
    transaction = office.draft(title("one", register="deed"), title("two", register="deed"))
    office.take(transaction)
    office.store.close()
    later = Office(Sqlite(path))
    (pending,) = later.store.waiting()
    assert msgspec.to_builtins(pending.transaction.proposals) == msgspec.to_builtins(transaction.proposals)
    assert pending.transaction.endorsements == transaction.endorsements
    assert (pending.hash, pending.complete) == (transaction.hash, False)
    outcome = later.take(Endorse(pending.hash, endorse(pending.hash, key_of(COURT))))
    assert outcome is not None
    assert (outcome.standing, outcome.count) == (Standing.TAKEN, 2)
    assert later.store.waiting() == ()
    assert later.store.pending(transaction.hash) is None
    taken = later.store.taken_at(outcome.first)
    assert taken is not None
    assert taken.header == transaction.header_bytes


def test_several_that_wait_come_back_in_the_order_of_their_hashes(
    path: Path, shared_register: Office
) -> None:
    hashes = []
    for number in range(5):
        transaction = shared_register.draft(title(f"d{number}", register="deed"))
        shared_register.take(transaction)
        hashes.append(transaction.hash)
    assert [pending.hash for pending in shared_register.store.waiting()] == sorted(hashes)
    assert [pending.hash for pending in Store(Sqlite(path)).waiting()] == sorted(hashes)


@pytest.mark.parametrize("column", ["header", "proposals", "endorsements"])
@pytest.mark.parametrize(
    "change", ["substr({0}, 1, length({0}) - 1)", "x'7b7d'", "CAST({0} || x'20' AS BLOB)"]
)
def test_one_that_waits_and_was_changed_is_named(shared_register: Office, column: str, change: str) -> None:
    store = shared_register.store
    shared_register.take(shared_register.draft(title("one", register="deed")))
    store.database.execute(f"UPDATE pending SET {column} = {change.format(column)}")
    store.reload()
    with pytest.raises(Damaged, match=r"a pending transaction cannot be read .*; run counterfoil audit"):
        store.waiting()
