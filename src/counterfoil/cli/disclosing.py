"""`counterfoil disclose`: show items of a personal register under a purpose, once the disclosure is in the log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from counterfoil.cli.entries import value_lines
from counterfoil.cli.office import (
    AtOffice,
    CaseNameOption,
    KeyFileOption,
    RecordOption,
    TokenOption,
    at_office,
    numbered,
    read_keys,
)
from counterfoil.cli.options import (
    COMMAND,
    HomeOption,
    JsonOption,
    RegisterArgument,
    example,
    write_output,
)
from counterfoil.cli.output import Output, printable
from counterfoil.errors import CounterfoilError, NotFound, Unavailable

if TYPE_CHECKING:
    from counterfoil.registry.personal.disclosing import Ask, Shown

disclose_app = typer.Typer(**COMMAND)


@disclose_app.command(
    epilog=example(
        "counterfoil disclose person --key-file - --purpose identification --field names --field date-of-birth",
        "counterfoil disclose person --record 3q2-7w… --purpose subject-access --proof person.json",
    )
)
def disclose(  # noqa: PLR0913  # an option each
    register: RegisterArgument,
    *,
    purpose: Annotated[
        str, typer.Option("--purpose", metavar="NAME", help="Why: one that the register's definition names.")
    ],
    key_file: KeyFileOption = None,
    record: RecordOption = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME",
            help="This field, and others named so (circumstances: who acted and why).",
            show_default="all that the purpose allows",
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option("--version", min=1, metavar="N", help="Which version.", show_default="the latest"),
    ] = None,
    case: CaseNameOption = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            min=1,
            metavar="N",
            help="How many records, where the file has several keys, one a line.",
        ),
    ] = None,
    proof: Annotated[
        Path | None,
        typer.Option(
            "--proof",
            metavar="OUT",
            help="Write a proof of what is shown to this file; it holds what is shown.",
            readable=False,
        ),
    ] = None,
    token_file: TokenOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show fields of a record, or of several.

    First an entry is stored that tells each person concerned who looked, why and at what.
    """
    from counterfoil.registry.personal.disclosing import Ask

    keys = read_keys(key_file, record)
    if proof is not None and len(keys) > 1:
        raise typer.BadParameter("a proof is of one record; ask for one at a time")
    fields = tuple(field) if field else None
    asks = [Ask(register, purpose, record, key, version, fields, case) for key in keys]
    output = Output(json=json)
    with at_office(home, token_file) as at:
        at.require("disclose", [register])
        shown = _disclosed(at, asks, count)
        for each in shown:
            _show(output, each, last=proof is None and each is shown[-1])
        if proof is not None:
            _write_proof(at, shown[0], proof)
    if proof is not None:
        output.result(shown_document(shown[-1]) | {"proof": str(proof)}, f"proof: {proof}")


def _disclosed(at: AtOffice, asks: list[Ask], count: int | None) -> list[Shown]:
    return at.office.disclose(asks, at.acting, at.roles, count=count)


def _show(output: Output, shown: Shown, *, last: bool) -> None:
    document = shown_document(shown)
    lines = shown_lines(shown)
    if last:
        output.result(document, *lines)
        return
    output.tell(document)
    for line in lines:
        output.say(line)


def shown_document(shown: Shown) -> dict[str, Any]:
    """What was shown, as JSON; `disclosed` names the entries that say so."""
    first, count = shown.disclosed_by
    document: dict[str, Any] = msgspec.to_builtins(shown)
    del document["presentation"], document["disclosed_by"]
    return document | {"disclosed": {"first": first, "count": count}}


def shown_lines(shown: Shown) -> list[str]:
    """The same for people."""
    status = f", {printable(shown.status)}" if shown.status else ""
    lines = [
        f"{shown.register} {printable(shown.record)}, version {shown.version}{status} (entry {shown.number})"
    ]
    lines += value_lines(shown.fields.items())
    if shown.circumstances:
        lines += ["  circumstances", *value_lines(shown.circumstances.items(), "    ")]
    if shown.erased:
        lines.append("  some fields of it were erased")
    first, count = shown.disclosed_by
    if count:
        lines.append(f"  written into the disclosures of {numbered(count, 'person')}, from entry {first} on")
    return lines


def _write_proof(at: AtOffice, shown: Shown, path: Path) -> None:
    """A proof of the entry, and of its fields that were shown."""
    try:
        write_output(path, _proof(at, shown))
    except CounterfoilError as error:
        raise Unavailable(
            f"the item was shown, and its disclosure is in the log, but its proof is not written: {error}"
        ) from None


def _proof(at: AtOffice, shown: Shown) -> bytes:
    from counterfoil.registry.beginning import genesis_size
    from counterfoil.registry.prove import prove_entry, prove_record

    if shown.presentation is None:
        raise NotFound("none of the fields that were shown can be proved; they were erased or are public")
    node = at.node
    node.settle()
    latest, size = node.record(shown.register, shown.record), genesis_size(node.store)
    if latest is not None and latest.number == shown.number:
        bundle = prove_record(node.store, shown.register, shown.record, genesis_size=size)
    else:
        bundle = prove_entry(node.store, shown.number, genesis_size=size)
    return msgspec.structs.replace(bundle, disclosures=(shown.presentation,)).encode()
