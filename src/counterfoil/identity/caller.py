"""Who asks, and what they may do: scopes are words, and what no scope allows is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from counterfoil.errors import Malformed

Kind: TypeAlias = Literal["anonymous", "token", "key", "operator"]
"""How a caller showed who it is: not at all, by a token, by a signature, by reaching the operator's own socket."""

READ: Final = "read"
WRITE_ANY: Final = "write:*"
GOVERN: Final = "govern"
WRITE: Final = "write:"
PLAIN_SCOPES: Final = (READ, WRITE_ANY, GOVERN, "endorse", "metrics", "documents")
"""Every scope but those to write one register, which are `write:REGISTER`."""
FORMS: Final = (
    "read (what is public, as everybody), write:REGISTER, write:* (any register but the ledger's own), "
    "govern (those, whose names begin with a dot), endorse, metrics or documents"
)
# As `ledger.definition.REGISTER_NAME` has it; written again, because that module loads what judges schemas.
_WRITE_ONE: Final = re.compile(r"write:[a-z][a-z0-9-]{0,98}(\.[a-z][a-z0-9-]{0,98})?", re.ASCII)


def check_scope(scope: str) -> None:
    """Raise `Malformed`, with every form there is, unless `scope` is one."""
    if scope not in PLAIN_SCOPES and not _WRITE_ONE.fullmatch(scope):
        raise Malformed(f"{scope[:120]!r} is no scope; use {FORMS}")


@dataclass(frozen=True)
class Caller:
    """Who makes a request, and its scopes. Raises `Malformed` for a scope that is not in form."""

    name: str
    kind: Kind
    scopes: frozenset[str]

    def __post_init__(self) -> None:
        for scope in self.scopes:
            check_scope(scope)

    def may(self, scope: str) -> bool:
        """Whether the caller has this scope, or a wider one. What is public is open to everybody."""
        if scope.startswith(WRITE):
            return self.may_write(scope.removeprefix(WRITE))
        return scope == READ or scope in self.scopes

    def may_write(self, register: str) -> bool:
        """Whether the caller may submit entries of this register."""
        if register.startswith("."):
            return GOVERN in self.scopes
        return WRITE_ANY in self.scopes or WRITE + register in self.scopes


ANONYMOUS: Final = Caller("anonymous", "anonymous", frozenset())
OPERATOR: Final = Caller("operator", "operator", frozenset(PLAIN_SCOPES))
"""Who has the installation's files has every scope."""
