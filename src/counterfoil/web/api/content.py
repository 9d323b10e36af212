"""The content of a record as a client states it, and the proposal that it makes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import Claim, Entry, Proposal, Reference, Tree

Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Operation: TypeAlias = Literal["create", "amend", "correct", "annul", "close", "erase"]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a record's next entry states. It states it whole: what is left out, the record no longer has."""

    fields: dict[str, Json] | None = None
    status: Name | None = None
    circumstances: dict[str, Json] | None = None
    claims: tuple[Claim, ...] = ()
    references: tuple[Reference, ...] = ()
    document: str | None = None
    item: str | None = None
    tree: Tree | None = None
    control: Json | None = None


class NewRecord(Content, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A new record of a register: its key and its content."""

    record: Name


class NewEntry(Content, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A record's next entry by its operation. Members that are left out stay as they were, but for circumstances."""

    operation: Operation


def proposal(register: str, record: str, operation: str, version: int | None, content: Content) -> Proposal:
    """The proposal that states this content; `version` is None in registers that only append."""
    body: dict[str, Any] | None = None
    if content.fields is not None or content.circumstances is not None:
        body = {"fields": content.fields or {}}
        if content.circumstances is not None:
            body["circumstances"] = content.circumstances
    return Proposal(
        register,
        record,
        operation,
        version,
        content.status,
        body,
        content.item,
        content.document,
        content.tree,
        content.claims,
        content.references,
        content.control,
    )


def content_of(entry: Entry) -> Content:
    """What an entry states and the next one may keep: its circumstances are its own."""
    return Content(
        fields=entry.fields if entry.body is not None else None,
        status=entry.status,
        claims=entry.claims,
        references=entry.references,
        document=entry.document,
        item=entry.item,
        tree=entry.tree,
        control=entry.control,
    )


def following(entry: Entry, stated: NewEntry) -> Content:
    """The content of a record's next entry: what is stated, over what the record had."""
    members = {
        name: value
        for name in Content.__struct_fields__
        if (value := getattr(stated, name)) not in (None, ())
    }
    return msgspec.structs.replace(content_of(entry), **members)


def patched(entry: Entry, patch: Json) -> Content:
    """The record's content with a merge patch (RFC 7396) over it. Raises `Malformed`."""
    if not isinstance(patch, dict):
        raise Malformed("a merge patch must be a JSON object, of the members that change")
    try:
        return msgspec.convert(merged(msgspec.to_builtins(content_of(entry)), patch), Content)
    except msgspec.ValidationError as error:
        raise Malformed(f"what the merge patch gives is not in form: {error}") from None


def merged(target: Json, patch: Json) -> Json:
    """A JSON value with a merge patch over it (RFC 7396 section 2)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
