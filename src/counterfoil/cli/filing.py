"""`counterfoil file`: changes of personal registers through the office, from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from counterfoil.cli.office import AtOffice, TokenOption, at_office, tell_filed
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, read_input
from counterfoil.cli.output import Output
from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json, canonical, parse

if TYPE_CHECKING:
    from counterfoil.registry.personal.change import Change

MAX_FILE_BYTES: Final = 8 << 20
MAX_CHANGES: Final = 1000

file_app = typer.Typer(**COMMAND)


class Attached(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A document that a change attaches: a file beside, what kind of document it is, and its media type."""

    kind: str
    file: str
    media_type: str = "application/pdf"


@file_app.command(
    name="file",
    epilog=example(
        "counterfoil file birth.json --token-file ann.token",
        "counterfoil file - --idempotency-key 13/2026/1 < birth.json",
    ),
)
def file_(  # an option each
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A change, or a list, as JSON; - reads standard input.", readable=False
        ),
    ],
    *,
    not_before: Annotated[
        str | None,
        typer.Option("--not-before", metavar="TIME", help="When it takes effect, as 2026-12-31T12:00:00Z."),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option("--deadline", metavar="TIME", help="How long it may wait for endorsements."),
    ] = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            "--idempotency-key",
            metavar="KEY",
            help="A name for this request, which says nothing personal: called again, it is not done again.",
        ),
    ] = None,
    token_file: TokenOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """File changes, which take effect together or not at all; what follows from them is added.

    A change has "register" and "fields", and where needed "operation" (create), "key" or "record", "version",
    "status", "merge" (true: the fields are those that change, null takes one out), "circumstances", "control",
    "references" and "attachments": [{"kind", "file", "media-type"}], whose files lie beside FILE.

    What a second officer must decide is laid on the desk; the answer names the case.
    """
    from counterfoil.registry.personal.registrar import Terms

    output = Output(json=json)
    data = read_input(file, MAX_FILE_BYTES)
    stated = parse_changes(data, str(file))
    folder = Path() if str(file) == "-" else file.parent
    with at_office(home, token_file) as at:
        acting = at.acting
        at.require("write", dict.fromkeys(str(each.get("register")) for each in stated))
        changes = [_change(at, each, folder, number) for number, each in enumerate(stated, 1)]
        terms = Terms(idempotency_key, request_of(stated) if idempotency_key else None, not_before, deadline)
        filed = at.office.file(changes, acting, terms)
    tell_filed(output, filed)


def parse_changes(data: bytes, where: str) -> list[dict[str, Json]]:
    """The objects of a file of changes: one, or a list. Raises `Malformed`, which repeats nothing of them."""
    try:
        value = parse(data, where)
    except Malformed:
        # What is wrong with JSON is told with a piece of it.
        raise Malformed(
            f"{where} is no JSON in the form that registers take; look at it with a JSON checker"
        ) from None
    stated = value if isinstance(value, list) else [value]
    if not 0 < len(stated) <= MAX_CHANGES or not all(isinstance(each, dict) for each in stated):
        raise Malformed(
            f"{where} must be a change, or a list of 1 to {MAX_CHANGES:,} changes, as JSON objects"
        )
    return stated


def request_of(stated: Sequence[dict[str, Json]]) -> bytes:
    """What an idempotency key stands for: the changes as they were stated."""
    return canonical(list(stated))


def _change(at: AtOffice, stated: dict[str, Json], folder: Path, number: int) -> Change:
    """A change in form, whose documents are stored."""
    from counterfoil.registry.personal.change import Change

    attached = tuple(
        _attach(at, _converted(each, Attached, f"attachment of change {number}"), folder)
        for each in _list(stated.get("attachments"), number)
    )
    change: Change = _converted({**stated, "attachments": attached}, Change, f"change {number}")
    return change


def _list(value: Json, number: int) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Malformed(f"the attachments of change {number} must be a list")
    return value


def _attach(at: AtOffice, attached: Attached, folder: Path) -> Json:
    from counterfoil.cli.record import parts_of

    sealed = at.office.attach(parts_of(folder / attached.file), attached.media_type, attached.kind)
    return msgspec.to_builtins(sealed)


def _converted(value: Any, form: Any, what: str) -> Any:
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        raise Malformed(
            f"{what} is not in form: {_wrong(error)}; counterfoil file --help says what it has"
        ) from None


def _wrong(error: msgspec.ValidationError) -> str:
    """What is wrong, and where; an unknown member's name is left out, for it may be personal."""
    text = str(error)
    return "it has a member that is not known" if "unknown field" in text else text
