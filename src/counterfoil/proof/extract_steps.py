"""What an extract's bundle shows of its record, and the steps by which the extract is compared with it.

Each step returns what it showed, or raises: `Unverified` or `Malformed` where it failed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.canonical import Json, canonical, digest, unlabelled
from counterfoil.proof.disclosure import Presentation, verify_presentation
from counterfoil.proof.endorsement_steps import standing
from counterfoil.proof.evidence import Evidence, Leaf, record_name
from counterfoil.proof.extract import DOMAIN, Extract, extract_hash, label_of
from counterfoil.proof.instant import instant
from counterfoil.proof.record_steps import Latest, check_index
from counterfoil.proof.report import PUBLISHED, REPLICATED, SEALED_HERE, WITNESSED, Level, plural, quoted
from counterfoil.proof.rules import AGENCY, REGISTER, read_member
from counterfoil.proof.transaction import decode_header

State: TypeAlias = Literal["current", "ended", "void from the beginning"]
"""Whether a record stands, has ended (`close`), or should never have been (`annul`)."""

CURRENT: Final = "current"
ENDED: Final = "ended"
VOID: Final = "void from the beginning"
AS_FOUND: Final = "as-found"
"""The status of an entry that was taken over from an older book as it stood there."""
CIRCUMSTANCES: Final = "circumstances"
"""The field of an item that says who acted and why; no schema lists it."""
ORDER: Final = (SEALED_HERE, WITNESSED, REPLICATED, PUBLISHED)


class PurposeRule(msgspec.Struct, frozen=True):
    """Why fields may be shown: its law, which fields (None: all), in which status (none: in any)."""

    law: str
    fields: tuple[str, ...] | None = None
    when: tuple[str, ...] = ()


class Definition(msgspec.Struct, frozen=True):
    """Those members of a register's definition that an extract repeats, or keeps to."""

    title: str
    authority: str
    schema: Json | None = None
    purposes: dict[str, PurposeRule] = {}
    subjects: dict[str, str | None] = {}

    def slot(self, name: str) -> str | None:
        """The subject that a field is about; None for one about several, or nobody."""
        subject = self._stated(name, "subject")
        if isinstance(subject, str):
            return subject
        return next(iter(self.subjects)) if len(self.subjects) == 1 else None

    def is_public(self, name: str) -> bool:
        """Whether a field stands in the log for ever: it has no class, or that one."""
        return name != CIRCUMSTANCES and self._stated(name, "class") in {None, "public"}

    def _stated(self, name: str, keyword: str) -> Json | None:
        properties = self.schema.get("properties") if isinstance(self.schema, dict) else None
        stated = properties.get(name) if isinstance(properties, dict) else None
        return stated.get(keyword) if isinstance(stated, dict) else None


class Facts(NamedTuple):
    """What a bundle shows of a record.

    `latest` is its latest entry as of the entry `as_of`, `content` the one whose fields that repeats (an erasure
    changes none), judged by the definition `judged_by`. `defined` and `keeper` are the entries of its register and of
    the agency that keeps it, as they are now.
    """

    latest: Leaf
    content: Leaf
    judged_by: Leaf
    as_of: Leaf
    defined: Leaf
    definition: Definition
    keeper: Leaf
    state: State
    found: bool
    erasures: tuple[Leaf, ...]
    endorsers: tuple[str, ...]

    def erasure(self, name: str) -> Leaf | None:
        """The entry by which a field was erased: that of its subject, or the last one for what several share."""
        if self.definition.is_public(name):
            return None
        slot = self.definition.slot(name)
        fitting = [each for each in self.erasures if slot in (None, each.entry.circumstances.get("subject"))]
        return fitting[-1] if fitting else None


def gather_facts(extract: Extract, evidence: Evidence) -> Facts:
    """What the bundle shows of the extract's record. Raises `Unverified` where something is lacking.

    The bundle itself must have been verified before.
    """
    _, claims = check_index(extract.bundle.index, evidence)
    latest, as_of = _latest(extract, claims)
    until = standing(evidence, claims)
    defined = _in_force(evidence, until, REGISTER, extract.register, as_of)
    definition = _read_definition(defined)
    content = _content(latest, evidence)
    versions = evidence.by_record[extract.register, extract.record]
    return Facts(
        latest,
        content,
        evidence.latest(REGISTER, extract.register, content.number) or defined,
        evidence.by_number[as_of],
        defined,
        definition,
        _in_force(evidence, until, AGENCY, definition.authority, as_of),
        {"annul": VOID, "close": ENDED}.get(content.entry.operation, CURRENT),  # type: ignore[arg-type]  # one of the three
        any(each.entry.status == AS_FOUND for each in versions),
        tuple(each for each in versions if each.entry.operation == "erase"),
        tuple(_endorsers(extract, content, evidence)),
    )


def check_copy(extract: Extract, facts: Facts, evidence: Evidence) -> tuple[str, None]:
    """Check that every field printed is one that the latest entry shows, and that it shows no other."""
    disclosed = _disclosed(extract, facts)
    clear = facts.latest.entry.fields
    for name, value in extract.fields.items():
        shown = disclosed if name in disclosed else clear
        if name not in shown or canonical(shown[name]) != canonical(value):
            raise Unverified(
                f"the extract's field {quoted(name)} is not what {facts.latest.name} says; ask for the extract again"
            )
    for name in disclosed.keys() - extract.fields.keys():
        raise Unverified(f"the bundle shows the field {quoted(name)}, and the extract leaves it out")
    for name in extract.erased:
        if name in extract.fields or facts.erasure(name) is None:
            raise Unverified(
                f"the extract says that {quoted(name)} was erased, and the bundle shows no such erasure"
            )
    named = len(disclosed.keys() & extract.fields.keys())
    detail = (
        f"each of {plural(len(extract.fields), 'field')} is what {facts.latest.name} says: {named} by its item, "
        f"{len(extract.fields) - named} in the clear; erased: {len(extract.erased)}"
    )
    return detail, None


def check_words(extract: Extract, facts: Facts) -> tuple[str, None]:
    """Check that title, authority and labels are those of the register's definition."""
    definition = facts.definition
    if extract.title != definition.title or extract.authority != definition.authority:
        raise Unverified(f"title and authority of the extract are not those of {facts.defined.name}")
    names = [*extract.fields, *extract.erased]
    wanted = {name: label_of(name, definition.schema) for name in names}
    for name in sorted(wanted.keys() | extract.labels.keys()):
        if extract.labels.get(name) != wanted.get(name):
            raise Unverified(f"the label of {quoted(name)} is not the one that {facts.defined.name} gives it")
    return f"title, authority and {plural(len(wanted), 'label')} are those of {facts.defined.name}", None


def check_purpose(extract: Extract, facts: Facts) -> tuple[str, None]:
    """Check that fields which are not public were shown for a purpose that the definition allows them for."""
    hidden = sorted({*_disclosed(extract, facts), *extract.erased})
    if extract.purpose is None:
        if hidden:
            raise Unverified(f"the field {quoted(hidden[0])} is not public, and is shown for no purpose")
        return "all fields are public, so that they are shown for no purpose in particular", None
    rule = facts.definition.purposes.get(extract.purpose)
    if rule is None:
        raise Unverified(f"{facts.defined.name} knows no purpose {quoted(extract.purpose)}")
    forbidden = [] if rule.fields is None else [name for name in hidden if name not in rule.fields]
    if forbidden or (rule.when and facts.latest.entry.status not in rule.when):
        raise Unverified(
            f"{facts.defined.name} does not allow for the purpose {quoted(extract.purpose)} what the extract shows"
        )
    return f"{quoted(extract.purpose)} is a purpose that {facts.defined.name} allows these fields for", None


def check_certified(extract: Extract, facts: Facts) -> tuple[str, None]:
    """Check the signature of the agency that keeps the register over the whole extract."""
    if extract.certified is None:
        raise Unverified("nobody has certified the extract; ask the agency that keeps the register for one")
    if extract.certified.key not in read_member(facts.keeper.entry).endorse:
        raise Unverified(f"the extract is not signed by a key of {facts.keeper.name}")
    extract.certified.verify(extract_hash(extract), DOMAIN)
    if instant(extract.issued) < instant(facts.as_of.entry.time):
        raise Unverified("the extract is older than what it shows")
    return f"{extract_hash(extract)} is signed by a key of {facts.keeper.name}, issued {extract.issued}", None


def check_level(extract: Extract, level: Level) -> tuple[str, None]:
    """Check that the extract does not say more of its trust level than was found."""
    if ORDER.index(extract.level) > ORDER.index(level):
        raise Unverified(f"the extract says {extract.level!r}, and by this trust policy it is {level!r}")
    return f"the extract says {extract.level!r}, which is no more than was found", None


def _disclosed(extract: Extract, facts: Facts) -> Mapping[str, Json]:
    shown: dict[str, Json] = {}
    for each in extract.bundle.disclosures:
        item = facts.latest.entry.item
        if each.number != facts.latest.number or item is None or shown:
            raise Unverified("the bundle shows fields of something else than the record's latest entry")
        shown = verify_presentation(Presentation(each.shown, each.hidden), unlabelled(item))
    return shown


def _latest(extract: Extract, claims: list[Latest]) -> tuple[Leaf, int]:
    for latest in claims:
        leaf = latest.leaf
        if leaf is not None and (leaf.entry.register, leaf.entry.record) == (
            extract.register,
            extract.record,
        ):
            return leaf, latest.as_of
    name = record_name(extract.register, extract.record)
    raise Unverified(f"the bundle does not show which entry of {name} is the latest")


def _content(latest: Leaf, evidence: Evidence) -> Leaf:
    leaf = latest
    while leaf.entry.operation == "erase":
        before = evidence.before.get(leaf.number)
        if before is None:
            raise Unverified(f"the bundle does not show what stood before the erasure of {leaf.name}")
        leaf = before
    return leaf


def _in_force(evidence: Evidence, until: Mapping[int, int], register: str, record: str, as_of: int) -> Leaf:
    leaf = evidence.latest(register, record, as_of)
    if leaf is None or until.get(leaf.number, -1) < as_of:
        raise Unverified(
            f"the bundle does not show which entry of {record_name(register, record)} was in force as of entry {as_of}"
        )
    return leaf


def _read_definition(leaf: Leaf) -> Definition:
    try:
        return msgspec.convert(leaf.entry.fields, Definition)
    except msgspec.ValidationError as error:
        raise Malformed(f"{leaf.name} is not in form: {error}") from None


def _endorsers(extract: Extract, content: Leaf, evidence: Evidence) -> Iterator[str]:
    """Who endorsed the content's transaction: agencies by name, the submitting one first, then keys of nobody's."""
    for each in extract.bundle.transactions:
        if digest(each.header.encode()) != content.entry.transaction:
            continue
        keys = {endorsement.key for endorsement in each.endorsements}
        agencies = sorted({name for register, name in evidence.by_record if register == AGENCY})
        members = {name: evidence.latest(AGENCY, name, each.first) for name in agencies}
        own = {
            name: keys.intersection(read_member(leaf.entry).endorse) for name, leaf in members.items() if leaf
        }
        submitter = decode_header(each.header.encode()).agency
        yield from sorted((name for name in own if own[name]), key=lambda name: (name != submitter, name))
        yield from (f"the holder of the key {key[:60]}" for key in sorted(keys.difference(*own.values())))
