"""`counterfoil witness`: be a witness of other people's logs, or have one's own checkpoints cosigned by witnesses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli.failure import DONE, NOT_WELL
from counterfoil.cli.options import (
    COMMAND,
    DefaultGroup,
    HomeOption,
    JsonOption,
    example,
    home_folder,
    reading,
    served_elsewhere,
)
from counterfoil.cli.output import Output, columns, printable
from counterfoil.cli.witness_serve import serve
from counterfoil.errors import Busy

if TYPE_CHECKING:
    from counterfoil.gateway.cosigner import Cosigner, WitnessStatus
    from counterfoil.home import Home
    from counterfoil.node import Node
    from counterfoil.proof.trust import Trust

witness_app = typer.Typer(
    cls=DefaultGroup,
    help="Have the checkpoints cosigned by witnesses elsewhere, or be a witness of other logs: `witness` lists.",
    epilog=example(
        "counterfoil witness add https://witness.example --key witness.example/w1+f43ad67d+BPAM…",
        "counterfoil witness",
        "counterfoil witness serve --state ./witness --name witness.example/w1 --log registers.example/land=keys",
    ),
    **COMMAND,
)


witness_app.command(
    epilog=example(
        "counterfoil witness serve --state ./witness --name witness.example/w1 \\",
        "  --log registers.example/land=land-keys.txt --listen 127.0.0.1:8091",
    )
)(serve)


@witness_app.command(
    epilog=example(
        "counterfoil witness add https://witness.example --key witness.example/w1+f43ad67d+BPAM… --key …",
        "counterfoil witness add https://witness.example --key … --require 1",
    )
)
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it is asked; /add-checkpoint is added.")],
    *,
    key: Annotated[
        list[str],
        typer.Option("--key", metavar="KEY", help="A verifier key of it, from its keeper. May be repeated."),
    ],
    require: Annotated[
        int | None,
        typer.Option(
            "--require",
            min=0,
            metavar="N",
            help="How many witnesses must have cosigned, from now on, for a proof to be valid.",
            show_default="as it is",
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Have a witness cosign the checkpoints from now on, and name its keys in the trust policy.

    Its keeper must know this log: give them the origin and the verifier keys. Where this was ended half-way, the same
    call brings it to its end. Exit codes: 0 it has cosigned, or is going to be asked by the process that serves; 1 it
    is added, and has not cosigned yet, and why.
    """
    from counterfoil.gateway.witnesses import Witnesses
    from counterfoil.proof.note import VerifierKey

    output = Output(json=json)
    keys = [VerifierKey.parse(text) for text in key]
    with reading(home) as node:
        installed = node.home

    def name_keys() -> None:
        before = _trust(installed)
        known = {each.text for each in before.witnesses}
        witnesses = (*before.witnesses, *(each for each in keys if each.text not in known))
        required = before.require_witnesses if require is None else require
        # The policy is judged before anything is written.
        _write_trust(installed, replace(before, witnesses=witnesses, require_witnesses=required))

    witness = Witnesses(installed.witnesses).add(url, keys, first=name_keys)
    output.say(f"{printable(witness.name)} is asked at {printable(witness.url)} from now on.")
    output.say(
        f"{installed.trust} names its keys: give it anew to everybody who verifies, else they see no more than before."
    )
    return _ask(output, home, {witness.name}, trust=str(installed.trust))


@witness_app.command("show", hidden=True, epilog=example("counterfoil witness"))
@witness_app.command("list", epilog=example("counterfoil witness list", "counterfoil witness list --json"))
def list_(home: HomeOption = None, json: JsonOption = False) -> None:
    """List the witnesses: how far each has cosigned, when, and what is wrong where it has not."""
    output = Output(json=json)
    with reading(home) as node:
        statuses = _cosigner(node).status()
    _say(output, statuses)
    output.result({"witnesses": [status._asdict() for status in statuses]})


@witness_app.command(epilog=example("counterfoil witness ask"))
def ask(home: HomeOption = None, json: JsonOption = False) -> int:
    """Ask every witness now to cosign the latest checkpoint: for a home that no process serves.

    Exit codes: 0 every witness has cosigned, 1 one has not, and why.
    """
    with reading(home) as node:
        names = {status.name for status in _cosigner(node).status()}
    return _ask(Output(json=json), home, names)


@witness_app.command(epilog=example("counterfoil witness remove witness.example/w1"))
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The witness's name.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a witness no more, and take its keys out of the trust policy: what it has cosigned no longer counts there."""
    from counterfoil.gateway.witnesses import Witnesses

    output = Output(json=json)
    with reading(home) as node:
        installed = node.home

    def take_out_keys() -> bool:
        before = _trust(installed)
        left = tuple(each for each in before.witnesses if each.name != name)
        required = min(before.require_witnesses, len({each.name for each in left}))
        _write_trust(installed, replace(before, witnesses=left, require_witnesses=required))
        return left != before.witnesses

    Witnesses(installed.witnesses).remove(name, first=take_out_keys)
    trust = _trust(installed)
    output.result(
        {"removed": name, "require-witnesses": trust.require_witnesses, "trust": str(installed.trust)},
        f"{printable(name)} is asked no more; {installed.trust} requires {trust.require_witnesses} of "
        f"{len(trust.witnesses)} witnesses' keys now.",
    )


def _ask(output: Output, home: Path | None, names: set[str], **document: str) -> int:
    """Have witnesses asked once, unless a process serves the home, which does it by itself."""
    from counterfoil.gateway.fetch import Client
    from counterfoil.node import Node

    try:
        with Node.open(home_folder(home)) as node, Client() as client:
            node.settle()
            cosigner = _cosigner(node)
            for name in sorted(names):
                cosigner.ask(name, client)
            statuses = [each for each in cosigner.status() if each.name in names]
    except Busy:
        # Asking that process for anything has it look at its witnesses, too.
        served = served_elsewhere(home_folder(home))
        if served is not None:
            served.close()
        with reading(home) as node:
            statuses = [each for each in _cosigner(node).status() if each.name in names]
        output.say("The process that serves this home asks its witnesses itself.")
        output.result({"asked": False, **document, "witnesses": [each._asdict() for each in statuses]})
        return DONE
    _say(output, statuses)
    output.result({"asked": True, **document, "witnesses": [each._asdict() for each in statuses]})
    return NOT_WELL if any(each.error for each in statuses) else DONE


def _say(output: Output, statuses: Iterable[WitnessStatus]) -> None:
    from counterfoil.proof.instant import instant_text

    rows = []
    for each in statuses:
        when = instant_text(each.cosigned) if each.cosigned is not None else "never"
        rows.append((each.name, each.url, f"{each.size:,} entries", f"{each.behind:,} behind", when))
        if each.error:
            output.note(f"{printable(each.error)}")
    for line in columns(rows) or ["no witness is asked; counterfoil witness add names one"]:
        output.say(line)


def _cosigner(node: Node) -> Cosigner:
    """What asks witnesses for a node; nothing is started."""
    from counterfoil.gateway.cosigner import Cosigner
    from counterfoil.gateway.witnesses import Witnesses
    from counterfoil.proof.merkle import consistency_proof
    from counterfoil.proof.note import parse_note, parse_tree_head

    store = node.store

    def latest() -> tuple[bytes, int] | None:
        note = store.latest_published()
        return (note, parse_tree_head(parse_note(note).text).size) if note else None

    return Cosigner(
        Witnesses(node.home.witnesses),
        latest,
        lambda old, new: consistency_proof(old, new, store.reader(new).node),
        store.keep_published,
    )


def _trust(home: Home) -> Trust:
    from counterfoil.cli.proof import read_trust

    return read_trust(home.trust)


def _write_trust(home: Home, trust: Trust) -> None:
    from counterfoil.home import write_whole

    if trust != _trust(home):
        write_whole(home.trust, trust.encode())
