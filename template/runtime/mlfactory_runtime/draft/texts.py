"""Texts that were written when the outcome was known."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from .outcome import Outcome

SAMPLE, WORDS, TOKENS, OFTEN = 3000, 2, 1000, 4
WITHIN, BEYOND, SAYING, WRONG, LEAST, EXACT = 0.5, 40, 0.8, 0.005, 20, 1e-6
DECIDED = np.log(99)
VALUES, SHARE, VARIED, SHARE_VARIED = 20, 0.5, 20, 0.05
NUMBER = r"\d(?:[\d.,' ]*\d)?"
Array = np.ndarray


def find_texts(rows: pl.DataFrame, y: Outcome, columns: Iterable[str]) -> dict[str, str]:
    """The texts of several words that name the target's number, or tell its class."""
    some = np.random.default_rng(0).permutation(rows.height)[:SAMPLE]
    texts = {}
    for name in columns:
        values = rows[name][some].fill_null("")
        if values.n_unique() < max(VARIED, SHARE_VARIED * len(values)) or not is_text(values):
            continue
        if y.classes:
            why = telling_words(values, y.codes[some], y)
        else:
            why = amounts(values, y.values[some], y.name)
        if why:
            texts[name] = f"{why}: written after the outcome?"
    return texts


def is_text(values: pl.Series) -> bool:
    """Whether there are several words in it."""
    return bool(np.mean(values.str.count_matches(r"\S+").to_numpy()) >= WORDS)


def amounts(values: pl.Series, y: Array, name: str) -> str:
    """Whether the number that is asked for stands in the text, in English or German form."""
    if len(np.unique(y)) < VALUES:
        return ""
    parts = pl.DataFrame({"row": np.arange(len(y)), "y": y, "text": values})
    parts = parts.with_columns(pl.col("text").str.extract_all(NUMBER)).explode("text").drop_nulls()
    plain = pl.col("text").str.replace_all("[' ]", "")
    english = plain.str.replace_all(",", "")
    german = plain.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    same = [
        (read.cast(pl.Float64, strict=False) - pl.col("y")).abs() <= EXACT * pl.col("y").abs()
        for read in (english, german)
    ]
    hits = parts.filter(pl.any_horizontal(same).fill_null(False) & (pl.col("y") != 0))
    share = hits["row"].n_unique() / len(y)
    return f"the number that is {name} stands in {share:.0%} of the texts" if share >= SHARE else ""


def telling_words(values: pl.Series, y: Array, target: Outcome) -> str:
    """Whether a word stands in one class only, or all the words tell the class in new texts."""
    sizes = np.bincount(y, minlength=len(target.classes))
    if np.sort(sizes)[-2] < LEAST:
        return ""
    tokens, x = presence(values)
    if not tokens:
        return ""
    counts = np.stack([x[y == k].sum(axis=0) for k in range(len(sizes))])
    within = counts / np.maximum(sizes, 1)[:, None]
    beyond = (counts.sum(axis=0) - counts + 1) / (len(y) - sizes + 1)[:, None]
    sure = (within >= WITHIN) & (beyond <= within / BEYOND) & (sizes >= LEAST)[:, None]
    shares = np.where(sure, within, 0)
    if shares.any():
        k, token = np.unravel_index(np.argmax(shares), shares.shape)
        share = f"{within[k, token]:.0%} of the texts with {target.name} = {target.classes[k]}"
        return f"{tokens[token]!r} stands in {share} and in hardly any other"
    return f"its words tell {target.name} almost without exception" if tell(x, y) else ""


def presence(values: pl.Series) -> tuple[list[str], Array]:
    """The commonest words and pairs of words, and which text has which, of shape (texts, words)."""
    texts = pl.DataFrame({"row": np.arange(len(values)), "word": values.str.to_lowercase()})
    apart = (
        texts.with_columns(pl.col("word").str.extract_all(r"[\p{L}\d]+"))
        .explode("word")
        .drop_nulls()
    )
    follow = apart.with_columns(
        word=pl.col("word") + " " + pl.col("word").shift(-1).over("row")
    ).drop_nulls()
    each = pl.concat([apart, follow]).unique()
    usual = (
        each.group_by("word")
        .len()
        .filter(pl.col("len") >= OFTEN)
        .sort(["len", "word"], descending=[True, False])
        .head(TOKENS)
    )
    tokens = usual["word"].to_list()
    place = pl.DataFrame(
        {"word": tokens, "place": np.arange(len(tokens))}, schema_overrides={"word": pl.String}
    )
    pairs = each.join(place, on="word")
    x = np.zeros((len(values), len(tokens)), dtype=bool)
    x[pairs["row"].to_numpy(), pairs["place"].to_numpy()] = True
    return tokens, x


def tell(x: Array, y: Array) -> bool:
    """Whether naive Bayes, learned from half of the texts, knows the class of the others.

    Texts of which it is not sure say nothing, and may be some.
    """
    classes, y = np.unique(y, return_inverse=True)
    half = np.random.default_rng(1).permutation(len(y)) % 2 == 0
    scores = np.zeros((len(y), len(classes)))
    for side in (half, ~half):
        part, own = x[side], y[side]
        likely = np.stack(
            [
                (part[own == k].sum(axis=0) + 0.5) / ((own == k).sum() + 1)
                for k in range(len(classes))
            ]
        )
        scores[~side] = x[~side] @ np.log(likely).T + (~x[~side]) @ np.log1p(-likely).T
    best = np.sort(scores, axis=1)
    certain = best[:, -1] - best[:, -2] >= DECIDED
    wrong = np.bincount(y, certain & (scores.argmax(axis=1) != y))
    sizes = np.bincount(y)
    usual = sizes >= LEAST
    clear = np.bincount(y, certain)[usual] / sizes[usual]
    few = wrong[usual] <= np.maximum(1, WRONG * sizes[usual])
    return bool(usual.sum() > 1 and clear.min() >= SAYING and few.all())
