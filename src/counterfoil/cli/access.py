"""`counterfoil access`: who may use the API of a serving node, and for what."""

from __future__ import annotations

from contextlib import closing
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
    reading,
)
from counterfoil.cli.output import Output, columns
from counterfoil.errors import Malformed, NotFound

if TYPE_CHECKING:
    from counterfoil.identity.access import Access
    from counterfoil.identity.grants import Grant
    from counterfoil.identity.officers import Appointment

MAX_KEY_BYTES: Final = 4096
MAX_NUMBER_BYTES: Final = 1024
DAY: Final = 10
"""How many characters a day has, as `2026-12-31`."""

access_app = typer.Typer(
    cls=DefaultGroup,
    help="List who may use the API, give access to a token or a key, or revoke it: `access` lists.",
    epilog=example(
        "counterfoil access",
        "counterfoil access add clerk --scope write:tree --until 2026-12-31",
        "counterfoil access add ann --scope write:birth --scope disclose:birth --officer --role registrar",
        "counterfoil access revoke clerk",
    ),
    **COMMAND,
)


@access_app.command(epilog=example("counterfoil access", "counterfoil access --json"))
def show(home: HomeOption = None, json: JsonOption = False) -> None:
    """List who has access, by what, for what, until when, and as which officer.

    With --json also the ids of officers whose access was revoked, and whose they were: entries name them for ever.
    """
    import time

    output = Output(json=json)
    now = int(time.time())
    access = _access(home)
    documents = [_document(grant, now) for grant in access.grants]
    retired = [{"id": once.id, "name": once.name, "retired": once.retired} for once in access.retired]
    rows = [(d["name"], d["kind"], " ".join(d["scopes"]), _until(d), _officer(d)) for d in documents]
    told = columns(rows) or ["Nobody has access but who has these files."]
    output.result({"access": documents, "retired": retired}, *told)


@access_app.command(
    epilog=example(
        "counterfoil access add clerk --scope write:tree",
        "counterfoil access add land-office --scope write:* --scope endorse --key land-office.pub",
        "counterfoil access add ann --scope write:birth --scope disclose:birth --officer --role registrar",
    )
)
def add(  # noqa: PLR0913  # an option each
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
    officer: Annotated[
        bool, typer.Option("--officer", help="The holder is an officer: a person, named in entries by an id.")
    ] = False,
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role", metavar="ROLE", help="What the officer does: registrar, supervisor and so on."
        ),
    ] = None,
    person: Annotated[
        Path | None,
        typer.Option(
            "--person",
            metavar="FILE",
            help="The officer's own number as a person, in a file or - for standard input; a pseudonym is kept.",
        ),
    ] = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Give access: to a new token, which is shown this once, or to whoever signs requests with a key.

    A serving node takes it in within a second. Scopes: read (what is public, as everybody), write:REGISTER, write:*
    (any register but the ledger's own), govern (those), endorse, metrics, documents; for officers alone, each also
    with *: disclose:REGISTER (read items under a purpose), search:REGISTER, decide:REGISTER (as second officer),
    erase:REGISTER.
    """
    _check_usage(scope or [], officer=officer, of_officer=bool(role) or person is not None)
    output = Output(json=json)
    access = _access(home)
    appointment = _appointment(home, role or [], person) if officer else None
    end = f"{until}T23:59:59Z" if until is not None and len(until) == DAY else until
    if key is not None:
        access.add_key(name, scope or [], _key_text(key), end, appointment)
        _tell_added(output, access, name, None)
    else:
        _tell_added(output, access, name, access.add_token(name, scope or [], end, appointment))


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


def _tell_added(output: Output, access: Access, name: str, token: str | None) -> None:
    document = _document(next(grant for grant in access.grants if grant.name == name), 0)
    line = f"{name} has access: {' '.join(document['scopes'])}, {_until(document)}"
    if document["officer"] is not None:
        line += f", as {_officer(document)}"
    if token is None:
        output.result(document, line, f"requests are signed with the key, and have the keyid {name}")
    else:
        told = "the token, which cannot be shown again (Authorization: Bearer ...):"
        output.result(document | {"token": token}, line, told, token)


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


def _check_usage(scopes: list[str], *, officer: bool, of_officer: bool) -> None:
    from counterfoil.identity.caller import FORMS, check_scope, officers_alone

    if not scopes:
        raise typer.BadParameter(f"say what the access is for with --scope: {FORMS}")
    try:
        for scope in scopes:
            check_scope(scope)
    except Malformed as error:
        raise typer.BadParameter(str(error)) from None
    if officer:
        return
    if of_officer:
        raise typer.BadParameter("--role and --person are an officer's; add --officer")
    for scope in scopes:
        if officers_alone(scope):
            raise typer.BadParameter(f"{scope} is for officers alone; add --officer")


def _appointment(home: Path | None, roles: list[str], person: Path | None) -> Appointment:
    from counterfoil.identity.officers import Appointment

    if person is None:
        return Appointment(tuple(roles))
    # Not as an argument: every user of the machine could read it in the list of processes.
    try:
        number = read_input(person, MAX_NUMBER_BYTES).decode().strip()
    except UnicodeDecodeError:
        raise Malformed(
            f"{person} is not UTF-8 text; it must hold the officer's number and nothing else"
        ) from None
    return Appointment(tuple(roles), own_pseudonym(home, number))


def own_pseudonym(home: Path | None, number: str) -> str:
    """The pseudonym under which a person's disclosures are kept, made of their number with the keyring's secret.

    The keyring is made where there is none yet. Raises `Malformed` for what is no number, and as `open_keyring`.
    """
    from counterfoil.keyring.opening import open_keyring
    from counterfoil.registry.personal.registrar import Registrar

    with reading(home) as node, closing(open_keyring(node.home.folder)) as keyring:
        return Registrar(node, keyring).pseudonyms.subject(number)


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
    document: dict[str, Any] = {
        "name": grant.name,
        "kind": grant.kind,
        "scopes": list(grant.scopes),
        "key": grant.key,
    }
    document |= {"until": grant.until, "ended": ended, "created": grant.created, "officer": None}
    if grant.officer is not None:
        # Not the pseudonym, of which nobody has a use: only whether there is one.
        told = {"id": grant.officer.id, "roles": list(grant.officer.roles)}
        document["officer"] = told | {"person-known": grant.officer.subject is not None}
    return document


def _officer(document: dict[str, Any]) -> str:
    """The officer in words; nothing, where it is a program's access."""
    officer = document["officer"]
    if officer is None:
        return ""
    roles = f" ({', '.join(officer['roles'])})" if officer["roles"] else ""
    return f"officer {officer['id']}{roles}"


def _until(document: dict[str, Any]) -> str:
    if document["until"] is None:
        return "without end"
    return f"{'ended' if document['ended'] else 'until'} {document['until']}"
