"""The documentation says what the program says."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, Command
from .template.pages import BLOCK

REFERENCE = ROOT / "docs/reference/cli.md"
COMMANDS = (
    *(
        [],
        ["new"],
        ["adopt"],
        ["update"],
        ["status"],
        ["diff"],
        ["restore"],
        ["extract"],
        ["doctor"],
        ["simulate"],
        ["template"],
    ),
    *(
        ["template", verb]
        for verb in ("versions", "changelog", "publish", "use", "import", "compose")
    ),
    ["fleet"],
    *(["fleet", verb] for verb in ("init", "add", "list", "status", "catalog")),
    *(
        ["fleet", verb]
        for verb in ("plan", "apply", "resolve", "revert", "run", "learn", "schedule")
    ),
)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def reference(mlfactory: Command) -> str:
    """The page that the program's own help makes."""
    parts = ["# The command line\n\nWritten from the program's own help.\n"]
    for command in COMMANDS:
        output = mlfactory(*command, "--help", COLUMNS="100", TERM="dumb").stdout
        parts.append(f"## `{' '.join(['mlfactory', *command])}`\n\n```\n{output.strip()}\n```\n")
    return "\n".join(parts)


def test_the_reference_is_what_the_program_says(mlfactory: Command) -> None:
    text = reference(mlfactory)
    if os.environ.get("UPDATE_DOCS"):
        REFERENCE.write_text(text)
    assert REFERENCE.read_text() == text, "UPDATE_DOCS=1 pytest tests/test_docs.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_question_is_documented() -> None:
    page = (ROOT / "docs/reference/questions.md").read_text()
    for file in (ROOT / "template/questions").glob("*.yml"):
        for name, question in yaml.safe_load(file.read_text()).items():
            assert f"`{name}`" in page or question.get("when") is False


def test_at_most_ten_questions_are_asked() -> None:
    """Those with a condition are asked only of people who have answered them in another way."""
    files = (ROOT / "template/questions").glob("*.yml")
    questions = [q for f in files for q in yaml.safe_load(f.read_text()).values()]
    assert len([q for q in questions if "help" in q and "when" not in q]) <= 10


def typed(page: Path) -> list[str]:
    """The lines of a page that its reader types."""
    blocks = [text for _, language, text in BLOCK.findall(page.read_text("utf-8")) if not language]
    return [line.partition(" #")[0].strip() for text in blocks for line in text.splitlines()]


COMMANDED = [page for page in PAGES if typed(page)]
# Of the past, of this project, generated, a translation, and what test_copier.py types by itself.
NOT_TYPED = {"CHANGELOG.md", "CONTRIBUTING.md", "cli.md", "README.es.md", "template-source.md"}


@pytest.mark.parametrize("page", COMMANDED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_with_commands_is_run_by_a_test(page: Path) -> None:
    tests = "".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    assert page.name in NOT_TYPED or f'{page.name}"' in tests or f'"{page.stem}"' in tests


def test_the_translated_readme_has_commands_of_the_english_one() -> None:
    own = [line.replace(" --set language=es", "") for line in typed(ROOT / "README.es.md")]
    assert {*own} <= {*typed(ROOT / "README.md")}


def attacks() -> list[str]:
    """Rows of the security page that say what was tried: those of all tables but the first."""
    text = (ROOT / "docs/explanation/security.md").read_text("utf-8")
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [row for block in blocks[1:] for row in block.splitlines()[2:]]


@pytest.mark.parametrize("row", attacks())
def test_the_security_page_names_the_test_that_holds_each_attack(row: str) -> None:
    held, file = row.split(" | ")[-1].strip(" |"), ""
    if held == "the same":
        return
    names = re.findall(r"`((?:\w+/)?test_\w+\.py)?::(test_\w+)`", held)
    assert len(names) == held.count("`") / 2 > 0, held
    for path, test in names:
        file = path or file
        assert f"def {test}(" in (ROOT / "tests" / file).read_text("utf-8"), test
