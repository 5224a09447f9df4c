"""Columns that are about persons are recognised, and what is learned from them is not readable."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from mlfactory_runtime.draft import personal
from mlfactory_runtime.draft.places import STATES
from mlfactory_runtime.learn import profile, signature

NAMES = [f"{first} {last}" for first in ("Ana", "Bo", "Cem", "Di", "Eva") for last in
         ("Berg", "O'Hara", "García", "Li", "Roux")]  # fmt: skip
MAILS = [f"a{number}@example.org" for number in range(25)]
PHONES = [f"+49 30 {number}55512" for number in range(10, 35)]
NUMBERS = [str(number) for number in range(1000, 1025)]
ANSWERS = ["yes", "no"] * 15


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("Name", NAMES, "personal"),
        ("customer_name", NAMES, "personal"),
        ("x1", NAMES, "personal"),
        ("Contact", NAMES * 9, "personal"),
        ("handled by", NAMES * 2, "personal"),
        ("E-Mail-Adresse", MAILS, "personal"),
        ("contact", MAILS, "personal"),
        ("Telefon", PHONES, "personal"),
        ("x2", PHONES, "personal"),
        ("Straße", ["Am Markt 1", "Hauptstraße 2"], "personal"),
        ("x3", [f"{number} Main Street" for number in NUMBERS], "personal"),
        ("x4", ["DE89 3704 0044 0532 0130 00", "GB82 WEST 1234 5698 7654 32"], "personal"),
        ("x5", ["4111 1111 1111 1111", "5500-0055-5555-5559"], "personal"),
        ("Kunden-Nr.", NUMBERS, "personal"),
        ("patientId", NUMBERS, "personal"),
        ("zip code", NUMBERS, "personal"),
        ("date_of_birth", ["1980-02-03"], "personal"),
        ("religion", ["a", "b"], "special"),
        ("HIV_status", ANSWERS, "special"),
        ("icd10", NUMBERS, "special"),
        ("ship to", [f"{word} Rosa" for word in ("Santa", "Villa", "Monte", "Porto")] * 9, "none"),
        ("trade_union_member", ANSWERS, "special"),
        ("product_name", [f"{name} Chair" for name in NAMES], "none"),
        ("city", ["New York", "San Jose", "Los Angeles"] * 20, "none"),
        ("customer type", ["Power User", "Big Spender", "New Client"] * 20, "none"),
        ("file_name", [f"{number}.png" for number in NUMBERS], "none"),
        ("rename", ANSWERS, "none"),
        ("race_time", NUMBERS, "none"),
        ("phone_service", ANSWERS, "none"),
        ("phone_calls", NUMBERS, "none"),
        ("email", ANSWERS, "none"),
        ("account_balance", ["12.50", "7.25"], "none"),
        ("customer_age", NUMBERS, "none"),
        ("birth_weight", NUMBERS, "none"),
        ("Geb.-Datum", ["1980-02-03"], "personal"),
        ("Geboortedatum", ["1980-02-03"], "personal"),
        ("signup", ["2024-01-05", "2024-11-30"], "none"),
        ("x6", NUMBERS, "none"),
        ("x7", [None, None], "none"),
    ],
)
def test_a_column_is_about_persons_by_its_name_or_by_its_values(
    name: str, values: list[Any], kind: str
) -> None:
    assert personal.sensitivity(name, pl.Series(name, values, dtype=pl.String))[0] == kind


def test_nothing_readable_of_a_sensitive_feature_is_kept(tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {"faith": ["Jedi", "Sith"] * 100, "pay": np.arange(200) * 7.3 + 70_001.5, "y": [0.0] * 200}
    )
    features = (
        signature.describe("faith", "string", "categorical", rows["faith"], "salt"),
        signature.describe("pay", "float", "numeric", rows["pay"], "salt"),
    )
    known = signature.Signature(task="regression", target="y", features=features)
    signature.save_signature(known, tmp_path)
    kept = (
        str(profile.profile(rows, known, np.zeros(200), lambda given: given))
        + (tmp_path / signature.FILE).read_text()
    )

    assert not any(value in kept for value in ("Jedi", "Sith", "70001.5", "71454.2"))
    codes = signature.encode(rows, signature.load_signature(tmp_path).features)[:, 0]
    assert sorted(set(codes.tolist())) == [0.0, 1.0]


@pytest.mark.parametrize("count", [6, 50])
def test_states_are_no_persons_however_many(count: int) -> None:
    states = [name.strip() for name in STATES.split("|")][:count]
    assert personal.sensitivity("name", pl.Series("name", states * 20))[0] == "none"
