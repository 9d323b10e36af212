"""A monitor: keeps the checkpoints that a log has signed, and tells when they contradict each other or stop coming.

Several addresses of one log, such as its agency's and a mirror's, are compared with each other as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import msgspec

from counterfoil.errors import Damaged, Malformed, Unavailable, Unverified
from counterfoil.gateway.fetch import Client
from counterfoil.gateway.monitor_evidence import Evidence, Kind
from counterfoil.gateway.monitor_keys import Expected, Seen
from counterfoil.gateway.monitor_log import Prefix, RemoteLog
from counterfoil.gateway.monitor_state import MonitorState, normal_address
from counterfoil.proof.instant import instant_text
from counterfoil.proof.note import encode_base64

SILENCE_SECONDS: Final = 86_400
"""How long an address may go without showing a checkpoint that is well, where nobody says otherwise."""
RUN_SECONDS: Final = 60.0
"""How long one look may take in all."""
MAX_RETRIED: Final = 100
"""How many checkpoints whose place is not known yet are looked at again at a time."""


class Standing(Enum):
    """What became of an address, or of a checkpoint that was seen before."""

    WELL = "well"
    UNKNOWN = "unknown"
    """It could not be found out: nothing came, or not all that is needed, for no longer than the silence allowed."""
    FORK = "fork"
    """The log has signed two histories, or another beginning than the trust policy names."""
    ROLLBACK = "rollback"
    """A smaller log than the same address has shown before, or than any has where none shows as much now."""
    BROKEN = "broken"
    """The log's tiles do not lead to the root that it has signed."""
    UNSIGNED = "unsigned"
    """The checkpoint is not signed as it must be, or is another log's."""
    SILENCE = "silence"
    """It could not be found out for longer than is allowed, or the log has not grown in the time in which it should."""


@dataclass(frozen=True)
class Watched:
    """What a monitor found: one sentence, the checkpoint that it is about, and the file with evidence, if any."""

    url: str
    standing: Standing
    sentence: str
    seen: Seen | None = None
    evidence: Path | None = None


@dataclass(frozen=True)
class Patience:
    """In seconds: how long an address may show nothing that is well, and in which time the log must have grown."""

    silence: int = SILENCE_SECONDS
    growth: int | None = None


class Monitor:
    """One look at a log through its addresses. What is seen is in the folder, for good, before it is told.

    `now`: seconds since 1970. `seconds`: how long it may take in all; no address can use up the part of the others.
    """

    def __init__(
        self,
        client: Client,
        state: MonitorState,
        expected: Expected,
        now: int,
        seconds: float = RUN_SECONDS,
    ):
        self._client = client
        self._state = state
        self._expected = expected
        self._now = now
        self._seconds = seconds
        self._logs: list[RemoteLog] = []

    def look(self, urls: Sequence[str], patience: Patience) -> list[Watched]:
        """Ask every address, in turn; one finding for each, and one for each earlier checkpoint that is not well.

        Raises `Malformed` for what is no address, `Unavailable` or `Damaged` where the folder cannot be used.
        """
        end = time.monotonic() + self._seconds
        asked: dict[str, str] = {}
        for url in urls:
            asked.setdefault(normal_address(url), url)
            self._state.address(url, self._now)
        self._logs = [RemoteLog(self._client, url) for url in asked.values()]
        found = []
        for position, log in enumerate(self._logs):
            with self._client.within((end - time.monotonic()) / (len(self._logs) - position)):
                found.append(self._be_patient(self._ask(log), patience))
        self._see_together(found)
        with self._client.within(end - time.monotonic()):
            found += [each for each in map(self._retry, self._state.unproven()[:MAX_RETRIED]) if each]
        told = {each.evidence for each in found}
        found += [_old_fork(path) for path in self._state.forks() if path not in told]
        self._state.save()
        return found

    def _ask(self, log: RemoteLog) -> Watched:
        try:
            note = log.checkpoint()
            seen = self._expected.verify(note, instant_text(self._now))
        except Unavailable as error:
            return Watched(log.url, Standing.UNKNOWN, str(error))
        except Malformed as error:
            return Watched(log.url, Standing.UNKNOWN, f"what it serves is no checkpoint: {error}")
        except Unverified as error:
            return Watched(log.url, Standing.UNSIGNED, str(error))
        try:
            self._state.bind(seen.checkpoint.origin)
        except Malformed as error:
            return Watched(log.url, Standing.UNSIGNED, str(error))
        found = self._place(seen, log, log.url)
        before = self._state.address(log.url, self._now)
        if seen.size < before.size and found.standing in {Standing.WELL, Standing.UNKNOWN}:
            found = self._rolled_back(seen, log.url, before.size, "it showed {} before, and now {}")
        if found.standing is Standing.WELL and seen.waits:
            return Watched(log.url, Standing.UNKNOWN, f"its checkpoint is not complete: {seen.waits}", seen)
        if found.standing is Standing.WELL:
            grew = self._now if seen.size > before.size else before.grew
            known = msgspec.structs.replace(before, seen=self._now, size=seen.size, grew=grew)
            self._state.update(log.url, known)
        return found

    def _see_together(self, found: list[Watched]) -> None:
        """Where every address has answered and none shows as much as was seen before, also elsewhere: a rollback."""
        shown = [each.seen for each in found if each.seen]
        largest = self._state.largest()
        if not shown or len(shown) < len(found) or max(each.size for each in shown) >= largest:
            return
        at, most = max(enumerate(shown), key=lambda each: each[1].size)
        if found[at].standing in {Standing.WELL, Standing.UNKNOWN, Standing.SILENCE}:
            told = "no address that was asked shows as much as was seen of this log before, {}; this one shows {}"
            found[at] = self._rolled_back(most, found[at].url, largest, told)

    def _place(self, seen: Seen, log: RemoteLog | None, url: str) -> Watched:
        """Find a checkpoint's place among those kept, and keep it: there, or where it waits for its place."""
        for other in self._state.at_size(seen.size):
            if other.root != seen.root:
                return self._forked(other, seen, url, None)
        if seen.size == 0:
            return Watched(url, Standing.WELL, seen.name, seen)
        try:
            known = self._state.keeps(seen)
            found = Watched(url, Standing.WELL, seen.name, seen) if known else self._follow(seen, url, log)
        except (Unavailable, Unverified) as error:
            self._state.keep_unproven(seen)
            standing = Standing.BROKEN if isinstance(error, Unverified) else Standing.UNKNOWN
            return Watched(url, standing, str(error), seen)
        if found.standing is Standing.WELL:
            self._state.keep(seen)
        return found

    def _follow(self, seen: Seen, url: str, log: RemoteLog | None) -> Watched:
        """Compare a checkpoint with its neighbours among those kept, which follow each other: one of them is enough."""
        above, below = self._state.above(seen.size), self._state.below(seen.size)
        if above is None:
            return (
                self._begin(seen, url, log) if below is None else self._compare(below, seen, below, url, log)
            )
        try:
            return self._compare(seen, above, above, url, log)
        except (Unavailable, Unverified):
            # The larger log may be gone. The smaller neighbour can only show that this one is wrong.
            if below is not None:
                found = self._compare(below, seen, below, url, log)
                if found.standing is not Standing.WELL:
                    return found
            raise

    def _compare(self, small: Seen, large: Seen, kept: Seen, url: str, log: RemoteLog | None) -> Watched:
        """Whether the smaller of two checkpoints is what the larger one's tree was at that size."""
        new = large if kept is small else small
        prefix = self._prove(small.size, large, log)
        if prefix.root == small.root:
            return Watched(url, Standing.WELL, new.name, new)
        return self._forked(kept, new, url, prefix)

    def _begin(self, seen: Seen, url: str, log: RemoteLog | None) -> Watched:
        """Whether the first checkpoint's log begins as the trust policy says, where it says so."""
        if self._expected.genesis is not None:
            size, root = self._expected.genesis
            if size > seen.size:
                raise Unverified(
                    f"the log has {seen.size} entries, fewer than it began with by the trust policy"
                )
            at = seen.root if size == seen.size else self._prove(size, seen, log).root
            if at != root:
                self._state.keep_unproven(seen)
                told = f"the log of {seen.name} does not begin as the trust policy says: at size {size} its root was "
                return Watched(
                    url, Standing.FORK, f"{told}{encode_base64(at)}, not {encode_base64(root)}", seen
                )
        return Watched(url, Standing.WELL, seen.name, seen)

    def _prove(self, first: int, second: Seen, log: RemoteLog | None) -> Prefix:
        """What `second` was at size `first`, from the first address whose tiles can tell.

        Tiles that do not lead there are no wonder at an address whose own checkpoint is another one.
        """
        problem: Unavailable | Unverified = Unavailable("no address has shown its log")
        others = [each for each in self._logs if each is not log]
        for position, each in enumerate([log, *others] if log else others):
            try:
                return each.prove(first, second.checkpoint)
            except (Unavailable, Unverified) as error:
                if position == 0:
                    problem = error
        if isinstance(problem, Unverified) and (log is None or second.note != log.shown):
            raise Unavailable(f"no address serves the tiles of the log of {second.name}")
        raise problem

    def _forked(self, first: Seen, second: Seen, url: str, prefix: Prefix | None) -> Watched:
        path = self._accuse("fork", first, second, url, prefix)
        self._state.drop_unproven(second)
        told = f"the log has signed two histories: {first.name}, and {second.name}"
        if prefix is not None:
            told += f", whose log had at size {min(first.size, second.size)} the root {encode_base64(prefix.root)}"
        return Watched(url, Standing.FORK, told, second, path)

    def _rolled_back(self, seen: Seen, url: str, size: int, told: str) -> Watched:
        """A smaller log than before, when it had a `size`; `told` has places for what was shown then and now."""
        try:
            largest = next(iter(self._state.at_size(size)), None)
        except (Unavailable, Damaged):
            largest = None
        if largest is None:
            # Somebody took the checkpoint away. What is known of it is enough to tell, and not to prove.
            before = f"size {size} (its checkpoint is missing or damaged in the monitor's folder)"
            return Watched(url, Standing.ROLLBACK, told.format(before, seen.name), seen)
        path = self._accuse("rollback", largest, seen, url, None)
        return Watched(url, Standing.ROLLBACK, told.format(largest.name, seen.name), seen, path)

    def _accuse(self, kind: Kind, first: Seen, second: Seen, url: str, prefix: Prefix | None) -> Path:
        evidence = Evidence(
            kind,
            first.note.decode(),
            second.note.decode(),
            url,
            self._now,
            encode_base64(prefix.root) if prefix else None,
            tuple(map(encode_base64, prefix.proof)) if prefix else (),
        )
        return self._state.accuse(evidence, first, second)

    def _retry(self, seen: Seen) -> Watched | None:
        """Look again for the place of a checkpoint seen before; a finding where it has none."""
        if self._state.above(seen.size) is None:
            return None
        found = self._place(seen, None, "")
        return found if found.standing is Standing.FORK else None

    def _be_patient(self, found: Watched, patience: Patience) -> Watched:
        address = self._state.address(found.url, self._now)
        if found.standing is Standing.UNKNOWN and self._now - address.seen > patience.silence:
            told = f"nothing that is well since {instant_text(address.seen)}: {found.sentence}"
            return Watched(found.url, Standing.SILENCE, told, found.seen)
        late = patience.growth is not None and self._now - address.grew > patience.growth
        if found.standing is Standing.WELL and late:
            told = f"the log has not grown since {instant_text(address.grew)}; it has {found.sentence}"
            return Watched(found.url, Standing.SILENCE, told, found.seen)
        return found


def _old_fork(path: Path) -> Watched:
    told = f"a fork was found before; it is told of until {path} is moved away"
    return Watched("", Standing.FORK, told, None, path)
