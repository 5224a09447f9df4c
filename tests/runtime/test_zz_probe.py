from pathlib import Path
import pytest
import polars as pl
from mlfactory_runtime.extract.write import extract
from .test_extract import outside

CASES = {
    "variants": dict(
        model={
            "variants": [{"seed": 1}, {"num_leaves": 7}],
            "extra": {"path_smooth": 1.0},
            "averaged": 3,
        }
    ),
    "linear": dict(model={"kind": "linear"}, decision={"threshold": 0.3}),
}


@pytest.mark.parametrize("case", CASES)
def test_churn(churn, tmp_path, case):
    churn.change(**CASES[case])
    churn.run("train")
    extract(churn.project, tmp_path / "out")
    assert "2 passed" in outside(tmp_path / "out", "-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.mark.parametrize("task", ["linear", "derived"])
def test_ex(examples, tmp_path, task):
    trained = examples(task)
    extract(trained.project, tmp_path / "out")
    assert "2 passed" in outside(tmp_path / "out", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_l1(tmp_path, tmp_path_factory):
    from .conftest import train_variant, make_factory, train_copy
    import yaml
    from mlfactory_runtime.testing.trained import write_yaml, EXAMPLE

    for task, target, model, dec in (
        (
            "regression",
            {"dtype": "float", "range": [0, 100]},
            {"objective": "regression_l1"},
            {"coverage": None},
        ),
        (
            "regression",
            {"dtype": "integer", "range": [0, 100]},
            {"kind": "linear", "refit": True},
            {"coverage": 0.5},
        ),
        ("classification", {"values": ["ä", "b c", "3"]}, {"kind": "linear"}, {}),
    ):
        folder = tmp_path_factory.mktemp("v")
        own = make_factory(folder / "own")
        catalog = yaml.safe_load((EXAMPLE / "features.yaml").read_text("utf-8"))
        catalog["columns"]["churned"] |= {"values": None, **target}
        write_yaml(own.root / "features.yaml", catalog)
        write_yaml(
            own.root / "params.yaml",
            {
                "task": task,
                "data": {"path": "data/raw/rows.csv", "target": "churned", "id": "customer"},
                "model": model,
                "decision": dec,
            },
        )
        (folder / "factory").mkdir()
        t = train_copy(own, folder / "factory")
        try:
            extract(t.project, folder / "out")
            print(
                model, outside(folder / "out", "-m", "pytest", "-q", "-p", "no:cacheprovider")[-60:]
            )
        except Exception as e:
            print("FAIL", model, repr(e), getattr(e, "hint", ""))
