"""Officers: who acts for the agency, under an id that names nobody, in which roles."""

from __future__ import annotations

import re
import secrets
from collections.abc import Container
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from counterfoil.errors import Malformed

Actor: TypeAlias = Literal["person", "rule", "operator"]
"""Who acted: a person, a rule of the system by itself, or whoever has the installation's files."""

MAX_ROLES: Final = 20
_ID: Final = re.compile(r"[0-9a-f]{16}")
_ROLE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
# A keyed digest, and nothing that a person's number could be mistaken for.
_SUBJECT: Final = re.compile(r"(?:[a-z][a-z0-9-]{0,30}:)?(?:[A-Za-z0-9_-]{43}|[0-9a-f]{64})")


class Officer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whom entries and disclosures name: `id` is 16 hexadecimal digits that are given to nobody else, ever.

    `roles` are the agency's own words for what the officer does. `subject` is the keyed pseudonym of the officer as a
    person, where it is known: so that nobody acts on a record of their own.
    """

    id: str
    roles: tuple[str, ...]
    subject: str | None
    kind: Actor = "person"


class Appointment(NamedTuple):
    """What somebody is made an officer with; the id is drawn."""

    roles: tuple[str, ...] = ()
    subject: str | None = None


class Retired(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An id that is not used any more, and whose it was: entries name the officer by it for ever."""

    id: str
    name: str
    retired: str


OPERATOR_OFFICER: Final = Officer("0" * 16, (), None, "operator")
"""Whoever has the installation's files."""
RULE: Final = Officer("0" * 15 + "1", (), None, "rule")
"""The system itself, where a rule acts without anybody's asking."""
FIXED: Final = frozenset({OPERATOR_OFFICER.id, RULE.id})


def appoint(appointment: Appointment, used: Container[str]) -> Officer:
    """A person as officer, under a new id that is none of those `used`. Raises `Malformed` as `check_officer`."""
    while (drawn := secrets.token_hex(8)) in used or drawn in FIXED:
        pass
    officer = Officer(drawn, tuple(dict.fromkeys(appointment.roles)), appointment.subject)
    check_officer(officer)
    return officer


def check_officer(officer: Officer) -> None:
    """Raise `Malformed` unless this is an officer who is a person, with everything in form."""
    check_id(officer.id)
    if officer.kind != "person":
        raise Malformed(f"the officer {officer.id} is of the kind {officer.kind}; access is given to persons")
    if len(officer.roles) > MAX_ROLES:
        raise Malformed(f"the officer has {len(officer.roles)} roles; give up to {MAX_ROLES}")
    for role in officer.roles:
        if not _ROLE.fullmatch(role):
            raise Malformed(
                f"{role[:80]!r} is no role; use up to 40 lower-case letters, digits and hyphens, as in registrar"
            )
    if officer.subject is not None and not _SUBJECT.fullmatch(officer.subject):
        # Without repeating it: what stands there may be a person's number.
        raise Malformed("the officer's subject is no keyed pseudonym; only that may stand there")


def check_id(officer: str) -> None:
    """Raise `Malformed` unless `officer` is an id that a person can have."""
    if not _ID.fullmatch(officer) or officer in FIXED:
        raise Malformed(
            f"{officer[:40]!r} is no officer's id; those are 16 lower-case hexadecimal digits, drawn at random"
        )
