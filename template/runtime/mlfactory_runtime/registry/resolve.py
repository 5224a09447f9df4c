"""A model by its stage, its version or its folder."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import FactoryError
from ..files import recorded
from ..git import dvc, git
from ..learn.signing import check_signed, save, signature_file
from ..project import LOCK, MODEL, PARAMS, Project
from ..scratch import scratch
from ..settings.yaml import read_yaml
from .artifact import SIGNATURE, model_hash
from .signatures import signature_of
from .tags import FETCH, STAGES, full_name, registered, stages

EXPORTS = Path(".factory/versions")
VERSION = re.compile(r"v\d+\.\d+\.\d+")


@dataclass(frozen=True)
class Registered:
    """A model, and the factory that made it: a folder of its own for one that is registered.

    A model that is `fresh` was trained here this moment: nobody can have signed it yet.
    """

    label: str
    version: str | None
    commit: str | None
    project: Project
    model: Path
    fresh: bool = False

    @property
    def root(self) -> Path:
        """The folder of the factory that made it."""
        return self.project.root


def resolve(project: Project, text: str) -> Registered:
    """The model that a stage, a version such as v1.2.0, or a path names, with all files at hand.

    FactoryError unless it is signed, where keys are configured.
    """
    folder = project.root / text
    if (folder / SIGNATURE).is_file() or "/" in text or os.sep in text:
        if not (folder / SIGNATURE).is_file():
            raise FactoryError(f"there is no model in {text}", "train one: dvc repro")
        return signed(project, Registered(recorded(text), None, None, project, folder))
    if VERSION.fullmatch(name := full_name(text)):
        commit = registered(project, name).commit
        return signed(project, exported(project, name, name, commit))
    if model := on_stage(project, text):
        return model
    raise FactoryError(
        f"no version is on the stage {text}" if text in STAGES else f"there is no model {text!r}",
        f"{FETCH}; `factory models` shows stages and versions",
    )


def on_stage(project: Project, stage: str) -> Registered | None:
    """The model that a stage holds, if it holds one. FactoryError as of `resolve`."""
    tag = stages(project).get(stage)
    return signed(project, exported(project, stage, tag.version, tag.commit)) if tag else None


def signed(project: Project, model: Registered) -> Registered:
    """The model, once it is known whose it is; of a commit, by what its newest version's tag says.

    What is asked for is up to this factory, not to the one that the commit holds.
    """
    if model.commit:
        if signature := signature_of(project, model.commit):
            save(signature, model.model)
        else:
            signature_file(model.model).unlink(missing_ok=True)
    check_signed(project, model.model)
    return model


def exported(project: Project, label: str, version: str | None, commit: str) -> Registered:
    """The commit's factory with its model, in a folder of its own that is made once."""
    exports = project.root / EXPORTS
    root = exports / commit
    if not root.is_dir():
        exports.mkdir(parents=True, exist_ok=True)
        with scratch(exports, ".new-") as folder:
            tree = folder / commit
            export(project, commit, tree)
            fetch(project, label, commit, tree)
            link_log(project, tree)
            if not root.is_dir():
                tree.rename(root)
    return Registered(label, version, commit, Project(root), root / MODEL)


def export(project: Project, commit: str, target: Path) -> None:
    """The files of the factory as the commit holds them; of a larger repository this folder.

    Git writes them, which refuses names that lead out of the folder.
    """
    top, folder = (git(project.root, "rev-parse", f"--show-{of}") for of in ("toplevel", "prefix"))
    index = {"GIT_INDEX_FILE": str(target.with_name("index"))}
    git(Path(top), "read-tree", f"{commit}:{folder}", env=index, hint=FETCH)
    git(Path(top), "checkout-index", "--all", f"--prefix={target}/", env=index)


def fetch(project: Project, label: str, commit: str, root: Path) -> None:
    """The model's files, from DVC's cache here or from its remote."""
    if not model_hash(root):
        raise FactoryError(
            f"{LOCK} of {label} ({commit[:12]}) holds no model",
            f"dvc repro, commit {LOCK}, and factory register",
        )
    target = root / MODEL
    target.parent.mkdir(parents=True, exist_ok=True)
    top = git(project.root, "rev-parse", "--show-toplevel")
    prefix = git(project.root, "rev-parse", "--show-prefix")
    source = (top, f"{prefix}{MODEL.as_posix()}", "--rev", commit)
    try:
        dvc(project.root, "get", *source, "--out", str(target))
    except FactoryError as error:
        reason = error.message.rpartition(" failed: ")[2]
        raise FactoryError(
            f"the model of {label} is neither in DVC's cache nor in its remote: {reason}",
            "where it was made: dvc push --all-tags; `dvc pull -v` tells why a remote is silent",
        ) from error


def link_log(project: Project, root: Path) -> None:
    """Predictions of a registered model go into the factory's own log."""
    settings = read_yaml(root / PARAMS)
    path = Path(settings.get("log", {}).get("path", "log/predictions.db"))
    first = path.parts[0]
    if not path.is_absolute() and not (root / first).exists():
        if len(path.parts) > 1:
            (project.root / first).mkdir(exist_ok=True)
        (root / first).symlink_to(Path("../../..") / first)
