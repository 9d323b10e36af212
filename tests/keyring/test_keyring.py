"""Keys are drawn, kept for a transaction and committed together; then they are there, whatever happens."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Conflict, Damaged, Malformed, NotFound, Unavailable, Unverified
from counterfoil.keyring import drawing
from counterfoil.keyring.database import KeyringDatabase
from counterfoil.keyring.drawing import Drawn
from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.wrapping import Master
from tests.keyring.office import DEADLINE, change, cheap, look, opened, put, transaction


def test_a_committed_key_is_there_again_after_reopening(keyring: Keyring, folder: Path) -> None:
    keys = put(keyring, 3)
    assert [keyring.key(number) for number in keys] == list(keys.values())
    keyring.close()
    with opened(folder / "keyring.db") as again:
        assert {number: again.key(number) for number in keys} == keys


def test_drawn_keys_are_32_bytes_each_and_all_different(keyring: Keyring) -> None:
    first, second = keyring.draw(3), keyring.draw(2)
    assert (first.first, second.first) == (1, 4)
    assert {len(key) for key in first.keys + second.keys} == {32}
    assert len({*first.keys, *second.keys}) == 5


def test_a_key_is_not_there_before_its_commit(keyring: Keyring) -> None:
    drawn = keyring.draw(1)
    keyring.keep(drawn, transaction("birth"), DEADLINE)
    with pytest.raises(
        NotFound, match=r"the keyring has no key 1; restore the keyring from its newest backup"
    ):
        keyring.key(1)
    keyring.commit()
    assert keyring.key(1) == drawn.keys[0]


def test_one_commit_makes_the_keys_of_many_transactions_durable(keyring: Keyring, folder: Path) -> None:
    for name in ("birth", "marriage"):
        keyring.keep(keyring.draw(2), transaction(name), DEADLINE)
    keyring.commit()
    batches = look(folder / "keyring.db", "SELECT first, last, transaction_hash, deadline FROM batch")
    assert [(first, last, "sha256:" + name.hex(), until) for first, last, name, until in batches] == [
        (1, 2, transaction("birth"), DEADLINE),
        (3, 4, transaction("marriage"), DEADLINE),
    ]


def test_a_stored_key_is_wrapped_as_documented(folder: Path) -> None:
    class Glass:
        name = "file"
        seen = b""

        def wrap(self, key: bytes) -> bytes:
            self.seen = key
            return b"wrapped"

        def unwrap(self, wrapped: bytes) -> bytes:
            return self.seen

    glass = Glass()
    keyring = Keyring.create(folder / "keyring.db", glass)
    (number, key), *_ = put(keyring, 2).items()
    keyring.close()
    ((wrapped,),) = look(folder / "keyring.db", f"SELECT wrapped FROM key WHERE id = {number}")
    nonce = number.to_bytes(12, "big")
    assert len(wrapped) == 48
    assert AESGCM(glass.seen).decrypt(nonce, wrapped, nonce) == key


@given(st.integers(0, 2**53 - 1), st.integers(0, 2**53 - 1), st.binary(min_size=32, max_size=32))
def test_a_wrapped_key_opens_under_its_own_id_alone(number: int, other: int, key: bytes) -> None:
    master = Master(bytes(32), 1)
    wrapped = master.wrap_key(number, key)
    assert master.unwrap_key(number, wrapped) == key
    if other != number:
        with pytest.raises(Damaged, match=f"key {other} is damaged"):
            master.unwrap_key(other, wrapped)


KILLED = """
import os, sys
from pathlib import Path
from tests.keyring.office import DEADLINE, cheap, transaction
from counterfoil.keyring.keyring import Keyring
keyring = Keyring.open(Path(sys.argv[1]), cheap())
drawn = keyring.draw(3)
keyring.keep(drawn, transaction("birth"), DEADLINE)
if sys.argv[2] == "committed":
    keyring.commit()
print(drawn.first, drawn.keys[0].hex(), flush=True)
os.kill(os.getpid(), 9)
"""


def kill_after(path: Path, when: str) -> tuple[int, bytes]:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), when], capture_output=True, text=True, check=False, cwd=root
    )
    assert done.returncode == -9, done.stderr
    first, key = done.stdout.split()
    return int(first), bytes.fromhex(key)


def test_keys_of_a_process_killed_before_its_commit_are_gone_and_their_ids_never_come_again(
    keyring: Keyring, folder: Path
) -> None:
    put(keyring, 1)
    keyring.close()
    first, _ = kill_after(folder / "keyring.db", "kept")
    with opened(folder / "keyring.db") as again:
        with pytest.raises(NotFound):
            again.key(first)
        assert again.draw(1).first > first + 2
        assert list(again.faults()) == []


def test_keys_of_a_process_killed_after_its_commit_are_there(keyring: Keyring, folder: Path) -> None:
    keyring.close()
    first, key = kill_after(folder / "keyring.db", "committed")
    with opened(folder / "keyring.db") as again:
        assert again.key(first) == key
        assert again.draw(1).first > first + 2
        assert list(again.faults()) == []


def test_two_processes_never_get_the_same_ids(keyring: Keyring, folder: Path) -> None:
    with opened(folder / "keyring.db") as other:
        drawn = [each.draw(drawing.RESERVED_AT_ONCE // 2 + 1) for each in (keyring, other, keyring, other)]
    ids = [number for each in drawn for number in range(each.first, each.first + len(each.keys))]
    assert len(set(ids)) == len(ids)


def test_many_threads_draw_keep_commit_and_read(keyring: Keyring) -> None:
    def work(name: int) -> dict[int, bytes]:
        keys = put(keyring, 5, str(name))
        assert {number: keyring.key(number) for number in keys} == keys
        return keys

    with ThreadPoolExecutor(8) as pool:
        all_keys = list(pool.map(work, range(40)))
    assert len({number for keys in all_keys for number in keys}) == 200
    assert list(keyring.faults()) == []


@contextmanager
def refusing_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    @contextmanager
    def full(self: KeyringDatabase) -> Iterator[None]:
        raise Unavailable("the disk is full")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(KeyringDatabase, "writing", full)
        yield


def test_what_a_full_disk_refused_is_written_by_the_next_commit(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(keyring, 1)
    drawn = keyring.draw(2)
    keyring.keep(drawn, transaction("birth"), DEADLINE)
    with refusing_disk(monkeypatch):
        for _ in range(2):
            with pytest.raises(Unavailable, match="full"):
                keyring.commit()
    keyring.commit()
    assert (keyring.key(2), keyring.key(3)) == drawn.keys
    assert list(keyring.faults()) == []


def test_keys_do_not_pile_up_while_the_disk_refuses(
    keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing, "MAX_STAGED", 2)
    keyring.keep(keyring.draw(3), transaction("birth"), DEADLINE)
    with pytest.raises(Unavailable, match="3 keys wait to be written to the keyring; check its disk"):
        keyring.keep(keyring.draw(1), transaction("death"), DEADLINE)
    keyring.commit()
    assert put(keyring, 1)


def test_a_commit_of_nothing_writes_nothing(keyring: Keyring, folder: Path) -> None:
    before = look(folder / "keyring.db", "SELECT * FROM total")
    keyring.commit()
    assert look(folder / "keyring.db", "SELECT * FROM total") == before


@pytest.mark.parametrize("number", [-1, 0, 2**53, 2**70])
def test_what_is_no_id_is_no_key(keyring: Keyring, number: int) -> None:
    put(keyring, 1)
    with pytest.raises(NotFound, match=f"{number} is no id of a key"):
        keyring.key(number)
    assert keyring.destroy([number], "erasure") == 0


@pytest.mark.parametrize("count", [0, -1])
def test_at_least_one_key_is_drawn(keyring: Keyring, count: int) -> None:
    with pytest.raises(Malformed, match="draw at least one"):
        keyring.draw(count)


def test_keys_are_kept_for_a_transaction_s_hash(keyring: Keyring) -> None:
    with pytest.raises(Malformed, match="is not a hash"):
        keyring.keep(Drawn(1, (bytes(32),)), "birth", DEADLINE)


def test_a_secret_is_made_once_and_stays(keyring: Keyring, folder: Path) -> None:
    made = keyring.secret("pseudonym:person")
    assert len(made) == 32
    assert keyring.secret("pseudonym:person") == made
    assert keyring.secret("pseudonym:birth") != made
    keyring.close()
    with opened(folder / "keyring.db", read_only=True) as again:
        assert again.secret("pseudonym:person") == made
        with pytest.raises(NotFound, match="no secret pseudonym:death"):
            again.secret("pseudonym:death")


def test_two_processes_make_one_secret(keyring: Keyring, folder: Path) -> None:
    with opened(folder / "keyring.db") as other:
        assert keyring.secret("desk") == other.secret("desk")


@pytest.mark.parametrize("name", ["", ".rows", ".recovery", "x" * 201])
def test_the_keyring_s_own_secrets_cannot_be_asked_for(keyring: Keyring, name: str) -> None:
    with pytest.raises(Malformed, match="cannot name a secret"):
        keyring.secret(name)


def test_a_wrong_passphrase_is_one_sentence(keyring: Keyring, folder: Path) -> None:
    keyring.close()
    with (
        pytest.raises(Unverified) as refused,
        opened(folder / "keyring.db", passphrase=b"battery staple"),
    ):
        pass
    assert str(refused.value) == (
        "this passphrase does not open the keyring; give the one that it was protected with last"
    )


def test_a_keyring_is_made_once(keyring: Keyring, folder: Path) -> None:
    keys = put(keyring, 1)
    with pytest.raises(Conflict, match=r"there is a keyring at .*keyring\.db already"):
        Keyring.create(folder / "keyring.db", cheap())
    assert keyring.key(1) == keys[1]


def test_a_keyring_whose_making_was_interrupted_is_made_anew(folder: Path) -> None:
    KeyringDatabase(folder / "keyring.db").close()
    with pytest.raises(NotFound, match="its making was interrupted: make it anew"):
        Keyring.open(folder / "keyring.db", cheap())
    keyring = Keyring.create(folder / "keyring.db", cheap())
    assert put(keyring, 1)
    keyring.close()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_missing_keyring_is_not_made_by_opening_it(folder: Path, read_only: bool) -> None:
    with pytest.raises(NotFound, match="there is no keyring at"):
        Keyring.open(folder / "keyring.db", cheap(), read_only)
    assert list(folder.iterdir()) == []


def test_reading_changes_nothing(keyring: Keyring, folder: Path) -> None:
    keys = put(keyring, 2)
    keyring.close()
    before = (folder / "keyring.db").read_bytes()
    with opened(folder / "keyring.db", read_only=True) as reader:
        assert {number: reader.key(number) for number in keys} == keys
        assert list(reader.faults()) == []
        with pytest.raises(Unavailable, match="opened to be read"):
            reader.destroy([1], "erasure")
        with pytest.raises(Unavailable, match="opened to be read"):
            reader.draw(1)
    assert (folder / "keyring.db").read_bytes() == before


def test_only_the_owner_can_read_the_files(keyring: Keyring, folder: Path) -> None:
    put(keyring, 1)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_changed_master_row_is_told_from_a_wrong_passphrase(keyring: Keyring, folder: Path) -> None:
    keyring.close()
    change(folder / "keyring.db", "UPDATE master SET wrapped = zeroblob(length(wrapped))")
    with pytest.raises(Damaged, match=r"the master row of the keyring .* is damaged"):
        Keyring.open(folder / "keyring.db", cheap())
