"""A new version: a tag on the commit whose locks, code and model belong together."""

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import FactoryError
from ..git import commit_of, identity, set_refs, tag_object, tries
from ..learn.keys import Key, read_private
from ..learn.looks import looks
from ..learn.signing import sign, signer_of
from ..project import PARAMS, Project
from ..settings.availability import check_catalog
from ..settings.yaml import read_yaml
from .anchor import FIELD as TRAIL
from .anchor import anchor
from .artifact import lock_of, model_hash, uncommitted
from .artifact import version as name_of
from .catalog import write_catalog
from .models import facts
from .resolve import Registered, exported
from .signatures import FIELD, bundle_in
from .tags import Tag, artifact, order, stages, versions

Bump = Literal["major", "minor", "patch"]


@dataclass(frozen=True)
class VersionTag:
    """A version; `new` is False where the commit had one. `warnings` tell what is still to do.

    `looks` is for how many models its holdout was looked at until then, where git can tell.
    """

    version: str
    commit: str
    tag: str
    new: bool
    warnings: tuple[str, ...] = ()
    looks: int | None = None


def register(
    project: Project, bump: Bump = "minor", ref: str = "HEAD", key: Path | None = None
) -> VersionTag:
    """Tag the commit as the next version. FactoryError unless its model belongs to its files.

    With the file of a private key it is signed. A commit that has a version which that key has not
    signed gets a patch version that it has: tags that others may have are never changed.
    """
    commit, earlier = commit_of(project.root, ref), versions(project)
    same = [one for one in earlier if one.commit == commit]
    if same and key and not is_signed(project, same[-1], key):
        bump, same = "patch", []
    if same:
        write_catalog(project)  # the run that made it may have been killed before
        return VersionTag(
            same[-1].version, commit, same[-1].tag, False, tuple(apart(project, commit))
        )
    ident = identity(project.root)
    if ref == "HEAD" and (changed := uncommitted(project)):
        raise FactoryError(
            f"what stands here is not committed: {changed}",
            "commit it and register again; --ref HEAD~0 takes the commit as it is",
        )
    version = bumped(earlier[-1].version if earlier else "v0.0.0", bump if earlier else "major")
    model = exported(project, version, version, commit)
    if odd := unfit(model.root):
        raise FactoryError(
            f"the model of {commit[:12]} was made from another {', another '.join(odd)}",
            "dvc repro, commit dvc.lock and reports/, and register again",
        )
    tag = f"{artifact(project)}@{version}"
    looked = looks(project)
    content = contents(project, version, model, key) | ({"looks": looked} if looked else {})
    message = json.dumps(content)
    name = tag_object(project.root, tag, commit, message, ident)
    set_refs(
        project.root, f"create refs/tags/{tag} {name}", hint="git fetch --tags, and register again"
    )
    write_catalog(project)
    notes = *refused(project, model), *apart(project, commit)
    return VersionTag(version, commit, tag, True, notes, looked)


def contents(project: Project, version: str, model: Registered, key: Path | None) -> dict[str, Any]:
    """What the tag says of a version: its model, where it was made, and who signed it."""
    content: dict[str, Any] = {
        "version": version,
        "model": name_of(model.model),
        "md5": model_hash(model.root),
        **platform_here(),
    }
    if end := anchor(project):
        content[TRAIL] = end.model_dump()
    if key:
        content[FIELD] = sign(project, model.model, key).model_dump(mode="json")
    return content


def is_signed(project: Project, tag: Tag, key: Path) -> bool:
    """Whether a version bears the signature of a private key."""
    bundle, own = bundle_in(tag), Key("", read_private(project, key).public_key())
    return bundle is not None and signer_of(bundle, (own,))[0] is not None


def bumped(version: str, bump: Bump) -> str:
    """The version that follows."""
    place = ("major", "minor", "patch").index(bump)
    parts = order(version)
    return "v" + ".".join(str(n) for n in (*parts[:place], parts[place] + 1, *[0] * (2 - place)))


def unfit(root: Path) -> list[str]:
    """What the pipeline was run on, or has written, and is something else in the commit, by
    dvc.lock's hashes: a verdict that somebody wrote is none."""
    lock, settings = lock_of(root), read_yaml(root / PARAMS)
    hashes = {one["path"]: one.get("md5") for stage in lock.values() for one in stage["outs"]}
    odd: dict[str, None] = {}
    for stage in lock.values():
        for dep in stage.get("deps", []):
            now = hashes.get(dep["path"]) or hash_of(root / dep["path"])
            if now and now != dep.get("md5"):
                odd[dep["path"]] = None
        for out in stage["outs"]:
            file = root / out["path"]
            if file.is_file() and hash_of(file) != out.get("md5"):
                odd[out["path"]] = None
        for name, value in stage.get("params", {}).get(PARAMS.name, {}).items():
            if setting(settings, name) != value:
                odd[f"`{name}` in {PARAMS}"] = None
    return list(odd)


def setting(params: Any, name: str) -> Any:
    """The value of a setting such as model.seed."""
    for part in name.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def hash_of(path: Path) -> str | None:
    """What DVC names a file or a folder; of data that are not here, what their .dvc says."""
    if path.is_file():
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        entries = [{"md5": hash_of(f), "relpath": f.relative_to(path).as_posix()} for f in files]
        text = json.dumps(sorted(entries, key=lambda one: str(one["relpath"])), sort_keys=True)
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"
    pointer = path.with_name(path.name + ".dvc")
    return str(read_yaml(pointer)["outs"][0]["md5"]) if pointer.is_file() else None


def platform_here() -> dict[str, str]:
    """What a model may depend on, and no lock of packages tells."""
    return {"python": platform.python_version(), "platform": platform.platform(terse=True)}


def refused(project: Project, model: Registered) -> Iterator[str]:
    """Why `factory promote` is not going to take it, as far as that is known by now."""
    evaluated, own = facts(project, str(model.commit)), model.project
    reasons = [
        f"{one.feature or 'features.yaml'}: {one.message}"
        for one in check_catalog(own.catalog, own.params, strict=True)
        if one.level == "error"
    ]
    if evaluated.verdict == "rejected" and not stages(project).get("prod"):
        reasons.insert(0, f"it is rejected: {evaluated.reason}")
    if reasons:
        more = f" (and {len(reasons) - 1} more)" if reasons[1:] else ""
        yield f"`factory promote` refuses {model.label} without --force: {reasons[0]}{more}"


def apart(project: Project, commit: str) -> list[str]:
    """What to say of a commit that others will not find where they look."""
    notes = []
    if tries(project.root, "rev-list", "--max-count=1", commit, "--not", "HEAD"):
        notes.append(f"{commit[:12]} is not part of the branch that you are on")
    if tries(project.root, "remote") and not tries(
        project.root, "branch", "--remotes", "--contains", commit
    ):
        notes.append(f"{commit[:12]} is on no branch of a remote yet: git push")
    return notes
