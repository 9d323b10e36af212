"""Whether a transaction may be taken: every rule that the ledger can see, asked at every node with the same code."""

from __future__ import annotations

from typing import Final

from counterfoil.errors import Conflict, Lapsed, Malformed, Refused, Violated
from counterfoil.ledger.content import check_content
from counterfoil.ledger.definition import Definition
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.scope import Scope
from counterfoil.ledger.settlement import settle
from counterfoil.ledger.state import ENDED, RecordState
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json, unlabelled
from counterfoil.proof.entry import Proposal
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant, instant_text
from counterfoil.proof.transaction import MAX_PROPOSALS, MAX_TRANSACTION_BYTES, Expectation, Transaction

DAY: Final = 86_400
MAX_DEADLINE: Final = 90 * DAY
MAX_ENDORSEMENTS: Final = 256
MAX_EXPECTATIONS: Final = 1_000


def check_header(view: View, knowledge: Knowledge, transaction: Transaction) -> None:
    """Raise `Malformed`, `Lapsed` or `Refused` unless the header fits its proposals, this ledger and this time."""
    header, count = transaction.header, len(transaction.proposals)
    _check_size(transaction)
    origin = knowledge.parameters(view).origin
    if header.origin != origin:
        raise Refused(f"the transaction is for the ledger {header.origin[:80]!r}; this one is {origin!r}")
    if header.count != count or header.root != transaction.root:
        raise Malformed("the header does not state the number and root of the proposals that came with it")
    if not 0 < len(header.idempotency.key) <= 255:
        raise Malformed("an idempotency key has 1 to 255 characters")
    unlabelled(header.idempotency.request)
    check_deadline(view, instant(header.deadline))
    if header.not_before is not None and instant(header.not_before) > instant(header.deadline):
        raise Malformed("the transaction may not take effect before a time that lies after its deadline")


def _check_size(transaction: Transaction) -> None:
    header, endorsements = transaction.header, transaction.endorsements
    if not 0 < len(transaction.proposals) <= MAX_PROPOSALS:
        raise Malformed(f"a transaction has 1 to {MAX_PROPOSALS} proposals; split it")
    if len(header.expectations) > MAX_EXPECTATIONS or len(endorsements) > MAX_ENDORSEMENTS:
        raise Malformed(
            f"a transaction has at most {MAX_EXPECTATIONS} expectations and {MAX_ENDORSEMENTS} endorsements"
        )
    size = sum(map(len, transaction.proposal_bytes)) + len(transaction.header_bytes)
    if len({each.key for each in endorsements}) < len(endorsements):
        raise Malformed("a key endorses a transaction once; one is here twice")
    if size + sum(len(each.key) + len(each.signature) for each in endorsements) > MAX_TRANSACTION_BYTES:
        raise Malformed(
            f"a transaction has at most {MAX_TRANSACTION_BYTES} bytes with its header and endorsements; split it"
        )


def check_deadline(view: View, deadline: int) -> None:
    """Raise `Lapsed` unless the deadline lies between the block's time and 90 days later."""
    if deadline < view.time:
        raise Lapsed(
            f"the transaction's deadline passed before {view.time_text}; submit it anew with a later one"
        )
    if deadline > view.time + MAX_DEADLINE:
        raise Lapsed("the transaction's deadline lies more than 90 days ahead; choose a nearer one")


def check_expectations(view: View, expectations: tuple[Expectation, ...]) -> None:
    """Raise `Conflict` where something that the transaction relied on is no longer so.

    Raises `Malformed` for an expectation that does not say what it is about.
    """
    for expectation in expectations:
        match expectation:
            case Expectation(claim=str(claim), held=bool(held), register=None, record=None, version=None):
                _expect_claim(view, claim, held=held)
            case Expectation(
                register=str(register), record=str(record), version=int(version), claim=None, held=None
            ):
                _expect_version(view, register, record, version)
            case _:
                raise Malformed(
                    "an expectation names a register, record and version (0: absent), or a claim and whether it is held"
                )


def _expect_claim(view: View, claim: str, *, held: bool) -> None:
    if (view.claim(unlabelled(claim)) is not None) is not held:
        raise Conflict(f"the claim {claim} is {'free' if held else 'held'} now; read again and submit anew")


def _expect_version(view: View, register: str, record: str, expected: int) -> None:
    state = view.record(record_key(register, record))
    version = state.version if state else 0
    if version != expected:
        raise Conflict(
            f"{register[:120]} {record[:120]!r} is at version {version} now, and the transaction relied on version "
            f"{expected}; read again and submit anew"
        )


def place(
    view: View, knowledge: Knowledge, transaction: Transaction, *, arriving: bool = False
) -> list[Json]:
    """Append a transaction's proposals to the view; returns the policies that its endorsements must satisfy.

    Raises `Refused` or `Malformed` for the first thing that is not allowed; the caller undoes the view. Whether it
    leaves time for objections is asked as it is `arriving`, and not again when it takes effect.
    """
    scope = Scope(view, knowledge, transaction)
    policies = scope.policies()
    if arriving and any(each.fields.objection for each in scope.definitions.values()):
        _check_objection(scope)
    written: dict[bytes, RecordState] = {}
    for proposal, encoded, key in zip(transaction.proposals, transaction.encoded, scope.keys, strict=True):
        definition = scope.definitions[proposal.register]
        check_content(definition, proposal)
        before = written.get(key) or scope.before[key]
        _check_version(definition, proposal, before)
        written[key] = view.append(key, proposal, encoded, transaction.hash, before)
    settle(scope, written)
    return policies


def _check_objection(scope: Scope) -> None:
    header = scope.transaction.header
    for proposal in scope.transaction.proposals:
        objection = scope.definitions[proposal.register].fields.objection
        if objection is None or proposal.operation not in objection.operations:
            continue
        if objection.when and proposal.status not in objection.when:
            continue
        opens = scope.view.time + objection.days * DAY
        if header.not_before is None or instant(header.not_before) < opens:
            raise Violated(
                f"{proposal.register} {proposal.record!r} may not change in this way until {objection.days} days after "
                f"it is announced, so that objections can be heard; set not-before to {instant_text(opens)} or later",
                constraint="objection",
                field="not-before",
                citation=scope.definitions[proposal.register].fields.law,
            )


def _check_version(definition: Definition, proposal: Proposal, before: RecordState | None) -> None:
    name = f"{proposal.register} {proposal.record!r}"
    if definition.append:
        if proposal.version is not None or proposal.operation != "amend":
            raise Malformed(
                f"{proposal.register} only appends: leave the version out and use the operation 'amend'"
            )
        return
    version = before.version if before else 0
    if proposal.version != version + 1:
        raise Conflict(
            f"{name} is at version {version}, so its next is {version + 1} and not {proposal.version}; read again"
        )
    if (proposal.operation == "create") is not (version == 0):
        raise Conflict(
            f"{name} {'exists already' if version else 'does not exist yet'}; {proposal.operation} does not apply"
        )
    if before and before.flags & ENDED and proposal.operation != "erase":
        raise Violated(
            f"{name} has ended (it was annulled or closed); nothing but erase follows",
            constraint="ended",
            field="status",
            citation=definition.fields.law,
        )
