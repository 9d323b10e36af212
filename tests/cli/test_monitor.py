"""`counterfoil monitor` on served logs: quiet where all is well, and what a lone node's audit cannot see."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from counterfoil.gateway.monitor_evidence import judge_evidence, read_evidence
from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.note import encode_base64, parse_note
from counterfoil.proof.trust import Trust
from counterfoil.signer import begin_last_signed
from counterfoil.store.audit.finding import CANNOT_SEE
from counterfoil.web.api.log import log_app
from tests.cli.calling import process
from tests.cli.conftest import Command
from tests.gateway.small_log import SmallLog
from tests.web.log_serving import add_titles, create_land, land_office, serve_app, title


class Site:
    """An address that shows the log of one installation, and later perhaps of another."""

    def __init__(self) -> None:
        self._log: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._log(scope, receive, send)

    @contextmanager
    def showing(self, folder: Path) -> Iterator[None]:
        with Node.open(folder, read_only=True) as node:
            self._log = log_app(node)
            yield


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    with serve_app(site) as address:
        yield address


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "home"
    with land_office(folder) as node:
        create_land(node)
        add_titles(node, 0, 300)
    return folder


@pytest.fixture
def land_home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "land")
    return tmp_path / "land"


@pytest.fixture
def trust(made: Path, tmp_path: Path) -> Path:
    """The trust policy, as its user got it once."""
    shutil.copy(made / "trust.json", tmp_path / "trust.json")
    return tmp_path / "trust.json"


def head(folder: Path) -> Checkpoint:
    with Node.open(folder, read_only=True) as node:
        return Checkpoint.parse(parse_note(node.store.latest_published() or b"").text)


def rebuild(honest: Path, folder: Path, *, without: int, count: int) -> None:
    """What an operator can do who holds every key: the same installation anew, with an entry left out."""
    home = Home(folder)
    home.create()
    for path in (honest / "keys").iterdir():
        shutil.copy(path, folder / "keys" / path.name)
    begin_last_signed(home)
    with land_office(folder) as node:
        create_land(node)
        node.submit([title(number) for number in range(count) if number != without])


def test_it_is_quiet_where_all_is_well(
    site: Site, url: str, land_home: Path, trust: Path, tmp_path: Path
) -> None:
    arguments = ("monitor", url, "--state", tmp_path / "state", "--trust", trust)
    with site.showing(land_home):
        assert process(*arguments) == (0, b"", "")
    with land_office(land_home, 1_800_000_100) as node:
        add_titles(node, 300, 5)
    now = head(land_home)
    with site.showing(land_home):
        assert process(*arguments) == (0, b"", "")
        said = process(*arguments, "--verbose")
    assert said == (0, f"{url}: well: size {now.size}, root {encode_base64(now.root)}\n".encode(), "")


def test_json_says_what_was_found(
    command: Command, site: Site, url: str, made: Path, trust: Path, tmp_path: Path
) -> None:
    now = head(made)
    prefix = f"{url}/v1/log/"
    with site.showing(made):
        told = command("monitor", prefix, "--state", tmp_path / "state", "--trust", trust, "--json")
    assert (told.code, told.documents) == (
        0,
        [
            {
                "origin": "registers.example/land",
                "state": str(tmp_path / "state"),
                "found": [
                    {
                        "url": prefix,
                        "standing": "well",
                        "said": f"size {now.size}, root {encode_base64(now.root)}",
                        "size": now.size,
                        "root": encode_base64(now.root),
                        "evidence": None,
                    }
                ],
                "well": True,
            }
        ],
    )


@pytest.mark.parametrize("count", [301, 320], ids=["as many entries", "more entries"])
def test_it_names_a_rebuilt_log_that_its_own_audit_finds_nothing_wrong_with(
    command: Command, site: Site, url: str, made: Path, trust: Path, tmp_path: Path, count: int
) -> None:
    arguments = ("monitor", url, "--state", tmp_path / "state", "--trust", trust)
    with site.showing(made):
        assert command(*arguments).code == 0
    rebuilt = tmp_path / "rebuilt"
    rebuild(made, rebuilt, without=7, count=count)
    audited = command("audit", "--home", rebuilt)
    assert audited.code == 0, "whoever holds every key of a lone node can rebuild it whole"
    assert CANNOT_SEE in audited.text
    assert audit_home(Home(rebuilt)).found == 0

    with site.showing(rebuilt):
        told = command(*arguments)
    before, after = head(made), head(rebuilt)
    assert told.code == 1
    first, second = (f"size {each.size}, root {encode_base64(each.root)}" for each in (before, after))
    said, where = told.text.splitlines()
    assert said.startswith(f"{url}: fork: the log has signed two histories: {first}, and {second}")
    data = Path(where.removeprefix("  evidence: ")).read_bytes()
    evidence = read_evidence(data)
    assert [
        Checkpoint.parse(parse_note(each.encode()).text) for each in (evidence.first, evidence.second)
    ] == [
        before,
        after,
    ]
    assert judge_evidence(data, Trust.parse(trust.read_bytes()).keys)
    with site.showing(made):
        assert command(*arguments).code == 1, "it is told of until the evidence is moved away"


def test_a_log_restored_from_an_older_copy_is_a_rollback(
    command: Command, site: Site, url: str, land_home: Path, made: Path, trust: Path, tmp_path: Path
) -> None:
    with land_office(land_home, 1_800_000_100) as node:
        add_titles(node, 300, 5)
    arguments = ("monitor", url, "--state", tmp_path / "state", "--trust", trust)
    with site.showing(land_home):
        assert command(*arguments).code == 0
    with site.showing(made):
        told = command(*arguments)
    assert told.code == 1
    said = told.text.splitlines()[0]
    assert said.startswith(f"{url}: rollback: it showed size {head(land_home).size}, root ")
    assert f" before, and now size {head(made).size}, root " in said


def test_the_log_s_keys_do_instead_of_a_trust_policy(
    command: Command, site: Site, url: str, made: Path, trust: Path, tmp_path: Path
) -> None:
    keys = [key.text for key in Trust.parse(trust.read_bytes()).keys]
    with site.showing(made):
        assert command("monitor", url, "--state", tmp_path / "state", "--key", keys[0]).code == 0
        assert (
            command("monitor", url, "--state", tmp_path / "two", "--key", keys[0], "--key", keys[1]).code == 0
        )


def test_anyone_can_judge_the_evidence(
    command: Command, site: Site, url: str, made: Path, trust: Path, tmp_path: Path
) -> None:
    arguments = ("monitor", url, "--state", tmp_path / "state", "--trust", trust)
    with site.showing(made):
        assert command(*arguments).code == 0
    rebuild(made, tmp_path / "rebuilt", without=7, count=320)
    with site.showing(tmp_path / "rebuilt"):
        assert command(*arguments).code == 1
    (file,) = (tmp_path / "state" / "evidence").iterdir()
    judged = command("monitor", "--judge", file, "--trust", trust)
    assert judged.code == 0
    assert judged.text.startswith(
        f"{file}: the log registers.example/land has signed two histories with its key registers.example/land+"
    )
    keys = [key.text for key in Trust.parse(trust.read_bytes()).keys]
    told = command("monitor", "--judge", file, "--key", keys[0], "--json").result
    assert told["convinces"] is True
    assert [each["size"] for each in told["checkpoints"]] == [
        head(made).size,
        head(tmp_path / "rebuilt").size,
    ]
    other = command("monitor", "--judge", file, "--key", SmallLog().keys[0].text)
    assert (other.code, "it proves nothing" in other.text) == (1, True)
    file.write_bytes(file.read_bytes().replace(b'"kind"', b'"kinds"'))
    damaged = command("monitor", "--judge", file, "--trust", trust, "--json")
    assert (damaged.code, damaged.error["kind"]) == (1, "malformed")
    missing = command("monitor", "--judge", tmp_path / "none.json", "--trust", trust, "--json")
    assert (missing.code, missing.error["kind"]) == (3, "not-found")


def test_what_does_not_answer_is_3_and_1_after_the_silence_allowed(
    command: Command, trust: Path, tmp_path: Path
) -> None:
    url = (tmp_path / "nothing").as_uri()
    arguments = ("monitor", url, "--state", tmp_path / "state", "--trust", trust)
    told = command(*arguments)
    assert told.code == 3
    assert told.text.startswith(f"{url}: unknown: ")
    file = tmp_path / "state" / "addresses.json"
    file.write_text(re.sub(r'"seen": [0-9]+', '"seen": 1000000000', file.read_text()))
    told = command(*arguments, "--json")
    assert (told.code, told.result["well"], told.result["found"][0]["standing"]) == (1, False, "silence")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("file:///log",),
        ("--state", "state", "--trust", "trust.json"),
        ("--judge", "fork.json"),
        ("--judge", "fork.json", "--state", "state", "--key", "k"),
        ("file:///log", "--judge", "fork.json", "--key", "k"),
        ("file:///log", "--state", "state"),
        ("file:///log", "--state", "state", "--trust", "trust.json", "--key", "k"),
        ("file:///log", "--state", "state", "--key", "k", "--silence", "-1"),
    ],
)
def test_wrong_usage_is_2(command: Command, arguments: tuple[str, ...]) -> None:
    assert command("monitor", *arguments).code == 2


def test_what_cannot_be_used_is_told(command: Command, trust: Path, tmp_path: Path) -> None:
    state = ("--state", tmp_path / "state")
    no_key = command("monitor", "file:///log", *state, "--key", "k", "--json")
    assert (no_key.code, no_key.error["kind"]) == (3, "unavailable")
    no_trust = command("monitor", "file:///log", *state, "--trust", tmp_path / "none.json", "--json")
    assert (no_trust.code, no_trust.error["kind"]) == (3, "not-found")
    no_state = command("monitor", "file:///log", "--state", trust, "--trust", trust, "--json")
    assert (no_state.code, no_state.error["kind"]) == (3, "unavailable")
    for url in ("ftp://log.example/", "log.example", "https://me:secret@log.example/", "file:log"):
        no_address = command("monitor", url, *state, "--trust", trust)
        assert no_address.code == 2
        assert "secret" not in no_address.err
    assert not (tmp_path / "state").exists()
