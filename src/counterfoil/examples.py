"""Where the real registers are that the demonstration imports: in the clone, or in the installed package."""

from __future__ import annotations

from pathlib import Path

from counterfoil.errors import NotFound


def registers_folder() -> Path:
    """The folder with the example registers: `*.rsf` files and `expected-roots.json`, which tells their roots.

    Raises `NotFound` where the package was taken out of its clone or wheel without them.
    """
    return _example("registers/expected-roots.json").parent


def companies() -> tuple[Path, Path]:
    """The table of companies, and the mapping by which it becomes a register. Raises `NotFound`."""
    return _example("company/sp500-constituents.csv"), _example("mappings/company.json")


def _example(name: str) -> Path:
    package = Path(__file__).parent
    for folder in (package / "example_data", package.parents[1] / "examples"):
        if (folder / name).is_file():
            return folder / name
    raise NotFound("the example registers are not here; install the package anew, or run it from a clone")


def land_sample() -> Path | None:
    """The sample of HM Land Registry's price-paid data; a clone has it, an installed package does not."""
    sample = Path(__file__).parents[2] / "examples" / "land" / "hmlr-price-paid-1995-sample.csv.gz"
    return sample if sample.is_file() else None
