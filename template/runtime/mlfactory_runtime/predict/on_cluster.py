"""Scoring a folder on a cluster of Dask: its files are the partitions."""

from collections.abc import Iterator
from functools import cache
from threading import Lock
from typing import Any

from ..cluster.client import check_places, connected, package
from ..errors import FactoryError
from ..log.runs import place
from ..settings.engine import Engine
from ..settings.params import Log
from .folder import FileScore, Task, score_one


def on_cluster(engine: Engine, log: Log, task: Task, names: list[str]) -> Iterator[FileScore]:
    """What becomes of each file, as they are done; a file whose worker is lost is done elsewhere.

    FactoryError where workers do not see the files, or cannot write the log.
    """
    with connected(engine) as client:
        check_places(client, task.root, task.model, task.source, task.target)
        check_log(client, log, task)
        bag = package("dask.bag").from_sequence(names, partition_size=1)
        partitions = bag.map_partitions(score_names, task).to_delayed(optimize_graph=False)
        futures = client.compute(list(partitions))
        try:
            for future in package("distributed").as_completed(futures):
                yield from future.result()
        except package("distributed").KilledWorker as error:
            message = f"workers of the cluster were lost again and again: {error}"
            hint = "mostly memory has run out; run it again: what is finished stays"
            raise FactoryError(message, hint) from error


def check_log(client: Any, log: Log, task: Task) -> None:
    """FactoryError where the prediction log is a file that only this machine can write."""
    if not (task.log and log.enabled) or log.url_env:
        return
    if others := {*client.run(place).values()} - {place()}:
        raise FactoryError(
            f"the prediction log is a file here, and workers are elsewhere: {sorted(others)[0]}",
            "name a database by log.url_env in params.yaml, or leave the log: --no-log",
        )


def score_names(names: list[str], task: Task) -> list[FileScore]:
    """Score the files of a partition; on a worker, which does so one file after the other."""
    with alone():
        return [score_one(task, name) for name in names]


@cache
def alone() -> Lock:
    """A run of the log is told by its process, so that each process has one at a time."""
    return Lock()
