"""RFC 3161 time-stamps: answers made by OpenSSL are read, and each way to be wrong is found."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import tsp  # type: ignore[import-untyped]  # it comes without types
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unavailable, Unverified
from counterfoil.gateway import timestamp
from counterfoil.gateway.timestamp import MAX_RESPONSE_BYTES, make_query, read_response
from tests.gateway.timestamping import StampingService, openssl

DATA = b"log.example/1\n300\n56/ILTiUT8eTBUUygJHUWCMojB9zTL2sBjlnE+vUtdU=\n"
NONCE = 0x1234567890ABCDEF
RSA = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
P256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
P384 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> StampingService:
    return StampingService(tmp_path_factory.mktemp("stamping") / "service")


@pytest.fixture(scope="module")
def answer(service: StampingService) -> bytes:
    return service.answer(make_query(DATA, NONCE))


def test_the_query_asks_for_these_bytes_with_a_nonce_and_the_certificate(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(DATA)
    openssl(tmp_path, "ts", "-query", "-data", "data", "-sha256", "-cert", "-no_nonce", "-out", "theirs.tsq")
    theirs = tsp.TimeStampReq.load((tmp_path / "theirs.tsq").read_bytes())
    ours = tsp.TimeStampReq.load(make_query(DATA, NONCE), strict=True)
    assert ours["message_imprint"].native == theirs["message_imprint"].native
    assert (ours["version"].native, ours["nonce"].native, ours["cert_req"].native) == ("v1", NONCE, True)


@pytest.mark.parametrize(
    ("key", "digest", "named_by"),
    [
        (P256, "sha256", "sha256"),
        (P384, "sha384", "sha1"),
        (RSA, "sha512", "sha512"),
        (RSA, "sha256", "sha1"),
    ],
    ids=["P-256", "P-384", "RSA-SHA-512", "RSA"],
)
def test_what_openssl_has_signed_is_read(
    tmp_path: Path, key: tuple[str, ...], digest: str, named_by: str
) -> None:
    service = StampingService(tmp_path / "service", key, digest=digest, named_by=named_by)
    stamped = read_response(service.answer(make_query(DATA, NONCE)), DATA, NONCE)
    assert abs(stamped.time - datetime.now(UTC)) < timedelta(minutes=5)
    assert (stamped.signer, stamped.policy) == ("CN=Stamping service,O=Example", "1.2.3.4.1")


def test_openssl_verifies_the_kept_answer(service: StampingService, answer: bytes) -> None:
    (service.folder / "kept.tsr").write_bytes(answer)
    (service.folder / "data").write_bytes(DATA)
    openssl(service.folder, "ts", "-verify", "-in", "kept.tsr", "-data", "data", "-CAfile", "authority.pem")


def test_without_a_nonce_an_answer_kept_earlier_is_read(answer: bytes) -> None:
    assert read_response(answer, DATA, None) == read_response(answer, DATA, NONCE)


def test_an_answer_about_other_bytes_is_refused(answer: bytes) -> None:
    with pytest.raises(Unverified, match="over other bytes"):
        read_response(answer, DATA + b"\n", NONCE)


def test_an_answer_to_another_request_is_refused(service: StampingService, answer: bytes) -> None:
    with pytest.raises(Unverified, match="its nonce is not the one"):
        read_response(answer, DATA, NONCE + 1)
    without = tsp.TimeStampReq.load(make_query(DATA, NONCE))
    del without["nonce"]
    with pytest.raises(Unverified, match="its nonce is not the one"):
        read_response(service.answer(without.dump()), DATA, NONCE)


def test_an_answer_without_the_certificate_is_refused(service: StampingService) -> None:
    query = tsp.TimeStampReq.load(make_query(DATA, NONCE))
    query["cert_req"] = False
    with pytest.raises(Unverified, match="without the certificate"):
        read_response(service.answer(query.dump()), DATA, NONCE)


def test_a_refusal_of_the_service_says_why(service: StampingService) -> None:
    query = tsp.TimeStampReq.load(make_query(DATA, NONCE))
    query["req_policy"] = "1.2.3.4.99"
    with pytest.raises(Unavailable, match=r"refuses \(rejection\): .*policy"):
        read_response(service.answer(query.dump()), DATA, NONCE)


def test_a_hash_that_is_not_sha_256_is_refused(service: StampingService, tmp_path: Path) -> None:
    configuration = service.folder / "tsa.cnf"
    configuration.write_text(configuration.read_text().replace("digests = sha256", "digests = sha256,sha512"))
    (tmp_path / "data").write_bytes(DATA)
    openssl(tmp_path, "ts", "-query", "-data", "data", "-sha512", "-cert", "-no_nonce", "-out", "theirs.tsq")
    with pytest.raises(Unverified, match="another hash"):
        read_response(service.answer((tmp_path / "theirs.tsq").read_bytes()), DATA, None)


def test_a_short_key_does_not_count(tmp_path: Path) -> None:
    short = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    service = StampingService(tmp_path / "service", short)
    with pytest.raises(Unverified, match="does not count"):
        read_response(service.answer(make_query(DATA, NONCE)), DATA, NONCE)


def test_a_time_outside_of_the_certificate_s_is_refused(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[Callable[[], None]] = []
    check = timestamp._check_certificate
    monkeypatch.setattr(
        timestamp,
        "_check_certificate",
        lambda certificate, when: checked.append(lambda: check(certificate, when + timedelta(days=31))),
    )
    read_response(answer, DATA, NONCE)
    with pytest.raises(Unverified, match="was not valid at its time"):
        checked[0]()


def test_a_certificate_for_other_uses_is_refused(tmp_path: Path) -> None:
    """OpenSSL does not sign with one; so the right certificate is swapped for it, key and all."""
    service = StampingService(tmp_path / "service", usage="stamping")
    right = (service.folder / "service.pem").read_bytes()
    by = ("-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "30")
    extended = ("-extfile", "tsa.cnf", "-extensions", "serving", "-out", "other.pem")
    openssl(service.folder, "x509", "-req", "-in", "service.csr", *by, *extended)
    now = datetime.now(UTC)
    timestamp._check_certificate(x509.load_pem_x509_certificate(right), now)
    for name in ("other.pem", "authority.pem"):
        other = x509.load_pem_x509_certificate((service.folder / name).read_bytes())
        with pytest.raises(Unverified, match="not one for time-stamps alone"):
            timestamp._check_certificate(other, now)


def test_every_changed_byte_of_what_is_signed_or_signs_is_found(
    answer: bytes, service: StampingService
) -> None:
    token = tsp.TimeStampResp.load(answer)["time_stamp_token"]["content"]
    signer = token["signer_infos"][0]
    openssl(service.folder, "x509", "-in", "service.pem", "-outform", "DER", "-out", "service.der")
    parts = {
        "time-stamp": token["encap_content_info"]["content"].contents,
        "attributes": signer["signed_attrs"].dump(),
        "signature": signer["signature"].dump(),
        "certificate": (service.folder / "service.der").read_bytes(),
    }
    for name, part in parts.items():
        start = answer.index(part)
        for place in range(start, start + len(part)):
            changed = bytearray(answer)
            changed[place] ^= 1 << place % 8
            with pytest.raises((Malformed, Unverified)):
                pytest.fail(f"{name}, byte {place}: {read_response(bytes(changed), DATA, NONCE)}")


def test_a_changed_byte_elsewhere_changes_nothing_that_is_told(answer: bytes) -> None:
    whole = read_response(answer, DATA, NONCE)
    for place in range(len(answer)):
        changed = bytearray(answer)
        changed[place] ^= 1 << place % 8
        with suppress(Malformed, Unverified, Unavailable):
            assert read_response(bytes(changed), DATA, NONCE) == whole


@given(st.binary(max_size=200))
def test_what_is_no_answer_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read_response(data, DATA, NONCE)


def test_a_long_answer_is_not_read(answer: bytes) -> None:
    with pytest.raises(Malformed, match="over 131,072 bytes"):
        read_response(answer + bytes(MAX_RESPONSE_BYTES), DATA, NONCE)
    with pytest.raises(Malformed):
        read_response(answer + b"\0", DATA, NONCE)
