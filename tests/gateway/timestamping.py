"""An RFC 3161 service on loopback whose answers OpenSSL makes, with an authority and a certificate of its own."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

CONFIGURATION = """
[tsa]
default_tsa = service
[service]
dir = .
serial = ./serial
crypto_device = builtin
signer_cert = ./service.pem
certs = ./authority.pem
signer_key = ./service.key
signer_digest = {digest}
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = {named_by}
[stamping]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
[serving]
extendedKeyUsage = serverAuth
"""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class StampingService:
    """A folder with the service's keys and certificates. `key`: what `openssl genpkey` takes."""

    def __init__(
        self,
        folder: Path,
        key: tuple[str, ...] = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *,
        usage: str = "stamping",
        digest: str = "sha256",
        named_by: str = "sha256",
    ):
        self.folder = folder
        folder.mkdir()
        (folder / "tsa.cnf").write_text(CONFIGURATION.format(digest=digest, named_by=named_by))
        (folder / "serial").write_text("01\n")
        for name in ("authority", "service"):
            openssl(folder, "genpkey", *key, "-out", f"{name}.key")
        ca = ("-subj", "/O=Example/CN=Authority", "-days", "30", "-out", "authority.pem")
        openssl(folder, "req", "-x509", "-new", "-key", "authority.key", *ca)
        asked = ("-subj", "/O=Example/CN=Stamping service", "-out", "service.csr")
        openssl(folder, "req", "-new", "-key", "service.key", *asked)
        by = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "30")
        extended = ("-extfile", "tsa.cnf", "-extensions", usage, "-out", "service.pem")
        openssl(folder, "x509", "-req", "-in", "service.csr", *by, *extended)

    def answer(self, query: bytes) -> bytes:
        """What OpenSSL answers to a query."""
        (self.folder / "query.tsq").write_bytes(query)
        asked = ("-queryfile", "query.tsq", "-out", "answer.tsr")
        openssl(self.folder, "ts", "-reply", "-config", "tsa.cnf", *asked)
        return (self.folder / "answer.tsr").read_bytes()


@contextmanager
def stamping(answer: Callable[[bytes], bytes], asked: list[tuple[str, bytes]]) -> Iterator[str]:
    """Serve answers by HTTP until the end of the block; notes the content type and body of each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            asked.append((self.headers["content-type"], body))
            made = answer(body)
            self.send_response(200)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(made)))
            self.end_headers()
            self.wfile.write(made)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
