"""`factory benchmark`: other libraries by their defaults, on the rows that a search looks at."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FactoryError
from ..learn.draws import FEWEST
from ..learn.metrics import row_losses
from ..learn.resampling import interval_of, resamples, widened, worth
from ..learn.signature import save_signature
from ..learn.train import provenance, read_split
from ..programs import output
from ..progress import Tell, silent
from ..project import Project
from ..records.benchmark import Benchmark, Contender, State
from ..records.evaluation import Interval
from ..records.record import write
from ..report.benchmark import FILE
from ..scratch import temporary
from .splits import Parting, View, metric_of, parting_of, total

# What each needs, and the module that it is; `linear` is the library's own.
PACKAGES = {
    "catboost": ("catboost>=1.2,<2", "catboost"),
    "ebm": ("interpret-core>=0.7,<1", "interpret"),
    "xgboost": ("xgboost-cpu>=3,<4", "xgboost"),
    "hgb": ("scikit-learn>=1.8,<2", "sklearn"),
    "autogluon": ("autogluon.tabular[catboost,lightgbm,xgboost]>=1.5,<2", "autogluon"),
    "linear": ("", ""),
}
USUAL = "catboost,xgboost,ebm,hgb,linear"
SCRIPT = Path(__file__).with_name("opponents.py")
NUMPY = "numpy>=2,<3"
Array = np.ndarray


def benchmark(project: Project, names: Sequence[str], tell: Tell = silent) -> Benchmark:
    """Measure each; also written to reports/benchmark.json. What does not install is said in it."""
    if unknown := [name for name in names if name not in PACKAGES]:
        near = get_close_matches(unknown[0].lower(), PACKAGES, 1)
        guess = f"did you mean {near[0]}? " if near else ""
        message = f"--with {unknown[0]}: there is no such opponent"
        raise FactoryError(message, f"{guess}there are {','.join(PACKAGES)}")
    parting = parting_of(project)
    view = parting.view(project.params)
    metric, places = metric_of(view, project.params), places_of(view)
    every, losses = {}, {}
    for number, name in enumerate(("own", *dict.fromkeys(names))):
        tell(f"fit {'the model' if name == 'own' else name}", number / (len(names) + 1))
        every[name], losses[name] = measured(name, parting, view, metric)
        if name == "own" and every[name].state != "measured":
            raise FactoryError(f"the model cannot be fitted: {every[name].why}", "dvc repro train")
    margin = project.params.gate.margin * (every["own"].value or 0.0)
    seed = project.params.model.seed
    others = [
        with_gain(one, metric, losses["own"], losses[name], places, margin, seed)
        for name, one in every.items()
        if name != "own"
    ]
    record = recorded(parting, view, metric, margin, every["own"], others)
    write(project.root / FILE, record)
    return record


def recorded(
    parting: Parting,
    view: View,
    metric: str,
    margin: float,
    own: Contender,
    others: Sequence[Contender],
) -> Benchmark:
    """The record, tied to data, settings and code."""
    project = parting.project
    names = provenance(project, read_split(project))
    return Benchmark(
        data=names["data"],
        params=names["params"],
        code=names["code"],
        metric=metric,
        by=parting.by,
        rows=sum(len(part.blocks) for part in view.parts),
        margin=margin,
        model=own,
        others=tuple(others),
    )


def measured(name: str, parting: Parting, view: View, metric: str) -> tuple[Contender, Array]:
    """A contender with its metric, and what it loses on each row; nothing where it does not run."""
    with temporary() as folder:
        write_rows(folder, view, parting.project, metric)
        try:
            output(folder, *command(name, folder, parting.project), env=environment(), family=True)
        except FactoryError as error:
            state: State = "failed" if is_here(name) else "absent"
            return Contender(name=name, state=state, why=short(error.message)), np.zeros(0)
        facts = json.loads((folder / "facts.json").read_text("utf-8"))
        with np.load(folder / "answers.npz") as answers:
            each = [
                row_losses(metric, part.scoring.y, np.asarray(answers[f"p{i}"], dtype=float))
                for i, part in enumerate(view.parts)
            ]
    losses = np.concatenate(each)
    value = total(metric, losses, np.ones(len(losses)))
    return Contender(name=name, state="measured", value=value, **facts), losses


def command(name: str, folder: Path, project: Project) -> Iterator[str]:
    """How a contender is started: with this Python what is installed here, all else with uv."""
    if name in ("own", "linear"):
        module = f"{__package__}.own"
        yield from (sys.executable, "-m", module, name, str(folder), str(project.root))
        return
    if is_here(name):
        yield from (sys.executable, str(SCRIPT), name, str(folder))
        return
    uv = shutil.which("uv")
    if uv is None:
        raise FactoryError("there is no uv to make its environment: pipx install uv")
    yield from (uv, "run", "--quiet", "--isolated", "--no-project", "--python", sys.executable)
    yield from ("--with", PACKAGES[name][0], "--with", NUMPY)
    yield from ("python", str(SCRIPT), name, str(folder))


def is_here(name: str) -> bool:
    """Whether a contender needs no environment of its own."""
    module = PACKAGES.get(name, ("", ""))[1]
    return not module or find_spec(module) is not None


def environment() -> dict[str, str]:
    """Where this library is, if it is not installed."""
    places = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
        "PYTHONWARNINGS": "ignore",
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin cost most where others work, too
    }


def write_rows(folder: Path, view: View, project: Project, metric: str) -> None:
    """What every contender reads."""
    signature = view.signature
    codes = [i for i, f in enumerate(signature.features) if f.role == "categorical"]
    task = {
        "kind": signature.task,
        "classes": len(signature.classes),
        "categorical": codes,
        "sizes": [len(signature.features[i].categories or ()) for i in codes],
        "seed": project.params.model.seed,
        "absolute": metric == "mae",
    }
    content = json.dumps({"task": task, "parts": len(view.parts)})
    (folder / "task.json").write_text(content, "utf-8")
    rows: dict[str, Any] = {}
    for i, part in enumerate(view.parts):
        rows |= {f"fit_x{i}": part.fitting.x, f"fit_y{i}": part.fitting.y}
        rows |= {f"stop_x{i}": part.stopping.x, f"stop_y{i}": part.stopping.y}
        rows[f"score_x{i}"] = part.scoring.x
    np.savez(folder / "rows.npz", **rows)
    save_signature(signature, folder)


def with_gain(
    one: Contender, metric: str, own: Array, other: Array, places: Array, margin: float, seed: int
) -> Contender:
    """A contender with what it gains on the model, in paired draws, and whether that is sure."""
    if one.state != "measured":
        return one
    gain = paired(metric, own, other, places, seed)
    better = gain.low is not None and gain.low > margin
    return one.model_copy(update={"gain": gain, "is_better": better})


def paired(metric: str, own: Array, other: Array, places: Array, seed: int) -> Interval:
    """By how much less the other one loses, with an interval where enough is drawn."""
    value = total(metric, own, np.ones(len(own))) - total(metric, other, np.ones(len(own)))
    if len(np.unique(places)) < FEWEST:
        return Interval(value, None, None)
    draws = [
        total(metric, own * w, w) - total(metric, other * w, w)
        for w in resamples(len(own), seed, places)
    ]
    return interval_of(value, draws, widened(worth(places)))


def places_of(view: View) -> Array:
    """The block of each scored row, without gaps in the numbers."""
    blocks = np.concatenate([part.blocks for part in view.parts])
    return np.asarray(np.unique(blocks, return_inverse=True)[1])


def short(message: str) -> str:
    """What went wrong, without the command."""
    return " ".join(message.rpartition("` failed: ")[2].split())[:200]
