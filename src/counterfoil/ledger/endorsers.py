"""Who has endorsed a transaction, and whether that satisfies a policy."""

from __future__ import annotations

from collections.abc import Iterable

from counterfoil.errors import Malformed, Unauthorised, Unverified
from counterfoil.ledger.knowledge import Knowledge
from counterfoil.ledger.system import AGENCY
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import Json
from counterfoil.proof.policy import leaves, satisfied
from counterfoil.proof.transaction import Endorsement, Transaction


class Endorsers:
    """Who has endorsed a transaction, by the keys that agencies had before it.

    The first `verified` signatures were found to hold before. Raises `Unauthorised` where another does not. One whose
    algorithm is not in force counts for nothing.
    """

    def __init__(self, view: View, knowledge: Knowledge, transaction: Transaction, verified: int = 0):
        self._view = view
        self._knowledge = knowledge
        self.keys: set[str] = set()
        for number, endorsement in enumerate(transaction.endorsements):
            if number >= verified:
                _verify(endorsement, transaction.hash)
            if knowledge.counts(view, endorsement.key):
                self.keys.add(endorsement.key)
        self._members: dict[str, bool] = {}
        for proposal in transaction.proposals:
            if proposal.register == AGENCY:
                self.includes(proposal.record)

    def includes(self, agency: str) -> bool:
        """Whether one of the agency's endorsement keys has signed."""
        if agency not in self._members:
            self._members[agency] = not self.keys.isdisjoint(self._endorsing(agency))
        return self._members[agency]

    def count(self, key: str, policies: Iterable[Json]) -> bool:
        """Whether a key that has signed is one that these policies ask for, by itself or for an agency."""
        if key not in self.keys:
            return False
        return any(
            leaf == f"key:{key}" or (leaf.startswith("agency:") and key in self._endorsing(leaf[7:]))
            for policy in policies
            for leaf in leaves(policy)
        )

    def _endorsing(self, agency: str) -> tuple[str, ...]:
        member = self._knowledge.agency(self._view, agency)
        return member.endorse if member else ()

    def fulfil(self, policy: Json) -> bool:
        """Whether these endorsements satisfy a policy."""
        signers = {f"key:{key}" for key in self.keys}
        signers |= {leaf for leaf in leaves(policy) if leaf.startswith("agency:") and self.includes(leaf[7:])}
        return satisfied(policy, signers)


def _verify(endorsement: Endorsement, transaction: str) -> None:
    try:
        endorsement.verify(transaction)
    except (Unverified, Malformed) as error:
        raise Unauthorised(f"an endorsement by {endorsement.key[:60]!r} does not hold: {error}") from None
