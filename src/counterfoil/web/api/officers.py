"""Who acts, where personal items are concerned: officers, under an id that entries name."""

from __future__ import annotations

from counterfoil.errors import Unauthorised, Unverified
from counterfoil.identity.caller import Caller
from counterfoil.identity.officers import Officer
from counterfoil.registry.personal.change import Acting
from counterfoil.web.api.asking import require


def officer_of(caller: Caller) -> Officer:
    """The officer who calls. Raises `Unverified` for a caller whom nobody knows, `Unauthorised` for no officer."""
    if caller.kind == "anonymous":
        raise Unverified("this takes a token or a signature; ask whoever keeps this node for one")
    if caller.officer is None:
        raise Unauthorised(
            f"{caller.name} is no officer, and personal items are for officers alone; whoever keeps this node makes "
            "one with counterfoil access add NAME --officer"
        )
    return caller.officer


def acting(caller: Caller) -> Acting:
    """The officer who calls, as entries name who acted. Raises as `officer_of`."""
    officer = officer_of(caller)
    return Acting(officer.kind, officer.id, officer.subject)


def require_officer(caller: Caller, action: str, register: str) -> Acting:
    """The officer who calls, who may do this in a register. Raises as `officer_of`, and as `require`."""
    who = acting(caller)
    require(caller, f"{action}:{register[:100]}")
    return who
