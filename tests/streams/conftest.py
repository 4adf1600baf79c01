"""Tables in every form that `fastlr.scan` reads."""

import numpy as np
import pytest

N_ROWS, FEATURES = 4000, ("a", "b", "c")


@pytest.fixture(scope="session")
def columns():
    """A table: features far from zero and of different units, a target, weights, two columns of labels."""
    rng = np.random.default_rng(7)
    table = {name: rng.normal(loc=5.0, size=N_ROWS) for name in FEATURES}
    table["c"] *= 1e3
    table["y"] = table["a"] - 2 * table["b"] + table["c"] / 500 + rng.normal(size=N_ROWS)
    table["w"] = rng.integers(0, 4, size=N_ROWS).astype(float)
    table["firm"] = rng.integers(0, 25, size=N_ROWS)
    table["town"] = np.array([f"t{k}" for k in rng.integers(0, 12, size=N_ROWS)], dtype=object)
    return table


@pytest.fixture(scope="session")
def numbers(columns):
    """Features and target alone."""
    return {name: columns[name] for name in (*FEATURES, "y")}


@pytest.fixture(scope="session")
def X(columns):
    return {name: columns[name] for name in FEATURES}


@pytest.fixture(scope="session")
def written(columns, numbers, tmp_path_factory):
    """The table as files: a path for each format, each in several chunks."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.parquet

    directory = tmp_path_factory.mktemp("tables")
    whole = pa.table(columns)
    paths = {
        name: directory / f"rows.{name}" for name in ("parquet", "feather", "csv", "csv.gz", "npy")
    }
    pyarrow.parquet.write_table(whole, paths["parquet"], row_group_size=700)
    pyarrow.feather.write_feather(whole, paths["feather"], chunksize=600)
    pyarrow.csv.write_csv(whole, paths["csv"])
    with pa.CompressedOutputStream(str(paths["csv.gz"]), "gzip") as file:
        pyarrow.csv.write_csv(whole, file)
    np.save(paths["npy"], np.column_stack(list(numbers.values())))
    return paths
