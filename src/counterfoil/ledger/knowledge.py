"""What the ledger knows of registers, agencies and its own parameters: compiled once for each entry that says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

from counterfoil.errors import Damaged, Malformed, Refused, Violated
from counterfoil.ledger.definition import Definition, DefinitionFields, parse_definition
from counterfoil.ledger.state import ENDED
from counterfoil.ledger.system import (
    AGENCY,
    ALGORITHM,
    GOVERNED,
    LEDGER_ONLY,
    LEDGER_PARAMETERS,
    PARAMETER,
    REGISTER,
    SIGNATURE,
    AgencyFields,
    AlgorithmFields,
    ParameterFields,
)
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Entry, Proposal
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.policy import leaves, satisfied

MAX_COMPILED: Final = 4096

Compiled = TypeVar("Compiled")
Fields = TypeVar("Fields", AgencyFields, AlgorithmFields, ParameterFields)


_key = lru_cache(MAX_COMPILED)(record_key)


class Knowledge:
    """A cache by leaf hash: the same entry always compiles to the same thing, so nothing here is state."""

    def __init__(self) -> None:
        self._compiled: dict[bytes, Any] = {}

    def definition(self, view: View, register: str) -> Definition:
        """The definition that governs a register. Raises `Refused` where there is none or nobody may propose."""
        if register in GOVERNED:
            return governed(register, self.parameters(view).governance)
        if register in LEDGER_ONLY:
            raise Refused(f"the register {register} is written by the ledger alone; nobody can propose to it")
        found = self._latest(view, REGISTER, register, _definition)
        if found is None:
            raise Refused(
                f"there is no register {register[:120]!r}; create it first, by a record in {REGISTER}"
            )
        return found

    def known(self, view: View, register: str) -> Definition | None:
        """The definition of a register that others name; None where there is none, or the ledger alone writes to it."""
        if register in GOVERNED:
            return governed(register, self.parameters(view).governance)
        return self._latest(view, REGISTER, register, _definition)

    def agency(self, view: View, agency: str) -> AgencyFields | None:
        """A member's keys; None where the agency is not a member (any more)."""
        return self._latest(view, AGENCY, agency, _agency)

    def counts(self, view: View, key: str) -> bool:
        """Whether signatures by a public key, as text, count now: its algorithm is one of those in force."""
        name = key.partition(":")[0]
        algorithm = self._latest(view, ALGORITHM, name, _algorithm)
        if algorithm is None or algorithm.use != SIGNATURE or instant(algorithm.from_) > view.time:
            return False
        return algorithm.until is None or view.time <= instant(algorithm.until)

    def parameters(self, view: View) -> ParameterFields:
        """The ledger's own parameters. Raises `Damaged` where genesis wrote none."""
        found = self._latest(view, PARAMETER, LEDGER_PARAMETERS, _parameters)
        if found is None:
            raise Damaged(
                "this ledger has no parameters; its first entries are missing: run counterfoil audit"
            )
        return found

    def _latest(
        self, view: View, register: str, record: str, compile_: Callable[[Entry], Compiled]
    ) -> Compiled | None:
        state = view.record(_key(register, record))
        if state is None or state.flags & ENDED:
            return None
        if state.leaf not in self._compiled:
            if len(self._compiled) >= MAX_COMPILED:
                self._compiled.clear()
            self._compiled[state.leaf] = compile_(view.entry(state.number))
        found: Compiled = self._compiled[state.leaf]
        return found


def check_governable(view: View, knowledge: Knowledge) -> None:
    """Raise `Violated` where no members with keys that count could govern the ledger any more, or sign as its log.

    Asked after a transaction in the system registers: one that took the last such key away could not be undone.
    """
    parameters = knowledge.parameters(view)
    able = set()
    for leaf in leaves(parameters.governance):
        kind, _, name = leaf.partition(":")
        member = knowledge.agency(view, name) if kind == "agency" else None
        keys = (name,) if kind == "key" else member.endorse if member else ()
        if any(knowledge.counts(view, key) for key in keys):
            able.add(leaf)
    if not satisfied(parameters.governance, able):
        raise Violated(
            "nobody could govern the ledger after this: too few of those whom its governance policy asks for would be "
            "members with a key that counts",
            constraint="governance",
        )


def check_checkpoint_keys(view: View, knowledge: Knowledge, member: Proposal) -> None:
    """Raise `Violated` where a member lists a checkpoint key that does not sign under this ledger's origin."""
    origin = knowledge.parameters(view).origin
    for text in member.fields.get("checkpoint", ()):
        if VerifierKey.parse(text).name != origin:
            raise Violated(
                f"the checkpoint key {text[:80]!r} of {member.record} is for another log; its name must be {origin!r}",
                constraint="checkpoint",
                field="checkpoint",
            )


def governed(register: str, governance: Json) -> Definition:
    """The definition of a system register, whose records change under the governance policy.

    One key speaks for one agency, or it would count twice in a quorum.
    """
    unique_each = ("endorse", "checkpoint") if register == AGENCY else ()
    fields = DefinitionFields(register, "", policy=governance)
    return Definition(register, fields, system=True, unique_each=unique_each)


def _definition(entry: Entry) -> Definition:
    return parse_definition(entry.record, entry.fields)


def _agency(entry: Entry) -> AgencyFields:
    return _convert(entry, AgencyFields)


def _algorithm(entry: Entry) -> AlgorithmFields:
    return _convert(entry, AlgorithmFields)


def _parameters(entry: Entry) -> ParameterFields:
    return _convert(entry, ParameterFields)


def _convert(entry: Entry, kind: type[Fields]) -> Fields:
    try:
        return msgspec.convert(entry.fields, kind)
    except msgspec.ValidationError as error:
        raise Malformed(
            f"entry {entry.number} ({entry.register} {entry.record}) is not in form: {error}"
        ) from None
