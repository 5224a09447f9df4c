"""Keys that models are signed with: private ones stay with whoever signs, public ones are named."""

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FactoryError
from ..git import tries
from ..project import Project

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

ANY = "-"  # in place of files of keys: models need not be signed
KEYS_ENV, PASSWORD_ENV = "FACTORY_MODEL_KEYS", "FACTORY_SIGNING_PASSWORD"
PUBLIC, FORM = "keys", "a key for this is an EC key in PEM on P-256, P-384 or P-521"
INSTALL = "uv add cryptography"


@dataclass(frozen=True)
class Key:
    """A public key, and the name of its file."""

    name: str
    public: "EllipticCurvePublicKey"

    @cached_property
    def hint(self) -> str:
        """What names the key in a signature."""
        return hashlib.sha256(pem(self.public)).hexdigest()

    @property
    def hash(self) -> "HashAlgorithm":
        """The hash that goes with its curve."""
        from cryptography.hazmat.primitives import hashes

        sizes: dict[int, HashAlgorithm] = {256: hashes.SHA256(), 384: hashes.SHA384()}
        return sizes.get(self.public.curve.key_size, hashes.SHA512())


def pem(public: "EllipticCurvePublicKey") -> bytes:
    """A public key as text."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_files(project: Project) -> tuple[Path, ...]:
    """The public keys that are configured; none where models need not be signed.

    Those of the environment take the place of those in params.yaml: who runs a service need not
    trust whoever can edit that.
    """
    value = os.environ.get(KEYS_ENV, "")
    if value == ANY:
        return ()
    names = value.split(os.pathsep) if value else project.params.signing.keys
    return tuple(project.root / name for name in names if name)


def configured(project: Project) -> tuple[Key, ...]:
    """The same, read. FactoryError for a file that holds none, or two of one name."""
    keys = tuple(map(read_public, key_files(project)))
    names = [one.name for one in keys]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise FactoryError(f"two keys have the name {twice}", "give their files other names")
    return keys


def read_public(file: Path) -> Key:
    """The public key in a file."""
    need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(content(file))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FactoryError(f"{file} holds no public key", FORM) from error
    return Key(file.stem, fit(key, file))


def read_private(project: Project, file: Path) -> "EllipticCurvePrivateKey":
    """The private key in a file, which must not lie in the repository."""
    need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    check_outside(project, file)
    password = os.environ.get(PASSWORD_ENV)
    try:
        key = load_pem_private_key(content(file), password.encode() if password else None)
    except TypeError as error:  # a password is missing, or there is one too many
        hint = f"set {PASSWORD_ENV} to its password, or unset it where it has none"
        raise FactoryError(f"{file} cannot be opened: {error}", hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FactoryError(
            f"{file} holds no private key, or its password is another", FORM
        ) from error
    fit(key.public_key(), file)
    return key  # type: ignore[return-value]


def fit(public: object, file: Path) -> "EllipticCurvePublicKey":
    """A key of a kind that the format knows."""
    from cryptography.hazmat.primitives.asymmetric import ec

    curves = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
    if not (isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, curves)):
        raise FactoryError(f"{file} holds a key of another kind", FORM)
    return public


def make_pair(project: Project, file: Path) -> Path:
    """Write a new private key, readable by its owner alone, and its public key into the factory.

    The private one is encrypted where the environment holds a password for it. Returns the public
    key's file. FactoryError where either is there already.
    """
    need_cryptography()
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    check_outside(project, file)
    public = project.root / PUBLIC / f"{file.stem}.pem"
    for one in (file, public):
        if os.path.lexists(one):
            raise FactoryError(f"{one} is there already", "give the new key another name")
    password = os.environ.get(PASSWORD_ENV)
    hidden = form.BestAvailableEncryption(password.encode()) if password else form.NoEncryption()
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, hidden)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(text)
    public.parent.mkdir(exist_ok=True)
    public.write_bytes(pem(key.public_key()))
    return public


def check_outside(project: Project, file: Path) -> None:
    """FactoryError if a private key lies, or would lie, where it is committed one day."""
    top = tries(project.root, "rev-parse", "--show-toplevel") or str(project.root)
    if file.resolve().is_relative_to(Path(top).resolve()):
        message = f"{file} lies in the repository, and a private key must never be there"
        raise FactoryError(message, "keep it elsewhere, best on a machine that is not connected")


def content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise FactoryError(f"the key {file} cannot be read: {error.strerror}", FORM) from error


def need_cryptography() -> None:
    """FactoryError without the package, which only those need who sign or check signatures."""
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        message = "signatures need the package cryptography, and it is not installed here"
        raise FactoryError(message, INSTALL) from error
