"""What every page says of the ledger: whose it is, how far it has grown, and how far it can be trusted."""

from __future__ import annotations

import msgspec

from counterfoil.ledger.system import AGENCY
from counterfoil.proof.entry import decode_entry
from counterfoil.proof.index import record_key
from counterfoil.proof.instant import instant_text
from counterfoil.proof.note import parse_note, parse_tree_head
from counterfoil.proof.report import SEALED_HERE, Level
from counterfoil.store.store import Store
from counterfoil.web.portal.words import LEVELS
from counterfoil.web.service import Service


class LedgerFacts(msgspec.Struct, frozen=True):
    """The ledger: its origin, who keeps it, its size and the time of its last block.

    `level` is the trust level of the latest published checkpoint, over a log of `covered` entries; an entry that came
    later is only sealed here so far.
    """

    origin: str
    agency: str
    keeper: str
    size: int
    time: str
    covered: int
    level: Level
    meaning: str

    def level_of(self, number: int) -> Level:
        """The trust level of an entry."""
        return self.level if number < self.covered else SEALED_HERE


async def ledger_facts(service: Service) -> LedgerFacts:
    """The ledger as it is now."""
    level = await service.in_thread(service.witnessing.level)
    node = service.node

    def read(store: Store) -> LedgerFacts:
        state = store.record(record_key(AGENCY, node.agency))
        fields = decode_entry(store.entry(state.number)).fields if state else {}
        note = store.latest_published()
        covered = parse_tree_head(parse_note(note).text).size if note else 0
        return LedgerFacts(
            node.origin,
            node.agency,
            str(fields.get("name") or node.agency),
            store.head.size,
            instant_text(store.head.time),
            covered,
            level,
            LEVELS[level],
        )

    return await service.read(read)
