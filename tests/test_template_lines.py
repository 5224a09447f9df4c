"""Several lines of one template in a repository: a company's own versions beside those they are
made from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .evolving import SMALL, Repo, init, mlfactory, project, release, render, template


@pytest.fixture
def company(tmp_path: Path) -> Repo:
    """A template whose 1.0.0.post1 adds a file, and whose 1.1.0 was made from 1.0.0 alone."""
    repo = template(tmp_path / "template", SMALL)
    repo.git("checkout", "--quiet", "-b", "company")
    release(repo, "v1.0.0.post1", {"tree/SECURITY.md": "Ask the security team.\n"})
    repo.git("checkout", "--quiet", "main")
    release(repo, "v1.1.0", {"tree/new.txt": "new\n"})
    return repo


@pytest.fixture
def demo(company: Repo, tmp_path: Path) -> Repo:
    return project(company, tmp_path / "demo", "v1.0.0.post1")


def merged(company: Repo) -> None:
    """The company takes the release: a version that has both."""
    company.git("checkout", "--quiet", "company")
    company.git("merge", "--quiet", "--no-edit", "v1.1.0")
    company.git("tag", "v1.1.0.post1")


def test_a_newer_version_of_another_line_is_taken_only_on_demand(demo: Repo) -> None:
    (report,) = json.loads(mlfactory("status", "--json", cwd=demo.path).stdout)["projects"]
    assert (report["behind"], report["newest"]) == (False, "v1.0.0.post1")
    assert any("v1.1.0 is newer, and was not made from" in text for text in report["warnings"])
    before = demo.everything()
    said = mlfactory("update", "--defaults", cwd=demo.path, code=1).stderr
    assert "what only v1.0.0.post1 has is not in it" in said
    assert "hint: If you mean it: mlfactory update --to v1.1.0" in said
    assert demo.everything() == before
    mlfactory("update", "--defaults", "--to", "v1.1.0", cwd=demo.path)
    assert demo.has("new.txt")
    assert not demo.has("SECURITY.md")


def test_the_newest_version_that_has_all_of_the_project_s_is_taken(
    company: Repo, demo: Repo
) -> None:
    merged(company)
    release(company, "v1.2.0rc1", {"tree/trial.txt": "trial\n"})
    company.git("checkout", "--quiet", "main")
    release(company, "v1.3.0", {"tree/later.txt": "later\n"})
    told = mlfactory("update", "--defaults", cwd=demo.path).stdout
    assert "v1.3.0 is newer, and was not made from v1.0.0.post1" in told
    assert (demo.has("SECURITY.md"), demo.has("new.txt")) == (True, True)
    assert (demo.has("trial.txt"), demo.has("later.txt")) == (False, False)


def test_answers_can_be_changed_where_only_another_line_is_newer(demo: Repo) -> None:
    mlfactory("update", "--set", "name=other", cwd=demo.path)
    assert demo.text("b.txt") == "other\n"
    assert demo.has("SECURITY.md")


@pytest.mark.parametrize("place", ["clone", "worktree"])
def test_the_commit_names_the_project_and_not_the_folder(
    company: Repo, demo: Repo, tmp_path: Path, place: str
) -> None:
    merged(company)
    where = tmp_path / "review-of-monday"
    if place == "clone":
        demo.git("clone", "--quiet", demo.path, where)
    else:
        demo.git("worktree", "add", "--quiet", where)
    mlfactory("update", "--defaults", cwd=where)
    subject = Repo(where).git("log", "-1", "--format=%s")
    assert subject == "Update demo from v1.0.0.post1 to v1.1.0.post1\n"


def test_what_is_refused_is_json_too(demo: Repo) -> None:
    def refused(*argv: str, code: int = 1) -> dict[str, str]:
        done = mlfactory(*argv, "--json", cwd=demo.path, code=code)
        assert "error: " in done.stderr
        found: dict[str, str] = json.loads(done.stdout)
        assert found["hint"]
        return found

    demo.write({"a.txt": "mine\n"})
    assert "not committed: a.txt" in refused("update", "--defaults")["error"]
    demo.git("checkout", "--quiet", "a.txt")
    assert refused("update", "--to", "v9", code=2)["state"] == "failed"
    assert "not one of the template's" in refused("diff", "nothing.txt", code=2)["error"]
    assert "no update is in progress" in refused("update", "--abort")["error"]


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("status", "--nope"), "No such option"),
        (("fleet", "nope"), "No such command"),
        (("restore",), "Missing argument"),
        (("template", "compose", "--checks", "some"), "'some' is not one of"),
    ],
)
def test_a_call_that_cannot_be_is_json_too(demo: Repo, argv: tuple[str, ...], text: str) -> None:
    done = mlfactory(*argv, "--json", cwd=demo.path, code=2)
    assert "Usage: mlfactory" in done.stderr
    document = json.loads(done.stdout)
    assert text in document["error"]
    assert document["hint"].startswith(f"mlfactory {argv[0]}")


def test_an_update_that_waits_is_a_state_of_its_own(company: Repo, demo: Repo) -> None:
    def unfinished() -> object:
        return json.loads(mlfactory("status", "--json", cwd=demo.path).stdout)["projects"][0][
            "unfinished"
        ]

    merged(company)
    company.git("checkout", "--quiet", "company")
    release(company, "v1.2.0", {"tree/a.txt": "theirs\n"})
    demo.commit({"a.txt": "ours\n"})
    assert unfinished() is None
    mlfactory("update", "--defaults", cwd=demo.path, code=4)
    assert unfinished() == {"to_version": "v1.2.0", "conflicts": ["a.txt"]}
    mlfactory("update", "--abort", cwd=demo.path)
    assert unfinished() is None


def test_a_fork_s_changelog_has_the_notes_of_the_releases_it_takes(
    company: Repo, tmp_path: Path
) -> None:
    company.write({"tree/a.txt": "more\n"}).git("add", "--all")
    company.git("commit", "--quiet", "--message", "Release\n\n- Charts have titles now.")
    company.git("tag", "v2.0.0")
    company.commit({"tree/b": "b\n"}, "Ask the retention team\n\nA reason of ours.")
    company.git("tag", "v3.0.0")
    company.commit({"tree/c": "c\n"}, "Between\n\nNobody needs to know why.")
    argv = ("template", "changelog", "--template", company.path)
    told = mlfactory(*argv, "v1.1.0..main", cwd=tmp_path).stdout
    assert told == "- Between\nA reason of ours.\n\n- Charts have titles now.\n\n"


def test_what_a_template_reads_from_another_file_of_the_project(tmp_path: Path) -> None:
    questions = "_subdirectory: tree\n_external_data: {base: '{{ base }}'}\nbase: base.yml\n"
    record = {"tree/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}"}
    files = {"copier.yml": questions, "tree/team.txt.jinja": "{{ _external_data.base.team }}\n"}
    source = template(tmp_path / "template", {**record, **files}, {"tree/more.txt": "more\n"})
    demo = init(tmp_path / "demo").commit({"base.yml": "team: blue\n"})
    import copier

    copier.run_copy(str(source.path), demo.path, vcs_ref="v1.0.0", defaults=True, quiet=True)
    demo.commit()
    (report,) = json.loads(mlfactory("status", "--json", cwd=demo.path).stdout)["projects"]
    assert report["files"] == []
    mlfactory("update", "--defaults", cwd=demo.path)
    assert (demo.text("team.txt"), demo.text("more.txt")) == ("blue\n", "more\n")
    demo.commit({"base.yml": "team: red\n"})
    release(source, "v1.2.0", {"tree/more.txt": "most\n"})
    mlfactory("update", "--defaults", cwd=demo.path)
    assert (demo.text("team.txt"), demo.text("more.txt")) == ("red\n", "most\n")


@pytest.mark.parametrize(
    ("name", "text", "body", "result"),
    [
        ("base.yml", "", "{{ _external_data.base.team }}|\n", "|\n"),
        ("base.yml", "- a\n- b\n", "{{ _external_data.base[1] }}\n", "b\n"),
        ("base.yml", "x: {y: [{z: deep}]}\n", "{{ _external_data.base.x.y[0].z }}\n", "deep\n"),
        ("deep/base.json", '{"team": "blue"}', "{{ _external_data.base.team }}\n", "blue\n"),
        (".copier-answers.base.yml", "team: x\n", "{{ _external_data.base.team }}\n", "x\n"),
        ("base/inner.yml", "team: x\n", "{{ _external_data.base.team }}|\n", "|\n"),
    ],
)
def test_data_of_any_shape_are_read_as_copier_reads_them(
    tmp_path: Path, name: str, text: str, body: str, result: str
) -> None:
    place = "base" if name == "base/inner.yml" else name  # of a folder nothing is read
    questions = f"_subdirectory: tree\n_external_data: {{base: {place}}}\n"
    record = {"tree/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}"}
    files = {"copier.yml": questions, "tree/team.txt.jinja": body}
    source = template(tmp_path / "template", {**record, **files}, {"tree/more.txt": "more\n"})
    demo = init(tmp_path / "demo").commit({name: text})
    render(source, demo.path).commit()
    assert demo.text("team.txt") == result
    (report,) = json.loads(mlfactory("status", "--json", cwd=demo.path).stdout)["projects"]
    assert (report["files"], report["error"]) == ([], "")
    mlfactory("update", "--defaults", cwd=demo.path)
    assert (demo.text("team.txt"), demo.text("more.txt")) == (result, "more\n")


@pytest.mark.parametrize("path", ["../base.yml", "/etc/hostname", "a/../../base.yml"])
def test_data_out_of_the_project_are_not_read_without_trust(tmp_path: Path, path: str) -> None:
    questions = f"_subdirectory: tree\n_external_data: {{base: {path}}}\n"
    record = {"tree/{{ _copier_conf.answers_file }}.jinja": "{{ _copier_answers | to_nice_yaml }}"}
    first = {"copier.yml": "_subdirectory: tree\n", **record}
    second = {"copier.yml": questions, "tree/x.txt.jinja": "{{ _external_data.base }}\n"}
    source = template(tmp_path / "template", first, second)
    demo = project(source, tmp_path / "demo")
    said = mlfactory("update", "--defaults", cwd=demo.path, code=1).stderr
    assert "is forbidden" in said


@pytest.mark.parametrize("text", ["name: [open\n", "a: 1\n b: 2\n", "name: {type: str\n---\n- x\n"])
def test_a_copier_yml_that_cannot_be_read_says_where_and_why(tmp_path: Path, text: str) -> None:
    source = template(tmp_path / "template", {"copier.yml": text, "a.txt": "a\n"})
    said = mlfactory("new", "demo", "--template", source.path, cwd=tmp_path, code=1).stderr
    assert "the template cannot be rendered: copier.yml, line " in said
    assert "PosixPath" not in said
    assert "/tmp" not in said.replace(str(tmp_path), "")
    assert not (tmp_path / "demo").exists()


Q = "name: {type: str, default: a}\n"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name: {type: strr, default: a}\n", "question name: "),
        ("name: {type: str, default: '{{ a( }}'}\n", "question name: "),
        ("name: {type: str, default: '{{ a.b.c }}'}\n", "question name: "),
        ("name: {type: str, when: '{{ ( }}', default: a}\n", "question name: "),
        ("name: {type: str, choices: 3}\n", "question name: "),
        ("now: {type: str, default: a}\n", "question now: Invalid question name"),
        (f"_exclude: ['{{% if %}}']\n{Q}", "_exclude: "),
        (f"_exclude: 7\n{Q}", "copier.yml: 'int' object"),
        (f"_tasks: ['{{{{ ( }}}}']\n{Q}", "_tasks: "),
        (f"_min_copier_version: x.y\n{Q}", "copier.yml: Invalid version: 'x.y'"),
        (f"_external_data: [a]\n{Q}", "_external_data: "),
        ("- a\n", "copier.yml: "),
        ("hello\n", "copier.yml: "),
        (f"_subdirectory: nowhere\n{Q}", "nowhere"),
        ("name: {type: str, default: '\udcfc'}\n", "copier.yml: Indicates that the config file"),
    ],
)
def test_what_is_wrong_in_a_copier_yml_is_named(tmp_path: Path, text: str, place: str) -> None:
    raw = text.encode("utf-8", "surrogateescape")
    files = {**SMALL, "copier.yml": raw, "a.txt.jinja": "{{ name }}\n"}
    source = template(tmp_path / "template", files)
    argv = ("new", "demo", "--template", source.path, "--defaults")
    said = mlfactory(*argv, cwd=tmp_path, code=1).stderr
    assert "the template cannot be rendered: " in said
    assert place in said
    assert not [word for word in ("pydantic", "PosixPath", "clone", "Traceback") if word in said]
    assert not (tmp_path / "demo").exists()


def test_two_files_of_questions_are_named(tmp_path: Path) -> None:
    source = template(tmp_path / "template", {**SMALL, "copier.yaml": Q})
    argv = ("new", "demo", "--template", source.path, "--defaults")
    said = mlfactory(*argv, cwd=tmp_path, code=1).stderr
    assert "Both copier.yml and copier.yaml found" in said


def test_a_file_that_cannot_be_rendered_is_named(tmp_path: Path) -> None:
    files = {**SMALL, "tree/c.txt.jinja": "first\n{% if %}\n"}
    source = template(tmp_path / "template", files)
    argv = ("new", "demo", "--template", source.path, "--defaults")
    said = mlfactory(*argv, cwd=tmp_path, code=1).stderr
    assert "the template cannot be rendered: tree/c.txt.jinja, line 2: " in said


def test_a_bare_repository_is_told_to_be_one(demo: Repo, tmp_path: Path) -> None:
    demo.git("clone", "--quiet", "--bare", demo.path, tmp_path / "demo.git")
    said = mlfactory("status", tmp_path / "demo.git", cwd=tmp_path, code=1).stderr
    assert "is a bare repository" in said
    assert "git clone" in said
    (report,) = json.loads(mlfactory("status", "--json", cwd=demo.path / ".git").stdout)["projects"]
    assert (report["path"], report["error"]) == (str(demo.path), "")


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("{{ 'a' * 10 ** 13 }}", "it wants more memory than there is"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "it calls itself without end"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
@pytest.mark.parametrize("place", ["tree/x.txt.jinja", "copier.yml"])
def test_an_expression_without_measure_is_told(
    here: Path, place: str, expression: str, why: str
) -> None:
    question = f'{SMALL["copier.yml"]}big: {{type: str, default: "{expression}"}}\n'
    text = question if place == "copier.yml" else expression
    source = template(here / "template", {**SMALL, place: text})
    result = mlfactory("new", "x", "--template", source.path, "--defaults", cwd=here, code=1)
    assert "cannot be rendered" in result.stderr
    assert why in result.stderr
    assert "bug in mlfactory" not in result.stderr
    assert [path.name for path in here.iterdir()] == ["template"]
