"""Customers of a shop in a database."""

from __future__ import annotations

import random
from datetime import date, timedelta

import polars as pl

TABLE = (
    "create table customers (customer_id bigint, plan text, calls int, price numeric(10, 2),"
    " since date, churned text, late text, moment timestamptz default '2025-03-01 12:00+02')"
)


def customers(first: int, rows: int) -> pl.DataFrame:
    """Rows of a shop's customers; the numbers of the first ones are missing in some columns."""
    draw = random.Random(first)
    table = []
    for number in range(first, first + rows):
        calls, price = draw.randrange(9), round(draw.uniform(5, 90), 2)
        table.append(
            {
                "customer_id": number,
                "plan": draw.choice(["básico", "Pro"]),
                "calls": None if number < 20 else calls,
                "price": price,
                "since": date(2024, 1, 1) + timedelta(days=draw.randrange(400)),
                "churned": "yes" if calls + price / 30 + draw.gauss(0, 1) > 6 else "no",
            }
        )
    return pl.DataFrame(table)


def inserted(table: pl.DataFrame) -> str:
    """The statement that puts the rows into the table `customers`."""

    def literal(value: object) -> str:
        return "null" if value is None else f"'{value}'"

    rows = ", ".join(f"({', '.join(map(literal, row))})" for row in table.iter_rows())
    return f"insert into customers ({', '.join(table.columns)}) values {rows}"
