"""The command's root: which commands there are, each loaded when it is asked for, and how every one of them ends."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from counterfoil.cli.failure import (
    COULD_NOT,
    DONE,
    NO_READER,
    Failure,
    failure_of,
    interrupted,
    unavailable,
    unexpected,
    usage,
)
from counterfoil.cli.options import COMMAND, example, say_version
from counterfoil.cli.output import Output, abandon, flush
from counterfoil.errors import CounterfoilError

COMMANDS: Final = {
    "demo": "demo",
    "init": "init",
    "register": "register",
    "record": "record",
    "file": "filing",
    "disclose": "disclosing",
    "search": "searching",
    "desk": "desk",
    "erase": "erasing",
    "import": "importing",
    "export": "exporting",
    "history": "history",
    "prove": "proof",
    "extract": "extract",
    "ownership": "ownership",
    "verify": "proof",
    "serve": "serve",
    "access": "access",
    "keyring": "keyring",
    "witness": "witness",
    "monitor": "monitor",
    "publish": "publish",
    "audit": "audit",
    "backup": "backup",
    "repair": "repair",
    "restore": "restore",
    "archive": "archive",
    "doctor": "doctor",
    "bench": "bench",
}
"""Each command and the module that has it."""


class Root(TyperGroup):
    """The group of all commands, which loads a command's module only when that command is asked for."""

    # The library's own types for these are private to it.
    def list_commands(self, ctx: Any) -> list[str]:
        """The commands, in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name; None where there is none."""
        return load(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As the library does; it suggests similar names out of those that are loaded, so these are loaded first."""
        if args and args[0] not in COMMANDS:
            self.commands = {name: load(name) for name in COMMANDS}
        return super().resolve_command(ctx, args)


def load(name: str) -> Any:
    """Load a command's module and make the command; None where there is none of that name."""
    if name not in COMMANDS:
        return None
    application = getattr(import_module(f"counterfoil.cli.{COMMANDS[name]}"), f"{name}_app")
    command = get_command(application)
    command.name = name
    return command


root = typer.Typer(cls=Root, **COMMAND)


@root.callback(
    epilog=example(
        "counterfoil demo",
        "counterfoil import country.rsf --home ./registers",
        "counterfoil audit --home ./registers",
    )
)
def describe(
    version: Annotated[
        bool,
        typer.Option("--version", callback=say_version, is_eager=True, help="Say which version this is."),
    ] = False,
) -> None:
    """Public records that nobody can quietly change, and nobody can quietly read.

    An installation lies in one folder, named by --home or COUNTERFOIL_HOME. Every command takes --debug (or
    COUNTERFOIL_DEBUG=1), which shows where an unexpected error happened.

    Exit codes: 0 done; 1 what was asked about is not well; 2 wrong usage; 3 it could not be found out or done, and why.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code, whatever happens."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given or os.environ.get("COUNTERFOIL_DEBUG", "") not in {"", "0"}
    given = [each for each in given if each != "--debug"] or ["--help"]
    output = Output(json="--json" in given)
    try:
        code = _end(given, output, debug=debug)
        flush()
    except BrokenPipeError:
        abandon()
        return NO_READER
    except OSError as error:
        # Standard output itself cannot be written: a full disk behind a redirection.
        abandon()
        Output(json=False).error(unavailable(error))
        return COULD_NOT
    return code


def _end(arguments: list[str], output: Output, *, debug: bool) -> int:
    """The exit code that a command ends with, once its failure has been said."""
    try:
        return _invoke(arguments)
    except typer.Exit as ended:
        return ended.exit_code
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001  # the last resort: nothing may end in a traceback
        failure = _failure(error)
        if debug and failure.code == COULD_NOT:
            traceback.print_exception(error)
    output.error(failure)
    return failure.code


def _failure(error: BaseException) -> Failure:
    match error:
        case KeyboardInterrupt():
            return interrupted()
        case typer.TyperException():
            return usage(_usage_message(error))
        case CounterfoilError():
            return failure_of(error)
        case OSError():
            return unavailable(error)
        case _:
            return unexpected(error)


def _invoke(arguments: list[str]) -> int:
    """Parse and call, without the library's own endings: they take 1 for a broken pipe and for an abort."""
    command = get_command(root)
    with command.make_context("counterfoil", arguments) as context:
        code = command.invoke(context)
    return DONE if code is None else int(code)


def _usage_message(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", "counterfoil")
    return f"{error.format_message().rstrip('.')}; see {path} --help"
