"""A factory in its folder: how it is found, and what is said of code that cannot be used."""

from __future__ import annotations

import sys
from contextlib import chdir
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml
from mlfactory_runtime.cli.commands import run
from mlfactory_runtime.data.computed import featured
from mlfactory_runtime.errors import FactoryError
from mlfactory_runtime.project import Project, forget

from .conftest import make_factory

VERBS = {
    "fit": "def fit(train, validation, signature, settings): ...",
    "predict": "def predict(model, x): ...",
    "save": "def save(model, folder): ...",
    "load": "def load(folder): ...",
}
ADDS = """import polars as pl


def features(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(made=pl.lit({value!r}))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A fresh factory."""
    fresh = make_factory(tmp_path / "own")
    settings = "task: classification\ndata: {path: data/raw/a.csv, target: y}\n"
    (fresh.root / "params.yaml").write_text(settings, "utf-8")
    return fresh


def write(project: Project, name: str, text: str) -> Project:
    """The factory with another file in its package, as a new process finds it."""
    (project.source / name).write_text(text, "utf-8")
    forget(project.package)
    return Project(project.root)


def model(project: Project, **verbs: str) -> Project:
    """The factory with a model.py of these verbs; the others are as they should be."""
    return write(project, "model.py", "\n".join({**VERBS, **verbs}.values()))


def test_a_factory_is_found_from_any_folder_below(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").touch()
    below = tmp_path / "notebooks/old"
    below.mkdir(parents=True)

    assert Project.find(below).root == Project.find(tmp_path).root == tmp_path


def test_of_two_factories_around_a_folder_the_nearer_is_meant(tmp_path: Path) -> None:
    inner = tmp_path / "copies/one"
    inner.mkdir(parents=True)
    for folder in (tmp_path, inner):
        (folder / "params.yaml").touch()

    assert Project.find(inner).root == inner
    assert Project.find(inner.parent).root == tmp_path


def test_the_folder_of_a_factory_is_absolute_wherever_one_goes(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").touch()
    with chdir(tmp_path):
        project = Project.find(Path())

    assert (project.root, project.model_folder) == (tmp_path, tmp_path / "models/model")


def test_outside_of_a_factory_its_settings_are_missed(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match=r"params\.yaml") as caught:
        Project.find(tmp_path)
    assert caught.value.hint == "run this in the factory's own folder"


def test_the_package_is_the_one_that_pyproject_names(project: Project) -> None:
    (project.root / "src/other").mkdir()
    (project.root / "src/other/features.py").touch()

    assert (project.package, project.source) == ("example", project.root / "src/example")


def test_without_a_name_the_only_package_with_features_is_it(project: Project) -> None:
    (project.root / "pyproject.toml").unlink()
    (project.root / "src/tools").mkdir()

    assert (project.package, project.name) == ("example", "example")


@pytest.mark.parametrize("packages", [(), ("one", "two")])
def test_where_nothing_tells_the_package_a_line_is_asked_for(
    packages: tuple[str, ...], tmp_path: Path
) -> None:
    for name in packages:
        (tmp_path / "src" / name).mkdir(parents=True)
        (tmp_path / "src" / name / "features.py").touch()

    with pytest.raises(FactoryError, match=r"pyproject\.toml names no package") as caught:
        _ = Project(tmp_path).package
    assert 'package = "NAME"' in caught.value.hint


def test_people_read_the_name_of_the_project(project: Project) -> None:
    text = (project.root / "pyproject.toml").read_text("utf-8")
    (project.root / "pyproject.toml").write_text(text.replace('"example"', '"Our churn"', 1))

    assert (project.name, project.package) == ("Our churn", "example")


def test_two_factories_of_one_package_name_have_their_own_code(tmp_path: Path) -> None:
    rows = pl.DataFrame({"x": [1]})
    both = [write(make_factory(tmp_path / n), "features.py", ADDS.format(value=n)) for n in "ab"]

    found = [one.compute(rows)["made"].item() for one in both]
    again = [Project(one.root).compute(rows)["made"].item() for one in both]

    assert found == again == ["a", "b"]
    assert [one.compute(rows)["made"].item() for one in both] == ["a", "b"]


def test_modules_of_the_package_belong_to_the_same_factory(tmp_path: Path) -> None:
    for name in "ab":
        own = write(make_factory(tmp_path / name), "own.py", f"VALUE = {name!r}\n")
        taken = "from .own import VALUE\n" + ADDS.replace("{value!r}", "VALUE")
        write(own, "features.py", taken)

        assert Project(own.root).compute(pl.DataFrame({"x": [1]}))["made"].item() == name


def test_an_installed_package_gives_way_to_the_factory_at_hand(
    project: Project, tmp_path: Path
) -> None:
    write(project, "features.py", ADDS.format(value="here"))
    other = write(make_factory(tmp_path / "copy"), "features.py", ADDS.format(value="elsewhere"))
    sys.path.insert(0, str(other.source.parent))
    try:
        assert project.compute(pl.DataFrame({"x": [1]}))["made"].item() == "here"
    finally:
        sys.path.remove(str(other.source.parent))


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_is_missing_is_shown_in_its_form(verb: str, project: Project) -> None:
    with pytest.raises(FactoryError, match=rf"model\.py has no function `{verb}`") as caught:
        _ = model(project, **{verb: ""}).estimator
    assert caught.value.hint == f"add it: {VERBS[verb].removesuffix(': ...')}"


@pytest.mark.parametrize(
    ("verb", "text"),
    [
        ("fit", "def fit(train, signature): ..."),
        ("fit", "def fit(train, validation, signature, settings, more): ..."),
        ("fit", "def fit(train, validation, *, signature, settings): ..."),
        ("predict", "def predict(x): ..."),
        ("save", "def save(model): ..."),
        ("load", "def load(): ..."),
    ],
)
def test_a_verb_that_takes_other_values_is_shown_in_its_form(
    verb: str, text: str, project: Project
) -> None:
    with pytest.raises(FactoryError, match=rf"model\.py: `{verb}` takes other values") as caught:
        _ = model(project, **{verb: text}).estimator
    assert caught.value.hint == f"it is called as {VERBS[verb].removesuffix(': ...')}"


def test_a_verb_may_take_more_than_it_is_given_and_name_it_otherwise(project: Project) -> None:
    fit = "def fit(rows, held, known, chosen, verbose=False): ..."

    assert model(project, fit=fit, save="def save(*given): ...").estimator.fit.__name__ == "fit"


def test_contributions_may_be_lacking_but_not_take_other_values(project: Project) -> None:
    assert model(project).estimator.contributions is None
    with pytest.raises(FactoryError, match="`contributions` takes other values"):
        _ = model(project, more="def contributions(model, x): ...").estimator


def test_features_without_their_function_are_shown_its_form(project: Project) -> None:
    with pytest.raises(FactoryError, match=r"features\.py has no function `features`") as caught:
        _ = write(project, "features.py", "feature = None\n").compute
    assert "def features(rows: pl.DataFrame) -> pl.DataFrame" in caught.value.hint


def test_a_file_that_is_gone_is_looked_for_in_history(project: Project) -> None:
    (project.source / "model.py").unlink()

    with pytest.raises(FactoryError, match=r"src/example/model\.py is not here") as caught:
        _ = project.estimator
    assert caught.value.hint == "git log -- src/example/model.py"


BROKEN = {
    "import polars\n\nrows = pd.DataFrame()\n": "line 3: NameError: name 'pd' is not defined",
    "import polars\nimport no_such_library\n": (
        "line 2: ModuleNotFoundError: No module named 'no_such_library'"
    ),
    "def features(rows)\n    return rows\n": "line 1: SyntaxError: expected ':'",
    "def check():\n    assert 1 > 2, 'never\\never'\n\ncheck()\n": "line 2: AssertionError: never",
}


@pytest.mark.parametrize("text", BROKEN)
def test_code_that_cannot_be_imported_is_told_with_its_line(text: str, project: Project) -> None:
    with pytest.raises(FactoryError) as caught:
        _ = write(project, "features.py", text).compute
    assert caught.value.message == f"src/example/features.py, {BROKEN[text]}"
    assert caught.value.hint.startswith("mend that line")
    assert ("uv add LIBRARY" in caught.value.hint) == ("ModuleNotFound" in BROKEN[text])


def test_the_line_is_that_of_the_file_that_is_to_be_mended(
    project: Project, tmp_path: Path
) -> None:
    write(project, "own.py", "VALUE = 1 / 0\n")
    write(project, "features.py", "from .own import VALUE\n")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/src").symlink_to(project.root / "src")

    for root in (project.root, tmp_path / "copy"):
        with pytest.raises(FactoryError, match=r"src/example/own\.py, line 1: ZeroDivisionError"):
            _ = Project(root).compute


def test_code_that_is_mended_is_imported_by_the_same_process(project: Project) -> None:
    with pytest.raises(FactoryError):
        _ = write(project, "features.py", "gone\n").compute

    (project.source / "features.py").write_text(ADDS.format(value="mended"), "utf-8")
    found = Project(project.root).compute(pl.DataFrame({"x": [1]}))
    assert found["made"].item() == "mended"


def test_an_error_in_a_sentence_of_its_own_stays_as_it_is(project: Project) -> None:
    text = "from mlfactory_runtime import FactoryError\n\nraise FactoryError('no key', 'set it')\n"
    with pytest.raises(FactoryError, match=r"^no key; set it$"):
        _ = write(project, "features.py", text).compute


def test_a_mistake_that_shows_with_the_rows_is_told_with_its_line(project: Project) -> None:
    compute = write(project, "features.py", ADDS.replace("pl.lit({value!r})", "'gone'")).compute

    with pytest.raises(FactoryError, match=r"features\.py, line 5: ColumnNotFoundError: .*gone"):
        featured(pl.DataFrame({"x": [1]}), ["x"], compute)


def test_the_librarys_own_features_hide_no_line_of_a_mistake(project: Project) -> None:
    catalog = yaml.safe_load((project.root / "features.yaml").read_text("utf-8"))
    day = {"role": "ignored", "dtype": "date", "availability": "batch", "source": "a.csv"}
    columns = {**(catalog.get("columns") or {}), "day": day}
    month = {"month": {"parents": ["day"], "part": "month"}}
    text = yaml.safe_dump({**catalog, "columns": columns, "derived": month})
    (project.root / "features.yaml").write_text(text, "utf-8")
    compute = write(project, "features.py", ADDS.replace("pl.lit({value!r})", "'gone'")).compute

    with pytest.raises(FactoryError, match=r"features\.py, line 5: ColumnNotFoundError: .*gone"):
        featured(pl.DataFrame({"day": [date(2024, 2, 1)]}), ["month"], compute)


def told(
    argv: list[str], folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """What the program says in a folder, where it fails."""
    patch.setattr(sys, "argv", ["factory", *argv])
    with chdir(folder), pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 1
    return capsys.readouterr().err.splitlines()


def test_the_program_names_the_line_and_what_to_do(
    trained_copy: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(trained_copy, "features.py", "import polars\n\nrows = pd.DataFrame()\n")

    assert told(["train"], trained_copy.root, monkeypatch, capsys) == [
        "error: src/example/features.py, line 3: NameError: name 'pd' is not defined",
        "hint: mend that line",
    ]


def test_the_check_names_the_line_among_its_findings(
    trained_copy: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(trained_copy, "features.py", "import polars\nimport no_such_library\n")

    lines = told(["check"], trained_copy.root, monkeypatch, capsys)

    assert any("features.py, line 2: ModuleNotFoundError" in line for line in lines)
    assert any("uv add LIBRARY" in line for line in lines)


def test_files_below_the_working_directory_are_told_without_it(
    trained_copy: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained_copy.raw.unlink()
    root = trained_copy.root

    above = told(["prepare"], root, monkeypatch, capsys)[0]
    below = told(["prepare"], root / "reports", monkeypatch, capsys)[0]

    assert above == "error: data/raw/rows.csv is not here"
    assert below == f"error: {root}/data/raw/rows.csv is not here"


def test_paths_are_shown_from_the_folder_of_the_factory(tmp_path: Path) -> None:
    project = Project(tmp_path / "own")

    assert project.relative(project.reports / "metrics.json") == "reports/metrics.json"
    assert project.relative(tmp_path / "out.csv") == str(tmp_path / "out.csv")


def test_settings_name_their_log_by_its_full_path(trained_copy: Project) -> None:
    assert trained_copy.params.log.path == str(trained_copy.root / "log/predictions.db")
