"""What a register's schema says of each field beside its form: who may see it, how it is found, whom it is about.

The keywords `class`, `searchable` and `subject` stand in `schema.properties.NAME` and nowhere else. Every node judges
by the *public schema*: what is left of the schema when the fields that stand in no body are taken away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json

CLASSES: Final = ("public", "personal", "special", "secret")
"""`special` is what GDPR art. 9 calls special categories of personal data."""
SEARCHES: Final = ("exact", "name", "phonetic", "trigrams", "year")
CIRCUMSTANCES: Final = "circumstances"
"""The salted field of an item that says who acted and why; no register may have a field of that name of its own."""
ATTACHMENTS: Final = "attachments"
"""The salted field of an item that says what is attached, and by which keys it opens; reserved as well."""
_KEYWORDS: Final = frozenset({"class", "searchable", "subject"})
_KEPT: Final = frozenset({"$schema", "$comment", "$defs", "title", "description"})
"""What the public schema keeps of a schema's top as it is."""


class FieldRule(NamedTuple):
    """Of one field: its class, by which tokens it can be found, and the slot of the person that it is about."""

    name: str
    class_: str = "public"
    searchable: tuple[str, ...] = ()
    subject: str | None = None

    @property
    def hidden(self) -> bool:
        """Whether the field goes by item: only public ones stand in a body."""
        return self.class_ != "public"


class FieldRules:
    """The rules for all fields that a schema lists, and the schema without them. Raises `Malformed`."""

    def __init__(self, schema: Json | None):
        self._schema = schema
        properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
        listed = properties if isinstance(properties, dict) else {}
        self.rules: Mapping[str, FieldRule] = MappingProxyType(
            {name: _read(name, said) for name, said in listed.items()}
        )
        self.hidden: frozenset[str] = frozenset(name for name, rule in self.rules.items() if rule.hidden)
        """The names of the fields that go by item."""
        _check_classes(listed)
        required = schema.get("required", []) if isinstance(schema, dict) else []
        self.required: frozenset[str] = frozenset(each for each in required if isinstance(each, str))
        for name in (CIRCUMSTANCES, ATTACHMENTS):
            if self.hidden and name in self.rules:
                raise Malformed(
                    f"a field may not be called {name!r}; items keep something else under that name"
                )

    def full_schema(self) -> Json | None:
        """The schema of all fields together, without keywords of ours; what the agency judges by.

        A register that hides fields takes only those that it lists: any other would have no class.
        """
        if self._schema is None or not self.rules:
            return self._schema
        plain = self._schema | {"properties": self._plain(self.rules)}
        return plain | {"additionalProperties": False} if self.hidden else plain

    def public_schema(self) -> Json | None:
        """The schema of the fields that stand in a body; what every node judges by.

        Keywords at its top that may speak of several fields at once (`allOf`, `if`, `dependentRequired` …) are left
        out where a field is hidden.
        """
        if self._schema is None or not self.hidden:
            return self.full_schema()
        shown = [name for name in self.rules if name not in self.hidden]
        return {name: value for name, value in self._schema.items() if name in _KEPT} | {
            "type": "object",
            "properties": self._plain(shown),
            "required": sorted(self.required - self.hidden),
            "additionalProperties": False,
        }

    def _plain(self, names: Collection[str]) -> dict[str, Json]:
        properties = self._schema["properties"] if self._schema else {}
        return {name: _without_keywords(properties[name]) for name in names}


def _without_keywords(said: Json) -> Json:
    if not isinstance(said, dict):
        return said
    return {name: value for name, value in said.items() if name not in _KEYWORDS}


def _read(name: str, said: Json) -> FieldRule:
    if not isinstance(said, dict):
        return FieldRule(name)
    class_, searchable, subject = (
        said.get("class", "public"),
        said.get("searchable", []),
        said.get("subject"),
    )
    if class_ not in CLASSES:
        raise Malformed(f"the class of field {name[:80]!r} must be one of {', '.join(CLASSES)}")
    if not isinstance(searchable, list) or not all(each in SEARCHES for each in searchable):
        raise Malformed(f"searchable of field {name[:80]!r} must be a list of {', '.join(SEARCHES)}")
    if subject is not None and not isinstance(subject, str):
        raise Malformed(f"the subject of field {name[:80]!r} must name a slot of the definition's subjects")
    return FieldRule(name, class_, tuple(searchable), subject)


def _check_classes(properties: Mapping[str, Json]) -> None:
    given = [name for name, said in properties.items() if isinstance(said, dict) and "class" in said]
    lacking = sorted(properties.keys() - set(given))
    if given and lacking:
        raise Malformed(
            f"the field {lacking[0][:80]!r} has no class, and others have; give every field of the register one "
            f"({', '.join(CLASSES)})"
        )
