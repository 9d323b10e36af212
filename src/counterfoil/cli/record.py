"""`counterfoil record`: show a record's latest entry, and write its next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
import typer

from counterfoil.cli.entries import StatedFields, entry_lines, receipt_document, receipt_line
from counterfoil.cli.office import filed_document, filed_lines
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
from counterfoil.cli.record_options import (
    CaseOption,
    DocumentOption,
    FieldOption,
    FieldsOption,
    FromOption,
    IdempotencyOption,
    LawOption,
    MergeOption,
    ReceiptOption,
    StatusOption,
    VersionOption,
    WhyOption,
    WithoutOption,
)
from counterfoil.cli.record_personal import Asked, file_change, plan_of
from counterfoil.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from counterfoil.engine.submission import Receipt
    from counterfoil.ledger.definition import Definition
    from counterfoil.node import Node
    from counterfoil.proof.canonical import Json
    from counterfoil.proof.entry import Entry, Proposal
    from counterfoil.registry.personal.plan import Plan

record_app = typer.Typer(
    cls=DefaultGroup,
    help="""Show a record, or write its next entry: `record REGISTER KEY` shows.

    Of a personal register fields come by --fields alone, with - as KEY: the key stands among them.""",
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
    merge: bool = False

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

        stated: list[Json] = [self.fields.whole, self.fields.settings, self.fields.without]
        if self.merge:
            stated.append("merge")
        return canonical([*self[:3], stated, self.status, self.circumstances, document])


@record_app.command(
    epilog=example("counterfoil record country GB", "counterfoil record show country GB --json")
)
def show(
    register: RegisterArgument, key: KeyArgument, home: HomeOption = None, json: JsonOption = False
) -> None:
    """Show a record's latest entry; under --json exactly as it stands in the log."""
    from counterfoil.registry.record_name import missing

    output = Output(json=json)
    with reading(home) as node:
        entry = node.record(register, key)
        if entry is None:
            raise missing(node.store, register, key)
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
        merge: MergeOption = False,
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
            merge,
        )
        with writing(home) as node:
            submit = _submit if not (plan := plan_of(node, register)).personal else _submit_personal
            answer, lines = submit(node, plan, asked, Wanted(version, idempotency_key, receipt))
        output.result(answer, *lines, *([f"proof: {receipt}"] if receipt else []))

    record_app.command(operation, help=sentence, epilog=example(call))(change)


for _operation in OPERATIONS:
    _add(_operation)


class Wanted(NamedTuple):
    """What a command asks of a change beside: the version it saw, a name for the request, a file for the proof."""

    version: int | None
    idempotency_key: str | None
    proof: Path | None


def _submit(node: Node, plan: Plan, asked: Change, wanted: Wanted) -> tuple[dict[str, Any], list[str]]:
    if asked.merge:
        raise typer.BadParameter(f"{asked.register} is no personal register: state what changes by --field")
    asked = asked._replace(record=plan.definition.normal_key(asked.record) or asked.record)
    before = node.record(asked.register, asked.record)
    seen = wanted.version if wanted.version is not None else before.version if before else 0
    document = node.put_document(parts_of(asked.document)) if asked.document else None
    receipt = node.submit(
        [asked.proposal(plan.definition, before, seen, document)],
        idempotency_key=wanted.idempotency_key,
        request=asked.request(document) if wanted.idempotency_key else None,
        receipt=wanted.proof is not None,
    )
    version = node.entry(receipt.first).version if receipt.count else None
    answer = receipt_document(receipt, asked.register, asked.record, version)
    if wanted.proof is not None:
        answer |= _write_proof(node, (asked.register, asked.record), receipt, wanted.proof)
    return answer, [receipt_line(answer)]


def _submit_personal(
    node: Node, plan: Plan, asked: Change, wanted: Wanted
) -> tuple[dict[str, Any], list[str]]:
    if asked.document is not None:
        raise typer.BadParameter(
            f"{asked.register} is a personal register, and a document beside the log can be read by everybody: attach "
            "it, by counterfoil file"
        )
    request = asked.request(None) if wanted.idempotency_key else None
    change = Asked(
        asked.record,
        asked.operation,
        asked.fields,
        asked.merge,
        asked.status,
        wanted.version,
        asked.circumstances,
        wanted.proof is not None,
        wanted.idempotency_key,
        request,
    )
    filed = file_change(node, plan, change)
    answer = filed_document(filed)
    if wanted.proof is not None and filed.receipt is not None:
        answer |= _write_proof(node, filed.records[0], filed.receipt, wanted.proof)
    elif wanted.proof is not None:
        raise _nothing_to_prove(f"the case {answer['case']}")
    return answer, filed_lines(filed)


def _write_proof(node: Node, record: tuple[str, str], receipt: Receipt, proof: Path) -> dict[str, Any]:
    """Write the proof of a change's entry to a file; gives what is to be said of it."""
    if not receipt.count:
        raise _nothing_to_prove(receipt.transaction)
    try:
        write_output(proof, _prove(node, record, receipt.first))
    except Unavailable as error:
        raise Unavailable(
            f"entry {receipt.first} is stored, and its proof is not: {error}; make it by counterfoil prove"
        ) from None
    return {"proof": str(proof)}


def _nothing_to_prove(waiting: str) -> NotFound:
    return NotFound(f"the change waits for further endorsements as {waiting}: there is no entry to prove yet")


def _prove(node: Node, named: tuple[str, str], number: int) -> bytes:
    """A proof of the entry and, unless another one followed while this request was repeated, that it is the latest."""
    from counterfoil.registry.beginning import genesis_size
    from counterfoil.registry.prove import prove_entry, prove_record

    latest, size = node.record(*named), genesis_size(node.store)
    if latest is not None and latest.number == number:
        return prove_record(node.store, *named, genesis_size=size).encode()
    return prove_entry(node.store, number, genesis_size=size).encode()


def parts_of(path: Path) -> Iterator[bytes]:
    """A file's bytes, a piece at a time."""
    try:
        with path.open("rb") as file:
            while part := file.read(1 << 18):
                yield part
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
