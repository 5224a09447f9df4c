"""The signatures of versions: each stands in the tag, and travels with it."""

import json

from ..errors import FactoryError
from ..learn.keys import Key, configured
from ..learn.signing import read_bundle, signer_of
from ..project import Project
from ..records.attestation import Bundle
from .tags import Tag, versions

FIELD = "signature"


def bundle_in(tag: Tag) -> Bundle | None:
    """The signature that a version's tag holds."""
    try:
        bundle = json.loads(tag.message)[FIELD]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return read_bundle(json.dumps(bundle), tag.tag)


def signature_of(project: Project, commit: str) -> Bundle | None:
    """The signature of a commit's model: that of its newest version with one."""
    candidates = [one for one in versions(project) if one.commit == commit]
    return next((bundle for one in reversed(candidates) if (bundle := bundle_in(one))), None)


def signers(project: Project, all_tags: list[Tag]) -> dict[str, str]:
    """Who has signed which versions, as far as one can tell without their files."""
    marked = [one for one in all_tags if FIELD in one.message]
    keys = configured(project) if marked else ()
    return {one.version: name for one in marked if (name := signer(one, keys))}


def signer(tag: Tag, keys: tuple[Key, ...]) -> str | None:
    """The name of the key that has signed a version; None if nobody has."""
    try:
        bundle = bundle_in(tag)
        if bundle is None:
            return None
        key, _ = signer_of(bundle, keys) if keys else (None, None)
    except FactoryError:
        return "nobody: its signature cannot be read"
    hint = bundle.verification_material.public_key.hint[:8]
    return key.name if key else f"a key that is not trusted here ({hint})"
