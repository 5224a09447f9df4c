"""A cluster that is there, or one on this machine, with what its workers need."""

import logging
import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import FactoryError
from ..files import short_hash
from ..scratch import temporary
from ..settings.engine import Engine

LIBRARY = Path(__file__).parents[1]
PATIENCE = 30  # seconds in which a cluster must answer
INSTALL = 'uv add --group train "mlfactory-runtime[dask]"'


@contextmanager
def connected(engine: Engine) -> Iterator[Any]:
    """A client of the cluster at `engine.address`, or of one that lives as long as this does.

    Workers have the library of this process, whatever is installed there. FactoryError where
    nobody answers, or Dask is not here.
    """
    distributed = package("distributed")
    with ExitStack() as stack:
        address: Any = engine.address
        if address is None:
            address = stack.enter_context(here(engine))
        try:
            client = stack.enter_context(distributed.Client(address, timeout=PATIENCE))
        except (OSError, ValueError) as error:
            message = f"no cluster of Dask answers at {engine.address}"
            raise FactoryError(message, "correct engine.address in params.yaml") from error
        with temporary() as folder:
            send = package("distributed.diagnostics.plugin").UploadFile  # not to the scheduler
            client.register_plugin(send(str(archive_of(folder))))
        yield client


def package(name: str) -> Any:
    """A part of Dask, which ships no types. FactoryError that says how to get it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise FactoryError("engine.kind is dask, and Dask is not here", INSTALL) from error


def here(engine: Engine) -> Any:
    """A cluster on this machine, each of whose workers has one core."""
    return package("distributed").LocalCluster(
        n_workers=engine.workers or os.cpu_count() or 1,
        threads_per_worker=1,
        dashboard_address=None,
        silence_logs=logging.ERROR,
    )


def archive_of(folder: Path) -> Path:
    """This library as one file that Python imports from; its name tells what is in it."""
    files = [path for path in sorted(LIBRARY.rglob("*")) if "__pycache__" not in path.parts]
    files = [path for path in files if path.is_file()]
    name = short_hash(b"".join(path.read_bytes() for path in files))
    target = folder / f"mlfactory_runtime-{name}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(LIBRARY.parent))
    return target


def check_places(client: Any, *places: Path) -> None:
    """FactoryError unless all workers see these files and folders under the same names."""
    for place in places:
        answers = client.run(is_there, str(place))
        if blind := sorted(worker for worker, sees in answers.items() if not sees):
            raise FactoryError(
                f"{place} is not there for the worker {blind[0]}",
                "put the factory and its data where all workers see them by the same path",
            )


def is_there(place: str) -> bool:
    return Path(place).exists()
