from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlfactory.base.answers import Question
from mlfactory.base.errors import MlfactoryError, UsageError
from mlfactory.render import copier
from mlfactory.template import choice, history
from mlfactory.template.choice import Template


def render(which: Template, destination: Path, **answers: Any) -> str:
    with copier.open_sheet(which) as sheet:
        return copier.render(sheet, destination, answers)


def questions(which: Template) -> dict[str, Question]:
    with copier.open_sheet(which) as sheet:
        return dict(sheet.questions)


def rendered(template: Path, tmp_path: Path, ref: str = "", **answers: Any) -> dict[str, Any]:
    render(choice.template(str(template), ref), tmp_path / "out", **answers)
    record: dict[str, Any] = yaml.safe_load((tmp_path / "out/.copier-answers.yml").read_text())
    return record


def test_the_recorded_version_is_the_tag(plain_template: Path, tmp_path: Path) -> None:
    which = choice.template(str(plain_template))
    assert render(which, tmp_path / "out") == "v1.0.0"


def test_a_branch_can_be_rendered(plain_template: Path, tmp_path: Path) -> None:
    which = choice.template(str(plain_template), "main")
    assert render(which, tmp_path / "out") == "v1.0.0"


@pytest.mark.parametrize(
    "hostile",
    ["{{ 1 + 1 }}", "{% raw %}", "a: b # c", "'\"", "`id` $(id)", "-x", "# c", "null", "é\u2028"],
)
def test_answers_are_taken_literally(plain_template: Path, tmp_path: Path, hostile: str) -> None:
    assert rendered(plain_template, tmp_path, colour=hostile)["colour"] == hostile
    assert (tmp_path / "out/colour.txt").read_text() == f"{hostile} 3 {hostile}ish\n"


def test_text_is_cast_to_the_questions_type(plain_template: Path, tmp_path: Path) -> None:
    assert rendered(plain_template, tmp_path, count="5")["count"] == 5


def test_a_validator_that_refuses_is_a_matter_of_usage(
    plain_template: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="'colour': Choose one"):
        rendered(plain_template, tmp_path, colour="none")


def test_a_wrong_choice_is_a_matter_of_usage(plain_template: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Invalid choice for 'kind'"):
        rendered(plain_template, tmp_path, kind="c")


def test_an_unknown_ref_is_named(plain_template: Path, tmp_path: Path) -> None:
    which = choice.template(str(plain_template), "v9")
    with pytest.raises(UsageError, match="has no v9"):
        render(which, tmp_path / "out")


def test_a_template_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MlfactoryError, match="nothing is not a template"):
        questions(choice.template(str(tmp_path / "nothing")))


def test_an_address_that_cannot_be_reached_comes_with_a_command_to_try(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/nothing.git"
    with pytest.raises(MlfactoryError, match="cannot be read") as caught:
        questions(choice.template(f"git+{url}"))
    assert caught.value.hint == f"Try `git ls-remote {url}`."


def test_tasks_are_told_and_not_run(tmp_path: Path, build_file_tree: Any) -> None:
    true, never = "{command: [touch, 'a b'], when: '{{ 1 == 1 }}'}", "{command: x, when: no}"
    text = f"_tasks: ['touch ran', {true}, {never}]\n"
    top = build_file_tree(tmp_path / "t", {"copier.yml": text, "a.txt": "a\n"})
    with copier.open_sheet(choice.template(str(top)), trust=True) as sheet:
        copier.render(sheet, tmp_path / "out", {})
        assert sheet.tasks == ("touch ran", "touch 'a b'")
        assert not (tmp_path / "out/ran").exists()
    with copier.open_sheet(choice.template(str(top)), trust=True) as sheet:
        copier.run_tasks(sheet, tmp_path / "out", {})
    assert (tmp_path / "out/ran").exists()
    assert (tmp_path / "out/a b").exists()


def test_extensions_are_refused_also_when_copiers_own_list_trusts(
    tmp_path: Path, build_file_tree: Any, home: Path
) -> None:
    top = build_file_tree(tmp_path / "t", {"copier.yml": "_jinja_extensions: [jinja2.ext.do]\n"})
    build_file_tree(home, {".config/copier/settings.yml": f"trust: ['{tmp_path}/']\n"})
    with pytest.raises(MlfactoryError, match="unsafe feature: jinja_extensions") as caught:
        render(choice.template(str(top)), tmp_path / "out")
    assert "--trust" in caught.value.hint


def test_a_broken_template_is_the_templates_fault(tmp_path: Path, build_file_tree: Any) -> None:
    top = build_file_tree(tmp_path / "t", {"copier.yml": "a: [\n"})
    with pytest.raises(MlfactoryError, match="cannot be rendered"):
        render(choice.template(str(top)), tmp_path / "out")


def test_questions_have_types_choices_and_whether_they_are_asked(plain_template: Path) -> None:
    entries = questions(choice.template(str(plain_template)))
    assert list(entries) == ["colour", "count", "kind", "shade"]
    assert (entries["kind"].type, entries["kind"].choices) == ("str", ("a", "b"))
    assert [question.is_asked for question in entries.values()] == [True, True, True, False]


def test_the_installed_template_records_an_address_that_holds_everywhere(tmp_path: Path) -> None:
    which = choice.template()
    render(which, tmp_path / "churn")
    answers = yaml.safe_load((tmp_path / "churn/.copier-answers.yml").read_text())
    assert (answers["_src_path"], answers["_commit"]) == (history.SOURCE, f"v{which.version}")


def test_the_installed_template_asks_at_most_ten_questions() -> None:
    """Where data, the library and mlfactory come from, in which folder it is and in which language
    people read is only asked of people who have begun to say it.
    """
    entries = questions(choice.template())
    names = {name for name, question in entries.items() if question.is_asked}
    hidden = {"data_source", "data_table", "url_env", "database", "runtime", "folder", "branch"}
    hidden |= {"language", "mlfactory_source"}
    assert len(names - hidden) <= 10


def test_the_installed_template_is_read_without_the_helper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "bin" / "git-remote-mlfactory"
    helper.parent.mkdir()
    helper.write_text("#!/bin/sh\nexit 1\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:{os.environ['PATH']}")
    render(choice.template(), tmp_path / "churn")
    assert (tmp_path / "churn").is_dir()


def test_a_version_that_the_installed_template_lacks_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no version 99\.0\.0"):
        choice.template("", "99.0.0")


def test_the_installed_template_renders_as_plain_copier_does(tmp_path: Path, command: Any) -> None:
    which = choice.template()
    render(which, tmp_path / "ours" / "churn")
    options = ("--quiet", "--defaults", f"--vcs-ref={which.ref}")
    command("copier", "copy", *options, which.source, tmp_path / "theirs" / "churn")
    assert tree(tmp_path / "ours") == tree(tmp_path / "theirs")


def tree(top: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(top)): (path.stat().st_mode, path.read_bytes())
        for path in top.rglob("*")
        if path.is_file()
    }


def test_the_environment_is_as_before_afterwards(tmp_path: Path) -> None:
    before = dict(os.environ)
    render(choice.template(), tmp_path / "churn")
    assert dict(os.environ) == before


def test_executable_bits_are_kept(plain_template: Path, tmp_path: Path) -> None:
    script = plain_template / "tree" / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    rendered(plain_template, tmp_path, "HEAD")
    assert (tmp_path / "out/run.sh").stat().st_mode & 0o100


def test_git_is_not_started_for_every_file(
    plain_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (plain_template / "tree" / f"{number}.txt").touch()
    monkeypatch.setenv("GIT_TRACE2", str(tmp_path / "trace"))
    rendered(plain_template, tmp_path, "HEAD")
    assert "core.fileMode" not in (tmp_path / "trace").read_text()


def test_an_address_need_not_end_in_git(plain_template: Path, tmp_path: Path) -> None:
    which = choice.template(f"file://{plain_template}")
    render(which, tmp_path / "out")
    assert f"_src_path: git+file://{plain_template}" in (
        tmp_path / "out/.copier-answers.yml"
    ).read_text(encoding="utf-8")
