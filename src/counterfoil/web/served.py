"""An installation that another process serves: read from its files, written to through its socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import Busy, CounterfoilError, Damaged, Malformed, Unavailable
from counterfoil.home import Home
from counterfoil.node import Node
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.signing import SigningKey
from counterfoil.store.sqlite import Sqlite
from counterfoil.store.store import Store
from counterfoil.web.operator import DOCUMENT, PREFIX, Answer, Named
from counterfoil.web.operator_office import OFFICE, REMOVING
from counterfoil.web.problem import MEDIA_TYPE as PROBLEM_TYPE
from counterfoil.web.problem import Problem
from counterfoil.web.served_office import ServedOffice

SECONDS = 60.0
"""How long the serving process may take for one request."""


class ServedNode(Node):
    """A node for another command: what it reads is as of its last write, what it writes the serving process stores."""

    def __init__(self, home: Home, clock: Callable[[], float] = time.time):
        super().__init__(home, clock, read_only=True)
        transport = httpx.HTTPTransport(uds=str(home.socket))
        self._client = self._open.enter_context(
            httpx.Client(transport=transport, base_url="http://node", timeout=SECONDS)
        )
        # The index as it was at the start; what was written since then stands in `_since`.
        self._index = self.store
        self._since: dict[bytes, int] = {}
        self._open.callback(self._close_index)

    @classmethod
    def reach(cls, home: Home) -> ServedNode | None:
        """The node of the process that serves this home; None where no process answers there."""
        if not _answers(home.socket):
            return None
        node = cls(home)
        try:
            told = node._ask("settle").node
            if told is None:
                raise Damaged(f"what answers at {home.socket} is no node of this program")
        except BaseException:
            node.close()
            raise
        node.origin, node.agency = told.origin, told.agency
        node._follow()
        return node

    def submit_all(self, submissions: Sequence[Submission]) -> list[Receipt | CounterfoilError]:
        """As `Node.submit_all`, each in a request of its own. Keys that endorse beside the agency's stay at home."""
        answers = [self._submit(submission) for submission in submissions]
        self._follow()
        return answers

    def endorse(self, transaction: str, key: SigningKey | None = None) -> Receipt:
        """As `Node.endorse`, with this agency's key."""
        if key is not None:
            raise Malformed("a key of another holder endorses through the API while the node is served")
        return self._receipt(self._ask("endorse", msgspec.msgpack.encode(Named(transaction))))

    def withdraw(self, transaction: str) -> Receipt:
        """As `Node.withdraw`."""
        return self._receipt(self._ask("withdraw", msgspec.msgpack.encode(Named(transaction))))

    def settle(self) -> None:
        """As `Node.settle`."""
        self._ask("settle")
        self._follow()

    def office(self) -> ServedOffice:
        """The serving process's office."""
        return ServedOffice(self._at_office, self.put_document)

    def put_document(self, parts: Iterable[bytes]) -> str:
        """As `Node.put_document`."""
        answer = self._post(DOCUMENT, content=parts)
        self._follow()
        if answer.document is None:
            raise Damaged("the serving process did not say under which hash the document is stored")
        return answer.document

    def record(self, register: str, record: str) -> Entry | None:
        """As `Node.record`: the index need not be read anew after each write."""
        key = record_key(register, record)
        number = self._since.get(key)
        if number is None:
            state = self._index.record(key)
            number = state.number if state else None
        return None if number is None else decode_entry(self.store.entry(number))

    def _submit(self, submission: Submission) -> Receipt | CounterfoilError:
        if submission.keys:
            raise Malformed("a key of another holder endorses through the API while the node is served")
        try:
            return self._receipt(self._ask("submit", msgspec.msgpack.encode(submission)))
        except (Unavailable, Busy, Damaged):
            raise
        except CounterfoilError as error:
            return error

    def _receipt(self, answer: Answer) -> Receipt:
        if answer.receipt is None:
            raise Damaged("the serving process did not say what became of the transaction")
        return answer.receipt

    def _at_office(self, what: str, body: bytes) -> bytes | None:
        if what in REMOVING:
            with self._aside():
                return self._ask(f"{OFFICE}{what}", body).office
        answer = self._ask(f"{OFFICE}{what}", body)
        self._follow()
        return answer.office

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Let go of the store, whose files cannot be rid of what is erased while somebody sees it as it was."""
        self._close_index()
        self.store.close()
        try:
            yield
        finally:
            self.store = self._index = Store(Sqlite(self.home.store, read_only=True), read_only=True)
            self._since = {}

    def _ask(self, what: str, body: bytes = b"") -> Answer:
        return self._post(f"{PREFIX}{what}", content=body)

    def _post(self, path: str, **content: Any) -> Answer:
        try:
            response = self._client.post(path, **content)
            if response.headers.get("content-type") == PROBLEM_TYPE:
                raise Malformed(msgspec.json.decode(response.content, type=Problem).detail)
            answer = msgspec.msgpack.decode(response.content, type=Answer)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"the process that serves {self.home.folder} did not answer ({error}); see whether it still runs, "
                "and what it has stored, before you try again"
            ) from None
        except msgspec.DecodeError:
            raise Damaged(f"what answers at {self.home.socket} is no node of this program") from None
        if answer.failed is not None:
            raise answer.failed.error()
        return answer

    def _close_index(self) -> None:
        if self._index is not self.store:
            self._index.close()

    def _follow(self) -> None:
        """Look at the log as it is now, and note which records have changed since the index was read."""
        fresh = Store(Sqlite(self.home.store, read_only=True), read_only=True)
        for number, data in enumerate(fresh.entries(self.store.head.size), self.store.head.size):
            entry = decode_entry(data)
            self._since[record_key(entry.register, entry.record)] = number
        before, self.store = self.store, fresh
        if before is not self._index:
            before.close()


def _answers(path: Path) -> bool:
    """Whether a process takes connections at a socket."""
    with socket.socket(socket.AF_UNIX) as asked:
        try:
            asked.connect(str(path))
        except OSError:
            return False
    return True
