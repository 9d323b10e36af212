"""`counterfoil archive`: a self-verifying file of the whole ledger, or of some registers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli.failure import DONE, NOT_WELL
from counterfoil.cli.options import (
    COMMAND,
    HomeOption,
    JsonOption,
    example,
    home_folder,
    reading,
    replacing,
    writing,
)
from counterfoil.cli.output import Output
from counterfoil.cli.proof import read_trust
from counterfoil.cli.restore import entered_lines, say_restored
from counterfoil.errors import CounterfoilError

if TYPE_CHECKING:
    from counterfoil.home import Home
    from counterfoil.proof.trust import Trust
    from counterfoil.store.store import Store

archive_app = typer.Typer(
    epilog=example(
        "counterfoil archive --out registers.tar.zst",
        "counterfoil archive --register land-title --out titles.tar.zst",
        "counterfoil archive verify registers.tar.zst --trust trust.json",
        "counterfoil archive restore registers.tar.zst --home ./new",
        "counterfoil archive enter titles.tar.zst --home ./other",
    ),
    **COMMAND,
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The archive.", readable=False)]
TrustOption = Annotated[
    Path | None,
    typer.Option(
        "--trust",
        metavar="FILE",
        help="Whose signatures count: the ledger's trust policy, from elsewhere.",
        readable=False,
    ),
]
RegisterOption = Annotated[
    list[str] | None,
    typer.Option("--register", metavar="NAME", help="Only this register. May be repeated."),
]


@archive_app.callback(invoke_without_command=True)
def archive(
    context: typer.Context,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the archive to this file.", readable=False),
    ] = None,
    register: RegisterOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Write the ledger, or some registers of it, to one file that proves itself.

    The file ends at the latest checkpoint, against which everything in it can be checked; docs/archive.md describes it.
    It holds what the store holds of these registers, and never a key.
    """
    if context.invoked_subcommand is not None:
        if out is not None or register or json:
            raise typer.BadParameter(f"give options after {context.invoked_subcommand}")
        return
    if out is None:
        raise typer.BadParameter("name the file to write with --out FILE")
    import msgspec

    from counterfoil.registry.archive.writing import write_archive

    output = Output(json=json)
    _settle(home)
    with reading(home) as node, node.snapshot() as store:
        trust = _trust(node.home, store)
        with output.progress("archive", "entries") as tell, replacing(out) as file:
            head = write_archive(store, trust, file, register or (), tell)
    size = out.stat().st_size
    document = {"archive": str(out), "bytes": size, **msgspec.to_builtins(head)}
    what = f"the registers {', '.join(head.registers)}" if head.registers else "the whole ledger"
    output.result(
        document,
        f"{out}: {what} of {head.origin}, at {head.size:,} entries, {size:,} bytes",
        f"log root {head.root}",
    )


def _settle(home: Path | None) -> None:
    """See that the ledger ends with a published checkpoint; it is archived as it is where that cannot be now."""
    with reading(home) as node:
        head = node.store.head
        settled = head.index is not None and head.index.number == head.size - 1
    if not settled:
        try:
            with writing(home) as node:
                node.settle()
        except CounterfoilError:
            pass


def _trust(home: Home, store: Store) -> bytes:
    """The ledger's trust policy, with the witnesses that its keeper has chosen."""
    from counterfoil.proof.trust import MAX_TRUST_BYTES, Trust
    from counterfoil.registry.beginning import first_trust

    policy = first_trust(store.entries(), store.root_at)
    try:
        with home.trust.open("rb") as file:
            data = file.read(MAX_TRUST_BYTES + 1)
        if Trust.parse(data).agencies == policy.agencies:
            return data
    except (CounterfoilError, OSError):
        pass
    return policy.encode()


@archive_app.command(epilog=example("counterfoil archive verify registers.tar.zst --trust trust.json --json"))
def verify(file: FileArgument, trust: TrustOption = None, json: JsonOption = False) -> None:
    """Check an archive to its last byte, every part against the checkpoint inside it.

    Of a whole ledger a store is made and audited, as a restore would. Exit codes: 0 it holds, 1 it does not, 3 it could
    not be found out. Without --trust nothing says whose signatures count: then it is consistent, and no more.
    """
    import msgspec

    from counterfoil.recovery.trial import try_archive

    output = Output(json=json)
    policy = read_trust(trust) if trust is not None else None
    with output.progress("verify", "entries") as tell:
        head = try_archive(file, policy, tell)
    verdict = _verdict(policy)
    document = {"archive": str(file), "verdict": verdict, **msgspec.to_builtins(head)}
    what = f"the registers {', '.join(head.registers)}" if head.registers else "the whole ledger"
    output.result(
        document,
        f"{file}: {verdict}; {what} of {head.origin}, at {head.size:,} entries",
        f"log root {head.root}",
    )


def _verdict(policy: Trust | None) -> str:
    """What is known of an archive that holds, by the policy that it was checked under."""
    return "valid" if policy is not None else "consistent, signer unknown"


@archive_app.command(epilog=example("counterfoil archive restore registers.tar.zst --home ./new"))
def restore(
    file: FileArgument,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys", metavar="FILE", help="The file that backup --with-keys has written.", readable=False
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Restore the whole ledger into a new folder, with the same roots. It reads only, until it was resumed."""
    say_restored(Output(json=json), file, home_folder(home), keys)


@archive_app.command(epilog=example("counterfoil archive enter titles.tar.zst --register land-title"))
def enter(
    file: FileArgument,
    register: RegisterOption = None,
    trust: TrustOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Enter registers of another ledger into this one, each entry naming the one there that it is.

    The archive is verified first: without --trust nothing says whose signatures count. What is here already is passed
    over, so that it can be called again. What was imported from a Register Serialisation Format file is exported in the
    plain form here, and no longer byte for byte: each entry's source is the archive then.

    Exit codes: 0 all is here, 1 entries were refused or the archive does not hold, 3 it could not be done.
    """
    import msgspec

    from counterfoil.registry.archive.entering import enter_archive

    output = Output(json=json)
    policy = read_trust(trust) if trust is not None else None
    with writing(home) as node, output.progress("enter", "entries") as tell:
        entered = enter_archive(node, file, register or (), trust=policy, progress=tell)
    verdict = _verdict(policy)
    output.result(
        {"file": str(file), "verdict": verdict, **msgspec.to_builtins(entered)},
        f"{file}: {verdict}; an archive of {entered.origin}",
        *entered_lines(entered),
    )
    return NOT_WELL if entered.not_entered else DONE
