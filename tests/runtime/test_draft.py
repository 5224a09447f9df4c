"""Drafting: roles from content, and a person's edits stay."""

import json
import random
from pathlib import Path

import polars as pl
import pytest
from mlfactory_runtime.draft import columns as draft_columns
from mlfactory_runtime.draft import review, split
from mlfactory_runtime.learn import split as learn_split
from mlfactory_runtime.project import Project
from mlfactory_runtime.settings.availability import check_catalog
from mlfactory_runtime.settings.params import Params
from mlfactory_runtime.testing.trained import write_yaml

from .factories import PYPROJECT

ROWS, FORMATS = 400, Path(__file__).parent / "formats"


def table() -> pl.DataFrame:
    """Columns of every kind; the outcome depends on the months and, with luck, on the plan."""
    draw = random.Random(1)
    months = [draw.randrange(60) for _ in range(ROWS)]
    outcome = ["yes" if m + draw.gauss(0, 15) > 30 else "no" for m in months]
    return pl.DataFrame(
        {
            "row": range(1, ROWS + 1),
            "code": [f"{number:05d}" for number in range(ROWS)],
            "months": months,
            "count": [str(m % 7) for m in months],
            "weeks": [4 * m for m in months],
            "plan": [draw.choice(["basic", "pro", None]) for _ in range(ROWS)],
            "tariff": None,
            "country": "DE",
            "note": [" ".join(draw.choices("abcdefghijkl", k=6)) for _ in range(ROWS)],
            "fee": [f"{draw.uniform(1, 2000):,.2f} €" for _ in range(ROWS)],
            "since": [
                f"{draw.randrange(1, 29):02d}.{draw.randrange(1, 13):02d}.2024" for _ in months
            ],
            "reason": ["moved" if o == "yes" else None for o in outcome],
            "churned": outcome,
        }
    ).with_columns(tariff=pl.col("plan").replace({"basic": "B", "pro": "P"}))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A factory's settings and data, nothing drafted yet."""
    write_yaml(tmp_path / "features.yaml", {"columns": {}, "derived": {}})
    data = {"path": "rows.csv", "target": "churned"}
    write_yaml(tmp_path / "params.yaml", {"task": "classification", "data": data})
    put(table(), tmp_path)
    return tmp_path


def put(rows: pl.DataFrame, folder: Path) -> None:
    """Make them the factory's data."""
    rows.write_csv(folder / "rows.csv")


def test_roles_come_from_content(folder: Path) -> None:
    draft_columns.draft(Project(folder))

    columns = Project(folder).catalog.columns
    assert {name: column.role for name, column in columns.items()} == {
        "row": "identifier",
        "code": "identifier",
        "months": "numeric",
        "count": "numeric",
        "weeks": "ignored",
        "plan": "categorical",
        "tariff": "ignored",
        "country": "ignored",
        "note": "text",
        "fee": "numeric",
        "since": "datetime",
        "reason": "ignored",
        "churned": "target",
    }
    assert columns["fee"].format == "1,234.5 €"
    assert columns["tariff"].drafted == "ignored: it says the same as plan"
    assert "median" in columns["months"].drafted


def test_the_separator_is_written_where_it_is_named(folder: Path) -> None:
    text = "task: classification\ndata:\n  target: churned\n  path: rows.csv\n  separator: {}\n"
    (folder / "params.yaml").write_text(text.format('","'), "utf-8")
    table().write_csv(folder / "rows.csv", separator=";")

    draft_columns.draft(Project(folder))

    written = (folder / "params.yaml").read_text("utf-8")
    assert written.startswith(text.format('";"'))


def test_a_leak_is_left_out_until_a_person_has_decided(folder: Path) -> None:
    leaking = table().with_columns(state=pl.col("churned").replace({"yes": "gone", "no": "here"}))
    put(leaking, folder)

    told = draft_columns.draft(Project(folder))

    assert any(warning.startswith("'state' is left out") for warning in told.warnings)
    assert review.pending(Project(folder))[0].name == "state"
    review.decide(Project(folder), ["state"], "b")
    assert not Project(folder).catalog.columns["state"].suspect


def test_an_identifier_whose_order_tells_the_target_says_so(folder: Path) -> None:
    put(table().sort("churned").with_columns(number=pl.Series(range(ROWS))), folder)

    draft_columns.draft(Project(folder))

    drafted = Project(folder).catalog.columns["number"].drafted
    assert "follow one another have much the same churned" in drafted


def test_a_new_column_is_added_and_no_edit_is_undone(folder: Path) -> None:
    draft_columns.draft(Project(folder))
    features = folder / "features.yaml"
    edited = features.read_text("utf-8").replace("role: text", "role: ignored  # as agreed")
    features.write_text(edited, "utf-8")
    put(table().with_columns(pl.Series("age", range(ROWS)) % 60 + 18).drop("note"), folder)

    told = draft_columns.draft(Project(folder))

    assert told.columns == 1
    assert "'note' is in features.yaml, and no longer in the data" in told.warnings
    assert features.read_text("utf-8").startswith(edited.split("derived:")[0])
    assert Project(folder).catalog.columns["age"].assumed


@pytest.mark.parametrize("name", ["customer_id", "customer"])
def test_rows_of_one_customer_stay_on_one_side(name: str, folder: Path) -> None:
    draw = random.Random(2)
    fate = [draw.choice(["yes", "no"]) for _ in range(80)]
    rows = table().with_columns(
        pl.Series(name, [f"C{n % 80:03d}" for n in range(ROWS)]),
        pl.Series("churned", [fate[n % 80] for n in range(ROWS)]),
    )
    put(rows, folder)

    draft_columns.draft(Project(folder))

    assert f'group: "{name}"' in (folder / "params.yaml").read_text("utf-8")


def test_as_many_groups_are_held_out_as_something_can_be_said_of() -> None:
    known = {"task": "regression", "data": {"path": "a.csv", "target": "y", "id": "shop"}}
    settings, target = Params.model_validate(known), pl.Series("y", range(600))
    for seed in range(12):  # by the first salt 6 to 14 of the shops are held out
        keys = pl.Series("shop", [f"{seed}-{k % 52}" for k in range(600)])
        salt, lacking = split.draw_salt(keys, target, settings)
        sides = learn_split.by_hash(keys, settings.split.model_copy(update={"salt": salt}))
        assert keys.filter(sides == 2).n_unique() >= 10
        assert not lacking
    few = pl.Series("shop", [f"{k % 12}" for k in range(600)])
    assert split.draw_salt(few, target, settings) == ("y-1", [])


def test_the_review_asks_for_the_most_important_column_first(folder: Path) -> None:
    draft_columns.draft(Project(folder))
    (folder / "reports").mkdir()
    told = json.loads((FORMATS / "evaluation/2.json").read_text("utf-8"))
    shares = {"plan": 0.7, "months": 0.3}
    told["importance"] = [{"feature": name, "gain": gain} for name, gain in shares.items()]
    (folder / "reports/evaluation.json").write_text(json.dumps(told), "utf-8")
    answers = iter(["o", "x", "q"])

    answered = review.review(Project(folder), lambda _: next(answers), lambda _: None)

    columns = Project(folder).catalog.columns
    assert answered == 1
    assert (columns["plan"].availability, columns["plan"].assumed) == ("online", False)
    assert columns["months"].assumed


def test_a_number_that_no_feature_can_hold_is_an_identifier(folder: Path) -> None:
    """Two rows have one account each, so that it is no key of the rows."""
    accounts = pl.Series("account", [2**53 + 7 * (n // 2) for n in range(ROWS)])
    table().with_columns(accounts, hashed=accounts.cast(pl.UInt64) + 2**63).write_parquet(
        folder / "r.parquet"
    )
    settings = folder / "params.yaml"
    settings.write_text(settings.read_text("utf-8").replace("rows.csv", "r.parquet"), "utf-8")

    draft_columns.draft(Project(folder))

    columns = Project(folder).catalog.columns
    assert columns["account"].role == "identifier"
    assert columns["hashed"].dtype == "string"


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("column_1", [n % 200 for n in range(ROWS)]),  # two tables, one below the other
        ("Zeile", [10 * n for n in range(ROWS)]),
        ("fila nº", random.Random(2).sample(range(10 * ROWS), ROWS)),
        ("Unnamed: 0", random.Random(1).sample(range(10 * ROWS), ROWS)),
        ("index", [float(n) for n in range(ROWS)]),
        ("kept", [3 * n + n % 3 for n in range(ROWS)]),  # some rows were left out
    ],
)
def test_a_number_of_the_rows_is_not_learned_from(
    name: str, numbers: list[float], folder: Path
) -> None:
    put(table().with_columns(pl.Series(name, numbers)), folder)
    draft_columns.draft(Project(folder))
    assert Project(folder).catalog.columns[name].role == "identifier"


def test_a_code_beside_missing_ones_is_a_whole_number(folder: Path) -> None:
    codes = [f"{n % 7}.0" if n % 9 else None for n in range(ROWS)]
    put(table().with_columns(pl.Series("store_id", codes)), folder)
    draft_columns.draft(Project(folder))
    column = Project(folder).catalog.columns["store_id"]
    assert (column.dtype, column.role) == ("int", "categorical")


def test_the_time_may_be_a_year(folder: Path) -> None:
    years = pl.Series("year", [1900 + n // 4 for n in range(ROWS)])
    put(table().with_columns(years), folder)
    data = {"path": "rows.csv", "target": "churned", "time": "year"}
    write_yaml(folder / "params.yaml", {"task": "classification", "data": data})
    draft_columns.draft(Project(folder))
    column = Project(folder).catalog.columns["year"]
    assert (column.dtype, column.format) == ("date", ("%Y",))


@pytest.mark.parametrize("names", [("shop", "area"), ("area", "shop")])
def test_a_number_that_is_fixed_per_code_is_learned_from(
    names: tuple[str, str], folder: Path
) -> None:
    draw = random.Random(3)
    areas = [round(draw.uniform(100, 5000), 1) for _ in range(30)]
    shop = [draw.randrange(30) for _ in range(ROWS)]
    columns = {"shop": [10 * n for n in shop], "area": [areas[n] for n in shop]}
    more = {"miles": [areas[n] / 1.6 for n in shop], "city": [f"city {n}" for n in shop]}
    put(
        table().with_columns(
            **{n: pl.Series(columns[n]) for n in names},
            **{n: pl.Series(v) for n, v in more.items()},
        ),
        folder,
    )

    draft_columns.draft(Project(folder))

    catalog = Project(folder).catalog.columns
    assert catalog["area"].role == "numeric"
    assert catalog["miles"].drafted == "ignored: it says the same as area"


def test_what_is_read_otherwise_than_it_stands_is_told_with_its_share(folder: Path) -> None:
    draw = random.Random(4)
    odd = [*["Over 100"] * 40, *["lots"] * 20, *map(str, draw.choices(range(9), k=ROWS - 60))]
    far = [-999 if n < 80 else draw.randrange(100) for n in range(ROWS)]
    columns = {"odd": odd, "far": draw.sample(far, ROWS), "clean": draw.choices(range(50), k=ROWS)}
    put(table().with_columns(pl.Series(name, values) for name, values in columns.items()), folder)

    told = " ".join(draft_columns.draft(Project(folder)).warnings)

    assert "'Over 100' (10.0% of the rows) are read as a number in their place" in told
    assert "'lots' (5.0% of the rows) is read as missing" in told
    assert "-999 stands in 20.0% of the rows, far from all other values: it is read" in told
    catalog = Project(folder).catalog
    assert (catalog.columns["far"].missing, catalog.columns["far"].usual) == (("-999",), (0, 200))
    doubts = {
        one.feature
        for one in check_catalog(catalog, Project(folder).params)
        if one.message == catalog.columns[one.feature or ""].doubt
    }
    assert doubts == {"odd", "far"}


def test_a_code_with_many_values_is_a_category(folder: Path) -> None:
    codes = [f"C{random.Random(n).randrange(4000):04d}" for n in range(20_000)]
    times = 20_000 // ROWS
    rows = pl.concat([table()] * times).with_columns(pl.Series("part", codes))
    put(
        rows.with_columns(note=pl.lit("n") + pl.Series(range(20_000)).cast(pl.String) + " a b c"),
        folder,
    )

    told = draft_columns.draft(Project(folder)).warnings

    columns = Project(folder).catalog.columns
    assert (columns["part"].role, columns["part"].values) == ("categorical", None)
    assert any(warning.startswith("'note' is text, and not learned from") for warning in told)


@pytest.mark.parametrize(
    ("name", "numbers", "role"),
    [
        ("sku", [100_000 + 37 * n for n in range(40)], "categorical"),
        ("Zip.Code", [*range(40)], "categorical"),
        ("productCode", [7 * n + 3 for n in range(40)], "categorical"),
        ("Código", [1, 2, 3, 7], "categorical"),
        ("artikel_nr", [1000 + 11 * n for n in range(40)], "categorical"),
        ("ean", [4_000_000_000_000 + 37 * n for n in range(ROWS - 20)], "identifier"),
        ("house_number", [*range(1, 41)], "numeric"),
        ("codes_read", [*range(1, 41)], "numeric"),
        ("room_no", [3 * n for n in range(1, 100)], "numeric"),
        ("stock index", [3000 + 7 * n for n in range(ROWS - 20)], "numeric"),
    ],
)
def test_numbers_that_name_things_are_categories(
    name: str, numbers: list[int], role: str, folder: Path
) -> None:
    """1001 is no less than 1002 there; beside missing ones they are whole, too."""
    draw = random.Random(5)
    codes = [*numbers, *draw.choices(numbers, k=ROWS - len(numbers))]
    values = [f"{n}.0" if n % 9 else None for n in draw.sample(codes, ROWS)]
    put(table().drop("code").with_columns(pl.Series(name, values)), folder)
    draft_columns.draft(Project(folder))
    column = Project(folder).catalog.columns[name]
    assert (column.role, column.dtype) == (role, "int" if role != "numeric" else column.dtype)


def test_what_was_seen_is_usual_and_no_rule(folder: Path) -> None:
    draft_columns.draft(Project(folder))
    months = Project(folder).catalog.columns["months"]
    assert (months.range, months.usual) == (None, (0, 120))


def test_a_class_of_two_rows_is_left_out_and_named(folder: Path) -> None:
    animals = ["cat", "cat", *["dog", "bird"] * (ROWS // 2 - 1)]
    put(table().with_columns(pl.Series("churned", animals)), folder)
    (folder / "pyproject.toml").write_text(PYPROJECT.format("churn"), "utf-8")

    told = draft_columns.draft(Project(folder))
    record = learn_split.prepare(Project(folder))

    said = "classes of fewer than 3 rows are left out: 'cat' (2)"
    assert any(warning.startswith(said) for warning in told.warnings)
    assert Project(folder).params.data.positive in ("bird", "dog")
    assert said in record.warnings
    assert all(set(counts) == {"bird", "dog"} for counts in (record.classes or {}).values())


def test_a_person_may_keep_small_classes(folder: Path) -> None:
    put(table().with_columns(churned=pl.Series(["cat", *["dog", "bird"] * 199, "dog"])), folder)
    (folder / "pyproject.toml").write_text(PYPROJECT.format("churn"), "utf-8")
    draft_columns.draft(Project(folder))
    text = (folder / "params.yaml").read_text("utf-8")
    (folder / "params.yaml").write_text(text.replace("min_class_rows: 3", "min_class_rows: 1"))
    assert "cat" in str(learn_split.prepare(Project(folder)).classes)


def test_the_class_that_says_yes_is_the_positive_one() -> None:
    assert split.find_positive(pl.Series(["1.0", "1.0", "0.0"])) == "1.0"
    assert split.find_positive(pl.Series(["ja", "ja", "nein"])) == "ja"
    assert split.find_positive(pl.Series(["a", "a", "b"])) == "b"


def test_one_answer_can_be_given_to_all_that_follow(folder: Path) -> None:
    leaking = table().with_columns(state=pl.col("churned").replace({"yes": "gone", "no": "here"}))
    put(leaking, folder)
    draft_columns.draft(Project(folder))
    first = review.pending(Project(folder))
    assert first[0].kind == "suspect"

    answers = iter(["b*", "", "o*"])
    answered = review.review(Project(folder), lambda _: next(answers), lambda _: None)

    assert answered == len(first) - 2
    assert [question.name for question in review.pending(Project(folder))] == [
        q.name for q in first[:2]
    ]
