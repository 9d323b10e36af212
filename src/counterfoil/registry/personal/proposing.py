"""From drafts to proposals: what stands in the log of each, and the sealed item beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec.structs import replace

from counterfoil.errors import Violated
from counterfoil.keyring.drawing import Drawn
from counterfoil.keyring.keyring import Keyring
from counterfoil.ledger.content import CIRCUMSTANCES as IN_THE_CLEAR
from counterfoil.ledger.declared import Constraint
from counterfoil.ledger.fields import ATTACHMENTS, CIRCUMSTANCES
from counterfoil.ledger.operands import parse_path, values_at
from counterfoil.proof.canonical import Json, canonical, labelled
from counterfoil.proof.disclosure import SaltedItem
from counterfoil.proof.entry import WRITING, Claim, Proposal, Reference
from counterfoil.registry.personal.change import Draft
from counterfoil.registry.personal.normal import claim_digest
from counterfoil.registry.personal.plan import Plan
from counterfoil.registry.personal.sealing import SUBJECTS, salt_item, seal_parts
from counterfoil.registry.personal.secrets import Pseudonyms, raw
from counterfoil.store.items import SealedItem


class Sealed(NamedTuple):
    """Proposals, the sealed items that belong to them, and the keys drawn for those."""

    proposals: tuple[Proposal, ...]
    items: tuple[SealedItem, ...]
    drawn: Drawn | None


class Proposer:
    """Makes proposals of drafts."""

    def __init__(self, keyring: Keyring, pseudonyms: Pseudonyms, plan: Callable[[str], Plan]):
        self._keyring = keyring
        self._plan = plan
        self._pseudonyms = pseudonyms
        self._subjects_key: AESGCM | None = None

    def held(self) -> Proposer:
        """The same while no register's definition changes."""
        return Proposer(self._keyring, self._pseudonyms.held(), self._plan)

    def outline(self, draft: Draft) -> Proposal:
        """The proposal without its item, by which a change is judged."""
        plan, writes = draft.plan, draft.operation in WRITING
        public = plan.public(draft.fields)
        return Proposal(
            plan.name,
            draft.record,
            draft.operation,
            draft.version,
            draft.status,
            {"fields": public} if public or not plan.hidden else None,
            None,
            draft.document,
            None,
            tuple(self._claims(draft)) if writes else (),
            self._references(draft) if writes else (),
            draft.control if draft.control is not None or draft.before is None else draft.before.control,
        )

    def _references(self, draft: Draft) -> tuple[Reference, ...]:
        """What the entry refers to in the clear, each once: by the names that records have in the log."""
        if not draft.references and not draft.plan.stated:
            return ()
        found = [] if draft.plan.personal else list(draft.references)
        for constraint in draft.plan.stated:
            register = constraint.register or ""
            found += [
                Reference(constraint.role or "", register, self._record_of(register, each))
                for each in _values(draft, constraint.fields)
                if isinstance(each, str)
            ]
        if not set(draft.references).issubset(found):
            raise Violated(
                f"an entry of {draft.register} refers in the clear to what its definition says and its fields name, "
                "and to nothing else; leave references out",
                constraint="references",
                citation=draft.plan.definition.fields.law,
            )
        return tuple(dict.fromkeys(found))

    def _record_of(self, register: str, key: str) -> str:
        plan = self._plan(register)
        if not plan.pseudonymous:
            return key
        return self._pseudonyms.record(register, key, plan.definition.fields.key_form)

    def seal(self, drafts: Sequence[Draft], outlines: Sequence[Proposal] | None = None) -> Sealed:
        """The proposals with their items sealed, under keys drawn for them all at once.

        `outlines` are the drafts', where they are made already.
        """
        begun = outlines or [self.outline(draft) for draft in drafts]
        hidden = [_hidden(draft) for draft in drafts]
        count = sum(len(draft.plan.sealed_in(fields)) for draft, fields in zip(drafts, hidden, strict=True))
        drawn = self._keyring.draw(count) if count else None
        keys = iter(enumerate(drawn.keys, drawn.first)) if drawn is not None else iter(())
        proposals, items = [], []
        for draft, fields, outline in zip(drafts, hidden, begun, strict=True):
            if fields:
                salted = salt_item(fields)
                items.append(self._seal(draft, salted, fields, keys))
                proposals.append(replace(outline, item=labelled(salted.commitment)))
            else:
                body = {"fields": dict(draft.fields), "circumstances": _clear_circumstances(draft)}
                proposals.append(replace(outline, body=body))
        return Sealed(tuple(proposals), tuple(items), drawn)

    def subjects(self, draft: Draft, slot: int) -> list[str]:
        """The pseudonyms of the persons whom the fields of a slot are about."""
        plan, names = draft.plan, []
        if plan.is_the_person(slot):
            key = draft.key if draft.key is not None else draft.fields.get(plan.definition.key or "")
            if isinstance(key, str):
                names.append(self._pseudonyms.subject(key))
        numbers = plan.numbers(slot, dict(draft.fields))
        names += [self._pseudonyms.subject(number) for number in numbers]
        return names or [self._pseudonyms.subject_of_record(plan.name, draft.record)]

    def _seal(
        self, draft: Draft, salted: SaltedItem, fields: dict[str, Json], keys: Iterator[tuple[int, bytes]]
    ) -> SealedItem:
        if self._subjects_key is None:
            self._subjects_key = AESGCM(self._keyring.secret(SUBJECTS))
        subjects = {
            slot: [raw(name) for name in self.subjects(draft, slot)] for slot in draft.plan.sealed_in(fields)
        }
        tokeniser = self._pseudonyms.tokeniser(draft.register) if draft.plan.searchable else None
        # Of public fields too: whoever searches does not ask which are hidden.
        tokens = tokeniser.tokens(draft.plan.searchable, draft.fields) if tokeniser is not None else ()
        parts = seal_parts(draft.plan, draft.record, salted, keys, subjects, self._subjects_key)
        return SealedItem(salted.commitment, parts, tokens)

    def _claims(self, draft: Draft) -> Iterator[Claim]:
        for constraint in draft.plan.exclusives:
            if constraint.applies(draft.operation, draft.status) and constraint.scope and constraint.claim:
                for value in _values(draft, constraint.fields):
                    digest = self._pseudonyms.claim(constraint.scope, value)
                    yield Claim(constraint.scope, constraint.claim, digest)
        for constraint in draft.plan.uniques:
            if constraint.applies(draft.operation, draft.status):
                yield from self._unique(draft, constraint)

    def _unique(self, draft: Draft, constraint: Constraint) -> Iterator[Claim]:
        if all(name in draft.fields for name in constraint.fields):
            scope = f"unique:{draft.register}"
            values = canonical([draft.fields[name] for name in constraint.fields]).decode()
            yield Claim(scope, constraint.name, claim_digest(self._keyring.secret(f"scope:{scope}"), values))


def _hidden(draft: Draft) -> dict[str, Json]:
    """What goes by the item: the hidden fields, and who acted; nothing where the register hides nothing."""
    if not draft.plan.hidden:
        return {}
    hidden = draft.plan.secret(draft.fields)
    if draft.attachments:
        hidden[ATTACHMENTS] = list(draft.attachments)
    hidden[CIRCUMSTANCES] = draft.circumstances
    return hidden


def _clear_circumstances(draft: Draft) -> dict[str, Json]:
    """Who acted, as a body may say it: key ids and text only."""
    said = draft.circumstances
    shown = {name: value for name, value in said.items() if name in IN_THE_CLEAR and isinstance(value, str)}
    shown["actor"] = f"{said.get('actor')}:{said.get('officer')}"
    return shown


def _values(draft: Draft, fields: Sequence[str]) -> list[Json]:
    found = (values_at(dict(draft.fields), parse_path(name).steps) for name in fields)
    return [
        each
        for value in chain.from_iterable(found)
        for each in (value if isinstance(value, list) else [value])
    ]
