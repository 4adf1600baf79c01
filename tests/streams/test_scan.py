"""`fastlr.scan`: fits of rows in chunks are the fits of the same rows as arrays, whatever source and threads."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import fastlr
from fastlr.moments.moments import moments_of_state
from fastlr.penalised.stream_folds import folds_of_stream
from fastlr.streams import rows as streams_rows
from fastlr.streams.leaning import with_leaning_scan

OTHERS = ["w", "firm", "town"]


def slices(table, step=900):
    n = len(table["y"])
    return [{k: v[i : i + step] for k, v in table.items()} for i in range(0, n, step)]


def assert_same(fit, other, rtol=1e-12):
    assert fit.feature_names == other.feature_names
    np.testing.assert_allclose(fit.coef, other.coef, rtol=rtol)
    np.testing.assert_allclose(fit.intercept, other.intercept, rtol=rtol)
    np.testing.assert_allclose(fit.bse_coef, other.bse_coef, rtol=rtol)
    assert (fit.n_samples, fit.n_dropped) == (other.n_samples, other.n_dropped)
    assert fit.rank == other.rank


@pytest.fixture(scope="module")
def expected(X, columns):
    return fastlr.ols(X, columns["y"])


@pytest.mark.parametrize("kind", ["parquet", "feather", "csv", "csv.gz"])
@pytest.mark.parametrize("chunk_rows", [None, 333])
def test_files_of_every_format_are_fitted_as_their_rows(written, expected, kind, chunk_rows):
    block = {"block_bytes": 30_000} if kind.startswith("csv") else {}
    rows = fastlr.scan(written[kind], target="y", exclude=OTHERS, chunk_rows=chunk_rows, **block)
    assert_same(fastlr.ols(rows), expected)


def test_a_map_of_an_array_is_fitted_as_the_array(written, expected):
    fit = fastlr.ols(fastlr.scan(written["npy"], target="x3", chunk_rows=512))
    np.testing.assert_allclose(fit.coef, expected.coef, rtol=1e-12)


SOURCES = {
    "a polars frame": lambda table: pl.DataFrame(table),
    "a lazy frame": lambda table: pl.LazyFrame(table),
    "an Arrow table": lambda table: pa.concat_tables([pa.table(part) for part in slices(table)]),
    "a reader": lambda table: pa.table(table).to_reader(500),
    "frames": lambda table: [pl.DataFrame(part) for part in slices(table)],
    "mappings": lambda table: slices(table),
    "an iterator": lambda table: iter(slices(table)),
    "a function": lambda table: lambda: iter(slices(table)),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_sources_in_memory_are_fitted_as_their_rows(numbers, expected, kind):
    rows = fastlr.scan(SOURCES[kind](numbers), target="y", chunk_rows=400)
    assert_same(fastlr.ols(rows), expected)


def test_pairs_of_arrays_bring_targets_and_weights(X, columns):
    matrix = np.column_stack(list(X.values()))
    whole = np.column_stack([columns["y"], columns["a"] ** 2]), columns["w"]
    batches = [(matrix[i::3], *(part[i::3] for part in whole)) for i in range(3)]
    fit = fastlr.ols(fastlr.scan(batches))
    other = fastlr.ols(matrix, whole[0], sample_weight=whole[1])
    assert fit.target_names == other.target_names == ("y0", "y1")
    assert_same(fit, other)


def test_a_data_set_and_its_directory_have_partitions_as_columns(numbers, tmp_path):
    year = np.arange(len(numbers["y"])) % 3 + 2020
    table = pa.table({**numbers, "year": year})
    pq.write_to_dataset(table, tmp_path / "years", partition_cols=["year"])
    order = np.argsort(year, kind="stable")
    X = {name: numbers[name][order] for name in "abc"} | {"year": year[order].astype(float)}
    other = fastlr.ols(X, numbers["y"][order])
    data_set = pa.dataset.dataset(tmp_path / "years", partitioning="hive")
    for source in (tmp_path / "years", data_set):
        assert_same(fastlr.ols(fastlr.scan(source, target="y")), other)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_bits_do_not_depend_on_threads(written, kind):
    fits = [
        fastlr.ols(
            fastlr.scan(written[kind], target="y", exclude=OTHERS, n_threads=n, **options),
            accuracy="max",
            cov_type="cluster",
            cov_kwds={"groups": "firm"},
        )
        for n in (1, 2, 5)
        for options in [{"block_bytes": 20_000} if kind == "csv" else {}]
    ]
    for fit in fits[1:]:
        for field in ("coef", "bse", "covariance"):
            assert np.array_equal(getattr(fit, field), getattr(fits[0], field))


def test_moments_of_chunks_are_the_moments_of_the_rows(written, X, columns):
    rows = fastlr.scan(written["parquet"], target="y", exclude=OTHERS)
    for precision in ("double", "double_double"):
        found = fastlr.Moments.from_rows(rows, precision=precision)
        whole = fastlr.Moments.from_arrays(X, columns["y"], precision=precision)
        np.testing.assert_allclose(found.cross_products, whole.cross_products, rtol=1e-11)
        assert found.n_samples == whole.n_samples
        assert found.precision == precision


@pytest.mark.parametrize("case", ["collinear", "nearly", "constant", "offset", "wide"])
@pytest.mark.parametrize("accuracy", ["auto", "max"])
def test_hard_rows_take_the_ladder_of_arrays(case, accuracy):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(1500, 5)) + (1e7 if case == "offset" else 0)
    X[:, 4] = {"collinear": X[:, 0] + X[:, 1], "nearly": X[:, 0] + 1e-7 * X[:, 4]}.get(
        case, X[:, 4]
    )
    if case == "constant":
        X[:, 2] = 3.0
    if case == "wide":
        X = rng.normal(size=(40, 60))
    y = X[:, :5] @ np.arange(1.0, 6.0) + rng.normal(size=len(X))
    batches = [(X[i : i + 170], y[i : i + 170]) for i in range(0, len(X), 170)]
    fit = fastlr.ols(fastlr.scan(batches), accuracy=accuracy, rank="min_norm")
    other = fastlr.ols(X, y, accuracy=accuracy, rank="min_norm")
    assert (fit.solver, fit.rank) == (other.solver, other.rank)
    assert fit.digits == pytest.approx(other.digits, abs=0.5)
    np.testing.assert_allclose(fit.coef, other.coef, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(fit.bse_coef, other.bse_coef, rtol=1e-9)


@pytest.mark.parametrize("cov_type", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_errors_are_those_of_the_rows(written, X, columns, cov_type):
    rows = fastlr.scan(written["parquet"], target="y", weights="w", exclude=OTHERS[1:])
    other = fastlr.ols(X, columns["y"], sample_weight=columns["w"], cov_type=cov_type)
    assert_same(fastlr.ols(rows, cov_type=cov_type), other)


@pytest.mark.parametrize("groups", ["firm", "town", ["firm", "town"]])
@pytest.mark.parametrize("kind", ["parquet", "csv", "feather"])
def test_errors_by_cluster_find_labels_in_columns(written, X, columns, groups, kind):
    labels = [columns[name] for name in np.atleast_1d(groups)]
    rows = fastlr.scan(written[kind], target="y", exclude=OTHERS)
    fit = fastlr.ols(rows, cov_type="cluster", cov_kwds={"groups": groups})
    given = labels[0] if len(labels) == 1 else tuple(labels)
    other = fastlr.ols(X, columns["y"], cov_type="cluster", cov_kwds={"groups": given})
    assert_same(fit, other)
    assert fit.cov_options == other.cov_options


@pytest.mark.parametrize("cov_type", ["HC0", "HC3", "cluster"])
@pytest.mark.parametrize("weights", [None, "w"])
def test_robust_errors_of_columns_far_from_zero_are_those_of_the_rows(columns, cov_type, weights):
    table = dict(columns, a=columns["a"] + 1e7)
    X = {name: table[name] for name in ("a", "b", "c")}
    is_cluster = cov_type == "cluster"
    rows = fastlr.scan(slices(table), target="y", features=list(X), weights=weights)
    fit = fastlr.ols(rows, cov_type=cov_type, cov_kwds={"groups": "firm"} if is_cluster else None)
    kwds = {"groups": table["firm"]} if is_cluster else None
    w = None if weights is None else table["w"]
    other = fastlr.ols(X, table["y"], sample_weight=w, cov_type=cov_type, cov_kwds=kwds)
    assert abs(fit.intercept) > 1e6  # far beyond residuals, so that its rounding shows in them
    np.testing.assert_allclose(fit.bse_coef, other.bse_coef, rtol=1e-9)
    np.testing.assert_allclose(fit.bse_intercept, other.bse_intercept, rtol=1e-9)


def test_penalties_and_weight_types_are_those_of_arrays(written, X, columns):
    rows = fastlr.scan(written["parquet"], target="y", weights="w", exclude=OTHERS[1:])
    weights = {"sample_weight": columns["w"]}
    assert_same(fastlr.ols(rows, alpha=30.0), fastlr.ols(X, columns["y"], alpha=30.0, **weights))
    for kind in ("frequency", "probability"):
        fit = fastlr.ols(rows, weight_type=kind)
        assert_same(fit, fastlr.ols(X, columns["y"], weight_type=kind, **weights))


def test_rows_with_gaps_are_left_out_and_counted(numbers):
    table = {name: values.copy() for name, values in numbers.items()}
    table["a"][::7], table["y"][5:900:11], table["b"][1000:2000] = np.nan, np.nan, np.nan
    rows = fastlr.scan(slices(table), target="y", missing="drop")
    X = {name: table[name] for name in "abc"}
    for options in ({}, {"cov_type": "HC1"}):
        assert_same(
            fastlr.ols(rows, **options), fastlr.ols(X, table["y"], missing="drop", **options)
        )


def test_what_is_read_once_keeps_digits_without_being_kept(X, columns, monkeypatch):
    monkeypatch.setattr(streams_rows, "_MOST_REMEMBERED", 1000)
    shifted = {"a": X["a"] + 1e7, "b": X["b"]}
    table = {**shifted, "y": columns["y"]}
    fit = fastlr.ols(fastlr.scan(iter(slices(table)), target="y"))
    assert (fit.solver, fit.digits) == ("double_double", 15.0)
    np.testing.assert_allclose(
        fit.coef, fastlr.ols(shifted, columns["y"], accuracy="max").coef, rtol=1e-14
    )


def test_progress_is_told_of_every_pass(written):
    told = []
    rows = fastlr.scan(
        written["parquet"],
        target="y",
        exclude=OTHERS,
        chunk_rows=700,
        n_threads=1,
        progress=lambda done, total: told.append((done, total)),
    )
    fit = fastlr.ols(rows, cov_type="HC0")
    size = written["parquet"].stat().st_size
    assert {total for _, total in told} == {size}
    done = np.array([done for done, _ in told])
    assert np.count_nonzero(np.diff(done) < 0) == fit.passes  # and one more, for the errors
    assert done.max() == pytest.approx(size, abs=10)


def test_progress_of_what_has_no_bytes_counts_rows(numbers, capsys):
    told = []
    rows = fastlr.scan(
        [numbers, numbers], target="y", n_threads=1, progress=lambda *done: told.append(done)
    )
    fastlr.ols(rows, cov_type="HC0")
    assert told[:2] == [(4000, None), (8000, None)]
    assert told[-1] == (8000, 8000)  # known from the second pass on
    fastlr.ols(fastlr.scan([numbers], target="y", progress=True), accuracy="fast")
    assert "the batches: 4,000 rows" in capsys.readouterr().err


def test_paths_and_subsets_take_scans(written, X, columns):
    rows = fastlr.scan(written["parquet"], target="y", exclude=OTHERS, chunk_rows=600)
    path, other = fastlr.ridge_path(rows), fastlr.ridge_path(X, columns["y"])
    np.testing.assert_allclose(path.coef, other.coef, rtol=1e-10)
    assert path.passes == other.passes == 1
    lasso, other = fastlr.lasso_path(rows), fastlr.lasso_path(X, columns["y"])
    np.testing.assert_allclose(lasso.coefs, other.coefs, rtol=1e-8, atol=1e-10)
    best, other = fastlr.best_subset(rows), fastlr.best_subset(X, columns["y"])
    assert [model.features for model in best.table] == [model.features for model in other.table]


def test_folds_of_a_scan_hold_every_row_once(written, X, columns):
    rows = fastlr.scan(written["parquet"], target="y", exclude=OTHERS, chunk_rows=600)
    folds, whole = folds_of_stream(rows, 4)
    assert [fold.test_moments.n_samples for fold in folds] == pytest.approx([1000] * 4, abs=7)
    together = fastlr.Moments.from_arrays(X, columns["y"])
    for fold in folds:
        both = moments_of_state(fold.train) + moments_of_state(fold.test_moments)
        np.testing.assert_allclose(both.cross_products, together.cross_products, rtol=1e-11)
    assert whole.n_samples == together.n_samples
    found = fastlr.best_subset(rows, criterion="kfold", cv=4)
    assert found.best.features == ("a", "b", "c")
    residual = fastlr.ols(rows).residual_sd
    assert found.best.cv_error == pytest.approx(residual**2, rel=0.1)


def test_descent_takes_the_moments_of_a_scan(written, X, columns):
    rows = fastlr.scan(written["parquet"], target="y", exclude=OTHERS)
    for options in ({}, {"alpha": 0.1, "learning_rate": 0.05, "standardize": True, "epochs": 50}):
        fit = fastlr.descend(rows, **options)
        other = fastlr.descend(X, columns["y"], engine="moments", **options)
        np.testing.assert_allclose(fit.coef, other.coef, rtol=1e-9)
        assert (fit.engine, fit.n_samples, fit.n_epochs) == ("moments", 4000, other.n_epochs)


def test_rows_that_a_fit_leans_on_are_found_among_columns_far_from_zero(columns):
    table = dict(columns, a=columns["a"] + 1e7, y=columns["y"].copy())
    table["y"][[3, 899, 900, 3999]] += [30.0, 40.0, -50.0, 60.0]
    rows = fastlr.scan(slices(table), target="y", features=["a", "b", "c"])
    fit = with_leaning_scan(rows, fastlr.ols(rows))
    assert [row for row, _ in fit.influential[0].far][:4] == [3999, 900, 899, 3]


@pytest.mark.parametrize("is_same", [True, False])
def test_rows_that_a_fit_leans_on_keep_their_numbers_beside_labels(columns, is_same):
    table = dict(columns, y=columns["y"].copy())
    table["y"][[899, 900, 3999]] += [40.0, -50.0, 60.0]
    rows = fastlr.scan(slices(table), target="y", features=["a", "b", "c"])
    if is_same:
        rows = rows.with_labels(["firm"])
        assert rows.with_labels(["firm"]) is rows
    fit = fastlr.ols(rows, cov_type="cluster", cov_kwds={"groups": "firm"})
    fit = with_leaning_scan(rows, fit)
    assert [row for row, _ in fit.influential[0].far][:3] == [3999, 900, 899]
