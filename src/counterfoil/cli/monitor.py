"""`counterfoil monitor`: an outside eye on a log, from any machine, without an installation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from counterfoil.cli.failure import COULD_NOT, DONE, NOT_WELL
from counterfoil.cli.options import COMMAND, JsonOption, TrustOption, example, read_input
from counterfoil.cli.output import Output, printable
from counterfoil.cli.proof import read_trust
from counterfoil.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from counterfoil.gateway.monitor import Patience, Watched
    from counterfoil.gateway.monitor_keys import Expected

DAY: Final = 86_400
CODES: Final = {"well": DONE, "unknown": COULD_NOT}
"""The exit code of each standing; every other one is not well."""

monitor_app = typer.Typer(**COMMAND)


@monitor_app.command(
    epilog=example(
        "counterfoil monitor https://registers.example/ --state ./watched --trust trust.json",
        "counterfoil monitor https://registers.example/ https://mirror.example/log/ --state ./watched \\",
        "  --trust trust.json --expect-growth 3600",
        "counterfoil monitor --judge fork.json --trust trust.json",
    )
)
def monitor(  # noqa: PLR0913  # an option each
    urls: Annotated[
        list[str] | None,
        typer.Argument(metavar="URL", help="The log's address, or its site's. Several are of the same log."),
    ] = None,
    *,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FOLDER",
            help="Where the checkpoints are kept; made where it is missing. It holds those of one log.",
            readable=False,
        ),
    ] = None,
    judge: Annotated[
        Path | None,
        typer.Option(
            "--judge",
            metavar="FILE",
            help="Instead: say what a file of evidence proves; nothing is asked or kept.",
            readable=False,
        ),
    ] = None,
    trust: TrustOption = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help="Instead: a verifier key of the log's. May be repeated."),
    ] = None,
    silence: Annotated[
        int,
        typer.Option(
            "--silence",
            min=0,
            metavar="SECONDS",
            help="How long nothing may be found out before that is an alarm.",
        ),
    ] = DAY,
    expect_growth: Annotated[
        int | None,
        typer.Option(
            "--expect-growth", min=0, metavar="SECONDS", help="The log must have grown within this time."
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Say also what is well.")] = False,
    json: JsonOption = False,
) -> int:
    """Look at a log from outside: keep its checkpoints, and tell when it is forked, rolled back or silent.

    Each checkpoint is verified, shown by the log's own tiles to go on from those seen before, and kept. Run it every
    few minutes, from cron: it says nothing where all is well. What contradicts is kept as evidence, with both signed
    checkpoints, and told of until its file is moved away. Anyone can judge such a file with --judge and the log's keys,
    from its keeper.

    Exit codes: 0 all is well; 1 it is not: a fork, a rollback, tiles or signatures that are wrong, or silence; 2 wrong
    usage; 3 it could not be found out now, and not for longer than --silence yet. With --judge: 0 the file proves that
    the log has signed two histories; 1 it does not.
    """
    from counterfoil.gateway.monitor import Patience

    output = Output(json=json)
    if judge is not None:
        if urls or state is not None:
            raise typer.BadParameter("--judge asks no log and keeps nothing: give it without URL and --state")
        return _judge(output, judge, _expected(trust, key or ()))
    if not urls or state is None:
        raise typer.BadParameter("name the log's address, and with --state where its checkpoints are kept")
    expected = _expected(trust, key or ())
    _check_addresses(urls)
    return _look(output, urls, state, expected, Patience(silence, expect_growth), verbose=verbose)


def _look(
    output: Output, urls: Sequence[str], state: Path, expected: Expected, patience: Patience, *, verbose: bool
) -> int:
    from counterfoil.gateway.fetch import Client
    from counterfoil.gateway.monitor import Monitor
    from counterfoil.gateway.monitor_state import monitor_state

    with Client() as client, monitor_state(state) as held:
        watched = Monitor(client, held, expected, int(time.time()))
        found = watched.look(urls, patience)
        origin = held.origin
    return _say(output, found, {"origin": origin, "state": str(state)}, verbose=verbose)


def _judge(output: Output, file: Path, expected: Expected) -> int:
    from counterfoil.gateway.monitor_evidence import MAX_EVIDENCE_BYTES, explain_evidence
    from counterfoil.proof.note import encode_base64

    shown = explain_evidence(read_input(file, MAX_EVIDENCE_BYTES), expected.keys)
    checkpoints = [
        {"origin": each.origin, "size": each.size, "root": encode_base64(each.root)}
        for each in (shown.first, shown.second)
    ]
    document = {
        "file": str(file),
        "convinces": shown.convinces,
        "said": shown.said,
        "checkpoints": checkpoints,
    }
    output.result(document, printable(f"{file}: {shown.said}"))
    return DONE if shown.convinces else NOT_WELL


def _expected(trust: Path | None, keys: Sequence[str]) -> Expected:
    from counterfoil.gateway.monitor_keys import Expected
    from counterfoil.proof.note import VerifierKey

    if (trust is None) is (not keys):
        raise typer.BadParameter("say whose signatures count: --trust FILE, or --key KEY once or more")
    if trust is not None:
        return Expected.by(read_trust(trust))
    try:
        return Expected(tuple(dict.fromkeys(map(VerifierKey.parse, keys))))
    except Malformed as error:
        raise Unavailable(f"--key cannot be used: {error}") from None


def _check_addresses(urls: Sequence[str]) -> None:
    from counterfoil.gateway.fetch import address

    for url in urls:
        if url.startswith("file:///"):
            continue
        try:
            address(url)
        except Malformed as error:
            raise typer.BadParameter(str(error)) from None


def _say(output: Output, found: Sequence[Watched], about: dict[str, Any], *, verbose: bool) -> int:
    """Say what was found, and give the exit code of the worst of it."""
    codes = [CODES.get(each.standing.value, NOT_WELL) for each in found]
    for each, code in zip(found, codes, strict=True):
        if code != DONE or verbose:
            where = f"{each.url}: " if each.url else ""
            output.say(printable(f"{where}{each.standing.value}: {each.sentence}"))
            if each.evidence and code != DONE:
                output.say(f"  evidence: {each.evidence}")
    verdict = max(codes, key=(DONE, COULD_NOT, NOT_WELL).index)
    output.result({**about, "found": [_document(each) for each in found], "well": verdict == DONE})
    return verdict


def _document(each: Watched) -> dict[str, Any]:
    from counterfoil.proof.note import encode_base64

    return {
        "url": each.url or None,
        "standing": each.standing.value,
        "said": each.sentence,
        "size": each.seen.size if each.seen else None,
        "root": encode_base64(each.seen.root) if each.seen else None,
        "evidence": str(each.evidence) if each.evidence else None,
    }
