"""What lies undecided on the desk about a record that is to be erased: it must be decided first."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from counterfoil.errors import Refused
from counterfoil.office.papers import CHANGE, decode_change
from counterfoil.registry.desk.case import Case
from counterfoil.registry.desk.desk import MAX_LISTED, Desk
from counterfoil.registry.personal.registrar import Registrar


def check_nothing_waits(desk: Desk, registrar: Registrar, register: str, record: str) -> None:
    """Raise `Refused` where a change of the record waits on the desk, whose fields would outlive the erasure."""
    cases = [case for case in _undecided(desk) if case.kind == CHANGE]
    with registrar.reading() as store:
        drafter = registrar.drafter(store)
        for case in cases:
            content = desk.get(case.id).content
            for change in decode_change(content).changes if content is not None else ():
                if change.register != register:
                    continue
                if drafter.name(drafter.plan(register), change)[1] == record:
                    raise Refused(
                        f"a change of this record waits on the desk as case {case.id} and holds what is to be erased; "
                        "decide that case first, then ask for the erasure again"
                    )


def _undecided(desk: Desk) -> Iterator[Case]:
    yield from _all(lambda after: desk.waiting(None, after, MAX_LISTED))
    yield from _all(lambda after: desk.approved(after, MAX_LISTED))


def _all(listed: Callable[[int], list[Case]]) -> Iterator[Case]:
    after = 0
    while cases := listed(after):
        yield from cases
        after = cases[-1].number
