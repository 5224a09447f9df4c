"""The monitor: what is found in the latest whole window, or in a file, and in windows before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from ..errors import FactoryError
from ..learn.metrics import LOWER_IS_BETTER, primary
from ..log.store import EPOCH, engine_of
from ..project import Project
from ..records.evaluation import Metrics
from ..records.monitoring import Checked, Line, Model, Monitored, Performance, Rule, Span
from ..records.monitoring import Window as Record
from ..settings.monitor import Monitor
from ..tables.query import reason
from . import quality
from .coverage import check_coverage, check_earlier, coverage
from .drift import drift
from .history import History
from .late import news, taken_in
from .operations import ages, overdue, traffic
from .performance import estimate, estimate_error, judged, observed, reference
from .reading import Seen, Watched, from_file, from_log, production
from .refusals import check_refusals, refusals
from .verdict import Check, decided, verdict
from .window import BATCHES, Window, last_whole, length_of, stamp

BACK = 12  # so many windows before the latest are looked at again when outcomes arrive
LATE = 1000  # outcomes may come so many windows after their predictions, and are judged
AGAIN = "the same entity with the same values was scored before, and each counts"
WORST = ("alarm", "warning", "unknown", "ok")


def monitor(
    project: Project,
    window: str | None = None,
    current: Path | None = None,
    now: datetime | None = None,
) -> Monitored:
    """Compare the latest whole window of the log, or a file, with the model's profile."""
    watched, now = production(project), now or datetime.now(UTC)
    if current:
        return of_file(current, watched)
    try:
        return of_log(window or watched.params.monitor.window, watched, now)
    except sa.exc.SQLAlchemyError as error:
        why = reason(error, engine_of(watched.params.log).url)
        raise FactoryError(
            f"the log cannot be read: {why}", "look at log: in params.yaml"
        ) from error


def of_log(length: str, watched: Watched, now: datetime) -> Monitored:
    """The latest whole window, after those before it."""
    last = last_whole(length_of(length), now)
    if length.strip() == "batch":
        last = replace(last, length=BATCHES)
    history = History(watched, last)
    *earlier, span = windows = spans(
        history, last, max(BACK, watched.params.monitor.windows - 1), now
    )
    refusing = with_failures(windows, now)
    late, fresh = taken_in(history), news(history, earlier)
    first = earlier[0].begin if earlier else span.begin
    for window in (*(one for one in fresh if one.begin < first), *earlier):
        wide = refusing.get(window, window)
        catch_up(history, watched, window, wide, is_news=window in fresh)
    mark, newest = history.mark(span), history.newest()
    before = history.records(span, LATE)
    sample = from_log(span, watched)
    label = EPOCH + timedelta(microseconds=mark[2]) if mark[2] else None
    left_out = refusals(refusing[span], watched)
    checks = [*usual_traffic(sample, span, newest, before, watched), *ages(watched, now, label)]
    checks += check_refusals(left_out, sample, watched)
    if span.length == BATCHES:
        checks += overdue([*earlier, span], now)
    result, record = examined(sample, watched, checks, before, span_of(span, sample, length))
    if left_out.rows:
        unseen = (*result.unseen, f"what stood in the {left_out.rows:,} rows that were refused")
        result = result.model_copy(update={"unseen": unseen})
    if left_out.rows or left_out.strangers:
        result = result.model_copy(update={"refused": left_out})
    history.save(span, record.model_copy(update={"mark": mark, "taken": late}))
    return result.model_copy(update={"history": tuple(history.records(all_models=True))})


def spans(history: History, last: Window, count: int, now: datetime) -> list[Window]:
    """The latest window after so many before it; of batches as many as there are, at least one."""
    if last.length == BATCHES:
        return history.batches(now, count + 1) or [last]
    return [last.earlier(back) for back in range(count, -1, -1)]


def with_failures(windows: Sequence[Window], now: datetime) -> dict[Window, Window]:
    """Each window with what was refused in it: of a batch also all that was up to the next one, for
    a run that refuses too many rows answers none, and so is no batch itself.
    """
    if windows[0].length != BATCHES:
        return {window: window for window in windows}
    begins = [window.begin.replace(microsecond=0) for window in windows]
    ends = [*begins[1:], max(now, windows[-1].end)]
    spans = (Window(*span, BATCHES) for span in zip(begins, ends, strict=True))
    return dict(zip(windows, spans, strict=True))


def of_file(current: Path, watched: Watched) -> Monitored:
    """One look at a file: there is no history, so what is bad rings."""
    once = watched.params.monitor.model_copy(update={"windows": 1, "breaches": 1})
    watched = watched.of(monitor=once)
    sample = from_file(current, watched)
    if not sample.rows:
        raise FactoryError(f"{current} holds no row", "give a file with rows")
    share = (sample.invalid or 0) / sample.rows
    message = f"{sample.invalid:,} of {sample.rows:,} rows break the contract"
    alarm = share > once.rate, share, once.rate, message, "rows-cannot-be-scored"
    span = Span(source=str(current), rows=sample.rows, other_models={})
    return examined(sample, watched, [Check("contract", "data", *alarm)], [], span)[0]


def span_of(window: Window, sample: Seen, length: str | None = None) -> Span:
    """A window of the log as the result shows it."""
    return Span(
        source="log",
        begin=stamp(window.begin),
        end=stamp(window.end),
        rows=sample.rows,
        other_models=dict(sample.others),
        length=length,
    )


def usual_traffic(
    sample: Seen,
    window: Window,
    newest: datetime | None,
    before: Sequence[Record],
    watched: Watched,
) -> list[Check]:
    """Whether as many predictions were made as in the windows before."""
    rows, factor = [record.rows for record in before], watched.params.monitor.volume
    start = watched.since if watched.commit or not any(rows) else None
    return traffic(sample, window, newest, rows, factor, start)


def catch_up(
    history: History, watched: Watched, span: Window, wide: Window, *, is_news: bool
) -> None:
    """Look at an earlier window if nobody has, or if outcomes have arrived since; what was refused
    is counted in the `wide` one.

    What is stored of it stays where no outcome of its predictions is among these, which is certain
    if there `is_news`.
    """
    mark, stored = history.mark(span), history.record(span)
    if not is_wanted(stored, mark, history.records(span)) and not (stored and is_news):
        return
    before, newest, sample = history.records(span, LATE), history.newest(), from_log(span, watched)
    if stored and not is_news and (sample.labelled, sample.rows) == (stored.labelled, stored.rows):
        record = stored
    else:
        checks = usual_traffic(sample, span, newest, before, watched)
        checks += check_refusals(refusals(wide, watched), sample, watched)
        record = examined(sample, watched, checks, before, span_of(span, sample))[1]
    history.save(span, record.model_copy(update={"mark": mark}))


def is_wanted(stored: Record | None, mark: tuple[int, int, int], before: Sequence[Record]) -> bool:
    """Whether there is something new to see in an earlier window."""
    if stored is None:
        return mark[0] > 0 or any(record.rows for record in before)
    # Fewer predictions than then: somebody was forgotten, or they were too old to keep.
    complete = stored.labelled == stored.rows == mark[0]
    then = stored.mark or (0, 0, 0)
    return mark[0] >= then[0] and mark != then and not complete


def examined(
    sample: Seen, watched: Watched, checks: list[Check], before: Sequence[Record], span: Span
) -> tuple[Monitored, Record]:
    """The result of a window, and what later windows need to know of it."""
    drifted, settings = drift(sample, watched), watched.params.monitor
    covered = coverage(sample, watched)
    checks = [*drifted.checks, *checks, *check_coverage(covered)]
    holdout = reference(watched)
    measured, units = observed(sample, watched)
    record = Record(
        begin=span.begin,
        end=span.end,
        model=watched.version,
        rows=sample.rows,
        labelled=sample.labelled,
        draws=units,
        values={c.name: c.value for c in checks if c.value is not None},
        breaches=tuple(c.name for c in checks if c.bad),
        observed=measured,
        estimate=estimate(sample, watched, holdout),
        quality=quality.measured(sample, watched),
        coverage=covered,
    )
    decisions = [decided(c, list(earlier(c, before, settings)), settings) for c in checks]
    records = [*before, record]
    later = [*(judged(records, holdout, watched) if holdout else ())]
    later += quality.judged(records, watched)
    later += [(check, list[bool]()) for check in check_earlier(records)]
    decisions += [decided(check, bad, settings) for check, bad in later]
    result = Monitored(
        verdict=verdict(decisions),
        model=Model(version=watched.version, label=watched.label, commit=watched.commit),
        window=span,
        rule=Rule(breaches=settings.breaches, windows=settings.windows),
        checks=tuple(decisions),
        features=tuple(with_status(line, decisions) for line in drifted.features),
        predictions=tuple(with_status(line, decisions) for line in drifted.scores),
        performance=performance(of_interest(records), holdout, watched),
        unseen=tuple(unseen(sample, watched, record, holdout, span)),
        coverage=covered,
    )
    return result, record.model_copy(update={"verdict": result.verdict})


def earlier(check: Check, before: Sequence[Record], settings: Monitor) -> Iterator[bool]:
    """Whether a check was bad in the windows before, without those that could not tell, since they
    hold too few rows: between two batches lie empty ones.
    """
    least = 1 if check.kind == "operation" else settings.min_rows
    for record in before:
        bad = check.name in record.breaches
        if bad or record.rows >= least:
            yield bad


def of_interest(records: Sequence[Record]) -> list[Record]:
    """The latest windows, and the latest of those with outcomes, which may be far older."""
    lately = records[-BACK - 1 :]
    lacking = sum(not one.observed for one in lately)
    older = [one for one in records[: -BACK - 1] if one.observed]
    return [*older[max(0, len(older) - lacking) :], *lately]


def with_status(line: Line, checks: Sequence[Checked]) -> Line:
    """A feature or a score with the worst that was found of it; unknown where no check looks."""
    end = f":prediction:{line.name}"
    if line.role is None:
        states = {check.status for check in checks if check.name.endswith(end)}
    else:
        states = {check.status for check in checks if check.feature == line.name}
    return line.model_copy(update={"status": next(filter(states.__contains__, WORST), "unknown")})


def performance(
    records: Sequence[Record], holdout: Metrics | None, watched: Watched
) -> Performance:
    """The metrics of the holdout and of each window, and how right the estimates were."""
    metric, last = primary(watched.signature.task, watched.params.model), records[-1]
    return Performance(
        task=watched.signature.task,
        metric=metric,
        lower_is_better=metric in LOWER_IS_BETTER,
        own_metrics={name: own.described(name) for name, own in watched.home.metrics.items()},
        tolerance=watched.params.monitor.tolerance,
        reference=holdout,
        rows=last.rows,
        labelled=last.labelled,
        observed=last.observed,
        estimate=last.estimate,
        estimate_was=estimate_error(records, metric),
        windows=tuple(record.measured() for record in records),
    )


def unseen(
    sample: Seen, watched: Watched, record: Record, holdout: Metrics | None, span: Span
) -> list[str]:
    """What nobody could look at, in words."""
    lines = [f"{name}: {reason}" for name, reason in sample.hidden.items()]
    if sample.rows < (needed := watched.params.monitor.min_rows):
        lines.append(f"features and scores: there are {sample.rows:,} rows, and {needed:,} tell")
    if (
        span.source != "log"
        and (scored := sample.expected.rows if sample.expected else 0) < sample.rows
    ):
        lines.append(f"the scores of {sample.rows - scored:,} rows: {scored:,} were scored")
    again = round(sample.rows - sample.questions.count) if span.source == "log" else 0
    if again > watched.params.monitor.rate * sample.rows:
        lines.append(f"whether {again:,} rows are others: {AGAIN}")
    if (count := sample.rows - record.labelled) and span.source == "log":
        guess = "" if record.estimate else ", and it cannot be estimated"
        lines.append(f"how good the model is on {count:,} predictions without an outcome{guess}")
    if holdout is None:
        lines.append("whether it is worse than on the holdout: reports/evaluation.json is not its")
    if not watched.profile.quality:
        lines.append(quality.OLD)
    others = [f"{count:,} of {name}" for name, count in sample.others.items()]
    if others:
        lines.append(f"predictions of other models: {', '.join(others)}")
    return lines
