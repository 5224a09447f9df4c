"""Five worlds, each as a table with what `mlfactory new` is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

DAYS, SHOPS = 730, 60
WORDS = ("parcel", "late", "broken", "refund", "invoice", "password", "thanks", "again", "colour")


@dataclass(frozen=True)
class World:
    """The rows, and options of `mlfactory new`."""

    rows: pl.DataFrame
    options: tuple[str, ...] = ()


def classes(draw: np.random.Generator, rows: int = 1500) -> World:
    """Three classes by two numbers and a category."""
    size, age = draw.normal(50, 10, rows), draw.normal(40, 8, rows)
    kind = draw.choice(["red", "green", "blue"], rows)
    score = (size - 50) / 10 + (age - 40) / 8 + (kind == "red") + draw.normal(0, 0.5, rows)
    y = np.where(score > 1, "high", np.where(score > -0.5, "middle", "low"))
    named = {"customer": [f"C{k:05d}" for k in range(rows)], "size": size.round(2)}
    table = pl.DataFrame({**named, "age": age.round(1), "kind": kind, "outcome": y})
    return World(table, ("--id", "customer"))


def rare(draw: np.random.Generator, rows: int = 3000) -> World:
    """Fraud in 4 % of rows."""
    amount, visits = np.exp(draw.normal(3, 1, rows)), draw.poisson(4, rows)
    odds = -5.2 + 1.5 * (np.log(amount) - 3) + 0.3 * visits
    y = draw.random(rows) < 1 / (1 + np.exp(-odds))
    named = {"order": [f"O{k:05d}" for k in range(rows)], "amount": amount.round(2)}
    outcome = np.where(y, "fraud", "fine")
    return World(pl.DataFrame({**named, "visits": visits, "outcome": outcome}), ("--id", "order"))


def seasons(draw: np.random.Generator, rows: int = 4380) -> World:
    """Sales by day, with holidays in November and December, warm summers, and some growth."""
    day = np.repeat(np.arange(DAYS), rows // DAYS)
    when = pl.Series([date(2023, 1, 1) + timedelta(days=int(k)) for k in day])
    month = when.dt.month().to_numpy()
    warm = 12 - 10 * np.cos(2 * np.pi * (day - 20) / 365) + draw.normal(0, 3, len(day))
    price, late = draw.normal(20, 4, len(day)) + day / 365, month >= 11
    visits = draw.poisson(30 + 40 * late)
    y = 5 * visits - 6 * price + 3 * warm + draw.normal(0, 20, len(day))
    made = {"day": when, "temperature": warm.round(1), "price": price.round(2), "visits": visits}
    made |= {"ticket": np.arange(len(day)), "holiday": late & (draw.random(len(day)) < 0.3)}
    table = pl.DataFrame({**made, "sales": y.round(1)})
    return World(table, ("--time", "day", "--id", "ticket"))


def panel(draw: np.random.Generator, rows: int = 3600) -> World:
    """60 shops, week by week, each with a level of its own."""
    week, shop = np.divmod(np.arange(rows), SHOPS)
    level, staff = draw.normal(0, 10, SHOPS)[shop], draw.poisson(6, rows)
    visits = draw.normal(100, 20, rows)
    y = level + 2 * visits + 8 * staff + draw.normal(0, 15, rows)
    made = {"shop": [f"S{k:02d}" for k in shop], "visits": visits.round(1), "staff": staff}
    when = [date(2024, 1, 1) + timedelta(days=7 * int(k)) for k in week]
    table = pl.DataFrame({**made, "week": when, "sales": y.round(1)})
    return World(table, ("--time", "week", "--id", "shop"))


def text(draw: np.random.Generator, rows: int = 1500) -> World:
    """Letters beside two numbers."""
    letters = [" ".join(draw.choice(WORDS, draw.integers(4, 12))) + f" {k}" for k in range(rows)]
    days, price = draw.exponential(5, rows), draw.normal(30, 9, rows)
    odds = 0.4 * (days - 5) + 0.08 * (price - 30) + np.array([one.count("late") for one in letters])
    outcome = np.where(draw.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    made = {"days": days.round(2), "price": price.round(2), "letter": letters, "outcome": outcome}
    return World(pl.DataFrame(made))


WORLDS: dict[str, Callable[[np.random.Generator], World]] = {
    "classes": classes, "rare": rare, "seasons": seasons, "panel": panel, "text": text,
}  # fmt: skip
