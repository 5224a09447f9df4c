"""Combinations of answers: all of them, or so many that each pair of answers occurs."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from itertools import combinations as pairs_of
from itertools import product
from math import prod
from typing import Any

from mlfactory.base.answers import Answers

MOST = 48  # with more combinations than this, only all pairs of answers are tried
ATTEMPTS = 50  # so many rows are looked at until one with a pair of answers is allowed


def combinations(
    values: Mapping[str, list[Any]], fits: Callable[[Answers], bool]
) -> Iterator[Answers]:
    """All combinations that are allowed, or where these are too many so many that each pair of
    answers occurs."""
    places = {name: range(len(listing)) for name, listing in values.items()}
    answers = partial(at_places, values)

    def allowed(row: Mapping[str, int]) -> bool:
        return fits(answers(row))

    if len(places) < 2 or prod(map(len, places.values())) <= MOST:
        every = (dict(zip(places, row, strict=True)) for row in product(*places.values()))
        yield from map(answers, filter(allowed, every))
    else:
        yield from map(answers, pairwise(places, allowed))


def at_places(values: Mapping[str, list[Any]], row: Mapping[str, int]) -> Answers:
    return {name: values[name][place] for name, place in row.items()}


def pairwise(
    places: Mapping[str, range], allowed: Callable[[Mapping[str, int]], bool]
) -> Iterator[dict[str, int]]:
    """Rows in which each pair occurs, as far as some row with it is allowed. The rows of all
    combinations could be more than fit into memory."""
    singles = [(name, place) for name, span in places.items() for place in span]
    missing = {pair: None for pair in pairs_of(singles, 2) if pair[0][0] != pair[1][0]}
    while missing:
        first = next(iter(missing))
        row = next(filter(allowed, fillings(places, first, missing)), None)
        for pair in pairs_of(row.items(), 2) if row else [first]:
            missing.pop(pair, None)
        if row:
            yield row


def fillings(
    places: Mapping[str, range], pair: tuple[tuple[str, int], ...], missing: Collection[Any]
) -> Iterator[dict[str, int]]:
    """Rows with a pair: one that brings most of the others that are missing, then any."""
    row = dict(pair)
    for name in (name for name in places if name not in row):
        row[name] = max(places[name], key=partial(gain, row, missing, name))
    yield {name: row[name] for name in places}
    chance = random.Random(repr(pair))  # noqa: S311
    for _ in range(ATTEMPTS):
        some = {name: chance.choice(span) for name, span in places.items()}
        yield {**some, **dict(pair)}


def gain(row: Mapping[str, int], missing: Collection[Any], name: str, place: int) -> int:
    """How many of the missing pairs a value would bring into a row."""
    others = ((other, at) for other, at in row.items())
    mine = (name, place)
    return sum((mine, other) in missing or (other, mine) in missing for other in others)
