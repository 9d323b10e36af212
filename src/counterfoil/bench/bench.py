"""The bench: every figure in turn, printed as it is taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from counterfoil.bench.appends import batch_figures, single_figures
from counterfoil.bench.bundles import bundle_figures
from counterfoil.bench.measure import Figure
from counterfoil.bench.personal import personal_figures
from counterfoil.bench.personal_served import disclosed_figures
from counterfoil.bench.recoveries import recovery_figures
from counterfoil.bench.served import served_figures
from counterfoil.bench.stores import audit_figure, disk_figure, growth_figures
from counterfoil.bench.trees import proof_figures, tree_figures
from counterfoil.examples import land_sample


def figures(records: int, oracle: Path | None) -> Iterator[Figure]:
    """Take every figure; `records` is the size of a large store (a million for the figures that are quoted).

    `oracle` is a Python that has pymerkle; without it that one comparison is left out.
    """
    yield from tree_figures(200_000, oracle)
    yield from proof_figures(100_000)
    yield from single_figures(25)
    yield from bundle_figures(10_000)
    yield from served_figures()
    yield from recovery_figures(min(records, 100_000))
    yield from audit_figure(min(records, 200_000))
    yield from batch_figures(records)
    yield from disclosed_figures()
    yield from personal_figures(records)
    sample = land_sample()
    if sample is not None:
        yield from disk_figure(sample, records)
    yield from growth_figures(records)
