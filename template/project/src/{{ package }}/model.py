"""The model. This file is yours: any estimator will do that keeps these verbs.

`x` is a matrix of 64-bit floats, one column per feature in the order of the signature; categories
are codes, and a missing number is NaN. `y` holds 0 to k-1 for classes, numbers for regression.
"""

import numpy as np
from mlfactory_runtime import Matrix, ModelSettings, Signature
from mlfactory_runtime.lightgbm import Boosters, contributions, grow, load, predict, refit, save

__all__ = ["contributions", "fit", "load", "predict", "refit", "save"]

OBJECTIVE = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}
FEW_ROWS, USUAL_LEAF = 20_000, 20


def fit(
    train: Matrix, validation: Matrix, signature: Signature, settings: ModelSettings
) -> Boosters:
    """Fit on `train`, stopping when `validation` no longer improves.

    Where rows are few, chance decides much. Then several models with splits drawn at random tell
    on `validation` how many rounds are right, and their average learns from all rows. A category
    of few rows may stand alone, too: LightGBM wants 100 of them, which small data do not have. So
    do 20 rows in a leaf, the default, become fewer; another number is taken as it is.
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
    if rows > FEW_ROWS or settings.averaged == 1:
        return (grow(train, parameters, signature, settings, validation),)
    few = max(3, rows // 20)
    parameters |= {"extra_trees": True, "min_data_per_group": min(100, few), "num_threads": 1}
    if settings.min_data_in_leaf == USUAL_LEAF:
        parameters["min_data_in_leaf"] = min(USUAL_LEAF, few)
    several = [parameters | {"seed": settings.seed + i} for i in range(settings.averaged)]
    tried = [grow(train, each, signature, settings, validation) for each in several]
    rounds = max(1, round(float(np.mean([booster.best_iteration for booster in tried]))))
    fixed = settings.model_copy(update={"max_rounds": rounds})
    every = Matrix(np.concatenate([train.x, validation.x]), np.append(train.y, validation.y))
    return tuple(grow(every, each, signature, fixed) for each in several)
