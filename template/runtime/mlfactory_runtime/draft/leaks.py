"""Columns that may give the outcome away, each with the evidence: a person decides.

One question is asked of each column in several ways: do rows that are alike in it have the same
outcome, almost without exception? A feature that is merely strong leaves exceptions. What one
column does not show is asked elsewhere: sums, rates, texts, and what is later by its name.
"""

import re
from collections.abc import Iterable

import numpy as np
import polars as pl

from ..learn.copies import alikeness
from .choices import find_choices
from .later import EARLIER, find_later
from .outcome import RARE, Outcome, codes_of, explained, mistakes, numbers_of, outcome, ranks
from .personal import words
from .rates import find_rates
from .sums import find_sums
from .texts import find_texts

SAMPLE, FEWEST, RADIUS, PILE, ENDS, ALL = 20_000, 30, 2, 10, 0.1, 0.9
ENTITIES = 20  # fewer values than that name kinds
REPEATED = 20  # a measured number that more rows have on average is rounded
EMPTY = ("", "-", "?", "0", "no", "none", "n/a", "nothing", "unknown")
ENTITY = re.compile(
    r"\b(id|uuid|key|nr|no|num|number|nummer|client|customer|kunde|account|konto|patient|person"
    r"|subject|user|member|student|pupil|employee|household|device|machine|sensor|vehicle|contract"
    r"|email|case|policy|loan|claim|ticket|site|animal|plot|sample|specimen|donor"
    r"|cliente|paciente|alumno|aluno|usuario|empleado|hogar|maquina|dispositivo|vehiculo|contrato"
    r"|cuenta|persona|sujeto|socio|codigo|folio|dni|matricula|expediente|referencia|poliza|conta"
    r"|eleve|utilisateur|salarie|menage|compte|contrat|capteur|vehicule|abonne|dossier|personne"
    r"|paziente|studente|utente|dipendente|sensore|veicolo|conto|contratto|macchina|pratica|codice"
    r"|kundin|schuler|nutzer|benutzer|mitarbeiter|haushalt|gerat|maschine|anlage|fahrzeug|vertrag"
    r"|versicherter|proband|probe|fall|kennung|aktenzeichen|klant|leerling|gebruiker|voertuig)$"
)


def find_leaks(
    rows: pl.DataFrame,
    target: str,
    task: str,
    columns: Iterable[str],
    texts: Iterable[str] = (),
    naming: Iterable[str] = (),
) -> dict[str, str]:
    """The columns that tell the target or are made of it, with the evidence.

    `texts` are not learned from, and may tell it all the same; `naming` may name entities.
    """
    rows = rows.filter(pl.col(target).is_not_null())
    if rows.height < FEWEST:
        return {}
    columns = [name for name in columns if name != target]
    y = outcome(rows[target], task)
    leaks = find_later(rows, y, columns) | find_rates(rows, y, columns, naming)
    most = SAMPLE if task == "regression" else min(SAMPLE, 10**6 // rows[target].n_unique())
    if rows.height > most:
        rows = rows.sample(most, seed=0)
        y = outcome(rows[target], task)
    check = _class_leak if y.classes else _number_leak
    alone = {name: check(rows[name], y) for name in columns}
    leaks |= {name: why for name, why in alone.items() if why}
    written = [n for n in (*columns, *texts) if rows[n].dtype == pl.String and n not in leaks]
    leaks |= find_texts(rows, y, written)
    leaks = find_choices(rows, y, columns) | leaks
    return leaks | find_sums(rows, y, [name for name in columns if name not in leaks])


def find_order(
    rows: pl.DataFrame, target: str, task: str, columns: Iterable[str]
) -> dict[str, str]:
    """The columns whose order tells the target; "" is the order of the rows themselves."""
    rows = rows.filter(pl.col(target).is_not_null())
    ordered = {}
    for name in ("", *columns):
        each = rows
        if name:
            each = rows.drop_nulls(name).unique(name, keep="first").sort(_natural(rows[name]))
        each = each.gather_every(-(-each.height // SAMPLE) or 1)
        if each.height >= FEWEST and _in_blocks(outcome(each[target], task)):
            what = f"{'values of it' if name else 'rows'} that follow one another"
            ordered[name] = f"{what} have much the same {target}"
    return ordered


def find_entity(
    rows: pl.DataFrame, target: str, task: str, columns: Iterable[str]
) -> tuple[str, str] | None:
    """The column that names whom several rows are about, if those have much the same target."""
    rows = rows.filter(pl.col(target).is_not_null())
    y, counts = outcome(rows[target], task), rows.select(pl.all().n_unique()).row(0, named=True)
    some = [n for n in columns if n != target and counts[n] > _least_entities(rows[n])]
    alike = {name: _entity(pl.DataFrame([rows[name], rows[target]]), y, task) for name in some}
    name = max(alike, key=lambda name: alike[name], default="")
    if not alike.get(name):
        return None
    message = f"{rows[name].n_unique():,} values in {rows.height:,} rows"
    return name, f"{message}, and rows with one value mostly share {target}"


def _class_leak(values: pl.Series, y: Outcome) -> str | None:
    x, radius = codes_of(values), 0 if values.dtype == pl.String else RADIUS
    positive = x > 0
    if _paired(x[positive], y.codes[positive]):
        return f"each value of it has one value of {y.name}: a copy of the target?"
    if sign := _filled_late(values, x, y):
        return sign
    if radius and _noisy_label(numbers_of(values), y):
        return f"it is {y.name} as a number with some noise: measured or computed afterwards?"
    wrong = mistakes(x, y.codes, radius)
    if not positive.all():
        wrong = min(wrong, mistakes(x[positive], y.codes[positive], radius))
    if wrong <= 0.02:
        right = f"{1 - wrong:.1%} right, each class weighing alike"
        return f"alone it predicts {y.name} almost perfectly ({right})"
    few, many = x.max() <= len(y.classes) > 2, max(RARE, len(x) // 20)
    if few and mistakes(y.codes[positive], x[positive], 0, many, 0.05) <= 0.03:
        return f"each value of {y.name} has one value of it: a grouping of the target?"
    return None


def _number_leak(values: pl.Series, y: Outcome) -> str | None:
    x, text = codes_of(values), values.dtype == pl.String
    positive = x > 0
    if _apart(ranks(y.codes), positive):
        return f"it is filled for high or for low {y.name} only: known only after the outcome?"
    x, y_known = x[positive], y.codes[positive]
    if len(x) < FEWEST or x.max() == 1 or y_known.min() == y_known.max():
        return None
    rank, z = ranks(x), ranks(y_known)
    alike = float(np.corrcoef(rank, z)[0, 1])
    off = np.quantile(np.abs(z - (rank if alike > 0 else 1 + 1 / len(z) - rank)), 0.9)
    if not text and (abs(alike) >= 0.997 or (abs(alike) >= 0.9 and off <= 0.01 + 1 / len(z))):
        return f"it is a function of {y.name} (rank correlation {alike:.3f})"
    honest = EARLIER.intersection(words(values.name))
    if not (text or honest) and _with_noise(numbers_of(values)[positive], y.values[positive]):
        return f"it is {y.name} with some noise: measured or computed afterwards?"
    if (fit := explained(x, z, 0 if text else RADIUS)) >= 0.99:
        return f"alone it predicts {y.name} almost perfectly (R² {fit:.3f} of the ranks)"
    if _grouped(x, z):
        return f"ranges of {y.name} have one value of it each: a grouping of the target?"
    return None


def _with_noise(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether a number is the target plus noise: on average it is the target, and its slope on it
    is 1. Of what the target comes from, such as its last value, the other slope is 1."""
    r = float(np.corrcoef(x, y)[0, 1]) if x.std() and y.std() else 0.0
    if r < 0.85:
        return False
    ours, theirs = r * x.std() / y.std(), r * y.std() / x.std()
    off, error = abs(ours - 1), ((1 - r**2) / len(x)) ** 0.5 / r
    shift = abs((x - y).mean()) * len(x) ** 0.5 / (x - y).std()
    alike = off <= min(0.04, 0.005 + 2 * error) and shift <= 2
    return bool(alike and 1 - theirs >= 2 * max(off, error))


def _noisy_label(x: np.ndarray, y: Outcome) -> bool:
    """Whether the classes' means are their labels (0 and 1 of two words), alike in spread."""
    present = ~np.isnan(x)
    x, codes = x[present], y.codes[present]
    sizes = np.bincount(codes, minlength=len(y.classes))
    if sizes.min() < RARE or len(np.unique(x)) < 10 * len(sizes):
        return False
    labels = pl.Series(y.classes).cast(pl.Float64, strict=False).to_numpy()
    levels = np.arange(2) if len(sizes) == 2 and np.isnan(labels).any() else labels
    means = np.bincount(codes, x, len(sizes)) / sizes
    spread = np.sqrt(np.bincount(codes, (x - means[codes]) ** 2, len(sizes)) / sizes)
    near = np.minimum(0.1, 0.01 + 2.5 * spread / np.sqrt(sizes))
    sharp = 0 < spread.max() <= min(0.5, 1.5 * spread.min())
    orders = (levels, levels[::-1]) if len(sizes) == 2 else (levels,)
    return bool(sharp and any((np.abs(means - each) <= near).all() for each in orders))


def _paired(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether values and classes go together one by one."""
    if len(x) < FEWEST or len(x) - np.bincount(y).max() < 5:
        return False
    values, classes = np.count_nonzero(np.bincount(x)), np.count_nonzero(np.bincount(y))
    return bool(values == classes and classes == len(np.unique(x * (y.max() + 1) + y)))


def _filled_late(values: pl.Series, x: np.ndarray, y: Outcome) -> str | None:
    """Whether a class can be told from there being a value at all; 0 and "" may stand for none."""
    empty = x == 0
    if sign := _one_sided(empty, y, 0.1) or _at_an_end(values, x, y):
        return sign
    if values.dtype == pl.String:
        if blank := [text for text in {*values.to_list()} - {None} if text.lower() in EMPTY]:
            empty = empty | values.is_in(blank).fill_null(False).to_numpy()
    elif values.dtype.is_numeric() and x.max() > 2:
        empty = empty | (numbers_of(values) == 0)
    return _one_sided(empty, y, 0.5)


def _at_an_end(values: pl.Series, x: np.ndarray, y: Outcome) -> str | None:
    """Whether a class can be told from the lowest or the highest value, in which others end."""
    if values.dtype in (pl.String, pl.Boolean) or x.max() < PILE:
        return None
    for end, value in ((1, str(values.min())), (x.max(), str(values.max()))):
        if np.mean(x == end) >= ENDS:
            text = f"other than {value}", value
            if sign := _one_sided(x == end, y, ALL, text):
                return sign
    return None


def _one_sided(
    empty: np.ndarray, y: Outcome, least: float, texts: tuple[str, str] = ("filled", "empty")
) -> str | None:
    sizes = np.bincount(y.codes, minlength=len(y.classes))
    missing = np.bincount(y.codes[empty], minlength=len(sizes))
    for word, rows in zip(texts, (sizes - missing, missing), strict=True):
        within, others = rows / (sizes + 2), rows.sum() - rows
        beyond = (others + 1) / (sizes.sum() - sizes + 2)
        sure = (
            (within >= least) & (beyond <= within / 40) & (others + 1 <= 0.12 * rows.sum() + 0.24)
        )
        if sure.any():
            k = int(np.argmax(within * sure))
            shares = rows[k] / sizes[k], others[k] / (sizes.sum() - sizes[k])
            return (
                f"it is {word} in {shares[0]:.0%} of rows with {y.name} = {y.classes[k]} and in"
                f" {shares[1]:.1%} of the others: known only after the outcome?"
            )
    return None


def _grouped(x: np.ndarray, z: np.ndarray) -> bool:
    """Whether `x` keeps its value over long stretches of the ordered target."""
    sizes = np.bincount(x)[1:]
    others = len(x) - sizes.max()
    if len(sizes) > len(x) / 10 or others < max(20, len(x) / 20):
        return False
    ties = np.random.default_rng(0).random(len(x))  # in no order of their own
    changes = np.count_nonzero(np.diff(x[np.lexsort((ties, z))]))
    wrong = (changes - len(sizes) + 1) / 2
    return bool(wrong <= len(x) / 50 and wrong + 1 <= others / 10)


def _apart(z: np.ndarray, present: np.ndarray) -> bool:
    """Whether nearly every filled row is above (or below) nearly every row that is not."""
    some, none = int(present.sum()), int((~present).sum())
    if min(some, none) < 20:
        return False
    above = (z[present].sum() * len(z) - some * (some + 1) / 2) / (some * none)
    return bool(abs(above - 0.5) >= 0.49)


def _natural(values: pl.Series) -> list[pl.Expr]:
    """The order in which names were given: C9 comes before C10."""
    name = pl.col(values.name)
    if values.dtype != pl.String:
        return [name]
    number = name.str.extract(r"(\d{1,18})\D*$").cast(pl.Int64)
    return [name.str.replace_all(r"\d", ""), number, name]


def _in_blocks(y: Outcome) -> bool:
    place = np.arange(len(y.codes))
    if y.classes:
        return mistakes(place, y.codes, RADIUS, surely=0.15) <= 0.1
    return bool(y.codes.max() and explained(place, ranks(y.codes), RADIUS) >= 0.9)


def _least_entities(values: pl.Series) -> float:
    """How many different values a column has at most that names no entity."""
    if values.dtype.is_float():  # the same number to the last digit, and the same outcome: the same
        return max(ENTITIES, values.len() // REPEATED)
    return ENTITIES if values.dtype.is_integer() or values.dtype == pl.String else np.inf


def _entity(part: pl.DataFrame, y: Outcome, task: str) -> float:
    """How much alike rows with one value are in the target, 0 to 1; 0 if it names no entity.

    The rows have the column and the target, whose numbers are `y`.
    """
    name, target = part.columns
    part = part.drop_nulls(name) if part[name].null_count() else part
    if part.height >= SAMPLE:
        part = part.filter(pl.col(name).hash(0) % (part.height // SAMPLE + 1) == 0)
    x = codes_of(part[name]) - 1
    sizes = np.bincount(x)
    spare = len(x) - len(sizes)
    if not ENTITIES < len(sizes) >= len(x) / 100 or spare < max(50, len(x) / 100):
        return 0.0
    y = y if part.height == len(y.codes) else outcome(part[target], task)
    together = np.bincount(y.codes[sizes[x] > 1])
    if y.classes and together.sum() - together.max() < RARE:  # nearly all are alike anyway
        return 0.0
    z = np.eye(len(y.classes))[y.codes] if y.classes else ranks(y.codes)[:, None]
    z = z - z.mean(axis=0)
    alike = alikeness(x, z)
    if not part[name].dtype.is_float() and ENTITY.search(" ".join(words(name))):
        return alike if alike >= 0.5 else 0.0
    if alike < 0.95 or not part[name].cast(pl.String).str.contains(r"\d").all():
        return 0.0
    means = np.stack([np.bincount(x, column) for column in z.T], axis=1) / sizes[:, None]
    neighbours = np.corrcoef(means[:-1].ravel(), means[1:].ravel())[0, 1]
    return alike if abs(neighbours) < 0.5 else 0.0
