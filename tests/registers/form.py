"""What may stand in a field, in words for a register's page: from its schema, in the closed profile of definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DEPTH: Final = 3
LIKE: Final = {
    "^[A-Z]{2}$": "two letters as `EE`",
    "^[A-Z]{3}$": "three letters as `EST`",
    "^[A-Z][a-z]{3}$": "four letters as `Latn`",
    "^[0-9A-Z]{1,8}$": "1 to 8 digits and capitals",
    "^[0-9A-Z]{1,8}/[0-9]{4}/[0-9]{1,7}$": "text as `13/2026/17`",
    "^[0-9A-Z][0-9A-Z-]{2,30}[0-9A-Z]$": "number: 4 to 32 digits, capitals and hyphens",
    "^[A-Z0-9](-?[A-Z0-9]){0,31}$": "number: up to 32 digits, capitals and single hyphens",
    "^([01][0-9]|2[0-3]):[0-5][0-9]$": "time as `23:59`",
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$": "day as `2026-11-24`",
    "^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?[~?%]?$": "date as `2026-11-24`, `2026-11`, `2026~`",
    "^(0|[1-9][0-9]{0,17})(\\.[0-9]{1,6})?$": "decimal number as text, `250.50`",
    "^(100(\\.0{1,6})?|[0-9]{1,2}(\\.[0-9]{1,6})?)$": "per cent as text, `12.5`",
    "^([1-9][0-9]{0,17}/[1-9][0-9]{0,17}|1|0\\.[0-9]{0,17}[1-9])$": "share as text, `1/2`, `1`, `0.25`",
    "^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$": "a name of up to 32 letters, digits, dots and hyphens",
    "^[A-Z][0-9]{2}(\\.[0-9]{1,2})?$": "code as `I21.9`",
    "^[A-U]?[0-9]{0,2}(\\.?[0-9]{1,2})?$": "code as `J62.01`",
    "^[A-Z0-9]{18}[0-9]{2}$": "20 digits and capitals",
    "^P([0-9]{1,3}Y)?([0-9]{1,3}M)?([0-9]{1,4}D)?$": "duration as `P2Y6M`",
    "^[0-9]{1,15}(\\.[0-9]{1,4})?$": "decimal number as text, `250.50`",
    "^[0-9]{4}$": "four digits",
    "^[0-9]{4}( [0-9]{2})?$": "four digits, or four and two",
    "^sha256:[0-9a-f]{64}$": "`sha256:` and 64 hexadecimal digits",
}
"""What the patterns that the registers have in common ask for."""


def form(schema: Mapping[str, Any], field: str) -> str:
    """What may stand in one of a schema's fields."""
    return _form(schema["properties"][field], schema.get("$defs", {}), DEPTH)


def _form(rule: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> str:
    while "$ref" in rule:
        rule = definitions[rule["$ref"].removeprefix("#/$defs/")]
    if "enum" in rule or "const" in rule:
        return ", ".join(f"`{word}`" for word in rule.get("enum", [rule.get("const")]))
    if "oneOf" in rule:
        return " or ".join(_form(each, definitions, depth) for each in rule["oneOf"])
    match rule.get("type"):
        case "array":
            least = f", at least {rule['minItems']}" if rule.get("minItems") else ""
            return f"list{least}, each {_form(rule['items'], definitions, depth)}"
        case "object":
            return _object(rule, definitions, depth)
        case "integer":
            return f"whole number, {rule['minimum']:,} to {rule['maximum']:,}"
        case "boolean":
            return "`true` or `false`"
    if "pattern" in rule:
        pattern = rule["pattern"]
        return LIKE.get(pattern, f"text as `{pattern}`").replace("|", "\\|")
    return f"text, up to {rule['maxLength']:,} characters"


def _object(rule: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> str:
    members = []
    for name, each in rule["properties"].items():
        bold = f"**{name}**" if name in rule.get("required", ()) else name
        members.append(f"{bold} ({_form(each, definitions, depth - 1)})" if depth > 0 else bold)
    return "an object of " + ", ".join(members)
