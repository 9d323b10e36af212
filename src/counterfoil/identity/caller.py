"""Who asks, and what they may do: scopes are words, and what no scope allows is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from counterfoil.errors import Malformed
from counterfoil.identity.officers import OPERATOR_OFFICER, Officer

Kind: TypeAlias = Literal["anonymous", "token", "key", "operator"]
"""How a caller showed who it is: not at all, by a token, by a signature, by reaching the operator's own socket."""

READ: Final = "read"
GOVERN: Final = "govern"
PLAIN_SCOPES: Final = (READ, GOVERN, "endorse", "metrics", "documents")
WRITE: Final = "write"
OFFICER_ACTIONS: Final = ("disclose", "search", "decide", "erase")
"""What only an officer may do: read items under a purpose, search them, decide as second officer, erase."""
ACTIONS: Final = (WRITE, *OFFICER_ACTIONS)
"""What is allowed a register at a time, as `write:REGISTER`, or in any but the ledger's own, as `write:*`."""
FORMS: Final = (
    "read (what is public, as everybody), write:REGISTER, write:* (any register but the ledger's own), "
    "govern (those, whose names begin with a dot), disclose:REGISTER (read its items under a purpose), "
    "search:REGISTER, decide:REGISTER (as second officer), erase:REGISTER (each also with *, and for officers "
    "alone), endorse, metrics or documents"
)
# As `ledger.definition.REGISTER_NAME` has it; written again, because that module loads what judges schemas.
_ONE_REGISTER: Final = re.compile(
    rf"(?:{'|'.join(ACTIONS)}):(?:\*|[a-z][a-z0-9-]{{0,98}}(\.[a-z][a-z0-9-]{{0,98}})?)", re.ASCII
)


def check_scope(scope: str) -> None:
    """Raise `Malformed`, with every form there is, unless `scope` is one."""
    if scope not in PLAIN_SCOPES and not _ONE_REGISTER.fullmatch(scope):
        raise Malformed(f"{scope[:120]!r} is no scope; use {FORMS}")


def officers_alone(scope: str) -> bool:
    """Whether nobody may have this scope but an officer."""
    return scope.partition(":")[0] in OFFICER_ACTIONS


@dataclass(frozen=True)
class Caller:
    """Who makes a request, its scopes, and which officer it is, if it is one.

    Raises `Malformed` for a scope that is not in form, or that only an officer may have.
    """

    name: str
    kind: Kind
    scopes: frozenset[str]
    officer: Officer | None = None

    def __post_init__(self) -> None:
        for scope in self.scopes:
            check_scope(scope)
            if self.officer is None and officers_alone(scope):
                raise Malformed(f"{self.name} is no officer, and {scope} is for officers alone")

    def may(self, scope: str) -> bool:
        """Whether the caller has this scope, or a wider one. What is public is open to everybody."""
        action, colon, register = scope.partition(":")
        if colon:
            return self._may_in(action, register)
        return scope == READ or scope in self.scopes

    def may_write(self, register: str) -> bool:
        """Whether the caller may submit entries of this register."""
        return self._may_in(WRITE, register)

    def _may_in(self, action: str, register: str) -> bool:
        if register.startswith("."):
            # The ledger's own registers hold no items.
            return action == WRITE and GOVERN in self.scopes
        return f"{action}:*" in self.scopes or f"{action}:{register}" in self.scopes


ANONYMOUS: Final = Caller("anonymous", "anonymous", frozenset())
OPERATOR: Final = Caller(
    "operator",
    "operator",
    frozenset({*PLAIN_SCOPES, *[f"{action}:*" for action in ACTIONS]}),
    OPERATOR_OFFICER,
)
"""Who has the installation's files has every scope."""
