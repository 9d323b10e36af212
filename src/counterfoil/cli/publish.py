"""`counterfoil publish`: put a checkpoint where nobody can take it back, and compare those with the log later."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli.failure import DONE, NOT_WELL
from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, reading
from counterfoil.cli.output import Output, printable
from counterfoil.cli.proof import read_trust
from counterfoil.errors import NotFound

if TYPE_CHECKING:
    from counterfoil.gateway.publish import Published
    from counterfoil.node import Node
    from counterfoil.proof.trust import Trust

publish_app = typer.Typer(**COMMAND)


@publish_app.command(
    epilog=example(
        "counterfoil publish --out ./published",
        "counterfoil publish --out ./published --timestamp https://timestamp.example/",
        "counterfoil publish --check ./published",
    )
)
def publish(
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Write the files into this folder.", readable=False),
    ] = None,
    timestamp: Annotated[
        str | None,
        typer.Option(
            "--timestamp", metavar="URL", help="Have this RFC 3161 service time-stamp the checkpoint."
        ),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            metavar="FOLDER",
            help="Instead: compare what was published in this folder with the log now.",
            readable=False,
        ),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(
            "--trust",
            metavar="FILE",
            help="The ledger's trust policy.",
            show_default="the installation's own",
            readable=False,
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> int:
    """Write the latest checkpoint as files to be kept by others: a text for git, a page to print, a time-stamp.

    checkpoint-SIZE.txt is the checkpoint with its signatures, checkpoint-SIZE.html one sheet with a QR code, and with
    --timestamp checkpoint-SIZE.tsr what an RFC 3161 service says of the text.

    Exit codes: 0 done, or with --check: the log begins with all that was published; 1 it does not; 3 it could not be
    done. Where only the service fails, the other files are written, and the same call again asks it again.
    """
    if (out is None) is (check is None):
        raise typer.BadParameter(
            "say where to write with --out FOLDER, or what to compare with --check FOLDER"
        )
    if check is not None and timestamp is not None:
        raise typer.BadParameter("--timestamp goes with --out")
    output = Output(json=json)
    with reading(home) as node:
        policy = read_trust(trust if trust is not None else node.home.trust)
        if out is not None:
            return _write(output, node, policy, out, timestamp)
        return _compare(output, node, policy, check or Path())


def _write(output: Output, node: Node, trust: Trust, out: Path, url: str | None) -> int:
    from counterfoil.gateway.publish import publish as write_files
    from counterfoil.proof.instant import instant_text
    from counterfoil.proof.note import encode_base64

    with node.reading() as store:
        note = store.latest_published()
    if note is None:
        raise NotFound("no checkpoint of this log is published yet; the next command that writes makes one")
    published = write_files(out, note, trust, instant_text(int(time.time())))
    document: dict[str, Any] = {
        "origin": published.checkpoint.origin,
        "size": published.checkpoint.size,
        "root": encode_base64(published.checkpoint.root),
        "files": [str(published.note), str(published.page)],
    }
    lines = [f"{published.note}: the checkpoint of {published.checkpoint.size:,} entries"]
    lines.append(f"{published.page}: the same to print")
    if url is not None:
        document["files"].append(str(published.timestamp))
        document["timestamp"], line = _stamp(url, published)
        lines.append(line)
    lines.append("Give them to others: what stands outside, nobody here can take back.")
    output.result(document, *lines)
    return DONE


def _stamp(url: str, published: Published) -> tuple[dict[str, str], str]:
    from counterfoil.gateway.fetch import Client
    from counterfoil.gateway.publish import UNCHECKED
    from counterfoil.gateway.publish import timestamp as stamp

    with Client() as client:
        stamped = stamp(client, url, published)
    when = f"{stamped.time:%Y-%m-%dT%H:%M:%SZ}"
    told = {"time": when, "signer": stamped.signer, "policy": stamped.policy}
    return told, f"{published.timestamp}: time-stamped {when} by {printable(stamped.signer)}, {UNCHECKED}"


def _compare(output: Output, node: Node, trust: Trust, folder: Path) -> int:
    from counterfoil.gateway.publish import check_published

    with node.snapshot() as store:
        compared = check_published(folder, trust, store.head.size, store.root_at)
    holds = all(each.holds for each in compared)
    for each in compared:
        output.say(printable(f"{each.file}: {each.said}"), "" if each.holds else "red")
    document = [{"file": str(each.file), "holds": each.holds, "said": each.said} for each in compared]
    output.result({"holds": holds, "compared": document})
    return DONE if holds else NOT_WELL
