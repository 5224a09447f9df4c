"""The settings: what the file leaves out can be added to it, and nothing else changes."""

from pathlib import Path

import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.files import short_hash
from mlfactory_runtime.settings import edit, explain, params

LAYOUTS = {
    "block": 'task: classification\ndata:\n    path: rows.csv # here\n    target: "y"\n',
    "flow": "{task: regression, data: {path: rows.csv, target: y}, split: {}}",
    "mixed": "task: regression\ndata: {path: rows.csv,\n  target: y\n}  # ours\nserving: {}\n",
    "lists": "---\ntask: regression\ndata:\n  path: a\n  target: y\n  missing:\n  - '#'\n...\n",
    "windows": "task: regression\r\n\r\ndata:\r\n  path: a\r\n  target: y\r\n\r\n# The end.\r\n",
    "comments": "task: regression\ndata:\n  path: a\n  target: y\n  # separator: ;\n\n#model:\n",
    "text": "task: regression\ndata:\n  path: a\n  target: |-\n    # y\nsplit:\n  salt:\n  key: []",
    "alias": "task: regression\ndata: {path: a, target: y}\nsplit:\n  salt: &s a\n  group: *s\n",
    "threshold": "task: classification\ndata: {path: a, target: y}\ndecision: {threshold: 0.5}\n",
    "costs": "task: classification\ndata: {path: a, target: y}\ndecision:\n  cost_fn: 4\n",
}


@pytest.fixture(params=LAYOUTS)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Settings as people lay them out."""
    path = tmp_path / "params.yaml"
    path.write_bytes(LAYOUTS[request.param].encode())
    return path


def test_what_is_added_changes_no_setting_and_no_line(file: Path) -> None:
    before, text = params.load_params(file), file.read_bytes().decode()

    new = edit.add_settings(file)

    assert params.load_params(file).model_dump_json() == before.model_dump_json()
    rest = iter(file.read_bytes().decode())
    assert all(sign in rest for sign in text)
    assert {"split.holdout", "model.seed", "report.segments"} <= {one.name for one in new}
    assert all(explain.applies(one.name, before) for one in new)


def test_settings_of_an_earlier_release_keep_their_hash() -> None:
    before = {"task": "regression", "data": {"path": "a", "target": "y"}}
    found = params.Params.model_validate(before).model_dump()
    assert {"kind", "objective"} & set(found["model"]) == set()
    assert {"budget", "budget_rows"} & set(found["decision"]) == set()
    chosen = params.Params.model_validate({**before, "model": {"kind": "linear"}})
    assert params.params_hash(chosen) != params.params_hash(params.Params.model_validate(before))


def test_a_second_time_nothing_is_added(file: Path) -> None:
    edit.add_settings(file)
    once = file.read_bytes()

    assert edit.add_settings(file) == []
    assert file.read_bytes() == once


def test_a_dry_run_tells_the_same_and_writes_nothing(file: Path) -> None:
    before = file.read_bytes()

    told = edit.add_settings(file, dry_run=True)

    assert file.read_bytes() == before
    assert edit.add_settings(file) == told


def test_an_entry_stands_below_its_meaning_in_its_section(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(LAYOUTS["comments"], "utf-8")

    edit.add_settings(path)

    text = path.read_text("utf-8")
    assert text.startswith(LAYOUTS["comments"].partition("\n\n")[0] + "\n  # Where `factory data")
    assert "\nreport:\n  # Columns whose groups the report compares.\n  segments: []\n" in text


def test_what_cannot_be_added_to_safely_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("{task: regression, data: {path: &n y, target: *n}}", "utf-8")

    with pytest.raises(errors.FactoryError, match="too freely") as caught:
        edit.add_settings(path)

    assert "data.separator" in (caught.value.hint or "")
    assert "separator" not in path.read_text("utf-8")


def test_a_younger_setting_leaves_models_that_exist_as_they_are() -> None:
    data = {"path": "a.csv", "target": "y"}
    old = params.Params.model_validate({"task": "classification", "data": data})
    before = old.model_dump_json(exclude=params.NOT_LEARNED).replace('"min_class_rows":1,', "")
    before = before.replace('"in_memory_rows":1000000,', "")
    assert params.params_hash(old) == short_hash(before.encode())
    data = {**data, "min_class_rows": 3}
    new = params.Params.model_validate({"task": "classification", "data": data})
    assert params.params_hash(new) != params.params_hash(old)
