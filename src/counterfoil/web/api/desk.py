"""The desk: cases that wait for a second officer, what they hold, and deciding them; asking for an erasure."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import post, route
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import UNSET, UnsetType

from counterfoil.errors import Malformed, Unauthorised, Unavailable
from counterfoil.identity.caller import Caller
from counterfoil.office.case_view import Seen
from counterfoil.office.office import Office
from counterfoil.office.papers import CHANGE, ERASURE, decode_change, decode_erasure
from counterfoil.proof.canonical import Json
from counterfoil.proof.instant import instant_text
from counterfoil.registry.desk.budget import decode_request
from counterfoil.registry.desk.case import Case, Paper
from counterfoil.registry.personal.attachments import parse_attachment
from counterfoil.registry.personal.change import Acting, Change, Filed
from counterfoil.registry.personal.erasing import Erased, Erasure
from counterfoil.registry.personal.registrar import Terms
from counterfoil.web.api.answers import DEFAULT_LIMIT, Answer, Limit, private, receipt_members, stated
from counterfoil.web.api.asking import Asked, NoQuery, json_body, query, repeatable
from counterfoil.web.api.content import Name
from counterfoil.web.api.filing import records, waiting
from counterfoil.web.api.officers import acting, require_officer
from counterfoil.web.service import Service


class DeskQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which cases: of one register or of all, numbered above `after`."""

    register: Name | UnsetType = UNSET
    limit: Limit = DEFAULT_LIMIT
    after: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)] | UnsetType = UNSET


class DecisionForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a second officer decides, and why."""

    approve: bool
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


@route("/desk", http_method=["GET", "HEAD"])
async def list_cases(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """The cases that wait: those that the officer may decide, and the officer's own."""
    asked = query(request, DeskQuery)
    who = acting(caller)
    register, after = stated(asked.register), stated(asked.after) or 0
    named = None if register is None else [register]
    found = await service.at_office(lambda office: office.cases(named, after, asked.limit))
    mine = [case for case in found if case.by == who.officer or caller.may(f"decide:{case.register}")]
    following = str(found[-1].number) if len(found) == asked.limit else None
    return private({"items": [case_line(case) for case in mine], "next": following})


@route("/desk/{case:str}", http_method=["GET", "HEAD"])
async def show_case(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller], case: FromPath[str]
) -> Answer:
    """A case: its line for the officer whose it is, and what it holds for whoever may decide it.

    That this is shown is in the log first, for everybody whom its changes are about.
    """
    query(request, NoQuery)
    who = acting(caller)

    def shown(office: Office) -> dict[str, Any]:
        about = office.case(case)
        registers = office.registers_of(case)
        if all(caller.may(f"decide:{register}") for register in registers):
            return _seen(office.seen(case, who))
        if about.by == who.officer:
            return case_line(about) | {"content": None}
        raise may_not(registers)

    return private(await service.at_office(shown))


@post("/desk/{case:str}/decision", status_code=200)
async def decide(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller], case: FromPath[str]
) -> Answer:
    """Decide a case as a second officer; approved, it is carried out at once.

    What was approved and not done yet, because something stood in the way, is tried again.
    """
    query(request, NoQuery)
    who = acting(caller)
    asked, data = await json_body(request, service, DecisionForm)
    repeatable(request, caller, data)

    def decided(office: Office) -> dict[str, Any]:
        before = office.case(case)
        registers = office.registers_of(case)
        if not all(caller.may(f"decide:{register}") for register in registers):
            raise may_not(registers)
        if asked.approve and _stands_approved(before, who):
            done = office.carry_out(case)
        else:
            done = office.decide(case, who, approved=asked.approve, reason=asked.reason)
        return {"case": case_line(office.case(case)), **_done(done)}

    return private(await service.at_office(decided))


@post("/erasures")
async def ask_erasure(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller]
) -> Answer:
    """Ask for a subject's fields to be erased: it lies on the desk until a second officer decides."""
    query(request, NoQuery)
    asked, data = await _erasure(request, service, caller)
    who = require_officer(caller, "erase", asked.register)
    again = repeatable(request, caller, data)
    terms = Terms(again.key, again.request)
    return waiting(await service.at_office(lambda office: office.ask_erasure(asked, who, terms)))


async def _erasure(request: Asked, service: Service, caller: Caller) -> tuple[Erasure, bytes]:
    acting(caller)
    asked, data = await json_body(request, service, Erasure)
    if (asked.key is None) is (asked.record is None):
        raise Malformed("say which record is meant, by its key or by record, and by one of them only")
    return asked, data


def _stands_approved(case: Case, who: Acting) -> bool:
    return case.standing == "approved" and case.decision is not None and case.decision.by == who.officer


def may_not(registers: frozenset[str]) -> Unauthorised:
    """The refusal of what takes the right to decide in each register."""
    scopes = ", ".join(f"decide:{register}" for register in sorted(registers))
    return Unauthorised(f"this case is for officers who have {scopes}")


def case_line(case: Case) -> dict[str, Any]:
    """A case's line as JSON."""
    decision = case.decision
    return {
        "case": case.id,
        "number": case.number,
        "kind": case.kind,
        "register": case.register,
        "by": case.by,
        "reasons": case.reasons,
        "put": instant_text(case.put),
        "until": instant_text(case.until),
        "standing": case.standing,
        "decision": None
        if decision is None
        else {
            "by": decision.by,
            "at": instant_text(decision.at),
            "approved": decision.approved,
            "reason": decision.reason,
        },
    }


def _seen(seen: Seen) -> dict[str, Any]:
    """A case with what it holds, what that would do now, and why it waits."""
    return case_line(seen.case) | {
        "content": _content(Paper(seen.case, seen.content)),
        "because": msgspec.to_builtins(seen.reasons),
        "changes": msgspec.to_builtins(seen.changes),
        "impossible": seen.impossible,
    }


def _content(paper: Paper) -> Json:
    """What a case holds, without what would open an attachment; None once it was scrubbed."""
    if paper.content is None:
        return None
    if paper.case.kind == CHANGE:
        changes = decode_change(paper.content)
        return {
            "changes": [_change(each) for each in changes.changes],
            "acting": msgspec.to_builtins(changes.acting),
            "not-before": changes.not_before,
            "deadline": changes.deadline,
        }
    if paper.case.kind == ERASURE:
        erasure: Json = msgspec.to_builtins(decode_erasure(paper.content))
        return erasure
    asked = decode_request(paper.content)
    request: Json = {"purpose": asked.purpose, "count": asked.count, "why": asked.why}
    return request


def _change(change: Change) -> Json:
    attached = [parse_attachment(each) for each in change.attachments]
    told: dict[str, Json] = msgspec.to_builtins(change)
    if attached:
        told["attachments"] = [
            {"kind": each.kind, "media-type": each.media_type, "size": each.size, "hash": each.hash}
            for each in attached
        ]
    return told


def _done(done: Filed | Erased | None) -> dict[str, Any]:
    """What followed from a decision."""
    if isinstance(done, Erased):
        return {"erased": msgspec.to_builtins(done)}
    if done is None:
        return {}
    if done.receipt is None:
        raise Unavailable("the change waits again; look at the desk")
    return {"records": records(done.records), "receipt": receipt_members(done.receipt)}


desk_routes: Final = [list_cases, show_case, decide, ask_erasure]
