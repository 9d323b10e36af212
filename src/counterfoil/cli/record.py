"""`counterfoil record`: show a record's latest entry, and write its next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec
import typer

from counterfoil.cli.entries import StatedFields, entry_lines, receipt_document, receipt_line
from counterfoil.cli.options import (
    COMMAND,
    DefaultGroup,
    HomeOption,
    JsonOption,
    KeyArgument,
    RegisterArgument,
    example,
    reading,
    write_output,
    writing,
)
from counterfoil.cli.output import Output
from counterfoil.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from counterfoil.engine.submission import Receipt
    from counterfoil.ledger.definition import Definition
    from counterfoil.node import Node
    from counterfoil.proof.entry import Entry, Proposal

FieldOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--field", metavar="NAME=TEXT", help="A field; name:=JSON for what is not text. Again for more."
    ),
]
FieldsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--fields",
        metavar="FILE",
        help="All fields as a JSON object; - reads standard input.",
        readable=False,
    ),
]
WithoutOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--without", metavar="NAME", help="A field that the record no longer has.")
]
StatusOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--status", metavar="WORD", help="The record's status; it stays where none is given."),
]
VersionOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--version",
        min=0,
        metavar="N",
        help="The version you saw: where the record has moved on since, nothing is written.",
        show_default="the latest",
    ),
]
WhyOption: TypeAlias = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="Why it is done.")]
LawOption: TypeAlias = Annotated[
    str | None, typer.Option("--law", metavar="TEXT", help="On which legal basis.")
]
CaseOption: TypeAlias = Annotated[str | None, typer.Option("--case", metavar="TEXT", help="In which case.")]
FromOption: TypeAlias = Annotated[
    str | None, typer.Option("--valid-from", metavar="DATE", help="When it became true in the world.")
]
IdempotencyOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="A name for this request: called again, it is not done again.",
    ),
]
DocumentOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--document",
        metavar="FILE",
        help="A file that is kept beside the log and named by its hash.",
        readable=False,
    ),
]
ReceiptOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--receipt",
        metavar="FILE",
        help="Write a proof of the new entry to this file at once.",
        readable=False,
    ),
]

record_app = typer.Typer(
    cls=DefaultGroup,
    help="Show a record, or write its next entry: `record REGISTER KEY` shows.",
    epilog=example(
        "counterfoil record country GB",
        "counterfoil record create country XK --field name=Kosovo --field start-date=2008-02-17",
    ),
    **COMMAND,
)

OPERATIONS: Final = {
    "create": (
        "Enter a new record.",
        "counterfoil record create land-title 7 --field owner=Ann --field plots:=2 --why 'first registration'",
    ),
    "amend": (
        "Change a record: the fields that are given change, the others stay.",
        "counterfoil record amend land-title 7 --field owner=Ben --version 1 --why sale --receipt proof.json",
    ),
    "correct": (
        "Set right what was entered wrongly; the wrong entry stays to be seen.",
        "counterfoil record correct land-title 7 --field owner=Benn --why 'misspelt in deed 12'",
    ),
    "annul": (
        "Say that a record should never have been; it stays to be seen, and takes no other change.",
        "counterfoil record annul land-title 7 --why 'entered twice' --law 'Land Registration Act 2002, s. 108'",
    ),
    "close": (
        "End a record; it stays to be seen, and takes no other change.",
        "counterfoil record close land-title 7 --why 'merged with 8' --case 2026/115",
    ),
}
"""What can be done to a record: in a sentence, and an example."""


class Change(NamedTuple):
    """What a command asks to do to one record."""

    register: str
    record: str
    operation: str
    fields: StatedFields
    status: str | None
    circumstances: dict[str, str]
    document: Path | None

    def proposal(
        self, definition: Definition, before: Entry | None, seen: int, document: str | None
    ) -> Proposal:
        """The record's next entry: what it was, with what is stated over it. An appended entry stands by itself."""
        from counterfoil.proof.entry import Proposal

        append = definition.append
        start = Proposal(self.register, self.record, "") if before is None or append else before.proposal()
        fields = self.fields.over(start.fields)
        if fields and definition.key is not None:
            fields.setdefault(definition.key, self.record)
        body: dict[str, Any] = {"fields": fields}
        if self.circumstances:
            body["circumstances"] = self.circumstances
        return msgspec.structs.replace(
            start,
            operation="amend" if append and self.operation == "create" else self.operation,
            version=None if append else seen + 1,
            status=self.status if self.status is not None else start.status,
            body=body if fields or self.circumstances else None,
            document=document or start.document,
        )

    def request(self, document: str | None) -> bytes:
        """What is asked, whatever the record holds by now: a request that is repeated is known by it."""
        from counterfoil.proof.canonical import canonical

        stated = [self.fields.whole, self.fields.settings, self.fields.without]
        return canonical([*self[:3], stated, self.status, self.circumstances, document])


@record_app.command(
    epilog=example("counterfoil record country GB", "counterfoil record show country GB --json")
)
def show(
    register: RegisterArgument, key: KeyArgument, home: HomeOption = None, json: JsonOption = False
) -> None:
    """Show a record's latest entry; under --json exactly as it stands in the log."""
    output = Output(json=json)
    with reading(home) as node:
        entry = node.record(register, key)
    if entry is None:
        raise NotFound(f"there is no record {key!r} in the register {register!r}")
    output.result(msgspec.Raw(entry.encode()), *entry_lines(entry))


def _add(operation: str) -> None:
    """Add the command for one operation; all take the same options."""
    sentence, call = OPERATIONS[operation]

    def change(  # noqa: PLR0913  # an option each
        register: RegisterArgument,
        key: KeyArgument,
        *,
        field: FieldOption = None,
        fields: FieldsOption = None,
        without: WithoutOption = None,
        status: StatusOption = None,
        version: VersionOption = None,
        why: WhyOption = None,
        law: LawOption = None,
        case: CaseOption = None,
        valid_from: FromOption = None,
        idempotency_key: IdempotencyOption = None,
        document: DocumentOption = None,
        receipt: ReceiptOption = None,
        home: HomeOption = None,
        json: JsonOption = False,
    ) -> None:
        output = Output(json=json)
        told = {"why": why, "law": law, "case": case, "valid-from": valid_from}
        asked = Change(
            register,
            key,
            operation,
            StatedFields(fields, field or (), without or ()),
            status,
            {name: value for name, value in told.items() if value is not None},
            document,
        )
        with writing(home) as node:
            answer = _submit(node, asked, version, idempotency_key, receipt)
        output.result(answer, receipt_line(answer), *([f"proof: {receipt}"] if receipt else []))

    record_app.command(operation, help=sentence, epilog=example(call))(change)


for _operation in OPERATIONS:
    _add(_operation)


def _submit(
    node: Node, asked: Change, version: int | None, idempotency_key: str | None, proof: Path | None
) -> dict[str, Any]:
    definition = node.definition(asked.register)
    before = node.record(asked.register, asked.record)
    seen = version if version is not None else before.version if before else 0
    document = node.put_document(_parts(asked.document)) if asked.document else None
    receipt = node.submit(
        [asked.proposal(definition, before, seen, document)],
        idempotency_key=idempotency_key,
        request=asked.request(document) if idempotency_key else None,
        receipt=proof is not None,
    )
    return _answer(node, asked, receipt, proof)


def _answer(node: Node, asked: Change, receipt: Receipt, proof: Path | None) -> dict[str, Any]:
    """What became of the change and, where one was asked for, the file with its proof."""
    version = node.entry(receipt.first).version if receipt.count else None
    answer = receipt_document(receipt, asked.register, asked.record, version)
    if proof is None:
        return answer
    if not receipt.count:
        raise NotFound(
            f"the change waits for further endorsements as {receipt.transaction}: there is no entry to prove yet"
        )
    try:
        write_output(proof, _prove(node, asked, receipt.first))
    except Unavailable as error:
        raise Unavailable(
            f"entry {receipt.first} is stored, and its proof is not: {error}; make it by counterfoil prove"
        ) from None
    return answer | {"proof": str(proof)}


def _prove(node: Node, asked: Change, number: int) -> bytes:
    """A proof of the entry and, unless another one followed while this request was repeated, that it is the latest."""
    from counterfoil.registry.beginning import genesis_size
    from counterfoil.registry.prove import prove_entry, prove_record

    latest, size = node.record(asked.register, asked.record), genesis_size(node.store)
    if latest is not None and latest.number == number:
        return prove_record(node.store, asked.register, asked.record, genesis_size=size).encode()
    return prove_entry(node.store, number, genesis_size=size).encode()


def _parts(path: Path) -> Iterator[bytes]:
    """A file's bytes, a piece at a time."""
    try:
        with path.open("rb") as file:
            while part := file.read(1 << 18):
                yield part
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
