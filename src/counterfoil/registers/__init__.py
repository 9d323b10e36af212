"""The registers that come with the software: definitions to begin with, as the fields of records of `.register`.

Each stands in a JSON file beside this one, without `authority`: which agency keeps it is for the network to say, and so
is whatever its own law says otherwise (`authority-from`, a retention period, a purpose).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from counterfoil.errors import NotFound


def names() -> tuple[str, ...]:
    """The names of the registers that come with the software, sorted."""
    listed = (entry.name.partition(".json") for entry in files(__name__).iterdir())
    return tuple(sorted(name for name, json_, rest in listed if json_ and not rest))


def shipped(
    name: str, authority: str, court: str | None = None, authority_from: str | None = None
) -> dict[str, Any]:
    """The fields of the record `name` of `.register`, kept by the agency `authority` (`INSTANCE/CLASS/CODE`).

    `court` is the agency that must endorse beside it where a definition asks for a court. Where the network has none,
    such a quorum is the authority's alone, and there is no `recovery`: one agency must not replace a holder's key.
    `authority_from` is the day from which the authority may state what is valid; without it any day is taken.
    Each call answers with a new object. Raises `NotFound`.
    """
    if name not in names():
        raise NotFound(f"no register {name[:80]!r} comes with the software; there are {', '.join(names())}")
    text = files(__name__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    agencies = {"agency:{authority}": f"agency:{authority}", "agency:{court}": f"agency:{court or authority}"}
    fields: dict[str, Any] = _with_agencies(json.loads(text), agencies)
    if court is None:
        fields.pop("recovery", None)
    if authority_from is not None:
        fields["authority-from"] = authority_from
    return {**fields, "authority": authority}


def _with_agencies(value: Any, agencies: Mapping[str, str]) -> Any:
    """A definition with the agencies of this network in its policies; who stands for two of them counts once."""
    if isinstance(value, str):
        return agencies.get(value, value)
    if isinstance(value, list):
        return [_with_agencies(each, agencies) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _with_agencies(each, agencies) for name, each in value.items()}
    if found.keys() == {"require", "of"} and all(isinstance(each, str) for each in found["of"]):
        signers = list(dict.fromkeys(found["of"]))
        return {"require": min(found["require"], len(signers)), "of": signers}
    if found.get("kind") == "quorum" and found["policy"]["require"] == 1:
        return {**found, "kind": "authorised-by"}
    return found
