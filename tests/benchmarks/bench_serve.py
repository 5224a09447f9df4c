"""A factory's service against a bare FastAPI that has the same model, features and encoder.

    .venv/bin/python tests/benchmarks/bench_serve.py FACTORY [--seconds 3] [--rounds 5]

FACTORY is a trained factory made with `--serving online`, whose features are columns as they are
and not sensitive. Both servers run at the same time and
are asked in turns, with the same rows, so that what else the machine does meets both. The bare one
validates, counts, logs and limits nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

BARE = """
import sys
from datetime import date
from pathlib import Path

import numpy as np
import uvicorn
from fastapi import FastAPI, Request

from {package}.model import load, predict
from {package}.signature import load_signature

NAN = float("nan")


def encoder_of(feature):
    if feature.role == "categorical":
        codes = {{name: float(code) for code, name in enumerate(feature.categories)}}
        codes[None] = float(len(codes))
        return lambda value: codes.get(value, -1.0)
    return lambda value: NAN if value is None else float(value)


folder = Path("models/model")
model, signature = load(folder), load_signature(folder)
encoders = [(f.name, encoder_of(f)) for f in signature.features]
dates = [f.name for f in signature.features if f.dtype == "date"]
first = date(1970, 1, 1).toordinal()
app = FastAPI()


@app.post("/predict")
async def answer(request: Request):
    row = await request.json()
    for name in dates:
        row[name] = date.fromisoformat(row[name]).toordinal() - first
    x = np.array([[put(row[name]) for name, put in encoders]])
    p = predict(model, x)[0]
    if signature.task == "binary":
        shares = [1 - p, p]
        called = signature.classes[int(p >= signature.threshold)]
    elif signature.task == "multiclass":
        shares, called = p, signature.classes[p.argmax()]
    else:
        return {{"prediction": float(p)}}
    return {{
        "prediction": called,
        "probabilities": {{n: float(s) for n, s in zip(signature.classes, shares)}},
    }}


uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
"""


@dataclass
class Server:
    """A running server, and what was measured of it."""

    name: str
    argv: list[str]
    port: int
    start: list[float] = field(default_factory=list)
    rate: dict[int, list[float]] = field(default_factory=lambda: {1: [], 8: []})
    p99: dict[int, list[float]] = field(default_factory=lambda: {1: [], 8: []})
    cpu: dict[int, list[float]] = field(default_factory=lambda: {1: [], 8: []})
    pid: int = 0

    def run(self, folder: Path, body: bytes) -> subprocess.Popen[bytes]:
        """Start it; it is ready when it has answered."""
        began = time.perf_counter()
        with Path(f"/tmp/bench-{self.name}.log").open("wb") as log:
            process = subprocess.Popen(self.argv, cwd=folder, stderr=log, stdout=log)
        while True:
            try:
                ask(self.port, body, 1)
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{self.name} ended: /tmp/bench-{self.name}.log") from None
                time.sleep(0.01)
            except AssertionError:
                process.kill()
                raise
        self.start.append(time.perf_counter() - began)
        self.pid = process.pid
        return process

    def used(self) -> float:
        """Milliseconds of CPU so far: what others do on the machine does not count."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def request(body: bytes) -> bytes:
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"  # noqa: E501
    return head.encode() + body


def ask(port: int, body: bytes, times: int, until: float = 0) -> list[float]:
    """Seconds that each answer took, on one connection."""
    message, took = request(body), []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while len(took) < times or time.perf_counter() < until:
            began = time.perf_counter()
            connection.sendall(message)
            read_answer(connection)
            took.append(time.perf_counter() - began)
    return took


def read_answer(connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536) or b"\r\n\r\n"
    head, _, rest = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), data
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(rest) < length:
        rest += connection.recv(65536)


def measure(server: Server, body: bytes, connections: int, seconds: float) -> None:
    took: list[float] = []
    before = server.used()
    began = time.perf_counter()
    work = [
        threading.Thread(target=lambda: took.extend(ask(server.port, body, 0, began + seconds)))
        for _ in range(connections)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    server.rate[connections].append(len(took) / (time.perf_counter() - began))
    server.cpu[connections].append((server.used() - before) / len(took))
    server.p99[connections].append(sorted(took)[int(len(took) * 0.99)] * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("factory", type=Path)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    programs = asked.factory.resolve() / ".venv/bin"
    package = next(p.parent.parent.name for p in asked.factory.glob("src/*/online/app.py"))
    bare = [str(programs / "python"), "-c", BARE.format(package=package), "8191"]
    servers = [
        Server("bare", bare, 8191),
        Server("service", [str(programs / "factory"), "serve", "--port", "8192"], 8192),
    ]
    body = example(asked.factory, servers[1])
    for _ in range(3):
        for server in servers:
            process = server.run(asked.factory, body)
            process.terminate()
            process.wait()
    running = [server.run(asked.factory, body) for server in servers]
    try:
        for _ in range(asked.rounds):
            for connections in (1, 8):
                for server in servers:
                    measure(server, body, connections, asked.seconds)
    finally:
        for process in running:
            process.terminate()
    tell(servers)


def example(factory: Path, service: Server) -> bytes:
    """The row that the service's own document gives as an example."""
    process = subprocess.Popen(service.argv, cwd=factory, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                url = f"http://127.0.0.1:{service.port}/openapi.json"
                with urllib.request.urlopen(url) as found:
                    document = json.load(found)
                break
            except OSError:
                time.sleep(0.1)
    finally:
        process.terminate()
        process.wait()
    return json.dumps(document["components"]["schemas"]["Row"]["examples"][0]).encode()


def tell(servers: list[Server]) -> None:
    """Medians, and the medians of the ratios within each round."""
    bare, service = servers
    for server in servers:
        print(f"{server.name:8} ready after {statistics.median(server.start):.2f} s", end="")
        for n in (1, 8):
            rate, p99 = statistics.median(server.rate[n]), statistics.median(server.p99[n])
            cpu = statistics.median(server.cpu[n])
            told = f"{rate:6.0f} requests/s, p99 {p99:.2f} ms, CPU {cpu:.3f} ms each"
            print(f"; {n} connection(s): {told}", end="")
        print()
    for n in (1, 8):
        rates = [a / b for a, b in zip(service.rate[n], bare.rate[n], strict=True)]
        used = [a / b for a, b in zip(service.cpu[n], bare.cpu[n], strict=True)]
        slow = [a / b for a, b in zip(service.p99[n], bare.p99[n], strict=True)]
        print(
            f"{n} connection(s): {statistics.median(rates):.2f} of the bare requests/s "
            f"({min(rates):.2f} to {max(rates):.2f}), p99 {statistics.median(slow):.2f} times, "
            f"CPU {statistics.median(used):.2f} times"
        )
    start = statistics.median(service.start) / statistics.median(bare.start)
    print(f"start: {start:.2f} times the bare one")


if __name__ == "__main__":
    sys.exit(main())
