"""What a bundle shows and what it does not: an honest ledger's proofs, and every lie that one could tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed
from counterfoil.ledger import system
from counterfoil.proof import rules
from counterfoil.proof.bundle import Beginning, Bundle, Disclosure
from counterfoil.proof.canonical import canonical, digest, labelled
from counterfoil.proof.checkpoint import log_key
from counterfoil.proof.disclosure import commit
from counterfoil.proof.entry import Proposal
from counterfoil.proof.merkle import root
from counterfoil.proof.note import encode_base64
from counterfoil.proof.report import Report, Step
from counterfoil.proof.transaction import Endorsement
from counterfoil.proof.trust import Trust, TrustedAgency
from counterfoil.proof.verify import verify
from tests.proof.book import (
    COURT,
    COURT_KEY,
    COURT_LOG_KEY,
    DEADLINE,
    LATER,
    LOG_KEY,
    LOG_KEY_PQ,
    ORIGIN,
    REGISTRY,
    REGISTRY_KEY,
    START,
    Book,
    agency,
    cosigned,
    fields,
    index_claim,
    key,
    land,
)

PARAMETERS, MEMBER, COURT_MEMBER, DEFINITION, FIRST, OTHER, SECOND, INDEX = range(8)
"""The entries of `title_book`, by number."""
RULES = (
    (".register", "land", INDEX),
    (".agency", REGISTRY, INDEX),
    (".parameter", "ledger", INDEX),
)
CHECKED = (
    "form",
    "checkpoint",
    "entries",
    "signatures",
    "inclusion",
    "beginning",
    "first entries",
    "history",
    "index",
    "transactions",
    "completeness",
    "endorsements",
    "policies",
    "rules in force",
)


def title_book() -> Book:
    """Registry and Court as members, the register `land`, two versions of the title a, one of b, an index entry."""
    book = Book()
    book.begin()
    book.define("land")
    book.time = LATER
    book.take([land("a", 1), land("b", 1)])
    book.take([land("a", 2)])
    book.index()
    return book


def whole(book: Book, **told: Any) -> Bundle:
    """Both versions of the title a, that the second is its latest, and all that shows who endorsed them."""
    return book.bundle(
        [PARAMETERS, MEMBER, DEFINITION, FIRST, SECOND], [("land", "a", INDEX), *RULES], **told
    )


def failures(report: Report) -> list[str]:
    """The names of the steps that failed; none may be claimed then."""
    names = [step.name for step in report.steps if step.passed is False]
    assert (report.verdict == "not valid") is bool(names)
    assert not names or (report.claims == () and report.level is None)
    return names


def step(report: Report, name: str) -> Step:
    """The step of this name."""
    return next(each for each in report.steps if each.name == name)


def test_what_an_honest_bundle_shows() -> None:
    book = title_book()
    report = verify(whole(book).encode(), book.trust())

    assert (report.verdict, report.level) == ("valid", "sealed here")
    assert [each.name for each in report.steps] == list(CHECKED)
    assert {each.passed for each in report.steps} == {True}
    assert report.claims == (
        "land a versions 1, 2 stand in the log as entries 4, 6, at 2026-11-23T10:00:05Z; each names the one "
        "before it by its "
        "hash, so none is missing between them",
        "land a version 2 is the latest as of entry 7 (2026-11-23T10:00:05Z)",
        "land entries 4, 6: endorsed by EE/GOV/REGISTRY (a key of version 1, entry 1), as .register land version "
        "1 (entry "
        "3) asks",
        ".parameter ledger version 1 stands in the log as entry 0 since 2026-11-23T10:00:00Z",
        ".agency EE/GOV/REGISTRY version 1 stands in the log as entry 1 since 2026-11-23T10:00:00Z",
        ".register land version 1 stands in the log as entry 3 since 2026-11-23T10:00:00Z",
        ".register land version 1 is the latest as of entry 7 (2026-11-23T10:00:05Z)",
        ".agency EE/GOV/REGISTRY version 1 is the latest as of entry 7 (2026-11-23T10:00:05Z)",
        ".parameter ledger version 1 is the latest as of entry 7 (2026-11-23T10:00:05Z)",
        ".register entry 3: endorsed by EE/GOV/REGISTRY (a key of version 1, entry 1), as .parameter ledger version 1 "
        "(entry 0) asks",
    )


def test_each_step_says_what_was_compared_with_what() -> None:
    book = title_book()
    report = verify(whole(book), book.trust())
    genesis_root = book.trust().genesis_root
    assert {each.name: each.detail for each in report.steps} == {
        "form": f"{len(whole(book).encode())} bytes in the form proof-bundle/v1",
        "checkpoint": "a signed note that states 8 entries of the log ledger.example/one",
        "entries": "6 entries in canonical form, in the order of their numbers",
        "signatures": "the checkpoint of ledger.example/one over 8 entries, root "
        f"{encode_base64(root_of(book))}, is signed by EE/GOV/REGISTRY (ed25519); agencies that count: 1 of 1, and the "
        "trust policy requires 1; witnesses: 0 of 0, and it requires 0",
        "inclusion": "the hashes of 6 entries (0, 1, 3, 4, 6, 7) and 2 hashes of the proof lead to the "
        "checkpoint's root",
        "beginning": f"the checkpoint's log grew from the 3 entries with root {genesis_root}, as the trust policy "
        "pins it",
        "first entries": "entries 0, 1 without a transaction, and of the log's beginning, its first 3 entries",
        "history": "versions linked by the hash of the one before, of those that are here: 1",
        "index": "index proofs checked against the root of 1 .index entry: 4; 4 end at an entry of this bundle "
        "as the latest "
        "of its record, 0 at a bucket without the record",
        "transactions": "entries that are what a transaction proposed: 3; transactions: 3",
        "completeness": "each entry that was proposed stands with its transaction",
        "endorsements": "signatures over transactions that hold: 3, by 1 key",
        "policies": "every transaction is endorsed as asked for by .parameter ledger version 1 (entry 0), "
        ".register land "
        "version 1 (entry 3)",
        "rules in force": "each was the latest of its record when it was used: .parameter ledger version 1 (entry 0), "
        ".agency EE/GOV/REGISTRY version 1 (entry 1), .register land version 1 (entry 3)",
    }


def root_of(book: Book) -> bytes:
    return root(book.leaves)


def test_the_registers_of_the_ledger_have_the_same_names_here_and_in_its_rules() -> None:
    for name in (
        "AGENCY",
        "REGISTER",
        "PARAMETER",
        "ALGORITHM",
        "TRANSACTION",
        "INDEX",
        "GOVERNED",
        "LEDGER_ONLY",
    ):
        assert getattr(rules, name) == getattr(system, name)
    assert rules.PARAMETERS == system.LEDGER_PARAMETERS
    assert rules.STATE_MACHINE == system.STATE_MACHINE


# Who signed


def test_without_a_trust_policy_nothing_is_ever_valid() -> None:
    book = title_book()
    with_trust = verify(whole(book), book.trust())
    report = verify(whole(book), None)
    assert (report.verdict, report.level) == ("consistent, signer unknown", None)
    assert report.claims == with_trust.claims
    assert [each.name for each in report.unchecked] == ["signatures", "first entries"]
    assert step(report, "signatures").detail.startswith(
        "not checked: no trust policy was given, so nothing says whose signatures count; the checkpoint of "
        "ledger.example/one"
    )


def test_without_a_trust_policy_a_line_by_a_listed_key_must_still_hold() -> None:
    book = title_book()
    forged = book.note().replace("\n8\n", "\n9\n")
    assert failures(verify(whole(book, note=forged), None)) == ["signatures", "inclusion", "beginning"]


def test_a_checkpoint_by_an_unknown_key_does_not_count() -> None:
    book = title_book()
    report = verify(whole(book, note=book.note(keys=[key("a stranger")])), book.trust())
    assert failures(report) == ["signatures"]
    assert "is signed by no one" in step(report, "signatures").detail
    assert "lines by keys that the policy does not name: 1" in step(report, "signatures").detail


def test_a_checkpoint_of_another_log_does_not_count() -> None:
    book = title_book()
    other = Book("ledger.example/two")
    other.begin()
    trust = other.trust(genesis_root=None, genesis_size=None)
    report = verify(whole(book), trust)
    assert failures(report) == ["signatures"]
    assert (
        "is of the log 'ledger.example/one', not of 'ledger.example/two'" in step(report, "signatures").detail
    )


def test_as_many_agencies_must_have_signed_as_the_policy_requires() -> None:
    book = title_book()
    agencies = (
        TrustedAgency(REGISTRY, (log_key(ORIGIN, LOG_KEY.public),)),
        TrustedAgency(COURT, (log_key(ORIGIN, COURT_LOG_KEY.public),)),
    )
    trust = book.trust(agencies=agencies, require=2)
    assert failures(verify(whole(book), trust)) == ["signatures"]
    # One agency that signs twice is one agency.
    twice = book.note(keys=[LOG_KEY, LOG_KEY])
    assert failures(verify(whole(book, note=twice), trust)) == ["signatures"]
    both = verify(whole(book, note=book.note(keys=[LOG_KEY, COURT_LOG_KEY])), trust)
    assert both.verdict == "valid"
    assert both.level == "sealed here"


def test_a_policy_may_require_ml_dsa_44() -> None:
    book = title_book()
    keys = (log_key(ORIGIN, LOG_KEY.public), log_key(ORIGIN, LOG_KEY_PQ.public))
    trust = book.trust(agencies=(TrustedAgency(REGISTRY, keys),), require_algorithms=("ml-dsa-44",))
    assert failures(verify(whole(book), trust)) == ["signatures"]
    report = verify(whole(book, note=book.note(keys=[LOG_KEY, LOG_KEY_PQ])), trust)
    assert report.verdict == "valid"
    assert "EE/GOV/REGISTRY (ed25519, ml-dsa-44)" in step(report, "signatures").detail


def test_an_algorithm_that_has_ended_counts_only_for_a_checkpoint_known_to_be_older() -> None:
    book = title_book()
    trust = book.trust(algorithms={"ed25519": "2030-01-01T00:00:00Z"})
    assert failures(verify(whole(book), trust)) == ["signatures"]
    assert failures(verify(whole(book), trust, at="2030-01-01T00:00:01Z")) == ["signatures"]
    assert verify(whole(book), trust, at="2029-12-31T00:00:00Z").verdict == "valid"


def test_endorsements_count_by_the_time_of_their_entries() -> None:
    book = title_book()
    keys = (log_key(ORIGIN, LOG_KEY.public), log_key(ORIGIN, LOG_KEY_PQ.public))
    trust = book.trust(
        agencies=(TrustedAgency(REGISTRY, keys),), algorithms={"ml-dsa-44": None, "ed25519": START}
    )
    report = verify(whole(book, note=book.note(keys=[LOG_KEY, LOG_KEY_PQ])), trust)
    # The definition was endorsed at START, the titles five seconds later.
    assert failures(report) == ["policies"]
    assert step(report, "endorsements").detail == (
        "signatures over transactions that hold: 3, by 1 key; not counted, because the trust policy ended the "
        "algorithm by "
        "then: ed25519"
    )
    assert "the transaction of entry 4 asks for agency:EE/GOV/REGISTRY" in step(report, "policies").detail


def test_a_time_that_is_none_is_the_callers_mistake() -> None:
    book = title_book()
    with pytest.raises(Malformed, match="is not a time"):
        verify(whole(book), book.trust(), at="yesterday")


# The level


def test_a_witness_makes_it_witnessed() -> None:
    book = title_book()
    note, witness = cosigned(book.note(), "witness.example", key("a witness"))
    for required in (0, 1):
        trust = book.trust(witnesses=(witness,), require_witnesses=required)
        assert verify(whole(book, note=note), trust).level == "witnessed"
    assert verify(whole(book), book.trust(witnesses=(witness,))).level == "sealed here"
    missing = verify(whole(book), book.trust(witnesses=(witness,), require_witnesses=1))
    assert failures(missing) == ["signatures"]
    unknown = verify(whole(book, note=note), book.trust())
    assert unknown.level == "sealed here"


@pytest.mark.parametrize(
    ("members", "require", "signing", "level"),
    [
        (3, 3, 3, "sealed here"),
        (4, 2, 4, "sealed here"),
        (4, 3, 3, "replicated"),
        (4, 4, 4, "replicated"),
        (5, 3, 5, "sealed here"),
        (5, 4, 4, "replicated"),
    ],
)
def test_two_thirds_of_four_agencies_or_more_make_it_replicated(
    members: int, require: int, signing: int, level: str
) -> None:
    book = title_book()
    keys = [LOG_KEY, *(key(f"member {number}") for number in range(members - 1))]
    agencies = tuple(
        TrustedAgency(f"EE/GOV/{number}", (log_key(ORIGIN, each.public),)) for number, each in enumerate(keys)
    )
    trust = book.trust(agencies=agencies, require=require)
    report = verify(whole(book, note=book.note(keys=keys[:signing])), trust)
    assert (report.verdict, report.level) == ("valid", level)


# How the log began


def test_a_pinned_beginning_must_be_shown() -> None:
    book = title_book()
    bundle = msgspec.structs.replace(whole(book), genesis=None)
    report = verify(bundle, book.trust())
    assert failures(report) == ["beginning"]
    unpinned = verify(bundle, book.trust(genesis_root=None, genesis_size=None))
    assert unpinned.verdict == "valid"
    assert [each.name for each in unpinned.unchecked] == ["beginning", "first entries"]


def test_a_ledger_begun_anew_by_whoever_holds_all_keys_is_another_log() -> None:
    pinned = title_book().trust()
    rebuilt = Book()
    rebuilt.time = "2026-11-24T00:00:00Z"
    rebuilt.begin()
    rebuilt.define("land")
    rebuilt.take([land("a", 1), land("b", 1)])
    rebuilt.take([land("a", 2)])
    rebuilt.index()
    report = verify(whole(rebuilt), pinned)
    assert failures(report) == ["beginning"]
    assert step(report, "beginning").detail.endswith("it is another log")


def test_the_beginning_must_lead_to_the_checkpoint() -> None:
    book = title_book()
    right = whole(book).genesis
    assert right is not None
    for wrong in (
        Beginning(right.size, right.root, right.proof[1:]),
        Beginning(right.size, right.root, (*right.proof, bytes(32))),
        Beginning(right.size, right.root, (bytes(32), *right.proof[1:])),
        Beginning(9, right.root, right.proof),
    ):
        report = verify(msgspec.structs.replace(whole(book), genesis=wrong), None)
        assert failures(report) == ["beginning"]


def test_an_entry_that_nobody_proposed_is_refused_in_a_register() -> None:
    book = title_book()
    number = book.write(land("c", 1))
    for trust in (book.trust(), None):
        report = verify(book.bundle([number]), trust)
        assert failures(report) == ["first entries"]
        assert step(report, "first entries").detail == (
            "land c version 1 (entry 8) names no transaction, so nobody proposed it"
        )


def test_a_member_that_nobody_voted_in_is_refused_after_the_beginning() -> None:
    book = title_book()
    number = book.write(Proposal(".agency", "XX/GOV/INTRUDER", "create", body=agency(key("intruder"))))
    report = verify(book.bundle([number]), book.trust())
    assert failures(report) == ["first entries"]
    assert step(report, "first entries").detail == (
        ".agency XX/GOV/INTRUDER version 1 (entry 8) names no transaction, and stands after the first 3 entries"
    )
    # A beginning that the bundle itself makes longer is not one that anybody pinned.
    longer = msgspec.structs.replace(book.bundle([number]), genesis=Beginning(9, labelled(root_of(book)), ()))
    assert failures(verify(longer, book.trust())) == ["beginning"]
    unpinned = verify(longer, book.trust(genesis_root=None, genesis_size=None))
    assert step(unpinned, "first entries").passed is None


# What stands in the log


def edited(bundle: Bundle, position: int, old: str, new: str) -> Bundle:
    """The bundle with one entry's text changed."""
    texts = list(bundle.entries)
    assert old in texts[position]
    texts[position] = texts[position].replace(old, new)
    return msgspec.structs.replace(bundle, entries=tuple(texts))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"holder":"holder 2"', '"holder":"somebody else"'),
        ('"record":"a"', '"record":"b"'),
        ('"register":"land"', '"register":"sea"'),
        ('"time":"2026-11-23T10:00:05Z"', '"time":"2026-11-23T10:00:06Z"'),
        ('"operation":"amend"', '"operation":"close"'),
        ('"version":2', '"version":3'),
    ],
)
def test_no_member_of_an_entry_can_be_changed(old: str, new: str) -> None:
    book = title_book()
    report = verify(edited(whole(book), 4, old, new), book.trust())
    assert "inclusion" in failures(report)


def test_an_entry_does_not_stand_at_another_number() -> None:
    book = title_book()
    report = verify(edited(whole(book), 4, '"number":6', '"number":5'), book.trust())
    assert "inclusion" in failures(report)
    beyond = verify(edited(whole(book), 5, '"number":7', '"number":8'), book.trust())
    assert "inclusion" in failures(beyond)
    assert step(beyond, "inclusion").detail == "the leaf 8 is outside the tree of 8"


def test_entries_stand_once_each_and_in_order() -> None:
    book = title_book()
    right = whole(book)
    for entries in (
        (right.entries[0], *right.entries),
        tuple(reversed(right.entries)),
        (*right.entries, right.entries[-1]),
    ):
        report = verify(msgspec.structs.replace(right, entries=entries), book.trust())
        assert failures(report) == ["entries"]
        assert "stands twice in the bundle, or after a later one" in step(report, "entries").detail


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"fields":{', '"fields": {'),
        ('"version":2', '"version":2.0'),
        ('"number":6,', ""),
        ('"a"', '"\\u0061"'),
    ],
)
def test_entries_stand_in_their_canonical_form(old: str, new: str) -> None:
    book = title_book()
    report = verify(edited(whole(book), 4, old, new), book.trust())
    assert failures(report) == ["entries"]
    assert step(report, "entries").detail.startswith("the bundle's entry at position 4: ")


def test_an_older_checkpoint_does_not_hold_later_entries() -> None:
    book = title_book()
    report = verify(whole(book, note=book.note(6)), book.trust())
    assert failures(report) == ["inclusion", "beginning"]
    assert step(report, "inclusion").detail == "the leaf 7 is outside the tree of 6"


# How versions follow each other


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (
            {"previous": labelled(bytes(32))},
            "does not name land a version 1 (entry 4) by its hash as the version before it",
        ),
        ({"previous": None}, "is a first version and names one before it, or a later one and names none"),
        ({"version": 1, "previous": None}, "which is not an earlier version"),
        ({"version": 1}, "is a first version and names one before it, or a later one and names none"),
    ],
)
def test_versions_name_the_one_before_them(place: dict[str, Any], said: str) -> None:
    book = Book()
    book.begin()
    book.define("land")
    first = book.take([land("a", 1)])
    book.take([land("a", 2)], write=[])
    second = book.write(land("a", 2), transaction_of(book, -1), **place)
    report = verify(book.bundle([first, second], transactions=[]), None)
    assert failures(report) == ["history"]
    assert step(report, "history").detail.endswith(said)


def transaction_of(book: Book, which: int) -> str:
    """The hash of a transaction that the book has taken."""
    return digest(book.written[which].header.encode())


def test_time_never_steps_back() -> None:
    book = title_book()
    book.time = START
    late = book.take([land("c", 1)])
    report = verify(book.bundle([FIRST, late]), book.trust())
    assert failures(report) == ["history"]
    assert step(report, "history").detail == "entry 8 is older than entry 4, which stands before it"


def test_a_hidden_version_is_a_gap_that_the_report_names() -> None:
    book = title_book()
    for version in range(3, 7):
        book.take([land("a", version)])
    shown = verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, FIRST, SECOND, 9, 11]), book.trust())
    assert shown.claims[0] == (
        "land a versions 1, 2, 4, 6 stand in the log as entries 4, 6, 9, 11, at 2026-11-23T10:00:05Z; not here, "
        "and not to "
        "be judged: 3, 5"
    )
    assert "so whether it asked for endorsements of its own (control)" in step(shown, "policies").detail


# What the transactions proposed


def test_a_transaction_for_another_ledger_does_not_count_here() -> None:
    book = title_book()
    number = book.take([land("c", 1)], origin="ledger.example/two")
    report = verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, number]), book.trust())
    assert failures(report) == ["transactions"]
    assert step(report, "transactions").detail.endswith(
        "is for the ledger ledger.example/two, not for the checkpoint's"
    )


@pytest.mark.parametrize(
    ("proposed", "written"),
    [
        (land("c", 1), land("c", 1, body=fields(id="c", holder="somebody else"))),
        (land("c", 1), land("d", 1)),
        (land("c", 1), land("c", 1, control=f"agency:{COURT}")),
        (land("c", 1, status="registered"), land("c", 1, status="cancelled")),
        (Proposal("sea", "c", "create", 1, body=fields(id="c")), land("c", 1, body=fields(id="c"))),
    ],
)
def test_an_entry_that_was_not_what_was_endorsed_is_named(proposed: Proposal, written: Proposal) -> None:
    book = title_book()
    number = book.take([proposed], write=[written])
    report = verify(book.bundle([number]), book.trust())
    assert failures(report) == ["transactions"]
    assert step(report, "transactions").detail.startswith("entry 8 cannot be what the transaction sha256:")


@pytest.mark.parametrize("first", [0, 3, 5, 7, 2**53 - 1])
def test_a_proposal_stands_where_its_entry_does(first: int) -> None:
    book = title_book()
    bundle = book.bundle([FIRST])
    moved = msgspec.structs.replace(bundle.transactions[0], first=first)
    report = verify(msgspec.structs.replace(bundle, transactions=(moved,)), book.trust())
    assert failures(report) == ["transactions"]


def test_a_transaction_that_no_entry_names_does_not_belong_in_the_bundle() -> None:
    book = title_book()
    right = whole(book)
    lacking = msgspec.structs.replace(book.bundle([FIRST]), transactions=right.transactions)
    assert failures(verify(lacking, book.trust())) == ["transactions"]


@pytest.mark.parametrize("arrange", [lambda all_: (*all_, all_[-1]), lambda all_: all_[::-1]])
def test_transactions_stand_once_each_and_in_order(arrange: Callable[[Any], Any]) -> None:
    book = title_book()
    right = whole(book)
    report = verify(msgspec.structs.replace(right, transactions=arrange(right.transactions)), book.trust())
    assert failures(report) == ["transactions"]


@pytest.mark.parametrize(
    "header",
    [
        {"deadline": "2026-11-23T10:00:04Z"},
        {"not_before": "2026-11-23T10:00:06Z"},
        {"root": labelled(bytes(32))},
        {"count": 2},
        {"count": 0},
        {"root": "sha1:00"},
        {"deadline": "soon"},
    ],
)
def test_a_transaction_is_taken_as_its_endorsers_signed_it(header: dict[str, Any]) -> None:
    book = title_book()
    number = book.take([land("c", 1)], **header)
    report = verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, number]), book.trust())
    assert failures(report) == ["transactions"]


def test_one_block_writes_a_whole_transaction() -> None:
    book = title_book()
    first = book.take([land("c", 1), land("d", 1)], write=[land("c", 1)])
    book.time = "2026-11-23T10:00:06Z"
    book.write(land("d", 1), transaction_of(book, -1))
    report = verify(book.bundle([first, first + 1]), book.trust())
    assert failures(report) == ["transactions"]
    assert "have different times" in step(report, "transactions").detail


def test_a_transaction_that_is_left_out_leaves_only_the_entry() -> None:
    book = title_book()
    report = verify(book.bundle([DEFINITION, FIRST], transactions=[]), book.trust())
    assert report.verdict == "valid"
    assert step(report, "completeness") == Step(
        "completeness",
        None,
        "not checked: entries 3, 4 without the transaction, so who endorsed it is not shown",
    )
    assert [claim for claim in report.claims if "endorsed" in claim] == []


def test_the_version_before_may_stand_without_its_transaction() -> None:
    book = title_book()
    told = [each for each in book.written if each.first != FIRST]
    report = verify(whole(book, transactions=told), book.trust())
    assert {each.passed for each in report.steps} == {True}
    assert step(report, "completeness").detail == (
        "each entry stands with its transaction, but entry 4, here only beside another version"
    )
    assert "land entry 6: endorsed by" in report.claims[2]


def test_neighbours_that_all_lack_their_transactions_are_not_passed_over() -> None:
    book = title_book()
    report = verify(book.bundle([FIRST, SECOND], transactions=[]), book.trust())
    assert step(report, "completeness") == Step(
        "completeness",
        None,
        "not checked: entries 4, 6 without the transaction, so who endorsed it is not shown",
    )


# Registers in which the ledger gives the version


def visits_book(**definition: Any) -> tuple[Book, int]:
    book = title_book()
    book.define("visits", **definition)
    visit = Proposal("visits", "a", "amend", body=fields(by="somebody"))
    return book, book.take([visit, visit])


def test_where_the_ledger_gives_the_version_the_proposal_has_none() -> None:
    book, first = visits_book(append=True)
    numbers = [PARAMETERS, MEMBER, 8, first, first + 1]
    report = verify(book.bundle(numbers, append=("visits",)), book.trust())
    assert report.verdict == "valid"
    assert report.claims[1].endswith(
        "; their versions were given by the ledger; whether those rules and keys were still "
        "in force is not shown"
    )
    assert failures(verify(book.bundle(numbers), book.trust())) == ["transactions"]


def test_only_the_definition_says_whether_a_register_appends() -> None:
    book, first = visits_book()
    report = verify(book.bundle([PARAMETERS, MEMBER, 8, first], append=("visits",)), book.trust())
    assert failures(report) == ["policies"]
    assert step(report, "policies").detail == (
        "the bundle's append does not say of visits what .register visits version 1 (entry 8) does"
    )


def test_a_register_does_not_append_because_the_bundle_says_so() -> None:
    book = title_book()
    assert failures(verify(whole(book, append=("land",)), book.trust())) == ["transactions"]
    # Of registers that are not in the bundle it may say what it likes.
    assert (
        verify(whole(book, append=("sea",)), book.trust()).claims == verify(whole(book), book.trust()).claims
    )


# Who endorsed


def test_every_endorsement_must_hold() -> None:
    book = title_book()
    right = whole(book)
    wrong = Endorsement(COURT_KEY.public.text, right.transactions[0].endorsements[0].signature)
    spoilt = msgspec.structs.replace(
        right.transactions[0], endorsements=(*right.transactions[0].endorsements, wrong)
    )
    report = verify(
        msgspec.structs.replace(right, transactions=(spoilt, *right.transactions[1:])), book.trust()
    )
    assert failures(report) == ["endorsements"]
    assert step(report, "endorsements").detail.startswith("an endorsement of entry 3 does not hold: ")


def test_an_endorsement_of_another_transaction_is_none_of_this_one() -> None:
    book = title_book()
    right = whole(book)
    swapped = msgspec.structs.replace(right.transactions[2], endorsements=right.transactions[1].endorsements)
    report = verify(
        msgspec.structs.replace(right, transactions=(*right.transactions[:2], swapped)), book.trust()
    )
    assert failures(report) == ["endorsements"]


def quorum_book(*keys: Any, require: int = 2, agencies: Any = None) -> tuple[Book, int]:
    """A register that Registry and Court must both endorse, and one entry endorsed with `keys`."""
    book = Book()
    book.begin(agencies=agencies)
    policy = {"require": require, "of": [f"agency:{REGISTRY}", f"agency:{COURT}"]}
    book.define("land", policy=policy)
    return book, book.take([land("a", 1)], keys)


def test_as_many_agencies_must_have_endorsed_as_the_definition_asks() -> None:
    book, number = quorum_book(REGISTRY_KEY, COURT_KEY)
    report = verify(book.bundle(range(number + 1)), book.trust())
    assert report.verdict == "valid"
    assert report.claims[1].startswith(
        "land entry 4: endorsed by EE/GOV/REGISTRY (a key of version 1, entry 1) and EE/GOV/COURT (a key of "
        "version 1, entry "
        "2), as .register land version 1 (entry 3) asks"
    )


@pytest.mark.parametrize(
    "keys", [(REGISTRY_KEY,), (REGISTRY_KEY, REGISTRY_KEY), (REGISTRY_KEY, key("a stranger"))]
)
def test_an_endorsement_counts_once_and_only_for_a_member(keys: Any) -> None:
    book, number = quorum_book(*keys)
    report = verify(book.bundle(range(number + 1)), book.trust())
    assert failures(report) == ["policies"]
    assert step(report, "policies").detail == (
        "the transaction of entry 4 asks for 2 of (agency:EE/GOV/REGISTRY, agency:EE/GOV/COURT), and is "
        "endorsed by "
        "agency:EE/GOV/REGISTRY"
    )


def test_one_signature_is_never_two_agencies() -> None:
    shared = {REGISTRY: REGISTRY_KEY, COURT: REGISTRY_KEY}
    book, number = quorum_book(REGISTRY_KEY, agencies=shared)
    assert failures(verify(book.bundle(range(number + 1)), book.trust())) == ["policies"]
    one, number = quorum_book(REGISTRY_KEY, require=1, agencies=shared)
    assert verify(one.bundle(range(number + 1)), one.trust()).verdict == "valid"


def test_an_agency_that_is_not_in_the_bundle_is_not_shown_to_have_endorsed() -> None:
    book, number = quorum_book(REGISTRY_KEY, COURT_KEY)
    report = verify(book.bundle([PARAMETERS, MEMBER, 3, number]), book.trust())
    assert report.verdict == "valid"
    assert step(report, "policies") == Step(
        "policies",
        None,
        "not checked: the bundle does not show the keys of EE/GOV/COURT, on which the transaction of entry 4 depends",
    )
    assert [claim for claim in report.claims if claim.startswith("land entry 4: endorsed")] == []
    # But what cannot hold whoever else signed is refused without it.
    lacking, number = quorum_book(COURT_KEY)
    short = verify(lacking.bundle([PARAMETERS, MEMBER, 3, number]), lacking.trust())
    assert failures(short) == ["policies"]


def test_the_submitting_agency_must_have_endorsed() -> None:
    book = title_book()
    number = book.take([land("c", 1)], agency=COURT)
    report = verify(book.bundle([PARAMETERS, MEMBER, COURT_MEMBER, DEFINITION, number]), book.trust())
    assert failures(report) == ["policies"]
    assert "asks for agency:EE/GOV/COURT, and is endorsed by none of these" in step(report, "policies").detail


def test_without_the_definition_nothing_is_said_of_endorsements() -> None:
    book = title_book()
    report = verify(book.bundle([PARAMETERS, MEMBER, FIRST]), book.trust())
    assert step(report, "policies").detail == ("not checked: the bundle does not show who may change land")
    assert [claim for claim in report.claims if "endorsed" in claim] == []


NEW_KEY = key("registry endorses anew")


def rotated_book() -> tuple[Book, int, int, int]:
    """The Registry's key is replaced; a title is endorsed with the old one before, and with the new one after."""
    book = title_book()
    before = book.take([land("c", 1)])
    replaced = book.take([Proposal(".agency", REGISTRY, "amend", 2, body=agency(NEW_KEY))])
    after = book.take([land("d", 1)], [NEW_KEY])
    return book, before, replaced, after


def test_keys_count_as_they_were_before_the_transaction() -> None:
    book, before, replaced, after = rotated_book()
    numbers = [PARAMETERS, MEMBER, DEFINITION, before, replaced, after]
    report = verify(book.bundle(numbers), book.trust())
    assert report.verdict == "valid"
    assert "land entry 8: endorsed by EE/GOV/REGISTRY (a key of version 1, entry 1)" in report.claims[2]
    assert "land entry 10: endorsed by EE/GOV/REGISTRY (a key of version 2, entry 9)" in report.claims[3]


def test_a_key_that_was_replaced_counts_no_longer() -> None:
    book, _, replaced, _ = rotated_book()
    late = book.take([land("e", 1)], [REGISTRY_KEY])
    report = verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, replaced, late]), book.trust())
    assert failures(report) == ["policies"]


def test_an_outdated_key_or_rule_is_not_said_to_have_been_in_force() -> None:
    book, _, _, _ = rotated_book()
    book.take(
        [Proposal(".register", "land", "amend", 2, body=fields(title="land", authority=COURT))], [NEW_KEY]
    )
    late = book.take([land("e", 1)], [REGISTRY_KEY])
    book.index()
    report = verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, late]), book.trust())
    assert step(report, "rules in force").passed is None
    assert (
        "whether .register land version 1 (entry 3) was the latest before entry 12"
        in step(report, "rules in force").detail
    )
    assert (
        "whether .agency EE/GOV/REGISTRY version 1 (entry 1) was the latest before entry 12"
        in step(report, "rules in force").detail
    )
    said = [claim for claim in report.claims if claim.startswith("land entry 12: endorsed")]
    assert len(said) == 1
    assert said[0].endswith("; whether those rules and keys were still in force is not shown")
    # An older index does not help: it says what was the latest before those changes.
    older = verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, late], RULES), book.trust())
    assert step(older, "rules in force").passed is None
    # And the newer one does not say what the bundle would have it say.
    newer = [(".register", "land", 13)]
    assert failures(verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, late], newer), book.trust())) == [
        "index"
    ]


def test_the_next_version_shows_that_a_rule_was_in_force_until_then() -> None:
    book, before, replaced, _ = rotated_book()
    numbers = [PARAMETERS, MEMBER, DEFINITION, before, replaced]
    rest = [(".register", "land", 11), (".parameter", "ledger", 11)]
    book.index()
    report = verify(book.bundle(numbers, rest), book.trust())
    assert {each.passed for each in report.steps} == {True}


def test_keys_that_nobody_was_shown_to_endorse_carry_no_weight() -> None:
    # Whoever keeps the log alone can write a member's new keys into it, and hide by what right.
    book = title_book()
    intruder = key("intruder")
    changed = book.take([Proposal(".agency", REGISTRY, "amend", 2, body=agency(intruder))], [intruder])
    forged = book.take([land("a", 3)], [intruder])
    numbers = [PARAMETERS, MEMBER, DEFINITION, FIRST, SECOND, changed, forged]
    assert failures(verify(book.bundle(numbers), book.trust())) == ["policies"]
    hidden = [each for each in book.written if each.first != changed]
    report = verify(book.bundle(numbers, transactions=hidden), book.trust())
    assert step(report, "policies") == Step(
        "policies",
        None,
        "not checked: the bundle does not show who endorsed .agency EE/GOV/REGISTRY version 2 (entry 8)",
    )
    said = [claim for claim in report.claims if claim.startswith("land entry 9: endorsed")]
    assert "; who endorsed those rules and keys is not shown" in said[0]


def test_a_member_that_has_left_endorses_nothing() -> None:
    book = title_book()
    left = book.take([Proposal(".agency", REGISTRY, "close", 2)])
    late = book.take([land("c", 1)])
    report = verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, left, late]), book.trust())
    assert failures(report) == ["policies"]


def test_nothing_follows_in_a_register_that_has_ended() -> None:
    book = title_book()
    ended = book.take([Proposal(".register", "land", "close", 2)])
    late = book.take([land("c", 1)])
    report = verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, ended, late]), book.trust())
    assert failures(report) == ["policies"]
    assert "the register 'land' has ended with entry 8" in step(report, "policies").detail


def test_rules_of_a_later_version_are_not_guessed_at() -> None:
    book = Book()
    parameters = fields(origin=ORIGIN, state_machine=2, governance=f"agency:{REGISTRY}")
    book.write(Proposal(".parameter", "ledger", "create", body=parameters))
    book.write(Proposal(".agency", REGISTRY, "create", body=agency(REGISTRY_KEY)))
    book.genesis_size = 2
    number = book.define("land")
    report = verify(book.bundle([0, 1, number]), book.trust())
    assert failures(report) == ["policies"]
    assert "follows rules of version 2; this program knows version 1" in step(report, "policies").detail


@pytest.mark.parametrize(
    "definition",
    [
        {"policy": {"require": 3, "of": [f"agency:{REGISTRY}"]}},
        {"policy": ["agency:x"]},
        {"authority": 7},
        {"constraints": [{"kind": "authorised-by", "name": "x"}]},
        {"recovery": 0},
        {"append": "yes"},
    ],
)
def test_a_definition_that_is_none_satisfies_nothing(definition: dict[str, Any]) -> None:
    book = Book()
    book.begin()
    number = book.define("land", **definition)
    title = book.take([land("a", 1)])
    report = verify(book.bundle([PARAMETERS, MEMBER, number, title]), book.trust())
    assert failures(report) == ["policies"]


# What a record asks of its next change, and a definition of some


def controlled_book(*keys: Any, **definition: Any) -> tuple[Book, list[int]]:
    """A title whose next change its holder's key must endorse, and that change endorsed with `keys`."""
    book = Book()
    book.begin()
    book.define("land", **definition)
    holder = f"key:{key('holder').public.text}"
    first = book.take([land("a", 1, control=holder)])
    return book, [PARAMETERS, MEMBER, COURT_MEMBER, 3, first, book.take([land("a", 2)], keys)]


def test_a_title_does_not_move_without_its_holders_key() -> None:
    book, numbers = controlled_book(REGISTRY_KEY)
    report = verify(book.bundle(numbers), book.trust())
    assert failures(report) == ["policies"]
    book, numbers = controlled_book(REGISTRY_KEY, key("holder"))
    report = verify(book.bundle(numbers), book.trust())
    assert report.verdict == "valid"
    assert f" and {key('holder').public.text}, as .register land" in report.claims[2]


def test_a_version_that_is_left_out_cannot_hide_what_it_asked_for() -> None:
    book, numbers = controlled_book(REGISTRY_KEY)
    del numbers[4]
    report = verify(book.bundle(numbers), book.trust())
    assert step(report, "policies").detail == (
        "not checked: the bundle does not show the version before land a version 2 (entry 5), and so whether it "
        "asked for "
        "endorsements of its own (control)"
    )


def test_a_member_whose_own_control_is_hidden_carries_no_weight() -> None:
    # The Court has said that nobody changes its keys without itself; governance, the Registry alone, does so still.
    book = Book()
    book.begin()
    book.define("land", policy=f"agency:{COURT}")
    held = Proposal(".agency", COURT, "amend", 2, body=agency(COURT_KEY), control=f"agency:{COURT}")
    first = book.take([held], [REGISTRY_KEY, COURT_KEY])
    stolen = book.take([Proposal(".agency", COURT, "amend", 3, body=agency(key("thief")))])
    title = book.take([land("a", 1)], [REGISTRY_KEY, key("thief")])
    shown = [PARAMETERS, MEMBER, COURT_MEMBER, 3, first, stolen, title]
    assert failures(verify(book.bundle(shown), book.trust())) == ["policies"]
    report = verify(book.bundle([PARAMETERS, MEMBER, 3, stolen, title]), book.trust())
    assert step(report, "policies").passed is None
    said = {claim for claim in report.claims if ": endorsed by" in claim and "entry 3:" not in claim}
    assert len(said) == 2
    assert all(
        "what the version before asked for is not shown" in claim
        or "who endorsed those rules and keys is not shown" in claim
        for claim in said
    )


def test_the_definitions_recovery_stands_in_for_a_lost_key() -> None:
    book, numbers = controlled_book(REGISTRY_KEY, COURT_KEY, recovery=f"agency:{COURT}")
    assert verify(book.bundle(numbers), book.trust()).verdict == "valid"
    book, numbers = controlled_book(REGISTRY_KEY, recovery=f"agency:{COURT}")
    assert failures(verify(book.bundle(numbers), book.trust())) == ["policies"]


def test_control_within_one_transaction() -> None:
    book = Book()
    book.begin()
    book.define("land")
    holder = f"key:{key('holder').public.text}"
    first = book.take([land("a", 1, control=holder), land("a", 2)])
    numbers = [PARAMETERS, MEMBER, 3, first, first + 1]
    assert failures(verify(book.bundle(numbers), book.trust())) == ["policies"]


def test_some_operations_ask_for_endorsements_of_their_own() -> None:
    court = {"kind": "authorised-by", "name": "court", "operations": ["annul"], "policy": f"agency:{COURT}"}
    for keys, failed in (((REGISTRY_KEY,), ["policies"]), ((REGISTRY_KEY, COURT_KEY), [])):
        book = Book()
        book.begin()
        book.define("land", constraints=[court])
        first = book.take([land("a", 1)])
        second = book.take([land("a", 2, operation="annul", body=None)], keys)
        numbers = [PARAMETERS, MEMBER, COURT_MEMBER, 3, first, second]
        report = verify(book.bundle(numbers), book.trust())
        assert failures(report) == failed


def test_what_the_ledger_cannot_see_was_checked_by_the_submitter_only() -> None:
    book = Book()
    book.begin()
    book.define("land", schema={"type": "object"})
    item = labelled(commit({"holder": "Mari"}).commitment)
    number = book.take([land("a", 1, body=None, item=item)])
    report = verify(book.bundle([PARAMETERS, MEMBER, 3, number]), book.trust())
    assert (
        "; what the ledger cannot see of them was checked by the submitting agency only" in report.claims[1]
    )


# What the index says


def test_that_there_is_no_such_record() -> None:
    book = title_book()
    report = verify(
        book.bundle([PARAMETERS, MEMBER, DEFINITION], [("land", "zz", INDEX), *RULES]), book.trust()
    )
    assert report.claims[0] == (
        "there is no record zz in the register land as of entry 7 (2026-11-23T10:00:05Z)"
    )


def test_absence_of_a_pseudonym_is_proved_as_far_as_its_keys_holder_is_honest() -> None:
    book = Book()
    book.begin()
    number = book.define("births", record_id="hmac-sha256")
    index = book.index()
    report = verify(book.bundle([number], [("births", "zz", index)]), book.trust())
    assert report.claims[0].endswith("as far as the holder of the register's key is honest")


def test_a_record_that_has_ended_is_said_to_have() -> None:
    book = title_book()
    ended = book.take([land("a", 3, operation="close")])
    index = book.index()
    report = verify(book.bundle([ended], [("land", "a", index)]), book.trust())
    assert report.claims[1] == (
        "land a version 3 is the latest as of entry 9 (2026-11-23T10:00:05Z), and the record has ended (close)"
    )


def test_the_index_speaks_of_its_time_only() -> None:
    book = title_book()
    third = book.take([land("a", 3)])
    report = verify(book.bundle([SECOND, third], [("land", "a", INDEX)]), book.trust())
    assert "land a version 2 is the latest as of entry 7 (2026-11-23T10:00:05Z)" in report.claims
    again = book.index()
    both = verify(book.bundle([SECOND, third], [("land", "a", INDEX), ("land", "a", again)]), book.trust())
    assert "land a version 3 is the latest as of entry 9 (2026-11-23T10:00:05Z)" in both.claims


def claiming(bundle: Bundle, **told: Any) -> Bundle:
    """The bundle with its first index claim changed."""
    changed = msgspec.structs.replace(bundle.index[0], **told)
    return msgspec.structs.replace(bundle, index=(changed, *bundle.index[1:]))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"record": "zz"}, "the index claim about land zz has the key of another record"),
        ({"register": "sea"}, "the index claim about sea a has the key of another record"),
        ({"key": bytes(32)}, "the index claim about land a has the key of another record"),
        (
            {"register": ".index", "record": "root"},
            "an index claim is about .index, whose entries no index holds",
        ),
        ({"as_of": SECOND}, "entry 6 is of the register 'land', and not an index root"),
        ({"as_of": OTHER}, "the index claim about land a rests on entry 5, which is not in the bundle"),
        (
            {"bucket": b""},
            "the index proof does not lead to the index root; ask for the proof as of this root",
        ),
        (
            {"bucket": bytes(63)},
            "the index proof's bucket has over 16 pairs, or half a one; ask for it again",
        ),
        (
            {"siblings": (bytes(32),)},
            "the index proof's bucket holds a record that belongs elsewhere; ask for it again",
        ),
    ],
)
def test_an_index_claim_is_about_what_it_proves(told: dict[str, Any], said: str) -> None:
    book = title_book()
    report = verify(claiming(whole(book), **told), book.trust())
    assert "index" in failures(report)
    assert step(report, "index").detail == said


def test_another_records_latest_entry_is_not_this_ones() -> None:
    book = title_book()
    right = whole(book)
    other = book.claim("land", "b", INDEX)
    report = verify(claiming(right, record="b", key=other.key), book.trust())
    assert failures(report) == ["index"]
    assert (
        step(report, "index").detail
        == "the index of entry 7 names another entry of land b than the last one here"
    )


def test_an_index_of_many_records_has_paths() -> None:
    book = title_book()
    book.take([land(f"plot {number}", 1) for number in range(200)])
    index = book.index()
    bundle = book.bundle([FIRST, SECOND], [("land", "a", index), ("land", "plot 200", index)])
    assert [len(claim.siblings) for claim in bundle.index] == [4, 4]
    assert verify(bundle, book.trust()).claims[2] == (
        f"there is no record 'plot 200' in the register land as of entry {index} (2026-11-23T10:00:05Z)"
    )
    for told in ({"siblings": bundle.index[0].siblings[::-1]}, {"siblings": bundle.index[0].siblings[1:]}):
        assert failures(verify(claiming(bundle, **told), book.trust())) == ["index"]


def test_a_record_shown_by_the_bundle_is_not_absent() -> None:
    # Whoever keeps the log alone can write an index that leaves a record out.
    book = title_book()
    left_out = [("land", "a")]
    lying = book.index(leave_out=left_out)
    claim = index_claim(book.tree(leave_out=left_out), "land", "a", lying)
    bundle = msgspec.structs.replace(book.bundle([FIRST, lying]), index=(claim,))
    report = verify(bundle, book.trust())
    assert failures(report) == ["index"]
    assert step(report, "index").detail == (
        "the index of entry 8 holds no land a, but land a version 1 (entry 4) stands before it"
    )


@pytest.mark.parametrize("numbers", [[FIRST], [OTHER]])
def test_the_latest_version_must_be_the_one_that_is_shown(numbers: list[int]) -> None:
    book = title_book()
    report = verify(book.bundle(numbers, [("land", "a", INDEX)]), book.trust())
    assert failures(report) == ["index"]
    assert step(report, "index").detail == (
        "the index of entry 7 names another entry of land a than the last one here"
    )


@pytest.mark.parametrize("told", [{"size": 6}, {"root": "sha256:00"}, {"size": "all"}, {"more": 1}])
def test_an_index_entry_states_the_whole_log_before_it(told: dict[str, Any]) -> None:
    book = title_book()
    index = book.index(**told)
    report = verify(book.bundle([SECOND], [("land", "a", index)]), book.trust())
    assert failures(report) == ["index"]


def test_an_index_entry_is_one_that_the_ledger_wrote() -> None:
    book = title_book()
    root = labelled(book.tree().root())
    body = fields(root=root, size=len(book.entries))
    # In another register anybody may write such a thing.
    number = book.take([Proposal("land", "root", "create", 1, body=body)])
    report = verify(book.bundle([SECOND, number], [("land", "a", number)]), book.trust())
    assert failures(report) == ["index"]
    # And in .index nobody may.
    proposed = book.take([Proposal(".index", "root", "amend", 2, body=body)])
    report = verify(book.bundle([proposed]), book.trust())
    assert failures(report) == ["entries"]
    assert step(report, "entries").detail == (
        "entry 9 is the ledger's own, and names a transaction that it is not about"
    )


def test_the_history_of_a_pending_transaction_names_the_transaction_it_is_about() -> None:
    book = title_book()
    name = labelled(bytes(range(32)))
    told = Proposal(".transaction", name, "create", status="pending", body=fields(endorsements=[]))
    number = book.write(told, name)
    report = verify(book.bundle([number]), book.trust())
    assert report.verdict == "valid"
    assert report.claims[0].startswith(f".transaction {name} version 1 stands in the log as entry 8")
    other = book.write(Proposal(".transaction", name, "close", status="completed"), labelled(bytes(32)))
    assert failures(verify(book.bundle([number, other]), book.trust())) == ["entries"]


# Fields that are shown


def item_book() -> tuple[Book, int, Any]:
    book = title_book()
    salts = iter(bytes([number]) * 16 for number in range(1, 4))
    item = commit({"name": "Mari Mägi", "born": "1980-02-29", "note": "x\u202ey"}, lambda: next(salts))
    number = book.take([land("c", 1, body=None, item=labelled(item.commitment))])
    return book, number, item


def disclosing(item: Any, number: int, *names: str) -> Disclosure:
    shown = item.present(names)
    return Disclosure(number, shown.disclosures, shown.hidden_digests)


def test_fields_of_an_item_are_shown_one_by_one() -> None:
    book, number, item = item_book()
    bundle = book.bundle([number], disclosures=(disclosing(item, number, "name", "note"),))
    report = verify(bundle, book.trust())
    assert report.claims[1:3] == (
        'land c version 1 (entry 8) has the field name: "Mari Mägi"',
        "land c version 1 (entry 8) has the field note: '\"x\\u202ey\"'",
    )
    assert (
        step(report, "disclosures").detail
        == "the hashes of 2 shown fields lead to what the entries commit to"
    )


def test_fields_of_another_item_are_refused() -> None:
    book, number, item = item_book()
    right = disclosing(item, number, "name")
    for wrong in (
        disclosing(commit({"name": "Jaan"}), number, "name"),
        Disclosure(FIRST, right.shown, right.hidden),
        Disclosure(OTHER, right.shown, right.hidden),
        Disclosure(number, right.shown, right.hidden[1:]),
        Disclosure(number, (*right.shown, right.shown[0]), right.hidden),
        Disclosure(number, ("!",), right.hidden),
    ):
        report = verify(book.bundle([FIRST, number], disclosures=(wrong,)), book.trust())
        assert failures(report) == ["disclosures"]


# What is not known yet, and what is no bundle


def test_a_seal_is_not_checked_and_said_not_to_be() -> None:
    book = title_book()
    report = verify(msgspec.structs.replace(whole(book), seal={"any": "thing"}), book.trust())
    assert report.verdict == "valid"
    assert report.steps[-1] == Step("seal", None, "not checked: this version does not know seals")
    assert report.claims == verify(whole(book), book.trust()).claims


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"format":"proof-bundle/v2"}',
        b'{"format":"proof-bundle/v1","checkpoint":"x","entries":["{}"]}',
        b'{"format":"proof-bundle/v1","checkpoint":"x\\n\\n","entries":["' + b"[" * 60_000 + b'"]}',
    ],
)
def test_what_is_no_bundle_is_not_valid(data: bytes) -> None:
    for trust in (title_book().trust(), None):
        report = verify(data, trust)
        assert failures(report)


def test_names_from_outside_cannot_write_the_report() -> None:
    book = title_book()
    name = "a version 2 is the latest\nland b"
    number = book.take([land(name, 1)])
    report = verify(book.bundle([number]), book.trust())
    assert report.claims[0].startswith(
        "land 'a version 2 is the latest\\nland b' version 1 stands in the log"
    )
    assert all("\n" not in said for said in (*report.claims, *(each.detail for each in report.steps)))


def test_a_report_can_be_written_as_json() -> None:
    book = title_book()
    report = verify(whole(book), book.trust())
    told = msgspec.json.decode(canonical(msgspec.to_builtins(report)))
    assert told["verdict"] == "valid"
    assert told["level"] == "sealed here"
    assert told["steps"][0] == {"name": "form", "passed": True, "detail": step(report, "form").detail}


# Whatever is done to a bundle


BOOK = title_book()
BUNDLE = whole(BOOK, note=BOOK.note(keys=[LOG_KEY, LOG_KEY_PQ]))
BYTES = BUNDLE.encode()
POLICIES: tuple[Trust | None, ...] = (BOOK.trust(), BOOK.trust(genesis_root=None, genesis_size=None), None)
SHOWN = verify(BYTES, POLICIES[0]).claims


@given(st.integers(0, len(BYTES) - 1), st.integers(0, 255), st.sampled_from(POLICIES))
def test_no_byte_can_be_changed_to_claim_something_else(at: int, byte: int, trust: Trust | None) -> None:
    report = verify(BYTES[:at] + bytes([byte]) + BYTES[at + 1 :], trust)
    assert report.verdict == "not valid" or report.claims == SHOWN


@given(st.integers(0, len(BYTES) - 1), st.integers(0, len(BYTES)), st.binary(max_size=40))
def test_no_bytes_can_be_put_in_or_taken_out_to_claim_something_else(at: int, end: int, put: bytes) -> None:
    report = verify(BYTES[:at] + put + BYTES[max(at, end) :], POLICIES[0])
    assert report.verdict == "not valid" or set(report.claims) <= set(SHOWN)


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where every value within a JSON value stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for name, each in inner for path in paths(each, (*here, name)))]


JSON = msgspec.json.decode(BYTES)
PLACES = paths(JSON)[1:]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 2**53)
    | st.text(max_size=20)
    | st.sampled_from(BUNDLE.entries),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from(PLACES), VALUES, st.sampled_from(POLICIES))
def test_no_value_can_be_changed_to_claim_something_else(
    place: tuple[Any, ...], value: Any, trust: Trust | None
) -> None:
    changed = msgspec.json.decode(BYTES)
    around = changed
    for name in place[:-1]:
        around = around[name]
    around[place[-1]] = value
    report = verify(canonical(changed), trust)
    assert report.verdict == "not valid" or set(report.claims) <= set(SHOWN)


def plainly(claims: tuple[str, ...]) -> set[str]:
    """Claims without what qualifies them, those about the endorsement of several entries as one for each."""
    said = set()
    for claim in claims:
        plain = claim.partition(";")[0]
        group = re.fullmatch(r"(\S+) (?:entry|entries) ([0-9, ]+): (endorsed .*)", plain)
        said |= {f"{group[1]} {each}: {group[3]}" for each in group[2].split(", ")} if group else {plain}
    return said


@given(st.sets(st.sampled_from(PLACES), min_size=1, max_size=3), st.sampled_from(POLICIES))
def test_what_is_left_out_only_shows_less(places: set[tuple[Any, ...]], trust: Trust | None) -> None:
    changed = msgspec.json.decode(BYTES)
    for place in sorted(places, key=lambda each: (-len(each), str(each))):
        around = changed
        try:
            for name in place[:-1]:
                around = around[name]
            del around[place[-1]]
        except (KeyError, IndexError, TypeError):
            continue
    report = verify(canonical(changed), trust)
    assert report.verdict == "not valid" or plainly(report.claims) <= plainly(SHOWN)


PROFILE = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc-", max_size=8), inner, max_size=3)
    ),
    max_leaves=4,
)


def some_of(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these members, of any value."""
    return st.dictionaries(st.sampled_from(names), PROFILE, max_size=len(names))


@given(
    some_of("origin", "state-machine", "governance"),
    some_of("name", "endorse", "checkpoint"),
    some_of("title", "authority", "policy", "recovery", "append", "constraints", "schema", "record-id"),
    some_of("root", "size"),
    PROFILE,
)
def test_whatever_the_ledgers_own_entries_say_the_report_is_a_report(
    parameters: dict[str, Any],
    member: dict[str, Any],
    definition: dict[str, Any],
    index: dict[str, Any],
    control: Any,
) -> None:
    honest = {"origin": ORIGIN, "state-machine": 1, "governance": f"agency:{REGISTRY}"}
    book = Book()
    book.write(Proposal(".parameter", "ledger", "create", body={"fields": honest | parameters}))
    book.write(
        Proposal(".agency", REGISTRY, "create", body={"fields": agency(REGISTRY_KEY)["fields"] | member})
    )
    book.genesis_size = 2
    number = book.define("land", **definition)
    first = book.take([land("a", 1, control=control)])
    second = book.take([land("a", 2)])
    at = book.write(Proposal(".index", "root", "create", body={"fields": index}))
    for claims in ([], [("land", "a", at)]):
        for trust in (book.trust(), None):
            report = verify(book.bundle([0, 1, number, first, second, at], claims), trust)
            assert report.verdict != "valid" or trust is not None


def test_ten_thousand_versions_of_one_record_are_one_bundle() -> None:
    book = Book()
    book.begin()
    number = book.define("land")
    for first in range(1, 10_001, 1000):
        book.take([land("a", version) for version in range(first, first + 1000)])
    index = book.index()
    bundle = book.bundle(
        [PARAMETERS, MEMBER, number, *range(4, 10_004)], [("land", "a", index)], transactions=book.written
    )
    report = verify(bundle.encode(), book.trust())
    assert report.verdict == "valid"
    assert report.claims[0] == (
        "land a versions 1 to 10000 stand in the log as entries 4 to 10003, at 2026-11-23T10:00:00Z; each names "
        "the one "
        "before it by its hash, so none is missing between them"
    )
    assert report.claims[1] == "land a version 10000 is the latest as of entry 10004 (2026-11-23T10:00:00Z)"


def test_deadlines_are_inclusive() -> None:
    book = title_book()
    book.time = DEADLINE
    number = book.take([land("c", 1)], not_before=DEADLINE)
    assert verify(book.bundle([PARAMETERS, MEMBER, DEFINITION, number]), book.trust()).verdict == "valid"
