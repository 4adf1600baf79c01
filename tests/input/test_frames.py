"""Frames of every library give the same fit as the array of their columns."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fastlr
from fastlr.input.arguments import as_features

DRAWS = np.random.default_rng(0)
COLUMNS = {
    "area": DRAWS.normal(size=40),
    "rooms": DRAWS.integers(1, 9, size=40),
    "sold": DRAWS.random(40) < 0.5,
    "age": DRAWS.normal(size=40).astype(np.float32),
}
X = np.column_stack([values.astype(np.float64) for values in COLUMNS.values()])
Y = X @ [1.0, -2.0, 0.5, 3.0] + DRAWS.normal(size=40)


class ArrowOnly:
    """A table of a library that nobody has heard of, but for Arrow's stream of its columns."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def in_chunks(table):
    return pa.concat_tables([table.slice(0, 7), table.slice(7, 20), table.slice(27)])


TABLE = pa.table(COLUMNS)
FRAMES = {
    "pandas": lambda: pd.DataFrame(COLUMNS),
    "pandas, nullable": lambda: pd.DataFrame(COLUMNS).convert_dtypes(),
    "pandas on Arrow": lambda: pd.DataFrame(COLUMNS).convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda: pl.DataFrame(COLUMNS),
    "polars, chunked": lambda: pl.concat(
        [pl.DataFrame(COLUMNS)[:9], pl.DataFrame(COLUMNS)[9:]], rechunk=False
    ),
    "polars, lazy": lambda: pl.DataFrame(COLUMNS).lazy(),
    "table": lambda: TABLE,
    "table, chunked": lambda: in_chunks(TABLE),
    "batch": lambda: TABLE.to_batches()[0],
    "reader": lambda: TABLE.to_reader(max_chunksize=11),
    "stream": lambda: ArrowOnly(TABLE),
    "mapping": lambda: COLUMNS,
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_frame_gives_the_fit_of_its_columns(kind):
    expected = fastlr.ols(COLUMNS, Y)
    fit = fastlr.ols(FRAMES[kind](), Y)
    assert fit.feature_names == tuple(COLUMNS)
    np.testing.assert_array_equal(fit.coef, expected.coef)
    np.testing.assert_array_equal(fit.predict(FRAMES[kind]()), fit.predict(X))
    model = fastlr.LinearRegression().fit(FRAMES[kind](), Y)
    np.testing.assert_array_equal(model.predict(FRAMES[kind]()), fit.predict(X))
    assert list(model.feature_names_in_) == list(COLUMNS)
    moments = fastlr.Moments.from_arrays(FRAMES[kind](), Y)
    np.testing.assert_allclose(fastlr.solve(moments).coef, expected.coef, rtol=1e-12)


@pytest.mark.parametrize(
    "column",
    [
        pd.Series,
        pl.Series,
        pa.array,
        lambda values: pa.chunked_array([values[:3], values[3:]]),
        lambda values: ArrowOnly(pa.chunked_array([values])),
    ],
    ids=["pandas", "polars", "array", "chunked", "stream"],
)
def test_targets_and_weights_are_columns_of_every_library(column):
    weights = np.arange(1.0, 41.0)
    expected = fastlr.ols(X, Y, sample_weight=weights)
    fit = fastlr.ols(X, column(Y), sample_weight=column(weights))
    np.testing.assert_array_equal(fit.coef, expected.coef)
    assert fit.coef.ndim == 1


def test_plain_columns_are_not_copied():
    area, age = COLUMNS["area"], COLUMNS["age"]
    for frame in (
        {"area": area, "age": age},
        pa.table({"area": area, "age": age}),
        pa.table({"area": area, "age": age}).to_batches()[0],
        ArrowOnly(pa.table({"area": area, "age": age})),
    ):
        columns = as_features(frame)
        assert np.shares_memory(columns.column(0), area), type(frame)
        assert np.shares_memory(columns.column(1), age), type(frame)
    polars = pl.DataFrame({"area": area})
    assert np.shares_memory(as_features(polars).column(0), polars["area"].to_numpy())
    pandas = pd.DataFrame(X)
    assert np.shares_memory(as_features(pandas).column(2), pandas.to_numpy())


NULLS = {
    "pandas": lambda kind: pd.DataFrame({"a": pd.Series([1, None, 0], dtype=kind)}),
    "polars": lambda kind: pl.DataFrame(
        {"a": pl.Series([1, None, 0]).cast(pl.Boolean if kind == "boolean" else pl.Int64)}
    ),
    "pyarrow": lambda kind: pa.table(
        {"a": pa.array([1, None, 0]).cast(pa.bool_() if kind == "boolean" else pa.int64())}
    ),
}


@pytest.mark.parametrize("kind", ["Int64", "boolean"])
@pytest.mark.parametrize("library", NULLS)
def test_nulls_of_any_type_are_missing_values(library, kind):
    with pytest.raises(fastlr.InputError, match=r"NaN \(row 1, column 'a'"):
        fastlr.ols(NULLS[library](kind), [1.0, 2.0, 3.0])


def test_nulls_are_those_of_a_slice_of_a_bitmap():
    values = pa.array([None, 1.0, 2.0, None, 4.0, 7.0, 8.0, 1.0, 2.0, 4.0, None])[4:10]
    fit = fastlr.ols(pa.table({"a": values}), np.arange(6.0))
    expected = fastlr.ols({"a": np.array([4.0, 7.0, 8.0, 1.0, 2.0, 4.0])}, np.arange(6.0))
    np.testing.assert_array_equal(fit.coef, expected.coef)


def test_two_columns_of_one_name_are_refused_from_arrow_too():
    twice = pa.Table.from_arrays([pa.array([1.0, 2.0])] * 2, names=["a", "a"])
    for frame in (twice, ArrowOnly(twice), twice.to_batches()[0]):
        with pytest.raises(fastlr.InputError, match="two columns of the same name"):
            fastlr.ols(frame, [1.0, 2.0])
