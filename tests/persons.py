"""A table full of persons, made up, and which of its values nobody may read."""

from __future__ import annotations

import random

import polars as pl

ROWS = 400
FAITHS = ("Pastafarian", "Jediist", "Dudeist", "Discordian")


def iban(draw: random.Random) -> str:
    """A German account number whose check digits are right."""
    account = f"{draw.randrange(10**18):018d}"
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


def persons() -> pl.DataFrame:
    """A table full of persons, in which the outcome depends on months, pay and faith."""
    draw, table = random.Random(11), []
    syllables = ("bra", "dol", "fen", "gil", "hum", "jor", "kel", "mav", "nis", "pru", "quo", "zet")
    for number in range(ROWS):
        first, last = ("".join(draw.choices(syllables, k=3)).title() for _ in range(2))
        months, pay = draw.randrange(60), round(draw.uniform(41_000, 98_000), 2)
        faith = draw.choice(FAITHS)
        phone = f"+49 30 {draw.randrange(10**6, 10**7)}"
        score = months / 15 + pay / 20_000 + 2 * FAITHS.index(faith) + draw.gauss(0, 1)
        table.append(
            {
                "Kunden-Nr": f"KD{draw.randrange(10**8):08d}",
                "full_name": f"{first} {last}",
                "E-Mail": f"{first}.{last}{number}@example.org".lower(),
                "Telefon": phone,
                "IBAN": iban(draw),
                "Adresse": f"{last}straße {number + 1}",
                "note": f"called {phone} and asked for {first}, nothing sold",
                "religion": faith,
                "pay": pay,
                "months": months,
                "churned": "yes" if score > 8.5 else "no",
            }
        )
    return pl.DataFrame(table)


def planted() -> list[str]:
    table = persons()
    names = ["Kunden-Nr", "full_name", "E-Mail", "Telefon", "IBAN", "Adresse", "note"]
    return [*(value for name in names for value in table[name]), *FAITHS]
