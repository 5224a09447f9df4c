"""The server around the service: processes, timeouts, and a log in lines of JSON."""

import os
from asyncio import TimerHandle, Transport
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..interrupts import plain
from ..project import Project
from . import app
from .metrics import SHARED
from .requests import Lines

IDLE = 75  # seconds that a connection is kept between requests; balancers keep it for 60
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"lines": {"()": Lines}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
    "loggers": {
        name: {"handlers": ["stderr"], "level": "INFO", "propagate": False}
        for name in ("factory", "mlfactory_runtime", "uvicorn")
    },
}


class Patient(HttpToolsProtocol):
    """Closes a connection on which the head of a request does not come; uvicorn waits for ever."""

    def __init__(self, *args: Any, patience: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patience = patience
        self.waiting: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.waiting = self.loop.call_later(self.patience, transport.close)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering and self.waiting:
            self.waiting.cancel()
            self.waiting = None
        elif not answering and not self.waiting:
            self.waiting = self.loop.call_later(self.patience, self.transport.close)


def serve(project: Project, host: str, port: int, workers: int, model: Path) -> None:
    """Answer until told to stop; what is being answered then is finished first."""
    settings = project.params.serving
    os.environ |= {app.ROOT_ENV: str(project.root), app.MODEL_ENV: str(model)}
    if workers > 1:
        app.make_service(project, model)  # what is wrong is told once, not by every worker
        with TemporaryDirectory(prefix="factory-") as folder:
            os.environ[SHARED] = folder
            run(host, port, workers, settings.timeout)
    else:
        run(host, port, workers, settings.timeout)


def run(host: str, port: int, workers: int, timeout: float) -> None:
    """Uvicorn, with what its own command line does not offer."""
    plain()  # it has handlers of its own
    uvicorn.run(
        f"{app.__name__}:create",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=partial(Patient, patience=timeout),  # type: ignore[arg-type]
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=int(timeout) + 1,
    )
