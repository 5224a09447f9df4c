"""Features and scores of a window against the model's profile: all tests are corrected at once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..settings.catalog import Catalog
from .reading import Seen, Watched
from .statistics import Tally, Told, compare, differ
from .verdict import Check

EMPTY = ("test", "psi", "statistic", "p", "q", "missing", "unseen")
DRIFTED, LACKING = "a-feature-has-drifted", "values-are-missing-or-new"
SCORES, BLIND = "predictions-have-drifted", "the-monitor-cannot-see"


@dataclass(frozen=True)
class Tested:
    """A check that is bad if its effect matters and its p-value holds among all others."""

    line: Told
    check: Check
    p: float
    matters: bool


def drift(seen: Seen, watched: Watched) -> tuple[list[Check], list[Told], list[Told]]:
    """The checks, and the features and scores as the result shows them."""
    known, profile, settings = watched.signature, watched.profile, watched.params.monitor
    features: list[Told] = []
    tests: list[Tested] = []
    for one in known.features:
        line = empty(one.name) | {"dtype": one.dtype, "role": one.role}
        line |= origin(one.name, watched.catalog)
        features.append(line)
        if found := seen.features.get(one.name):
            told = profile["features"][one.name]
            tests += gaps(line, told, found, watched)
            tests += moved(line, told, found, watched, "" if one.salt else one.dtype)
    names = known.classes[-1:] if known.task == "binary" else known.classes or (known.target,)
    scores = [empty(name) for name in names]
    for line, told, found in zip(scores, profile["predictions"], seen.scores, strict=False):
        tests += moved(line, told, found, watched, "float")
    checks = judged(tests, settings.level)
    for line in (*features, *scores):
        if line["statistic"] is None:
            few = f"fewer than {settings.min_rows:,} rows hold it"
            reason = seen.hidden.get(line["name"], few)
            said = f"{line['name']} was not compared: {reason}"
            checks.append(replace(about(line, "drift"), message=said, runbook=BLIND))
    return checks, features, scores


def empty(name: str) -> Told:
    """What the result shows of a feature or a score before anything is known of it."""
    return {"name": name, **dict.fromkeys(EMPTY), "expected": {}, "observed": {}}


def origin(name: str, catalog: Catalog) -> Told:
    """Where a feature comes from, and whom to ask; of a derived one, its columns say so."""
    roots = [catalog.columns[root] for root in catalog.roots(name)]
    own = catalog.columns.get(name) or catalog.derived[name]
    source = ", ".join(dict.fromkeys(root.source for root in roots if root.source))
    owner = own.owner or ", ".join(dict.fromkeys(root.owner for root in roots if root.owner))
    return {"description": own.description, "source": source, "owner": owner}


def about(line: Told, test: str) -> Check:
    """A check of a feature, or of a score, that is not decided yet."""
    if "role" not in line:
        return Check(f"{test}:prediction:{line['name']}", "prediction", runbook=SCORES)
    page = DRIFTED if test == "drift" else LACKING
    whom = {key: line[key] for key in ("source", "owner")}
    return Check(f"{test}:{line['name']}", "data", runbook=page, feature=line["name"], **whom)


def moved(line: Told, told: Told, found: Tally, watched: Watched, dtype: str) -> Iterator[Tested]:
    """Whether the values are distributed differently; without a dtype they are not shown."""
    limit = watched.params.monitor.psi
    if found.known < watched.params.monitor.min_rows or not told["rows"]:
        return
    now = compare(told, found, dtype)
    line |= {"test": "ks" if "values" in told else "chi2", "statistic": now.statistic}
    line |= {"psi": now.psi, "p": now.p}
    line["expected"] |= {"rows": told["rows"], "bins": now.bins, "shares": now.expected}
    line["observed"] |= {"rows": found.known, "bins": now.bins, "shares": now.observed}
    what = line["name"] if "role" in line else f"the score of {line['name']}"
    said = f"{what}: PSI {now.psi:.2g}, from {limit:g} on it matters"
    check = replace(about(line, "drift"), value=now.psi, threshold=limit, message=said)
    yield Tested(line, check, now.p, now.psi >= limit)


def gaps(line: Told, told: Told, found: Tally, watched: Watched) -> Iterator[Tested]:
    """Whether another share of values is missing, and whether more of them are new."""
    settings, rows = watched.params.monitor, found.known + found.missing
    if rows < settings.min_rows:
        return
    cases = [("missing", told["missing"], watched.profile["rows"], found.missing, rows)]
    if "counts" in told and found.known and told["rows"]:
        cases.append(("unseen", told["new"], told["rows"], int(found.cells[-1]), found.known))
    for name, then, before, count, among in cases:
        now = count / among
        line[name] = line["observed"][name] = now
        line["expected"][name] = then
        change = now - then if name == "unseen" else abs(now - then)
        said = f"{line['name']} is {name} in {now:.1%} of rows, and {then:.1%} are expected"
        check = replace(about(line, name), value=now, threshold=then + settings.rate, message=said)
        p = differ(then * before, before, count, among)
        yield Tested(line, check, p, change > settings.rate)


def judged(tests: list[Tested], level: float) -> list[Check]:
    """The checks that are of interest, with the false discoveries under control."""
    from scipy.stats import false_discovery_control

    checks = []
    found = false_discovery_control([test.p for test in tests]).tolist() if tests else []
    for test, q in zip(tests, found, strict=True):
        bad = q < level and test.matters
        if is_drift := test.check.name.startswith("drift:"):
            test.line["q"] = q
        if bad or is_drift:
            checks.append(replace(test.check, bad=bad))
    return checks
