"""`counterfoil access`: who may use the API of a serving node, and for what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from counterfoil.cli.options import (
    COMMAND,
    DefaultGroup,
    HomeOption,
    JsonOption,
    example,
    home_folder,
    read_input,
)
from counterfoil.cli.output import Output, columns
from counterfoil.errors import Malformed, NotFound

if TYPE_CHECKING:
    from counterfoil.identity.access import Access
    from counterfoil.identity.grants import Grant

MAX_KEY_BYTES: Final = 4096
DAY: Final = 10
"""How many characters a day has, as `2026-12-31`."""

access_app = typer.Typer(
    cls=DefaultGroup,
    help="List who may use the API, give access to a token or a key, or revoke it: `access` lists.",
    epilog=example(
        "counterfoil access",
        "counterfoil access add clerk --scope write:tree --until 2026-12-31",
        "counterfoil access revoke clerk",
    ),
    **COMMAND,
)


@access_app.command(epilog=example("counterfoil access", "counterfoil access --json"))
def show(home: HomeOption = None, json: JsonOption = False) -> None:
    """List who has access, by what, for what, and until when."""
    import time

    output = Output(json=json)
    now = int(time.time())
    documents = [_document(grant, now) for grant in _access(home).grants]
    rows = [(d["name"], d["kind"], " ".join(d["scopes"]), _until(d)) for d in documents]
    output.result({"access": documents}, *(columns(rows) or ["Nobody has access but who has these files."]))


@access_app.command(
    epilog=example(
        "counterfoil access add clerk --scope write:tree",
        "counterfoil access add land-office --scope write:* --scope endorse --key land-office.pub",
    )
)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom it is for; with --key the keyid, too.")],
    *,
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="SCOPE", help="What for: write:REGISTER, write:*, govern and so on."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="KEY",
            help="By signatures of this public key (ed25519:... or its file), not a token.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="DATE", help="To the end of this day (UTC), or 2026-12-31T12:00:00Z."
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Give access: to a new token, which is shown this once, or to whoever signs requests with a key.

    A serving node takes it in within a second. Scopes: read (what is public, as everybody), write:REGISTER, write:*
    (any register but the ledger's own), govern (those), endorse, metrics, documents.
    """
    _check_scopes(scope or [])
    output = Output(json=json)
    access = _access(home)
    end = f"{until}T23:59:59Z" if until is not None and len(until) == DAY else until
    if key is not None:
        access.add_key(name, scope or [], _key_text(key), end)
        token = None
    else:
        token = access.add_token(name, scope or [], end)
    added = next(grant for grant in access.grants if grant.name == name)
    document = _document(added, 0)
    line = f"{name} has access: {' '.join(document['scopes'])}, {_until(document)}"
    if token is None:
        output.result(document, line, f"requests are signed with the key, and have the keyid {name}")
    else:
        told = "the token, which cannot be shown again (Authorization: Bearer ...):"
        output.result(document | {"token": token}, line, told, token)


@access_app.command(epilog=example("counterfoil access revoke clerk"))
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose access.")],
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Take access back; a serving node lets the name in no more after a second."""
    output = Output(json=json)
    _access(home).revoke(name)
    output.result({"revoked": name}, f"{name} has no access any more")


def _access(home: Path | None) -> Access:
    """The file of access of an installation that is there."""
    from counterfoil.home import Home
    from counterfoil.identity.access import Access

    found = Home(home_folder(home))
    if not found.store.exists():
        raise NotFound(
            f"there is no installation in {found.folder}; make one with: counterfoil init --home {found.folder}"
        )
    return Access(found.access)


def _check_scopes(scopes: list[str]) -> None:
    from counterfoil.identity.caller import FORMS, check_scope

    if not scopes:
        raise typer.BadParameter(f"say what the access is for with --scope: {FORMS}")
    try:
        for scope in scopes:
            check_scope(scope)
    except Malformed as error:
        raise typer.BadParameter(str(error)) from None


def _key_text(key: str) -> str:
    """The public key, as it was given or in the file that was named."""
    if key.startswith("ed25519:"):
        return key
    try:
        return read_input(Path(key), MAX_KEY_BYTES).decode("ascii").strip()
    except UnicodeDecodeError:
        return ""


def _document(grant: Grant, now: int) -> dict[str, Any]:
    """A grant as JSON: all but the token's digest, of which nobody has a use."""
    from counterfoil.proof.instant import instant

    ended = grant.until is not None and instant(grant.until) < now
    document = {"name": grant.name, "kind": grant.kind, "scopes": list(grant.scopes), "key": grant.key}
    return document | {"until": grant.until, "ended": ended, "created": grant.created}


def _until(document: dict[str, Any]) -> str:
    if document["until"] is None:
        return "without end"
    return f"{'ended' if document['ended'] else 'until'} {document['until']}"
