"""Constraints as sentences, for definitions that give none themselves, and when each is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from counterfoil.errors import Malformed
from counterfoil.ledger.dates import parse_duration
from counterfoil.ledger.declared import ClaimTarget, Constraint
from counterfoil.ledger.operands import parse_operand
from counterfoil.proof.canonical import Json
from counterfoil.proof.entry import WRITING
from counterfoil.proof.rules import ALWAYS
from counterfoil.web.portal.words import brief, plural

OPERATIONS: Final = {
    "create": "new records",
    "amend": "changes",
    "correct": "corrections",
    "close": "ends",
    "annul": "annulments",
    "erase": "erasures",
}
"""What the operations are called where a rule is asked of them."""
ONE: Final = {
    "create": "a new record",
    "amend": "a change",
    "correct": "a correction",
    "close": "the end",
    "annul": "the annulment",
    "erase": "the erasure",
}


def sentence(rule: Constraint) -> str:
    """What a constraint asks: in its own words, else in words for its kind."""
    if rule.says:
        return f"{rule.says[:1].upper()}{rule.says[1:]}"
    said = SENTENCES.get(rule.kind)
    return said(rule) if said is not None else f"{rule.name} ({rule.kind})"


def asked_of(rule: Constraint) -> str:
    """Of which operations a constraint is asked, and in which statuses, in words."""
    if not rule.operations and rule.kind in ALWAYS:
        operations = "every entry"
    else:
        operations = listed(OPERATIONS.get(each, each) for each in rule.operations or _WRITING)
    return f"{operations}; while {listed(rule.when, 'or')}" if rule.when else operations


def duration(text: str) -> str:
    """A duration in words: 18 years; 1 year and 6 months."""
    try:
        found = parse_duration(text)
    except Malformed:
        return text
    parts = [
        plural(count, noun) for count, noun in zip(found, ("year", "month", "day"), strict=True) if count
    ]
    return listed(parts) or "no time"


def listed(words: Iterable[str], last: str = "and") -> str:
    """Words in a row: a, b and c."""
    every = list(words)
    return f" {last} ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


def policy_words(policy: Json | None) -> str:
    """An endorsement policy as a sentence's part."""
    if isinstance(policy, str):
        kind, _, name = policy.partition(":")
        return name if kind == "agency" else f"the holder of the key {brief(name, 24)}"
    if not isinstance(policy, dict):
        return "nobody in particular"
    branches = [policy_words(each) for each in policy.get("of", ())]
    if policy.get("require") == len(branches):
        return " and ".join(branches)
    return f"{policy.get('require')} of {plural(len(branches), 'signer')}: {', '.join(branches)}"


def operand(text: str) -> str:
    """An operand as people read it: today; date-of-birth of spouse-a."""
    try:
        found = parse_operand(text)
    except Malformed:
        return text
    if found.literal is not None:
        return found.literal
    if found.clock is not None:
        return "today" if found.clock == "now" else found.clock
    if found.into is not None:
        return f"{_path(str(found.into))} of {_path(str(found.path))}"
    return _path(str(found.path))


def _path(text: str) -> str:
    """A path as people read it: number of each of holdings."""
    steps = text.split("/")
    if "*" not in steps:
        return " of ".join(reversed(steps))
    at = steps.index("*")
    inner = "/".join(steps[at + 1 :])
    outer = f"each of {' of '.join(reversed(steps[:at]))}"
    return f"{_path(inner)} of {outer}" if inner else outer


def _transition(rule: Constraint) -> str:
    begins = f"A record begins as {listed(rule.initial, 'or')}" if rule.initial else "A record has a status"
    steps = "; ".join(
        f"{before} may become {listed(to, 'or') if to else 'nothing else'}"
        for before, to in rule.transitions.items()
    )
    return f"{begins}; {steps}" if steps else begins


def _immutable(rule: Constraint) -> str:
    fields = listed(rule.fields)
    return f"{fields[:1].upper()}{fields[1:]} never change{'' if len(rule.fields) > 1 else 's'}"


def _reference(rule: Constraint) -> str:
    named = rule.register or "a register"
    return (
        f"{listed(map(operand, rule.fields)) or 'Each reference'} names a record of {named}{_in_status(rule)}"
    )


def _authorised(rule: Constraint) -> str:
    if rule.control and rule.policy is None:
        return "Each version says who must agree to the next"
    # A constraint without operations is asked of every one.
    changes = listed(OPERATIONS.get(each, each) for each in rule.operations) or "every change"
    return (
        f"{changes[:1].upper()}{changes[1:]} need{'' if rule.operations else 's'} {policy_words(rule.policy)}"
    )


def _exclusive(rule: Constraint) -> str:
    claims = listed([rule.claim or rule.name, *rule.against], "or")
    return f"No other live record claims {claims} for what {listed(map(operand, rule.fields))} names"


def _order(rule: Constraint) -> str:
    words = [operand(each) for each in rule.fields]
    if rule.apart and len(words) == 2:
        return f"From {words[0]} to {words[1]} {duration(rule.apart)} pass at least"
    said = " is before " if rule.strict else " is not after "
    return said.join(words)


def _blocked(rule: Constraint) -> str:
    named = f"{rule.register or 'a register'}{_in_status(rule)}"
    until = f", until the day that its {rule.until} says" if rule.until else ""
    return f"No record of {named} names this one as {rule.role}{until}"


def _sum(rule: Constraint) -> str:
    return f"{listed(map(operand, rule.fields))} add up {_bound(rule)}{_grouped(rule)}"


def _grouped(rule: Constraint) -> str:
    return f", for each {listed(rule.groups)} by itself" if rule.groups else ""


def _effect(rule: Constraint) -> str:
    effect = rule.effect
    if effect is None:
        return f"{rule.name} ({rule.kind})"
    target = effect.record
    named = target.claim.field if isinstance(target, ClaimTarget) else target
    which = f"the record of {effect.register} that {operand(named)} leads to"
    status = f", to {effect.status}" if effect.status else ""
    where = " where there is one" if effect.optional else ""
    change = ONE.get(effect.operation, effect.operation)
    return f"With it goes, in the same transaction, {change}: {which}{status}{where}"


_WRITING: Final = tuple(each for each in OPERATIONS if each in WRITING)
SENTENCES: Final[dict[str, Callable[[Constraint], str]]] = {
    "unique": lambda rule: f"No two live records have the same {listed(rule.fields)}",
    "immutable": _immutable,
    "transition": _transition,
    "reference": _reference,
    "authorised-by": _authorised,
    "quorum": _authorised,
    "exclusive": _exclusive,
    "order": _order,
    "blocked-by": _blocked,
    "sum": _sum,
    "effect": _effect,
}
"""A sentence for each kind of constraint."""


def _in_status(rule: Constraint) -> str:
    return f" that is {listed(rule.status, 'or')}" if rule.status else ""


def _bound(rule: Constraint) -> str:
    if rule.equals is not None:
        return f"to {operand(rule.equals)}"
    if rule.at_most is not None:
        return f"to {operand(rule.at_most)} at most"
    return f"as {operand(rule.moves)} moves them" if rule.moves else "as they did before"
