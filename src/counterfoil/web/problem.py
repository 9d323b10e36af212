"""Errors as RFC 9457 problem details: what is wrong and what to do, in one sentence, with a status that fits."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

import msgspec
import structlog

from counterfoil.errors import (
    Busy,
    Conflict,
    CounterfoilError,
    Damaged,
    Malformed,
    NotFound,
    Refused,
    Reused,
    Unauthorised,
    Unavailable,
    Unverified,
    Violated,
)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 1
"""After how long it is worth to try again what the machine refused for now."""
STATUSES: Final[tuple[tuple[type[CounterfoilError], HTTPStatus], ...]] = (
    (Reused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Conflict, HTTPStatus.CONFLICT),
    (Unauthorised, HTTPStatus.FORBIDDEN),
    (Refused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Malformed, HTTPStatus.BAD_REQUEST),
    (Unverified, HTTPStatus.UNAUTHORIZED),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Busy, HTTPStatus.SERVICE_UNAVAILABLE),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (Damaged, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""The status of each kind of error; the first that fits counts."""
OF_MACHINE: Final = (Damaged, Unavailable, Busy)
"""The errors about this machine, which may say where its files are."""
# Folders may have blanks in their names, so that all before the last slash of a clause is taken for one. An address of
# the API is none.
_FOLDER: Final = re.compile(r"(?<![^\s'\"(=])/(?!v1/)[^;:,()'\"\n]*/")
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Problem(msgspec.Struct, frozen=True):
    """A problem details object (RFC 9457 section 3); `kind` is the error's name, as on the command line."""

    title: str
    status: int
    detail: str
    kind: str
    type: str = "about:blank"
    constraint: str | msgspec.UnsetType | None = msgspec.UNSET
    field: str | msgspec.UnsetType | None = msgspec.UNSET
    citation: str | msgspec.UnsetType | None = msgspec.UNSET

    def encode(self) -> bytes:
        """The object as JSON."""
        return msgspec.json.encode(self)

    @property
    def headers(self) -> dict[str, str]:
        """What its response says beside."""
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return {"retry-after": str(RETRY_SECONDS)}
        if self.status == HTTPStatus.UNAUTHORIZED:
            return {"www-authenticate": 'Bearer realm="registers", Signature realm="registers"'}
        return {}


def problem(status: int, detail: str, kind: str | None = None) -> Problem:
    """A problem of the request itself."""
    title = HTTPStatus(status).phrase
    return Problem(title, status, detail, kind or title.lower().replace(" ", "-"))


def problem_of(error: CounterfoilError, *, conditional: bool = False, operator: bool = False) -> Problem:
    """What an error means to who asked; `conditional`: the request named the version that it expects.

    Where the machine's files are, only its `operator` is told; for others it stands in the node's log.
    """
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    if conditional and status is HTTPStatus.CONFLICT:
        status = HTTPStatus.PRECONDITION_FAILED
    kind = _WORD.sub("-", type(error).__name__).lower()
    if not isinstance(error, Violated):
        said = str(error)
        if isinstance(error, OF_MACHINE) and not operator and (public := without_paths(said)) != said:
            structlog.get_logger("request").error("refused", kind=kind, detail=said)
            said = public
        return Problem(status.phrase, status.value, _encodable(said), kind)
    return Problem(
        status.phrase,
        status.value,
        _encodable(str(error)),
        kind,
        constraint=error.constraint,
        field=error.field or msgspec.UNSET,
        citation=error.citation or msgspec.UNSET,
    )


def without_paths(text: str) -> str:
    """What an error says, with the names of files and without the folders that they are in."""
    return _FOLDER.sub("", text)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
