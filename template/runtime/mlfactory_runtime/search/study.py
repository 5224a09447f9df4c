"""What to try next, by Optuna: from the attempts alone, so that a search that goes on is the same
as one that was never interrupted.
"""

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import FactoryError
from ..records.tuning import Attempt
from .space import Choice, values_of

if TYPE_CHECKING:
    from optuna import Study, Trial

INSTALL = "uv add --group train optuna"
FIRST, ENOUGH = 8, 5  # attempts by chance, and before hopeless ones are cut short


def require() -> Any:
    """Optuna. FactoryError where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise FactoryError(
            "`factory tune` needs Optuna, which is not installed", INSTALL
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def next_trial(attempts: Sequence[Attempt], space: Sequence[Choice], seed: int) -> "Trial":
    """A trial of Optuna's that knows all attempts before it."""
    optuna = require()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=seed + sum(not one.variants for one in attempts),
            n_startup_trials=FIRST,
            multivariate=True,
        )
        pruner = optuna.pruners.MedianPruner(ENOUGH, n_warmup_steps=1)
        study = optuna.create_study(sampler=sampler, pruner=pruner)
        add(study, attempts, space)
        trial: Trial = study.ask()
        return trial


def add(study: "Study", attempts: Sequence[Attempt], space: Sequence[Choice]) -> None:
    """Tell a study of attempts, as far as they lie in its space."""
    trials = require().trial
    kinds = {one.name: one.distribution() for one in space}
    for one in attempts:
        values = values_of(one.settings, one.without, space)
        if one.state == "failed" or one.variants or values.keys() != kinds.keys():
            continue
        study.add_trial(
            trials.create_trial(
                params=values,
                distributions=kinds,
                value=one.loss,
                intermediate_values=dict(enumerate(one.steps)),
                state=trials.TrialState[one.state.upper()],
            )
        )
