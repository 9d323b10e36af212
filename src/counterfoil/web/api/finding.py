"""Finding records by what their hidden fields hold: nothing is decrypted for it, and nothing of it is shown."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath

from counterfoil.identity.caller import Caller
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.duplicates import Candidate
from counterfoil.registry.personal.searching import Query, Term
from counterfoil.web.api.answers import Answer, private
from counterfoil.web.api.asking import Asked, NoQuery, json_body, query
from counterfoil.web.api.content import Name
from counterfoil.web.api.officers import officer_of, require_officer
from counterfoil.web.service import Service


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is searched for: records for which every term holds, and for which purpose.

    Without one, records are left out whose status only some of the register's purposes allow to be read.
    """

    terms: Annotated[tuple[Term, ...], msgspec.Meta(min_length=1, max_length=10)]
    purpose: Name | None = None


class Somebody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of somebody who is to be registered."""

    fields: dict[str, Json]


@post("/registers/{register:str}/search", status_code=200)
async def search(
    request: Asked,
    service: NamedDependency[Service],
    caller: NamedDependency[Caller],
    register: FromPath[str],
) -> Answer:
    """The records of a register for which every term holds, by pseudonym."""
    query(request, NoQuery)
    require_officer(caller, "search", register)
    asked, _ = await json_body(request, service, Terms)
    found = await service.at_office(lambda office: office.search(Query(register, asked.terms, asked.purpose)))
    return private({"items": found.matches, "more": found.more})


@post("/registers/{register:str}/candidates", status_code=200)
async def find_candidates(
    request: Asked,
    service: NamedDependency[Service],
    caller: NamedDependency[Caller],
    register: FromPath[str],
) -> Answer:
    """The records that may be of somebody who is to be registered, with a score, and no field of them.

    Each that is compared is disclosed for it, under the purpose `duplicate-check`.
    """
    query(request, NoQuery)
    who, roles = require_officer(caller, "search", register), officer_of(caller).roles
    asked, _ = await json_body(request, service, Somebody)
    found = await service.at_office(lambda office: office.candidates(register, asked.fields, who, roles))
    return private({"items": [_candidate(register, each) for each in found]})


def _candidate(register: str, found: Candidate) -> dict[str, Any]:
    return {
        "register": register,
        "record": found.record,
        "version": found.version,
        "score": found.score,
        "likely": found.likely,
        "reasons": found.reasons,
    }


finding_routes: Final = [search, find_candidates]
