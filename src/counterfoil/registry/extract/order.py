"""In which order people read a record's fields: canonical JSON has sorted what the definition's author had in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from counterfoil.proof.canonical import Json


def in_order(definition: Mapping[str, Json], names: Iterable[str]) -> list[str]:
    """Names of fields: the register's key, then its required fields and those of its core items, as it lists them.

    `definition` are the fields of a record of `.register`. The others follow by name.
    """
    schema, core = definition.get("schema"), definition.get("core")
    required = schema.get("required") if isinstance(schema, dict) else None
    listed = [
        definition.get("key"),
        *(required if isinstance(required, list) else []),
        *(each.get("field") for each in (core if isinstance(core, list) else []) if isinstance(each, dict)),
    ]
    place = {name: at for at, name in reversed(list(enumerate(listed))) if isinstance(name, str)}
    return sorted(names, key=lambda name: (place.get(name, len(listed)), name))
