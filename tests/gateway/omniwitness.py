"""omniwitness, a witness by others, as a process of its own on loopback; `scripts/go-tools` builds it."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from counterfoil.gateway.witnesses import AskedWitness
from counterfoil.proof.note import VerifierKey
from tests.gateway.witness_served import until

TOOLS = Path(__file__).parents[2] / ".go-tools"
NAME = "witness.example/omni"


@contextmanager
def omniwitness(folder: Path, origin: str, log_key: VerifierKey) -> Iterator[AskedWitness]:
    """A new omniwitness that knows one log by one key; gives what the log's keeper knows of it."""
    if not (TOOLS / "omniwitness").exists():
        pytest.fail("omniwitness is not built; run scripts/go-tools")
    keys = [_generate(folder, "ed25519"), _generate(folder, "ml-dsa-44", "-mldsa")]
    # JSON is YAML.
    logs = {"Logs": [{"Origin": origin, "PublicKey": log_key.text}]}
    (folder / "logs.yaml").write_text(json.dumps(logs))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command: list[str | Path] = [TOOLS / "omniwitness", "-listen", f"127.0.0.1:{port}", "-metrics_listen", ""]
    command += ["-db_file", folder / "w.db", "-additional_logs", folder / "logs.yaml", "-logtostderr"]
    for algorithm in ("ed25519", "ml-dsa-44"):
        command += ["-private_key_path", folder / f"{algorithm}.sec"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            until(lambda: _answers(process, port, folder / "log"), "omniwitness answers")
            yield AskedWitness(NAME, f"http://127.0.0.1:{port}", tuple(keys))
        finally:
            process.terminate()


def _generate(folder: Path, algorithm: str, *options: str) -> str:
    files = ("-out_priv", folder / f"{algorithm}.sec", "-out_pub", folder / f"{algorithm}.pub")
    command: list[str | Path] = [TOOLS / "generate_keys", "-origin", NAME, *files, *options]
    subprocess.run(command, check=True, capture_output=True)
    return (folder / f"{algorithm}.pub").read_text().strip()


def _answers(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    assert process.poll() is None, f"omniwitness has ended: {log.read_text()[-2_000:]}"
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
