"""Values of persons are planted in the data, and then searched for in all that a factory writes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pytest
import yaml

from .conftest import SCRIPTS, Factory, execute

pytestmark = pytest.mark.xdist_group("personal")
ROWS = 400
FAITHS = ("Pastafarian", "Jediist", "Dudeist", "Discordian")
WRITTEN = ("models", "reports")


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


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, env: dict[str, str]) -> Factory:
    """A trained factory on them."""
    folder = tmp_path_factory.mktemp("personal")
    persons().write_csv(folder / "persons.csv")
    argv = (str(SCRIPTS / "mlfactory"), "new", "churn", "--data", "persons.csv")
    told = execute((*argv, "--target", "churned", "--defaults", "--json"), folder, env).stdout
    return Factory(folder / "churn", env, json.loads(told))


def readable(factory: Factory, values: Iterable[str]) -> list[str]:
    """Which values stand in any commit, in the work tree of git, in the model or in a report."""
    files = [path for name in WRITTEN for path in (factory.path / name).rglob("*")]
    tracked = factory.run("git", "ls-files", "-z").stdout.split("\0")
    files += [factory.path / name for name in tracked if name]
    texts = [path.read_bytes().decode("utf-8", "replace") for path in files if path.is_file()]
    history = factory.run("git", "log", "--patch", "--text", "--all").stdout
    written = "\n".join([*texts, history])
    return [value for value in values if value in written]


def planted() -> list[str]:
    table = persons()
    names = ["Kunden-Nr", "full_name", "E-Mail", "Telefon", "IBAN", "Adresse", "note"]
    return [*(value for name in names for value in table[name]), *FAITHS]


def test_what_is_about_persons_is_drafted_so(made: Factory) -> None:
    columns = yaml.safe_load(made.text("features.yaml"))["columns"]
    kinds = {name: column.get("sensitive", "none") for name, column in columns.items()}
    assert {name for name, kind in kinds.items() if kind == "none"} == {"pay", "months", "churned"}
    assert kinds["religion"] == "special"


def test_the_sensitive_category_is_learned_from(made: Factory) -> None:
    signature = json.loads(made.text("models/model/signature.json"))
    (faith,) = [f for f in signature["features"] if f["name"] == "religion"]
    assert len(faith["categories"]) == len(FAITHS)
    assert "religion" in made.text("reports/model_card.md")


def test_no_value_of_a_person_can_be_read(made: Factory) -> None:
    assert readable(made, planted()) == []


def test_synthesised_rows_hold_no_value_of_a_person(made: Factory, tmp_path: Path) -> None:
    made.run("factory", "synth", str(tmp_path / "rows.csv"))
    assert [value for value in planted() if value in (tmp_path / "rows.csv").read_text()] == []


def test_the_model_scores_what_it_was_trained_on(made: Factory, tmp_path: Path) -> None:
    persons().drop("churned").write_csv(tmp_path / "new.csv")
    made.run("factory", "predict", str(tmp_path / "new.csv"), str(tmp_path / "scores.csv"))
    called = pl.read_csv(tmp_path / "scores.csv")["prediction"]
    assert (called == persons()["churned"]).mean() > 0.85


def test_a_number_that_a_person_calls_sensitive_is_read_nowhere_from_then_on(made: Factory) -> None:
    code = next((made.path / "src").glob("*/features.py"))
    line = '(pl.col("pay") / 12).alias("monthly"),'
    code.write_text(code.read_text().replace("with_columns(", f"with_columns(\n        {line}"))
    catalog = yaml.safe_load(made.text("features.yaml"))
    catalog["columns"]["pay"] |= {"sensitive": "personal", "drafted": ""}
    catalog["derived"] = {"monthly": {"parents": ["pay"]}}
    made.write("features.yaml", yaml.safe_dump(catalog, allow_unicode=True, sort_keys=False))
    made.run("dvc", "repro")
    pay = persons()["pay"]
    values = [f"{value:.6f}".rstrip("0") for value in [*pay, *pay / 12]]
    files = [path for name in WRITTEN for path in (made.path / name).rglob("*") if path.is_file()]
    assert any("monthly" in path.read_text() for path in files)
    assert [v for v in values if any(v in path.read_text() for path in files)] == []
