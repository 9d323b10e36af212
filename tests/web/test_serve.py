"""`counterfoil serve` as a process: how it starts, what goes through it, how it ends."""

from __future__ import annotations

import signal
import socket
import ssl
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.cli.calling import process
from tests.web.process import serving

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
    assert "with its key cannot be used" in ended.err


def test_it_speaks_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-keyout", key, "-out", certificate, "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
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
