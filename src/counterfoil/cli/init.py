"""`counterfoil init`: make an installation, and say what others pin in order to trust it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from counterfoil.cli.failure import COULD_NOT, DONE, Failure
from counterfoil.cli.options import (
    AGENCY,
    COMMAND,
    TITLE,
    HomeOption,
    JsonOption,
    example,
    home_folder,
    reading,
    writing,
)
from counterfoil.cli.output import Output, columns
from counterfoil.errors import Malformed

if TYPE_CHECKING:
    from counterfoil.node import Node

init_app = typer.Typer(**COMMAND)


@init_app.command(
    epilog=example(
        "counterfoil init --home ./registers",
        "counterfoil init --origin registers.example/land --agency EX/GOV/LAND --title 'Land Office'",
    )
)
def init(
    home: HomeOption = None,
    origin: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What the ledger is called in its checkpoints: a name under a domain of yours, for ever.",
            show_default="ledger.local/ and chance",
        ),
    ] = None,
    agency: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The agency that keeps it, as INSTANCE/CLASS/CODE.", show_default=AGENCY
        ),
    ] = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The agency's name for people.", show_default=TITLE)
    ] = None,
    json: JsonOption = False,
) -> int:
    """Make an installation: its store, this agency's keys, and the trust policy that others verify with.

    Commands that write make one by themselves; this one lets you choose names. Origin, agency and title are entries and
    stay. Where an installation is there already, it is described and left as it is.
    """
    output = Output(json=json)
    folder = home_folder(home)
    asked = {
        name: value for name, value in (("origin", origin), ("agency", agency), ("title", title)) if value
    }
    fresh = not (folder / "store.db").exists()
    if fresh:
        _check_names(asked)
    opened = writing(home, **asked) if fresh else reading(home)
    with opened as node:
        described = _describe(node)
    for name, value in asked.items():
        if described[name] != value:
            said = f"there is an installation in {folder} already, and its {name} is {described[name]!r}"
            output.error(Failure(COULD_NOT, "conflict", f"{said}; choose another folder", {}))
            return COULD_NOT
    document = {"home": str(folder), "created": fresh, **described, "trust": str(folder / "trust.json")}
    output.result(document, *_lines(document, fresh=fresh))
    return DONE


def _check_names(asked: dict[str, str]) -> None:
    """Judge the names before anything is made."""
    from counterfoil.ledger.system import AGENCY as MEMBERS
    from counterfoil.ledger.system import check_system_record
    from counterfoil.proof.checkpoint import Checkpoint, log_key
    from counterfoil.proof.signing import SigningKey

    key = SigningKey.generate("ed25519").public
    try:
        if "origin" in asked:
            Checkpoint(asked["origin"], 0, bytes(32))
            log_key(asked["origin"], key)
        fields = {"name": asked.get("title", TITLE), "endorse": [key.text]}
        check_system_record(MEMBERS, asked.get("agency", AGENCY), fields)
    except Malformed as error:
        raise typer.BadParameter(str(error)) from None


def _describe(node: Node) -> dict[str, Any]:
    """The names and the first root of an installation, as its first entries say them."""
    from counterfoil.registry.beginning import first_trust

    trust = first_trust(node.store.entries(), node.store.root_at)
    agency = trust.agencies[0].name
    member = node.record(".agency", agency)
    return {
        "origin": trust.origin,
        "agency": agency,
        "title": member.fields["name"] if member else None,
        "genesis_size": trust.genesis_size,
        "genesis_root": trust.genesis_root,
    }


def _lines(document: dict[str, Any], *, fresh: bool) -> list[str]:
    said = "made" if fresh else "there already, and left as it is"
    rows = [
        ("origin", document["origin"]),
        ("agency", f"{document['agency']} ({document['title']})"),
        ("genesis", f"{document['genesis_size']} entries, root {document['genesis_root']}"),
        ("trust policy", document["trust"]),
    ]
    return [
        f"The installation in {document['home']} is {said}.",
        *columns(rows, "  "),
        "",
        "Give the trust policy to whoever verifies, by a way of its own: it pins the genesis and names the keys.",
        "Keep a copy of the folder keys/ apart: without it, this ledger cannot be continued.",
    ]
