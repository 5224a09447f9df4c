"""What a first training imports is imported, and so compiled, ahead of it."""

from __future__ import annotations

from mlfactory_runtime.project import Project
from mlfactory_runtime.testing.trained import write_yaml

from .factories import Factory

HEAVY = {"lightgbm", "numpy", "pandera", "polars", "pydantic", "scipy", "sklearn"}
CODE = """
import sys

from mlfactory_runtime import bytecode
from mlfactory_runtime.cli import main

bytecode.main()
before = set(sys.modules)
for stage in ("prepare", "train", "report"):
    sys.argv = ["factory", stage]
    try:
        main()
    except SystemExit as end:
        assert not end.code, stage
print(*sorted(set(sys.modules) - before))
"""


def test_the_stages_import_hardly_anything_else(trained_copy: Project) -> None:
    factory = Factory(trained_copy.root)
    quick = {"averaged": 1, "max_rounds": 5}
    write_yaml(trained_copy.root / "params.yaml", {**factory.settings(), "model": quick})
    process = factory.start("-c", CODE)
    names = process.communicate()[0].split()
    assert process.returncode == 0
    assert "mlfactory_runtime.lightgbm" in names  # that of the factory's own code
    late = [name for name in names if name.split(".")[0] in HEAVY]
    assert len(late) < 20, late
