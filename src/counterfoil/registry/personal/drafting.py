"""From what is asked for to what an entry will say: record, version, whole fields, schema, circumstances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from counterfoil.errors import Conflict, Malformed, NotFound, Refused, Violated
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.fields import ATTACHMENTS, CIRCUMSTANCES
from counterfoil.ledger.operands import parse_path
from counterfoil.ledger.system import AGENCY
from counterfoil.proof.canonical import Json, check_profile
from counterfoil.proof.entry import ENDING, MAX_BODY_DEPTH, WRITING, Entry, decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.policy import check_policy, leaves
from counterfoil.registry.personal.change import AS_FOUND, FOUND, Acting, Change, Decision, Draft
from counterfoil.registry.personal.normal import key_in_form, pseudonym
from counterfoil.registry.personal.opening import Items, Opened
from counterfoil.registry.personal.plan import Plan
from counterfoil.registry.personal.stated import check_stated
from counterfoil.store.store import Store

OLD_BOOK: Final = ("recorded", "place", "number")
"""What must be said of an entry taken over from an older book: when and where it was written, under which number."""


class Drafter:
    """Drafts entries over a store that is held still meanwhile."""

    def __init__(
        self,
        store: Store,
        items: Items,
        plan: Callable[[str], Plan],
        secret: Callable[[str], bytes],
    ):
        self._store = store
        self._items = items
        # The store is held still, and so are its registers' definitions: each is looked up once.
        self.plan = cache(plan)
        self._secret = secret

    def draft(self, change: Change, acting: Acting, decision: Decision | None) -> Draft:
        """One entry in full. Raises `NotFound`, `Conflict`, `Malformed` or `Violated`."""
        plan = self.plan(change.register)
        check_stated(change.circumstances)
        _check_clear(plan, change)
        self._check_control(change)
        key, record = self.name(plan, change)
        before = self.latest(plan.name, record)
        if before is not None and self.has_ended(before):
            raise Violated(
                f"this record of {plan.name} has ended (it was annulled or closed), and nothing but an erasure follows",
                constraint="ended",
                field="status",
                citation=plan.definition.fields.law,
            )
        opened = self._items.open(before) if before is not None else None
        operation = _operation(plan, change, before)
        fields = _whole(change, opened, _moved(plan))
        status = _status(plan, change, before)
        draft = Draft(
            plan,
            record,
            operation,
            _version(plan, change, before),
            status,
            fields,
            _circumstances(change, acting, decision),
            before,
            opened.fields if opened is not None else {},
            key,
            change.control,
            change.references,
            change.document,
            tuple(change.attachments),
        )
        if draft.found:
            _check_found(draft)
        if operation in WRITING:
            check_fields(plan.definition, fields)
        return draft

    def _check_control(self, change: Change) -> None:
        """Raise `Refused` for a control by an agency that is no member: nobody could ever endorse for it."""
        if change.control is None:
            return
        check_policy(change.control)
        for leaf in leaves(change.control):
            kind, _, name = leaf.partition(":")
            if kind == "agency" and self.latest(AGENCY, name) is None:
                raise Refused(
                    "the control names an agency that is no member of this ledger; name a member, or a key"
                )

    def name(self, plan: Plan, change: Change) -> tuple[str | None, str]:
        """A record's natural key, where it is known, and its name in the log."""
        definition = plan.definition
        key = change.key
        if key is None and definition.key is not None:
            stated = change.fields.get(definition.key)
            key = stated if isinstance(stated, str) else None
        if key is None:
            if change.record is None:
                raise Malformed(
                    f"say which record of {plan.name} is meant: by its {definition.key or 'record'}, or by record"
                )
            return None, _stated_record(plan, change.record)
        record = self.record_of(plan, key)
        if change.record is not None and _stated_record(plan, change.record) != record:
            raise Malformed(
                f"the key and the record given for {plan.name} are not of one record; give one of them"
            )
        return key, record

    def record_of(self, plan: Plan, key: str) -> str:
        """The name in the log of the record with a natural key. Raises `Malformed` for what can be no key."""
        normal = key_in_form(key, plan.definition.fields.key_form)
        if not plan.pseudonymous:
            return normal
        return pseudonym(self._secret(f"pseudonym:{plan.name}"), plan.name, normal)

    def latest(self, register: str, record: str) -> Entry | None:
        """A record's latest entry; None where there is none."""
        state = self._store.record(record_key(register, record))
        return decode_entry(self._store.entry(state.number)) if state else None

    def has_ended(self, entry: Entry) -> bool:
        """Whether the record of an entry was annulled or closed."""
        state = self._store.record(record_key(entry.register, entry.record))
        return state is not None and state.ended

    def entry_of(self, key: bytes) -> Entry | None:
        """The latest entry of the record with an index key."""
        state = self._store.record(key)
        return decode_entry(self._store.entry(state.number)) if state else None


def _check_clear(plan: Plan, change: Change) -> None:
    """Raise `Refused` for what would stand in the log in the clear, in a register that hides what it holds."""
    if not plan.hidden:
        return
    if change.document is not None:
        raise Refused(
            f"a document of {plan.name} would be stored as it is, and its hash stand in the log; attach it instead"
        )
    if change.control is not None and not any(each.control for each in plan.definition.constraints):
        raise Refused(
            f"a record of {plan.name} changes by its register's policy alone; leave the control out"
        )


def check_fields(definition: Definition, fields: Mapping[str, Json]) -> None:
    """Raise `Malformed` or `Violated` unless a record's whole fields conform to its register's schema."""
    check_profile(dict(fields), "the fields", MAX_BODY_DEPTH)
    for name in (CIRCUMSTANCES, ATTACHMENTS):
        if name in fields:
            raise Malformed(f"no field may be named {name!r}; state {name} beside the fields")
    schema = definition.full_schema
    if schema is None or schema.accepts(dict(fields)):
        return
    # Without the library's own words: they repeat the value, which may be personal.
    faults = schema.faults_said(dict(fields))
    raise Violated(
        f"these are no fields for a record of {definition.name}: {faults.said}",
        constraint="schema",
        field=faults.field,
        citation=definition.fields.law,
    )


def _stated_record(plan: Plan, record: str) -> str:
    """A record as it was stated, by its name in the log: a natural one may be written in another form."""
    return record if plan.pseudonymous else key_in_form(record, plan.definition.fields.key_form)


def _operation(plan: Plan, change: Change, before: Entry | None) -> str:
    if plan.definition.append:
        return "amend"
    if change.operation == "erase":
        raise Malformed("an erasure needs a ground and a second officer; ask for it as one")
    if before is None and change.operation != "create":
        raise NotFound(f"there is no such record in {plan.name}; {change.operation} needs one")
    return change.operation


def _version(plan: Plan, change: Change, before: Entry | None) -> int | None:
    standing = before.version if before is not None else 0
    if change.version is not None and change.version != standing:
        raise Conflict(
            f"the record of {plan.name} is at version {standing}, and the change was made on version {change.version}; "
            "read it again"
        )
    if change.operation == "create" and before is not None and not plan.definition.append:
        raise Conflict(f"{plan.name} has a record of that key already; look at it before you change it")
    return None if plan.definition.append else standing + 1


def _whole(change: Change, opened: Opened | None, moved: frozenset[str]) -> dict[str, Any]:
    if change.operation in ENDING and not change.merge and not change.patch and opened is not None:
        return {**opened.fields, **change.fields}  # what ends is told once more, as far as it is known
    if not change.merge and not change.patch:
        return dict(change.fields)
    if opened is None:
        raise NotFound(f"there is no record of {change.register} whose fields could be merged")
    if opened.lost:
        raise Violated(
            "some fields of this record were erased, so that a change must state all that remain; send them whole",
            constraint="erase",
        )
    standing = {name: value for name, value in opened.fields.items() if name not in moved}
    if change.patch:
        return _patched(standing, change.fields)
    merged = {**standing, **change.fields}
    return {name: value for name, value in merged.items() if value is not None}


def _moved(plan: Plan) -> frozenset[str]:
    """The fields that say what was moved at one version: they are no state, and do not stay for the next."""
    moves = [each.moves for each in plan.definition.constraints if each.moves is not None]
    return frozenset(parse_path(path).field for path in moves)


def _patched(target: Json, patch: Mapping[str, Json]) -> dict[str, Any]:
    """A value with a merge patch over it (RFC 7396 section 2)."""
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _patched(result.get(name), value) if isinstance(value, dict) else value
    return result


def _status(plan: Plan, change: Change, before: Entry | None) -> str | None:
    if change.status is not None:
        return change.status
    if before is not None:
        return before.status
    initial = [each.initial for each in plan.definition.constraints if each.kind == "transition"]
    return initial[0][0] if initial and initial[0] else None


def _circumstances(change: Change, acting: Acting, decision: Decision | None) -> dict[str, Json]:
    said: dict[str, Json] = {**change.circumstances, "actor": acting.actor, "officer": acting.officer}
    if decision is not None:
        said |= {"decided-by": decision.officer, "decision": decision.reason}
    if change.status == AS_FOUND:
        said["found"] = FOUND
    return said


def _check_found(draft: Draft) -> None:
    lacking = [name for name in OLD_BOOK if name not in draft.circumstances]
    if lacking:
        raise Violated(
            f"an entry taken over from an older book says when, where and under which number it stood there; "
            f"{', '.join(lacking)} is missing in the circumstances",
            constraint="as-found",
        )
