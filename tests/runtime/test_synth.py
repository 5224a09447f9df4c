"""Synthesised rows keep the contract, so that what runs on them runs on data."""

from pathlib import Path

from mlfactory_runtime.data import contract
from mlfactory_runtime.learn import synth
from mlfactory_runtime.tables import read as tables_read
from mlfactory_runtime.testing.trained import Trained


def test_synthesised_rows_keep_the_contract_and_are_read_back_as_they_were(
    trained: Trained, tmp_path: Path
) -> None:
    rows = synth.synthesise(trained.catalog, trained.params, 500)
    rows.write_csv(tmp_path / "rows.csv", separator=trained.params.data.separator)
    (raw,) = tables_read.read_batches(tmp_path / "rows.csv", trained.params.data)

    read, broken = contract.read_rows(raw, trained.catalog.columns, trained.params.data)

    assert broken.is_empty()
    assert read.equals(rows)


def test_the_seed_decides_the_rows(trained: Trained) -> None:
    first, again, other = (
        synth.synthesise(trained.catalog, trained.params, 100, seed) for seed in (1, 1, 2)
    )

    assert again.equals(first)
    assert not other.equals(first)
