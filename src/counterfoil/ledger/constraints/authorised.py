"""`authorised-by` and `quorum`: who must endorse a change beyond the register's own policy."""

from __future__ import annotations

from counterfoil.errors import Malformed
from counterfoil.ledger.constraints.question import TRUE, Answer, Question, false
from counterfoil.ledger.declared import Constraint
from counterfoil.proof.entry import WRITING


def judge_authorised_by(constraint: Constraint, question: Question) -> Answer:
    """Uses `policy`, which is asked with the endorsements (`Scope.policies`) and not a second time here; or `control`.

    With `control`, each version of a live record states who must endorse the next.
    """
    lacks = constraint.control and question.after.control is None and question.after.operation in WRITING
    return false("it does not state who controls the record's next change") if lacks else TRUE


def judge_quorum(constraint: Constraint, question: Question) -> Answer:
    """Uses `policy`, a threshold of two or more, which is asked with the endorsements."""
    return TRUE


def check_authorised_by(constraint: Constraint) -> None:
    """Raise `Malformed` unless there is a policy, or control is asked for."""
    if constraint.policy is None and not constraint.control:
        raise Malformed(f"constraint {constraint.name!r} of kind authorised-by needs 'policy' or 'control'")


def check_quorum(constraint: Constraint) -> None:
    """Raise `Malformed` unless the policy requires two endorsements or more."""
    policy = constraint.policy
    if not isinstance(policy, dict) or policy.get("require", 0) < 2:
        raise Malformed(
            f"constraint {constraint.name!r} of kind quorum needs a policy that requires two or more"
        )
