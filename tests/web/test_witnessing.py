"""A serving node and its witnesses: from sealed here to witnessed, and nobody waits for a witness that is away."""

from __future__ import annotations

import shutil
import socket
import threading
from pathlib import Path

from counterfoil.cli.app import run
from counterfoil.gateway.witness_logs import Logs
from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.proof.entry import Proposal
from counterfoil.proof.report import SEALED_HERE, WITNESSED
from counterfoil.store.database import Value
from counterfoil.store.sqlite import Sqlite
from tests.gateway.witness_served import NAME, cosigning_keys, served_witness, until
from tests.web.serving import AGENCY, ORIGIN, Served, served

REGISTER = Proposal(
    ".register", "tree", "create", 1, body={"fields": {"title": "Trees", "authority": AGENCY}}
)


def add(folder: Path, url: str, keys: tuple[str, ...]) -> int:
    """Have a witness asked from now on, as an operator does."""
    options = [option for key in keys for option in ("--key", key)]
    return run(["witness", "add", url, *options, "--home", str(folder)])


def write(serving: Served, name: str) -> None:
    """A record more, and a published checkpoint over it."""
    body = {"fields": {"kind": "oak"}}
    proposal = {"register": "tree", "record": name, "operation": "create", "version": 1, "body": body}
    with serving.client() as client:
        answer = client.post("/v1/transactions", json={"proposals": [proposal], "receipt": True})
    assert answer.status_code == 201


def logs_of(serving: Served) -> Logs:
    """What a witness must know of this log."""
    return {ORIGIN: tuple(serving.node._signer.verifier_keys)}


def test_the_level_goes_from_sealed_here_to_witnessed_and_a_changed_line_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with served(home) as serving:
        serving.node.submit([REGISTER])
        witnessing = serving.service.witnessing
        assert witnessing.level() == SEALED_HERE
        with served_witness(tmp_path / "witness", logs_of(serving)) as witness:
            assert add(home, witness.url, witness.keys) == 0
            until(lambda: witnessing.level() == WITNESSED, "the witness has cosigned")
            write(serving, "1")
            size = serving.node.store.head.size
            until(lambda: witnessing.status()[0].size == size, "and the next checkpoint too")
            assert witnessing.level() == WITNESSED
            (status,) = witnessing.status()
            assert (status.name, status.size, status.behind, status.error) == (NAME, size, 0, None)
        # Now it is away: what it has not cosigned is sealed here again, and nobody waits for it.
        write(serving, "2")
        assert witnessing.level() == SEALED_HERE
        until(lambda: witnessing.status()[0].error is not None, "that it is away is seen")
        behind = serving.node.store.head.size - size
        until(lambda: witnessing.status()[0].behind == behind, "and how far it is behind")
        assert witnessing.status()[0].size == size
        assert serving.node.store.published_at(size) in list(serving.node.store.cosigned(size))
    assert audit_home(serving.node.home).findings == ()
    assert_each_byte_of_a_line_is_named(home, size)


def assert_each_byte_of_a_line_is_named(home: Path, size: int) -> None:
    """Change bytes of the first line that a witness made, one at a time, and audit."""
    store = home / "store.db"
    kept = store.with_name("kept")
    shutil.copy(store, kept)
    note = column(store, size)
    start = note.index(f"— {NAME} ".encode())
    end = note.index(b"\n", start)
    spaced = note.index(b" ", start + 4)
    for place in (start + 4, spaced - 1, spaced + 1, spaced + 4, spaced + 12, (spaced + end) // 2, end - 5):
        changed = note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :]
        shutil.copy(kept, store)
        database = Sqlite(store)
        database.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (changed, size))
        database.close()
        found = {finding.where for finding in audit_home(Home(home)).findings}
        assert f"checkpoint {size}" in found, (place, changed[start:end])


def column(store: Path, size: int) -> bytes:
    """A stored checkpoint."""
    database = Sqlite(store)
    values: tuple[Value, ...] = (size,)
    row = database.row("SELECT note FROM checkpoint WHERE size = ?", values)
    database.close()
    assert row is not None
    return bytes(row[0])


def test_a_witness_that_does_not_answer_holds_no_write_up(tmp_path: Path) -> None:
    with socket.socket() as silent, served(tmp_path / "home") as serving:
        # It takes connections and says nothing.
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        serving.node.submit([REGISTER])
        keys = tuple(key.text for key in cosigning_keys(NAME))
        assert add(tmp_path / "home", f"http://127.0.0.1:{silent.getsockname()[1]}", keys) == 0
        asked, _ = silent.accept()
        with asked:
            for number in range(20):
                write(serving, str(number))
            with serving.reader() as client:
                assert client.get("/v1/registers/tree/records/19").status_code == 200
            size = serving.node.store.head.size
            until(lambda: serving.service.witnessing.status()[0].behind == size, "it is seen to be behind")
            assert serving.service.witnessing.level() == SEALED_HERE
        silent.close()


def test_how_far_witnesses_are_is_said_also_while_a_block_is_stored(tmp_path: Path) -> None:
    with served(tmp_path / "home") as serving:
        keys = tuple(key.text for key in cosigning_keys(NAME))
        assert add(tmp_path / "home", "http://127.0.0.1:9", keys) == 0
        size = serving.node.store.head.size
        until(lambda: serving.service.witnessing.status()[0].behind == size, "the log's size is known")
        said: list[int] = []
        with serving.node.store.turn:
            asking = threading.Thread(
                target=lambda: said.extend(each.behind for each in serving.service.witnessing.status())
            )
            asking.start()
            asking.join(20)
            assert said == [size]
