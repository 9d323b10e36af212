"""`counterfoil desk`: what waits for a second officer, and deciding it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from counterfoil.cli.desk_asking import ask, refusals
from counterfoil.cli.desk_showing import seen_document, seen_lines
from counterfoil.cli.office import (
    AtOffice,
    TokenOption,
    at_office,
    case_document,
    erased_document,
    erased_lines,
    filed_document,
    filed_lines,
    read_value,
)
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, replacing
from counterfoil.cli.output import Output, columns

if TYPE_CHECKING:
    from counterfoil.office.office import Office
    from counterfoil.registry.desk.case import Case
    from counterfoil.registry.personal.change import Filed
    from counterfoil.registry.personal.erasing import Erased
    from counterfoil.web.served_office import ServedOffice

MAX_REASON_BYTES: Final = 8_000

CaseArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="CASE", help="The case's id, as desk list says it.")
]
ReasonOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="Why; everybody can read arguments, so name nobody."),
]
ReasonFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--reason-file", metavar="FILE", help="Why, in a file or - for standard input.", readable=False
    ),
]

desk_app = typer.Typer(
    help="List the cases that wait for a second officer, show one, decide it, or ask to read beyond the budget.",
    epilog=example(
        "counterfoil desk list",
        "counterfoil desk decide 0f3a… --approve --reason 'seen with the deed' --token-file ben.token",
    ),
    **COMMAND,
)


@desk_app.command(
    name="list", epilog=example("counterfoil desk list", "counterfoil desk list --register birth")
)
def list_(
    *,
    register: Annotated[
        list[str] | None,
        typer.Option("--register", metavar="NAME", help="Cases of this register, and others named so."),
    ] = None,
    approved: Annotated[
        bool, typer.Option("--approved", help="Those that were approved, and are not carried out yet.")
    ] = False,
    after: Annotated[
        int, typer.Option("--after", min=0, metavar="N", help="Cases numbered above this one.")
    ] = 0,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=500, metavar="N", help="At most so many.")
    ] = 100,
    token_file: TokenOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """List cases, the oldest first: which register, why, and until when each waits."""
    output = Output(json=json)
    with at_office(home, token_file) as at:
        cases = _cases(at.office, register, after, limit, approved=approved)
        mine = [case for case in cases if at.caller.may(f"decide:{case.register}")]
    rows = [
        (case.id, case.kind, case.register, ", ".join(case.reasons), f"by {case.by}", _until(case))
        for case in mine
    ]
    output.result(
        {"cases": [_listed(case) for case in mine]}, *(columns(rows) or ["No case is on the desk."])
    )


def _cases(
    office: Office | ServedOffice, registers: list[str] | None, after: int, limit: int, *, approved: bool
) -> list[Case]:
    from counterfoil.web.served_office import ServedOffice

    if not approved:
        return office.cases(registers or None, after, limit)
    return (office if isinstance(office, ServedOffice) else office.desk).approved(after, limit)


def _listed(case: Case) -> dict[str, Any]:
    return {"number": case.number, **case_document(case)}


def _until(case: Case) -> str:
    return f"until {case_document(case)['until'][:10]}"


@desk_app.command(epilog=example("counterfoil desk show 0f3a… --token-file ben.token"))
def show(
    case: CaseArgument, *, token_file: TokenOption = None, home: HomeOption = None, json: JsonOption = False
) -> None:
    """Show a case, and what it asks for: to whoever may decide it."""
    output = Output(json=json)
    with at_office(home, token_file) as at:
        _may_decide(at, case)
        seen = at.office.seen(case, at.acting)
    output.result(seen_document(seen), *seen_lines(seen))


def _may_decide(at: AtOffice, case: str) -> Case:
    about = at.office.case(case)
    at.require("decide", {about.register, *at.office.registers_of(case)})
    return about


@desk_app.command(
    epilog=example(
        "counterfoil desk decide 0f3a… --approve --reason 'seen with the deed' --token-file ben.token",
        "counterfoil desk decide 0f3a… --refuse --reason-file why.txt",
    )
)
def decide(
    case: CaseArgument,
    *,
    approve: Annotated[
        bool | None, typer.Option("--approve/--refuse", help="What is decided.", show_default=False)
    ] = None,
    reason: ReasonOption = None,
    reason_file: ReasonFileOption = None,
    token_file: TokenOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Decide a case, once and for good, as another officer than the one who put it; what is approved is done at once.

    Where it cannot be done now, it stays approved: counterfoil desk carry-out tries again.
    """
    if approve is None:
        raise typer.BadParameter("say --approve or --refuse")
    why = _reason(reason, reason_file)
    output = Output(json=json)
    with at_office(home, token_file) as at:
        acting = at.acting
        _may_decide(at, case)
        outcome = at.office.decide(case, acting, approved=approve, reason=why)
    _tell_outcome(output, case, "approved" if approve else "refused", outcome)


@desk_app.command(
    epilog=example("counterfoil desk attachment 0f3a… --number 0 --out order.pdf --token-file ben.token")
)
def attachment(
    case: CaseArgument,
    *,
    number: Annotated[int, typer.Option("--number", min=0, metavar="N", help="Which, from 0 on.")] = 0,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it is written.")],
    token_file: TokenOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Open a document that is attached to a case: for whoever may decide it."""
    from counterfoil.registry.personal.attachments import open_attachment

    output = Output(json=json)
    with at_office(home, token_file) as at:
        _may_decide(at, case)
        found = at.office.case_attachment(case, number, at.acting)
        with at.node.snapshot() as store, replacing(out) as file:
            for part in open_attachment(found, store.read_document):
                file.write(part)
    document = {"kind": found.kind, "media-type": found.media_type, "size": found.size, "hash": found.hash}
    output.result(document | {"file": str(out)}, f"{found.kind} ({found.media_type}): {out}")


@desk_app.command(
    epilog=example("counterfoil desk withdraw 0f3a… --reason 'entered twice' --token-file ann.token")
)
def withdraw(
    case: CaseArgument,
    *,
    reason: ReasonOption = None,
    reason_file: ReasonFileOption = None,
    token_file: TokenOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Take a case of your own from the desk, or one that you may decide: also an approved one that cannot be done."""
    why = _reason(reason, reason_file)
    output = Output(json=json)
    with at_office(home, token_file) as at:
        if at.office.case(case).by != at.acting.officer:
            _may_decide(at, case)
        at.office.withdraw(case, at.acting.officer, why)
    output.result({"case": case, "standing": "withdrawn"}, f"case {case}: withdrawn")


def _reason(reason: str | None, reason_file: Path | None) -> str:
    """The reason that is given in one of two ways."""
    if (reason is None) == (reason_file is None):
        raise typer.BadParameter("give the reason by --reason or by --reason-file, and by one of them")
    return (
        read_value(reason_file, "the reason", MAX_REASON_BYTES) if reason_file is not None else reason or ""
    )


@desk_app.command(name="carry-out", epilog=example("counterfoil desk carry-out 0f3a…"))
def carry_out(
    case: CaseArgument, *, token_file: TokenOption = None, home: HomeOption = None, json: JsonOption = False
) -> None:
    """Do what was approved and could not be done then, or was interrupted."""
    output = Output(json=json)
    with at_office(home, token_file) as at:
        _ = at.acting
        # Opening the office finishes what is left of erasures.
        done = _may_decide(at, case).standing == "done"
        outcome = None if done else at.office.carry_out(case)
    _tell_outcome(output, case, "carried out", outcome)


def _tell_outcome(output: Output, case: str, said: str, outcome: Filed | Erased | None) -> None:
    from counterfoil.registry.personal.change import Filed

    document: dict[str, Any] = {"case": case, "decision": said, "filed": None, "erased": None}
    if outcome is None:
        output.result(document, f"case {case}: {said}")
    elif isinstance(outcome, Filed):
        output.result(
            document | {"filed": filed_document(outcome)}, f"case {case}: {said}", *filed_lines(outcome)
        )
    else:
        output.result(
            document | {"erased": erased_document(outcome)}, f"case {case}: {said}", *erased_lines(outcome)
        )


desk_app.command(epilog=example("counterfoil desk refusals", "counterfoil desk refusals --after 120"))(
    refusals
)
desk_app.command(
    epilog=example(
        "counterfoil desk ask person --purpose official-statistics --count 500 --why 'yearly sample'"
    )
)(ask)
