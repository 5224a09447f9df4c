"""Make the pictures of README.md anew, from a real factory: report, monitor and simulation.

    .venv/bin/python tests/pictures.py [report] [monitor] [simulation]

It takes some minutes, and a Chromium.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs/pictures"
SAMPLE = ROOT / "generator/mlfactory/new/samples/penguins.csv"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars")  # fmt: skip
SIZE = "1000,760"  # pixels


def main(names: list[str]) -> None:
    """Make the pictures of these names, or all."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        sys.exit("no Chromium on this machine: apt-get install chromium")
    PICTURES.mkdir(exist_ok=True)
    with TemporaryDirectory() as scratch:
        place = Path(scratch)
        factory = place / "penguins"
        run(*program(), "new", factory, "--data", SAMPLE, "--target", "sex", "--defaults")
        for name in names or [*PAGES]:
            picture = f"--screenshot={PICTURES / name}.png"
            profile = f"--user-data-dir={place / 'profile'}"
            page = PAGES[name](factory)
            run(browser, *QUIET, profile, f"--window-size={SIZE}", picture, page.as_uri())


def report(factory: Path) -> Path:
    return factory / "reports/report.html"


def monitor(factory: Path) -> Path:
    """Of penguins that are heavier than those it has learned from."""
    heavy = pl.read_csv(SAMPLE).filter(pl.col("body_mass_g") > pl.col("body_mass_g").median())
    heavy.write_csv(factory / "heavy.csv")
    page = factory.parent / "monitor.html"
    argv = ("monitor", "--current", "heavy.csv", "--html", page)
    run(factory / ".venv/bin/factory", *argv, cwd=factory, codes=(0, 4))
    return page


def simulation(factory: Path) -> Path:
    page = factory.parent / "simulation.html"
    run(*program(), "simulate", factory, "--html", page, codes=(0, 4))
    return page


PAGES = {"report": report, "monitor": monitor, "simulation": simulation}


def program() -> tuple[str, ...]:
    return (sys.executable, "-m", "mlfactory")


def run(*argv: object, cwd: Path | None = None, codes: tuple[int, ...] = (0,)) -> None:
    words = [str(word) for word in argv]
    code = subprocess.run(words, cwd=cwd, env={**os.environ, "PAGER": "cat"}).returncode
    if code not in codes:
        sys.exit(f"{' '.join(words)} ended with {code}")


if __name__ == "__main__":
    main(sys.argv[1:])
