"""Showing personal items: under a purpose, once each disclosure is in the log, with the proof of what is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath

from counterfoil.errors import Unavailable
from counterfoil.identity.caller import Caller
from counterfoil.office.papers import ASKED_WITH
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.canonical import canonical
from counterfoil.registry.beginning import genesis_size
from counterfoil.registry.desk.budget import Reading
from counterfoil.registry.personal.change import Acting
from counterfoil.registry.personal.disclosing import MAX_BULK, Ask, Shown
from counterfoil.registry.prove import prove_record
from counterfoil.store.store import Store
from counterfoil.web.api.answers import Answer, private
from counterfoil.web.api.asking import Asked, NoQuery, json_body, query
from counterfoil.web.api.content import Name
from counterfoil.web.api.officers import officer_of, require_officer
from counterfoil.web.api.places import CASES, Place
from counterfoil.web.api.proofs import quick_proof, quick_proofs
from counterfoil.web.looking import Wanted
from counterfoil.web.service import Service

Proof: TypeAlias = bool | Literal["inclusion"]
"""Whether a proof is asked for: with who endorsed the entry, or (`inclusion`) the quick one of a latest entry."""
Version: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]


class AskForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of one record: why, which record, which version, which fields."""

    purpose: Name
    key: Name | None = None
    record: Name | None = None
    version: Version | None = None
    fields: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=200)] | None = None
    case: Name | None = None

    def of(self, register: str) -> Ask:
        """The same for the office."""
        return Ask(register, self.purpose, self.record, self.key, self.version, self.fields, self.case)


class AskAlone(AskForm, frozen=True, forbid_unknown_fields=True):
    """The same of one record by itself; `proof` asks for the proof of what is shown."""

    proof: Proof = False


class AskAmongMany(AskForm, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The same in a register that is named."""

    register: Name


class Asks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several records at once; `count` says how many, so that the number is meant."""

    count: Annotated[int, msgspec.Meta(ge=1, le=MAX_BULK)]
    asks: Annotated[tuple[AskAmongMany, ...], msgspec.Meta(min_length=1, max_length=MAX_BULK)]


class BudgetRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many more items an officer asks a second officer to let be read, and why."""

    purpose: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    register: Name
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    why: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


@post("/registers/{register:str}/disclosures", status_code=200)
async def disclose(
    request: Asked,
    service: NamedDependency[Service],
    caller: NamedDependency[Caller],
    register: FromPath[str],
) -> Answer:
    """Show a record's fields, after it is in the log that they are shown."""
    query(request, NoQuery)
    who, roles = require_officer(caller, "disclose", register), officer_of(caller).roles
    asked, _ = await json_body(request, service, AskAlone)
    latest = asked.version is None
    quick = asked.proof == "inclusion" and latest
    prove = await _quickly(service) if quick else None
    seen = await service.show(Wanted([asked.of(register)], who, roles, prove=prove))
    (shown,) = seen.shown
    if asked.proof is False:
        return private(_document(shown))
    proof = seen.proof or await _proof(service, shown, quick=quick, latest=latest)
    return private(_with_proof(shown, proof))


@post("/disclosures", status_code=200)
async def disclose_many(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Show several records' fields; how many is named before anything is decrypted."""
    query(request, NoQuery)
    officer = officer_of(caller)
    asked, _ = await json_body(request, service, Asks)
    who = Acting(officer.kind, officer.id, officer.subject)
    for register in {each.register for each in asked.asks}:
        require_officer(caller, "disclose", register)
    asks = [each.of(each.register) for each in asked.asks]
    seen = await service.show(Wanted(asks, who, officer.roles, asked.count))
    return private({"items": [_document(each) for each in seen.shown]})


@post("/budget-requests")
async def ask_budget(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Ask a second officer to let more items be read, or more refusals be told, than the budget allows."""
    query(request, NoQuery)
    officer = officer_of(caller)
    asked, _ = await json_body(request, service, BudgetRequest)
    require_officer(caller, ASKED_WITH.get(asked.purpose, "disclose"), asked.register)
    reading = Reading(officer.id, asked.purpose, asked.register, officer.roles, officer.subject)
    case = await service.at_office(lambda office: office.budgets.ask(reading, asked.count, asked.why))
    document = {"records": [], "case": case, "reasons": ["budget"]}
    return private(document, 202, {"location": f"{CASES}/{case}"})


def _document(shown: Shown) -> dict[str, Any]:
    first, count = shown.disclosed_by
    return {
        "register": shown.register,
        "record": shown.record,
        "number": shown.number,
        "version": shown.version,
        "status": shown.status,
        "fields": shown.fields,
        "circumstances": shown.circumstances,
        "erased": shown.erased,
        "disclosed": {"first": first if count else None, "count": count},
    }


def _with_proof(shown: Shown, proof: bytes) -> bytes:
    """The answer with a proof bundle in it, as canonical JSON, without reading the bundle once more."""
    document = _document(shown)
    before = canonical({name: value for name, value in document.items() if name < "proof"})
    after = canonical({name: value for name, value in document.items() if name > "proof"})
    return b'%b,"proof":%b,%b' % (before[:-1], proof, after[1:])


async def _quickly(service: Service) -> Callable[[Store, Shown], bytes | None]:
    """What makes the quick proof at once of what was shown, where the index knows it already."""
    proofs = await quick_proofs(service)

    def prove(store: Store, shown: Shown) -> bytes | None:
        try:
            found = proofs.prove(store, shown.register, shown.record)
        except Unavailable:
            return None
        return _spliced(found.bundle, shown) if found.number == shown.number else None

    return prove


async def _proof(service: Service, shown: Shown, *, quick: bool, latest: bool) -> bytes:
    """The proof bundle of the entry, with the fields that were shown of it."""
    if quick:
        found = await quick_proof(service, Place(shown.register, shown.record, ()))
        if found.number == shown.number:
            return _spliced(found.bundle, shown)

    def prove(store: Store) -> bytes:
        size = genesis_size(store)
        if latest:
            bundle = prove_record(store, shown.register, shown.record, genesis_size=size)
            if shown.number in _numbers(bundle, shown):
                return _presented(bundle, shown)
        version = shown.version
        bundle = prove_record(store, shown.register, shown.record, versions=version, genesis_size=size)
        return _presented(bundle, shown)

    return await service.proved(prove)


def _numbers(bundle: Bundle, shown: Shown) -> set[int]:
    """The number of the entry that was shown, where it is still the latest: the bundle then has it."""
    marker = f'"number":{shown.number},'
    return {shown.number} if any(marker in text for text in bundle.entries) else set()


def _presented(bundle: Bundle, shown: Shown) -> bytes:
    if shown.presentation is not None:
        bundle = msgspec.structs.replace(bundle, disclosures=(shown.presentation,))
    return bundle.encode()


def _spliced(bundle: bytes, shown: Shown) -> bytes:
    """A bundle's canonical bytes with the presentation in its place, after the checkpoint."""
    if shown.presentation is None:
        return bundle
    presented = canonical(msgspec.to_builtins(shown.presentation))
    return bundle.replace(b',"entries":[', b',"disclosures":[%b],"entries":[' % presented, 1)


disclosing_routes: Final = [disclose, disclose_many, ask_budget]
