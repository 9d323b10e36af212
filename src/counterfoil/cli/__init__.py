"""The `counterfoil` command."""

from __future__ import annotations


def main() -> int:
    """Run the command with this process's arguments; gives its exit code, and never raises."""
    # Imported here: an interrupt while the command's parts are loaded must end as any other.
    try:
        from counterfoil.cli.app import run

        return run()
    except KeyboardInterrupt:
        return 130
