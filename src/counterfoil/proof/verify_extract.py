"""Verifying an extract: its bundle as any other, and then that the extract says what the bundle shows, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, ParamSpec

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.evidence import Evidence
from counterfoil.proof.extract import Extract, extract_hash
from counterfoil.proof.extract_steps import (
    AS_FOUND,
    Facts,
    check_certified,
    check_copy,
    check_level,
    check_purpose,
    check_words,
    gather_facts,
)
from counterfoil.proof.report import NOT_VALID, Report, Step, plural, quoted
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify

WHOLE: Final = ("index", "transactions", "completeness", "endorsements", "policies", "rules in force")
"""The steps of its bundle that an extract rests on, beside those that every bundle takes."""

P = ParamSpec("P")


class Verified(NamedTuple):
    """A report on an extract; with what its bundle shows, unless the report is that it does not hold."""

    report: Report
    extract: Extract | None = None
    facts: Facts | None = None


def verify_extract(
    data: bytes, trust: Trust | None, *, at: str | None = None, published: Checkpoint | None = None
) -> Verified:
    """Check an extract's JSON by a trust policy, and say step by step what was compared with what.

    `at` and `published` are those of `verify`; as there, nothing in the extract raises. A field, a label, a date or a
    signature that was changed is a step that failed, and so is a bundle of another record.
    """
    try:
        extract = Extract.parse(data)
    except Malformed as error:
        return Verified(_failed(Step("extract", False, str(error))))
    said = f"{plural(len(data), 'byte')} in the form {extract.format}"
    report = verify(extract.bundle, trust, at=at, published=published)
    steps = [Step("extract", True, said), *report.steps]
    if report.verdict == NOT_VALID:
        return Verified(_failed(*steps))
    evidence = Evidence(extract.bundle.entries)
    try:
        _check_whole(report)
        facts = gather_facts(extract, evidence)
    except (Malformed, Unverified) as error:
        return Verified(_failed(*steps, Step("record", False, str(error))))
    steps += [
        Step("record", True, f"{facts.latest.name} is the latest as of entry {facts.as_of.number}"),
        _take("fields", check_copy, extract, facts, evidence),
        _take("labels", check_words, extract, facts),
        _take("purpose", check_purpose, extract, facts),
        _take("certified", check_certified, extract, facts),
    ]
    if report.level is not None:
        steps.append(_take("level", check_level, extract, report.level))
    if any(step.passed is False for step in steps):
        return Verified(_failed(*steps))
    claims = (*_describe(extract, facts), *report.claims)
    return Verified(Report(report.verdict, report.level, claims, tuple(steps)), extract, facts)


def _check_whole(report: Report) -> None:
    """Raise `Unverified` where the bundle leaves open what every extract says of itself."""
    passed = {step.name for step in report.steps if step.passed}
    for name in WHOLE:
        if name not in passed:
            raise Unverified(
                f"the bundle does not show all that an extract says: its {name} were not checked"
            )


def _describe(extract: Extract, facts: Facts) -> list[str]:
    """What was shown, in sentences."""
    entry, when = facts.latest.entry, facts.as_of.entry.time
    status = f", with the status {quoted(entry.status)}" if entry.status else ""
    shown = f", for the purpose {quoted(extract.purpose)}" if extract.purpose else ""
    claims = [
        f"{quoted(extract.authority)} certifies this copy of {facts.latest.name} with {extract_hash(extract)}, issued "
        f"{extract.issued}{shown}; a printed page has that hash in its code",
        f"as of {when} the record was {facts.state}{status}",
    ]
    if facts.found:
        claims.append(f"it was taken over {AS_FOUND}: its earlier history is not attested")
    claims += [
        f"{quoted(name)} was erased by entry {erasure.number} ({erasure.entry.time})"
        for name in extract.erased
        if (erasure := facts.erasure(name)) is not None
    ]
    return claims


def _take(name: str, step: Callable[P, tuple[str, None]], *args: P.args, **kwargs: P.kwargs) -> Step:
    try:
        return Step(name, True, step(*args, **kwargs)[0])
    except (Malformed, Unverified) as error:
        return Step(name, False, str(error))


def _failed(*steps: Step) -> Report:
    return Report(NOT_VALID, None, (), steps)
