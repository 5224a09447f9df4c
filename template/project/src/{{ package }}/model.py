"""The model. This file is yours: any estimator will do that keeps these verbs.

`x` is a matrix of 64-bit floats, one column per feature in the order of the signature; categories
are codes, and a missing number is NaN. `y` holds 0 to k-1 for classes, numbers for regression.
"""

import numpy as np
from lightgbm import Booster
from mlfactory_runtime import Matrix, ModelSettings, Signature
from mlfactory_runtime.lightgbm import (
    Boosters,
    contributions,
    grow_each,
    load,
    predict,
    refit,
    save,
)

__all__ = ["contributions", "fit", "load", "predict", "refit", "save"]

OBJECTIVE = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
FEW_ROWS, FEW_CELLS, USUAL = 20_000, 5_000_000, ModelSettings()
PACE = ("learning_rate", "feature_fraction", "max_rounds")
BAGGED = {"extra_trees": False, "bagging_fraction": 0.8, "bagging_freq": 1}
COARSE = {"max_bin": 63}
ENOUGH, SURELY = 1000, 0.97


def fit(
    train: Matrix, validation: Matrix, signature: Signature, settings: ModelSettings
) -> Boosters:
    """Fit on `train`, stopping when `validation` no longer improves.

    Where rows are few, chance decides much. Then, unless columns and classes are so many that it
    would take long, two models with splits drawn at random tell on `validation` how many rounds are
    right, and the average of several learns from all rows. A category of few rows may stand alone,
    too: LightGBM wants 100 of them, which small data do not have. So do 20 rows in a leaf, the
    default, become fewer; another number is taken as it is. From 1,000 rows on, splits that are
    searched in parts of the rows are tried as well, and taken where they are clearly better.
    Of few rows with very many columns and classes, values are put into fewer bins, which is as good
    and takes half the time.
    """
    parameters = {
        "objective": OBJECTIVE[signature.task],
        "num_class": len(signature.classes) if signature.task == "multiclass" else 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        **settings.model_dump(exclude={"averaged", "max_rounds", "early_stopping_rounds"}),
    }
    rows = len(train.y) + len(validation.y)
    cells = rows * train.x.shape[1] * signature.scores
    if rows <= FEW_ROWS and cells > FEW_CELLS:
        parameters = COARSE | parameters
    if rows > FEW_ROWS or cells > FEW_CELLS or settings.averaged == 1:
        return grow_each(train, [parameters], signature, settings, validation)
    few = max(3, rows // 20)
    small = {"extra_trees": True, "min_data_per_group": min(100, few)}
    parameters = small | parameters | {"num_threads": 1}
    if settings.min_data_in_leaf == USUAL.min_data_in_leaf:
        parameters["min_data_in_leaf"] = min(USUAL.min_data_in_leaf, few)
    several = [parameters | {"seed": settings.seed + i} for i in range(settings.averaged)]
    if signature.scores > 3 and all(getattr(settings, n) == getattr(USUAL, n) for n in PACE):
        settings, quick = hurry(settings, signature.scores / 3)
        tried = grow_each(train, [several[0], several[0] | quick], signature, settings, validation)
        better = min(tried, key=lambda booster: booster.best_score["valid_0"]["multi_logloss"])
        several = [one | quick if better is tried[1] else one for one in several]
        rounds = better.best_iteration
    else:
        first = several[:2]
        if rows >= ENOUGH and "extra_trees" not in settings.model_dump():
            first = [*first, several[0] | BAGGED]
        tried = grow_each(train, first, signature, settings, validation)
        random, searched = tried[:2], tried[2:]
        if searched and loss(searched[0]) < SURELY * np.mean([loss(one) for one in random]):
            random, several = searched, [one | BAGGED for one in several]
        rounds = round(float(np.mean([booster.best_iteration for booster in random])))
    fixed = settings.model_copy(update={"max_rounds": max(1, rounds)})
    every = Matrix(np.concatenate([train.x, validation.x]), np.append(train.y, validation.y))
    return grow_each(every, several, signature, fixed)


def loss(booster: Booster) -> float:
    """What it loses on the validation rows."""
    return float(next(iter(booster.best_score["valid_0"].values())))


def hurry(settings: ModelSettings, times: float) -> tuple[ModelSettings, dict[str, float]]:
    """Fewer rounds, and larger steps with a part of the features, if these do better.

    Each round has a tree for each class, so that many classes would take very long.
    """
    fewer = settings.model_copy(update={"max_rounds": round(settings.max_rounds / times**1.5)})
    return fewer, {"learning_rate": settings.learning_rate * times, "feature_fraction": 1 / times}
