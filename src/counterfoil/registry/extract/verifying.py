"""Verifying an extract as a file: its JSON, or the page that has it inside and must say the same."""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.errors import Malformed
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.extract_steps import Facts
from counterfoil.proof.report import NOT_VALID, Report, Step, quoted
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify_extract import verify_extract
from counterfoil.registry.extract.enforced import rules_of
from counterfoil.registry.extract.page import extract_page, is_page, read_page


def verify_extract_file(data: bytes, trust: Trust | None, *, published: Checkpoint | None = None) -> Report:
    """Check an extract, as JSON or as a page, by a trust policy. Nothing in the file raises.

    A page is made again from the JSON inside it, and must be the same byte for byte: then what people read is what was
    verified.
    """
    page = is_page(data)
    try:
        content = read_page(data) if page else data
    except Malformed as error:
        return Report(NOT_VALID, None, (), (Step("page", False, str(error)),))
    report, extract, facts = verify_extract(content, trust, published=published)
    if extract is None or facts is None:
        return report
    steps = list(report.steps)
    try:
        rules = tuple(_describe(facts))
        if page:
            steps.append(_compare(data, extract_page(extract, facts)))
    except Malformed as error:
        steps.append(Step("rules", False, str(error)))
        rules = ()
    if any(step.passed is False for step in steps):
        return Report(NOT_VALID, None, (), tuple(steps))
    return Report(report.verdict, report.level, (*rules, *report.claims), tuple(steps))


def _compare(given: bytes, made: bytes) -> Step:
    if given == made:
        return Step("page", True, "the page is the one that its data give, byte for byte")
    return Step(
        "page",
        False,
        "the page is not the one that the data inside it give: something that people read on it was changed, or it was "
        "saved by a program that rewrites pages",
    )


def _describe(facts: Facts) -> Iterator[str]:
    """Which rules were checked by whom, a sentence for each kind of checker."""
    content = facts.content.entry
    groups: dict[str, list[str]] = {}
    for rule in rules_of(facts.judged_by.entry, content.operation, content.status):
        remark = f" ({rule.remark})" if rule.remark else ""
        groups.setdefault(rule.by, []).append(quoted(rule.name) + remark)
    for by, names in groups.items():
        yield f"rules of {quoted(content.register)} checked by {by}: {', '.join(names)}"
