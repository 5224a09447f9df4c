"""Customers of a shop that does not exist."""

from __future__ import annotations

import random
from datetime import date, timedelta

import polars as pl


def customers(rows: int = 900) -> pl.DataFrame:
    """A table like those that people have: dates, categories, missing values, odd names."""
    draw = random.Random(7)
    table = []
    for number in range(rows):
        months, plan = draw.randrange(60), draw.choice(["básico", "Pro", "enterprise", None])
        calls = None if draw.random() < 0.1 else draw.randrange(9)
        price = round(draw.uniform(5, 90), 2)
        score = 3 * (10 < months < 40) + 0.5 * (calls or 4) * (plan == "Pro") + 0.02 * price
        table.append(
            {
                "customer id": f"C{number:05d}",
                "signup date": date(2023, 1, 1) + timedelta(days=draw.randrange(700)),
                "Tenure (months)": months,
                "plan": plan,
                "# calls 📞": calls,
                "price €": price,
                "class": draw.choice(["a", "b"]),
                "is_mobile": draw.random() < 0.4,
                "churned": "yes" if score + draw.gauss(0, 1) > 3 else "no",
                "revenue": round(10 * score + draw.gauss(0, 4), 2),
                "segment": "high" if score > 4 else "middle" if score > 2 else "low",
            }
        )
    return pl.DataFrame(table)
