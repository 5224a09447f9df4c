"""Languages: every text has its translation, and none stands in a file for nothing."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from jinja2 import Environment, nodes
from mlfactory_runtime import languages
from mlfactory_runtime.languages import day, form, of_group, of_record, say, writing_in

SOURCE = Path(languages.__file__).parents[1]
CODES = [code for code in languages.codes() if code != languages.ENGLISH]
TABLES = {"LABELS", "MODELS", "BUILT_IN", "OTHERS"}  # their values are said by their names
HOLE_ANY = re.compile(r"\{\w+(?::\w+)?\}")
ABOUT = {"feature", "source", "owner", "higher", "lower"}


def strings(code: str) -> dict[str, dict[str, str]]:
    content: dict[str, dict[str, str]] = json.loads(
        (languages.FOLDER / f"{code}.json").read_text("utf-8")
    )
    return content


def literals(tree: ast.AST) -> Iterator[str]:
    """The texts that are said in a module, and those that its tables of names hold."""
    variables = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for name in TABLES & variables.keys():
        if isinstance(table := variables[name], ast.Dict):
            yield from (ast.literal_eval(value) for value in table.values)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            if node.func.id == "count_of":
                noun = ast.literal_eval(node.args[1])
                yield from (f"{{count:,}} {noun}", f"{{count:,}} {noun}s")
            elif node.func.id == "say" and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def texts_in_variables(tree: ast.AST) -> Iterator[str]:
    """Texts that are said by a variable `text`, because they are long."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "text":
            value = node.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                yield value.value


def in_templates() -> Iterator[str]:
    for path in sorted((SOURCE / "templates").iterdir()):
        tree = Environment(autoescape=True).parse(path.read_text("utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "say":
                first = call.args[0]
                assert isinstance(first, nodes.Const), path
                yield first.value


def in_modules() -> set[str]:
    texts: set[str] = {"all others", *ABOUT}
    for path in SOURCE.rglob("*.py"):
        if "languages import" in (source := path.read_text("utf-8")):
            tree = ast.parse(source)
            texts |= set(literals(tree))
            if re.search(r"\bsay\(\s*text", source):
                texts |= set(texts_in_variables(tree))
    return texts


def pages() -> set[str]:
    return in_modules() | set(in_templates())


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def pieces() -> str:
    """Every text in the library's code, as the parts between the values that it holds."""
    texts = (
        node.value
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return "\0".join(texts)


@pytest.mark.parametrize("code", CODES)
def test_no_text_is_missing_and_none_is_unused(code: str) -> None:
    own = strings(code)["pages"]
    assert sorted(pages() - own.keys()) == []
    assert sorted(own.keys() - pages()) == []


@pytest.mark.parametrize("code", CODES)
def test_every_sentence_of_records_is_one_that_the_library_writes(code: str) -> None:
    written = pieces()

    def is_written(part: str) -> bool:
        """As it stands, or as two texts that are put together."""
        halves = ((part[:k], part[k:]) for k in range(len(part)))
        return any(one in written and other in written for one, other in halves)

    lines = strings(code)["records"] | strings(code)["groups"]
    parts = {key: HOLE_ANY.split(key) for key in lines}
    assert {key for key, own in parts.items() if not all(map(is_written, filter(None, own)))} == (
        set()
    )


@pytest.mark.parametrize("code", CODES)
def test_values_stand_in_the_translation_as_in_the_text(code: str) -> None:
    lines = strings(code)
    differing = {k for k, v in lines["pages"].items() if holes(k) != holes(v)}
    differing |= {
        k for k, v in (lines["records"] | lines["groups"]).items() if not holes(v) <= holes(k)
    }
    assert differing == set()


def test_every_language_has_the_same_parts_and_english_needs_no_translation() -> None:
    assert {code: sorted(strings(code)) for code in languages.codes()} == {
        code: ["day", "groups", "numbers", "pages", "records"] for code in ("en", "es")
    }
    assert strings("en")["pages"] == strings("en")["records"] == {}


def test_numbers_and_days_are_written_as_the_language_writes_them() -> None:
    with writing_in("es"):
        assert form(",.2f", 1234567.891) == "1.234.567,89"
        assert form(".1%", 0.1234) == "12,3\u00a0%"
        assert day("2026-03-09 14:00") == "09/03/2026 14:00"
        assert say("{count:,} rows", count=12345) == "12.345 filas"
    assert form(",.2f", 1234567.891) == "1,234,567.89"
    assert day("2026-03-09") == "2026-03-09"


@pytest.mark.parametrize(
    ("text", "spanish"),
    [
        (
            "its log loss beats a constant surely, and its lead over a linear model may be chance",
            "su pérdida logarítmica supera con seguridad a una constante, y su ventaja sobre un "
            "modelo lineal puede ser azar",
        ),
        (
            "age: 31.2% of rows lie elsewhere than in training, surely 28.0%; from 2.0% on it "
            "matters, and 3.1% would have been seen (2 of the last 3 windows)",
            "age: 31,2\u00a0% de las filas están en otro lugar que en el entrenamiento, con "
            "seguridad 28,0\u00a0%; importa desde 2,0\u00a0%, y 3,1\u00a0% se habría visto "
            "(2 de las últimas 3 ventanas)",
        ),
    ],
)
def test_a_sentence_of_a_record_is_known_by_its_form(text: str, spanish: str) -> None:
    with writing_in("es"):
        assert of_record(text) == spanish
    assert of_record(text) == text


def test_a_range_is_translated_and_the_name_of_a_value_is_not() -> None:
    with writing_in("es"):
        assert [of_group(text) for text in ("up to 12.5", "missing", "yes", "from Rome")] == [
            "hasta 12,5", "ausente", "yes", "from Rome",
        ]  # fmt: skip
