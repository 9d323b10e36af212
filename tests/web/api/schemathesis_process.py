"""Runs Schemathesis as its command does, in a process of its own: `python -m tests.web.api.schemathesis_process …`.

Two of its dependencies have moved on without it: hypothesis 6.170 lets a collection be iterated, where
hypothesis-jsonschema 0.23.1, the last there is, asks it for `more()`; and jsonschema-rs 0.61 has no
`is_satisfiable`, by which Schemathesis 4.24 tries a generator of its own before that of hypothesis-jsonschema. Without
what stands here nothing could be generated.
"""

from __future__ import annotations

import re
import sys
from itertools import count
from typing import Any, Final

from hypothesis.internal.conjecture.utils import many

_KEY: Final = re.compile(r"[!-~]{1,200}")
_requests: Final = count()


def _more(self: many) -> bool:
    """Whether another element is to be drawn."""
    steps = self.__dict__.get("steps")
    if steps is None:
        steps = self.__dict__["steps"] = iter(self.__enter__())
    return next(steps, self) is not self


def _no_other(*_: object) -> None:
    """The other generator has none for any schema."""


def _name_anew(_: object, case: Any, __: object) -> None:
    """Give most requests an idempotency key of their own: the same few, `0` before all, would be refused as used."""
    stated = case.headers.get("Idempotency-Key") if case.headers else None
    if isinstance(stated, str) and _KEY.fullmatch(stated) and next(_requests) % 8:
        case.headers["Idempotency-Key"] = f"{stated}-{next(_requests)}"


if __name__ == "__main__":
    import schemathesis as library
    from schemathesis.cli import schemathesis
    from schemathesis.specs.openapi import _hypothesis

    if not hasattr(many, "more"):
        many.more = _more  # type: ignore[attr-defined]  # what it is there for
    _hypothesis._canonical_strategy_or_none = _no_other  # type: ignore[assignment]  # it takes the same
    library.hook("before_call")(_name_anew)
    sys.exit(schemathesis())
