"""`factory compare`: two models on the same rows, which neither of them has learned from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from ..data.computed import featured
from ..data.contract import read_rows
from ..data.own import SIDE
from ..data.rows import key_text
from ..errors import FactoryError
from ..languages import writing_in
from ..learn.copies import copies
from ..learn.draws import Draws, draws, independent
from ..learn.groups import grouped
from ..learn.insight import check_segments
from ..learn.looks import looks, looks_text
from ..learn.manifest import measured as measured_of
from ..learn.metrics import primary, row_losses
from ..learn.signature import Signature, load_signature
from ..learn.split import by_hash, split_key
from ..project import COMPARISON, PARAMS, Project
from ..records.comparison import Comparison, Model
from ..records.record import write
from ..registry.artifact import version
from ..registry.hand_over import run
from ..registry.resolve import Registered, resolve
from ..report.pages import render
from ..scratch import temporary
from ..settings.catalog import Catalog
from ..settings.params import Params, params_hash
from ..tables.read import column_names, read_batches
from .judge import Compared, Group, Judgement, judge

PAGE = COMPARISON.with_suffix(".md")
NUMBER = "__row__"
STATES = {
    "kept": "not worse by the margin",
    "open": "too few rows to be sure",
    "worse": "surely worse by more than the margin",
    "unseen": "unseen: too few rows, or the metric is not defined",
}


@dataclass(frozen=True)
class Side:
    """A model with the settings that decided on what it has learned from."""

    model: Registered
    signature: Signature
    params: Params

    @property
    def by(self) -> list[str]:
        """The columns that decide on which side of its split a row is, as far as they are known."""
        if self.signature.split.kind == "own":
            return []
        by_time = self.signature.split.kind == "time"
        return [self.params.data.time or ""] if by_time else split_key(self.params)

    def held_out(self, raw: pl.DataFrame, rows: pl.DataFrame, catalog: Catalog) -> pl.Series:
        """Which of the raw rows, typed in `rows`, it has not learned from."""
        if cutoff := self.signature.split.cutoff:
            return rows[self.by[0]].cast(pl.Datetime("us")) > datetime.fromisoformat(cutoff)
        return by_hash(key_text(raw, self.by, catalog.columns), self.params.split) == 2

    def as_model(self) -> Model:
        """What the record says of it."""
        own = self.model
        return Model(
            label=own.label, version=own.version, commit=own.commit, model=version(own.model)
        )


def compare(project: Project, a: Registered | str, b: Registered | str) -> Comparison:
    """The verdict on B, with A as what it is measured by; also written to reports/comparison.*."""
    return keep(project, measured(project, a, b))


def keep(project: Project, record: Comparison) -> Comparison:
    """Write a verdict for programs and for people."""
    write(project.root / COMPARISON, record)
    (project.root / PAGE).write_text(page(project, record), "utf-8", newline="\n")
    return record


def page(project: Project, record: Comparison) -> str:
    """The verdict for people, as Markdown."""
    content = dict(record) | {"states": STATES, "looks_text": looks_text}
    with writing_in(project.params.report.language):
        return render(project, PAGE.name, content)


def measured(project: Project, a: Registered | str, b: Registered | str) -> Comparison:
    """The same, and nothing is written."""
    params, catalog = project.params, project.catalog
    check_segments(catalog, params)
    if params.gate.window and (params.gate.time or params.data.time) not in catalog.columns:
        hint = "name a column of features.yaml in gate.time, or set gate.window to null"
        raise FactoryError("gate.window is set, and no column dates the rows", hint)
    models = [resolve(project, one) if isinstance(one, str) else one for one in (a, b)]
    sides = [side_of(model) for model in models]
    rows, left_out, judgement = compared(project, sides)
    return Comparison(
        a=sides[0].as_model(),
        b=sides[1].as_model(),
        metric=params.gate.metric or primary(sides[1].signature.task, params.model),
        a_metrics=judgement.a_metrics,
        b_metrics=judgement.b_metrics,
        rows=rows,
        left_out=left_out,
        segments=judgement.segments,
        margin=judgement.margin,
        difference=judgement.difference,
        verdict=judgement.verdict,
        reason=judgement.reason,
        looks=looks(project),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def side_of(model: Registered) -> Side:
    """A model and its settings. FactoryError if those of the work tree are not its own any more."""
    signature, params = load_signature(model.model), model.project.params
    if model.commit is None and signature.provenance.get("params") != params_hash(params):
        message = f"{model.label} was not trained with the settings that now stand in {PARAMS}"
        raise FactoryError(message, "dvc repro")
    code = signature.split.code
    if model.commit is None and code and code != model.project.split_code:
        why = f"{model.label} was not trained with the split.py that is here now"
        raise FactoryError(why, "dvc repro")
    return Side(model, signature, params)


def compared(project: Project, sides: Sequence[Side]) -> tuple[int, int, Judgement]:
    """How many rows were compared, how many were left out, and the verdict."""
    params, catalog = project.params, project.catalog
    if why := unlike(sides, column_names(project.raw, params.data), catalog):
        return 0, 0, Judgement("undecided", why)
    try:
        own = [own_holdout(project, side) for side in sides]
    except FactoryError as error:  # a split.py asks for what the data have no more
        return 0, 0, Judgement("undecided", error.message)
    raw, rows = new_to_both(project, sides, own)
    if not raw.height:
        why = "no row with a known target is new to both: their splits share no holdout"
        return 0, 0, Judgement("undecided", why)
    try:
        scored, groups = score(project, sides, raw, rows)
    except FactoryError as error:  # one of them cannot make anything of what comes in today
        return 0, 0, Judgement("undecided", error.message)
    return len(scored.y), raw.height - len(scored.y), judge(scored, groups, params, project.metrics)


def unlike(sides: Sequence[Side], names: list[str], catalog: Catalog) -> str:
    """Why the two cannot be compared; empty if they can."""
    a, b = (side.signature for side in sides)
    if a.target != b.target:
        return f"one predicts {a.target!r}, the other {b.target!r}"
    if "regression" in (a.task, b.task) and a.task != b.task:
        return f"one is for {a.task}, the other for {b.task}"
    for side in sides:
        if gaps := [n for n in side.by if n not in names or n not in catalog.columns]:
            return f"{side.model.label} held rows out by {gaps[0]!r}, and the data have it no more"
    return ""


def new_to_both(
    project: Project, sides: Sequence[Side], own: Sequence[pl.Series | None] = (None, None)
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that neither has learned from and whose target is known, as they are and typed.

    `own` says of all rows which a side held out, where its own split.py decided.
    """
    params, catalog, parts, start = project.params, project.catalog, [], 0
    for raw in read_batches(project.raw, params.data):
        columns = {name: c for name, c in catalog.columns.items() if name in raw.columns}
        rows, _ = read_rows(raw, columns, params.data)
        labelled, some = rows[params.data.target].is_not_null(), slice(start, start + raw.height)
        for side, own_rows in zip(sides, own, strict=True):
            labelled &= side.held_out(raw, rows, catalog) if own_rows is None else own_rows[some]
        start += raw.height
        parts.append((raw.filter(labelled), rows.filter(labelled)))
    if not parts:
        raise FactoryError(f"{params.data.path} holds no row", "deliver the data again")
    raw, rows = (pl.concat(part, how="vertical_relaxed") for part in zip(*parts, strict=True))
    if not params.gate.window:
        return raw, rows
    moment = rows[params.gate.time or params.data.time or ""].cast(pl.Datetime("us"))
    late = moment > pl.lit(moment.max()) - timedelta(days=params.gate.window)
    places = pl.select(late).to_series()
    return raw.filter(places), rows.filter(places)


def own_holdout(project: Project, side: Side) -> pl.Series | None:
    """Which of all raw rows a side's own split.py holds out, by its own commit's code and packages.

    None where none has decided.
    """
    if side.signature.split.kind != "own":
        return None
    with temporary() as folder:
        parts, source, target = (folder / name for name in ("parts", "rows.parquet", "sides"))
        parts.mkdir()
        for number, raw in enumerate(read_batches(project.raw, project.params.data)):
            raw.write_parquet(parts / f"{number:06}.parquet")
        pl.scan_parquet(parts / "*.parquet").sink_parquet(source)
        outcome = run(project, side.model, ["sides", str(source), str(target)])
        if outcome.returncode:
            why = reason_of(outcome.stderr)
            raise FactoryError(f"{side.model.label} cannot split the rows: {why}")
        return pl.read_parquet(target)[SIDE] == 2


def reason_of(stderr: str) -> str:
    """Why a command failed, in its last words."""
    lines = [line for line in stderr.splitlines() if line.startswith("error: ")]
    return (lines or stderr.splitlines() or ["it says nothing"])[-1].removeprefix("error: ")


def score(
    project: Project, sides: Sequence[Side], raw: pl.DataFrame, rows: pl.DataFrame
) -> tuple[Compared, list[Group]]:
    """What both say of the rows that both can score, and groups of these.

    A class that one of them does not know has no chance there, which costs it dearly. So that this
    does not hide how it does otherwise, the rows of the classes that both know are a group, too.
    """
    labels = [side.signature.classes for side in sides]
    classes = tuple(dict.fromkeys([*labels[1], *labels[0]]))
    with temporary() as folder:
        source = folder / "rows.parquet"
        raw.with_row_index(NUMBER).write_parquet(source)
        a, b = (answers(project, side.model, source, raw.height, classes) for side in sides)
    return aligned(project, sides, rows, (a, b), classes)


def aligned(
    project: Project,
    sides: Sequence[Side],
    rows: pl.DataFrame,
    both: tuple[np.ndarray, np.ndarray],
    classes: Sequence[str],
) -> tuple[Compared, list[Group]]:
    """What two say of the rows, for those that both have an answer to."""
    params, (a, b) = project.params, both
    labels = [side.signature.classes for side in sides]
    target = rows[params.data.target]
    y = codes(target, classes) if classes else target.cast(pl.Float64).to_numpy()
    known_y, by_a, by_b = (~np.isnan(np.column_stack([part])).any(axis=1) for part in (y, a, b))
    usable, unanswered = known_y & by_a & by_b, int((known_y & by_a & ~by_b).sum())
    rows = rows.filter(usable)
    y, a, b = y[usable], a[usable], b[usable]
    task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
    groups = list(groups_of(project, rows))
    if set(labels[0]) != set(labels[1]):
        common = target.filter(usable).cast(pl.String).is_in([*{*labels[0]} & {*labels[1]}])
        groups.append(Group(target.name, "what both know", common.arg_true().to_numpy()))
    metric = primary(task, params.model)
    gain = row_losses(metric, y, a) - row_losses(metric, y, b)
    units = independent(unit_of(project, sides, rows), gain)
    return Compared(task, y, a, b, units.places, units.what, units.ordered, unanswered), groups


def unit_of(project: Project, sides: Sequence[Side], rows: pl.DataFrame) -> Draws:
    """What rows came in that both hold out: stretches of time where either holds the latest out."""
    by_time = [side for side in sides if side.signature.split.kind == "time"]
    side = (by_time or sides)[-1]
    same = copies(rows, project.catalog, side.params)
    return draws(rows, side.signature.split, side.params, same)


def answers(
    project: Project, model: Registered, source: Path, rows: int, classes: Sequence[str]
) -> np.ndarray:
    """What a model says by its own code, as metrics.py takes it; NaN for rows it cannot score.

    One that was fitted anew on all rows is asked as it was before, when it had not seen these.
    """
    table, refused = predictions(project, model, source)
    scored = np.ones(rows, dtype=bool)
    scored[refused] = False
    names = [f"probability_{name}" for name in classes] or ["prediction"]
    p = np.full((rows, len(names)), np.nan)
    if scored.any():
        p[scored] = 0
        for place, name in enumerate(names):
            if name in table.columns:
                p[scored, place] = table[name].to_numpy()
    return p if len(classes) > 2 else p[:, -1]


def predictions(
    project: Project, model: Registered, source: Path
) -> tuple[pl.DataFrame, np.ndarray]:
    """What a model's own code writes of the rows, and the numbers of those that it refuses.

    The folder is its own: another model may refuse other rows.
    """
    options = ["--model", str(measured_of(model.model)), "--no-log", "--max-invalid", "1"]
    with temporary() as folder:
        target, aside = folder / "answers.parquet", folder / "answers.quarantine.parquet"
        outcome = run(project, model, ["predict", str(source), str(target), *options])
        if outcome.returncode:
            raise FactoryError(f"{model.label} cannot score the rows: {reason_of(outcome.stderr)}")
        table, refused = (
            pl.read_parquet(file) if file.is_file() else pl.DataFrame({NUMBER: []})
            for file in (target, aside)
        )
        return table, refused[NUMBER].cast(pl.Int64).to_numpy()


def codes(target: pl.Series, classes: Sequence[str]) -> np.ndarray:
    """The place of each class; NaN for one that neither model knows."""
    places = {name: float(place) for place, name in enumerate(classes)}
    text = target.cast(pl.String)
    return text.replace_strict(places, default=float("nan"), return_dtype=pl.Float64).to_numpy()


def groups_of(project: Project, rows: pl.DataFrame) -> Iterator[Group]:
    """The groups of the columns that report.segments names."""
    params, catalog = project.params, project.catalog
    names, salt = params.report.segments, params.split.salt or params.data.target
    frame = featured(rows, names, project.compute) if names else rows
    for name in names:
        for label, places in grouped(frame[name], 4, catalog, salt):
            yield Group(name, label, places)
