"""Settings that model.py has changed on their way to LightGBM, by what the model's text says."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..settings.model import Model

NAMES = ("learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction", "lambda_l2")


def overrides(folder: Path, settings: Model) -> Iterator[str]:
    """A sentence for each setting that a person has chosen and that is another one in the model.

    Of a model that is none of LightGBM's nothing is said.
    """
    file, usual = folder / "model.txt", Model()
    text = file.read_text("utf-8") if file.is_file() else ""
    for name in NAMES:
        wanted = getattr(settings, name)
        found = re.search(rf"^\[{name}: (\S+)\]$", text, re.MULTILINE)
        if found and wanted != getattr(usual, name) and float(found[1]) != float(wanted):
            yield f"model.{name} is {wanted:g}, and model.py has made {float(found[1]):g} of it"
