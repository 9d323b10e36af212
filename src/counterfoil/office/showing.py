"""What an office shows: items, candidates, cases. Each is told first, in the log, to everybody whom it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec.structs import replace

from counterfoil.engine.submission import Receipt, Submission
from counterfoil.errors import NotFound, Refused
from counterfoil.ledger.command import Standing
from counterfoil.ledger.fields import CIRCUMSTANCES
from counterfoil.node import Node
from counterfoil.office.case_view import Seen, seen_case
from counterfoil.office.papers import CHANGE, changes_of, decode_change
from counterfoil.proof.canonical import Json
from counterfoil.registry.desk.budget import Budgets, Reading
from counterfoil.registry.desk.case import Case, Paper
from counterfoil.registry.desk.desk import Desk
from counterfoil.registry.personal.attachments import Attachment, open_attachment, parse_attachment
from counterfoil.registry.personal.case_telling import case_disclosures
from counterfoil.registry.personal.change import Acting
from counterfoil.registry.personal.disclosing import Ask, Look, Shown
from counterfoil.registry.personal.duplicates import Candidate, Found, candidates
from counterfoil.registry.personal.identifying import DUPLICATE_CHECK, MAX_SHOWN, is_asked
from counterfoil.registry.personal.registrar import Registrar
from counterfoil.registry.personal.telling import submissions

Submit = Callable[[Submission], Receipt]


class Showing:
    """The part of an office that shows something to officers."""

    def __init__(self, node: Node, registrar: Registrar, desk: Desk, budgets: Budgets, submit: Submit):
        self.node = node
        self.registrar = registrar
        self.desk = desk
        self.budgets = budgets
        self._submit = submit

    def disclose(
        self, asks: Sequence[Ask], acting: Acting, roles: Sequence[str] = (), *, count: int | None = None
    ) -> list[Shown]:
        """Show items, once each disclosure is in the log. `count` must say how many records, where they are several.

        Raises `Refused` for a purpose that does not allow it or beyond the read budget, and as `Looker.look`.
        """
        look = self.look(asks, acting, roles, count=count)
        return look.open(self._disclosed(look), self._stored(look.more))

    def look(
        self, asks: Sequence[Ask], acting: Acting, roles: Sequence[str] = (), *, count: int | None = None
    ) -> Look:
        """A disclosure on its way, counted in the budget: who stores its submissions may open it. Raises as `disclose`.

        Without proposals there is nothing to store: all that is asked for is public.
        """
        if len(asks) != (1 if count is None else count):
            raise Refused(f"this would show {len(asks)} records; name that number, so that it is meant")
        return self._look(asks, acting, roles)

    def attachment(
        self, ask: Ask, number: int, acting: Acting, roles: Sequence[str] = ()
    ) -> tuple[Attachment, Iterator[bytes]]:
        """What is attached to a record, by its number from 0: a disclosure as any other. Its bytes, as they open.

        Raises as `disclose`, `NotFound` for what is not attached; reading on raises `Damaged`, also at the end.
        """
        look = self._look([replace(ask, fields=(CIRCUMSTANCES,))], acting, roles)
        attached = look.attachment(self._disclosed(look), number, self._stored(look.more))
        return attached, open_attachment(attached, self._read_document)

    def candidates(
        self, register: str, fields: dict[str, Json], acting: Acting, roles: Sequence[str] = ()
    ) -> tuple[Candidate, ...]:
        """The records that may be of somebody who is to be registered, the likeliest first, without what they hold.

        Each record that is compared is disclosed for it, under the purpose `duplicate-check`: the answer tells
        something of what it holds. Raises `Refused` for a register that does not look for duplicates, and as
        `disclose`.
        """
        asks = self._alike(register, fields)
        shown = self.disclose(asks, acting, roles, count=len(asks)) if asks else []
        return candidates(fields, (Found(each.record, each.version, each.fields) for each in shown))

    def case(self, case: str) -> Case:
        """The line of a case, which holds nothing personal."""
        return self.desk.get(case).case

    def paper(self, case: str, acting: Acting) -> Paper:
        """A case with its content, for whoever may decide it.

        That it is shown is told first to everybody whom its changes are about. Raises as `Desk.get`, and `Refused`
        where there is no register of disclosures.
        """
        paper = self.desk.get(case)
        if paper.content is not None:
            changes = changes_of(paper.case.kind, paper.content)
            with self.registrar.reading() as store:
                drafter, items = self.registrar.drafter(store), self.registrar.items(store)
                pseudonyms = self.registrar.pseudonyms.held()
                drafts = case_disclosures(drafter, items, pseudonyms, changes, acting, case)
                telling = list(submissions(self.registrar.proposer.held(), drafts))
            self._stored(telling)
        return paper

    def seen(self, case: str, acting: Acting) -> Seen:
        """As `paper`, with what the case would do now, and why it waits."""
        return seen_case(self.registrar, self.paper(case, acting))

    def case_attachment(self, case: str, number: int, acting: Acting) -> Attachment:
        """A document attached to a change that waits, by its number from 0; it opens with `open_attachment`.

        Raises as `paper`, and `NotFound` where there is none.
        """
        about, content = self.paper(case, acting)
        changes = changes_of(about.kind, content) if content is not None else ()
        attached = [each for change in changes for each in change.attachments]
        if not 0 <= number < len(attached):
            raise NotFound(f"this case has {len(attached)} documents attached; they are counted from 0")
        return parse_attachment(attached[number])

    def read_attachment(self, attachment: Attachment) -> Iterator[bytes]:
        """The bytes of a document, as they open. Raises `Damaged`, also at the end."""
        return open_attachment(attachment, self._read_document)

    def registers_of(self, case: str) -> frozenset[str]:
        """The registers in which a case would change something: who decides it must be allowed to in each."""
        about, content = self.desk.get(case)
        if about.kind != CHANGE or content is None:
            return frozenset({about.register})
        return frozenset(change.register for change in decode_change(content).changes)

    def _alike(self, register: str, fields: dict[str, Json]) -> list[Ask]:
        """What must be looked at to say whether somebody with these fields has a record."""
        plan = self.registrar.plan(register)
        if not is_asked(plan):
            raise Refused(f"{plan.name} does not look for duplicates; its definition names no such purpose")
        when = plan.definition.fields.purposes[DUPLICATE_CHECK].when
        with self.registrar.reading() as store:
            entries = list(self.registrar.identifier(store, plan).alike(fields, MAX_SHOWN))
        return [
            Ask(register, DUPLICATE_CHECK, record=entry.record)
            for entry in entries
            if not when or entry.status in when
        ]

    def _look(self, asks: Sequence[Ask], acting: Acting, roles: Sequence[str]) -> Look:
        look = self.registrar.look(asks, acting)
        now = self.registrar.now()
        for (purpose, register), number in look.told.items():
            self.budgets.spend(Reading(acting.officer, purpose, register, tuple(roles)), number, now)
        return look

    def _disclosed(self, look: Look) -> Receipt:
        if not look.submission.proposals:
            return Receipt("", Standing.TAKEN, 0, 0)
        return self._submit(look.submission)

    def _stored(self, telling: Iterable[Submission]) -> list[Receipt]:
        """Have disclosures stored. Raises `Refused` where one waits for something else."""
        receipts = [self._submit(each) for each in telling]
        if not all(receipt.count for receipt in receipts):
            raise Refused("nothing is shown before its disclosure is in the log; ask again")
        return receipts

    def _read_document(self, name: str) -> Iterator[bytes]:
        with self.node.snapshot() as store:
            yield from store.read_document(name)
