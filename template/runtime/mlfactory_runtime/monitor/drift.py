"""Features and scores of a window against the model's profile: all tests are corrected at once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..learn.signature import Feature
from ..records.monitoring import Line
from ..records.profile import Names
from ..settings.catalog import Catalog
from .effect import SURE, detectable
from .reading import Seen, Watched
from .seasons import expected, growth, missing_expected, with_shares
from .statistics import Difference, Reference, Tally, chances, compare, share_error
from .verdict import Check

DRIFTED, LACKING = "a-feature-has-drifted", "values-are-missing-or-new"
SCORES, BLIND = "predictions-have-drifted", "the-monitor-cannot-see"


@dataclass(frozen=True)
class Tested:
    """A check that is bad if it surely matters and its p-value holds among all others.

    `error` is the standard error of what changes, of which `limit` does not matter.
    """

    check: Check
    p: float
    matters: bool
    error: float
    limit: float


@dataclass(frozen=True)
class Drift:
    """The checks, and the features and scores as the result shows them."""

    checks: list[Check]
    features: list[Line]
    scores: list[Line]


def drift(sample: Seen, watched: Watched) -> Drift:
    """Whether features and scores lie as they did in training."""
    model, profile = watched.signature, watched.profile
    least = watched.params.monitor.min_rows
    tests: list[Tested] = []
    features = []
    for one in model.features:
        line = feature_line(one, watched.catalog)
        if tally := sample.features.get(one.name):
            reference, dtype = profile.features[one.name], "" if one.salt else one.dtype
            reference = expected(one.name, reference, sample.times, profile)
            missing, among = missing_expected(
                one.name, reference.missing or 0.0, sample.times, profile
            )
            reference = reference.model_copy(update={"missing": missing})
            line = compared(
                lacking(line, reference, tally, least), reference, tally, watched, dtype
            )
            tests += gaps(line, reference, tally, watched, among)
            tests += moved(line, sample, watched)
            tests += outside(line, tally, sample, watched)
        features.append(line)
    tests += within(features, sample, watched)
    names = model.classes[-1:] if model.task == "binary" else model.classes or (model.target,)
    scores = [Line(name=name) for name in names]
    for place, pair in enumerate(zip(profile.predictions, sample.scores, strict=False)):
        name, (reference, tally) = f"prediction {place}", pair
        reference = expected(name, reference, sample.times, profile)
        scores[place] = compared(scores[place], reference, tally, watched, "float")
        tests += moved(scores[place], sample, watched, name)
    return judged(tests, features, scores, sample, watched)


def feature_line(feature: Feature, catalog: Catalog) -> Line:
    """What the result shows of a feature before it is compared, with where it comes from.

    Of a derived one, its columns say whom to ask.
    """
    name = feature.name
    roots = [catalog.columns[root] for root in catalog.roots(name)]
    own = catalog.columns.get(name) or catalog.derived[name]
    owner = own.owner or ", ".join(dict.fromkeys(root.owner for root in roots if root.owner))
    return Line(
        name=name,
        dtype=feature.dtype,
        role=feature.role,
        description=own.description,
        source=", ".join(dict.fromkeys(root.source for root in roots if root.source)),
        owner=owner,
    )


def about(line: Line, test: str) -> Check:
    """A check of a feature, or of a score, that is not decided yet."""
    if line.role is None:
        return Check(f"{test}:prediction:{line.name}", "prediction", runbook=SCORES)
    page = DRIFTED if test == "drift" else LACKING
    return Check(
        f"{test}:{line.name}",
        "data",
        runbook=page,
        feature=line.name,
        source=line.source or "",
        owner=line.owner or "",
    )


def compared(line: Line, reference: Reference, tally: Tally, watched: Watched, dtype: str) -> Line:
    """The line with how its values are distributed, if there are enough of them.

    Without a dtype, values are not shown.
    """
    if tally.present < watched.params.monitor.min_rows or not reference.rows:
        return line
    now: Difference = compare(reference, tally, dtype)
    then = {"rows": reference.rows, "bins": tuple(now.bins), "shares": tuple(now.expected)}
    comparison = {"rows": tally.present, "bins": tuple(now.bins), "shares": tuple(now.observed)}
    return line.model_copy(
        update={
            "test": "chi2" if isinstance(reference, Names) else "ks",
            "statistic": now.statistic,
            "psi": now.psi,
            "moved": now.moved,
            "surely": now.surely,
            "error": now.error,
            "p": now.p,
            "expected": line.expected.model_copy(update=then),
            "observed": line.observed.model_copy(update=comparison),
        }
    )


def is_ahead(name: str, watched: Watched) -> bool:
    """Whether a feature is known in advance, as a calendar is: it is judged by the contract."""
    catalog, own = watched.catalog, watched.catalog.derived.get(name)
    if own and own.part == "month":
        return True  # a window lies in one month, a year of training in all
    roots = catalog.roots(name) if own or name in catalog.columns else ()
    time = watched.params.data.time
    return bool(roots) and all(root == time or catalog.columns[root].ahead for root in roots)


def moved(line: Line, sample: Seen, watched: Watched, name: str = "") -> Iterator[Tested]:
    """Whether the values are distributed differently, where they were compared; `name` is what the
    profile calls them, if it is another one.
    """
    if line.moved is None or line.p is None or (line.role and is_ahead(line.name, watched)):
        return
    settings, surely = watched.params.monitor, max(line.surely or 0.0, 0.0)
    grown = growth(name or line.name, sample.times, watched.profile)
    limit = min(settings.share + grown, 1.0)
    what = line.name if line.role else f"the score of {line.name}"
    message = (
        f"{what}: {line.moved:.1%} of rows lie elsewhere than in training, surely {surely:.1%}; "
        f"from {limit:.1%} on it matters"
    ) + (f", for it grew by {grown:.1%} in so many days" if grown else "")
    matters = surely > limit and (line.psi or 0.0) >= (settings.psi or 0.0)
    check = replace(about(line, "drift"), value=line.moved, threshold=limit, message=message)
    yield Tested(check, line.p, matters, line.error or 0.0, limit)


def within(features: list[Line], sample: Seen, watched: Watched) -> Iterator[Tested]:
    """Whether a feature lies otherwise within a group, where it has no season."""
    lines = {line.name: line for line in features}
    for (column, group, name), tally in sorted(sample.within.items(), key=lambda pair: pair[0]):
        part, profile = watched.profile.segments[column][group][name], watched.profile
        if name not in profile.seasons and column not in profile.seasons:
            reference = with_shares(profile.features[name], np.array(part.shares), part.rows)
            blank = Line(name=name, role=lines[name].role)
            line = compared(blank, reference, tally, watched, "float")
            for test in moved(line, sample, watched):
                label = f"within:{column}={group}:{name}"
                message = f"where {column} is {group}, {test.check.message}"
                check = replace(
                    about(lines[name], "drift"),
                    name=label,
                    message=message,
                    value=test.check.value,
                    threshold=test.check.threshold,
                )
                yield replace(test, check=check)


def outside(line: Line, tally: Tally, sample: Seen, watched: Watched) -> Iterator[Tested]:
    """Whether values of what is known in advance lie outside of what the contract expects."""
    count, rows, limit = sample.outside[line.name], tally.present, watched.params.monitor.rate
    if not count or rows < watched.params.monitor.min_rows:
        return
    text = f"{line.name} lies outside of what features.yaml expects in {count / rows:.1%} of rows"
    error = share_error(limit, watched.profile.rows, rows)
    p = float(chances(np.array([0]), watched.profile.rows, np.array([count]), rows)[0])
    check = replace(about(line, "contract"), value=count / rows, threshold=limit, message=text)
    yield Tested(check, p, count / rows - SURE * error > limit, error, limit)


def gaps(
    line: Line, reference: Reference, tally: Tally, watched: Watched, trained: int
) -> Iterator[Tested]:
    """Whether another share of values is missing than in so many rows of training, and whether
    more of them are new.

    Nothing is asked of what there is none of, then and now.
    """
    limit, rows = watched.params.monitor.rate, tally.present + tally.missing
    cases = [
        ("missing", line.missing, line.expected.missing, trained, rows),
        ("unseen", line.unseen, line.expected.unseen, reference.rows // 2, tally.present),
    ]
    for name, now, then, before, among in cases:
        if now is None or then is None or not (now or then):
            continue
        change = now - then if name == "unseen" else abs(now - then)
        message = f"{line.name} is {name} in {now:.1%} of rows, and {then:.1%} are expected"
        check = replace(about(line, name), value=now, threshold=then + limit, message=message)
        error = share_error(min(then + limit, 1.0), before, among)
        few, many = np.array([round(then * before)]), np.array([round(now * among)])
        p = float(chances(few, before, many, among)[0])
        yield Tested(check, p, change - SURE * error > limit, error, limit)


def lacking(line: Line, reference: Reference, tally: Tally, least: int) -> Line:
    """The line with the shares of rows without a value, and of values that are new."""
    rows = tally.present + tally.missing
    if rows < least:
        return line
    then: dict[str, float | None] = {"missing": reference.missing}
    now: dict[str, float | None] = {"missing": tally.missing / rows}
    if isinstance(reference, Names) and tally.present and reference.rows:
        then["unseen"], now["unseen"] = reference.new, int(tally.cells[-1]) / tally.present
    expected, observed = (
        part.model_copy(update=shares)
        for part, shares in ((line.expected, then), (line.observed, now))
    )
    return line.model_copy(update={**now, "expected": expected, "observed": observed})


def judged(
    tests: list[Tested], features: list[Line], scores: list[Line], sample: Seen, watched: Watched
) -> Drift:
    """The checks that are of interest, with the false discoveries under control."""
    from scipy.stats import false_discovery_control

    settings, checks = watched.params.monitor, []
    level = settings.level / 2  # the other half is for outcomes
    adjusted = false_discovery_control([test.p for test in tests]).tolist() if tests else []
    corrected = {test.check.name: q for test, q in zip(tests, adjusted, strict=True)}
    for test in tests:
        bad = corrected[test.check.name] < level and test.matters
        if bad or test.check.name.startswith("drift:"):
            least = detectable(test.error, test.limit, level / len(tests) / 4)
            message = f"{test.check.message}, and {least:.1%} would have been seen"
            checks.append(replace(test.check, bad=bad, message=message, detectable=least))
    for line in (*features, *scores):
        if line.statistic is None:
            few = f"fewer than {settings.min_rows:,} rows hold it"
            message = f"{line.name} was not compared: {sample.hidden.get(line.name, few)}"
            checks.append(replace(about(line, "drift"), message=message, runbook=BLIND))
    found_by = {check.name: check.detectable for check in checks}
    lines = (
        [
            one.model_copy(update={"q": corrected.get(name), "detectable": found_by.get(name)})
            for one in part
            for name in [about(one, "drift").name]
        ]
        for part in (features, scores)
    )
    return Drift(checks, *lines)
