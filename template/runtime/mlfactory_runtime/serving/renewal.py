"""A service that takes a new model without a gap.

One process holds the address and answers nothing; another one answers there, which runs the model's
own code. A new one is started beside it, takes over once it is ready, and the old one ends when it
has answered what it was asked. Where the new one cannot serve, the old one goes on.
"""

import logging
import logging.config
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from threading import Thread
from types import FrameType

from ..errors import FactoryError
from ..git import remote_of, tries
from ..interrupts import plain
from ..project import Project
from ..registry.artifact import version as name_of
from ..registry.hand_over import end, start
from ..registry.resolve import Registered, resolve
from .app import READY_ENV
from .parent import PARENT_ENV
from .server import LOGGING, STARTING
from .staying import STAYING_ENV

TICK = 0.1  # seconds between two looks
ENDING, SLACK = 15, 5  # seconds: to finish what is being answered, at least, and for the end itself

logger = logging.getLogger("factory")


@dataclass
class Signals:
    """What this process is told from outside."""

    end: bool = False
    renew: bool = False

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.note)

    def note(self, number: int, _: FrameType | None) -> None:
        """Another one ends the service; it is looked at where nothing else is being done."""
        if number == signal.SIGHUP:
            self.renew = True
        else:
            self.end = True


@dataclass(frozen=True)
class Answering:
    """The process that answers, and the model it answers with."""

    process: Popen[bytes]
    model: Registered
    key: str
    patience: float = ENDING

    def end(self) -> None:
        """Let it finish what it is being asked, as long as it would itself."""
        end(self.process, self.patience)


def patience(timeout: float) -> float:
    """The seconds in which a service that cuts its clients off after `timeout` must have ended."""
    return max(ENDING, timeout + SLACK)


@dataclass
class Address:
    """Where the service is reached: a socket that outlives those who answer on it."""

    project: Project
    host: str
    port: int
    workers: int
    listener: socket.socket
    folder: Path
    lifeline: int  # the end of a pipe that ends when this process does
    signals: Signals = field(default_factory=Signals)
    refused: str = ""
    complaint: str = ""

    @property
    def staying(self) -> Path:
        """A file that is there while the model stays what it was, for those who answer."""
        return self.folder / "staying"

    def complain(self, reason: str) -> None:
        """Say once why the model stays the same, and let those who answer show that it does."""
        if reason != self.complaint:
            self.complaint = reason
            logger.error("the model stays what it was: %s", reason)
        self.staying.touch()

    def is_well(self) -> None:
        """Nothing keeps a new model back."""
        self.refused = self.complaint = ""
        self.staying.unlink(missing_ok=True)

    def begin(self, model: Registered) -> Answering:
        """Start one that answers, and wait until it is ready. FactoryError if it never is."""
        with TemporaryDirectory(dir=self.folder) as ready:
            number = self.listener.fileno()
            argv = ["serve", "--fd", str(number), "--host", self.host, "--port", str(self.port)]
            argv += ["--workers", str(self.workers)]
            argv += [] if model.commit else ["--model", str(model.model)]
            key = key_of(model)
            more = {
                READY_ENV: ready,
                STAYING_ENV: str(self.staying),
                PARENT_ENV: str(self.lifeline),
            }
            process = start(self.project, model, argv, more, (number, self.lifeline))
            timeout = self.project.params.serving.timeout
            one = Answering(process, model, key, patience(timeout))
            until = time.monotonic() + STARTING
            while len([*Path(ready).iterdir()]) < self.workers:
                if process.poll() is not None or time.monotonic() > until or self.signals.end:
                    one.end()
                    message = f"{model.label} cannot be served: it did not become ready"
                    raise FactoryError(message, "the lines before this one say why")
                time.sleep(TICK)
        return one


def key_of(model: Registered) -> str:
    """What tells one model from another: its commit, or its content."""
    return model.commit or name_of(model.model)


def keep_serving(
    project: Project, host: str, port: int, workers: int, model: str, seconds: float
) -> int:
    """Answer until told to stop, each time with the newest of that name: looked for so often in
    seconds, with 0 only on SIGHUP, which also takes in what else has changed. Gives an exit code.
    """
    plain()
    logging.config.dictConfig(LOGGING)
    with (
        listening(host, port) as listener,
        TemporaryDirectory(prefix="factory-") as folder,
        lifeline() as end_of_pipe,
    ):
        address = Address(project, host, port, workers, listener, Path(folder), end_of_pipe)
        address.signals.listen()
        current = address.begin(resolve(project, model))
        try:
            while not address.signals.end and current.process.poll() is None:
                if due(address.signals, seconds, current):
                    current = renewed(address, current, model)
        finally:
            current.end()
    return 0 if address.signals.end else 1


@contextmanager
def lifeline() -> Iterator[int]:
    """The end of a pipe for those who answer: nothing is ever written to its other end, which this
    process alone holds. So it ends with this process, even where nobody could say so.
    """
    theirs, own = os.pipe()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(own)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket at the address, on which those who answer listen: until the first is ready, whoever
    asks is refused. FactoryError where the address is another's.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            message = f"nobody can listen on {host} port {port}: {error.strerror}"
            raise FactoryError(message, "does another service run there? --port") from error
        yield listener


def due(signals: Signals, seconds: float, current: Answering) -> bool:
    """Wait until it is time to look, or until there is nothing to wait for."""
    until = time.monotonic() + seconds
    while not signals.end and not signals.renew and current.process.poll() is None:
        if seconds and time.monotonic() >= until:
            return True
        time.sleep(TICK)
    return signals.renew and not signals.end


def while_answering(
    address: Address, current: Answering, look: Callable[[], Registered]
) -> Registered:
    """What a look at the remote gives, however long that hangs; FactoryError as soon as the one
    who answers has ended, or this is told to.
    """
    future: Future[Registered] = Future()

    def run() -> None:
        try:
            future.set_result(look())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    while not future.done():
        if address.signals.end or current.process.poll() is not None:
            raise FactoryError("the look for a new model was cut short")
        time.sleep(TICK)
    return future.result()


def renewed(address: Address, current: Answering, name: str) -> Answering:
    """Who answers from now on: another one, where there is a new model and it can be served."""
    is_wish, address.signals.renew = address.signals.renew, False
    root = address.project.root

    def look() -> Registered:
        if current.model.commit and (remote := remote_of(root)):
            tries(root, "fetch", "--quiet", "--tags", remote)
        return resolve(Project(root), name)

    try:
        model = while_answering(address, current, look)
        key = key_of(model)
        if key == current.key and not is_wish:
            address.is_well()
            return current
        if key == address.refused and not is_wish:
            return current
        address.refused = key
        following = address.begin(model)
    except Exception as error:  # whatever it is, the old one answers
        address.complain(reason_of(error))
        return current
    address.is_well()
    current.end()
    label, fields = model.version or model.label, {"model": following.key, "before": current.key}
    logger.info("another model answers now: %s", label, extra={"fields": fields})
    return following


def reason_of(error: Exception) -> str:
    """What an error says, and of which kind it is where it is none of ours."""
    if isinstance(error, FactoryError):
        return error.message
    return f"{type(error).__name__}: {error}"
