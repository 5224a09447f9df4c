"""The package of the template, which carries no Jinja, imported as `factory` where it stands."""

import importlib.util
import sys
from pathlib import Path

HOME = Path(__file__).parents[2] / "template/project/src/{{ package }}"

spec = importlib.util.spec_from_file_location("factory", HOME / "__init__.py")
assert spec and spec.loader
sys.modules["factory"] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
