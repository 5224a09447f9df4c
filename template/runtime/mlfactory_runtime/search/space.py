"""What a search may choose: LightGBM's usual parameters, within limits that suit the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import FactoryError
from ..settings.model import Model, Value
from ..settings.params import Params

if TYPE_CHECKING:
    from optuna.trial import Trial

AVERAGED, FEW_ROWS = (1, 3, 5), 20_000
SWITCH = "without "


@dataclass(frozen=True)
class Choice:
    """A parameter with its limits, or its `options`."""

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    options: tuple[Value, ...] = ()

    def suggest(self, trial: "Trial") -> Value:
        """A value, rounded so that people can read it."""
        if self.options:
            value: Value = trial.suggest_categorical(self.name, self.options)  # type: ignore[assignment]
            return value
        if self.whole:
            return trial.suggest_int(self.name, int(self.low), int(self.high), log=self.log)
        return readable(trial.suggest_float(self.name, self.low, self.high, log=self.log))

    def distribution(self) -> Any:
        """The same as Optuna records it."""
        from optuna import distributions as kinds

        if self.options:
            return kinds.CategoricalDistribution(self.options)
        if self.whole:
            return kinds.IntDistribution(int(self.low), int(self.high), log=self.log)
        return kinds.FloatDistribution(self.low, self.high, log=self.log)


def readable(value: float) -> float:
    """Three digits are enough."""
    return float(f"{value:.3g}")


def space_of(rows: int, categories: bool, switches: tuple[str, ...]) -> tuple[Choice, ...]:
    """All that is tried on so many rows; each switch leaves a feature out, or not."""
    few = rows <= FEW_ROWS
    choices = [
        Choice("learning_rate", 0.01, 0.2, log=True),
        Choice("num_leaves", 4, 63 if few else 255, log=True, whole=True),
        Choice("min_data_in_leaf", 1, max(2, min(200, rows // 10)), log=True, whole=True),
        Choice("max_depth", options=(-1, 3, 5, 8)),
        Choice("feature_fraction", 0.3, 1.0),
        Choice("bagging_fraction", 0.5, 1.0),
        Choice("lambda_l1", 0.001, 10.0, log=True),
        Choice("lambda_l2", 0.001, 100.0, log=True),
        Choice("min_gain_to_split", 0.001, 1.0, log=True),
        Choice("path_smooth", 0.001, 100.0, log=True),
        Choice("max_bin", options=(63, 255, 511)),
        Choice("extra_trees", options=(True, False)),
    ]
    if categories:
        choices.append(Choice("cat_smooth", 1.0, 100.0, log=True))
        choices.append(Choice("cat_l2", 1.0, 100.0, log=True))
    if few:
        choices.append(Choice("averaged", options=AVERAGED))
    return (*choices, *(Choice(f"{SWITCH}{name}", options=(False, True)) for name in switches))


def check_switches(params: Params, features: list[str], switches: tuple[str, ...]) -> None:
    """FactoryError for a switch that is no feature, or if none would be left."""
    every = {*features, *params.model.without}
    if unknown := [name for name in switches if name not in every]:
        raise FactoryError(
            f"--switch {unknown[0]}: there is no such feature", "factory catalog show"
        )
    if every <= {*switches}:
        raise FactoryError("--switch lists every feature", "leave out one that is always needed")


def settings_of(values: dict[str, Value]) -> tuple[dict[str, Value], tuple[str, ...]]:
    """What is set, and which features are left out."""
    own = {name: value for name, value in values.items() if not name.startswith(SWITCH)}
    if "bagging_fraction" in own:
        own["bagging_freq"] = 1  # without it LightGBM takes all rows
    out = [name.removeprefix(SWITCH) for name, on in values.items() if name not in own and on]
    return own, tuple(out)


def values_of(
    settings: dict[str, Value], without: tuple[str, ...], space: Sequence[Choice]
) -> dict[str, Value]:
    """The other way round."""
    names = [one.name for one in space]
    switches = {name: name.removeprefix(SWITCH) in without for name in names if SWITCH in name}
    return {name: settings[name] for name in names if name in settings} | switches


def with_settings(
    params: Params,
    settings: dict[str, Value],
    without: tuple[str, ...],
    variants: tuple[dict[str, Value], ...] = (),
) -> Params:
    """The settings of the factory with those of an attempt."""
    own = {name: value for name, value in settings.items() if name in Model.model_fields}
    others = {name: value for name, value in settings.items() if name not in own}
    model = params.model.model_dump() | {
        **own,
        "extra": {**params.model.extra, **others},
        "without": without,
        "variants": variants,
    }
    return params.model_copy(update={"model": Model.model_validate(model)})
