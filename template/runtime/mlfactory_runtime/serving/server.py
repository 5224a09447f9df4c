"""The server around the service: processes, timeouts, and a log in lines of JSON."""

import logging
import logging.config
import os
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn

from ..errors import FactoryError
from ..interrupts import plain
from ..project import Project
from ..settings.params import Serving
from . import app
from .keys import Keys
from .metrics import SHARED
from .parent import follow_parent
from .protocol import Careful
from .requests import Lines

NEEDED_ENV = "FACTORY_KEY_NEEDED"  # set in the image
STARTING = 120  # seconds in which a process need not say that it lives: it may be slow to start
IDLE = 75  # seconds that a connection is kept between requests; balancers keep it for 60

logger = logging.getLogger("factory")

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


def serve(
    project: Project, host: str, port: int, workers: int, model: Path, fd: int | None = None
) -> None:
    """Answer until told to stop; what is being answered then is finished first.

    With `fd` on a socket that another process listens on.
    """
    follow_parent()
    settings = project.params.serving
    logging.config.dictConfig(LOGGING)
    check_open(host, settings)
    os.environ |= {app.ROOT_ENV: str(project.root), app.MODEL_ENV: str(model)}
    if workers > 1:
        app.make_service(project, model)  # what is wrong is told once, not by every worker
        with TemporaryDirectory(prefix="factory-") as folder:
            os.environ[SHARED] = folder
            run(host, port, workers, settings, fd)
    else:
        run(host, port, workers, settings, fd)


def check_open(host: str, settings: Serving) -> None:
    """Warn of a service that strangers reach and that asks for no key.

    FactoryError where the environment asks for a key, as that of the image does.
    """
    if Keys(settings) or is_loopback(host):
        return
    message = f"the service listens on {host or 'all addresses'}, and whoever reaches it may ask"
    hint = f"set {settings.key_env}, or {settings.keys_env} to a file of keys"
    if os.environ.get(NEEDED_ENV, "") not in ("", "0"):
        raise FactoryError(message, f"{hint}; without a key on purpose: {NEEDED_ENV}=0")
    logger.warning("%s: %s", message, hint)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def run(host: str, port: int, workers: int, settings: Serving, fd: int | None) -> None:
    """Uvicorn, with what its own command line does not offer."""
    plain()  # it has handlers of its own
    careful = partial(Careful, patience=settings.timeout, most=settings.max_connections)
    uvicorn.run(
        f"{app.__name__}:create",
        factory=True,
        host=host,
        port=port,
        fd=fd,
        workers=workers,
        http=careful,  # type: ignore[arg-type]
        ws="none",  # where a package for them is installed, nothing would limit them
        log_config=LOGGING,
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=int(settings.timeout) + 1,
        timeout_worker_healthcheck=STARTING,
    )
