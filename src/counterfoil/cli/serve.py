"""`counterfoil serve`: the API and the pages of an installation, until it is told to end."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from counterfoil.cli.options import COMMAND, HomeOption, JsonOption, example, reading, writing
from counterfoil.cli.output import Output, flush

if TYPE_CHECKING:
    from counterfoil.node import Node
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
    *,
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
    public_url: Annotated[
        str | None,
        typer.Option(
            "--public-url",
            metavar="URL",
            help="Where others reach it, where a proxy stands before it: pages link there, signed requests are for it.",
        ),
    ] = None,
    read_only: Annotated[
        bool,
        typer.Option(
            "--read-only", help="Take no changes: for what was restored, is damaged, or has no keys here."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Serve the API and the pages. Other commands on the same home go through this process while it runs.

    It ends cleanly on SIGINT (Ctrl-C) and SIGTERM: what was acknowledged is stored in any case. On SIGHUP it opens its
    log anew and reads the certificate again.
    """
    where = replace(parse_listen(listen, tls_cert, tls_key), public_url=_public(public_url))
    run(Output(json=json), home, where, log, read_only=read_only)


def run(
    output: Output, home: Path | None, where: Listen, log: Path | None = None, *, read_only: bool = False
) -> None:
    """Serve until the process is told to end; without a `log`, what goes wrong is told on standard error."""
    from counterfoil.errors import Busy
    from counterfoil.web.logbook import configure, open_log
    from counterfoil.web.server import serve as serve_node

    def told(address: str) -> None:
        output.tell({"address": address, "home": str(node.home.folder)})
        output.say(f"{node.home.folder} is served at {address} (Ctrl-C ends it)")
        if where.certificate is None and not _is_loopback(where.host):
            output.say(
                "Tokens go over the network in the clear: give --tls-cert, or put a proxy with TLS before it."
            )
        flush()

    lines = open_log(log)
    configure(lines, requests=log is not None)
    with reading(home) if read_only else writing(home) as node:
        if read_only:
            _name(node)
        elif node.read_only:
            raise Busy(f"another process serves {node.home.folder} already; stop it first")
        serve_node(node, where, told, lines.reopen)
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


def _name(node: Node) -> None:
    """Say of a node that was opened for reading which ledger and agency it is, by its trust policy."""
    from counterfoil.cli.proof import read_trust

    trust = read_trust(node.home.trust)
    node.origin, node.agency = trust.origin, trust.agencies[0].name


def _is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _public(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.netloc
        or parts.path not in {"", "/"}
        or parts.query
    ):
        raise typer.BadParameter(f"{url[:200]!r} is no address such as https://registers.example/")
    return url.rstrip("/")
