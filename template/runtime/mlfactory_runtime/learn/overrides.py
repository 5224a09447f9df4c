"""Settings that model.py has changed on their way to LightGBM, by what the model's text says."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..settings.model import Model

NAMES = ("learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction", "lambda_l2")


def overrides(folder: Path, settings: Model) -> Iterator[str]:
    """A sentence for each setting that a person has chosen and that is another one in the model.

    Of a model that is none of LightGBM's nothing is said. Trees without a split are told as well.
    """
    file, usual = folder / "model.txt", Model()
    text = file.read_text("utf-8") if file.is_file() else ""
    for name in NAMES:
        value = getattr(settings, name)
        line = re.search(rf"^\[{name}: (\S+)\]$", text, re.MULTILINE)
        if line and value != getattr(usual, name) and float(line[1]) != float(value):
            yield f"model.{name} is {value:g}, and model.py has made {float(line[1]):g} of it"
    if {*re.findall(r"^num_leaves=(\d+)$", text, re.MULTILINE)} == {"1"}:
        yield (
            "no tree of the model has a split, so every row gets the same prediction: "
            f"{settings.min_data_in_leaf:g} rows are asked for on either side of one "
            "(model.min_data_in_leaf); ask for fewer, or bring more rows"
        )
    has_draws = not text or re.search(r"^\[bagging_freq: [1-9]", text, re.MULTILINE)
    if settings.extra.get("bagging_fraction", 1) != 1 and not has_draws:
        yield (
            "model.extra.bagging_fraction changes nothing: rows are drawn every so many rounds, "
            "and model.extra.bagging_freq is not set"
        )
    for name in settings.extra if text else ():
        if not re.search(rf"^\[{re.escape(name)}: ", text, re.MULTILINE):
            yield f"model.extra.{name} changes nothing: LightGBM has no parameter of that name"
