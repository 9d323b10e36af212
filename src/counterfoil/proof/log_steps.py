"""Steps of a verification about the log: who signed the checkpoint, how the log began, and what stands in it.

Each step returns what it showed, or raises: `Unverified` or `Malformed` where it failed, `NotFound` where the
bundle or the trust policy does not bring what it takes.
"""

from __future__ import annotations

from collections.abc import Iterator

from counterfoil.errors import NotFound, Unverified
from counterfoil.proof.bundle import Beginning, Bundle
from counterfoil.proof.canonical import unlabelled
from counterfoil.proof.checkpoint import Checkpoint, open_checkpoint
from counterfoil.proof.evidence import Evidence
from counterfoil.proof.merkle import verify_consistency, verify_inclusion
from counterfoil.proof.note import VerifierKey, encode_base64
from counterfoil.proof.report import entries, numbers, plural, quoted
from counterfoil.proof.rules import AGENCY, GOVERNED, INDEX, read_member
from counterfoil.proof.trust import Judgement, Signer, Trust, judge


def check_signed(note: bytes, trust: Trust, at: str | None) -> tuple[str, Judgement]:
    """Judge the checkpoint's signatures by a trust policy."""
    judgement = judge(trust, note, at)
    signed = [
        _describe_signer(signer)
        for signer in (*judgement.agencies, *judgement.witnesses)
        if signer.algorithms
    ]
    detail = (
        f"{_describe_checkpoint(judgement.signed.checkpoint)} is signed by {' and '.join(signed) or 'no one'}; "
        f"agencies that count: {judgement.agreed} of {len(judgement.agencies)}, and the trust policy requires "
        f"{judgement.require}; witnesses: {judgement.witnessed} of {len(judgement.witnesses)}, and it requires "
        f"{judgement.require_witnesses}"
    )
    uncounted = [
        f"{quoted(signer.name)} ({', '.join(signer.uncounted)})"
        for signer in (*judgement.agencies, *judgement.witnesses)
        if signer.uncounted
    ]
    if uncounted:
        detail += f"; in algorithms that no longer count: {', '.join(uncounted)}"
    if judgement.ignored:
        detail += f"; lines by keys that the policy does not name: {len(judgement.ignored)}"
    if not judgement.met:
        raise Unverified(f"the trust policy is not met: {detail}")
    return detail, judgement


def check_published(checkpoint: Checkpoint, published: Checkpoint) -> tuple[str, bool]:
    """Compare the checkpoint with one that stands outside. Raises `NotFound` where they are of different sizes."""
    if published.origin != checkpoint.origin:
        raise Unverified(
            f"what was published is of the log {quoted(published.origin)}, and the bundle of "
            f"{quoted(checkpoint.origin)}"
        )
    if published.size != checkpoint.size:
        raise NotFound(
            f"what was published is the root over {plural(published.size, 'entry')}, and the bundle's is over "
            f"{plural(checkpoint.size, 'entry')}; ask for a proof at the published size"
        )
    if published.root != checkpoint.root:
        raise Unverified(
            f"over {plural(checkpoint.size, 'entry')} the root {encode_base64(published.root)} was published, and the "
            f"bundle's is {encode_base64(checkpoint.root)}: one of them is of another log"
        )
    return f"the root over {plural(checkpoint.size, 'entry')} is the one that was published", True


def check_unknown_signers(note: bytes, evidence: Evidence) -> tuple[str, None]:
    """Without a trust policy: check the lines of keys that the bundle's own agencies list, and raise `NotFound`."""
    keys = {key.label: key for key in _listed_keys(evidence)}
    signed = open_checkpoint(note, list(keys.values()))
    what = _describe_checkpoint(signed.checkpoint)
    raise NotFound(
        f"no trust policy was given, so nothing says whose signatures count; {what} has signature lines "
        f"that hold by keys which agencies in this bundle list for themselves: {len(signed.lines)}, and by others, not "
        f"checked: {len(signed.ignored)}; whoever made the bundle may have made those keys, so get the ledger's trust "
        "file from its agencies"
    )


def check_beginning(
    beginning: Beginning | None, checkpoint: Checkpoint, trust: Trust | None
) -> tuple[str, int | None]:
    """Check that the log grew from the beginning that the bundle states; gives its size where the policy pins it."""
    pinned = trust is not None and trust.genesis_root is not None
    if beginning is None:
        if pinned:
            raise Unverified(
                "the trust policy pins how the log began, and the bundle has no proof of it: ask for it with one"
            )
        raise NotFound("nothing pins how the log began")
    if (
        trust is not None
        and pinned
        and (beginning.root, beginning.size) != (trust.genesis_root, trust.genesis_size)
    ):
        raise Unverified(
            f"the log began as {beginning.root} with {beginning.size} entries, and the trust policy pins "
            f"{trust.genesis_root} with {trust.genesis_size}: it is another log"
        )
    verify_consistency(
        beginning.size, checkpoint.size, unlabelled(beginning.root), checkpoint.root, beginning.proof
    )
    said = (
        f"the checkpoint's log grew from the {plural(beginning.size, 'entry')} with root {beginning.root}, "
    )
    if pinned:
        return f"{said}as the trust policy pins it", beginning.size
    return f"{said}which the bundle names and nothing pins", None


def check_first_entries(evidence: Evidence, begun: int | None) -> tuple[str, None]:
    """Check that entries which name no transaction are of the log's beginning, `begun` entries if that is shown."""
    alone = [
        leaf for leaf in evidence.leaves if leaf.entry.transaction is None and leaf.entry.register != INDEX
    ]
    for leaf in alone:
        if leaf.entry.register not in GOVERNED:
            raise Unverified(f"{leaf.name} names no transaction, so nobody proposed it")
        if begun is not None and leaf.number >= begun:
            raise Unverified(f"{leaf.name} names no transaction, and stands after the first {begun} entries")
    if not alone:
        return "every entry here that the ledger did not write itself names its transaction", None
    which = f"{entries(leaf.number for leaf in alone)} without a transaction"
    if begun is None:
        raise NotFound(f"{which}, as at the log's beginning, which nothing pins")
    return f"{which}, and of the log's beginning, its first {plural(begun, 'entry')}", None


def check_inclusion(bundle: Bundle, evidence: Evidence, checkpoint: Checkpoint) -> tuple[str, None]:
    """Check that the entries stand in the checkpoint's log at their numbers (RFC 9162 section 2.1.3.2)."""
    leaves = {leaf.entry.number: leaf.hash for leaf in evidence.leaves}
    verify_inclusion(leaves, checkpoint.size, bundle.inclusion, checkpoint.root)
    return (
        f"the hashes of {plural(len(leaves), 'entry')} ({numbers(leaves)}) and {plural(len(bundle.inclusion), 'hash')} "
        "of the proof lead to the checkpoint's root"
    ), None


def check_history(evidence: Evidence) -> tuple[str, None]:
    """Check that the entries follow each other as a ledger lets them; see `Evidence.check_history`."""
    evidence.check_history()
    return (
        f"versions linked by the hash of the one before, of those that are here: {len(evidence.before)}",
        None,
    )


def _describe_checkpoint(checkpoint: Checkpoint) -> str:
    return (
        f"the checkpoint of {quoted(checkpoint.origin)} over {plural(checkpoint.size, 'entry')}, "
        f"root {encode_base64(checkpoint.root)},"
    )


def _describe_signer(signer: Signer) -> str:
    return f"{quoted(signer.name)} ({', '.join(signer.algorithms)})"


def _listed_keys(evidence: Evidence) -> Iterator[VerifierKey]:
    for leaf in evidence.leaves:
        if leaf.entry.register == AGENCY:
            yield from map(VerifierKey.parse, read_member(leaf.entry).checkpoint)
