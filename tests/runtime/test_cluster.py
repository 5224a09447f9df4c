"""A real cluster of two workers: what it says is what one process says, also if a worker dies."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from mlfactory_runtime import errors
from mlfactory_runtime.cluster import client as cluster_client
from mlfactory_runtime.learn import matrix, metrics, signature
from mlfactory_runtime.predict import batch
from mlfactory_runtime.settings.engine import Engine
from mlfactory_runtime.testing.trained import Trained
from polars.testing import assert_frame_equal

from ..waiting import PATIENCE, until
from .factories import PROGRAM, Factory
from .test_predict_folder import STAMPS, answers, logged, spread
from .test_stored import learned_from
from .test_stored import prepared as large_table

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers on this machine, each in a process of its own."""
    with (
        slow_machine(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
    ):
        yield cluster


@contextmanager
def slow_machine() -> Iterator[None]:
    """Nobody of this process, or started by it, takes a silence for an end."""
    dask = pytest.importorskip("dask")
    names = [f"distributed.comm.timeouts.{name}" for name in ("connect", "tcp")]
    with pytest.MonkeyPatch.context() as patch, dask.config.set(dict.fromkeys(names, "600s")):
        for name in ("CONNECT", "TCP"):
            patch.setenv(f"DASK_DISTRIBUTED__COMM__TIMEOUTS__{name}", "600s")
        yield


def pids(cluster: Any) -> dict[str, int]:
    with distributed.Client(cluster) as client:
        return dict(client.run(os.getpid))


def is_replaced(cluster: Any, number: int) -> bool:
    """Whether two workers answer, and none of them is the process of that number."""
    with suppress(OSError):  # one that has just ended may still be listed
        numbers = pids(cluster).values()
        return number not in numbers and len(numbers) == 2
    return False


def on_cluster(factory: Factory, cluster: Any) -> Factory:
    factory.change(engine={"kind": "dask", "address": cluster.scheduler_address})
    return factory


def test_a_folder_is_scored_as_by_one_process_though_a_worker_is_killed(
    trained: Trained, cluster: Any, tmp_path: Path
) -> None:
    factory = on_cluster(Factory(trained.folder).copy(tmp_path / "factory"), cluster)
    parts = spread(pl.concat([trained.rows] * 12), tmp_path / "in", 12)
    first = next(iter(pids(cluster).values()))
    argv = ("-c", PROGRAM, "predict", "--json")
    process = factory.start(*argv, str(tmp_path / "in"), str(tmp_path / "out"))
    until(lambda: any((tmp_path / "out").glob("day=*/*.parquet")), lambda: process.poll() is None)
    os.kill(first, signal.SIGKILL)
    out, _ = process.communicate(timeout=PATIENCE)

    result = json.loads(out)
    assert process.returncode == 0
    assert [one["file"] for one in result["files"]] == sorted(parts)
    assert result["rows"] == 12 * trained.rows.height
    until(lambda: is_replaced(cluster, first))
    for name in parts:
        alone = tmp_path / "alone.parquet"
        batch.predict_file(factory.project, tmp_path / "in" / name, alone, log=False)
        there = pl.read_parquet(tmp_path / "out" / name)
        here = pl.read_parquet(alone).drop("scored_at")
        assert_frame_equal(there.drop(STAMPS), here, check_exact=True)
    keys = answers(tmp_path / "out").select("request_id", "row").rows()
    assert sorted(logged(factory)) == sorted(keys)


@pytest.mark.slow
def test_a_model_of_a_cluster_learns_from_all_rows_and_says_that_it_is_of_one(
    cluster: Any, tmp_path: Path
) -> None:
    factory = on_cluster(large_table(tmp_path / "churn"), cluster)
    factory.run("train")

    record = json.loads(factory.text("models/model/signature.json"))
    evaluation = json.loads(factory.text("reports/evaluation.json"))
    assert record["provenance"]["read"] == "dask"
    assert learned_from(factory.project.model_folder) == evaluation["rows"]["train"]
    assert any("not reproducible to the byte" in line for line in evaluation["warnings"])
    assert evaluation["gain"]["naive"]["low"] > 0

    before = loss(factory)
    factory.change(engine={"kind": "none"})
    factory.run("train")
    assert before == pytest.approx(loss(factory), rel=0.02)


def loss(factory: Factory) -> float:
    """What the model loses on all held-out rows."""
    project = factory.project
    own = signature.load_signature(project.model_folder)
    rows = pl.read_parquet(project.prepared / "holdout.parquet")
    part = matrix.matrix(rows, own, project.compute)
    p = project.estimator.predict(project.estimator.load(project.model_folder), part.x)
    return float(metrics.row_losses("log_loss", part.y, p).mean())


@pytest.mark.slow
def test_training_begins_anew_when_a_worker_is_lost(cluster: Any, tmp_path: Path) -> None:
    factory = on_cluster(large_table(tmp_path / "churn"), cluster)
    factory.change(model={"max_rounds": 600, "learning_rate": 0.02})
    process = factory.start("-c", PROGRAM, "train", stderr=subprocess.PIPE)
    with distributed.Client(cluster) as client:
        until(lambda: "_train_part" in str(client.processing()), lambda: process.poll() is None)
        time.sleep(2)
        first = next(iter(client.run(os.getpid).values()))
    os.kill(first, signal.SIGKILL)
    try:
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()

    assert process.returncode == 0, err
    until(lambda: is_replaced(cluster, first))
    evaluation = json.loads(factory.text("reports/evaluation.json"))
    assert learned_from(factory.project.model_folder) == evaluation["rows"]["train"]
    assert loss(factory) < 0.6
    text = factory.text("models/model/model.txt")
    assert 100 < text.count("\nTree=") <= 600


@pytest.mark.slow
def test_a_worker_has_the_library_that_it_lacks(tmp_path: Path, trained: Trained) -> None:
    """A worker whose Python does not find the library scores by the one that is sent to it."""
    home = str(cluster_client.LIBRARY.parent)
    program = (
        "import sys\n"
        f"sys.path = [p for p in sys.path if p != {home!r}]\n"
        "sys.meta_path = [f for f in sys.meta_path if 'ditable' not in repr(f)]\n"
        "import importlib.util\n"
        "assert importlib.util.find_spec('mlfactory_runtime') is None\n"
        "from distributed.cli.dask_worker import main\n"
        "main()\n"
    )
    with distributed.LocalCluster(
        n_workers=0, dashboard_address=None, silence_logs=50
    ) as scheduler:
        address = scheduler.scheduler_address
        options = ("--no-nanny", "--nthreads", "1", "--no-dashboard")
        worker = subprocess.Popen(
            [sys.executable, "-c", program, address, *options],
            cwd=tmp_path,
            stderr=subprocess.DEVNULL,
        )
        try:
            factory = on_cluster(Factory(trained.folder).copy(tmp_path / "factory"), scheduler)
            spread(trained.rows, tmp_path / "in", 2)
            result = factory.json("predict", str(tmp_path / "in"), str(tmp_path / "out"), "--json")
        finally:
            worker.terminate()
            worker.wait()
    assert result["rows"] == trained.rows.height


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_client, "PATIENCE", 1)
    engine = Engine(kind="dask", address="tcp://127.0.0.1:9")
    with (
        pytest.raises(errors.FactoryError, match="no cluster of Dask answers"),
        cluster_client.connected(engine),
    ):
        pass
