"""`counterfoil witness`: from a lone node to a proof that says "witnessed", with a witness in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import httpx
import pytest

from counterfoil.cli.app import run
from counterfoil.errors import Unavailable, Unverified
from counterfoil.gateway.cosigning import cosign
from counterfoil.gateway.fetch import Client
from counterfoil.gateway.witness_keys import cosigner_key
from counterfoil.gateway.witnesses import Witnesses
from counterfoil.home import Home
from counterfoil.proof.checkpoint import Checkpoint, sign_as_log
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.trust import Trust
from tests.cli.calling import COMMAND, environment
from tests.cli.conftest import Command
from tests.gateway.small_log import SmallLog
from tests.gateway.witness_served import cosigning_keys

ORIGIN = "registers.example/land"
NAME = "witness.example/w1"


class Process(NamedTuple):
    """A serving witness: its process, and what it said first."""

    process: subprocess.Popen[bytes]
    url: str
    keys: tuple[str, ...]

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(20)


@contextmanager
def witness_process(folder: Path, *logs: object, listen: str = "127.0.0.1:0") -> Iterator[Process]:
    """`counterfoil witness serve`, which must have ended well by the end of the block or be told to end."""
    arguments = ("witness", "serve", "--state", folder, "--name", NAME, "--listen", listen)
    command = [*COMMAND, *map(str, arguments), *map(str, logs)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        try:
            first = [_line(process.stdout) for _ in range(3)]
            yield Process(process, first[0], tuple(first[1:]))
        finally:
            process.kill()


def _line(stream: IO[bytes] | None) -> str:
    assert stream is not None
    return stream.readline().decode().rstrip("\n")


@pytest.fixture
def keys_file(land: Path, tmp_path: Path) -> Path:
    """The log's verifier keys as it serves them."""
    trust = Trust.parse((land / "trust.json").read_bytes())
    path = tmp_path / "land-keys.txt"
    path.write_text("".join(f"{each.text}\n" for each in trust.keys))
    return path


@pytest.fixture
def witness(keys_file: Path, tmp_path: Path) -> Iterator[Process]:
    with witness_process(tmp_path / "witness", "--log", f"{ORIGIN}={keys_file}") as serving:
        yield serving


def add(command: Command, witness: Process, *more: object) -> None:
    keys = [option for text in witness.keys for option in ("--key", text)]
    ended = command("witness", "add", witness.url, *keys, *more)
    assert ended.code == 0, ended.err


def level(command: Command, trust: Path, *what: object) -> tuple[str, str | None]:
    """Verdict and trust level of a fresh proof."""
    assert command("prove", *what, "--out", "proof.json").code == 0
    result = command("verify", "proof.json", "--trust", trust, "--json").result
    return result["verdict"], result["level"]


# Having one's checkpoints cosigned


def test_a_proof_says_witnessed(command: Command, land: Path, witness: Process, tmp_path: Path) -> None:
    before = tmp_path / "trust-before.json"
    before.write_bytes((land / "trust.json").read_bytes())
    assert level(command, before, "land-title", "1") == ("valid", "sealed here")
    add(command, witness)
    assert level(command, land / "trust.json", "land-title", "1") == ("valid", "witnessed")
    assert level(command, before, "land-title", "1") == ("valid", "sealed here")


def test_what_add_says(command: Command, land: Path, witness: Process) -> None:
    keys = [option for text in witness.keys for option in ("--key", text)]
    lines = command("witness", "add", witness.url, *keys).text.splitlines()
    size = command("witness", "list", "--json").result["witnesses"][0]["size"]
    assert size > 0
    assert lines[:2] == [
        f"{NAME} is asked at {witness.url} from now on.",
        f"{land / 'trust.json'} names its keys: give it anew to everybody who verifies, else they see no more than "
        "before.",
    ]
    assert lines[2].startswith(f"{NAME}  {witness.url}  {size} entries  0 behind  20")


def test_by_itself_it_lists(command: Command, land: Path, witness: Process) -> None:
    add(command, witness)
    assert command("witness").out == command("witness", "list").out != b""


def test_the_checkpoints_that_follow_are_cosigned_when_asked(
    command: Command, land: Path, witness: Process
) -> None:
    add(command, witness)
    assert command("record", "create", "land-title", "9", "--field", "owner=Eve").code == 0
    assert level(command, land / "trust.json", "land-title", "9") == ("valid", "sealed here")
    assert command("witness", "list", "--json").result["witnesses"][0]["behind"] > 0
    asked = command("witness", "ask", "--json")
    assert (asked.code, asked.result["witnesses"][0]["behind"]) == (0, 0)
    assert level(command, land / "trust.json", "land-title", "9") == ("valid", "witnessed")


def test_a_trust_policy_may_require_it(command: Command, land: Path, witness: Process) -> None:
    add(command, witness, "--require", 1)
    assert command("record", "create", "land-title", "9", "--field", "owner=Eve").code == 0
    assert level(command, land / "trust.json", "land-title", "9") == ("not valid", None)
    assert command("witness", "ask").code == 0
    assert level(command, land / "trust.json", "land-title", "9") == ("valid", "witnessed")


def test_a_home_with_cosigned_checkpoints_passes_its_audit(
    command: Command, land: Path, witness: Process
) -> None:
    add(command, witness)
    audited = command("audit", "--json")
    assert (audited.code, audited.result.get("findings")) == (0, []), audited.text


def test_a_rewritten_home_is_found_by_its_witness(command: Command, land: Path, witness: Process) -> None:
    """Whoever holds all keys makes the log anew with an entry missing; locally that shows nothing."""
    add(command, witness)
    home = Home(land)
    (asked,) = Witnesses(home.witnesses).list()
    signers = [home.read_key("checkpoint"), home.read_key("checkpoint-pq")]
    forged = sign_as_log(Checkpoint(ORIGIN, asked.size, SmallLog().root(asked.size)), signers, 1_800_000_000)
    with Client() as client, pytest.raises(Unverified, match="has cosigned a different log"):
        cosign(asked, forged, lambda old, new: (), client)
    page = httpx.get(witness.url).text
    assert f"{ORIGIN}: {asked.size} entries" in page
    assert page.splitlines()[-1].endswith("/v1/refused/1: the log has signed another root for the same size")
    assert httpx.get(f"{witness.url}/v1/refused/1").content == forged
    assert httpx.get(f"{witness.url}/v1/cosigned/1").text.startswith(f"{ORIGIN}\n{asked.size}\n")


def test_a_witness_that_is_away_is_added_and_said(command: Command, land: Path) -> None:
    (key, _) = cosigning_keys("away.example")
    ended = command("witness", "add", "http://127.0.0.1:1", "--key", key.text)
    assert ended.code == 1
    assert ended.err.startswith("http://127.0.0.1:1/add-checkpoint cannot be reached: ")
    listed = command("witness", "list", "--json").result["witnesses"]
    assert [(each["name"], each["size"], each["cosigned"]) for each in listed] == [("away.example", 0, None)]
    assert Trust.parse((land / "trust.json").read_bytes()).witnesses == (key,)


def test_adding_the_same_one_finishes_what_was_left_half_done(
    command: Command, land: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended after the trust policy and before the list: the keys count already, and nobody is asked yet."""
    (key, _) = cosigning_keys("away.example")
    arguments = ("http://127.0.0.1:1", "--key", key.text)
    before = (land / "trust.json").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("counterfoil.gateway.witnesses.write_whole", _full)
        assert command("witness", "add", *arguments).code == 3
    assert Trust.parse((land / "trust.json").read_bytes()).witnesses == (key,)
    assert command("witness", "list", "--json").result["witnesses"] == []
    for _ in range(2):
        assert command("witness", "add", *arguments).code == 1, "it is added, and away"
        assert [each["name"] for each in command("witness", "list", "--json").result["witnesses"]] == [
            "away.example"
        ]
    assert Trust.parse((land / "trust.json").read_bytes()).witnesses == (key,)
    with monkeypatch.context() as patched:
        patched.setattr("counterfoil.gateway.witnesses.write_whole", _full)
        assert command("witness", "remove", "away.example").code == 3
    assert (land / "trust.json").read_bytes() == before
    assert command("witness", "remove", "away.example").code == 0
    assert command("witness", "list", "--json").result["witnesses"] == []
    assert command("witness", "remove", "away.example").code == 3


def _full(*_: object) -> None:
    raise Unavailable("the disk is full")


def test_what_was_added_half_way_can_be_removed(
    command: Command, land: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (land / "trust.json").read_bytes()
    (key, _) = cosigning_keys("away.example")
    with monkeypatch.context() as patched:
        patched.setattr("counterfoil.gateway.witnesses.write_whole", _full)
        assert command("witness", "add", "http://127.0.0.1:1", "--key", key.text).code == 3
    assert command("witness", "remove", "away.example").code == 0
    assert (land / "trust.json").read_bytes() == before


def test_two_that_are_added_at_once_are_both_in_list_and_policy(command: Command, land: Path) -> None:
    names = [f"w{number}.example" for number in range(4)]
    calls = [
        subprocess.Popen(
            [
                *COMMAND,
                "witness",
                "add",
                "http://127.0.0.1:1",
                "--home",
                str(land),
                "--key",
                cosigning_keys(name)[0].text,
            ],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for name in names
    ]
    assert {call.wait(60) for call in calls} <= {0, 1, 3}, "3 where another call held the home meanwhile"
    trust = Trust.parse((land / "trust.json").read_bytes())
    assert sorted(each.name for each in trust.witnesses) == names
    listed = command("witness", "list", "--json").result["witnesses"]
    assert sorted(each["name"] for each in listed) == names


def test_one_that_is_removed_counts_no_more(command: Command, land: Path, witness: Process) -> None:
    before = (land / "trust.json").read_bytes()
    add(command, witness, "--require", 1)
    removed = command("witness", "remove", NAME, "--json")
    assert (removed.code, removed.result["require-witnesses"]) == (0, 0)
    assert (land / "trust.json").read_bytes() == before
    assert command("witness", "list").text == "no witness is asked; counterfoil witness add names one\n"
    assert level(command, land / "trust.json", "land-title", "1") == ("valid", "sealed here")


def test_while_another_process_holds_the_home_the_list_is_changed_and_nobody_asked(
    command: Command, land: Path, witness: Process
) -> None:
    keys = [option for text in witness.keys for option in ("--key", text)]
    with Home(land).writing():
        added = command("witness", "add", witness.url, *keys, "--json")
    assert (added.code, added.result["asked"], added.result["witnesses"][0]["size"]) == (0, False, 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--key", "nonsense"), "is no verifier key"),
        (
            ("--key", SmallLog().keys[0].text),
            "is a log's, of type 0x01; a witness's has the type 0x04 or 0x06",
        ),
        (("--key", cosigning_keys("w")[0].text, "--require", 2), "must require 0 to all of its 1 witnesses"),
    ],
)
def test_what_cannot_be_added_changes_nothing(
    command: Command, land: Path, arguments: tuple[object, ...], message: str
) -> None:
    before = (land / "trust.json").read_bytes()
    ended = command("witness", "add", "https://witness.example", *arguments)
    assert ended.code == 1
    assert message in ended.err
    assert (land / "trust.json").read_bytes() == before
    assert not (land / "witnesses.json").exists()


def test_a_key_of_the_log_itself_is_no_witness(command: Command, land: Path) -> None:
    """One key pair in two roles would let the log witness itself."""
    own: VerifierKey = cosigner_key("w.example", Home(land).read_key("checkpoint"))
    ended = command("witness", "add", "https://witness.example", "--key", own.text)
    assert (ended.code, "names a public key twice" in ended.err) == (1, True)
    assert not (land / "witnesses.json").exists()


def test_without_an_installation_there_is_nothing_to_add_to(command: Command, home: Path) -> None:
    ended = command("witness", "add", "https://witness.example", "--key", cosigning_keys("w")[0].text)
    assert (ended.code, home.exists()) == (3, False)
    assert "there is no installation" in ended.err


# Being a witness


def test_it_says_address_and_keys_first_and_ends_cleanly(witness: Process) -> None:
    assert witness.url.startswith("http://127.0.0.1:")
    parsed = [VerifierKey.parse(text) for text in witness.keys]
    assert [(each.name, each.type) for each in parsed] == [(NAME, 0x04), (NAME, 0x06)]
    assert httpx.get(f"{witness.url}/v1/health").json()["logs"] == {ORIGIN: None}
    assert witness.stop() == 0
    assert witness.process.stderr is not None
    assert witness.process.stderr.read() == b""


def test_it_ends_cleanly_from_the_keyboard(witness: Process) -> None:
    assert witness.stop(signal.SIGINT) == 0


def test_it_remembers_over_kills(command: Command, land: Path, keys_file: Path, tmp_path: Path) -> None:
    log = ("--log", f"{ORIGIN}={keys_file}")
    with witness_process(tmp_path / "witness", *log) as first:
        add(command, first)
        assert first.stop(signal.SIGKILL) == -9
    listen = first.url.removeprefix("http://")
    size = command("witness", "list", "--json").result["witnesses"][0]["size"]
    with witness_process(tmp_path / "witness", *log, listen=listen) as second:
        assert second.keys == first.keys
        assert httpx.get(f"{second.url}/v1/health").json()["logs"] == {ORIGIN: size}
        assert command("record", "create", "land-title", "9", "--field", "owner=Eve").code == 0
        assert command("witness", "ask").code == 0


def test_under_json_the_first_document_says_it_all(keys_file: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs.json"
    log = SmallLog()
    logs.write_text(json.dumps({"logs": [{"origin": log.origin, "keys": [each.text for each in log.keys]}]}))
    arguments = ("witness", "serve", "--state", tmp_path / "w", "--name", NAME, "--listen", "127.0.0.1:0")
    command = [
        *COMMAND,
        *map(str, arguments),
        "--log",
        f"{ORIGIN}={keys_file}",
        "--logs",
        str(logs),
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
        document = json.loads(_line(process.stdout))
        # At once: also before the server has begun, it is the end.
        process.terminate()
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()
    assert (document["name"], len(document["keys"]), document["logs"]) == (NAME, 2, [log.origin, ORIGIN])


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ((), 2, "name a log with --log"),
        (("--log", "no-file"), 2, "--log takes ORIGIN=FILE"),
        (("--log", "log.example/1=missing"), 3, "there is no file missing"),
        (("--log", "log.example/1=empty"), 1, "has no key"),
        (("--log", "log.example/1=keys", "--listen", "nowhere"), 1, "it must be HOST:PORT"),
        (("--log", "log.example/1=keys", "--name", "with space"), 1, "is no key name"),
        (("--log", "log.example/1=keys", "--state", "."), 3, "holds other things already"),
    ],
)
def test_what_it_cannot_begin_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int, message: str
) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "keys").write_text("".join(f"{each.text}\n" for each in SmallLog().keys))
    assert run(["witness", "serve", "--state", "w", "--name", NAME, *options]) == code
    assert message in capsys.readouterr().err


def test_its_secrets_are_in_no_line_of_the_process_list(witness: Process, tmp_path: Path) -> None:
    seeds = [path.read_text().strip() for path in (tmp_path / "witness/keys").iterdir()]
    told = Path(f"/proc/{witness.process.pid}/cmdline").read_bytes()
    told += Path(f"/proc/{witness.process.pid}/environ").read_bytes()
    assert len(seeds) == 2
    assert not any(seed.encode() in told for seed in seeds)
