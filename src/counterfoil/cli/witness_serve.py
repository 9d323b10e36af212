"""`counterfoil witness serve`: be a witness of logs, one's own or other people's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from counterfoil.cli.options import JsonOption, read_input
from counterfoil.cli.output import Output, flush
from counterfoil.errors import Malformed

if TYPE_CHECKING:
    from counterfoil.gateway.witness_logs import Logs
    from counterfoil.proof.note import VerifierKey

StateOption: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--state",
        metavar="FOLDER",
        help="The witness's keys and what it remembers; made where it is missing.",
        readable=False,
    ),
]
NameOption: TypeAlias = Annotated[
    str, typer.Option("--name", metavar="NAME", help="Its key name, such as a domain and a path.")
]
ListenOption: TypeAlias = Annotated[
    str, typer.Option("--listen", metavar="HOST:PORT", help="Where it listens; port 0 takes a free one.")
]
LogOption: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="ORIGIN=FILE",
        help="A log, and a file with its verifier keys, one a line. May be repeated.",
    ),
]
LogsOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--logs",
        metavar="FILE",
        help='The logs as JSON: {"logs": [{"origin": …, "keys": [key, …]}]}.',
        readable=False,
    ),
]


def serve(
    state: StateOption,
    name: NameOption,
    *,
    listen: ListenOption = "127.0.0.1:8091",
    log: LogOption = None,
    logs: LogsOption = None,
    json: JsonOption = False,
) -> None:
    """Be a witness: cosign checkpoints of the logs named, each only where it follows from the last (C2SP tlog-witness).

    It first says its address and its verifier keys, which the logs' keepers need, then serves until it is stopped.
    The folder must never be put back to an older state: a witness that forgot what it cosigned is none.
    """
    from counterfoil.gateway.http_server import url_of
    from counterfoil.gateway.witness import Witness
    from counterfoil.gateway.witness_app import WitnessApp
    from counterfoil.gateway.witness_serve import listening, serve

    output = Output(json=json)
    known = _logs(log or [], logs)
    witness = Witness.open(state, name, known)
    try:
        with listening(listen) as listener:
            keys = [key.text for key in witness.verifier_keys]

            def announce() -> None:
                url = url_of(listener)
                output.tell({"url": url, "name": name, "keys": keys, "logs": list(known)})
                for line in (url, *keys):
                    output.say(line)
                flush()

            serve(WitnessApp(witness), listener, announce)
    finally:
        witness.close()


def _logs(named: list[str], file: Path | None) -> Logs:
    from counterfoil.gateway.witness_logs import MAX_LOGS_BYTES, checked, parse_keys, parse_logs

    pairs: list[tuple[str, tuple[VerifierKey, ...]]] = []
    if file is not None:
        pairs += parse_logs(read_input(file, MAX_LOGS_BYTES)).items()
    for each in named:
        origin, equals, path = each.rpartition("=")
        if not equals:
            raise typer.BadParameter(f"--log takes ORIGIN=FILE, not {each[:80]!r}")
        try:
            pairs.append((origin, parse_keys(read_input(Path(path), MAX_LOGS_BYTES).decode())))
        except UnicodeDecodeError:
            raise Malformed(f"{path} is no file of verifier keys") from None
    if not pairs:
        raise typer.BadParameter("name a log with --log, or several in a file with --logs")
    return checked(pairs)
