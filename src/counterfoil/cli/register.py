"""`counterfoil register`: which registers there are, how they are defined, and defining them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec
import typer

from counterfoil.cli.definition import definition_lines
from counterfoil.cli.entries import parse_fields, receipt_document, receipt_line
from counterfoil.cli.options import (
    AGENCY,
    COMMAND,
    DefaultGroup,
    HomeOption,
    JsonOption,
    RegisterArgument,
    example,
    read_input,
    reading,
    writing,
)
from counterfoil.cli.output import Output, columns
from counterfoil.errors import NotFound

if TYPE_CHECKING:
    from counterfoil.node import Node
    from counterfoil.proof.canonical import Json

REGISTERS: Final = ".register"

UNSET_AUTHORITY: Final = (
    "No --authority-from says since when this agency keeps them, so entries may state to be valid from any day "
    "on."
)

DefinitionOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--definition",
        metavar="FILE",
        help="The definition as a JSON object; - reads standard input.",
        readable=False,
    ),
]
TitleOption: TypeAlias = Annotated[
    str | None, typer.Option("--title", metavar="TEXT", help="What it is called.")
]
DescriptionOption: TypeAlias = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")
]
KeyOption: TypeAlias = Annotated[
    str | None, typer.Option("--key", metavar="FIELD", help="The field that each record is named by.")
]
SchemaOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--schema", metavar="FILE", help="The JSON Schema (2020-12) of its fields.", readable=False),
]
LawOption: TypeAlias = Annotated[
    str | None, typer.Option("--law", metavar="TEXT", help="The law that the register stands on.")
]
AppendOption: TypeAlias = Annotated[
    bool, typer.Option("--append", help="Its records only ever grow, as logs do; for its whole life.")
]

register_app = typer.Typer(
    cls=DefaultGroup,
    help="List the registers, show one, or define one: `register` lists, `register NAME` shows.",
    epilog=example(
        "counterfoil register",
        "counterfoil register country",
        "counterfoil register create land-title --title 'Land titles' --key title-number",
        "counterfoil register shipped person birth",
    ),
    **COMMAND,
)


class _Sums(msgspec.Struct):
    entries: int = 0
    records: int = 0


class _Place(msgspec.Struct):
    """What is read of an entry to count it; the rest is passed over."""

    register: str
    record: str
    version: int


@register_app.command(epilog=example("counterfoil register", "counterfoil register country --json"))
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The register; all of them without.")
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show how a register is defined and how much it holds, or list all registers.

    Of one register also: where each of its constraints is enforced, who may see each field and why items may be read.
    """
    from counterfoil.web.api.defined import described

    output = Output(json=json)
    with reading(home) as node:
        sums = _count(node, output)
        if name is None:
            documents = [
                _document(node, each, sums[each]) for each in sorted(sums) if not each.startswith(".")
            ]
            rows = [(d["register"], _counted(d), d["definition"]["title"]) for d in documents]
            output.result({"registers": documents}, *(columns(rows) or ["There are no registers yet."]))
            return
        if name not in sums:
            raise NotFound(f"there is no register {name!r}; counterfoil register lists those there are")
        document = _document(node, name, sums[name])
        said = {} if name.startswith(".") else described(node.definition(name))
    lines = definition_lines(document["definition"], said)
    output.result(document | said, f"{name}: {_counted(document)}", *lines)


OPERATIONS: Final = {
    "create": (
        "Define a register. What the definition does not say: this agency keeps it, and endorses its entries.",
        "counterfoil register create land-title --title 'Land titles' --key title-number --schema title.json",
    ),
    "amend": (
        "Change how a register is defined, from now on; --definition replaces the whole, other options a part.",
        "counterfoil register amend land-title --law 'Land Registration Act 2002' --schema title-2.json",
    ),
}
"""How a register is defined: in a sentence, and an example."""


def _add(operation: str) -> None:
    """Add the command for one operation; both take the same options."""
    sentence, call = OPERATIONS[operation]

    def define(  # noqa: PLR0913  # an option each
        name: RegisterArgument,
        *,
        definition: DefinitionOption = None,
        title: TitleOption = None,
        description: DescriptionOption = None,
        key: KeyOption = None,
        schema: SchemaOption = None,
        law: LawOption = None,
        append: AppendOption = False,
        home: HomeOption = None,
        json: JsonOption = False,
    ) -> None:
        output = Output(json=json)
        members = {
            "title": title,
            "description": description,
            "key": key,
            "law": law,
            "append": append or None,
        }
        stated = _stated(definition, members, schema)
        with writing(home) as node:
            answer = _submit(node, operation, name, stated, whole=definition is not None)
        output.result(answer, receipt_line(answer))

    register_app.command(operation, help=sentence, epilog=example(call))(define)


for _operation in OPERATIONS:
    _add(_operation)


@register_app.command(
    epilog=example(
        "counterfoil register shipped --list",
        "counterfoil register shipped person birth --authority-from 1926-07-01",
    )
)
def shipped(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; all of them without.")
    ] = None,
    *,
    list_: Annotated[bool, typer.Option("--list", help="List them, and define none.")] = False,
    court: Annotated[
        str | None,
        typer.Option(
            "--court",
            metavar="AGENCY",
            help="The agency that endorses beside this one what the law leaves to a court.",
            show_default="this one alone",
        ),
    ] = None,
    authority_from: Annotated[
        str | None,
        typer.Option(
            "--authority-from",
            metavar="DATE",
            help="Since when the law has this agency keep them: what is stated to be valid before is refused.",
            show_default="any day is taken",
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Define registers that come with the software, kept by this agency; those that are there stay as they are."""
    from counterfoil import registers

    output = Output(json=json)
    wanted = {name: registers.shipped(name, AGENCY) for name in names or registers.names()}
    if list_:
        listed = [
            {"register": name, "title": fields["title"], "description": fields.get("description")}
            for name, fields in wanted.items()
        ]
        rows = [(each["register"], each["title"]) for each in listed]
        output.result({"shipped": listed}, *columns(rows))
        return
    with writing(home) as node:
        missing = [name for name in wanted if node.record(REGISTERS, name) is None]
        _define_shipped(node, missing, court, authority_from)
    rows = [(name, "defined" if name in missing else "there already, and left as it is") for name in wanted]
    there = [name for name in wanted if name not in missing]
    unset = [UNSET_AUTHORITY] if missing and authority_from is None else []
    output.result({"defined": missing, "there": there}, *columns(rows), *unset)


def _define_shipped(node: Node, names: list[str], court: str | None, authority_from: str | None) -> None:
    """Define registers, all of them or none."""
    from counterfoil import registers
    from counterfoil.proof.entry import Proposal

    if names:
        fields = {name: registers.shipped(name, node.agency, court, authority_from) for name in names}
        node.submit(
            [Proposal(REGISTERS, name, "create", 1, body={"fields": each}) for name, each in fields.items()]
        )


def _stated(definition: Path | None, members: dict[str, Json], schema: Path | None) -> dict[str, Json]:
    """What the options say of a definition."""
    stated = parse_fields(read_input(definition), str(definition)) if definition else {}
    stated |= {name: value for name, value in members.items() if value is not None}
    if schema is not None:
        stated["schema"] = parse_fields(read_input(schema), str(schema))
    return stated


def _submit(node: Node, operation: str, name: str, stated: dict[str, Json], *, whole: bool) -> dict[str, Any]:
    """Submit a definition: what is stated, over what was unless that is the whole, over what goes without saying."""
    from counterfoil.proof.entry import Proposal

    before = node.record(REGISTERS, name)
    version = before.version + 1 if before else 1
    kept = before.fields if before and not whole else {"title": name, "authority": node.agency}
    receipt = node.submit([Proposal(REGISTERS, name, operation, version, body={"fields": kept | stated})])
    return receipt_document(receipt, REGISTERS, name, version)


def _count(node: Node, output: Output) -> dict[str, _Sums]:
    """How many entries and records each register has, the ledger's own and those that are empty among them."""
    decode = msgspec.json.Decoder(_Place).decode
    sums: dict[str, _Sums] = {}
    size = node.store.head.size
    with output.progress("counting", "entries") as tell:
        for number, place in enumerate(map(decode, node.store.entries())):
            sum_ = sums.setdefault(place.register, _Sums())
            sum_.entries += 1
            sum_.records += place.version == 1
            if place.register == REGISTERS:
                sums.setdefault(place.record, _Sums())
            if not number % 4096:
                tell(number, size)
    return sums


def _document(node: Node, name: str, sums: _Sums) -> dict[str, Any]:
    """A register as JSON; those of the ledger itself have no definition that anyone wrote."""
    entry = node.record(REGISTERS, name)
    return {
        "register": name,
        "version": entry.version if entry else None,
        "definition": entry.fields if entry else {"title": "a register of the ledger itself"},
        "records": sums.records,
        "entries": sums.entries,
    }


def _counted(document: dict[str, Any]) -> str:
    records, entries = document["records"], document["entries"]
    return f"{records:,} record{'s' * (records != 1)}, {entries:,} {'entry' if entries == 1 else 'entries'}"
