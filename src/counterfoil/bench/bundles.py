"""Proof bundles: many versions of one record, proved and verified at once."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from time import process_time

from counterfoil.bench.appends import BATCH, measured
from counterfoil.bench.measure import Figure, figure
from counterfoil.bench.rows import REGISTER, fields_of, proposal
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.registry.prove import prove_record

RECORD = "000000000001"


def bundle_figures(versions: int) -> Iterator[Figure]:
    """One bundle with every version of a record: made, written, read and verified."""
    random = Random(4)
    with measured() as (node, _):
        for first in range(1, versions + 1, BATCH):
            last = min(first + BATCH, versions + 1)
            node.submit([proposal(RECORD, each, fields_of(RECORD, random)) for each in range(first, last)])
        node.settle()
        trust = Trust.parse(node.home.trust.read_bytes())
        made, checked = [], []
        for _ in range(3):
            start = process_time()
            data = prove_record(
                node.store, REGISTER, RECORD, versions="all", genesis_size=trust.genesis_size
            ).encode()
            made.append((process_time() - start) / versions * 1e6)
            start = process_time()
            report = verify(Bundle.parse(data), trust)
            checked.append((process_time() - start) / versions * 1e6)
        size = f"{len(data):,} bytes; {report.verdict}"
        yield figure(f"bundle of {versions:,} versions made, each", made, "µs", note=size)
        yield figure(f"bundle of {versions:,} versions verified, each", checked, "µs", note=size)
