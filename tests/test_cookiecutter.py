"""Projects that cruft has linked to a cookiecutter template get the same commands."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from mlfactory.cli import console
from mlfactory.render.result import RenderOptions
from mlfactory.update import run as update

from . import evolving
from .conftest import Build, Command

VARIABLES: dict[str, Any] = {
    "name": "Some Thing",
    "slug": "{{ cookiecutter.name|lower|replace(' ', '-') }}",
    "colour": ["red", "green", "{{ cookiecutter.slug }}-blue"],
    "tests": True,
    "size": 3,
    "limits": {"rows": {"most": 10}, "owner": "{{ cookiecutter.slug }}"},
    "_internal": "{{ cookiecutter.name }}",
    "__shout": "{{ cookiecutter.name|upper }}",
    "_copy_without_render": ["*.raw", "static"],
}
TOP = "{{cookiecutter.slug}}"
MODULE = "{{cookiecutter.slug|replace('-', '_')}}.py"
FILES = {
    f"{TOP}/README.md": "# {{ cookiecutter.name }}\n\nIt is {{ cookiecutter.colour }}.\n\none\n",
    f"{TOP}/setup.cfg": (
        "{% if cookiecutter.tests %}tests{% endif %} {{ cookiecutter.size }}\n"
        "{{ cookiecutter.limits.rows.most }} {{ cookiecutter.limits.owner }}\n"
        "{{ cookiecutter._internal }} {{ cookiecutter.__shout }}\n"
    ),
    f"{TOP}/as-is.raw": "{{ not rendered }}\n",
    f"{TOP}/static/page.html": "{{ neither }}\n",
    f"{TOP}/src/{MODULE}": "NAME = '{{ cookiecutter.name }}'\n",
    f"{TOP}/{{% if cookiecutter.tests %}}tests.txt{{% endif %}}": "tested\n",
}
Change = Callable[..., str]


class Template:
    """A cookiecutter template in a git repository, and projects as cruft makes them of it."""

    def __init__(self, top: Path, folder: str, build: Build, command: Command) -> None:
        self.top, self.folder, self.build, self.command = top, folder, build, command
        command("git", "init", "--quiet", "--initial-branch=main", top)
        self.change(FILES, VARIABLES)

    def change(
        self, files: Mapping[str, str | None], variables: Mapping[str, Any] | None = None
    ) -> str:
        """Write files and commit; None deletes one. Returns the commit."""
        home = self.top / self.folder
        for name in [name for name, text in files.items() if text is None]:
            (home / name).unlink()
        self.build(home, {name: text for name, text in files.items() if text is not None})
        if variables is not None:
            self.build(home, {"cookiecutter.json": json.dumps(variables)})
        self.command("git", "add", "--all", cwd=self.top)
        self.command("git", "commit", "--quiet", "--message", "a change", cwd=self.top)
        return self.head

    @property
    def head(self) -> str:
        return self.command("git", "rev-parse", "HEAD", cwd=self.top).stdout.strip()

    def project(self, place: Path, repository: Path | None = None, **more: Any) -> Path:
        """What `cruft create` leaves, committed."""
        from cookiecutter.generate import generate_context, generate_files
        from cookiecutter.prompt import prompt_for_config

        extra = more.pop("extra", {})
        home = self.top / self.folder
        context = generate_context(str(home / "cookiecutter.json"), extra_context=extra)
        answers = dict(prompt_for_config(context, no_input=True))
        answers |= {"_template": str(self.top), "_commit": self.head}
        scratch = place.parent / "scratch"
        folder = generate_files(str(home), {"cookiecutter": answers}, str(scratch))
        place.parent.mkdir(parents=True, exist_ok=True)
        Path(folder).rename(place)
        record = {
            "template": str(self.top),
            "commit": self.head,
            "checkout": more.pop("checkout", None),
            "context": {"cookiecutter": answers},
            "directory": self.folder or None,
            **more,
        }
        text = json.dumps(record, ensure_ascii=False, indent=2, separators=(",", ": "))
        (place / ".cruft.json").write_text(text + "\n")
        top = repository or place
        if not (top / ".git").exists():
            self.command("git", "init", "--quiet", "--initial-branch=main", top)
        self.save(top)
        return place

    def save(self, top: Path) -> None:
        self.command("git", "add", "--all", cwd=top)
        self.command("git", "commit", "--quiet", "--message", "mine", cwd=top)


@pytest.fixture
def mlfactory() -> Command:
    """The program in a process that has imported its packages: how it starts is not asked here."""
    return evolving.mlfactory


@pytest.fixture
def template(tmp_path: Path, build_file_tree: Build, command: Command) -> Template:
    return Template(tmp_path / "template", "", build_file_tree, command)


@pytest.fixture
def project(template: Template, tmp_path: Path) -> Path:
    """A project that its user has renamed, with an edit."""
    place = template.project(tmp_path / "renamed by me")
    readme = place / "README.md"
    readme.write_text(readme.read_text() + "\n\nWritten by me.\n")
    template.save(place)
    return place


def state(project: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((project / ".cruft.json").read_text())
    return document


def plan(mlfactory: Command, project: Path, *options: str, code: int = 0) -> dict[str, Any]:
    result = mlfactory("update", project, "--dry-run", "--json", *options, code=code)
    content: dict[str, Any] = json.loads(result.stdout)["plan"]
    return content


def is_clean(command: Command, project: Path) -> bool:
    return not command("git", "status", "--porcelain", cwd=project).stdout


NEW_README = FILES[f"{TOP}/README.md"].replace("It is", "It really is")


def test_a_fresh_project_has_no_drift(
    template: Template, tmp_path: Path, mlfactory: Command
) -> None:
    place = template.project(tmp_path / "fresh")
    status = json.loads(mlfactory("status", place, "--json").stdout)["projects"][0]
    assert set(status["drift"]) == {"clean"}
    assert not status["behind"]


def test_an_update_merges_and_records_the_commit_as_cruft_does(
    template: Template, project: Path, mlfactory: Command, command: Command
) -> None:
    before = (project / ".cruft.json").read_text()
    old = template.head
    new = template.change({f"{TOP}/README.md": NEW_README})
    mlfactory("update", project, "--defaults")
    text = (project / "README.md").read_text()
    assert "It really is red." in text
    assert "Written by me." in text
    assert (project / ".cruft.json").read_text() == before.replace(old, new)
    assert is_clean(command, project)
    assert mlfactory("update", project, "--defaults").stdout.endswith("nothing to do\n")


def test_new_variables_get_their_rendered_defaults_and_are_listed(
    template: Template, project: Path, mlfactory: Command
) -> None:
    variables = {**VARIABLES, "licence": "MIT of {{ cookiecutter.slug }}"}
    template.change({f"{TOP}/LICENCE": "{{ cookiecutter.licence }}\n"}, variables)
    assert plan(mlfactory, project)["questions"] == {"licence": "MIT of some-thing"}
    mlfactory("update", project, "--defaults")
    assert (project / "LICENCE").read_text() == "MIT of some-thing\n"
    assert state(project)["context"]["cookiecutter"]["licence"] == "MIT of some-thing"


def test_answers_are_kept_and_private_variables_are_the_templates(
    template: Template, tmp_path: Path, mlfactory: Command
) -> None:
    extra = {"name": "Ours", "colour": "green", "tests": False, "size": "7"}
    limits = {"rows": {"most": 99}}
    place = template.project(tmp_path / "ours", extra={**extra, "limits": limits})
    status = json.loads(mlfactory("status", place, "--json").stdout)["projects"][0]
    assert set(status["drift"]) == {"clean"}
    nested = {"rows": {"most": 10, "least": 1}, "owner": "x"}
    variables = {**VARIABLES, "_internal": "changed", "limits": nested}
    template.change(
        {f"{TOP}/setup.cfg": FILES[f"{TOP}/setup.cfg"] + "{{ cookiecutter.limits.rows.least }}\n"},
        variables,
    )
    mlfactory("update", place, "--defaults")
    lines = (place / "setup.cfg").read_text().splitlines()
    assert lines == [" 7", "99 ours", "changed OURS", "1"]
    context = state(place)["context"]["cookiecutter"]
    assert context["_internal"] == "changed"
    assert not (place / "tests.txt").exists()


def test_a_choice_that_is_rendered_is_kept(
    template: Template, tmp_path: Path, mlfactory: Command
) -> None:
    place = template.project(tmp_path / "blue")
    text = (place / ".cruft.json").read_text().replace('"red"', '"some-thing-blue"')
    (place / ".cruft.json").write_text(text)
    (place / "README.md").write_text(
        (place / "README.md").read_text().replace("red", "some-thing-blue")
    )
    template.save(place)
    template.change({f"{TOP}/README.md": NEW_README})
    mlfactory("update", place, "--defaults")
    assert "It really is some-thing-blue." in (place / "README.md").read_text()


def test_of_a_choice_that_is_gone_the_default_is_taken_and_said(
    template: Template, project: Path, mlfactory: Command
) -> None:
    template.change({}, {**VARIABLES, "colour": ["green", "blue"]})
    assert plan(mlfactory, project)["replaced"] == [
        {"name": "colour", "old": "red", "new": "green"}
    ]
    mlfactory("update", project, "--defaults")
    assert "It is green." in (project / "README.md").read_text()


def test_jinja_in_answers_is_text(template: Template, tmp_path: Path, mlfactory: Command) -> None:
    """Also where a default is made of the answer, and in the nested ones."""
    place = template.project(tmp_path / "text")
    evil = "{{ cycler.__init__.__globals__.os.mkdir('%s') }}" % (tmp_path / "ran")
    document = state(place)
    document["context"]["cookiecutter"] |= {
        "name": evil,
        "limits": {"rows": {"most": evil, evil: 1}, "owner": "{{ nothing }}"},
    }
    (place / ".cruft.json").write_text(json.dumps(document))
    template.save(place)
    template.change(
        {f"{TOP}/name.txt": "{{ cookiecutter.name }} {{ cookiecutter.limits.owner }}\n"},
        {**VARIABLES, "title": "<{{ cookiecutter.name }}>"},
    )
    mlfactory("update", place, "--defaults", code=None)
    assert (place / "name.txt").read_text() == f"{evil} {{{{ nothing }}}}\n"
    assert state(place)["context"]["cookiecutter"]["title"] == f"<{evil}>"
    assert not (tmp_path / "ran").exists()


def test_settings_are_answers(project: Path, mlfactory: Command) -> None:
    options = ("--set", "colour=green", "--set", "tests=no", "--set", 'limits={"owner": "me"}')
    mlfactory("update", project, "--defaults", *options)
    assert "It is green." in (project / "README.md").read_text()
    assert (project / "setup.cfg").read_text().splitlines()[:2] == [" 3", "10 me"]
    assert not (project / "tests.txt").exists()


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("colours=red", "Did you mean colour?"),
        ("colour=pink", "Choose one of red, green, some-thing-blue."),
        ("tests=perhaps", "yes or no"),
        ("limits=1", "cannot be '1'"),
        ("_internal=1", "_internal"),
    ],
)
def test_a_setting_that_cannot_be_is_a_matter_of_usage(
    setting: str, told: str, project: Path, mlfactory: Command
) -> None:
    assert told in mlfactory("update", project, "--set", setting, code=2).stderr


def test_new_variables_are_asked_for_on_a_terminal(
    template: Template, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those, and with the template's own words."""
    variables = {**VARIABLES, "licence": "MIT", "kind": ["a", "b"], "ci": True}
    words = {"__prompts__": {"licence": "Under which licence"}}
    template.change({f"{TOP}/new": "{{ cookiecutter.kind }}\n"}, {**variables, **words})
    monkeypatch.setattr(sys, "stdin", io.StringIO("GPL\n2\nno\n"))
    options = update.Options(render=RenderOptions(ask=True))
    update.update(project, options, console.Terminal(quiet_plan=True))
    answers = state(project)["context"]["cookiecutter"]
    assert (answers["licence"], answers["kind"], answers["ci"]) == ("GPL", "b", False)
    assert (answers["colour"], "__prompts__" in answers) == ("red", False)


@pytest.mark.parametrize("pin", ["main", "v2", None])
def test_a_project_follows_what_it_checks_out(
    pin: str | None, template: Template, tmp_path: Path, mlfactory: Command, command: Command
) -> None:
    """A branch, a tag, or the branch that the repository shows first."""
    place = template.project(tmp_path / "follows", checkout=pin)
    template.change({f"{TOP}/README.md": NEW_README})
    command("git", "tag", "v2", cwd=template.top)
    tagged = template.head
    newest = template.change({f"{TOP}/new.txt": "new\n"})
    mlfactory("update", place, "--defaults")
    assert state(place)["commit"] == (tagged if pin == "v2" else newest)
    assert state(place)["checkout"] == pin


def test_a_template_in_a_folder_of_its_repository(
    tmp_path: Path, build_file_tree: Build, command: Command, mlfactory: Command
) -> None:
    template = Template(tmp_path / "many", "kinds/one", build_file_tree, command)
    place = template.project(tmp_path / "one")
    template.change({f"{TOP}/README.md": NEW_README})
    mlfactory("update", place, "--defaults")
    assert "It really is" in (place / "README.md").read_text()


def test_a_project_in_a_folder_of_its_repository(
    template: Template, tmp_path: Path, mlfactory: Command, command: Command
) -> None:
    top = tmp_path / "all"
    one = template.project(top / "teams/one", top)
    two = template.project(top / "teams/two", top)
    other = command("git", "rev-parse", "HEAD:teams/two", cwd=top).stdout
    template.change({f"{TOP}/README.md": NEW_README, f"{TOP}/setup.cfg": None})
    mlfactory("update", ".", "--defaults", cwd=one)
    assert "It really is" in (one / "README.md").read_text()
    assert command("git", "rev-parse", "HEAD:teams/two", cwd=top).stdout == other
    assert two.joinpath("setup.cfg").exists()


@pytest.mark.parametrize("where", ["cruft", "pyproject"])
@pytest.mark.parametrize("skip", ["README.md", "src", "docs/*.md", "s*[cg]"])
def test_what_is_skipped_is_never_touched_nor_added(
    where: str, skip: str, template: Template, tmp_path: Path, mlfactory: Command
) -> None:
    place = template.project(tmp_path / "skips", **({"skip": [skip]} if where == "cruft" else {}))
    if where == "pyproject":
        (place / "pyproject.toml").write_text(f'[tool.cruft]\nskip = ["{skip}"]\n')
        template.save(place)
    files = {
        "README.md": NEW_README,
        f"src/{MODULE}": "NEW = 1\n",
        "src/more.py": "1\n",
        "docs/page.md": "1\n",
        "docs/README.md": "1\n",
        "setup.cfg": "new\n",
    }
    ours = {"README.md": "README.md", "src/some_thing.py": "src", "src/more.py": "src",
            "docs/page.md": "docs/*.md", "docs/README.md": "docs/*.md",
            "setup.cfg": "s*[cg]"}  # fmt: skip
    if skip == "s*[cg]":
        ours |= {"src/some_thing.py": skip, "src/more.py": skip}
    before = {name: read(place / name) for name in ours}
    template.change({f"{TOP}/{name}": text for name, text in files.items()})
    mlfactory("update", place, "--defaults")
    changed = {name for name in ours if read(place / name) != before[name]}
    assert changed == {name for name, of in ours.items() if of != skip}
    status = json.loads(mlfactory("status", place, "--json").stdout)["projects"][0]
    assert set(status["drift"]) == {"clean", "left alone"}


def read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


HOOK = """
import pathlib
pathlib.Path('hooked.txt').write_text('{{ cookiecutter.slug }}')
print('hi')
"""
EXTENSION = """
from cookiecutter.utils import simple_filter

@simple_filter
def loud(text):
    return text + '{}'
"""


def test_hooks_need_trust(template: Template, project: Path, mlfactory: Command) -> None:
    template.change({"hooks/post_gen_project.py": HOOK})
    refused = mlfactory("update", project, "--defaults", code=1)
    assert "the template has hooks, and they run code" in refused.stderr
    assert "--trust" in refused.stderr
    assert "hooks" in mlfactory("status", project, code=1).stderr
    result = mlfactory("update", project, "--defaults", "--trust", "--json")
    assert json.loads(result.stdout)["state"] == "updated"
    assert (project / "hooked.txt").read_text() == "some-thing"
    mlfactory("status", project)  # what was rendered is kept, and nothing runs


def test_a_hook_may_make_a_repository(
    template: Template, project: Path, mlfactory: Command
) -> None:
    template.change(
        {"hooks/post_gen_project.sh": "#!/bin/sh\ngit init --quiet .\n", f"{TOP}/new": "1\n"}
    )
    (template.top / "hooks/post_gen_project.sh").chmod(0o755)
    template.save(template.top)
    mlfactory("update", project, "--defaults", "--trust")
    assert (project / "new").exists()


def test_other_files_beside_hooks_need_no_trust(
    template: Template, project: Path, mlfactory: Command
) -> None:
    template.change({"hooks/README.md": "none yet\n"})
    mlfactory("update", project, "--defaults")


def test_extensions_of_the_templates_own_need_trust(
    template: Template, project: Path, mlfactory: Command
) -> None:
    """Each version has its own, under the same name."""
    variables = {**VARIABLES, "_extensions": ["local.loud"]}
    loud = {f"{TOP}/loud.txt": "{{ 'a'|loud }}\n"}
    template.change({**loud, "local.py": EXTENSION.format("!")}, variables)
    assert "extensions" in mlfactory("update", project, code=1).stderr
    mlfactory("update", project, "--defaults", "--trust")
    assert (project / "loud.txt").read_text() == "a!\n"
    template.change({"local.py": EXTENSION.format("?")})
    mlfactory("update", project, "--defaults", "--trust")
    assert (project / "loud.txt").read_text() == "a?\n"


def test_code_in_a_template_needs_trust(
    template: Template, project: Path, mlfactory: Command
) -> None:
    code = "{{ cycler.__init__.__globals__.os.getpid() }}\n"
    template.change({f"{TOP}/code.txt": code})
    assert "wants to run code" in mlfactory("update", project, "--defaults", code=1).stderr
    mlfactory("update", project, "--defaults", "--trust")
    assert (project / "code.txt").read_text().strip().isdigit()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ cookiecutter.nothing }}", "nothing"),
        ("{% if %}", "Expected an expression"),
        ("{{ range(999999) }}", "Range too big"),
    ],
)
def test_a_template_that_does_not_render_is_an_error(
    text: str, told: str, template: Template, project: Path, mlfactory: Command
) -> None:
    template.change({f"{TOP}/broken.txt": text})
    error = mlfactory("update", project, "--defaults", code=1).stderr
    assert "the template cannot be rendered" in error
    assert told in error
    assert "bug" not in error


@pytest.mark.parametrize("answer", ["../../out", "/tmp/mlfactory-out"])
def test_names_stay_in_the_project(
    answer: str, template: Template, project: Path, mlfactory: Command, command: Command
) -> None:
    variables = {**VARIABLES, "file": answer}
    template.change({f"{TOP}/{{{{cookiecutter.file}}}}.txt": "out\n"}, variables)
    before = command("git", "rev-parse", "HEAD", cwd=project).stdout
    refused = mlfactory("update", project, "--defaults", code=1)
    assert "writes outside of its folder" in refused.stderr
    assert command("git", "rev-parse", "HEAD", cwd=project).stdout == before


def test_a_link_of_the_template_cannot_bring_files_of_yours(
    template: Template, project: Path, mlfactory: Command, home: Path
) -> None:
    (template.top / TOP / "mine").symlink_to(home / ".gitconfig")
    template.save(template.top)
    assert "leaves the template" in mlfactory("update", project, "--defaults", code=1).stderr


def test_nothing_of_the_user_gets_in_and_nothing_stays_in_the_home(
    template: Template, project: Path, mlfactory: Command, home: Path
) -> None:
    """No defaults of ~/.cookiecutterrc, no replay files."""
    (home / ".cookiecutterrc").write_text("default_context:\n  licence: EVIL\n  name: EVIL\n")
    before = {path for path in home.rglob("*") if ".cache" not in path.parts}
    template.change(
        {f"{TOP}/LICENCE": "{{ cookiecutter.licence }}\n"}, {**VARIABLES, "licence": "MIT"}
    )
    mlfactory("update", project, "--defaults")
    assert (project / "LICENCE").read_text() == "MIT\n"
    assert {path for path in home.rglob("*") if ".cache" not in path.parts} == before


def test_what_was_edited_can_be_carried_back(
    template: Template, project: Path, mlfactory: Command
) -> None:
    (project / "static/page.html").write_text("{{ neither }}\nmore\n")
    (project / "src/some_thing.py").write_text("NAME = 'Some Thing'\nMORE = 1\n")
    template.save(project)
    patch = mlfactory("diff", project, "--reverse").stdout
    assert f"+++ b/{TOP}/static/page.html" in patch
    assert f"src/{MODULE}" in patch
    page = mlfactory("diff", "--reverse", "static", cwd=project).stdout
    subprocess.run(["git", "apply"], cwd=template.top, input=page.encode(), check=True)
    assert (template.top / TOP / "static/page.html").read_text() == "{{ neither }}\nmore\n"


def test_diff_and_restore_know_the_project(project: Path, mlfactory: Command) -> None:
    assert "-Written by me." in mlfactory("diff", project).stdout
    mlfactory("restore", "README.md", cwd=project)
    assert "Written by me." not in (project / "README.md").read_text()


def test_a_conflict_is_shown_and_can_be_taken_back(
    template: Template, project: Path, mlfactory: Command, command: Command
) -> None:
    readme = project / "README.md"
    readme.write_text(readme.read_text().replace("It is red.", "It is mine."))
    template.save(project)
    template.change({f"{TOP}/README.md": NEW_README})
    assert plan(mlfactory, project, code=4)["conflicts"][0]["path"] == "README.md"
    mlfactory("update", project, "--defaults", code=4)
    mlfactory("update", project, "--abort")
    assert "It is mine." in readme.read_text()
    assert is_clean(command, project)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ('{"template": "x", "commit": "1"}', "is damaged"),
        ('{"context": {"cookiecutter": {}}}', "has no template"),
        ("[]", "is damaged"),
    ],
)
def test_a_damaged_record_is_an_error(
    damage: str, told: str, project: Path, template: Template, mlfactory: Command
) -> None:
    (project / ".cruft.json").write_text(damage)
    template.save(project)
    assert told in mlfactory("update", project, code=1).stderr
