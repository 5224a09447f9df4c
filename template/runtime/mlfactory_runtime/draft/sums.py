"""A target that is made of several columns: a sum, a product, a ratio, a share, a power."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from .outcome import Outcome, is_number, numbers_of, precision

SAMPLE, GAPS = 2000, 0.3
PROBE, HITS, BLOCK, LIKELY = 8, 3, 128, 100
MOST, PARTS, LINEAR, USUAL = 200, 8, 0.999, 0.9
LEADING, WRONG, ENOUGH, BOTH = 6, 0.005, 100, 20
Array = np.ndarray
Apply = Callable[[Array, Array], Array]
SIGNS: dict[str, Apply] = {
    "{0} + {1}": np.add,
    "{0} - {1}": np.subtract,
    "{0} * {1}": np.multiply,
    "{0} / {1}": np.divide,
}
BOTH_WAYS = ("{0} + {1}", "{0} * {1}")  # say the same of one and the other
PRODUCTS = {form: SIGNS[form] for form in ("{0} * {1}", "{0} / {1}")}
PARTS_OF: dict[str, Apply] = {
    "{0} / ({0} + {1})": lambda one, other: one / (one + other),
    "({0} - {1}) / {1}": lambda one, other: one / other - 1,
}
FEW_COLUMNS = 40  # of more, products with something added are not tried
AFTER = "known only with the outcome?"


@dataclass(frozen=True)
class Numbers:
    """Columns of numbers: of shape (rows, columns), nan where there is none."""

    names: tuple[str, ...]
    values: Array


def find_sums(rows: pl.DataFrame, y: Outcome, columns: Iterable[str]) -> dict[str, str]:
    """The columns of which together the target is made, with the evidence."""
    some = np.random.default_rng(0).permutation(rows.height)[:SAMPLE]
    x = numbers(rows[some].select(columns))
    if len(x.names) < 2:
        return {}
    with np.errstate(all="ignore"):
        if y.classes:
            return class_of_pair(x, y.codes[some], y)
        values = y.values[some]
        for way in (pair, share, added, weighted, powers):
            if parts := way(x, values, y.name):
                return parts
    return {}


def numbers(rows: pl.DataFrame) -> Numbers:
    """The numbers and moments among columns that differ and have few gaps."""
    series = {c.name: numbers_of(c) for c in rows.iter_columns() if is_number(c)}
    names = [n for n, v in series.items() if np.isnan(v).mean() <= GAPS and np.nanstd(v) > 0]
    values = [series[n] for n in names]
    return Numbers(tuple(names), np.column_stack(values) if names else np.empty((rows.height, 0)))


def pair(x: Numbers, y: Array, name: str) -> dict[str, str]:
    """Two columns that give a number to its last decimal in most rows."""
    return exactly(x, y, precision(y), SIGNS, name)


def share(x: Numbers, y: Array, name: str) -> dict[str, str]:
    """Two columns of which a number is the part in both, or the growth, perhaps in percent."""
    if len(x.names) > MOST:
        return {}
    near = precision(y)
    for whole in (1.0, 100.0):
        of_whole = f" * {whole:g}" if whole > 1 else ""
        forms = {f"{form}{of_whole}": apply for form, apply in PARTS_OF.items()}
        if parts := exactly(x, y / whole, near / whole, forms, name):
            return parts
    return {}


def added(x: Numbers, y: Array, name: str) -> dict[str, str]:
    """Two columns whose product, with a third added or taken away, gives a number exactly."""
    if not 3 <= len(x.names) <= FEW_COLUMNS:
        return {}
    near = precision(y)
    for column, third in zip(x.values.T, x.names, strict=True):
        some, literal = ~np.isnan(column), third.replace("{", "{{").replace("}", "}}")
        rows = Numbers(x.names, x.values[some])
        for sign in (1, -1):
            rest = y[some] - sign * column[some]
            forms = {f"{form} {'-+'[sign > 0]} {literal}": one for form, one in PRODUCTS.items()}
            if parts := exactly(rows, rest, near, forms, name):
                return {**parts, third: next(iter(parts.values()))}
    return {}


def exactly(
    x: Numbers, y: Array, near: float, forms: Mapping[str, Apply], name: str
) -> dict[str, str]:
    """The first two columns that give a number to its last decimal in most rows."""
    counts = np.unique(y, return_counts=True)[1]
    if len(counts) < 20 or y.std() < 10 * near:
        return {}
    for form, one, other in likely_pairs(x.values, y, near, forms):
        columns = x.values[:, one], x.values[:, other]
        exact = np.mean(np.abs(forms[form](*columns) - y) <= near)
        alone = max(np.mean(np.abs(column - y) <= near) for column in columns)
        if exact >= max(0.5, 2 * counts.max() / len(y), 2 * alone):
            names = x.names[one], x.names[other]
            what = f"{name} is {form.format(*names)} in {exact:.0%} of rows: {AFTER}"
            return dict.fromkeys(names, what)
    return {}


def likely_pairs(
    x: Array, y: Array, near: float, forms: Mapping[str, Apply]
) -> list[tuple[str, int, int]]:
    """The pairs that give the target in several of a few rows, the best ones first.

    The columns are taken block by block, so that what is computed stays in the cache.
    """
    rows = np.unique(y, return_index=True)[1]
    rows = rows[:: max(1, len(rows) // PROBE)][:PROBE]
    pairs = []
    for form, apply in forms.items():
        for begin in range(0, x.shape[1], BLOCK):
            low = begin if form in BOTH_WAYS else 0
            hits: Array = np.zeros((len(x[0, begin : begin + BLOCK]), x.shape[1] - low), np.int8)
            for row in rows:
                combined = apply(x[row, begin : begin + BLOCK, None], x[row, low:])
                combined -= y[row]
                hits += np.abs(combined, out=combined) <= near
            for one, other in np.argwhere(hits >= HITS):
                pairs.append((-int(hits[one, other]), form, begin + int(one), low + int(other)))
            pairs = sorted(pairs)[:LIKELY]
    return [(form, one, other) for _, form, one, other in pairs if one != other]


def weighted(x: Numbers, y: Array, name: str) -> dict[str, str]:
    """The few columns of which a number is a weighted sum, but for some odd rows."""
    complete = ~np.isnan(x.values).any(axis=1)
    values, y = x.values[complete], y[complete]
    most = min(MOST, len(y) // 4)
    if most < 2 or y.std() == 0:
        return {}
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    columns = np.argsort(-np.abs(values.T @ (y - y.mean())))[:most]
    usual = usual_rows(values[:, columns], y)
    if usual is None:
        return {}
    values, y = values[usual], y[usual]
    order = columns[np.argsort(-weights(values[:, columns], y))]
    for count in range(2, min(PARTS, len(order), len(y) // 10) + 1):
        if linearity(values[:, order[:count]], y) >= LINEAR:
            some = needed(values, y, [*order[:count]])
            slopes = solution(values[:, some], y)[1:] / spread[some]
            terms = zip(slopes, (x.names[k] for k in some), strict=True)
            formula = " ".join(f"{slope:+.4g} {part}" for slope, part in terms)
            fit = f"R² {linearity(values[:, some], y):.4f}"
            what = f"{name} is {formula} and a constant ({fit}): {AFTER}"
            return dict.fromkeys((x.names[k] for k in some), what)
    return {}


def powers(x: Numbers, y: Array, name: str) -> dict[str, str]:
    """The few columns of which a number is a product, each to some power, but for some odd rows.

    Shares (and percents) count as what is left of the whole, too, as a discount does.
    """
    if (y <= 0).mean() > 1 - USUAL or len(np.unique(y)) < 20:
        return {}
    logs, origins = [], []
    for k, column in enumerate(x.values.T):
        low, high = np.nanmin(column), np.nanmax(column)
        whole = 1 if high < 1 else 100
        for part in (column, 1 - column / whole if low >= 0 and high < whole else -column):
            if np.nanmin(part) > 0 and np.nanstd(np.log(part)) > 0:
                logs.append(np.log(part))
                origins.append(k)
    if len({*origins}) < 2:
        return {}
    places = tuple(str(place) for place in range(len(logs)))
    usual = y > 0
    values = Numbers(places, np.column_stack(logs)[usual])
    some = {x.names[origins[int(place)]] for place in weighted(values, np.log(y[usual]), name)}
    what = f"{name} is {' * '.join(sorted(some))}, each to some power: {AFTER}"
    return dict.fromkeys(sorted(some), what) if len(some) > 1 else {}


def needed(x: Array, y: Array, some: list[int]) -> list[int]:
    """The columns among some without which the target would be no sum, two at least."""
    for k in reversed(some):
        rest = [one for one in some if one != k]
        if len(rest) > 1 and linearity(x[:, rest], y) >= LINEAR:
            some = rest
    return some


def linearity(x: Array, y: Array) -> float:
    """R² of least squares."""
    return float(1 - residuals(x, y).var() / y.var())


def usual_rows(x: Array, y: Array) -> Array | None:
    """The rows that are near to a plane, if most are on it: odd rows must not decide."""
    usual = np.ones(len(y), dtype=bool)
    for _ in range(3):
        plane = solution(x[usual], y[usual])
        off = np.abs(y - plane[0] - x @ plane[1:])
        if off[usual].var() > 0.5 * y.var():
            return None
        usual = off <= np.quantile(off, USUAL)
    return usual if np.mean(off[usual] ** 2) <= (1 - LINEAR) * y[usual].var() else None


def solution(x: Array, y: Array) -> Array:
    """Least squares: the constant, and a coefficient for each column."""
    coefficients: Array = np.linalg.lstsq(np.column_stack([np.ones(len(x)), x]), y)[0]
    return coefficients


def residuals(x: Array, y: Array) -> Array:
    plane = solution(x, y)
    rest: Array = y - plane[0] - x @ plane[1:]
    return rest


def weights(x: Array, y: Array) -> Array:
    """How much worse least squares would be without each column (the square of its t value)."""
    x = x - x.mean(axis=0)
    inverse = np.linalg.pinv(x)
    squares: Array = (inverse @ (y - y.mean())) ** 2 / np.maximum((inverse**2).sum(axis=1), 1e-300)
    return squares


def class_of_pair(x: Numbers, y: Array, target: Outcome) -> dict[str, str]:
    """Two columns whose sum, difference or ratio tells one of two classes by a cut."""
    complete = ~np.isnan(x.values).any(axis=1)
    values, y = x.values[complete], y[complete]
    sizes = np.bincount(y, minlength=2)
    if len(target.classes) != 2 or len(y) < ENOUGH or sizes.min() < BOTH:
        return {}
    spread = values.std(axis=0)
    plain = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)
    alike = np.argsort(-np.abs(plain.T @ (y - y.mean())))[: min(MOST, len(y) // 4)]
    order = alike[np.argsort(-weights(plain[:, alike], y.astype(float)))][:LEADING]
    for one, other in combinations(sorted(order), 2):
        for form in ("{0} + {1}", "{0} - {1}", "{0} / {1}"):
            combined = SIGNS[form](values[:, one], values[:, other])
            if np.isfinite(combined).all() and is_cut(combined, y):
                names = x.names[one], x.names[other]
                what = f"{form.format(*names)} alone tells {target.name} by a cut"
                return dict.fromkeys(names, f"{what}: {AFTER}")
    return {}


def is_cut(combined: Array, y: Array) -> bool:
    """Whether one class lies below a number and the other above it, almost without exception."""
    sizes, ordered = np.bincount(y), y[np.argsort(combined, kind="stable")]
    ones, zeros = ordered.cumsum() / sizes[1], (1 - ordered).cumsum() / sizes[0]
    return bool(1 - np.abs(ones - zeros).max() <= 2 * WRONG)
