"""A YAML file of people's, read with the line of whatever is wrong in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mlfactory.base.answers import suggestion

Tree = tuple[yaml.Node, yaml.Node]


class Reader:
    """The problems of a file, each with its line, as they are met."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.problems: list[str] = []

    def fault(self, node: yaml.Node, text: str) -> None:
        self.problems.append(f"{self.file.name}:{node.start_mark.line + 1}: {text}")

    def entries(self, node: yaml.Node, what: str, names: tuple[str, ...]) -> Iterator[Tree]:
        """The keys and values of a mapping; what is unknown or there twice is a problem."""
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"{what} is a mapping, `key: value`")
            return
        counts = Counter[str]()
        for key, value in node.value:
            name = str(key.value)
            counts[name] += 1
            if names and name not in names:
                hint = suggestion(name, names).replace("It asks", "It has")
                self.fault(key, f"{what} has no {name!r}. {hint}")
            elif counts[name] > 1:
                self.fault(key, f"{name} is there twice")
            else:
                yield key, value

    def text(self, node: yaml.Node, name: str) -> str:
        value = node.value if isinstance(node, yaml.ScalarNode) else None
        if value is None or not value.strip() or not value.isprintable():
            self.fault(node, f"{name} is one line of text, and not empty")
            return ""
        return str(value).strip()

    def items(self, node: yaml.Node, name: str) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.fault(node, f"{name} is a list: one `- ...` per line")
        return []

    def seconds(self, node: yaml.Node, name: str) -> float:
        text = self.text(node, name)
        try:
            number = float(text or "0")
        except ValueError:
            number = -1.0
        if not 0 <= number <= 3600:
            self.fault(node, f"{name} is a number of seconds")
            return 0.0
        return number

    def values(self, node: yaml.Node, name: str) -> dict[str, Any]:
        """Answers, as YAML reads them."""
        pairs = self.entries(node, name, ())
        return {str(key.value): plain(value) for key, value in pairs}


def plain(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    return loader.construct_object(node, deep=True)
