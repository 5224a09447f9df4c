"""models/model.sig: who signed a model, in the format of OpenSSF Model Signing 1.0.

A bundle of Sigstore's holds an envelope (DSSE), that a statement (in-toto), and that the SHA-256 of
each file. Specifications: https://github.com/ossf/model-signing-spec,
https://github.com/secure-systems-lab/dsse, https://github.com/in-toto/attestation.
"""

from typing import Literal

from pydantic import Base64Bytes, Field

from .record import Part, with_alias

MEDIA = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD = "application/vnd.in-toto+json"


class Resource(Part):
    """A file of the model, named as below its folder."""

    name: str
    algorithm: Literal["sha256"] = "sha256"
    digest: str


class Serialization(Part):
    """How the folder was read: file by file."""

    method: Literal["files"] = "files"
    hash_type: Literal["sha256"] = "sha256"
    allow_symlinks: bool = False
    ignore_paths: tuple[str, ...] = ()


class Predicate(Part):
    """What is said of the model."""

    serialization: Serialization = Serialization()
    resources: tuple[Resource, ...]


class Subject(Part):
    """The model as a whole; its digest is that of the digests of its files, in their order."""

    name: str
    digest: dict[str, str]


class Statement(Part):
    """What was signed."""

    type_: Literal["https://in-toto.io/Statement/v1"] = with_alias(
        "_type", "https://in-toto.io/Statement/v1"
    )
    subject: tuple[Subject, ...]
    predicate_type: Literal["https://model_signing/signature/v1.0"] = with_alias(
        "predicateType", "https://model_signing/signature/v1.0"
    )
    predicate: Predicate


class Mark(Part):
    """One signature of an envelope."""

    sig: Base64Bytes
    keyid: str = ""


class Envelope(Part):
    """A statement as the bytes that were signed, and the signature of them."""

    payload: Base64Bytes
    payload_type: Literal["application/vnd.in-toto+json"] = with_alias("payloadType", PAYLOAD)
    signatures: tuple[Mark, ...] = Field(min_length=1)


class KeyHint(Part):
    """The SHA-256 of the public key's PEM."""

    hint: str = ""


class Material(Part):
    """What tells the key; a transparency log is for keys that live a moment, and has no part."""

    public_key: KeyHint = with_alias("publicKey")
    tlog_entries: tuple[()] = with_alias("tlogEntries", ())


class Bundle(Part):
    """The whole content of the file."""

    media_type: Literal["application/vnd.dev.sigstore.bundle.v0.3+json"] = with_alias(
        "mediaType", MEDIA
    )
    verification_material: Material = with_alias("verificationMaterial")
    dsse_envelope: Envelope = with_alias("dsseEnvelope")
