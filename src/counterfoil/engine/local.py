"""The local engine: one process orders commands for named state machines, with group commit and without timers.

Whoever finds the engine idle takes everything that waits as one block; those that come meanwhile are the next one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from counterfoil.engine.machine import Machine
from counterfoil.errors import Unavailable

MAX_COMMANDS: Final = 256
"""The most commands in one block; the rest is the next block."""
MAX_CLOCK_LAG: Final = 300


class _Ticket:
    __slots__ = ("commands", "done", "error", "machine", "outcomes")

    def __init__(self, machine: str, commands: Sequence[Any]):
        self.machine = machine
        self.commands = commands
        self.outcomes: Sequence[Any] = ()
        self.error: BaseException | None = None
        self.done = False


class LocalEngine:
    """Orders commands for state machines by name. Any thread may submit; a block is stored when `submit` returns.

    `clock` gives seconds since 1970; a block's time never steps back, and a clock more than five minutes behind the
    last block is refused.
    """

    def __init__(self, machines: Mapping[str, Machine[Any, Any]], clock: Callable[[], float], time: int = 0):
        self._machines = dict(machines)
        self._clock = clock
        self._time = time
        self._waiting: deque[_Ticket] = deque()
        self._turn = threading.Lock()
        self._stale: set[str] = set()

    def submit(self, machine: str, commands: Sequence[Any]) -> Sequence[Any]:
        """Have commands taken in one block, in their order; returns their outcomes once they are stored.

        Raises what taking or storing them raised (`Unavailable`, `Damaged`); then none of them counts as stored, and
        the same request can be made again under its idempotency key.
        """
        ticket = _Ticket(machine, commands)
        self._waiting.append(ticket)
        try:
            while not ticket.done:
                with self._turn:
                    if not ticket.done:
                        self._take_block()
        finally:
            if not ticket.done:  # interrupted while it took another's block
                self._waiting.remove(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.outcomes

    def _take_block(self) -> None:
        first = self._waiting.popleft()
        tickets, count = [first], len(first.commands)
        while self._waiting and self._waiting[0].machine == first.machine:
            count += len(self._waiting[0].commands)
            if count > MAX_COMMANDS:
                break
            tickets.append(self._waiting.popleft())
        try:
            self._run(first.machine, tickets)
        except BaseException as error:
            for ticket in tickets:
                ticket.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for ticket in tickets:
                ticket.done = True

    def _run(self, name: str, tickets: Sequence[_Ticket]) -> None:
        machine, time = self._machines[name], self._block_time()
        if name in self._stale:
            self._discard(name, machine)
        try:
            outcomes = machine.apply(time, [command for ticket in tickets for command in ticket.commands])
            machine.commit()
        except BaseException:
            self._discard(name, machine)
            raise
        self._time = time
        answers = iter(outcomes)
        for ticket in tickets:
            ticket.outcomes = [next(answers) for _ in ticket.commands]

    def _discard(self, name: str, machine: Machine[Any, Any]) -> None:
        # What made a block fail may make this fail too. Until it succeeds, no block is taken.
        self._stale.add(name)
        machine.discard()
        self._stale.discard(name)

    def _block_time(self) -> int:
        now = int(self._clock())
        if now < self._time - MAX_CLOCK_LAG:
            raise Unavailable(
                f"this machine's clock is {self._time - now} seconds behind the last block; "
                "set it right, then try again"
            )
        return max(now, self._time)
