"""Steps of a verification about endorsements: that signatures hold, and satisfy the rules in force.

Each step returns what it showed, or raises: `Unverified` or `Malformed` where it failed, `NotFound` where the
bundle does not bring what it takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from counterfoil.errors import Malformed, NotFound, Unverified
from counterfoil.proof.canonical import Json, canonical
from counterfoil.proof.endorsed import Endorsed, Endorsing
from counterfoil.proof.evidence import Evidence, Leaf
from counterfoil.proof.policy import leaves, satisfied
from counterfoil.proof.record_steps import Latest
from counterfoil.proof.report import plural, quoted
from counterfoil.proof.rules import AGENCY, Member, Rules, governed_by, read_member, read_rules
from counterfoil.proof.transaction import Endorsement
from counterfoil.proof.transaction_steps import Taken
from counterfoil.proof.trust import Trust

MAX_NAMED: Final = 5
"""How many of the things that a bundle does not show a step names."""


def check_endorsements(taken: Sequence[Taken], trust: Trust | None) -> tuple[str, dict[str, frozenset[str]]]:
    """Check every endorsement's signature; gives the keys that count, by transaction.

    A key counts once, however often it signed, and where a trust policy is given only while its algorithm does.
    """
    found, ended = {}, set()
    for each in taken:
        time = each.leaves[0].entry.time
        keys = set()
        for endorsement in each.endorsements:
            _verify_endorsement(endorsement, each)
            algorithm = endorsement.key.partition(":")[0]
            if trust is None or trust.counts(algorithm, time):
                keys.add(endorsement.key)
            else:
                ended.add(algorithm)
        found[each.hash] = frozenset(keys)
    count = sum(len(each.endorsements) for each in taken)
    distinct = len({key for keys in found.values() for key in keys})
    detail = f"signatures over transactions that hold: {count}, by {plural(distinct, 'key')}"
    if ended:
        detail += (
            f"; not counted, because the trust policy ended the algorithm by then: {', '.join(sorted(ended))}"
        )
    return detail, found


class PolicyCheck:
    """Checks who endorsed, by the definitions, members and parameters that the bundle brings.

    `standing` says, by its number, up to which entry each of these was shown to be the latest of its record.
    Transactions are to be checked in their order: earlier ones endorse what later ones are judged by.
    """

    def __init__(self, evidence: Evidence, append: Collection[str], standing: Mapping[int, int]):
        self.found = Endorsing()
        self._evidence = evidence
        self._append = append
        self._standing = standing
        self._endorsed = {leaf.number for leaf in evidence.leaves if leaf.entry.transaction is None}
        """The entries shown to be endorsed so far, and those that say they are of the log's beginning."""
        self._rules: dict[int, Rules] = {}
        self._members: dict[int, Member] = {}

    def check(self, taken: Taken, keys: frozenset[str]) -> None:
        """Judge one transaction. Raises `Unverified` where its endorsements do not suffice."""
        used: set[int] = set()
        if not self._fulfils(f"agency:{taken.header.agency}", taken, keys, used):
            return
        registers: dict[str, list[Leaf]] = {}
        for leaf in taken.leaves:
            registers.setdefault(leaf.entry.register, []).append(leaf)
        for register, group in registers.items():
            self._check_register(register, group, taken, keys, set(used))

    def _check_register(
        self, register: str, group: Sequence[Leaf], taken: Taken, keys: frozenset[str], used: set[int]
    ) -> None:
        leaf = self._evidence.latest(*governed_by(register), taken.first)
        if leaf is None:
            self.found.unshown.append(f"who may change {quoted(register)}")
            return
        rules = self._read_rules(leaf)
        used.add(leaf.number)
        append = register in self._append
        if rules.append is not append:
            raise Unverified(f"the bundle's append does not say of {quoted(register)} what {leaf.name} does")
        fulfilled = True
        for policy in self._policies(rules, group):
            fulfilled = self._fulfils(policy, taken, keys, used) and fulfilled
        for number in used:
            self.found.used[number] = max(taken.first, self.found.used.get(number, 0))
        endorsed = used <= self._endorsed
        if not endorsed:
            names = ", ".join(self._evidence.by_number[each].name for each in sorted(used - self._endorsed))
            self.found.unshown.append(f"who endorsed {names}")
        if fulfilled:
            in_force = all(self._standing.get(each, -1) >= taken.first for each in used)
            unseen = rules.unseen and any(
                each.entry.body is None or each.entry.item is not None for each in group
            )
            told = Endorsed(
                register,
                leaf.name,
                self._signers(keys, used),
                endorsed,
                in_force,
                True,
                append,
                unseen,
                rules.seconded,
            )
            self._note(told, group)

    def _note(self, told: Endorsed, group: Iterable[Leaf]) -> None:
        for leaf in group:
            number = leaf.entry.number
            whole = leaf.entry.version == 1 or number in self._evidence.before
            self.found.groups.setdefault(told._replace(whole=whole), []).append(number)
            if whole and told.endorsed:
                self._endorsed.add(number)

    def _policies(self, rules: Rules, group: Sequence[Leaf]) -> list[Json]:
        """The distinct policies that a transaction's entries in one register must satisfy."""
        asked: dict[bytes, Json] = {}
        before = self._evidence.before
        for operation, status in {(leaf.entry.operation, leaf.entry.status) for leaf in group}:
            for policy in rules.policies(operation, status):
                asked[canonical(policy)] = policy
        for leaf in group:
            earlier = before.get(leaf.entry.number)
            if earlier is None and leaf.entry.version > 1:
                self.found.unshown.append(
                    f"the version before {leaf.name}, and so whether it asked for endorsements of its own (control)"
                )
            if earlier is not None and earlier.entry.control is not None:
                policy = rules.control_policy(earlier.entry.control)
                asked[canonical(policy)] = policy
        return list(asked.values())

    def _fulfils(self, policy: Json, taken: Taken, keys: frozenset[str], used: set[int]) -> bool:
        """Whether the keys satisfy a policy; False where that depends on an agency that is not here.

        Raises `Unverified` where they do not. `used` gains the entries of the agencies that count.
        """
        members = {
            signer: self._evidence.latest(AGENCY, signer[7:], taken.first)
            for signer in leaves(policy)
            if signer.startswith("agency:")
        }
        here = {signer: leaf for signer, leaf in members.items() if leaf is not None}
        own = {signer: keys.intersection(self._read_member(leaf).endorse) for signer, leaf in here.items()}
        agencies = _each_by_its_own(own)
        signers = agencies | {f"key:{key}" for key in keys}
        used.update(here[signer].number for signer in agencies)
        if satisfied(policy, signers):
            return True
        absent = members.keys() - here.keys()
        if not satisfied(policy, signers | absent):
            raise Unverified(
                f"the transaction of entry {taken.leaves[0].number} asks for {_describe_policy(policy)}, and is "
                f"endorsed by {' and '.join(map(quoted, sorted(agencies))) or 'none of these'}"
            )
        self.found.unshown.append(
            f"the keys of {', '.join(quoted(each[7:]) for each in sorted(absent))}, on which the transaction of entry "
            f"{taken.leaves[0].number} depends"
        )
        return False

    def _signers(self, keys: frozenset[str], used: Collection[int]) -> tuple[str, ...]:
        """Who signed, as sentences name them: agencies with the version of their entry, and keys of nobody else."""
        names: list[str] = []
        own: set[str] = set()
        for number in sorted(used):
            leaf = self._evidence.by_number[number]
            if leaf.entry.register == AGENCY:
                own.update(self._read_member(leaf).endorse)
                names.append(
                    f"{quoted(leaf.entry.record)} (a key of version {leaf.entry.version}, entry {number})"
                )
        return (*names, *(key[:60] for key in sorted(keys - own)))

    def _read_rules(self, leaf: Leaf) -> Rules:
        rules = self._rules.get(leaf.number)
        if rules is None:
            rules = self._rules[leaf.number] = read_rules(leaf.entry)
        return rules

    def _read_member(self, leaf: Leaf) -> Member:
        member = self._members.get(leaf.number)
        if member is None:
            member = self._members[leaf.number] = read_member(leaf.entry)
        return member


def check_policies(
    policies: PolicyCheck, taken: Sequence[Taken], keys: Mapping[str, frozenset[str]]
) -> tuple[str, None]:
    """Check that each transaction's endorsements satisfy what its registers and records ask for."""
    for each in taken:
        policies.check(each, keys[each.hash])
    found = policies.found
    if found.unshown:
        raise NotFound(f"the bundle does not show {_some(found.unshown)}")
    rules = ", ".join(dict.fromkeys(endorsed.rules for endorsed in found.groups))
    return f"every transaction is endorsed as asked for by {rules}", None


def standing(evidence: Evidence, latest: Sequence[Latest]) -> dict[int, int]:
    """Up to which entry each entry was the latest of its record: its successor's number, or an index claim's."""
    found = {leaf.number: number for number, leaf in evidence.before.items()}
    for as_of, _, leaf, _ in latest:
        if leaf is not None:
            found[leaf.number] = max(as_of, found.get(leaf.number, 0))
    return found


def check_in_force(evidence: Evidence, used: Mapping[int, int], until: Mapping[int, int]) -> tuple[str, None]:
    """Check that each definition, member and parameter used was the latest of its record when it was used."""
    if not used:
        raise NotFound("no rule was used")
    doubtful = [
        f"whether {evidence.by_number[number].name} was the latest before entry {first}"
        for number, first in sorted(used.items())
        if until.get(number, -1) < first
    ]
    if doubtful:
        raise NotFound(f"the bundle does not show {_some(doubtful)}")
    names = ", ".join(evidence.by_number[number].name for number in sorted(used))
    return f"each was the latest of its record when it was used: {names}", None


def _verify_endorsement(endorsement: Endorsement, taken: Taken) -> None:
    try:
        endorsement.verify(taken.hash)
    except (Malformed, Unverified) as error:
        raise Unverified(f"an endorsement of entry {taken.leaves[0].number} does not hold: {error}") from None


def _each_by_its_own(keys: Mapping[str, Collection[str]]) -> set[str]:
    """The agencies that signed, each with a key that counts for no other: one signature is never two agencies'."""
    taken: set[str] = set()
    found = set()
    for agency, own in sorted(keys.items(), key=lambda each: (len(each[1]), each[0])):
        free = sorted(set(own) - taken)
        if free:
            taken.add(free[0])
            found.add(agency)
    return found


def _describe_policy(policy: Json) -> str:
    if isinstance(policy, str):
        return quoted(policy)
    return f"{policy['require']} of ({', '.join(map(_describe_policy, policy['of']))})"


def _some(lacking: Sequence[str]) -> str:
    more = f", and {len(lacking) - MAX_NAMED} more" if len(lacking) > MAX_NAMED else ""
    return "; ".join(lacking[:MAX_NAMED]) + more
