"""Versions in requests: `ETag` carries a record's version, `If-Match` and `If-None-Match` the one that was seen."""

from __future__ import annotations

import re
from typing import Final

from litestar.exceptions import HTTPException

from counterfoil.errors import Conflict, Malformed
from counterfoil.web.api.asking import Asked

ANY: Final = "*"
_TAGS: Final = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W/)?"[\x21\x23-\x7e]*")*\s*')
_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')
_VERSION: Final = re.compile(r"[1-9][0-9]{0,15}")


def etag(version: int) -> str:
    """The entity tag of a record at a version: an entry never changes, so the version is a strong one."""
    return f'"{version}"'


def not_modified(request: Asked, tag: str) -> bool:
    """Whether the client has the answer with this tag already (RFC 9110 section 13.1.2, weak comparison)."""
    stated = request.headers.get("if-none-match")
    if stated is None:
        return False
    return stated.strip() == ANY or tag in {f'"{each}"' for _, each in _tags("If-None-Match", stated)}


def is_new(request: Asked) -> bool:
    """Whether there must be no such record yet: `If-None-Match: *`. Raises `Malformed` for anything else in it."""
    stated = request.headers.get("if-none-match")
    if stated is None:
        return False
    if stated.strip() != ANY or "if-match" in request.headers:
        raise Malformed(
            "a request that writes takes If-None-Match: * by itself, for a record that must be new"
        )
    return True


def seen(request: Asked) -> tuple[int, ...] | None:
    """The versions that `If-Match` names; None for any (`*`).

    Refused with status 428 where there is no `If-Match`. Raises `Conflict` where it names none that a record can have:
    entity tags are compared strongly (RFC 9110 section 13.1.1).
    """
    stated = request.headers.get("if-match")
    if stated is None:
        raise HTTPException(
            status_code=428,
            detail='say in If-Match which version you saw, as the record\'s ETag has it: If-Match: "3"',
        )
    if stated.strip() == ANY:
        return None
    tags = _tags("If-Match", stated)
    found = tuple(int(tag) for weak, tag in tags if not weak and _VERSION.fullmatch(tag))
    if not found:
        raise Conflict(
            "the record has no version that If-Match names; read it again, its ETag has the version"
        )
    return found


def _tags(header: str, stated: str) -> list[tuple[str, str]]:
    if not _TAGS.fullmatch(stated):
        raise Malformed(f'{header} must be *, or entity tags in quotes: {header}: "3"')
    return [(weak, tag) for weak, tag in _TAG.findall(stated)]
