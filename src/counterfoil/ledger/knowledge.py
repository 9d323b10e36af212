"""What the ledger knows of registers, agencies and its own parameters: compiled once for each entry that says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from counterfoil.errors import Damaged, Malformed, Refused
from counterfoil.ledger.definition import Definition, DefinitionFields, parse_definition
from counterfoil.ledger.system import (
    AGENCY,
    GOVERNED,
    LEDGER_ONLY,
    LEDGER_PARAMETERS,
    PARAMETER,
    REGISTER,
    AgencyFields,
    ParameterFields,
)
from counterfoil.ledger.view import View
from counterfoil.proof.entry import ENDING, Entry
from counterfoil.proof.index import record_key

MAX_COMPILED: Final = 4096


class Knowledge:
    """A cache by leaf hash: the same entry always compiles to the same thing, so nothing here is state."""

    def __init__(self) -> None:
        self._compiled: dict[bytes, Any] = {}

    def definition(self, view: View, register: str) -> Definition:
        """The definition that governs a register. Raises `Refused` where there is none or nobody may propose."""
        if register in GOVERNED:
            policy = self.parameters(view).governance
            return Definition(register, DefinitionFields(register, "", policy=policy), system=True)
        if register in LEDGER_ONLY:
            raise Refused(f"the register {register} is written by the ledger alone; nobody can propose to it")
        found: Definition | None = self._latest(view, REGISTER, register, _definition)
        if found is None:
            raise Refused(
                f"there is no register {register[:120]!r}; create it first, by a record in {REGISTER}"
            )
        return found

    def agency(self, view: View, agency: str) -> AgencyFields | None:
        """A member's keys; None where the agency is not a member (any more)."""
        found: AgencyFields | None = self._latest(view, AGENCY, agency, _agency)
        return found

    def parameters(self, view: View) -> ParameterFields:
        """The ledger's own parameters. Raises `Damaged` where genesis wrote none."""
        found: ParameterFields | None = self._latest(view, PARAMETER, LEDGER_PARAMETERS, _parameters)
        if found is None:
            raise Damaged(
                "this ledger has no parameters; its first entries are missing: run counterfoil audit"
            )
        return found

    def _latest(self, view: View, register: str, record: str, compile_: Callable[[Entry], Any]) -> Any:
        state = view.record(record_key(register, record))
        if state is None:
            return None
        if state.leaf not in self._compiled:
            if len(self._compiled) >= MAX_COMPILED:
                self._compiled.clear()
            entry = view.entry(state.number)
            self._compiled[state.leaf] = None if entry.operation in ENDING else compile_(entry)
        return self._compiled[state.leaf]


def _definition(entry: Entry) -> Definition:
    return parse_definition(entry.record, entry.fields)


def _agency(entry: Entry) -> AgencyFields:
    return _convert(entry, AgencyFields)


def _parameters(entry: Entry) -> ParameterFields:
    return _convert(entry, ParameterFields)


def _convert(entry: Entry, kind: Any) -> Any:
    try:
        return msgspec.convert(entry.fields, kind)
    except msgspec.ValidationError as error:
        raise Malformed(
            f"entry {entry.number} ({entry.register} {entry.record}) is not in form: {error}"
        ) from None
