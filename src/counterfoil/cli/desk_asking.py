"""Asking to read beyond the budget, and what was refused: the parts of `counterfoil desk` that are about no case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli.office import TokenOption, at_office
from counterfoil.cli.options import HomeOption, JsonOption, RegisterArgument
from counterfoil.cli.output import Output, columns
from counterfoil.proof.instant import instant_text

if TYPE_CHECKING:
    from counterfoil.office.office import Office
    from counterfoil.registry.desk.budget import Reading
    from counterfoil.registry.desk.refusals import Refusal
    from counterfoil.web.served_office import ServedOffice


def refusals(
    *,
    after: Annotated[
        int, typer.Option("--after", min=0, metavar="N", help="Refusals numbered above this one.")
    ] = 0,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=500, metavar="N", help="At most so many.")
    ] = 100,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List whose changes were refused by rules that look at other records, and by which rule, of the last 90 days."""
    output = Output(json=json)
    with at_office(home, None) as at:
        found = _refusals(at.office, after, limit)
    rows = [(instant_text(each.at), f"by {each.officer}", each.register, each.constraint) for each in found]
    documents = [{**each._asdict(), "at": instant_text(each.at)} for each in found]
    output.result({"refusals": documents}, *(columns(rows) or ["No refusal is noted."]))


def _refusals(office: Office | ServedOffice, after: int, limit: int) -> list[Refusal]:
    from counterfoil.web.served_office import ServedOffice

    if isinstance(office, ServedOffice):
        return office.refusals(after, limit)
    return office.refusals.listed(after, limit)


def ask(
    register: RegisterArgument,
    *,
    purpose: Annotated[str, typer.Option("--purpose", metavar="NAME", help="Under which purpose.")],
    count: Annotated[int, typer.Option("--count", min=1, metavar="N", help="How many items more.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Why; name nobody.")],
    token_file: TokenOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a second officer to let more items be read, or more refusals be told, than the budget allows."""
    from counterfoil.office.papers import ASKED_WITH
    from counterfoil.registry.desk.budget import Reading

    output = Output(json=json)
    with at_office(home, token_file) as at:
        at.require(ASKED_WITH.get(purpose, "disclose"), [register])
        reading = Reading(at.acting.officer, purpose, register, at.roles, at.acting.subject)
        case = _ask_reading(at.office, reading, count, why)
    output.result({"case": case}, f"waits for a second officer: counterfoil desk decide {case}")


def _ask_reading(office: Office | ServedOffice, reading: Reading, count: int, why: str) -> str:
    from counterfoil.web.served_office import ServedOffice

    if isinstance(office, ServedOffice):
        return office.ask_reading(reading, count, why)
    return office.budgets.ask(reading, count, why)
