"""Another command on a served home: it reads the files, writes through the socket, and is told what happens there."""

from __future__ import annotations

import gc
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from counterfoil.cli.options import served_elsewhere, writing
from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import Busy, Conflict, Damaged, Malformed, NotFound, Unavailable
from counterfoil.home import Home
from counterfoil.ledger.command import Standing
from counterfoil.node import Node
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Proposal
from counterfoil.proof.signing import SigningKey
from counterfoil.web import entrance, operator, upload
from counterfoil.web import writer as writing_
from counterfoil.web.served import ServedNode
from tests.cli.calling import process
from tests.web.process import serving
from tests.web.serving import AGENCY, ORIGIN, Served, served


@pytest.fixture(scope="module")
def serving_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served installation for all of these, with a register of trees."""
    with served(tmp_path_factory.mktemp("served") / "home") as each:
        fields = {"title": "Trees", "authority": AGENCY}
        each.node.submit([Proposal(".register", "tree", "create", 1, body={"fields": fields})])
        yield each


@pytest.fixture
def node(serving_node: Served) -> Iterator[ServedNode]:
    reached = ServedNode.reach(serving_node.node.home)
    assert reached is not None
    with reached:
        yield reached


def tree(name: str, kind: str = "oak", version: int = 1) -> Proposal:
    operation = "create" if version == 1 else "amend"
    return Proposal("tree", name, operation, version, body={"fields": {"kind": kind}})


def kind_of(node: Node, name: str) -> object:
    entry = node.record("tree", name)
    return None if entry is None else entry.fields["kind"]


def test_it_knows_whom_it_speaks_for(node: ServedNode, serving_node: Served) -> None:
    assert (node.origin, node.agency, node.read_only) == (ORIGIN, AGENCY, True)
    assert node.store.head == serving_node.node.store.head


def test_what_it_has_written_it_reads(node: ServedNode) -> None:
    receipt = node.submit([tree("seen")])
    assert kind_of(node, "seen") == "oak"
    assert node.entry(receipt.first).record == "seen"
    node.submit([tree("seen", "elm", 2)])
    assert kind_of(node, "seen") == "elm"
    assert [entry.version for entry in node.history("tree", "seen")] == [2, 1]
    assert kind_of(node, "never written") is None


def test_many_writes_one_after_another_are_each_seen(node: ServedNode) -> None:
    for number in range(100):
        receipt = node.submit([tree(f"one {number}")])
        assert node.entry(receipt.first).record == f"one {number}"
        assert kind_of(node, f"one {number // 2}") == "oak"


def test_a_thousand_proposals_take_effect_together(node: ServedNode) -> None:
    receipt = node.submit([tree(f"of many {number}") for number in range(1_000)], receipt=True)
    assert receipt.count == 1_000
    assert node.entry(receipt.first + 999).record == "of many 999"
    assert node.entry(node.store.head.size - 1).register == ".index"
    assert kind_of(node, "of many 500") == "oak"


def test_what_others_change_meanwhile_is_a_conflict_and_then_seen(
    node: ServedNode, serving_node: Served
) -> None:
    node.submit([tree("shared")])
    with serving_node.client() as client:
        address = "/v1/registers/tree/records/shared"
        headers = {"content-type": "application/merge-patch+json", "if-match": '"1"'}
        assert client.patch(address, json={"fields": {"kind": "ash"}}, headers=headers).is_success
    with pytest.raises(Conflict, match="is at version 2"):
        node.submit([tree("shared", "elm", 2)])
    assert kind_of(node, "shared") == "ash"
    node.submit([tree("shared", "elm", 3)])
    assert kind_of(node, "shared") == "elm"


def test_each_of_several_is_taken_or_refused_by_itself(node: ServedNode) -> None:
    first, again, other = node.submit_all(
        [Submission([tree("a")]), Submission([tree("a")]), Submission([tree("b")])]
    )
    assert isinstance(first, Receipt)
    assert isinstance(again, Conflict)
    assert isinstance(other, Receipt)


def test_a_key_stands_for_one_request_here_and_there(node: ServedNode, serving_node: Served) -> None:
    first = node.submit([tree("once")], idempotency_key="k", request=b"r")
    again = serving_node.node.submit([tree("once")], idempotency_key="k", request=b"r")
    assert (again.standing, again.first) == (Standing.REPEATED, first.first)


def test_keys_of_others_stay_at_home(node: ServedNode) -> None:
    key = SigningKey.generate("ed25519")
    refused = "endorses through the API while the node is served"
    with pytest.raises(Malformed, match=refused):
        node.submit([tree("x")], keys=[key])
    with pytest.raises(Malformed, match=refused):
        node.endorse("sha256:" + "0" * 64, key)
    with pytest.raises(NotFound):
        node.withdraw("sha256:" + "0" * 64)


@pytest.mark.parametrize("size", [0, 1, 3_000_000, 17_000_000])
def test_a_document_is_stored_whatever_its_size(node: ServedNode, size: int) -> None:
    data = b"d" * size
    name = node.put_document(data[first : first + 100_000] for first in range(0, size, 100_000))
    assert name == digest(data)
    with node.reading() as store:
        assert store.document_size(name) == size
    node.submit([Proposal("tree", f"deed of {size}", "create", 1, document=name)])


def test_a_document_whose_source_fails_is_not_stored(node: ServedNode, serving_node: Served) -> None:
    def parts() -> Iterator[bytes]:
        yield b"begun"
        raise Malformed("the file ended")

    with pytest.raises(Malformed, match="the file ended"):
        node.put_document(parts())
    assert serving_node.node.store.document_size(digest(b"begun")) is None
    node.submit([tree("after the failure")])


def test_a_document_over_the_limit_is_refused_in_its_words(
    node: ServedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = upload.store_streamed
    monkeypatch.setattr(operator, "store_streamed", lambda service, receive: kept(service, receive, 1_000))
    with pytest.raises(Malformed, match="the document is over 1,000 bytes long"):
        node.put_document([b"x" * 100_000] * 30)
    node.submit([tree("after the limit")])


def test_a_request_over_the_limit_is_refused_in_its_words(
    node: ServedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "MAX_BODY_BYTES", 1_000)
    with pytest.raises(Malformed, match="the body is over 1,000 bytes long"):
        node.submit([tree(f"large {number}") for number in range(50)])


def test_where_too_many_wait_it_is_told_so(serving_node: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing_, "MAX_WAITING", 0)
    with pytest.raises(Busy, match="0 requests wait to be stored; try again in a second"):
        ServedNode.reach(serving_node.node.home)


def test_an_error_within_closes_everything(serving_node: Served) -> None:
    reached = ServedNode.reach(serving_node.node.home)
    assert reached is not None
    with pytest.raises(Malformed), reached:
        reached.submit([tree("then an error")])
        raise Malformed("of the caller")
    assert reached._client.is_closed
    with pytest.raises(Damaged):
        reached._index.database.row("SELECT 1")


# Who answers at the socket


def test_a_socket_that_nobody_answers_at_serves_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    Node.open(home.folder).close()
    assert ServedNode.reach(home) is None
    home.socket.write_text("no socket")
    assert served_elsewhere(home.folder) is None
    home.socket.unlink()
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(home.socket))
    assert ServedNode.reach(home) is None
    with writing(home.folder) as node:
        assert type(node) is Node


@pytest.mark.parametrize("said", [b"", b"SSH-2.0\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"])
def test_who_answers_and_is_no_node_is_named(tmp_path: Path, said: bytes) -> None:
    home = Home(tmp_path / "home")
    Node.open(home.folder).close()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(home.socket))
        other.listen()

        def answer() -> None:
            for _ in range(2):  # who looks whether anybody answers, and who asks
                with other.accept()[0] as connection:
                    connection.sendall(said) if connection.recv(10_000) else None

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises((Damaged, Unavailable), match=r"is no node of this program|did not answer"):
            ServedNode.reach(home)
        thread.join(20)


def refusal(node: Node) -> str:
    """The sentence with which a write is refused."""
    with warnings.catch_warnings():
        # The library does not close a socket to which nobody answers; it goes with the error that tells of it.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            node.submit([tree("not taken")])
        except Unavailable as error:
            said = str(error)
        else:
            said = "it was taken"
        gc.collect()
    return said


def test_one_that_is_killed_in_the_middle_is_one_clear_sentence(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    process("register", "create", "tree", "--home", home.folder)
    with serving(home.folder) as running:
        node = ServedNode.reach(home)
        assert node is not None
        with node:
            taken = node.submit([tree("taken")])
            running.end(signal.SIGKILL)
            for said in (refusal(node), refusal(node)):
                assert said.startswith(f"the process that serves {home.folder} did not answer (")
                assert "\n" not in said
            assert kind_of(node, "taken") == "oak"
    with Node.open(home.folder) as again:
        assert again.entry(taken.first).record == "taken"
        assert again.record("tree", "not taken") is None


# Clients beside each other


def test_a_read_that_begins_after_a_write_was_acknowledged_sees_it(serving_node: Served) -> None:
    done, acknowledged = threading.Event(), [1]
    serving_node.node.submit([tree("watched")])

    def read() -> list[tuple[int, int]]:
        seen = []
        with serving_node.reader() as client:
            while not done.is_set():
                before = acknowledged[-1]
                answer = client.get("/v1/registers/tree/records/watched")
                assert answer.status_code == 200
                seen.append((before, answer.json()["version"]))
        return seen

    with ThreadPoolExecutor(4) as threads, serving_node.client() as writer:
        readers = [threads.submit(read) for _ in range(4)]
        try:
            for version in range(2, 60):
                named = {"content-type": "application/json", "if-match": f'"{version - 1}"'}
                body = {"fields": {"kind": f"kind {version}"}}
                answer = writer.put("/v1/registers/tree/records/watched", json=body, headers=named)
                assert answer.status_code == 200, answer.text
                acknowledged.append(version)
        finally:
            done.set()
    seen = [each for reader in readers for each in reader.result()]
    assert seen
    assert [each for each in seen if each[1] < each[0]] == []


def test_documents_are_stored_while_others_read_and_write(serving_node: Served) -> None:
    documents = [bytes([number]) * 3_000_000 for number in range(6)]
    serving_node.node.submit([tree("beside documents")])

    def ask(number: int) -> tuple[int, int]:
        with serving_node.client() as client:
            proposal = {"register": "tree", "record": f"beside {number}", "operation": "create", "version": 1}
            body = {"fields": {"kind": "oak"}}
            wrote = client.post("/v1/transactions", json={"proposals": [{**proposal, "body": body}]})
            read = client.get("/v1/registers/tree/records/beside%20documents")
            return wrote.status_code, read.status_code

    def put(data: bytes) -> str:
        with serving_node.client() as client:
            return str(client.post("/v1/documents", content=data).json()["document"])

    with ThreadPoolExecutor(8) as threads:
        putting = [threads.submit(put, data) for data in documents]
        assert set(threads.map(ask, range(60))) == {(201, 200)}
    assert [each.result() for each in putting] == [digest(data) for data in documents]


def test_a_request_that_is_repeated_after_a_restart_is_answered_as_it_was(tmp_path: Path) -> None:
    fields = {"title": "Trees", "authority": AGENCY}
    proposal = {"register": ".register", "record": "tree", "operation": "create", "version": 1}
    document = {"proposals": [{**proposal, "body": {"fields": fields}}]}
    headers = {"idempotency-key": "once"}
    with served(tmp_path / "home") as serving_, serving_.client() as client:
        first = client.post("/v1/transactions", json=document, headers=headers)
        # It is given a token of this name at each start.
        serving_.service.access.revoke("clerk")
    with served(tmp_path / "home") as serving_, serving_.client() as client:
        second = client.post("/v1/transactions", json=document, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["first"] == first.json()["first"]
    assert second.headers["idempotent-replayed"] == "true"
