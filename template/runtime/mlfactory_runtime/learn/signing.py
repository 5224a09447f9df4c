"""Signing a model, and checking whose it is before anything reads it."""

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ..errors import FactoryError
from ..files import fresh
from ..project import Project
from ..records.attestation import (
    PAYLOAD,
    Bundle,
    Envelope,
    KeyHint,
    Mark,
    Material,
    Predicate,
    Resource,
    Statement,
    Subject,
)
from ..settings.yaml import problems
from .keys import Key, configured, read_private
from .manifest import check_files, files_in, hashed, whole

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

SIGN = "if you trust it: factory signing sign --key FILE; else take one that is signed"


def signature_file(folder: Path) -> Path:
    """Where the signature of a model stands: beside its folder, which stays as it was trained."""
    return folder.with_name(f"{folder.name}.sig")


def sign(project: Project, folder: Path, key: Path) -> Bundle:
    """The signature of the model in `folder`. FactoryError if it is not what training wrote."""
    private = read_private(project, key)
    check_files(folder)
    return attested(statement_of(folder), private)


def statement_of(folder: Path) -> Statement:
    """The files of a model by their hashes, in the order of their names."""
    files = sorted(files_in(folder).items())
    resources = tuple(Resource(name=name, digest=hashed(path)) for name, path in files)
    subject = Subject(name=folder.name, digest={"sha256": root_digest(resources)})
    return Statement(subject=(subject,), predicate=Predicate(resources=resources))


def root_digest(resources: tuple[Resource, ...]) -> str:
    """The hash of hashes that names a model as a whole."""
    return hashlib.sha256(b"".join(bytes.fromhex(one.digest) for one in resources)).hexdigest()


def attested(statement: Statement, private: "EllipticCurvePrivateKey") -> Bundle:
    """The statement, signed."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    key, payload = Key("", private.public_key()), statement.model_dump_json().encode()
    mark = private.sign(authenticated(payload), ECDSA(key.hash))
    envelope = Envelope(
        payload=base64.b64encode(payload), signatures=(Mark(sig=base64.b64encode(mark)),)
    )
    material = Material(public_key=KeyHint(hint=key.hint))
    return Bundle(verification_material=material, dsse_envelope=envelope)


def authenticated(payload: bytes) -> bytes:
    """What is signed of a payload: DSSE's pre-authentication encoding."""
    return f"DSSEv1 {len(PAYLOAD)} {PAYLOAD} {len(payload)} ".encode() + payload


def save(bundle: Bundle, folder: Path) -> Path:
    """Put a signature beside its model."""
    file = signature_file(folder)
    return fresh(file, bundle.model_dump_json()).replace(file)


def check_signed(project: Project, folder: Path) -> str | None:
    """Whose model this is: the name of the key; None where no key is configured.

    FactoryError unless one of the configured keys has signed every file of it, and no other.
    """
    folder = whole(folder)
    keys, file = configured(project), signature_file(folder)
    if not keys:
        return None
    if not file.is_file():
        raise FactoryError(f"{folder} is not signed, and signing.keys wants it to be", SIGN)
    key, statement = signer_of(read_bundle(file.read_text("utf-8", "replace"), str(file)), keys)
    if key is None:
        names = ", ".join(one.name for one in keys)
        raise FactoryError(
            f"{folder} is signed by none of the keys that are trusted: {names}", SIGN
        )
    check_resources(folder, statement, key.name)
    return key.name


def read_bundle(text: str, name: str) -> Bundle:
    """The signature in a text. FactoryError, which calls it by `name`, if there is none."""
    try:
        return Bundle.model_validate_json(text)
    except ValidationError as error:
        message = f"{name} is no signature of a model: {problems(error)[:300]}"
        raise FactoryError(message, SIGN) from error


def signer_of(bundle: Bundle, keys: tuple[Key, ...]) -> tuple[Key | None, Statement]:
    """Which of the keys has signed, if one has, and what. What nobody signed is not believed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    envelope = bundle.dsse_envelope
    for key in keys:
        for mark in envelope.signatures:
            try:
                key.public.verify(mark.sig, authenticated(envelope.payload), ECDSA(key.hash))
            except InvalidSignature:
                continue
            return key, read_statement(envelope.payload)
    return None, Statement(subject=(), predicate=Predicate(resources=()))


def read_statement(payload: bytes) -> Statement:
    try:
        return Statement.model_validate_json(payload)
    except ValidationError as error:
        message = f"what is signed says nothing of a model: {problems(error)[:300]}"
        raise FactoryError(message, SIGN) from error


def check_resources(folder: Path, statement: Statement, who: str) -> None:
    """FactoryError unless the folder holds the files of the statement, and nothing else."""
    files = files_in(folder)
    digests = {one.name: one.digest for one in statement.predicate.resources}
    for name in sorted({*files, *digests}):
        if name not in files:
            raise FactoryError(f"{folder / name} is signed by {who} and is not here", SIGN)
        if name not in digests:
            raise FactoryError(f"{folder / name} is not among what {who} signed", SIGN)
        if hashed(files[name]) != digests[name]:
            raise FactoryError(f"{folder / name} is not what {who} signed", SIGN)
