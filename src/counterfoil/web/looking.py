"""Disclosures of many clients in one transaction: a single signature covers what all of them are shown.

They are prepared, stored and opened in the writer's thread, one after another: who waits costs no thread, and while a
block is stored the next looks gather.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import CounterfoilError
from counterfoil.keyring.drawing import Drawn
from counterfoil.ledger.command import Standing
from counterfoil.office.office import Office
from counterfoil.registry.personal.change import Acting
from counterfoil.registry.personal.disclosing import Ask, Look, Shown
from counterfoil.store.store import Store
from counterfoil.web.writer import Waiting, Writer, give, outcome

MAX_TOGETHER: Final = 256
"""How many disclosures one transaction has at most, where they are of several requests."""
PUBLIC: Final = Receipt("", Standing.TAKEN, 0, 0)
"""The receipt of a look at nothing but public fields: it writes nothing."""


class Wanted(NamedTuple):
    """What one officer wants to see, and how many records were named.

    `prove` makes a proof of the first one shown, where it can be made at once.
    """

    asks: Sequence[Ask]
    who: Acting
    roles: Sequence[str]
    named: int | None = None
    prove: Callable[[Store, Shown], bytes | None] | None = None


class Seen(NamedTuple):
    """What was shown, in the order asked for, and the proof where it could be made at once."""

    shown: list[Shown]
    proof: bytes | None = None


class Looks:
    """Gathers looks for the writer's next turn."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Wanted, Waiting]] = []
        self._turn = threading.Lock()

    async def show(self, office: Office, writer: Writer, wanted: Wanted) -> Seen:
        """As `Office.disclose`. Raises `Busy` where too many wait."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Seen] = loop.create_future()
        with self._turn:
            self._waiting.append((wanted, Waiting(_nothing, loop, answer)))
            first = len(self._waiting) == 1
        if first:
            try:
                await writer.run(lambda: self._run(office))
            except CounterfoilError as error:
                # The writer takes nothing now: nobody else would ask for those who have gathered behind this one.
                left = [each for _, each in self._take()]
                give(left, [error] * len(left))
        return await answer

    def _take(self) -> list[tuple[Wanted, Waiting]]:
        with self._turn:
            taken, self._waiting = self._waiting, []
        return taken

    def _run(self, office: Office) -> None:
        taken = self._take()
        give([waiting for _, waiting in taken], _show_all(office, [wanted for wanted, _ in taken]))


def _nothing() -> None:
    """What is waited for is done by another."""


def _show_all(office: Office, wanted: Sequence[Wanted]) -> list[Any]:
    """For each what is shown, or the error that it comes to."""
    looks = [outcome(partial(_look, office, each)) for each in wanted]
    receipts = iter(_store(office, [each.submission for each in looks if isinstance(each, Look)]))
    return [
        outcome(partial(_open, office, each, look, next(receipts))) if isinstance(look, Look) else look
        for each, look in zip(wanted, looks, strict=True)
    ]


def _look(office: Office, wanted: Wanted) -> Look:
    return office.look(wanted.asks, wanted.who, wanted.roles, count=wanted.named)


def _open(office: Office, wanted: Wanted, look: Look, receipt: Receipt | Exception) -> Seen:
    if isinstance(receipt, Exception):
        raise receipt
    more = [_stored(each) for each in office.node.submit_all(look.more)] if look.more else ()
    with office.node.reading() as store:
        shown = look.open(receipt, more)
        return Seen(shown, wanted.prove(store, shown[0]) if wanted.prove is not None else None)


def _stored(answer: Receipt | CounterfoilError) -> Receipt:
    if isinstance(answer, CounterfoilError):
        raise answer
    return answer


def _store(office: Office, submissions: Sequence[Submission]) -> list[Receipt | Exception]:
    """Store what several looks write down, in as few transactions as may be; a receipt or an error for each look."""
    groups = list(_together([each for each in submissions if each.proposals]))
    answers = outcome(lambda: office.node.submit_all([_merged(group) for group in groups])) if groups else []
    if isinstance(answers, Exception):
        answers = [answers] * len(groups)
    stored = iter(
        [part for group, answer in zip(groups, answers, strict=True) for part in _parts(group, answer)]
    )
    return [next(stored) if each.proposals else PUBLIC for each in submissions]


def _together(submissions: Sequence[Submission]) -> Iterator[list[Submission]]:
    """Neighbours whose keys follow each other, so that one transaction can bring them."""
    group: list[Submission] = []
    for each in submissions:
        size = sum(len(other.proposals) for other in group) + len(each.proposals)
        if group and (size > MAX_TOGETHER or not _follows(group[-1].drawn, each.drawn)):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _follows(before: Drawn | None, after: Drawn | None) -> bool:
    if before is None or after is None:
        return False
    return after.first == before.first + len(before.keys)


def _merged(group: Sequence[Submission]) -> Submission:
    if len(group) == 1:
        return group[0]
    drawn = [each.drawn for each in group if each.drawn is not None]
    return Submission(
        [proposal for each in group for proposal in each.proposals],
        items=[item for each in group for item in each.items],
        drawn=Drawn(drawn[0].first, tuple(key for each in drawn for key in each.keys)),
    )


def _parts(group: Sequence[Submission], answer: Receipt | Exception) -> Iterator[Receipt | Exception]:
    """The part of a transaction's receipt that is each look's own."""
    first = 0
    for each in group:
        if isinstance(answer, Exception) or not answer.count:
            yield answer
        else:
            yield Receipt(answer.transaction, answer.standing, answer.first + first, len(each.proposals))
        first += len(each.proposals)
