"""A factory's service beside a bare FastAPI, BentoML, LitServe and MLflow's server. Run by hand:

    .venv/bin/python tests/benchmarks/bench_serve.py FACTORY [--rounds 7] [--seconds 2] [--keep DIR]

FACTORY is a trained factory made with `--serving online` whose features are columns as they are.
It prints the table that stands in `serve.md`. `--keep` names a folder in which the environments
are made and found again; without it they are made anew.

Every server has an environment of its own with the factory's serving dependencies and, but for the
first two, the framework. All answer the same row with the same boosters through the same encoder.
The service runs as `factory serve` does: it checks, counts, writes a line per request and logs the
prediction into SQLite. The others do none of this. They are set to what their documentation has
for one process: BentoML and LitServe with one worker and access logs off, BentoML with its metrics
and tracing off too; MLflow with a type hint, so that no pandas table is made of a row. LitServe
keeps its process for HTTP beside that of the model, which is how it is built.

All servers run at the same time and are asked in turns, in another order in each round, by a client
in a process of its own; what else the machine does meets all. Figures are medians over the rounds,
ratios are medians of the ratios within a round. Start is the time from starting the process to
the first prediction. CPU is that of a server's processes, and says most on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCRIPTS = Path(sys.executable).parent
CONNECTIONS = (1, 8)
WARM = 0.3  # seconds of each measurement that do not count
PATIENCE = 120  # seconds in which a server must answer
# Set on machines that build, never by users: every import would be compiled anew.
DROPPED = ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "UV_PYTHON", "PYTHONPATH")
QUIET = {"BENTOML_DO_NOT_TRACK": "True", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}

SCORER = """
from datetime import date
from pathlib import Path

import numpy as np

from {package}.model import load, predict
from {package}.signature import load_signature

NAN, FIRST = float("nan"), date(1970, 1, 1).toordinal()


def encoder_of(feature):
    if feature.role == "categorical":
        codes = {{name: float(code) for code, name in enumerate(feature.categories)}}
        codes[None] = float(len(codes))
        return lambda value: codes.get(value, -1.0)
    if feature.dtype == "date":
        return lambda value: float(date.fromisoformat(value).toordinal() - FIRST)
    return lambda value: NAN if value is None else float(value)


class Scorer:
    def __init__(self):
        folder = Path("{model}")
        self.model, self.signature = load(folder), load_signature(folder)
        self.encoders = [(f.name, encoder_of(f)) for f in self.signature.features]

    def __call__(self, row):
        x = np.array([[put(row[name]) for name, put in self.encoders]])
        p, known = predict(self.model, x)[0], self.signature
        if known.task == "binary":
            shares, called = [1 - p, p], known.classes[int(p >= known.threshold)]
        elif known.task == "multiclass":
            shares, called = p, known.classes[p.argmax()]
        else:
            return {{"prediction": float(p)}}
        shares = {{name: float(share) for name, share in zip(known.classes, shares)}}
        return {{"prediction": called, "probabilities": shares}}
"""
PROGRAMS = {
    "bare": """
import sys

import uvicorn
from fastapi import FastAPI, Request

from scorer import Scorer

app, score = FastAPI(), Scorer()


@app.post("/predict")
async def answer(request: Request):
    return score(await request.json())


uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
""",
    "bentoml": """
import bentoml

from scorer import Scorer


@bentoml.service(
    workers=1,
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={"sample_rate": 0.0},
)
class Service:
    def __init__(self):
        self.score = Scorer()

    @bentoml.api
    async def predict(self, row: dict) -> dict:
        return self.score(row)
""",
    "litserve": """
import sys

import litserve as ls

from scorer import Scorer


class Api(ls.LitAPI):
    def setup(self, device):
        self.score = Scorer()

    def predict(self, row):
        return self.score(row)


if __name__ == "__main__":
    server = ls.LitServer(Api(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
""",
    "mlflow": """
from typing import Any

import mlflow

from scorer import Scorer


class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.score = Scorer()

    def predict(self, model_input: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self.score(row) for row in model_input]


mlflow.models.set_model(Model())
""",
}
SAVE = """
import mlflow

mlflow.pyfunc.save_model("saved", python_model="mlflow_server.py", pip_requirements=[])
"""
Figures = dict[int, list[float]]


@dataclass
class Server:
    """A server, and what was measured of it by the number of connections."""

    name: str
    argv: list[str]
    folder: Path
    port: int
    path: str
    body: bytes
    start: list[float] = field(default_factory=list)
    rate: Figures = field(default_factory=lambda: defaultdict(list))
    p50: Figures = field(default_factory=lambda: defaultdict(list))
    p99: Figures = field(default_factory=lambda: defaultdict(list))
    cpu: Figures = field(default_factory=lambda: defaultdict(list))

    @property
    def message(self) -> bytes:
        head = f"POST {self.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body

    @contextmanager
    def running(self) -> Iterator[int]:
        """The server, once it has answered; its process."""
        began = time.perf_counter()
        with (self.folder / f"{self.name.split()[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                self.argv,
                cwd=self.folder,
                env=environment(Path(self.argv[0]).parent),
                stdout=log,
                stderr=log,
            )
        try:
            while not answers(self.port, self.message):
                if process.poll() is not None or time.perf_counter() > began + PATIENCE:
                    raise SystemExit(f"{self.name} does not answer: {log.name}")
                time.sleep(0.01)
            self.start.append(time.perf_counter() - began)
            yield process.pid
        finally:
            stop(process)

    def measure(self, pid: int, connections: int, seconds: float) -> None:
        before = sum(family(pid).values())
        argv = [sys.executable, __file__, "--client", str(self.port), str(connections)]
        done = subprocess.run(
            [*argv, str(seconds)], input=self.message, stdout=subprocess.PIPE, check=True
        )
        found = json.loads(done.stdout)
        used = sum(family(pid).values()) - before
        self.cpu[connections].append(used / found["all"])
        for name in ("rate", "p50", "p99"):
            getattr(self, name)[connections].append(found[name])


def environment(programs: Path = SCRIPTS) -> dict[str, str]:
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {k: v for k, v in os.environ.items() if k not in DROPPED} | QUIET | {"PATH": path}


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and all that it has started."""
    started = family(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(15)
    for pid in started:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def family(pid: int) -> dict[int, float]:
    """A process and those that stem from it, with the milliseconds of CPU of each."""
    known, found = dict(processes()), {pid}
    while more := {one for one, fields in known.items() if int(fields[1]) in found} - found:
        found |= more
    tick = 1000 / os.sysconf("SC_CLK_TCK")
    return {
        one: tick * (int(fields[11]) + int(fields[12]))
        for one, fields in known.items()
        if one in found
    }


def processes() -> Iterator[tuple[int, list[str]]]:
    """The running processes with the fields that follow their names in /proc/PID/stat."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield int(folder.name), (folder / "stat").read_text().rpartition(") ")[2].split()


def answers(port: int, message: bytes) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(message)
            return connection.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def client(port: int, connections: int, seconds: float) -> None:
    """Ask on every connection again as soon as it has answered; print what that took."""
    message, chosen, took = sys.stdin.buffer.read(), selectors.EpollSelector(), list[float]()
    sent, waiting = dict[socket.socket, float](), dict[socket.socket, bytes]()
    for _ in range(connections):
        made = socket.create_connection(("127.0.0.1", port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        chosen.register(made, selectors.EVENT_READ)
        sent[made], waiting[made] = time.perf_counter(), b""
        made.sendall(message)
    total, began = 0, time.perf_counter()
    while (now := time.perf_counter()) < began + WARM + seconds:
        for key, _ in chosen.select(1):
            connection: Any = key.fileobj
            waiting[connection] += connection.recv(65536)
            if not whole(waiting[connection]):
                continue
            now, total = time.perf_counter(), total + 1
            if now > began + WARM:
                took.append(now - sent[connection])
            sent[connection], waiting[connection] = now, b""
            connection.sendall(message)
    took.sort()
    p50, p99 = (1000 * took[int(len(took) * share)] for share in (0.5, 0.99))
    rate = len(took) / (now - began - WARM)
    print(json.dumps({"rate": rate, "p50": p50, "p99": p99, "all": total}))


def whole(data: bytes) -> bool:
    """Whether an answer has come; anything but 200 ends the client."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"refused: {data[:300]!r}")
    return len(rest) >= int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def install(factory: Path, folder: Path, name: str) -> Path:
    """An environment with what the factory needs to serve, and a framework; its programs."""
    programs, uv = folder / name / "bin", SCRIPTS / "uv"
    if not programs.exists():
        run(uv, "venv", "--quiet", "--python", sys.executable, folder / name, cwd=folder)
    wanted = [name] if name in PROGRAMS else []
    python = ("--python", programs / "python")
    run(uv, "pip", "install", "--quiet", *python, factory, *wanted, cwd=folder)
    return programs


def setup(factory: Path, folder: Path) -> list[Server]:
    """The servers, not yet started."""
    package = next(p.parent.parent.name for p in factory.glob("src/*/online/app.py"))
    work = Path(tempfile.mkdtemp(prefix="bench-serve-"))
    text = SCORER.format(package=package, model=factory / "models/model")
    (work / "scorer.py").write_text(text)
    for name, program in PROGRAMS.items():
        (work / f"{name}_server.py").write_text(program)
    own, bento, lit, flow = (
        install(factory, folder, name) for name in ("own", "bentoml", "litserve", "mlflow")
    )
    run(flow / "python", "-c", SAVE, cwd=work)
    serve = f"{own}/factory serve --port 8191".split()
    row = example(serve, factory, 8191)
    plain, named = json.dumps(row).encode(), json.dumps({"row": row}).encode()
    listed = json.dumps({"inputs": [row]}).encode()
    of_bento = f"{bento}/bentoml serve bentoml_server:Service -p 8193 -q".split()
    of_flow = f"{flow}/mlflow models serve -m saved -p 8195 --env-manager local --workers 1".split()
    of_lit = f"{lit}/python litserve_server.py 8194".split()
    bare = f"{own}/python bare_server.py 8192".split()
    path = "/predict"
    return [
        Server("bare FastAPI", bare, work, 8192, path, plain),
        Server("factory serve", serve, factory, 8191, path, plain),
        Server(title(bento, "BentoML"), of_bento, work, 8193, path, named),
        Server(title(lit, "LitServe"), of_lit, work, 8194, path, plain),
        Server(title(flow, "MLflow"), of_flow, work, 8195, "/invocations", listed),
    ]


def run(*argv: str | Path, cwd: Path) -> str:
    """What a program printed."""
    env = environment(Path(argv[0]).parent)
    done = subprocess.run(argv, cwd=cwd, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def title(programs: Path, name: str) -> str:
    """A framework with its version."""
    code = f"from importlib.metadata import version; print(version({name!r}))"
    return f"{name} {run(programs / 'python', '-c', code, cwd=programs).strip()}"


def example(argv: list[str], factory: Path, port: int) -> Any:
    """The row that the service's own document gives as an example."""
    with subprocess.Popen(argv, cwd=factory, env=environment(), stderr=subprocess.DEVNULL) as run:
        try:
            for _ in range(10 * PATIENCE):
                try:
                    url = f"http://127.0.0.1:{port}/openapi.json"
                    document = json.load(urllib.request.urlopen(url))
                    return document["components"]["schemas"]["Row"]["examples"][0]
                except OSError:
                    time.sleep(0.1)
        finally:
            run.terminate()
    raise SystemExit("the service does not start")


def compared(form: str, one: list[float], bare: list[float]) -> str:
    """The median, and the median of the ratios within each round with the middle half of them."""
    ratios = [a / b for a, b in zip(one, bare, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{form.format(statistics.median(one))} | {middle:.2f} ({low:.2f}-{high:.2f})"


def tell(servers: list[Server]) -> None:
    """The tables, in Markdown."""
    bare = servers[0]
    for n in CONNECTIONS:
        print(f"\n| {n} connection{'s' * (n > 1)} | requests/s | of bare | p50 ms", end="")
        print(" | p99 ms | of bare | CPU ms | of bare |\n|---|--:|--:|--:|--:|--:|--:|--:|")
        for one in servers:
            rates = compared("{:,.0f}", one.rate[n], bare.rate[n])
            slow = compared("{:.2f}", one.p99[n], bare.p99[n])
            used = compared("{:.2f}", one.cpu[n], bare.cpu[n])
            print(
                f"| {one.name} | {rates} | {statistics.median(one.p50[n]):.2f} | {slow} | {used} |"
            )
    print("\n| start | seconds | of bare |\n|---|--:|--:|")
    for one in servers:
        print(f"| {one.name} | {compared('{:.2f}', one.start, bare.start)} |")


def main() -> None:
    if sys.argv[1:2] == ["--client"]:
        client(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("factory", type=Path)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--keep", type=Path, default=None)
    parser.add_argument("--only", type=int, default=5, help="so many of the servers")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp(prefix="bench-serve-"))
    servers = setup(asked.factory.resolve(), folder.resolve())[: asked.only]
    for turn in range(asked.starts + 1):
        for server in servers:
            with server.running():
                pass
            if not turn:  # what is compiled at the first start
                server.start.clear()
    with ExitStack() as stack:
        running = [(one, stack.enter_context(one.running())) for one in servers]
        for server in servers:
            server.start.pop()  # beside others that start
        for turn in range(asked.rounds):
            for connections in CONNECTIONS:
                for k in range(len(running)):
                    server, pid = running[(k + turn) % len(running)]
                    server.measure(pid, connections, asked.seconds)
                print(f"round {turn + 1}, {connections}", file=sys.stderr)
    tell(servers)


if __name__ == "__main__":
    main()
