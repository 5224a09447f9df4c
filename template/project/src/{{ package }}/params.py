"""The settings in params.yaml: every one is checked, and has its default here."""

import re
from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import FactoryError

PARAMS = Path("params.yaml")
Checked = TypeVar("Checked", bound=BaseModel)


class Loader(yaml.SafeLoader):
    """YAML 1.2, as DVC reads it: `no`, `on` and `2025-01-01` are words like any other."""


Loader.yaml_implicit_resolvers = {}
for tag, form, first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{form})$"), first)


class Section(BaseModel):
    """A group of settings; a key that does not exist is an error, so that no typo is ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Data(Section):
    """Where the rows come from and which columns play a part."""

    path: str
    target: str
    id: str | None = None
    time: str | None = None
    separator: str = ","
    missing: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")
    positive: str | None = None


class Split(Section):
    """How rows are held out. `holdout` and `validation` are shares, the latter of what remains."""

    holdout: float = Field(default=0.2, gt=0, lt=1)
    validation: float = Field(default=0.2, gt=0, lt=1)
    salt: str | None = None
    key: tuple[str, ...] = ()
    backtest_folds: int = Field(default=3, ge=0, le=20)


class Model(Section):
    """How the model is fitted; names and meanings are LightGBM's."""

    learning_rate: float = Field(default=0.05, gt=0)
    num_leaves: int = Field(default=31, ge=2)
    min_data_in_leaf: int = Field(default=20, ge=1)
    feature_fraction: float = Field(default=1.0, gt=0, le=1)
    lambda_l2: float = Field(default=1.0, ge=0)
    max_rounds: int = Field(default=1000, ge=1)
    early_stopping_rounds: int = Field(default=50, ge=1)
    seed: int = 0


class Decision(Section):
    """From a prediction to an action: threshold of the positive class, quantile that is costly."""

    threshold: float = Field(default=0.5, gt=0, lt=1)
    quantile: float = Field(default=0.9, gt=0, lt=1)


class Serving(Section):
    """How predictions are made, which decides what a model may know."""

    mode: Literal["batch", "online"] = "batch"


class Params(Section):
    """All settings of the factory."""

    task: Literal["classification", "regression"]
    data: Data
    split: Split = Split()
    model: Model = Model()
    decision: Decision = Decision()
    serving: Serving = Serving()


def load_params(path: Path = PARAMS) -> Params:
    """Read and check the settings; a FactoryError names every setting that is wrong."""
    return read_checked(path, Params)


def read_checked(path: Path, kind: type[Checked]) -> Checked:
    """Read a YAML file; a FactoryError names the file and every entry that is wrong."""
    if not path.is_file():
        raise FactoryError(f"{path} is not here", "run this in the factory's own directory")
    try:
        return kind.model_validate(yaml.load(path.read_text("utf-8"), Loader) or {})  # noqa: S506
    except yaml.YAMLError as error:
        text = " ".join(str(error).split())
        raise FactoryError(f"{path} is not valid YAML: {text}", "mend that line") from error
    except ValidationError as error:
        text = f"{path} has entries that cannot be: {problems(error)}"
        raise FactoryError(text, f"correct them in {path}") from error


def problems(error: ValidationError) -> str:
    """One line of `where: what` per problem that pydantic found."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()
    )
