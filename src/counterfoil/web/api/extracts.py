"""The route that gives an extract: a disclosure as any other, then a copy that this agency certifies."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from litestar import post
from litestar.di import NamedDependency
from litestar.params import FromPath

from counterfoil.identity.caller import Caller
from counterfoil.office.extracting import Looked, certified_extract, look_for_extract
from counterfoil.office.office import Office
from counterfoil.registry.extract.page import page_of
from counterfoil.registry.personal.disclosing import Ask, Shown
from counterfoil.web.api.answers import UNKEPT, Answer, answer, private
from counterfoil.web.api.asking import Asked, json_body, query
from counterfoil.web.api.content import Name
from counterfoil.web.api.officers import officer_of, require_officer
from counterfoil.web.service import Service

HTML: Final = "text/html"
SAVED: Final = {"content-disposition": 'attachment; filename="extract.html"'}


class ExtractQuery(msgspec.Struct, forbid_unknown_fields=True, rename={"form": "as"}):
    """Whether the extract is wanted as JSON, or as a page to print that has the JSON inside."""

    form: Literal["json", "page"] = "json"


class ExtractForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an extract is to show of a record, and why. `fields`: all that the purpose allows where it is left out."""

    key: Name | None = None
    record: Name | None = None
    purpose: Name | None = None
    fields: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=200)] | None = None
    case: Name | None = None


@post("/registers/{register:str}/extracts")
async def make_extract(
    request: Asked,
    service: NamedDependency[Service],
    caller: NamedDependency[Caller],
    register: FromPath[str],
) -> Answer:
    """A certified copy of a record with chosen fields and its proof."""
    wanted = query(request, ExtractQuery)
    who, roles = require_officer(caller, "disclose", register), officer_of(caller).roles
    form, _ = await json_body(request, service, ExtractForm)
    ask = Ask(register, form.purpose or "", form.record, form.key, None, form.fields, form.case)

    def look(office: Office) -> Looked:
        def disclose(each: Ask) -> Shown:
            return office.disclose([each], who, roles)[0]

        return look_for_extract(office.node, disclose, ask)

    looked = await service.at_office(look)
    made = await service.proved(lambda store: certified_extract(service.node, store, looked))
    if wanted.form == "json":
        return private(made.encode(), 201)
    page = await service.in_thread(lambda: page_of(made))
    return answer(page, 201, {**SAVED, **UNKEPT}, HTML)


extract_routes: Final = [make_extract]
