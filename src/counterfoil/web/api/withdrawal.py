"""Withdrawing a case from the desk."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath

from counterfoil.identity.caller import Caller
from counterfoil.office.office import Office
from counterfoil.web.api.answers import Answer, private
from counterfoil.web.api.asking import Asked, NoQuery, json_body, query, repeatable
from counterfoil.web.api.desk import case_line, may_not
from counterfoil.web.api.officers import acting
from counterfoil.web.service import Service


class WithdrawalForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a case is withdrawn."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]


@post("/desk/{case:str}/withdrawal", status_code=200)
async def withdraw(
    request: Asked, service: NamedDependency[Service], caller: NamedDependency[Caller], case: FromPath[str]
) -> Answer:
    """Withdraw a case: the officer's own, or one that the officer may decide; approved or not, but not carried out."""
    query(request, NoQuery)
    who = acting(caller)
    asked, data = await json_body(request, service, WithdrawalForm)
    repeatable(request, caller, data)

    def withdrawn(office: Office) -> dict[str, Any]:
        registers = office.registers_of(case)
        own = office.case(case).by == who.officer
        if not own and not all(caller.may(f"decide:{register}") for register in registers):
            raise may_not(registers)
        return {"case": case_line(office.withdraw(case, who.officer, asked.reason))}

    return private(await service.at_office(withdrawn))


withdrawal_routes: Final = [withdraw]
