"""Whatever it is called with, it ends by its rules: no traceback, one sentence, JSON where JSON is asked for."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.cli.app import COMMANDS, run
from tests.cli.calling import Ended

WORDS = st.text(st.characters(exclude_characters="/\0\ud800"), max_size=12)
PLAIN = st.sampled_from(
    [
        "land-title",
        "1",
        "2",
        "9",
        ".register",
        ".index",
        "tree",
        "-",
        "a.json",
        "none.json",
        "b.rsf",
        "2026-01-01",
        "",
    ]
)
OPTIONS = st.sampled_from(
    [
        "--json",
        "--absent",
        "--all-versions",
        "--entry",
        "--known",
        "--as-of",
        "--by",
        "--diff",
        "--field",
        "--fields",
        "--without",
        "--status",
        "--version",
        "--why",
        "--law",
        "--case",
        "--valid-from",
        "--idempotency-key",
        "--document",
        "--definition",
        "--title",
        "--key",
        "--schema",
        "--append",
        "--register",
        "--dry-run",
        "--key-file",
        "--token-file",
        "--purpose",
        "--record",
        "--merge",
        "--approve",
        "--reason",
        "--trust",
        "--origin",
        "--agency",
        "--debugging",
        "-h",
        "--",
    ]
)
SUBCOMMANDS = st.sampled_from(
    [
        "show",
        "create",
        "amend",
        "correct",
        "annul",
        "close",
        "shipped",
        "list",
        "decide",
        "ask",
        "backup",
        "status",
    ]
)
ARGUMENTS = st.lists(st.one_of(PLAIN, OPTIONS, OPTIONS, SUBCOMMANDS, WORDS), max_size=8)
# The two others tell a story and measure; they take minutes to be called at random.
NAMES = st.sampled_from([name for name in COMMANDS if name not in {"demo", "bench", "serve"}])


@pytest.fixture(scope="module")
def place(land_titles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an installation and some files, which is where calls are made."""
    place = tmp_path_factory.mktemp("any")
    shutil.copytree(land_titles, place / "home")
    (place / "a.json").write_text('{"owner": "Ann"}')
    (place / "b.rsf").write_text("add-item\t{}\n")
    with contextlib.chdir(place):
        yield place


def call(arguments: list[str]) -> Ended:
    out, err = io.BytesIO(), io.BytesIO()
    real = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = io.TextIOWrapper(io.BytesIO(b'{"owner":"Eve"}'))
    sys.stdout, sys.stderr = (io.TextIOWrapper(each, "utf-8", write_through=True) for each in (out, err))
    try:
        code = run(arguments)
        return Ended(code, out.getvalue(), err.getvalue().decode())
    finally:
        sys.stdin, sys.stdout, sys.stderr = real


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, ARGUMENTS)
def test_it_ends_by_its_rules(place: Path, name: str, arguments: list[str]) -> None:
    os.environ["COUNTERFOIL_HOME"] = str(place / "home")
    ended = call([name, *arguments])
    assert ended.code in {0, 1, 2, 3}
    assert "Traceback" not in ended.err
    assert "this should not have happened" not in ended.err + ended.text
    if "--json" in arguments and ended.code:
        assert ended.err == ""
        assert isinstance(json.loads(ended.out.splitlines()[-1]), dict)
    if "--json" not in arguments and ended.code == 2:
        assert (ended.out, ended.err.count("\n")) == (b"", 1)


def test_and_leaves_the_installation_well(place: Path) -> None:
    os.environ["COUNTERFOIL_HOME"] = str(place / "home")
    assert call(["audit", "--json"]).result["findings"] == []
