"""What commands share: options for the installation and the form of output, and how an installation is opened."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer
from typer.core import TyperGroup

from counterfoil.errors import Busy, Damaged, Malformed, NotFound, Refused, Unavailable

if TYPE_CHECKING:
    from counterfoil.node import Node

COMMAND: Final[dict[str, Any]] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100},
}
"""How every command is made. Its help is plain text: quick to show, and whole in a pipe."""

AGENCY: Final = "LOCAL/GOV/AGENCY"
TITLE: Final = "Local agency"
"""Who keeps an installation that is made without being named."""
MAX_INPUT_BYTES: Final = 1 << 20
"""The most that is read of a file with fields or a definition: what a whole transaction may have."""

# `readable=False`, here and at every path: the library must not look, for what cannot be read is no wrong usage.
HomeOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="FOLDER",
        envvar="COUNTERFOIL_HOME",
        help="The installation's folder, else COUNTERFOIL_HOME, else ~/.local/share/counterfoil.",
        show_default=False,
        readable=False,
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Answer in JSON: one document a line, the last one the result.")
]
OutOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write to this file.",
        show_default="standard output",
        readable=False,
    ),
]
TrustOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--trust",
        metavar="FILE",
        help="Whose signatures count: the ledger's trust policy, from elsewhere.",
        readable=False,
    ),
]
RegisterArgument: TypeAlias = Annotated[str, typer.Argument(metavar="REGISTER", help="The register's name.")]
KeyArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="KEY", help="The record's key in its register.")
]


class DefaultGroup(TyperGroup):
    """A group of commands, in which arguments that begin with none of them are for `show`: `record land-title 7`."""

    # The library's own type for a context is private to it.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As the library does, once the command is named."""
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["show", *args]
        return super().parse_args(ctx, args)


def example(*lines: str) -> str:
    """The end of a command's help: how it is called, one call a line."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def say_version(asked: bool) -> None:
    """Answer --version, and end."""
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            sys.stdout.write(f"counterfoil {version('counterfoil')}\n")
        except PackageNotFoundError:
            sys.stdout.write("counterfoil, not installed\n")
        raise typer.Exit


def home_folder(home: Path | None) -> Path:
    """The installation's folder: as it was named, or the user's own place for data (XDG Base Directory)."""
    if home is not None:
        return home
    data = os.environ.get("XDG_DATA_HOME", "")
    if data.startswith("/"):
        return Path(data) / "counterfoil"
    try:
        return Path.home() / ".local" / "share" / "counterfoil"
    except RuntimeError:
        raise NotFound("this user has no home folder; say where the installation lies with --home") from None


@contextmanager
def writing(
    home: Path | None, *, origin: str | None = None, agency: str = AGENCY, title: str = TITLE
) -> Iterator[Node]:
    """The installation, open for writing and made where it is not there yet; its names count only then.

    Where another process serves it, what is written goes through that one.
    """
    from counterfoil.node import Node

    folder = home_folder(home)
    with _usable():
        try:
            node = Node.open(folder, origin=origin, agency=agency, title=title)
        except Busy:
            served = served_elsewhere(folder)
            if served is None:
                raise
            node = served
    with node:
        yield node


@contextmanager
def reading(home: Path | None) -> Iterator[Node]:
    """The installation, open for reading: nothing in it is written, and another process may write meanwhile."""
    from counterfoil.node import Node

    with _usable():
        node = Node.open(home_folder(home), read_only=True)
    with node:
        yield node


def served_elsewhere(folder: Path) -> Node | None:
    """The node that another process serves; None where whoever holds the folder does not serve it."""
    from counterfoil.home import Home

    home = Home(folder)
    if not home.socket.is_socket():
        return None
    from counterfoil.web.served import ServedNode

    return ServedNode.reach(home)


@contextmanager
def _usable() -> Iterator[None]:
    """What an installation itself is refused for, its keys or its store, is no fault of what was asked."""
    try:
        yield
    except (Malformed, Refused) as error:
        raise Damaged(str(error)) from error


def read_input(path: Path, limit: int = MAX_INPUT_BYTES) -> bytes:
    """A file's bytes, or those of standard input where it is called `-`; at most `limit`, else `Malformed`."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(limit + 1)
        else:
            with path.open("rb") as file:
                data = file.read(limit + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > limit:
        raise Malformed(f"{path} is over {limit:,} bytes long, the most that is read")
    return data


def write_output(path: Path, data: bytes) -> None:
    """Write a file whole, or not at all."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which takes its place once it is whole; what is no plain file (a pipe) is written as it is."""
    plain = path.is_file() or not path.exists()
    target = path.with_name(f".{path.name}.{os.getpid()}") if plain else path
    try:
        with target.open("wb") as file:
            yield file
        if plain:
            target.replace(path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from None
    finally:
        if plain:
            target.unlink(missing_ok=True)
