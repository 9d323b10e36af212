"""`counterfoil prove` and `counterfoil verify`: proofs that anyone can check offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from counterfoil.cli.failure import COULD_NOT, DONE, NOT_WELL
from counterfoil.cli.office import KeyFileOption, read_value
from counterfoil.cli.options import (
    COMMAND,
    HomeOption,
    JsonOption,
    OutOption,
    TrustOption,
    example,
    read_input,
    reading,
    write_output,
)
from counterfoil.cli.output import Output, printable
from counterfoil.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from counterfoil.node import Node
    from counterfoil.proof.bundle import Bundle
    from counterfoil.proof.checkpoint import Checkpoint
    from counterfoil.proof.report import Report
    from counterfoil.proof.trust import Trust

CODES: Final = {"valid": DONE, "consistent, signer unknown": COULD_NOT, "not valid": NOT_WELL}
"""What a verdict ends with: without a trust policy it cannot be found out whether a proof is valid."""
MARKS: Final = {True: ("✓", "green"), False: ("✗", "red"), None: ("?", "yellow")}

prove_app = typer.Typer(**COMMAND)
verify_app = typer.Typer(**COMMAND)


@prove_app.command(
    epilog=example(
        "counterfoil prove country GB --out country-gb.proof.json",
        "counterfoil prove country ZZ --absent --out no-zz.proof.json",
        "counterfoil prove person --key-file number.txt --out person.proof.json",
        "counterfoil prove --entry 1042 | counterfoil verify - --trust trust.json",
    )
)
def prove(  # noqa: PLR0913  # an option each
    register: Annotated[str | None, typer.Argument(metavar="[REGISTER", help="The register's name.")] = None,
    key: Annotated[
        str | None, typer.Argument(metavar="KEY]", help="The record's key in its register.")
    ] = None,
    *,
    out: OutOption = None,
    all_versions: Annotated[
        bool,
        typer.Option("--all-versions", help="Prove every version of the record, and that there is no other."),
    ] = False,
    key_file: KeyFileOption = None,
    absent: Annotated[bool, typer.Option("--absent", help="Prove that there is no such record.")] = False,
    entry: Annotated[
        int | None, typer.Option("--entry", min=0, metavar="N", help="Prove this entry of the log instead.")
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(
            "--at",
            min=1,
            metavar="SIZE",
            help="Prove under the checkpoint of so many entries, one that was published.",
            show_default="the latest that serves",
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write a proof: that a record's latest entry is what it is and who endorsed it, or that there is no record.

    One JSON file has everything that is needed to verify it, without this installation and without a network.
    """
    named = key is not None or key_file is not None
    if (entry is None) is (register is None and not named) or (entry is None and not named):
        raise typer.BadParameter("name a record by REGISTER and KEY or --key-file, or an entry by --entry N")
    if key is not None and key_file is not None:
        raise typer.BadParameter("name the record by KEY or by --key-file, and by one of them")
    if absent and at is not None:
        raise typer.BadParameter("--absent says what is so now, and --at what was so then; take one")
    if absent + all_versions + (entry is not None) > 1:
        raise typer.BadParameter(
            "--absent, --all-versions and --entry each ask for a proof of its own; take one"
        )
    output = Output(json=json)
    stated = read_value(key_file, "the key") if key_file is not None else None
    with reading(home) as node:
        record = key or ""
        if stated is not None:
            record = _record_of(node, register or "", stated)
        bundle = _bundle(node, register or "", record, entry, at=at, absent=absent, all_versions=all_versions)
    data = bundle.encode()
    if out is None:
        output.raw(data + b"\n")
        return
    write_output(out, data)
    document = {
        "proof": str(out),
        "bytes": len(data),
        "entries": len(bundle.entries),
        "format": bundle.format,
    }
    output.result(
        document,
        f"{out}: {len(data):,} bytes; verify it with: counterfoil verify {out} --trust {node.home.trust}",
    )


def _record_of(node: Node, register: str, key: str) -> str:
    """The name in the log of the record with a key: where records are named by pseudonyms, the keyring makes it."""
    from counterfoil.registry.personal.registrar import Registrar

    definition = node.definition(register)
    if not definition.pseudonymous:
        return definition.normal_key(key) or key
    return Registrar(node, node.keyring).pseudonyms.record(register, key, definition.fields.key_form)


def _bundle(
    node: Node,
    register: str,
    key: str,
    entry: int | None,
    *,
    at: int | None,
    absent: bool,
    all_versions: bool,
) -> Bundle:
    from counterfoil.registry.beginning import genesis_size
    from counterfoil.registry.prove import prove_absent, prove_entry, prove_record

    size = genesis_size(node.store)
    if entry is not None:
        return prove_entry(node.store, entry, genesis_size=size, at=at)
    if absent:
        return prove_absent(node.store, register, key, genesis_size=size)
    versions: Any = "all" if all_versions else "latest"
    return prove_record(node.store, register, key, versions=versions, genesis_size=size, at=at)


@verify_app.command(
    epilog=example(
        "counterfoil verify country-gb.proof.json --trust trust.json", "counterfoil verify - < proof.json"
    )
)
def verify(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A proof or an extract; - reads standard input.", readable=False),
    ],
    trust: TrustOption = None,
    published: Annotated[
        Path | None,
        typer.Option(
            "--published",
            metavar="FILE",
            help="A checkpoint that was published, to compare with the proof's.",
            readable=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Verify a proof or an extract offline, step by step. It needs no installation.

    An extract may be its JSON, or the page that has it inside: then what people read on the page is checked too.

    Exit codes: 0 it is valid, 1 it is not, 3 it cannot be found out: without a trust policy a proof can be consistent
    at most, since nothing says whose signatures count.
    """
    from counterfoil.proof.bundle import MAX_BUNDLE_BYTES

    output = Output(json=json)
    policy = read_trust(trust) if trust is not None else None
    outside = read_published(published) if published is not None else None
    report = _judge(read_input(file, MAX_BUNDLE_BYTES), policy, outside)
    say_report(output, report, file)
    return CODES[report.verdict]


def _judge(data: bytes, policy: Trust | None, published: Checkpoint | None) -> Report:
    from counterfoil.proof.extract import seems_extract
    from counterfoil.proof.verify import verify as verify_bundle

    if not seems_extract(data):
        return verify_bundle(data, policy, published=published)
    from counterfoil.registry.extract.verifying import verify_extract_file

    return verify_extract_file(data, policy, published=published)


def say_report(output: Output, report: Report, file: Path) -> None:
    """Say every step of a verification, what it has shown, and the verdict."""
    import msgspec

    for step in report.steps:
        mark, style = MARKS[step.passed]
        output.say(f"{output.styled(mark, style)} {step.name}: {printable(step.detail)}")
    for claim in report.claims:
        output.say(f"  {printable(claim)}")
    level = f", {report.level}" if report.level else ""
    output.say(
        f"{report.verdict}{level}", {DONE: "green", NOT_WELL: "red"}.get(CODES[report.verdict], "yellow")
    )
    if CODES[report.verdict] == COULD_NOT:
        output.say(
            "Give the ledger's trust policy with --trust, from whoever keeps the ledger and not beside the proof."
        )
    output.result({"file": str(file), **msgspec.to_builtins(report)})


def read_trust(path: Path) -> Trust:
    """A trust policy. Raises `Unavailable` where it is none, for then nothing can be found out."""
    from counterfoil.proof.trust import MAX_TRUST_BYTES, Trust

    try:
        return Trust.parse(read_input(path, MAX_TRUST_BYTES))
    except Malformed as error:
        raise Unavailable(f"{path} is no trust policy: {error}") from None


def read_published(path: Path) -> Checkpoint:
    """A published checkpoint, with its signatures or without: the three lines are what counts."""
    from counterfoil.proof.checkpoint import Checkpoint
    from counterfoil.proof.note import MAX_NOTE_BYTES

    data = read_input(path, MAX_NOTE_BYTES)
    try:
        text = data.partition(b"\n\n")[0].rstrip(b"\n") + b"\n"
        return Checkpoint.parse(text.decode())
    except (Malformed, UnicodeDecodeError) as error:
        raise Unavailable(f"{path} is no checkpoint: {error}") from None
