"""`counterfoil history`: a record's versions, what was known of it when, and what changed between two of them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from counterfoil.cli.entries import entry_document, entry_lines, shown
from counterfoil.cli.options import (
    COMMAND,
    HomeOption,
    JsonOption,
    KeyArgument,
    RegisterArgument,
    example,
    reading,
)
from counterfoil.cli.output import Output, columns, printable
from counterfoil.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from counterfoil.proof.entry import Entry
    from counterfoil.registry.history import FieldChange

history_app = typer.Typer(**COMMAND)


class By(Enum):
    """By whose clock something was known."""

    LEDGER = "ledger"
    BOOK = "book"


@history_app.command(
    epilog=example(
        "counterfoil history country CI",
        "counterfoil history country CI --known 2017-01-01 --as-of 2016-12-31 --by book",
        "counterfoil history country CI --diff 1 2",
    )
)
def history(
    register: RegisterArgument,
    key: KeyArgument,
    *,
    known: Annotated[
        str | None, typer.Option("--known", metavar="DATE", help="What was known then: a day, or a time.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="What was true in the world then.")
    ] = None,
    by: Annotated[
        By, typer.Option("--by", help="Known to this ledger, or to the book that it was imported from.")
    ] = By.LEDGER,
    diff: Annotated[
        tuple[int, int] | None,
        typer.Option("--diff", metavar="N M", help="What changed from version N to M."),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show every version of a record, or what was known of it on a day, or what changed between two versions."""
    from counterfoil.registry.record_name import missing

    if diff and (known or as_of):
        raise typer.BadParameter("--diff compares two versions; ask for --known and --as-of by themselves")
    output = Output(json=json)
    with reading(home) as node:
        entries = sorted(node.history(register, key), key=lambda entry: entry.version)
        if not entries:
            raise missing(node.store, register, key)
    name = {"register": register, "record": key}
    if diff:
        _differences(output, name, entries, diff)
    elif known or as_of:
        _known(output, name, entries, known, as_of, by)
    else:
        documents = [entry_document(entry) for entry in entries]
        output.result({**name, "entries": documents}, f"{register} {printable(key)}", *_table(entries))


def _table(entries: Sequence[Entry]) -> list[str]:
    rows = []
    before: Entry | None = None
    for entry in entries:
        rows.append(
            (
                f"version {entry.version}",
                entry.time,
                entry.operation,
                entry.status or "",
                _gist(before, entry),
            )
        )
        before = entry
    return columns(rows, "  ")


def _gist(before: Entry | None, entry: Entry) -> str:
    """Why a version was made or, where that is not said, which of its fields are new."""
    told = entry.circumstances
    if "why" in told:
        return str(told["why"])
    recorded = f"recorded {told['recorded']}" if "recorded" in told else ""
    if before is None:
        return recorded
    changed = [name for name, value in entry.fields.items() if before.fields.get(name) != value]
    changed += [f"without {name}" for name in before.fields if name not in entry.fields]
    if not changed and entry.item != before.item:
        changed = ["fields that are not public"]
    return ", ".join([*([recorded] if recorded else []), *(changed or ["nothing new"])])


def _known(
    output: Output,
    name: dict[str, str],
    entries: Sequence[Entry],
    known: str | None,
    as_of: str | None,
    by: By,
) -> None:
    from counterfoil.registry.history import Clock, as_known

    answer = as_known(entries, known=known, as_of=as_of, clock=Clock(by.value))
    asked = f"as known on {known or 'this day'} by the {by.value}" + (f", as of {as_of}" if as_of else "")
    document = {
        **name,
        "known": known,
        "as_of": as_of,
        "by": by.value,
        "reason": answer.reason,
        "entry": entry_document(answer.entry) if answer.entry else None,
    }
    lines = entry_lines(answer.entry) if answer.entry else []
    output.result(document, f"{asked}: {answer.reason}", *lines)


def _differences(
    output: Output, name: dict[str, str], entries: Sequence[Entry], diff: tuple[int, int]
) -> None:
    from counterfoil.registry.history import differences

    versions = {entry.version: entry for entry in entries}
    for version in diff:
        if version not in versions:
            raise NotFound(
                f"{name['register']} {name['record']!r} has no version {version}; its last is {len(versions)}"
            )
    changes = differences(versions[diff[0]], versions[diff[1]])
    document = {**name, "from": diff[0], "to": diff[1], "changes": msgspec.to_builtins(changes)}
    heading = f"{name['register']} {printable(name['record'])}, version {diff[0]} to {diff[1]}"
    lines = [line for change in changes for line in _change_lines(change)]
    output.result(document, heading, *(lines or ["  nothing differs"]))


def _change_lines(change: FieldChange) -> list[str]:
    return [
        f"  {printable(change.field)}",
        f"    from  {_side(change.before)}",
        f"    to    {_side(change.after)}",
    ]


def _side(value: Any) -> str:
    return "(absent)" if value is None else printable(shown(value))
