"""What no linter of ours can hold: sizes, names, purity, and what may stand in no file of the project.

Which module may import which stands in pyproject.toml, and `lint-imports` holds it.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "counterfoil"
MODULES = sorted(PACKAGE.rglob("*.py"))
PURE = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] in {"proof", "ledger"}]
MAX_LINES = 400
VAGUE = {"base", "common", "core", "helper", "helpers", "manager", "misc", "shared", "tools", "util", "utils"}
CLOCKS = {"now", "utcnow", "today"}
IMPURE = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}

# Places that differ from machine to machine, and hosts that a mirror may stand in for.
MACHINE_PATH = re.compile(r"(?<![\w.>})*-])/(?:work|root|Users/\w+|home/\w+|opt/\w+|mnt/\w+)/")
REGISTRY_HOST = re.compile(
    r"\b(?:pypi\.org|pythonhosted\.org|deb\.debian\.org|crates\.io|proxy\.golang\.org|npmjs\.(?:org|com)"
    r"|repo1?\.maven\.org|repo\.maven\.apache\.org)\b"
)
UNREASONED = re.compile(r"# ?(?:type: ?ignore|noqa)(?!.*# )")


def name(path: Path) -> str:
    """A file's path in the checkout: how it is shown in a test's id."""
    return str(path.relative_to(ROOT))


def written() -> Iterator[Path]:
    """The text files of the project, without what is made, hidden (but for its set-up) or published data."""
    left_out = {"build", "dist", "demo-home", "__pycache__", "examples"}
    for folder, below, files in os.walk(ROOT):
        below[:] = [each for each in below if each not in left_out and (each == ".ci" or each[0] != ".")]
        yield from (Path(folder) / each for each in files if not each.endswith((".pyc", ".gz", ".png")))


def calls(tree: ast.AST) -> Iterator[str]:
    """The last name of everything that the code calls: `open`, or `now` for `datetime.now(UTC)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute):
                yield f".{node.func.attr}"


def impurities(source: str) -> set[str]:
    """The calls in `source` that read a clock or do input or output without an import that shows it."""
    return {each for each in calls(ast.parse(source)) if each in IMPURE or each[1:] in CLOCKS}


def silenced(source: str) -> list[str]:
    """The lines of `source` that silence a checker without saying why on the same line."""
    return [line.strip() for line in source.splitlines() if UNREASONED.search(line)]


@pytest.mark.parametrize("path", PURE, ids=name)
def test_proof_and_ledger_read_no_clock_and_open_nothing(path: Path) -> None:
    assert impurities(path.read_text("utf-8")) == set()


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_a_room_not_a_hall(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) < MAX_LINES


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_is_named_for_its_purpose(path: Path) -> None:
    assert VAGUE.isdisjoint(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("path", [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))], ids=name)
def test_a_silenced_check_gives_its_reason(path: Path) -> None:
    if path != Path(__file__):
        assert silenced(path.read_text("utf-8")) == []


def test_no_file_names_a_registry_or_a_place_on_one_machine() -> None:
    named = [
        f"{name(path)}: {found.group()}"
        for path in written()
        for pattern in (MACHINE_PATH, REGISTRY_HOST)
        for found in pattern.finditer(path.read_text("utf-8", "replace"))
    ]
    assert named == []


def test_the_locks_give_hashes_and_no_addresses() -> None:
    locks = [path for path in (ROOT / "requirements").glob("*.txt") if path.name != "debian.txt"]
    assert {path.stem for path in locks} == {"setup", "run", "dev", "oracles", "go"}
    for path in locks:
        text = path.read_text("utf-8")
        pins = re.findall(r"^[a-z0-9-]+==\S+.* \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 0
        assert "://" not in text


# The rules above, tried on what they must catch and what they must let pass.


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("datetime.now(UTC)", {".now"}),
        ("date.today()", {".today"}),
        ("open('x')", {"open"}),
        ("print(1)", {"print"}),
        ("datetime.fromtimestamp(7, UTC); nowhere(); note.open_time", set()),
    ],
)
def test_impure_calls_are_seen(source: str, found: set[str]) -> None:
    assert impurities(source) == found


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("x = 1  # type: ignore[misc]", True),
        ("x = 1  # type: ignore", True),
        ("import y  # noqa: F401", True),
        ("x = 1  # type: ignore[misc]  # the library's stub is wrong", False),
        ("import y  # noqa: F401  # re-exported", False),
        ("x = 1  # no type here to ignore", False),
    ],
)
def test_silenced_checks_are_seen(line: str, bad: bool) -> None:
    assert bool(silenced(line)) is bad


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("cd /" + "work/main", True),
        ("'/" + "home/anna/x'", True),
        ("/usr/bin/python3.11", False),
        ("src/work/x and {path}/root/y and a/home/b/c", False),
    ],
)
def test_places_on_one_machine_are_seen(text: str, bad: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is bad


@pytest.mark.parametrize(
    ("text", "bad"), [("--index-url https://" + "pypi." + "org/simple", True), ("the package index", False)]
)
def test_registry_hosts_are_seen(text: str, bad: bool) -> None:
    assert bool(REGISTRY_HOST.search(text)) is bad
