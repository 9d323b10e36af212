"""The log over HTTP: what C2SP tlog-tiles asks of paths, bytes, types and caching, on a served installation."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from counterfoil.node import Node
from counterfoil.proof.checkpoint import open_checkpoint
from counterfoil.proof.merkle import consistency_proof, leaf_hashes, root, verify_consistency
from counterfoil.proof.note import VerifierKey
from counterfoil.proof.tiles import TileReader, bundles_of, decode_bundle, split_hashes, tile_path, tiles_of
from counterfoil.proof.trust import Trust
from counterfoil.store.log import Log
from counterfoil.web.api.log import log_app
from tests.web.log_serving import ORIGIN, add_titles, create_land, fill, land_office, serve_app, serve_log

SIZE = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("log") / "home"
    fill(found, SIZE)
    return found


@pytest.fixture(scope="module")
def log(folder: Path) -> Iterator[httpx.Client]:
    """A client of the served log, whose addresses are relative to its prefix."""
    with serve_log(folder) as prefix, httpx.Client(base_url=prefix) as client:
        yield client


def stored(folder: Path) -> tuple[list[bytes], bytes]:
    """The entries and the newest published note, read from the installation itself."""
    with Node.open(folder, read_only=True) as node:
        return list(node.entries()), node.store.latest_published() or b""


def test_the_checkpoint_is_the_published_one_and_signed_by_the_keys_that_the_log_names(
    log: httpx.Client, folder: Path
) -> None:
    answer = log.get("checkpoint")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.headers["cache-control"] == "public, max-age=5"
    keys = log.get("keys")
    assert (keys.status_code, keys.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    named = [VerifierKey.parse(line) for line in keys.text.splitlines()]
    signed = open_checkpoint(answer.content, named)
    assert (signed.checkpoint.origin, signed.checkpoint.size) == (ORIGIN, SIZE)
    assert [line.key for line in signed.lines] == named
    assert [key.public.algorithm for key in named] == ["ed25519", "ml-dsa-44"]
    assert answer.content == stored(folder)[1]
    trust = Trust.parse((folder / "trust.json").read_bytes())
    assert [key.text for key in trust.keys] == keys.text.splitlines()


def test_the_checkpoint_is_sent_once_to_whoever_has_it(log: httpx.Client) -> None:
    first = log.get("checkpoint")
    tag = first.headers["etag"]
    for named in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = log.get("checkpoint", headers={"if-none-match": named})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert log.get("checkpoint", headers={"if-none-match": '"other"'}).content == first.content


def test_every_tile_and_bundle_holds_the_log_and_leads_to_the_root(log: httpx.Client, folder: Path) -> None:
    entries, _ = stored(folder)
    leaves = leaf_hashes(entries)
    served: list[bytes] = []
    for bundle in bundles_of(SIZE):
        served += decode_bundle(log.get(bundle.path).content, bundle.width)
    assert served == entries
    hashes: dict[int, list[bytes]] = {}
    for tile in tiles_of(SIZE):
        answer = log.get(tile.path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/octet-stream")
        hashes.setdefault(tile.level, []).extend(split_hashes(answer.content, tile.width))
    assert hashes == {0: leaves, 1: [root(leaves[:256]), root(leaves[256:512])]}


def test_full_tiles_are_kept_for_ever_and_partial_ones_are_not(log: httpx.Client) -> None:
    for path in ("tile/0/000", "tile/entries/001"):
        assert log.get(path).headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/002.p/88"):
        assert log.get(path).headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("width", [1, 87, 255])
def test_the_partial_tiles_of_earlier_checkpoints_stay(log: httpx.Client, width: int) -> None:
    assert log.get(f"tile/0/001.p/{width}").content == log.get("tile/0/001").content[: 32 * width]
    entries = decode_bundle(log.get("tile/entries/001").content, 256)
    assert decode_bundle(log.get(f"tile/entries/001.p/{width}").content, width) == entries[:width]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "tile/0/002",
        "tile/0/002.p/89",
        "tile/0/003.p/1",
        "tile/1/000.p/3",
        "tile/2/000.p/1",
        "tile/63/000.p/1",
        "tile/entries/002",
        "tile/entries/002.p/89",
        "tile/0/x001/000",
        "tile/0/0",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/%2e%2e/0/000",
        "tile/0/%30%30%30/",
        "checkpoint/",
        "Checkpoint",
    ],
)
def test_what_the_log_has_not_is_not_found(log: httpx.Client, path: str) -> None:
    answer = log.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert (said["type"], said["title"], said["status"]) == ("about:blank", "Not Found", 404)
    assert said["detail"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_the_log_can_only_be_read(log: httpx.Client, method: str) -> None:
    answer = log.request(method, "checkpoint")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json()["detail"] == "the log can only be read; ask with GET or HEAD"


@pytest.mark.parametrize("path", ["checkpoint", "keys", "tile/0/000", "tile/entries/002.p/88", "tile/9/000"])
def test_head_says_the_same_and_sends_no_body(log: httpx.Client, path: str) -> None:
    asked, told = log.get(path), log.head(path)
    assert (told.status_code, told.content) == (asked.status_code, b"")
    volatile = {"date"}
    assert {name: told.headers[name] for name in told.headers if name not in volatile} == {
        name: asked.headers[name] for name in asked.headers if name not in volatile
    }


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.00", False),
        ("identity", False),
        ("x-gzip", False),
    ],
)
def test_bundles_are_compressed_for_who_takes_it(log: httpx.Client, accepted: str, compressed: bool) -> None:
    with log.stream("GET", "tile/entries/000", headers={"accept-encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.headers.get("content-encoding") == ("gzip" if compressed else None)
    assert len(raw) == int(answer.headers["content-length"])
    plain = gzip.decompress(raw) if compressed else raw
    assert len(decode_bundle(plain, 256)) == 256
    with log.stream("GET", "tile/0/000", headers={"accept-encoding": accepted}) as answer:
        assert "content-encoding" not in answer.headers


def test_while_the_log_grows_each_checkpoint_has_its_tiles(tmp_path: Path) -> None:
    """The proof between two checkpoints, from the tiles of the later one, and those of the earlier are there still."""
    with land_office(tmp_path / "home") as node, serve_app(log_app(node)) as address:
        create_land(node)
        with httpx.Client(base_url=f"{address}/v1/log/") as client:

            def head() -> tuple[int, bytes]:
                keys = [VerifierKey.parse(line) for line in client.get("keys").text.splitlines()]
                checkpoint = open_checkpoint(client.get("checkpoint").content, keys).checkpoint
                return checkpoint.size, checkpoint.root

            def read(level: int, index: int, width: int) -> bytes:
                return client.get(tile_path(level, index, width)).raise_for_status().content

            node.settle()
            earlier, earlier_root = head()
            add_titles(node, 0, 500)
            assert head() == (earlier, earlier_root), (
                "what is not published yet is not served as the checkpoint"
            )
            node.settle()
            later, later_root = head()
            proof = consistency_proof(earlier, later, TileReader(read, later).node)
            verify_consistency(earlier, later, earlier_root, later_root, proof)
            assert (earlier, later) == (8, 509)
            for tile in tiles_of(earlier):
                assert client.get(tile.path).status_code == 200


def test_stored_damage_is_an_error_of_the_server_and_says_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(self: Log, *_: Any) -> bytes:
        return self._full_tile(0, 1 << 40)

    monkeypatch.setattr(Log, "tile", damaged)
    with serve_log(folder) as prefix:
        answer = httpx.get(f"{prefix}tile/0/000")
    assert (answer.status_code, answer.headers["cache-control"]) == (500, "no-store")
    assert answer.json()["detail"].endswith("run counterfoil audit")
