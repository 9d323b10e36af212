"""A register's definition as the ledger judges by it: what a record of `.register` says, checked and compiled."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import Final

import msgspec

from counterfoil.errors import Malformed
from counterfoil.ledger.dates import parse_date, parse_duration
from counterfoil.ledger.declared import (
    ClaimOf,
    ClaimTarget,
    Constraint,
    CoreItem,
    DefinitionFields,
    Effect,
    KeyForm,
    Late,
    Objection,
    Purpose,
)
from counterfoil.ledger.fields import FieldRule, FieldRules
from counterfoil.ledger.names import MAX_NAME, is_name, normal_key
from counterfoil.ledger.operands import parse_operand, parse_path
from counterfoil.ledger.schema import Schema
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import OPERATIONS, WRITING
from counterfoil.proof.policy import check_policy

__all__ = [
    "REGISTER_NAME",
    "ClaimOf",
    "ClaimTarget",
    "Constraint",
    "CoreItem",
    "Definition",
    "DefinitionFields",
    "Effect",
    "FieldRule",
    "FieldRules",
    "KeyForm",
    "Late",
    "Objection",
    "Purpose",
    "parse_definition",
]

REGISTER_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,98}(\.[a-z][a-z0-9-]{0,98})?", re.ASCII)
NATURAL: Final = "natural"
PSEUDONYM: Final = "hmac-sha256"
STEPWISE: Final = frozenset({"immutable", "transition"})
"""Kinds of constraints that compare a version with the one before it; `sum` does where it has `moves`."""
UNASKED: Final = frozenset({"authorised-by", "quorum", "unique"})
"""Kinds that ask nothing of an entry itself: endorsements and claims are what decides."""
MAX_OBJECTION: Final = 89
"""Days: a transaction's deadline lies at most 90 ahead."""


class Definition:
    """A compiled definition. Raises `Malformed` where a part is outside what the ledger can judge."""

    def __init__(
        self, name: str, fields: DefinitionFields, *, system: bool = False, unique_each: tuple[str, ...] = ()
    ):
        self.name = name
        self.fields = fields
        self.system = system
        self.unique_each = unique_each
        """Lists of which no member may stand in two live records."""
        self.append = fields.append
        self.policy: Json = fields.policy if fields.policy is not None else f"agency:{fields.authority}"
        check_policy(self.policy)
        self.recovery: Json | None = fields.recovery
        if self.recovery is not None:
            check_policy(self.recovery)
        self.rules = FieldRules(fields.schema)
        """Who may see each field that the schema lists, and how it is found."""
        self.hidden = self.rules.hidden
        """The names of the fields that go by item."""
        self._compile_schemas(fields.schema)
        self.key = fields.key
        self.key_as_is = fields.key_form == KeyForm()
        """Whether keys are compared in NFC alone, so that a value equal to a name need not be put in form."""
        self.pseudonymous = fields.record_id != NATURAL
        """Whether records are named by a keyed pseudonym of their key."""
        self.named_by = None if self.pseudonymous else fields.key
        """The field that holds a record's name."""
        self.unique_scope = f"unique:{name}"
        """The scope in which its records claim the values of hidden unique fields."""
        self.scopes = frozenset((*fields.scopes, self.unique_scope))
        """The scopes in which its records may claim; in no other."""
        _check(self)
        self._sort_constraints(fields.constraints)

    def _compile_schemas(self, schema: Json | None) -> None:
        self.schema = Schema(self.rules.public_schema()) if schema is not None else None
        """What a body must conform to: the schema of the public fields."""
        self.full_schema = Schema(self.rules.full_schema()) if self.hidden else self.schema
        """What all fields together must conform to, those of the item among them."""
        self.bodiless = self.schema is None or self.schema.accepts({})
        """Whether an entry may do without a body, where its content stands elsewhere."""
        self.itemless = not self.hidden & self.rules.required
        """Whether an entry may do without an item."""

    def _sort_constraints(self, constraints: tuple[Constraint, ...]) -> None:
        names = [constraint.name for constraint in constraints]
        if len(set(names)) != len(names):
            raise Malformed(f"the register {self.name} gives two constraints the same name")
        self.steps = tuple(each for each in constraints if _is_step(each))
        """The constraints that are asked at every version, against the one before it."""
        self.ends = tuple(each for each in constraints if not _is_step(each))
        """The constraints that are asked of the state after a whole transaction."""
        self.unique = tuple(each for each in constraints if each.kind == "unique")
        """The constraints from which the ledger derives claims, where their fields are public."""
        self.asked = tuple(each for each in self.ends if self._asks(each))
        """Those of `ends` that can be false by what the ledger sees (`constraints.sight.ClearSight`)."""
        self.asked_for = {name: tuple(self._asked_for(name)) for name in OPERATIONS}
        """The same for each operation."""
        self.authorisations = tuple(each for each in constraints if each.policy is not None)
        """The constraints that ask for endorsements of their own."""
        self.exclusive = tuple(each for each in constraints if each.kind == "exclusive")
        """The constraints whose claims are a state of a person or thing that excludes others."""

    def _asks(self, constraint: Constraint) -> bool:
        hides = constraint.kind == "unique" and not self.hidden.isdisjoint(constraint.fields)
        return constraint.kind not in UNASKED or constraint.control or hides

    def _asked_for(self, operation: str) -> Iterator[Constraint]:
        for constraint in self.asked:
            # What writes is judged by what it states. What ends or erases, by a version of perhaps another definition.
            if constraint.concerns(operation) and not (operation in WRITING and self._is_dark(constraint)):
                yield constraint

    def _is_dark(self, constraint: Constraint) -> bool:
        """Whether all that a constraint would compare is hidden, so that the ledger could not find it broken."""
        operands = [
            parse_operand(text) for text in constraint.fields if constraint.kind in {"order", "reference"}
        ]
        seen = [each for each in operands if each.path is None or each.path.field not in self.hidden]
        if constraint.kind == "reference":
            return constraint.role is None and not seen
        return constraint.kind == "order" and [each.clock for each in seen] in ([], ["now"])

    def normal_key(self, value: str) -> str | None:
        """A key in the form in which keys are compared; None where it could be no name."""
        return normal_key(value, self.fields.key_form.case, self.fields.key_form.spaces)

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The declared rules, in their order."""
        return self.fields.constraints

    def reference(self, path: str) -> Constraint | None:
        """The reference constraint that lists this field or path."""
        return next(
            (each for each in self.constraints if each.kind == "reference" and path in each.fields), None
        )


def parse_definition(name: str, fields: Json) -> Definition:
    """Read and compile the fields of the record `name` of `.register`. Raises `Malformed`."""
    if not REGISTER_NAME.fullmatch(name):
        raise Malformed(
            f"{name[:120]!r} is no name for a register; use a-z, 0-9 and hyphens, beginning with a letter "
            "(names that begin with a dot belong to the ledger)"
        )
    try:
        return Definition(name, msgspec.convert(fields, DefinitionFields))
    except msgspec.ValidationError as error:
        raise Malformed(f"the definition of register {name} is not in form: {error}") from None


def _is_step(constraint: Constraint) -> bool:
    return constraint.kind in STEPWISE or constraint.moves is not None


def _check(definition: Definition) -> None:
    fields = definition.fields
    if fields.record_id not in {NATURAL, PSEUDONYM}:
        raise Malformed(
            f"record-id {fields.record_id!r} is not known here; this version names records {NATURAL!r} or {PSEUDONYM!r}"
        )
    if fields.key is not None and fields.schema is not None:
        _check_key_class(definition, fields.key)
    _check_subjects(definition)
    _check_operations(fields)
    _check_late(definition)
    for scope in fields.scopes:
        if not is_name(scope) or scope.startswith(("register:", "unique:")):
            raise Malformed(
                f"{scope[:80]!r} can be no claim scope of a definition; use 1 to {MAX_NAME} printable characters that "
                "do not begin with 'register:' or 'unique:'"
            )
    if fields.authority_from is not None and not parse_date(fields.authority_from).sure:
        raise Malformed("authority-from must be a date without ~, ? or %; a law names the day")


def _check_key_class(definition: Definition, key: str) -> None:
    if key in definition.hidden and not definition.pseudonymous:
        raise Malformed(
            f"the key field {key!r} is not public, and records named by it would show it; use record-id {PSEUDONYM!r}"
        )
    if definition.pseudonymous and key in definition.rules.rules and key not in definition.hidden:
        raise Malformed(
            f"the key field {key!r} is public, and would name the person of each pseudonym; give it another class"
        )


def _check_subjects(definition: Definition) -> None:
    subjects = definition.fields.subjects
    for slot, path in subjects.items():
        if not is_name(slot):
            raise Malformed(
                f"{slot[:80]!r} is no name for a subject; use 1 to {MAX_NAME} printable characters"
            )
        if path is not None and parse_path(path).field not in definition.hidden:
            raise Malformed(
                f"the subject {slot!r} must be named by a field that is not public; {path[:80]!r} is none"
            )
    for rule in definition.rules.rules.values():
        if rule.subject is not None and rule.subject not in subjects:
            raise Malformed(
                f"the field {rule.name[:80]!r} is about {rule.subject[:80]!r}, which is none of its subjects"
            )


def _check_operations(fields: DefinitionFields) -> None:
    named: list[Iterable[str]] = []
    if fields.objection is not None:
        named.append(fields.objection.operations)
        if not 0 < fields.objection.days <= MAX_OBJECTION or not fields.objection.operations:
            raise Malformed(f"an objection window names operations and has 1 to {MAX_OBJECTION} days")
    statuses = _statuses(fields)
    for operation in _unknown(named, OPERATIONS):
        raise Malformed(
            f"the definition names the operation {operation[:40]!r}, which there is not; there are "
            f"{', '.join(sorted(OPERATIONS))}"
        )
    for word in _unknown([fields.attachments, fields.four_eyes], OPERATIONS | statuses):
        raise Malformed(
            f"the definition names the operation {word[:40]!r}, which there is not, nor is it a status of its "
            f"transitions; there are {', '.join(sorted(OPERATIONS | statuses))}"
        )


def _unknown(named: Iterable[Iterable[str]], known: Container[str]) -> Iterator[str]:
    return (word for words in named for word in words if word not in known)


def _statuses(fields: DefinitionFields) -> frozenset[str]:
    """The statuses that the transitions of a definition name."""
    found: set[str] = set()
    for constraint in fields.constraints:
        found.update(constraint.initial, constraint.transitions, *constraint.transitions.values())
    return frozenset(found)


def _check_late(definition: Definition) -> None:
    late = definition.fields.late
    if late is None:
        return
    parse_duration(late.after)
    if late.field not in definition.rules.rules:
        raise Malformed(
            f"late is told by the field {late.field[:80]!r}, which the schema does not list; name its date"
        )
