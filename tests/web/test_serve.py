"""`counterfoil serve` as a process: how it starts, what goes through it, how it ends."""

from __future__ import annotations

import signal
import socket
import ssl
import stat
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from counterfoil.cli.tampering import change_one_byte
from counterfoil.identity.http_signature import SignedRequest, sign_request
from counterfoil.node import Node
from counterfoil.proof.entry import Proposal
from counterfoil.proof.signing import SigningKey
from tests.cli.calling import COMMAND, environment, process
from tests.web.process import serving


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    folder.mkdir()
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def eventually(ask: Callable[[], int]) -> int:
    """The first answer that is none of a moment too early."""
    deadline = time.monotonic() + 10
    while True:
        try:
            found = ask()
        except (httpx.ConnectError, OSError):
            found = 0
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


TREE = ("register", "create", "tree", "--key", "number")


def test_other_commands_on_the_same_home_go_through_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home) as served:
        for arguments in (
            TREE,
            ("record", "create", "tree", "1", "--field", "kind=oak"),
            (
                "record",
                "amend",
                "tree",
                "1",
                "--field",
                "kind=elm",
                "--receipt",
                str(tmp_path / "proof.json"),
            ),
        ):
            ended = process(*arguments, "--home", home)
            assert (ended.code, ended.err) == (0, "")
        shown = process("record", "tree", "1", "--home", home, "--json").result
        assert (shown["version"], shown["body"]["fields"]) == (2, {"kind": "elm", "number": "1"})
        answer = httpx.get(f"{served.url}v1/registers/tree/records/1")
        assert answer.status_code == 200
        assert answer.json()["version"] == 2
        trust = home / "trust.json"
        assert process("verify", tmp_path / "proof.json", "--trust", trust).code == 0
        assert served.end() == (0, "")
    assert process("audit", "--home", home).code == 0


def test_a_refusal_goes_through_it_as_it_is(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home):
        process(*TREE, "--home", home)
        process("record", "create", "tree", "1", "--field", "kind=oak", "--home", home)
        again = process("record", "create", "tree", "1", "--field", "kind=oak", "--home", home, "--json")
    assert again.code == 1
    assert again.error["kind"] == "conflict"


def test_a_document_goes_through_it(tmp_path: Path) -> None:
    home, deed = tmp_path / "home", tmp_path / "deed"
    deed.write_bytes(bytes(range(256)) * 4_000)
    with serving(home) as served:
        process(*TREE, "--home", home)
        ended = process(
            "record", "create", "tree", "1", "--field", "kind=oak", "--document", deed, "--home", home
        )
        assert ended.code == 0, ended.err
        name = process("record", "tree", "1", "--home", home, "--json").result["document"]
        assert httpx.get(f"{served.url}v1/documents/{name}").content == deed.read_bytes()


def test_a_register_is_imported_through_it_as_without_it(tmp_path: Path) -> None:
    country = Path(__file__).parents[2] / "examples" / "registers" / "country.rsf"
    home = tmp_path / "home"
    with serving(home):
        first = process("import", country, "--home", home, "--json").result
        again = process("import", country, "--home", home, "--json").result
    assert first["added"] == 228
    assert again["added"] == 0
    exported = process("export", "country", "--home", home)
    assert exported.out == country.read_bytes()


def test_a_second_one_on_the_same_home_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home):
        ended = process("serve", "--home", home, "--listen", "127.0.0.1:0")
    assert ended.code == 3
    assert f"another process serves {home} already; stop it first" in ended.err


def test_what_a_killed_one_left_behind_does_not_hinder_the_next(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home) as served:
        process(*TREE, "--home", home)
        served.end(signal.SIGKILL)
        assert (home / "socket").exists()
        assert process("record", "create", "tree", "1", "--field", "kind=oak", "--home", home).code == 0
    with serving(home) as served:
        assert httpx.get(f"{served.url}v1/registers/tree/records/1").status_code == 200


def test_the_socket_is_for_its_owner_and_goes_with_the_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with serving(home) as served:
        assert stat.S_IMODE((home / "socket").stat().st_mode) == 0o600
        assert process("audit", "--home", home).code == 0
        served.end()
    assert not (home / "socket").exists()


def test_the_operators_door_is_not_there_for_anybody_else(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served:
        assert httpx.post(f"{served.url}operator/settle").status_code == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told(tmp_path: Path, number: int) -> None:
    with serving(tmp_path / "home") as served:
        assert httpx.get(served.url).status_code == 200
        assert served.end(number) == (0, "")


def test_an_address_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = process("serve", "--home", tmp_path / "home", "--listen", f"127.0.0.1:{port}")
    assert ended.code == 3
    assert f"does not let a process listen at 127.0.0.1:{port} (Address already in use)" in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--listen", "here"), "'here' is no HOST:PORT"),
        (("--listen", "127.0.0.1:70000"), "is no HOST:PORT"),
        (("--tls-cert", "cert.pem"), "--tls-cert and --tls-key go together"),
    ],
)
def test_a_wrong_usage(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    ended = process("serve", "--home", tmp_path / "home", *options)
    assert ended.code == 2
    assert said in ended.err


def test_a_certificate_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    options = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "cert.pem"))
    ended = process("serve", "--home", tmp_path / "home", "--listen", "127.0.0.1:0", *options)
    assert ended.code == 3
    assert "cannot be used with the key" in ended.err


def test_it_speaks_tls(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path / "own")
    trusted = ssl.create_default_context(cafile=str(certificate))
    home = tmp_path / "home"
    with serving(home, "--tls-cert", str(certificate), "--tls-key", str(key)) as served:
        assert served.url.startswith("https://127.0.0.1:")
        assert httpx.get(served.url, verify=trusted).status_code == 200
        assert process(*TREE, "--home", home).code == 0


def test_the_log_says_who_asked_what_and_no_secret(tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    process("init", "--home", home)
    token = process("access", "add", "clerk", "--scope", "write:tree", "--home", home, "--json").result[
        "token"
    ]
    with serving(home, "--log", str(log)) as served:
        httpx.get(f"{served.url}v1/caller", headers={"authorization": f"Bearer {token}"})
        httpx.get(f"{served.url}v1/caller", headers={"authorization": "Bearer wrong"})
        served.end()
    lines = log.read_text().splitlines()
    assert token not in log.read_text()
    assert '"caller":"clerk"' in lines[0].replace(" ", "")
    assert '"status":401' in lines[1].replace(" ", "")


def test_a_log_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    ended = process("serve", "--home", tmp_path / "home", "--log", tmp_path / "none" / "log")
    assert ended.code == 3
    assert "cannot be written: No such file or directory; name another place with --log" in ended.err


def test_a_log_on_a_full_disk_holds_nothing_up(tmp_path: Path) -> None:
    with serving(tmp_path / "home", "--log", "/dev/full") as served:
        assert [httpx.get(f"{served.url}v1/caller").status_code for _ in range(3)] == [200] * 3
        assert served.end() == (0, "")


def test_a_thousand_slow_clients_hold_nobody_up(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served, ThreadPoolExecutor(8) as threads:
        address = ("127.0.0.1", served.port)
        slow = [socket.create_connection(address) for _ in range(1_000)]
        for number, each in enumerate(slow):
            # Some say nothing, some begin a request, some begin a body.
            if number % 3 == 1:
                each.sendall(b"GET / HTTP/1.1\r\nhost:")
            elif number % 3 == 2:
                each.sendall(b"POST /v1/verify HTTP/1.1\r\nhost: here\r\ncontent-length: 1000\r\n\r\n{")
        with httpx.Client(base_url=served.url) as client:
            answers = list(threads.map(lambda _: client.get("/v1/caller").status_code, range(200)))
        for each in slow:
            each.close()
    assert answers == [200] * 200


def test_a_request_that_does_not_arrive_is_ended(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served, socket.create_connection(("127.0.0.1", served.port)) as slow:
        slow.settimeout(30)
        slow.sendall(b"GET / HTTP/1.1\r\nhost:")
        answer = slow.recv(10_000)
        assert slow.recv(1) == b""
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"the request's headers did not arrive within 10 seconds" in answer


def test_a_head_without_an_end_is_ended(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served, socket.create_connection(("127.0.0.1", served.port)) as sender:
        sender.settimeout(30)
        sender.sendall(b"GET / HTTP/1.1\r\nx: " + b"a" * 100_000)
        assert sender.recv(10_000).startswith(b"HTTP/1.1 431 ")


def test_what_is_no_http_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served, socket.create_connection(("127.0.0.1", served.port)) as sender:
        sender.settimeout(30)
        sender.sendall(b"\x16\x03\x01\x00\xa5\x01\x00\x00\r\n\r\n")
        assert sender.recv(10_000).startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_on_hup_it_goes_on_with_a_new_log_and_certificate(tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    first, second = (make_certificate(tmp_path / name) for name in ("one", "two"))
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(first[0].read_bytes())
    key.write_bytes(first[1].read_bytes())
    options = ("--tls-cert", str(certificate), "--tls-key", str(key), "--log", str(log))
    with serving(home, *options) as served:
        trusted = ssl.create_default_context(cafile=str(first[0]))
        assert httpx.get(served.url, verify=trusted).status_code == 200
        log.rename(tmp_path / "log.1")
        certificate.write_bytes(second[0].read_bytes())
        key.write_bytes(second[1].read_bytes())
        served.process.send_signal(signal.SIGHUP)
        renewed = ssl.create_default_context(cafile=str(second[0]))
        assert eventually(lambda: httpx.get(served.url, verify=renewed).status_code) == 200
        assert eventually(lambda: len(log.read_text().splitlines())) >= 1
        assert served.end() == (0, "")


def test_a_signature_is_for_this_nodes_own_name(tmp_path: Path) -> None:
    home, key = tmp_path / "home", SigningKey.generate("ed25519")
    process("init", "--home", home)
    process("access", "add", "signer", "--scope", "write:tree", "--key", key.public.text, "--home", home)

    def ask(url: str, authority: str) -> httpx.Response:
        asked = SignedRequest(
            "GET", "http", authority, "/v1/caller", "", [(b"host", authority.encode())], b""
        )
        added = dict(sign_request(asked, key, "signer", int(time.time())))
        return httpx.get(f"{url}v1/caller", headers={"host": authority, **added})

    with serving(home, "--public-url", "https://registers.example/") as served:
        assert ask(served.url, "registers.example").json()["name"] == "signer"
        other = ask(served.url, "test.example")
    assert other.status_code == 401
    assert other.json()["detail"] == (
        "the request is for 'test.example', and this node takes signatures for registers.example"
    )


def test_a_signature_from_before_a_restart_is_not_taken(tmp_path: Path) -> None:
    home, key = tmp_path / "home", SigningKey.generate("ed25519")
    process("init", "--home", home)
    process("access", "add", "signer", "--scope", "write:tree", "--key", key.public.text, "--home", home)
    asked = SignedRequest("GET", "http", "here", "/v1/caller", "", [(b"host", b"here")], b"")
    added = {"host": "here", **dict(sign_request(asked, key, "signer", int(time.time()) - 5))}
    with serving(home) as served:
        answer = httpx.get(f"{served.url}v1/caller", headers=added)
    assert answer.status_code == 401
    assert answer.json()["detail"].startswith("the signature was made before this node was started")


def test_beyond_loopback_without_tls_it_says_what_that_means(tmp_path: Path) -> None:
    command = [*COMMAND, "serve", "--home", str(tmp_path / "home"), "--listen", "0.0.0.0:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as told:
        assert told.stdout is not None
        lines = [told.stdout.readline().decode() for _ in range(2)]
        told.send_signal(signal.SIGTERM)
        told.communicate(timeout=30)
    assert lines[1] == (
        "Tokens go over the network in the clear: give --tls-cert, or put a proxy with TLS before it.\n"
    )


def test_whoever_nobody_knows_sends_little(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as served:
        refused = httpx.post(f"{served.url}v1/transactions", content=b"[" + b" " * 70_000)
    assert refused.status_code == 413
    assert refused.json()["detail"] == "the body is over 65,536 bytes long"


def test_what_has_no_keys_here_is_served_for_reading(tmp_path: Path) -> None:
    home = tmp_path / "home"
    process(*TREE, "--home", home)
    process("record", "create", "tree", "1", "--field", "kind=oak", "--home", home)
    token = process("access", "add", "clerk", "--scope", "write:tree", "--home", home, "--json").result[
        "token"
    ]
    for key in (home / "keys").iterdir():
        key.unlink()
    with serving(home, "--read-only") as served:
        record = httpx.get(f"{served.url}v1/registers/tree/records/1")
        listed = httpx.get(f"{served.url}v1/registers/tree/records").json()["items"]
        page = httpx.get(f"{served.url}registers/tree/records/1", headers={"accept": "text/html"})
        refused = httpx.post(
            f"{served.url}v1/registers/tree/records",
            json={"record": "2", "fields": {"kind": "ash"}},
            headers={"authorization": f"Bearer {token}"},
        )
        assert served.end() == (0, "")
    assert (record.json()["version"], len(listed), page.status_code) == (1, 1, 200)
    assert refused.status_code == 503
    assert refused.json()["detail"] == "this node was started with --read-only, and takes no changes"


def test_a_damaged_record_is_refused_and_the_others_are_served(tmp_path: Path) -> None:
    home = tmp_path / "home"
    process(*TREE, "--home", home)
    with Node.open(home) as node:
        node.submit(
            [
                Proposal(
                    "tree",
                    str(number),
                    "create",
                    1,
                    body={"fields": {"number": str(number), "kind": "oak" * 9}},
                )
                for number in range(600)
            ]
        )
        damaged = node.record("tree", "300")
        assert damaged is not None
        change_one_byte(home / "store.db", damaged.number, b"oakoak")
    with serving(home, "--read-only") as served:
        answers = {
            name: httpx.get(f"{served.url}v1/registers/tree/records/{name}") for name in ("1", "300", "599")
        }
        front = httpx.get(served.url, headers={"accept": "text/html"})
        found = httpx.get(f"{served.url}v1/registers/tree/records?limit=1000").json()["items"]
    assert {name: each.status_code for name, each in answers.items()} == {"1": 200, "300": 500, "599": 200}
    assert answers["300"].json()["detail"].startswith(f"entry {damaged.number} is not what was sealed")
    assert front.status_code == 200
    assert len(found) == 599
