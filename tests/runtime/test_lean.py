"""No command pays for scikit-learn that does not use it, and LightGBM lacks nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from mlfactory_runtime.lean import Absent
from mlfactory_runtime.project import Project

COMPLETE = """
import pickle, sys
import mlfactory_runtime.lightgbm
import lightgbm as lgb
import numpy as np

assert not {"sklearn", "scipy.stats", "dask"} & set(sys.modules)
x = np.random.default_rng(0).normal(size=(300, 3))
y = (x[:, 0] > 0) * 1
settings = {"verbosity": -1, "objective": "binary"}
lgb.train(settings, lgb.Dataset(x, y), 3, callbacks=[lgb.log_evaluation(0)])
assert "sklearn" not in sys.modules
"""
USES = (
    "lgb.LGBMClassifier(n_estimators=3, verbosity=-1).fit(x, y).booster_.num_trees() == 3",
    "isinstance(lgb.LGBMRegressor(verbosity=-1).fit(x, y).booster_, lgb.Booster)",
    "len(lgb.cv(settings, lgb.Dataset(x, y), 3)['valid binary_logloss-mean']) == 3",
    "lgb.cv(settings, lgb.Dataset(x, y), 2, return_cvbooster=True)['cvbooster'].__class__"
    " is lgb.CVBooster is __import__('lightgbm.engine').engine.CVBooster",
    "lgb.engine.train is lgb.train and lgb.engine.cv is lgb.cv",
    "pickle.loads(pickle.dumps(lgb.CVBooster())).__class__ is lgb.CVBooster",
    "lgb.sklearn.LGBMModel is __import__('lightgbm.sklearn').LGBMModel",
    "callable(lgb.plot_importance) and callable(lgb.create_tree_digraph)",
    "__import__('sklearn.base').base.clone(lgb.LGBMRanker(n_estimators=3)).n_estimators == 3",
    "not hasattr(lgb, 'nothing_of_that_name')",
    "all(hasattr(lgb, name) for name in lgb.__all__)",
)
OWN = "from lightgbm import Booster, LGBMClassifier\n"


SCORE = (
    "import sys; from mlfactory_runtime import load, score; score(load().head(3)); "
    "print(sorted({'lightgbm', 'sklearn', 'scipy.stats'} & set(sys.modules)))"
)


def run(program: str, folder: Path | None = None) -> str:
    argv = [sys.executable, "-c", program]
    return subprocess.run(argv, check=True, capture_output=True, text=True, cwd=folder).stdout


def test_what_needs_scikit_learn_comes_whole_when_it_is_asked_for() -> None:
    checks = "".join(f"assert {use}\n" for use in USES)

    assert run(f"{COMPLETE}{checks}print('complete')") == "complete\n"


def test_its_cross_validation_may_be_imported_by_its_own_name() -> None:
    line = "from lightgbm.engine import cv; print(len(cv(settings, lgb.Dataset(x, y), 3)))"

    assert run(f"{COMPLETE}{line}") == "2\n"


def test_a_module_of_it_may_be_imported_first() -> None:
    line = "from lightgbm.sklearn import LGBMClassifier as one; import lightgbm.dask"
    program = f"import mlfactory_runtime.lightgbm; {line}; from lightgbm import LGBMClassifier"

    assert run(f"{program}; print(one is LGBMClassifier, one.__mro__[-3:])").startswith("True")


def test_lightgbm_that_is_there_already_stays_as_it_is() -> None:
    program = "import lightgbm as one; import mlfactory_runtime.lightgbm as two"

    assert run(f"{program}; print(two.lgb is one, '__getattr__' in vars(one))") == "True False\n"


def test_a_factory_is_scored_without_scikit_learn(trained_copy: Project) -> None:
    assert run(SCORE, trained_copy.root) == "['lightgbm']\n"


def test_the_factorys_own_code_may_use_the_estimators(trained_copy: Project) -> None:
    code = trained_copy.root / "src" / trained_copy.package / "model.py"
    text = code.read_text().replace("from lightgbm import Booster\n", OWN)
    assert OWN in text
    code.write_text(f"{text}\nLGBMClassifier(n_estimators=1)\n")

    assert "sklearn" in run(SCORE, trained_copy.root)


def test_other_threads_see_scikit_learn() -> None:
    absent, seen = Absent(), []
    with pytest.raises(ModuleNotFoundError, match="No module named 'sklearn'"):
        absent.find_spec("sklearn")
    other = threading.Thread(target=lambda: seen.append(absent.find_spec("sklearn")))
    other.start()
    other.join()

    assert seen == [None]
    assert absent.find_spec("numpy") is None
