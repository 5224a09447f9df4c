"""What a search proposes, as a change of params.yaml: what it does not set stays as it is."""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..errors import FactoryError
from ..files import read_text, replace
from ..project import PARAMS, Project
from ..settings.edit import with_entries
from ..settings.explain import settings
from ..settings.params import Params
from ..settings.yaml import parse_yaml

SECTION = "model"


@dataclass(frozen=True)
class Proposal:
    """The text of params.yaml before and after, and where it stands."""

    file: Path
    before: str
    after: str

    @property
    def diff(self) -> str:
        """What changes, as `git diff` shows it."""
        name = PARAMS.as_posix()
        old, new = (text.splitlines(keepends=True) for text in (self.before, self.after))
        return "".join(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}"))

    def write(self) -> None:
        """Put it in place. FactoryError if somebody has changed the file meanwhile."""
        if read_text(self.file) != self.before:
            raise FactoryError(
                f"{PARAMS} has changed since the search began",
                "factory tune --resume --trials 0 shows the change again",
            )
        replace(self.file, self.after)


def proposal(project: Project, target: Params) -> Proposal:
    """The change that makes the settings those. FactoryError for a file that is laid out freely."""
    file = project.root / PARAMS
    before = text = read_text(file)
    old, new = project.params.model, target.model
    changed = {
        name: getattr(new, name)
        for name in type(new).model_fields
        if getattr(new, name) != getattr(old, name)
    }
    try:
        for name, value in changed.items():
            text = with_value(text, name, value, target, file)
        whole = Params.model_validate(parse_yaml(text, file))
        same = whole.model == new
    except (FactoryError, yaml.YAMLError, ValueError):
        same = False
    if not same:
        lines = ", ".join(f"{name}: {flow(value)}" for name, value in changed.items())
        message = f"{PARAMS} is laid out too freely to be edited"
        raise FactoryError(message, f"write below model by hand: {lines}")
    return Proposal(file, before, text)


def with_value(text: str, name: str, value: Any, target: Params, file: Path) -> str:
    """The text with one setting of the model, where it stands or at the end of its section."""
    root: Any = yaml.compose(text, yaml.SafeLoader)
    section: Any = {key.value: node for key, node in root.value}.get(SECTION)
    node = {key.value: node for key, node in section.value}.get(name) if section else None
    if node is None:
        every = {one.name: one for one in settings(target)}
        entry = every[f"{SECTION}.{name}"]
        text = with_entries(text, SECTION, [entry])
        return text if value == entry.default else with_value(text, name, value, target, file)
    if not isinstance(node, yaml.ScalarNode) and not node.flow_style:
        raise FactoryError(f"model.{name} is a block")
    return text[: node.start_mark.index] + flow(value) + text[node.end_mark.index :]


def flow(value: Any) -> str:
    """A value on one line, as people write it in YAML."""
    if isinstance(value, dict):
        pairs = (f"{word(name)}: {flow(one)}" for name, one in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return json.dumps(value, ensure_ascii=False)


def word(name: str) -> str:
    """A key, without quotes where it is a plain word."""
    return name if name.isidentifier() else json.dumps(name, ensure_ascii=False)
