"""What lies beside a store, compared with what its log says: keys, what they signed last, the trust policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

import msgspec

from counterfoil.errors import Malformed, NotFound, Unavailable
from counterfoil.home import KEY_FILES, Home
from counterfoil.home_audit.cosignatures import check_cosignatures, read_trust
from counterfoil.home_audit.keyless import has_keys, is_restored, may_lack_keys
from counterfoil.home_audit.predecessors import check_kept
from counterfoil.ledger.system import AGENCY, AgencyFields
from counterfoil.proof.canonical import labelled
from counterfoil.proof.checkpoint import log_key
from counterfoil.proof.entry import Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant
from counterfoil.proof.signing import PublicKey
from counterfoil.proof.trust import Trust
from counterfoil.registry.beginning import first_trust
from counterfoil.signer import LastSigned
from counterfoil.store.audit.audit import Audited
from counterfoil.store.audit.finding import Findings
from counterfoil.store.store import Store

FLUSH_SECONDS: Final = 60
"""How far the note of what was signed last may lie behind the log.

It is written after the block it is about, so that a killed process leaves it one block behind; the machine brings it to
the disk by itself within half a minute, so that a loss of power leaves it as far behind as that, and again as much.
"""


NOTHING_SIGNED: Final = LastSigned(0, "")
"""Where no file says what was signed: before there is a first entry, that is as it must be."""
SHORTER: Final = "the store ends before what its key signed last"
"""How the fault begins that is the store's, though the key's own file tells it."""
NOBODY: Final = AgencyFields("", ())
"""What is known of a member whose entry cannot be read as one."""


class Beside:
    """Compares with the log what lies beside it: this agency's keys, what they signed last, the trust policy."""

    def __init__(self, home: Home, store: Store, audited: Audited, findings: Findings):
        self._home = home
        self._store = store
        self._audited = audited
        self._findings = findings

    def check(self, signed: LastSigned | None) -> None:
        """Name every difference."""
        check_kept(self._home, self._store, self._findings)
        if has_keys(self._home) or not may_lack_keys(self._home):
            if signed is not None:
                self._check_signed(signed)
            self._check_keys({use: key for use in KEY_FILES if (key := self._public(use)) is not None})
        else:
            self._findings.leave("this agency's keys and what they signed last, which are not here")
        self._check_trust()
        trust = self._home.trust
        policy = read_trust(trust.read_bytes()) if trust.is_file() else None
        if policy is not None:
            check_cosignatures(self._store, policy, self._findings)

    def _public(self, use: str) -> PublicKey | None:
        where = _file(use)
        try:
            return self._home.read_key(use).public
        except NotFound:
            self._findings.add("the key file is missing; without it this installation can only read", where)
        except Malformed:
            self._findings.add("it does not hold a key", where)
        except Unavailable as error:
            self._findings.add(f"it cannot be read: {error}", where)
        return None

    def _check_keys(self, keys: dict[str, PublicKey]) -> None:
        """Compare the keys with those that this agency's record lists."""
        agency = self._agency(keys.get("endorse"))
        listed = self._listed(agency).checkpoint if agency else ()
        for use in ("checkpoint", "checkpoint-pq") if agency else ():
            if use in keys and log_key(self._audited.origin, keys[use]).text not in listed:
                self._findings.add(f"{agency} does not list this key among its own", _file(use))

    def _agency(self, endorse: PublicKey | None) -> str | None:
        """The member that lists this endorsement key; without a key, the one that the ledger began with."""
        first = [entry.record for entry in self._members(0, self._audited.genesis_size)]
        if endorse is None:
            return first[0] if len(first) == 1 else None
        later = (entry.record for entry in self._members(self._audited.genesis_size))
        for name in chain(first, later):
            if endorse.text in self._listed(name).endorse:
                return name
        self._findings.add("no member of this ledger lists this key", _file("endorse"))
        return None

    def _members(self, first: int, end: int | None = None) -> Iterator[Entry]:
        """The entries about members in a part of the log."""
        for data in self._store.entries(first, end):
            # To read a million entries whole, for the few that are about members, would double the audit's time.
            if b'"register":".agency"' in data:
                entry = decode_entry(data)
                if entry.register == AGENCY:
                    yield entry

    def _listed(self, agency: str) -> AgencyFields:
        """The keys that a member's latest entry lists."""
        state = self._store.record(record_key(AGENCY, agency))
        return _fields(decode_entry(self._store.entry(state.number))) if state else NOBODY

    def _check_signed(self, signed: LastSigned) -> None:
        where, size = "keys/last-signed", self._audited.entries
        if signed is NOTHING_SIGNED:
            self._findings.add(
                "it is missing or empty, so that nothing tells what this key has signed", where
            )
            return
        if signed.size > size:
            what = f"{SHORTER}: entries {size} to {signed.size - 1} are missing"
            self._findings.add(what, where)
            return
        root = labelled(self._store.root_at(signed.size)) if signed.size else ""
        if signed.root != root:
            self._findings.add(f"its root is not that of the log's first {signed.size} entries", where)
        elif signed.size < size and is_restored(self._home):
            self._findings.leave(
                "how far its key had signed: the installation was restored, and has not asked yet"
            )
        elif signed.size < size and self._seconds(signed.size, size - 1) > FLUSH_SECONDS:
            what = f"it stops at {signed.size} of {size} entries, further behind than a crash can leave it"
            self._findings.add(what, where)

    def _seconds(self, first: int, last: int) -> int:
        """How long after one entry another one was written."""
        times = [decode_entry(self._store.entry(number)).time for number in (first, last)]
        return instant(times[1]) - instant(times[0])

    def _check_trust(self) -> None:
        """Compare the trust policy, byte for byte, with what the first entries say."""
        trust = self._home.trust
        data = trust.read_bytes() if trust.is_file() else b""
        if not data and self._audited.entries == self._audited.genesis_size:
            self._findings.leave("trust.json, which is not written yet: the next command that writes does it")
        elif not data:
            self._findings.add("it is missing or empty", trust.name)
        elif _without_witnesses(data) != first_trust(self._store.entries(), self._store.root_at).encode():
            self._findings.add(
                "it is not the policy that follows from the ledger's first entries", trust.name
            )


def _without_witnesses(data: bytes) -> bytes:
    """A trust policy without the witnesses that its keeper has chosen, which no entry names; what is none, as it is."""
    try:
        policy = Trust.parse(data)
        if policy.encode() != data:
            return data
        return replace(policy, witnesses=(), require_witnesses=0).encode()
    except Malformed:
        return data


def _fields(member: Entry) -> AgencyFields:
    try:
        return msgspec.convert(member.fields, AgencyFields)
    except msgspec.ValidationError:
        return NOBODY


def _file(use: str) -> str:
    return f"keys/{KEY_FILES[use][0]}"
