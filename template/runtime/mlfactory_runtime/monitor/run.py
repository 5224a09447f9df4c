"""The monitor: what is found in the latest whole window, or in a file, and in windows before."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from ..errors import FactoryError
from ..learn.metrics import LOWER_IS_BETTER, PRIMARY
from ..log.store import EPOCH, engine_of
from ..project import Project
from ..tables.query import reason
from .drift import drift
from .history import History
from .operations import ages, traffic
from .performance import estimate, estimate_was, judged, observed, reference
from .reading import Seen, Watched, from_file, from_log, production
from .statistics import Told
from .verdict import Check, decided, verdict
from .window import Window, last_whole, length_of, stamp

BACK = 12  # so many windows before the latest are looked at again when outcomes arrive
WORST = ("alarm", "warning", "unknown", "ok")
REFUSED = "requests that were refused, and rows in quarantine: the log holds what was answered only"


def monitor(
    project: Project,
    window: str | None = None,
    current: Path | None = None,
    now: datetime | None = None,
) -> Told:
    """Compare the latest whole window of the log, or a file, with the model's profile."""
    watched, now = production(project), now or datetime.now(UTC)
    if current:
        return of_file(current, watched)
    try:
        return of_log(window or watched.params.monitor.window, watched, now)
    except sa.exc.SQLAlchemyError as error:
        told = reason(error, engine_of(watched.params.log).url)
        raise FactoryError(
            f"the log cannot be read: {told}", "look at log: in params.yaml"
        ) from error


def of_log(length: str, watched: Watched, now: datetime) -> Told:
    """The latest whole window, after those before it."""
    span = last_whole(length_of(length), now)
    history = History(watched, span)
    for back in range(BACK, 0, -1):
        catch_up(history, watched, span.earlier(back))
    made = of_window(history, watched, span, now)
    made["window"]["length"] = length
    return made | {"history": history.records(all_models=True)}


def of_file(current: Path, watched: Watched) -> Told:
    """One look at a file: there is no history, so what is bad rings."""
    once = watched.params.monitor.model_copy(update={"windows": 1, "breaches": 1})
    watched = watched.of(monitor=once)
    seen = from_file(current, watched)
    if not seen.rows:
        raise FactoryError(f"{current} holds no row", "give a file with rows")
    share = (seen.invalid or 0) / seen.rows
    said = f"{seen.invalid:,} of {seen.rows:,} rows break the contract"
    found = share > once.rate, share, once.rate, said, "rows-cannot-be-scored"
    span = {"source": str(current), "rows": seen.rows, "other_models": {}}
    made = examined(seen, watched, [Check("contract", "data", *found)], [], span)
    del made["record"]
    return made | {"history": []}


def of_window(
    history: History,
    watched: Watched,
    span: Window,
    now: datetime | None = None,
    stored: Told | None = None,
) -> Told:
    """Look at a window of the log, and write down what was found; `now` if it is the latest.

    What is `stored` of it stays where no outcome has come since.
    """
    mark, before, newest = history.mark(span), history.records(span), history.newest()
    seen = from_log(span, watched)
    if stored and (len(seen.labelled[0]), seen.rows) == (stored["labelled"], stored["rows"]):
        history.save(span, stored | {"mark": mark})
        return stored
    rows, factor = [record["rows"] for record in before], watched.params.monitor.volume
    checks = traffic(seen, span, newest, rows, factor)
    if now:
        label = EPOCH + timedelta(microseconds=mark[2]) if mark[2] else None
        checks += ages(watched, now, label)
    told = {"source": "log", "from": stamp(span.begin), "to": stamp(span.end), "rows": seen.rows}
    made = examined(seen, watched, checks, before, told | {"other_models": dict(seen.others)})
    history.save(span, made.pop("record") | {"mark": mark})
    return made


def catch_up(history: History, watched: Watched, span: Window) -> None:
    """Look at an earlier window if nobody has, or if outcomes have arrived since."""
    mark, before = history.mark(span), history.records(span)
    stored = history.record(span)
    if stored is None:
        wanted = mark[0] > 0 or any(record["rows"] for record in before)
    else:  # fewer predictions than then: somebody was forgotten, or they were too old to keep
        complete = stored["labelled"] == stored["rows"] == mark[0]
        wanted = mark[0] >= stored["mark"][0] and mark != stored["mark"] and not complete
    if wanted:
        of_window(history, watched, span, stored=stored)


def examined(
    seen: Seen,
    watched: Watched,
    checks: list[Check],
    before: Sequence[Told],
    span: Told,
) -> Told:
    """The result of a window; `record` is what later windows need to know of it."""
    found, features, scores = drift(seen, watched)
    checks, holdout = [*found, *checks], reference(watched)
    (labelled, measured), settings = observed(seen, watched), watched.params.monitor
    record: Told = {
        **{key: span[key] for key in ("from", "to") if key in span},
        "model": watched.version,
        "rows": seen.rows,
        "labelled": labelled,
        "values": {c.name: c.value for c in checks if c.value is not None},
        "breaches": [c.name for c in checks if c.bad],
        "observed": measured,
        "estimate": estimate(seen, watched, holdout),
    }
    shown = [decided(c, [c.name in r["breaches"] for r in before], settings) for c in checks]
    records = [*before[-BACK:], record]
    if holdout:
        shown += [decided(c, bad, settings) for c, bad in judged(records, holdout, watched)]
    for line in features:
        states = {c["status"] for c in shown if c.get("feature") == line["name"]}
        line["status"] = next(state for state in WORST if state in states)
    for line in scores:
        states = {c["status"] for c in shown if c["name"].endswith(f":prediction:{line['name']}")}
        line["status"] = next(state for state in WORST if state in states)
    told = verdict(shown)
    return {
        "verdict": told,
        "model": {"version": watched.version, "label": watched.label, "commit": watched.commit},
        "window": span,
        "rule": {"breaches": settings.breaches, "windows": settings.windows},
        "checks": shown,
        "features": features,
        "predictions": scores,
        "performance": performance(records, holdout, watched),
        "unseen": unseen(seen, watched, record, holdout, span),
        "record": record | {"verdict": told},
    }


def performance(records: Sequence[Told], holdout: Told | None, watched: Watched) -> Told:
    """The metrics of the holdout and of each window, and how right the estimates were."""
    metric, keys = PRIMARY[watched.signature.task], ("rows", "labelled", "observed", "estimate")
    return {
        "task": watched.signature.task,
        "metric": metric,
        "lower_is_better": metric in LOWER_IS_BETTER,
        "tolerance": watched.params.monitor.tolerance,
        "reference": holdout,
        **{key: records[-1][key] for key in keys},
        "estimate_was": estimate_was(records, metric),
        "windows": [
            {key: record[key] for key in ("from", "to", *keys) if key in record}
            for record in records
        ],
    }


def unseen(
    seen: Seen, watched: Watched, record: Told, holdout: Told | None, span: Told
) -> list[str]:
    """What nobody could look at, in words."""
    told = [f"{name}: {reason}" for name, reason in seen.hidden.items()]
    if seen.rows < (needed := watched.params.monitor.min_rows):
        told.append(f"features and scores: there are {seen.rows:,} rows, and {needed:,} tell")
    if span["source"] == "log":
        told.append(REFUSED)
    elif (scored := sum(map(len, seen.p))) < seen.rows:
        told.append(f"the scores of {seen.rows - scored:,} rows: {scored:,} were scored")
    if (count := seen.rows - record["labelled"]) and span["source"] == "log":
        guess = "" if record["estimate"] else ", and it cannot be estimated"
        told.append(f"how good the model is on {count:,} predictions without an outcome{guess}")
    if holdout is None:
        told.append("whether it is worse than on the holdout: reports/evaluation.json is not its")
    others = [f"{count:,} of {name}" for name, count in seen.others.items()]
    if others:
        told.append(f"predictions of other models: {', '.join(others)}")
    return told
