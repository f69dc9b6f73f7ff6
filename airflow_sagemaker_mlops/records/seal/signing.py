"""Signing keys: they sign and verify bytes.

A key is a PEM file, or an AWS KMS key written as ``awskms:alias/records`` or ``awskms:<key ARN>``.  Ed25519, ECDSA
(P-256, P-384, P-521) and RSA are supported.  Verifying needs only the public key: a PEM file, or one call to KMS.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ...json_types import AwsShape
from ..model.errors import RecordError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

KMS = "awskms:"
MAX_KEY_BYTES = 65_536


class NoSigningKey(RecordError):
    """The key cannot be read or used."""


class Kms(Protocol):
    """The part of boto3's KMS client that this module calls; members as in the API reference."""

    def get_public_key(self, *, KeyId: str) -> AwsShape:
        """The public half of a key."""

    def sign(self, **members: object) -> AwsShape:
        """A signature."""


class Signer(Protocol):
    """A signing key."""

    @property
    def key_id(self) -> str:
        """Hex SHA-256 of the public key in DER."""

    def sign(self, data: bytes) -> bytes:
        """The signature.  Raises :class:`NoSigningKey` if the key cannot be used."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key."""

    public: Any

    @property
    def key_id(self) -> str:
        """Hex SHA-256 of the public key in DER."""
        return _key_id(self.public)

    def is_good(self, data: bytes, signature: bytes) -> bool:
        """Whether the holder of the private key signed ``data``."""
        from cryptography.exceptions import InvalidSignature

        try:
            self.public.verify(signature, data, *_scheme(self.public))
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class FileSigner:
    """A private key from a PEM file."""

    private: Any

    @property
    def key_id(self) -> str:
        """Hex SHA-256 of the public key in DER."""
        return _key_id(self.private.public_key())

    def sign(self, data: bytes) -> bytes:
        """The signature."""
        return bytes(self.private.sign(data, *_scheme(self.private.public_key())))


@dataclass(frozen=True, slots=True)
class KmsSigner:
    """A key that never leaves KMS; ``client`` is a boto3 client."""

    client: Kms
    key: str
    public: Any

    @property
    def key_id(self) -> str:
        """Hex SHA-256 of the public key in DER."""
        return _key_id(self.public)

    def sign(self, data: bytes) -> bytes:
        """The signature; one ``kms:Sign`` call."""
        try:
            answer = self.client.sign(
                KeyId=self.key, Message=data, MessageType="RAW", SigningAlgorithm=_kms_algorithm(self.public)
            )
        except Exception as error:
            raise NoSigningKey(f"{KMS}{self.key} cannot sign: {error}") from error
        return bytes(answer["Signature"])


def open_signer(key: str, kms: Callable[[], Kms]) -> Signer:
    """The signer for ``key``; ``kms`` returns a client, for KMS keys.  Raises :class:`NoSigningKey`."""
    if key.startswith(KMS):
        client, name = kms(), key.removeprefix(KMS)
        return KmsSigner(client, name, _kms_public(client, name))
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(_pem(key), password=None)
    except (ValueError, TypeError) as error:
        raise NoSigningKey(f"{key} holds no PEM private key that can be read without a password: {error}") from None
    _scheme(private.public_key(), key)
    return FileSigner(private)


def open_verifier(key: str, kms: Callable[[], Kms]) -> Verifier:
    """The verifier for ``key``: a PEM file with a public or private key, or a KMS key.

    Raises :class:`NoSigningKey`.
    """
    if key.startswith(KMS):
        return Verifier(_kms_public(kms(), key.removeprefix(KMS)))
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    data = _pem(key)
    try:
        if b"PRIVATE KEY" in data:
            public: Any = load_pem_private_key(data, password=None).public_key()
        else:
            public = load_pem_public_key(data)
    except (ValueError, TypeError) as error:
        raise NoSigningKey(f"{key} holds no PEM key: {error}") from None
    _scheme(public, key)
    return Verifier(public)


def _pem(file: str) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MAX_KEY_BYTES)
    except OSError as error:
        raise NoSigningKey(f"the key {file} cannot be read: {error.strerror or error}.") from None


def _kms_public(client: Kms, key: str) -> PublicKeyTypes:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        public = load_der_public_key(client.get_public_key(KeyId=key)["PublicKey"])
    except Exception as error:
        raise NoSigningKey(f"the public key of {KMS}{key} cannot be read (kms:GetPublicKey): {error}") from error
    _scheme(public, KMS + key)
    return public


def _key_id(public: PublicKeyTypes) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _scheme(public: object, name: str = "") -> tuple[Any, ...]:
    """Additional arguments of ``sign`` and ``verify``.  Raises :class:`NoSigningKey` for other kinds of keys."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

    if isinstance(public, ed25519.Ed25519PublicKey):
        return ()
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.key_size in (256, 384, 521):
        algorithms: dict[int, hashes.HashAlgorithm] = {
            256: hashes.SHA256(),
            384: hashes.SHA384(),
            521: hashes.SHA512(),
        }
        return (ec.ECDSA(algorithms[public.curve.key_size]),)
    if isinstance(public, rsa.RSAPublicKey) and public.key_size >= 2048:
        return (padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH), hashes.SHA256())
    raise NoSigningKey(
        f"{name} is not a supported kind of key; use Ed25519, ECDSA (P-256, P-384, P-521) or RSA of 2048 bits."
    )


def _kms_algorithm(public: object) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    if isinstance(public, ed25519.Ed25519PublicKey):
        return "ED25519_SHA_512"
    if isinstance(public, ec.EllipticCurvePublicKey):
        return {256: "ECDSA_SHA_256", 384: "ECDSA_SHA_384", 521: "ECDSA_SHA_512"}[public.curve.key_size]
    return "RSASSA_PSS_SHA_256"
