"""`counterfoil serve`: the API and the pages of an installation, until it is told to end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, writing
from counterfoil.cli.output import Output, flush

if TYPE_CHECKING:
    from counterfoil.web.listen import Listen

LISTEN = "127.0.0.1:8000"

serve_app = typer.Typer(**COMMAND)


@serve_app.command(
    epilog=example(
        "counterfoil serve --home ./registers",
        "counterfoil serve --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem --log requests.log",
    )
)
def serve(
    home: HomeOption = None,
    listen: Annotated[
        str,
        typer.Option(
            metavar="HOST:PORT",
            help="Where to listen; port 0 takes a free one. Beyond 127.0.0.1 only if told so.",
        ),
    ] = LISTEN,
    tls_cert: Annotated[
        Path | None,
        typer.Option("--tls-cert", metavar="FILE", help="A certificate chain, PEM.", readable=False),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="Its key, PEM.", readable=False)
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(
            "--log",
            metavar="FILE",
            help="Log to this file, a JSON object a line: every request, and what went wrong.",
            show_default="standard error, and only what went wrong",
            readable=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Serve the API and the pages. Other commands on the same home go through this process while it runs.

    It ends cleanly on SIGINT (Ctrl-C) and SIGTERM: what was acknowledged is stored in any case.
    """
    where = parse_listen(listen, tls_cert, tls_key)
    run(Output(json=json), home, where, log)


def run(output: Output, home: Path | None, where: Listen, log: Path | None = None) -> None:
    """Serve until the process is told to end; without a `log`, what goes wrong is told on standard error."""
    from counterfoil.errors import Busy
    from counterfoil.web.logbook import configure, open_log
    from counterfoil.web.server import serve as serve_node

    def told(address: str) -> None:
        output.tell({"address": address, "home": str(node.home.folder)})
        output.say(f"{node.home.folder} is served at {address} (Ctrl-C ends it)")
        flush()

    configure(open_log(log), requests=log is not None)
    with writing(home) as node:
        if node.read_only:
            raise Busy(f"another process serves {node.home.folder} already; stop it first")
        serve_node(node, where, told)
    output.result({"ended": True}, "Ended; everything acknowledged is stored.")


def parse_listen(text: str, certificate: Path | None, key: Path | None) -> Listen:
    """Where to listen, out of the options. Raises a wrong usage where they do not fit."""
    from counterfoil.web.listen import Listen

    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise typer.BadParameter(f"{text!r} is no HOST:PORT, such as {LISTEN}")
    if (certificate is None) != (key is None):
        raise typer.BadParameter("--tls-cert and --tls-key go together")
    return Listen(host.strip("[]") or "127.0.0.1", int(port), certificate, key)
