"""LightGBM on several machines: each worker of Dask holds some of the rows.

Workers get their rows in whatever order, and so two runs give two models that are equally good.
"""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import redirect_stdout
from functools import cache, partial
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np

from ..errors import FactoryError
from ..learn.matrix import Matrix, matrix
from ..learn.metrics import row_losses
from ..learn.signature import Signature
from ..learn.stored import Stored, rows_between
from ..project import Project, forget
from .client import PATIENCE, check_places, connected, package

ATTEMPTS, STEP, LOOKED_AT = 3, 10, 20_000
OFTEN = 1  # seconds between two looks at the workers


def grow_on_cluster(
    rows: Stored,
    parameters: Mapping[str, Any],
    names: Sequence[str],
    categorical: Sequence[int],
    max_rounds: int,
) -> Any:
    """One booster of `max_rounds` rounds. FactoryError where workers are lost again and again."""
    with connected(rows.project.params.engine) as client:
        check_places(client, rows.project.root, *rows.files)
        for _ in range(ATTEMPTS):
            here = workers(client)
            data = arrays(client, rows)
            fit = partial(fitted, client, data, parameters, names, categorical, max_rounds)
            booster = watched(fit, partial(is_whole, client, here))
            if booster is not None:
                return booster
            begin_anew(client, here)
    message = f"workers of the cluster were lost in each of {ATTEMPTS} attempts"
    raise FactoryError(message, "look at their logs: mostly memory has run out")


def workers(client: Any) -> set[str]:
    return set(client.scheduler_info(n_workers=-1)["workers"])


def is_whole(client: Any, before: set[str]) -> bool:
    """Whether the workers are those that there were."""
    return workers(client) == before


def watched(fit: Callable[[], Any], still: Callable[[], bool]) -> Any:
    """What `fit` gives; None where a worker is lost meanwhile, for whom the others would wait."""
    future: Future[Any] = Future()
    Thread(target=settle, args=(future, fit), daemon=True).start()
    while True:
        try:
            return future.result(timeout=OFTEN)
        except TimeoutError:
            if not still():
                return None
        except Exception:
            if still():
                raise
            return None


def settle(future: Future[Any], fit: Callable[[], Any]) -> None:
    try:
        future.set_result(fit())
    except BaseException as error:
        future.set_exception(error)


def begin_anew(client: Any, before: set[str]) -> None:
    """Start the workers again that are still there: within LightGBM they wait for one that is not,
    and nothing else wakes them.
    """
    client.restart_workers(sorted(workers(client) & before), timeout=PATIENCE)
    client.wait_for_workers(len(before), timeout=PATIENCE)


def fitted(
    client: Any,
    data: tuple[Any, Any],
    parameters: Mapping[str, Any],
    names: Sequence[str],
    categorical: Sequence[int],
    max_rounds: int,
) -> Any:
    from lightgbm.dask import DaskLGBMRegressor

    # Its task is whatever the objective says; a classifier would only name classes anew.
    model = DaskLGBMRegressor(client=client, n_estimators=max_rounds, time_out=5, **parameters)
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore", UserWarning)  # that a worker's threads are its own
        model.fit(*data, feature_name=list(names), categorical_feature=list(categorical))
    return model.booster_


def arrays(client: Any, rows: Stored) -> tuple[Any, Any]:
    """The matrix and what is predicted, in blocks that workers have read, in the rows' order."""
    da, delayed = package("dask.array"), package("dask").delayed
    text = rows.signature.model_dump_json()
    xs, ys = [], []
    for file, first, last, count in rows.blocks:
        if count:
            block = delayed(read_block)(str(rows.project.root), str(file), first, last, text)
            shape = (count, len(rows.signature.features))
            xs.append(da.from_delayed(delayed(x_of)(block), shape, dtype=float))
            ys.append(da.from_delayed(delayed(y_of)(block), (count,), dtype=float))
    x, y = client.persist([da.concatenate(xs), da.concatenate(ys)])
    package("distributed").wait([x, y])
    return x, y


def read_block(root: str, file: str, first: int, last: int, text: str) -> Matrix:
    """Rows of a prepared part, encoded; on a worker."""
    signature = Signature.model_validate_json(text)
    compute = project_at(root, signature.provenance["code"]).compute
    return matrix(rows_between(Path(file), first, last), signature, compute)


def x_of(block: Matrix) -> np.ndarray:
    return block.x


def y_of(block: Matrix) -> np.ndarray:
    return block.y


@cache
def project_at(root: str, code: str) -> Project:
    """The factory with its code as it is now: `code` is the hash of that."""
    project = Project(Path(root))
    if code:
        forget(project.package)  # a worker lives on when the code has changed
    return project


def best_rounds(booster: Any, rows: Stored, metric: str) -> int:
    """The number of rounds after which rows that were not learned from are predicted best.

    Workers each know only their own rows, and would stop one before the other: so all rounds are
    grown, and looked at afterwards.
    """
    part = sample(rows)
    raw, losses, last = None, dict[int, float](), booster.current_iteration()
    for first in range(0, last, STEP):
        score = partial(booster.predict, part.x, raw_score=True, num_iteration=STEP)
        own = score(start_iteration=first)
        raw = own if raw is None else raw + own
        losses[min(first + STEP, booster.current_iteration())] = float(
            row_losses(metric, part.y, shares(raw, metric)).mean()
        )
    return min(losses, key=lambda count: losses[count])


def shares(raw: np.ndarray, metric: str) -> np.ndarray:
    """Probabilities from log-odds; numbers are what they are."""
    if metric != "log_loss":
        return raw
    if raw.ndim == 1:
        return np.asarray(1 / (1 + np.exp(-raw)))
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def sample(rows: Stored) -> Matrix:
    """Some of the rows, at equal distances."""
    step = max(1, len(rows) // LOOKED_AT)
    parts = [Matrix(one.x[::step], one.y[::step]) for one in rows.batches()]
    x, y = ([getattr(one, name) for one in parts] for name in ("x", "y"))
    return Matrix(np.concatenate(x), np.concatenate(y))
