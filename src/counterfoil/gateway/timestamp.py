"""RFC 3161 time-stamps: a service's signed word that bytes existed at a time.

A response is verified by the certificate that comes in it: that says the token is whole and who claims to have made
it, not that this service is to be trusted. For that, its certificate must lead to an authority that one trusts:
`openssl ts -verify -in FILE.tsr -data FILE -CAfile authority.pem`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import new as new_hash
from hashlib import sha256
from hmac import compare_digest
from typing import Any, ClassVar, Final

from asn1crypto import algos, cms, core, tsp  # type: ignore[import-untyped]  # it comes without types
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from counterfoil.errors import Malformed, Unavailable, Unverified

QUERY_TYPE: Final = "application/timestamp-query"
MAX_RESPONSE_BYTES: Final = 1 << 17
MAX_CERTIFICATES: Final = 16
MIN_RSA_BITS: Final = 2_048
GRANTED: Final = frozenset({"granted", "granted_with_mods"})
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True)
class Timestamp:
    """What a time-stamp says: when (UTC), and who signed it by the certificate in it, as the certificate has it."""

    time: datetime
    signer: str
    policy: str


class _Answer(core.Sequence):  # type: ignore[misc]  # the library has no types
    """A TimeStampResp (RFC 3161 section 2.4.2): where the service refuses, there is no token."""

    _fields: ClassVar[list[Any]] = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


def make_query(data: bytes, nonce: int) -> bytes:
    """The request to time-stamp the SHA-256 of `data`, with the certificate in the answer (RFC 3161 section 2.4.1).

    `nonce`: a fresh random number, by which an old answer is known.
    """
    imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": sha256(data).digest()}
    query = {"version": "v1", "message_imprint": imprint, "nonce": nonce, "cert_req": True}
    return bytes(tsp.TimeStampReq(query).dump())


def read_response(response: bytes, data: bytes, nonce: int | None) -> Timestamp:
    """Verify the answer to a request over `data` (RFC 3161 section 2.4.2); `nonce` is None where it is not known.

    Raises `Unverified` where it is not about these bytes, of another request, or not signed by the certificate in it,
    `Malformed` where it is no answer, `Unavailable` where the service says that it did not make one.
    """
    if len(response) > MAX_RESPONSE_BYTES:
        raise Malformed(f"the time-stamp is over {MAX_RESPONSE_BYTES:,} bytes long")
    try:
        answer = _Answer.load(response, strict=True)
        status = answer["status"]["status"].native
        if status not in GRANTED:
            said = " ".join(str(each) for each in answer["status"]["status_string"].native or ())[:200]
            raise Unavailable(f"the time-stamp service refuses ({status}): {said or 'it does not say why'}")
        token = answer["time_stamp_token"]
        if token["content_type"].native != "signed_data":
            raise Malformed("the time-stamp is not signed data")
        return _read_token(token["content"], data, nonce)
    # The library decodes as it is asked, and raises these for bytes that are no such thing.
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise Malformed(f"the time-stamp cannot be read: {' '.join(str(error).split())[:200]}") from None


def _read_token(signed: cms.SignedData, data: bytes, nonce: int | None) -> Timestamp:
    if signed["encap_content_info"]["content_type"].native != "tst_info":
        raise Malformed("what the time-stamp has signed is no time-stamp")
    info = signed["encap_content_info"]["content"].parsed
    imprint = info["message_imprint"]
    if imprint["hash_algorithm"]["algorithm"].native != "sha256":
        raise Unverified("the time-stamp is over another hash than SHA-256")
    if not compare_digest(imprint["hashed_message"].native, sha256(data).digest()):
        raise Unverified("the time-stamp is over other bytes")
    if nonce is not None and info["nonce"].native != nonce:
        raise Unverified("the time-stamp answers another request: its nonce is not the one that was sent")
    certificate = _verify_signature(signed)
    when = info["gen_time"].native
    _check_certificate(certificate, when)
    return Timestamp(when.astimezone(UTC), certificate.subject.rfc4514_string(), info["policy"].dotted)


def _verify_signature(signed: cms.SignedData) -> x509.Certificate:
    """Verify the token's one signature (RFC 5652 section 5.4); gives the certificate that it holds by."""
    (signer,) = signed["signer_infos"]
    attributes = _attributes(signer["signed_attrs"])
    digest = signer["digest_algorithm"]["algorithm"].native
    content = signed["encap_content_info"]["content"].contents
    if digest not in HASHES:
        raise Unverified(f"the time-stamp is hashed by {digest}, which does not count")
    if attributes["content_type"][0].native != "tst_info" or not compare_digest(
        attributes["message_digest"][0].native, new_hash(digest, content).digest()
    ):
        raise Unverified("the time-stamp's signature is over something else")
    encoded = _certificate_of(signed, attributes)
    try:
        certificate = x509.load_der_x509_certificate(encoded)
        # What is signed is the attributes as a SET, not with the tag that they have in the structure.
        message = b"\x31" + signer["signed_attrs"].dump(force=False)[1:]
        _verify(certificate, signer["signature"].native, message, signer["signature_algorithm"], digest)
    except (InvalidSignature, UnsupportedAlgorithm):
        raise Unverified("the time-stamp's signature does not hold by the certificate in it") from None
    return certificate


def _attributes(signed: cms.CMSAttributes) -> dict[str, Any]:
    """The signed attributes by type. Raises `Unverified` where one stands twice."""
    found: dict[str, Any] = {}
    for attribute in signed:
        if attribute["type"].native in found:
            raise Unverified("the time-stamp has a signed attribute twice")
        found[attribute["type"].native] = attribute["values"]
    return found


def _certificate_of(signed: cms.SignedData, attributes: dict[str, Any]) -> bytes:
    """The certificate that the signed attributes name by its hash (RFC 3161 section 2.4.2, RFC 5816)."""
    if "signing_certificate_v2" in attributes:
        named = attributes["signing_certificate_v2"][0]["certs"][0]
        algorithm, wanted = named["hash_algorithm"]["algorithm"].native, named["cert_hash"].native
    elif "signing_certificate" in attributes:
        # SHA-1 is what the older attribute has. It only chooses; the signature is checked with what it chose.
        algorithm, wanted = "sha1", attributes["signing_certificate"][0]["certs"][0]["cert_hash"].native
    else:
        raise Unverified("the time-stamp does not name the certificate that it is signed by")
    for position, each in enumerate(signed["certificates"]):
        encoded: bytes = each.chosen.dump()
        if position < MAX_CERTIFICATES and new_hash(algorithm, encoded).digest() == wanted:
            return encoded
    raise Unverified("the time-stamp comes without the certificate that it is signed by")


def _verify(
    certificate: x509.Certificate,
    signature: bytes,
    message: bytes,
    algorithm: algos.SignedDigestAlgorithm,
    digest: str,
) -> None:
    """Check a signature in one of the ways that time-stamp services use. Raises `InvalidSignature`."""
    key = certificate.public_key()
    kind = algorithm.signature_algo
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS and kind == "rsassa_pkcs1v15":
        key.verify(signature, message, padding.PKCS1v15(), _hash(algorithm, digest))
    elif isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS and kind == "rsassa_pss":
        chosen = _hash(algorithm, digest)
        key.verify(signature, message, padding.PSS(padding.MGF1(chosen), padding.PSS.AUTO), chosen)
    elif isinstance(key, ec.EllipticCurvePublicKey) and kind == "ecdsa":
        key.verify(signature, message, ec.ECDSA(_hash(algorithm, digest)))
    elif isinstance(key, ed25519.Ed25519PublicKey) and kind == "ed25519":
        key.verify(signature, message)
    else:
        raise Unverified("the time-stamp is signed in a way, or with a key so short, that it does not count")


def _hash(algorithm: algos.SignedDigestAlgorithm, digest: str) -> hashes.HashAlgorithm:
    """The hash of a signature: as its algorithm names it, else that of the attributes (RFC 5652 section 10.1.2)."""
    named = digest if algorithm["algorithm"].native == "rsassa_pkcs1v15" else algorithm.hash_algo
    if named not in HASHES:
        raise Unverified(f"the time-stamp is signed over {named}, which does not count")
    return HASHES[named]


def _check_certificate(certificate: x509.Certificate, when: datetime) -> None:
    """Check that a certificate was one for time-stamps, and valid then (RFC 3161 section 2.3)."""
    if not certificate.not_valid_before_utc <= when <= certificate.not_valid_after_utc:
        raise Unverified("the certificate of the time-stamp was not valid at its time")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        usage = None
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise Unverified("the certificate of the time-stamp is not one for time-stamps alone")
