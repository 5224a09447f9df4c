"""Languages: every text has its translation, and none stands in a file for nothing."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import polars as pl
import pytest
import yaml
from jinja2 import Environment, nodes
from mlfactory_runtime import languages
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.languages import day, form, of_group, of_record, say, writing_in
from mlfactory_runtime.project import Project
from mlfactory_runtime.registry import promote
from mlfactory_runtime.report.report import write_report
from mlfactory_runtime.settings.params import params_hash

from .factories import Factory
from .test_registry import RECORD

SOURCE = Path(languages.__file__).parents[1]
CODES = [code for code in languages.codes() if code != languages.ENGLISH]
RUNBOOK = SOURCE.parents[1] / "project" / "docs" / "runbook.md.jinja"
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
    runbook = " ".join(RUNBOOK.read_text("utf-8").split())
    return "\0".join([*texts, runbook])


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
            "its RMSE beats a constant surely, and a linear model, the last known value",
            "su RMSE supera con seguridad a una constante, y también a un modelo lineal, el último "
            "valor conocido",
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


def english(page: str) -> set[str]:
    """The texts of a page that are English still; code, and what stands in files, apart."""
    page = re.sub(r"<style.*?</style>|<code>.*?</code>|<!--.*?-->", "", page, flags=re.DOTALL)
    texts = {" ".join(text.split()) for text in re.sub(r"<[^>]+>", "\0", page).split("\0")}
    return {text for text in texts if re.search(r"\b(the|is|of|rows|with|and|than)\b", text)}


def in_spanish(folder: Path) -> Project:
    path = folder / "params.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    path.write_text(yaml.safe_dump(settings | {"report": {"language": "es"}}), "utf-8")
    return Project(folder)


def test_report_and_cards_are_in_the_language_of_the_setting(trained_copy: Project) -> None:
    project = in_spanish(trained_copy.root)
    write_report(project)
    page, card, data = (
        (project.reports / name).read_text("utf-8")
        for name in ("report.html", "model_card.md", "data_card.md")
    )
    assert '<html lang="es">' in page
    assert "<h2>¿Qué tan bueno es?</h2>" in page
    assert english(page) == set()
    assert "## Uso previsto" in card
    assert "2.000 filas con resultado" in data
    assert (trained_copy.root / "models/model/signature.json").read_bytes() == (
        (project.root / "models/model/signature.json").read_bytes()
    )


def test_the_language_changes_nothing_that_is_learned(trained_copy: Project) -> None:
    before = params_hash(trained_copy.params)
    assert params_hash(in_spanish(trained_copy.root).params) == before


def test_a_language_that_is_not_there_is_refused(trained_copy: Project) -> None:
    project = in_spanish(trained_copy.root)
    path = project.root / "params.yaml"
    path.write_text(path.read_text("utf-8").replace("language: es", "language: fr"), "utf-8")
    with pytest.raises(FactoryError, match=r"the languages are en, es"):
        _ = Project(project.root).params


def test_the_page_of_the_monitor_is_in_the_language_too(churn: Factory) -> None:
    in_spanish(churn.path)
    rows = pl.read_csv(churn.path / "data/raw/customers.csv")
    rows.with_columns(pl.col("price €") + 40).write_csv(churn.path / "dearer.csv")
    churn.json("monitor", "--current", "dearer.csv", "--json", "--html", "page.html", code=4)
    page = churn.text("page.html")
    assert "<strong>✗ Alarma</strong>" in page
    assert "de las filas están en otro lugar que en el entrenamiento" in page
    assert "mire las dos distribuciones" in page
    assert english(page) == set()


def test_a_record_of_a_promotion_is_in_the_language_too() -> None:
    page = promote.page(RECORD, "es")
    assert "prod pasa de v1.0.0 a v1.1.0." in page
    assert "| pérdida logarítmica | 0,500 (0,400 a 0,600) |" in page
