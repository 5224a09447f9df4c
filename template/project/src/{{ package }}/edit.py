"""Editing the user's YAML files: what is not changed stays as it was written, comments too."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString


def flow(items: list[Any]) -> CommentedSeq:
    """A list that YAML writes on one line."""
    line = CommentedSeq(map(quoted, items))
    line.fa.set_flow_style()
    return line


def worded(name: str, value: Any) -> Any:
    """What people wrote in words stands in quotes."""
    return quoted(value) if name in ("drafted", "format") else value


def quoted(item: Any) -> Any:
    """Text in quotes, so that nobody wonders whether `no` is a word."""
    return DoubleQuotedScalarString(item) if isinstance(item, str) else item


def open_yaml(path: Path) -> tuple[YAML, Any]:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.representer.add_representer(
        type(None), lambda r, _: r.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml, yaml.load(path.read_text("utf-8")) or {}


def save_yaml(yaml: YAML, content: Any, path: Path) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    temporary.replace(path)
