"""What an error means to whoever called: an exit code, a kind by name, one sentence."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from counterfoil.errors import (
    CounterfoilError,
    Malformed,
    Refused,
    Unverified,
    Violated,
)

DONE: Final = 0
NOT_WELL: Final = 1
USAGE: Final = 2
COULD_NOT: Final = 3
INTERRUPTED: Final = 130
NO_READER: Final = 141
"""As a shell reports a program that a signal ended: 128 and SIGINT, or SIGPIPE."""

_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Failure(NamedTuple):
    """How a command ends that did not do what it was asked; `details` are further members of its JSON."""

    code: int
    kind: str
    message: str
    details: dict[str, str]

    @property
    def document(self) -> dict[str, str]:
        """The failure as a JSON object: `kind`, `message`, and what the kind of error tells beside."""
        return {"kind": self.kind, "message": _encodable(self.message), **self.details}


def failure_of(error: CounterfoilError) -> Failure:
    """What an error of this program means: 1 where the thing asked about is not well, 3 where it could not be done."""
    code = NOT_WELL if isinstance(error, Refused | Malformed | Unverified) else COULD_NOT
    details = {}
    if isinstance(error, Violated):
        told = {"constraint": error.constraint, "field": error.field, "citation": error.citation}
        details = {name: value for name, value in told.items() if value is not None}
    return Failure(code, kind_of(error), str(error), details)


def kind_of(error: CounterfoilError) -> str:
    """The error's name as scripts see it: `conflict`, `not-found`."""
    return _WORD.sub("-", type(error).__name__).lower()


def usage(message: str) -> Failure:
    """A command that was called in a way it does not have."""
    return Failure(USAGE, "usage", message, {})


def interrupted() -> Failure:
    """A command that was stopped from the keyboard."""
    return Failure(INTERRUPTED, "interrupted", "interrupted; what was acknowledged is stored for good", {})


def unavailable(error: OSError) -> Failure:
    """The machine's own refusal."""
    where = f"{error.filename}: " if error.filename else ""
    return Failure(COULD_NOT, "unavailable", f"{where}{error.strerror or error}", {})


def unexpected(error: BaseException) -> Failure:
    """An error that nobody meant: the command could not do it, and where it happened can be seen with --debug."""
    name = type(error).__name__
    told = " ".join(str(error).split())[:300]
    return Failure(
        COULD_NOT,
        "unexpected",
        f"this should not have happened ({name}: {told}); please report it, with what --debug shows",
        {},
    )


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
