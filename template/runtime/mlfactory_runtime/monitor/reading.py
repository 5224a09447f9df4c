"""What the model saw, said and got right: counted from the prediction log, or from a file."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ..data.computed import featured
from ..data.contract import read_rows
from ..data.rows import key_text, missing_as_null, parse
from ..errors import FactoryError
from ..git import tries
from ..learn.draws import Draws, dated, independent, places_of, values_of
from ..learn.metrics import Expected, expected, primary, row_losses
from ..learn.profile import PROFILE
from ..learn.signature import Signature, encode, load_signature, refusals
from ..learn.split import entity_key
from ..learn.within import labels
from ..log.labels import read_log
from ..log.veil import veil
from ..project import LOCK, MODEL, Project
from ..records.profile import Profile
from ..records.record import read
from ..registry.artifact import SIGNATURE, version
from ..registry.resolve import Registered, on_stage, resolve
from ..registry.tags import stages
from ..settings.catalog import Catalog
from ..settings.params import Params
from ..tables.read import read_batches
from .entities import Entities, hashed, questions
from .parts import Covered
from .seasons import Times
from .statistics import Array, Tally, tally
from .window import Window

FEATURES = "features.py"
SIZE, SCORED = 250_000, 2500
SECRET = "it is sensitive, and the log holds a keyed hash of it, or nothing"  # noqa: S105
ABSENT = "its version's features.py computes it, and the log holds it of batches only"


@dataclass(frozen=True)
class Watched:
    """The model in production, with the settings, catalog and profile that belong to it."""

    label: str
    commit: str | None
    home: Project  # where it is watched
    project: Project  # where it was made
    folder: Path
    version: str
    params: Params
    catalog: Catalog
    signature: Signature
    profile: Profile
    since: datetime | None = None  # in production, else here

    @property
    def foreign(self) -> bool:
        """Whether its features are computed by other code than that at hand."""
        own, here = (one.source / FEATURES for one in (self.project, self.home))
        return own.read_bytes() != here.read_bytes()

    def of(self, **sections: Any) -> "Watched":
        """The same with other settings."""
        return replace(self, params=self.params.model_copy(update=sections))


@dataclass
class Seen:
    """Rows by feature and score, what scores promise, those with outcomes, and the other rows.

    Scores with one key are of one entity; without a key each is of its own.
    """

    features: dict[str, Tally] = field(default_factory=dict)
    within: dict[tuple[str, ...], Tally] = field(default_factory=dict)  # column, group, feature
    scores: list[Tally] = field(default_factory=list)
    expected: Expected | None = None
    whom: Entities = field(default_factory=Entities)
    questions: Entities = field(default_factory=Entities)  # an entity with its values, at its date
    y: list[Array] = field(default_factory=list)  # of rows with an outcome, as are the next three
    p: list[Array] = field(default_factory=list)
    keys: list[pl.Series] = field(default_factory=list)
    moments: list[pl.Series] = field(default_factory=list)
    covered: Covered = field(default_factory=Covered)
    rows: int = 0
    times: Times = field(default_factory=Times)
    outside: Counter[str] = field(default_factory=Counter)  # of features known in advance
    invalid: int | None = None
    others: Counter[str] = field(default_factory=Counter)
    hidden: dict[str, str] = field(default_factory=dict)

    @property
    def labelled(self) -> int:
        """How many rows have an outcome."""
        return sum(map(len, self.y))

    def outcomes(self, watched: Watched) -> tuple[Array, Array, Draws]:
        """Outcomes and scores of these, and what they came in, told as for the verdict."""
        if not self.labelled:
            return np.empty(0), np.empty(0), Draws(np.empty(0, dtype=np.int64))
        y, p, params = np.concatenate(self.y), np.concatenate(self.p), watched.params
        moments = pl.concat(self.moments) if self.moments else unknown(y)
        if late := dated(moments, watched.signature.split, params):
            metric = primary(watched.signature.task, params.model)
            return y, p, independent(late, row_losses(metric, y, p))
        keys = pl.concat(self.keys)
        own = pl.int_range(keys.len(), dtype=pl.UInt64, eager=True)
        names = entity_key(params, watched.catalog)
        units = Draws(places_of(keys.fill_null(own)), values_of(names))
        return y, p, replace(units, what="rows") if units.is_single else units

    def count(
        self,
        frame: pl.DataFrame,
        watched: Watched,
        moments: pl.Series | None = None,
        labelled: pl.Series | None = None,
    ) -> None:
        """Add rows of features, and the moments that they are about, where these are known; `known`
        says of which the outcome is.
        """
        self.rows += frame.height
        if moments is not None:
            self.times.count(moments)
        self.count_outside(frame, watched)
        for one in watched.signature.features:
            if one.name not in self.hidden:
                counted = tally(frame[one.name], watched.profile.features[one.name], one.salt)
                self.features[one.name] = _sum(self.features.get(one.name), counted)
        self.count_within(frame, watched)
        if labelled is not None:
            self.count_covered(frame.filter(labelled), watched)

    def count_covered(self, frame: pl.DataFrame, watched: Watched) -> None:
        """Add rows whose outcome is known."""
        salts = {f.name: f.salt for f in watched.signature.features if f.name in self.features}
        references = {name: (watched.profile.features[name], salt) for name, salt in salts.items()}
        self.covered.count(frame, references)

    def count_outside(self, frame: pl.DataFrame, watched: Watched) -> None:
        """Add values of what is known in advance that lie outside of what is expected."""
        for name, column in watched.catalog.columns.items():
            low, high = column.span
            if not column.ahead or name not in frame.columns or not frame[name].dtype.is_numeric():
                continue
            ends = -inf if low is None else low, inf if high is None else high
            self.outside[name] += int((~frame[name].is_between(*ends)).sum())

    def count_within(self, frame: pl.DataFrame, watched: Watched) -> None:
        """Add rows of features by the groups that the profile knows."""
        references = watched.profile.features
        salts = {one.name: one.salt for one in watched.signature.features}
        for column, groups in watched.profile.segments.items():
            if column in self.hidden:
                continue
            own = labels(frame[column], references[column])
            for group, features in groups.items():
                rows = frame.filter(own == group)
                for name in features.keys() - self.hidden.keys():
                    place = column, group, name
                    counted = tally(rows[name], references[name], salts[name])
                    self.within[place] = _sum(self.within.get(place), counted)

    def score(
        self,
        p: Array,
        outcomes: pl.Series,
        keys: pl.Series,
        watched: Watched,
        moments: pl.Series | None = None,
    ) -> None:
        """Add scores, what came of them, and whom and when they are about."""
        signature, references = watched.signature, watched.profile.predictions
        if signature.classes:
            codes = {name: float(code) for code, name in enumerate(signature.classes)}
            text = outcomes.cast(pl.String)
            outcomes = text.replace_strict(codes, default=None, return_dtype=pl.Float64)
        y, hashes = outcomes.cast(pl.Float64).fill_null(float("nan")).to_numpy(), hashed(keys)
        self.y.append(y[~np.isnan(y)])
        self.p.append(p[~np.isnan(y)])
        if len(self.p[-1]):
            self.covered.score(self.p[-1], tuple(references))
        there = pl.Series(~np.isnan(y))
        self.keys.append(hashes.filter(there))
        self.moments.append((unknown(there) if moments is None else moments).filter(there))
        self.whom = self.whom.with_more(hashes)
        promise = expected(signature.task, p, signature.threshold or 0.5)
        self.expected = self.expected + promise if self.expected else promise
        columns = pl.DataFrame(p.reshape(len(p), -1)).get_columns()
        counted = [tally(column, one) for column, one in zip(columns, references, strict=True)]
        self.scores = list(map(_sum, self.scores, counted)) if self.scores else counted


def _sum(before: Tally | None, counted: Tally) -> Tally:
    return before + counted if before else counted


def production(project: Project) -> Watched:
    """The version in prod, else the model at hand; each is watched with the settings of today.

    Raises FactoryError if it has no profile that can be compared with.
    """
    in_git = tries(project.root, "rev-parse", "--git-dir")
    model = (on_stage(project, "prod") if in_git else None) or resolve(project, MODEL.as_posix())
    label = f"{model.version} in prod" if model.version else f"{MODEL}, nothing is in prod"
    file, own = model.model / PROFILE, project.params
    profile = read(Profile, file)
    if profile is None or profile.format == 1:
        message = f"{project.relative(file)} is not there, or of an older form"
        raise FactoryError(message, "train the model with the code of today: dvc repro")
    home, signature = model.project, load_signature(model.model)
    names = home.catalog.columns.keys() | home.catalog.derived.keys()
    if absent := [one.name for one in signature.features if one.name not in names]:
        raise FactoryError(f"the catalog lacks {absent[0]!r}, which the model needs", "dvc repro")
    watched = Watched(
        label, model.commit, project, home, model.model, version(model.model), home.params,
        home.catalog, signature, profile, since(project, model),
    )  # fmt: skip
    return watched.of(log=own.log, monitor=own.monitor, gate=own.gate)


def since(project: Project, model: Registered) -> datetime:
    """Since when a model is in production, or of one that is at hand since when it is here."""
    if model.version:
        return stages(project)["prod"].since
    listing = ("log", "-1", "--format=%cI", "HEAD", "--", str(LOCK))
    committed = tries(project.root, *listing)
    if committed and not tries(project.root, "status", "--porcelain", "--", str(LOCK)):
        return datetime.fromisoformat(committed)
    return datetime.fromtimestamp((model.model / SIGNATURE).stat().st_mtime, UTC)


def from_log(window: Window, watched: Watched) -> Seen:
    """What the log holds of a window; predictions of other models are counted only."""
    params, catalog, signature = watched.params, watched.catalog, watched.signature
    secret = {name for name, hides in veil(params, catalog, signature).features.items() if hides}
    sample = Seen(hidden={f.name: SECRET for f in signature.features if f.name in secret})
    key = "prediction" if signature.task == "regression" else "probabilities"
    whom = ["entity"] if params.data.id and entity_key(params, catalog) else []
    names = ("model", "time", "row_time", "features", key, "outcome", *whom)
    for rows in read_log((window.begin, window.end), params, catalog, signature, names):
        sample.others.update(dict(rows["model"].value_counts().iter_rows()))
        own = rows.filter(model=watched.version)
        if own.height:
            frame = completed(own["features"].struct.unnest(), sample, watched)
            moments = own["row_time"].fill_null(own["time"].dt.replace_time_zone(None))
            sample.count(frame, watched, moments, own["outcome"].is_not_null())
            sample.questions = sample.questions.with_more(questions(own, frame))
            keys = keys_in_log(own, watched)
            sample.score(scores(own, signature), own["outcome"], keys, watched, moments)
    sample.others.pop(watched.version, None)
    return sample


def keys_in_log(rows: pl.DataFrame, watched: Watched) -> pl.Series:
    """Whom predictions are about, by the group or the identifier; null where the log lacks it."""
    features, names = rows["features"].struct.unnest(), list(watched.params.split.groups)
    if names and set(names) <= {*features.columns}:
        return key_text(features, names)
    return rows["entity"] if "entity" in rows.columns else unknown(rows)


def keys_in_file(raw: pl.DataFrame, watched: Watched) -> pl.Series:
    """The same for rows of a file."""
    names = entity_key(watched.params, watched.catalog)
    return key_text(raw, names) if names and set(names) <= {*raw.columns} else unknown(raw)


def unknown(rows: pl.DataFrame | pl.Series | Array) -> pl.Series:
    """No key, and no moment, for any of the rows."""
    return pl.Series([None], dtype=pl.String).new_from_index(0, len(rows))


def completed(frame: pl.DataFrame, sample: Seen, watched: Watched) -> pl.DataFrame:
    """The features, with those computed that the log lacks because a service did not write them."""
    derived = [name for name in watched.catalog.derived if name not in sample.hidden]
    absent = [name for name in derived if frame[name].null_count() == frame.height]
    if not absent:
        return frame
    if watched.foreign:
        sample.hidden |= dict.fromkeys(absent, ABSENT)
        return frame
    inputs = list(watched.catalog.inputs(watched.params))
    features = featured(frame.select(inputs), absent, watched.home.compute)
    return frame.with_columns(features.select(absent))


def scores(rows: pl.DataFrame, signature: Signature) -> Array:
    """What was predicted, in the form in which models predict."""
    if signature.task == "regression":
        return rows["prediction"].to_numpy()
    shares = rows["probabilities"].struct.unnest().select(signature.classes).to_numpy()
    return shares[:, 1] if signature.task == "binary" else shares


def from_file(path: Path, watched: Watched) -> Seen:
    """What a file holds. Of each batch all rows are scored where outcomes are known, else some,
    evenly spread.
    """
    params, sample = watched.params, Seen(invalid=0)
    names = [feature.name for feature in watched.signature.features]
    inputs, estimator = watched.catalog.inputs(params), watched.home.estimator
    model = estimator.load(watched.folder)
    if watched.foreign:
        message = f"features.py is not that of {watched.label}, so its features cannot be computed"
        raise FactoryError(message, f"git checkout {watched.commit}, and look at the file there")
    for raw in read_batches(path, params.data, SIZE):
        rows, cases = read_rows(raw, inputs, params.data)
        frame = featured(rows, names, watched.home.compute).select(names)
        sample.invalid = (sample.invalid or 0) + cases["row"].n_unique()
        time = params.data.time
        dated = time in raw.columns and time in watched.catalog.columns
        moments = column_of(raw, time, watched) if time and dated else None
        results = outcomes(raw, watched)
        sample.count(frame, watched, moments, results.is_not_null())
        step = max(raw.height // SCORED, 1) if results.null_count() == raw.height else 1
        some = pl.int_range(raw.height, eager=True).gather_every(step)
        fit = refusals(frame[some], watched.signature.features).is_null()
        some = some.filter(fit & ~some.is_in(cases["row"].implode()))
        if some.len():
            p = estimator.predict(model, encode(frame[some], watched.signature.features))
            keys = keys_in_file(raw[some], watched)
            then = None if moments is None else moments[some]
            sample.score(np.asarray(p), results[some], keys, watched, then)
    return sample


def outcomes(raw: pl.DataFrame, watched: Watched) -> pl.Series:
    """The values of the target, null where the file does not tell."""
    target, columns = watched.signature.target, watched.catalog.columns
    if target not in raw.columns or target not in columns:
        return pl.Series([None], dtype=pl.Float64).new_from_index(0, raw.height)
    return column_of(raw, target, watched)


def column_of(raw: pl.DataFrame, name: str, watched: Watched) -> pl.Series:
    """The values of a column that a file has, null where they cannot be read."""
    own = {name: watched.catalog.columns[name]}
    return parse(missing_as_null(raw.select(name), watched.params.data, own), own)[name]
