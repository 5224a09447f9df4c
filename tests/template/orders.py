"""Made-up orders of a shop, written as a spreadsheet of a German Windows machine exports them."""

from __future__ import annotations

import math
import random
from datetime import date, timedelta

CATEGORIES = {"Bücher": 0.2, "Elektronik": 0.9, "Küche": 0.5, "Möbel": 0.7, "Schuhe": 1.6}
COLUMNS = (
    "Order no.", "Order date", "E-mail", "Category", "Items", "Price €", "Discount",
    "Delivery days", "Payment", "New customer", "Refund €", "Returned",
)  # fmt: skip


def files() -> dict[str, bytes]:
    """The two files of the tutorial: five months, and the month after."""
    return {
        "orders.csv": export(600, date(2025, 1, 1), 151, 4100, 1),
        "orders-june.csv": export(150, date(2025, 6, 1), 30, 4700, 2),
    }


def export(rows: int, start: date, days: int, first: int, seed: int) -> bytes:
    """A file of orders: semicolons, decimal commas, dates with dots, the encoding cp1252."""
    draw = random.Random(seed)
    dates = sorted(start + timedelta(days=draw.randrange(days)) for _ in range(rows))
    lines = [order(first + place, day, draw) for place, day in enumerate(dates)]
    return "".join(";".join(line) + "\r\n" for line in (COLUMNS, *lines)).encode("cp1252")


def order(number: int, day: date, draw: random.Random) -> tuple[str, ...]:
    """One line. Shoes in several sizes come back, and so do dear orders that came late."""
    category = draw.choice(list(CATEGORIES))
    items, days = draw.choice([1, 1, 1, 2, 2, 3, 5]), draw.randrange(1, 15)
    price = round(math.exp(draw.gauss(3.6, 1.0)) * items, 2)
    new = draw.random() < 0.4
    discount = draw.choice([0, 0, 0, 5, 10, 20])
    sizes = category == "Schuhe" and items > 1
    late = days > 9 and price > 40
    score = CATEGORIES[category] + 2.6 * sizes + (2.4 if new else 1.6) * late
    returned = draw.random() < 1 / (1 + math.exp(3.2 - 1.6 * score))
    return (
        f"{number:06d}",
        f"{day:%d.%m.%Y}",
        f"customer{draw.randrange(10_000)}@example.org",
        category,
        str(items),
        number_text(price),
        f"{discount} %" if discount else "-",
        "n/a" if draw.random() < 0.06 else str(days),
        draw.choice(["card", "invoice", "invoice", "paypal"]),
        "ja" if new else "nein",
        number_text(price) if returned and draw.random() < 0.95 else "0,00",
        "yes" if returned else "no",
    )


def number_text(value: float) -> str:
    """1234.5 as 1.234,50."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))
