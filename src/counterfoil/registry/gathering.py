"""Gathering what a proof bundle needs from a store: entries, transactions, and what they were judged by.

Beside an entry come its transaction and the version before it; the definition, members and parameters by which
it was judged; who endorsed those in turn, back to the log's beginning; and for each of them the next version, or
the index's word that there is none, so that it was in force.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter

from counterfoil.errors import Damaged, NotFound, Unavailable
from counterfoil.ledger.state import Taken
from counterfoil.proof.bundle import FORMAT, Beginning, Bundle, BundledTransaction, IndexClaim
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.merkle import consistency_proof, inclusion_proof, leaf_hashes, parents
from counterfoil.proof.note import parse_note
from counterfoil.proof.policy import leaves
from counterfoil.proof.rules import AGENCY, LEDGER_ONLY, REGISTER, Rules, governed_by, read_member, read_rules
from counterfoil.proof.transaction import decode_endorsements, decode_header
from counterfoil.proof.verify import verify
from counterfoil.store.store import Store


class Gathering:
    """What a bundle will hold, of one store; `at`: under the published checkpoint of so many entries."""

    def __init__(self, store: Store, at: int | None = None):
        self._store = store
        self._at = at
        index = store.head.index
        self.indexed = index.number if index is not None else 0
        """The latest index entry: what it says, it says of the entries before it."""
        self.bygone = at is not None and self.indexed >= at
        """Whether the index was another under that checkpoint: what it said then is not kept."""
        if self.bygone:
            self.indexed = 0
        self._entries: dict[int, Entry] = {}
        self._added: set[int] = set()
        self._taken: dict[int, Taken] = {}
        self._claims: dict[tuple[str, str], None] = {}
        self._append: set[str] = set()
        self._versions: dict[tuple[str, str], list[int]] = {}
        self._rules: dict[int, Rules] = {}

    def versions(self, register: str, record: str) -> list[int]:
        """The numbers of a record's entries, the first one first."""
        name = (register, record)
        if name not in self._versions:
            state = self._store.record(record_key(register, record))
            number = state.number if state else None
            found = []
            while number is not None:
                found.append(number)
                number = self._store.prior(number)
            self._versions[name] = found[::-1]
        return self._versions[name]

    def hold(self, number: int) -> Entry:
        """Put in an entry, and nothing about it."""
        entry = self._entries.get(number)
        if entry is None:
            entry = self._entries[number] = decode_entry(self._store.entry(number))
        return entry

    def claim(self, register: str, record: str) -> None:
        """Put in what the index says about a record."""
        self._claims[register, record] = None

    def add(self, number: int) -> None:
        """Put in an entry with its transaction, the version before it, and all that shows who endorsed it."""
        todo = [number]
        while todo:
            number = todo.pop()
            if number in self._added:
                continue
            self._added.add(number)
            entry = self.hold(number)
            taken = self._taken_at(number)
            if taken is not None and entry.register not in LEDGER_ONLY:
                prior = self._store.prior(number)
                todo += self._judged_by(entry, None if prior is None else self.hold(prior), taken)

    def in_force(self, register: str, record: str, before: int) -> int | None:
        """The record's latest entry below `before`, with what shows that it is: its successor or the index."""
        found = self.versions(register, record)
        at = bisect_left(found, before)
        if not at:
            return None
        if at < len(found):
            self.hold(found[at])
        elif before <= self.indexed:
            self.claim(register, record)
        return found[at - 1]

    def bundle(self, genesis_size: int | None) -> Bundle:
        """The bundle of all that was put in, once it has been verified.

        Raises `Damaged` where it does not hold, and `Unavailable` where no checkpoint covers it yet.
        """
        self._complete()
        claims = self._index_claims() if self._claims else ()
        numbers = sorted(self._entries)
        note, size = self._checkpoint(numbers[-1] + 1)
        node = self._store.reader(size).node
        beginning = None
        if genesis_size is not None:
            root = labelled(self._store.root_at(genesis_size))
            beginning = Beginning(genesis_size, root, tuple(consistency_proof(genesis_size, size, node)))
        bundle = Bundle(
            format=FORMAT,
            checkpoint=note.decode(),
            entries=tuple(self._store.entry(number).decode() for number in numbers),
            inclusion=tuple(inclusion_proof(numbers, size, node)),
            genesis=beginning,
            append=tuple(sorted(self._append)),
            transactions=tuple(self._transaction(taken) for _, taken in sorted(self._taken.items())),
            index=claims,
        )
        for step in verify(bundle, None).failed:
            raise Damaged(f"what is stored proves nothing: {step.detail}; run counterfoil audit")
        return bundle

    def _complete(self) -> None:
        """Add whatever belongs to a transaction in the bundle: its entries are judged together."""
        while True:
            spans = [(taken.first, taken.first + taken.count) for _, taken in sorted(self._taken.items())]
            lacking = [number for number in self._entries.keys() - self._added if _within(number, spans)]
            if not lacking:
                return
            for number in sorted(lacking):
                self.add(number)

    def _taken_at(self, number: int) -> Taken | None:
        taken = self._store.taken_at(number)
        if taken is not None:
            self._taken[taken.first] = taken
        return taken

    def _judged_by(self, entry: Entry, before: Entry | None, taken: Taken) -> Iterator[int]:
        """The numbers of the entries by which a change was judged: its register's rules, and who endorsed it."""
        governing = self.in_force(*governed_by(entry.register), before=taken.first)
        if governing is None:
            return
        yield governing
        rules = self._read_rules(governing)
        if rules.append:
            self._append.add(entry.register)
        policies = [
            f"agency:{decode_header(taken.header).agency}",
            *rules.policies(entry.operation, entry.status),
        ]
        if before is not None and before.control is not None:
            policies.append(rules.control_policy(before.control))
        keys = {endorsement.key for endorsement in decode_endorsements(taken.endorsements)}
        for signer in dict.fromkeys(leaf for policy in policies for leaf in leaves(policy)):
            if signer.startswith("agency:") and self._signed(signer[7:], keys, taken.first):
                member = self.in_force(AGENCY, signer[7:], before=taken.first)
                if member is not None:
                    yield member

    def _signed(self, agency: str, keys: set[str], first: int) -> bool:
        """Whether one of an agency's keys is among those that signed a transaction."""
        found = self.versions(AGENCY, agency)
        at = bisect_left(found, first)
        return bool(at) and not keys.isdisjoint(
            read_member(decode_entry(self._store.entry(found[at - 1]))).endorse
        )

    def _read_rules(self, number: int) -> Rules:
        if number not in self._rules:
            self._rules[number] = read_rules(decode_entry(self._store.entry(number)))
        return self._rules[number]

    def _appends(self, register: str, first: int) -> bool:
        found = self.versions(REGISTER, register)
        at = bisect_left(found, first)
        return bool(at) and self._read_rules(found[at - 1]).append

    def _transaction(self, taken: Taken) -> BundledTransaction:
        entries = [decode_entry(data) for data in self._store.entries(taken.first, taken.first + taken.count)]
        append = {each: self._appends(each, taken.first) for each in {entry.register for entry in entries}}
        rows: list[Sequence[bytes]] = [
            leaf_hashes(entry.proposal(append=append[entry.register]).encode() for entry in entries)
        ]
        while len(rows[-1]) > 1:
            rows.append(parents(rows[-1]))
        wanted = [number - taken.first for number in self._entries if 0 <= number - taken.first < taken.count]
        return BundledTransaction(
            taken.first,
            taken.header.decode(),
            decode_endorsements(taken.endorsements),
            tuple(inclusion_proof(wanted, taken.count, lambda level, index: rows[level][index])),
        )

    def _index_claims(self) -> tuple[IndexClaim, ...]:
        self.hold(self.indexed)
        return tuple(self._index_claim(self.indexed, *name) for name in self._claims)

    def _index_claim(self, as_of: int, register: str, record: str) -> IndexClaim:
        key = record_key(register, record)
        proof = self._store.prove_index(key)
        return IndexClaim(as_of, register, record, key, proof.bucket, proof.siblings)

    def _published_at(self, size: int, at_least: int) -> tuple[bytes, int]:
        note = self._store.published_at(size)
        if note is None:
            raise NotFound(f"there is no published checkpoint of {size} entries")
        if at_least > size:
            raise NotFound(
                f"the checkpoint of {size} entries does not cover entry {at_least - 1}, which this proof takes; prove "
                "one version, or the latest once more is published"
            )
        return note, size

    def _checkpoint(self, at_least: int) -> tuple[bytes, int]:
        """The note of a checkpoint that covers `at_least` entries, and its size."""
        if self._at is not None:
            return self._published_at(self._at, at_least)
        for note in (*self._store.cosigned(at_least), self._store.published(at_least), self._store.note):
            size = Checkpoint.parse(parse_note(note).text).size if note else 0
            # A store opened for reading may find a checkpoint that was published after it looked at the log.
            if note and at_least <= size <= self._store.head.size:
                return note, size
        raise Unavailable(f"no checkpoint covers {at_least} entries yet; any write to the ledger makes one")


def _within(number: int, spans: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(spans, number, key=itemgetter(0))
    return at > 0 and number < spans[at - 1][1]
