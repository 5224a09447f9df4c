"""Editing the user's YAML files: what is not changed stays as it was written, comments too."""

import json
import re
from io import StringIO
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from ..errors import FactoryError
from ..files import read_text, replace
from .explain import Setting, applies, settings
from .params import Params, load_params
from .yaml import parse_yaml


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


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """YAML as `save_yaml` writes it, thirty times as fast; it keeps no comments."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


Dumper.add_representer(
    CommentedSeq,
    lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items, True),
)
Dumper.add_representer(
    DoubleQuotedScalarString,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", str(text), '"'),
)


def fill_empty(path: Path, key: str, entries: dict[str, Any]) -> bool:
    """Write entries below a key that says `{}`; whether there is such a line and it was done."""
    text = read_text(path)
    content = yaml.dump(entries, Dumper=Dumper, allow_unicode=True, sort_keys=False, width=4096)
    lines = "".join(f"  {line}\n" for line in content.split("\n")[:-1])
    filled, count = re.subn(
        rf"^{key}: \{{\}}$",
        lambda _: f"{key}:\n{lines.rstrip()}",
        text,
        count=1,
        flags=re.MULTILINE,
    )
    if count:
        replace(path, filled)
    return bool(count)


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
    text = StringIO()
    yaml.dump(content, text)
    replace(path, text.getvalue())


def add_settings(path: Path, *, dry_run: bool = False) -> list[Setting]:
    """Write the settings that the file does not name into it, with their defaults; return them."""
    before, text = load_params(path), path.read_bytes().decode("utf-8")
    content = parse_yaml(text, path)
    own_names = {f"{top}.{key}" for top, inner in content.items() if top != "task" for key in inner}
    rows = [one for one in settings(before) if applies(one.name, before)]
    new = [one for one in rows if one.name not in {"task", *own_names}]
    try:
        for section, entries in groupby(new, lambda one: one.name.partition(".")[0]):
            text = with_entries(text, section, list(entries))
        same = Params.model_validate(parse_yaml(text, path)) == before
    except (FactoryError, yaml.YAMLError, ValueError):
        same = False
    if not same:
        names = ", ".join(one.name for one in new)
        raise FactoryError(
            f"{path.name} is laid out too freely to be added to", f"add by hand: {names}"
        )
    if new and not dry_run:
        replace(path, text)
    return new


def with_entries(text: str, section: str, new: list[Setting]) -> str:
    """The text with settings at the end of their section; ruamel would touch other lines too."""
    root: Any = yaml.compose(text, yaml.SafeLoader)
    node: Any = {key.value: value for key, value in root.value}.get(section, root)
    at = len(text[: _last(node)].rstrip())
    pairs = [f"{one.name.partition('.')[2]}: {json.dumps(one.default)}" for one in new]
    if node.flow_style:
        line = f"{section}: {{{', '.join(pairs)}}}" if node is root else ", ".join(pairs)
        return text[:at] + (", " if node.value else "") + line + text[at:]
    entries = zip((f"# {one.meaning}" for one in new), pairs, strict=True)
    lines = [line for both in entries for line in both]
    if node is root:
        lines = ["", f"{section}:", *(f"  {line}" for line in lines)]
    pad = " " * node.value[0][0].start_mark.column
    # The rest of the line and the section's own comments below it stay with the entry before.
    rest = re.compile(rf"[^\r\n]*(\r?\n{pad} *#[^\r\n]*)*").match(text, at)
    at, newline = rest.end() if rest else at, "\r\n" if "\r\n" in text else "\n"
    return text[:at] + "".join(newline + (pad + line).rstrip() for line in lines) + text[at:]


def _last(node: Any) -> int:
    """Where the last entry ends; the mark of a block stands where the next one begins."""
    parts = (part for item in node.value for part in (item if isinstance(item, tuple) else (item,)))
    return max((_end(part) for part in parts), default=node.start_mark.index + 1)


def _end(node: yaml.Node) -> int:
    block = isinstance(node, yaml.CollectionNode) and not node.flow_style
    return _last(node) if block else int(node.end_mark.index)
