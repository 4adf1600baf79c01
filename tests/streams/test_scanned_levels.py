"""Categories of scans: indicators that are made while rows are read, or sums by level where there are many."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import fastlr
from fastlr import InputError
from fastlr.least_squares import absorbed

N_ROWS = 3000


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(11)
    town = np.array([f"t{k:03}" for k in rng.integers(0, 120, size=N_ROWS)], dtype=object)
    kind = np.array(["a", "b", "c"], dtype=object)[rng.integers(0, 3, size=N_ROWS)]
    size = rng.normal(loc=50.0, scale=9.0, size=N_ROWS)
    age = rng.normal(size=N_ROWS) + (kind == "b")
    effect = dict(zip(sorted(set(town)), rng.normal(scale=3.0, size=120), strict=True))
    y = 2 * size - age + [effect[t] for t in town] + (kind == "c") + rng.normal(size=N_ROWS)
    w = rng.integers(0, 3, size=N_ROWS).astype(float)
    return {"size": size, "town": town, "age": age, "kind": kind, "y": y, "w": w}


@pytest.fixture(scope="module")
def paths(table, tmp_path_factory):
    """Parquet whose row groups have dictionaries of their own, and CSV."""
    directory = tmp_path_factory.mktemp("levels")
    coded = {
        k: pa.array(v).dictionary_encode() if v.dtype == object else v for k, v in table.items()
    }
    pq.write_table(pa.table(coded), directory / "rows.parquet", row_group_size=700)
    pyarrow.csv.write_csv(pa.table(table), directory / "rows.csv")
    return {"parquet": directory / "rows.parquet", "csv": directory / "rows.csv"}


def scan(paths, kind="parquet", **options):
    chosen = {"categories": ["town", "kind"], "exclude": "w", "chunk_rows": 600}
    if kind == "csv":
        chosen["block_bytes"] = 1 << 14
    return fastlr.scan(paths[kind], target="y", **{**chosen, **options})


def features(table):
    return {name: table[name] for name in ("size", "town", "age", "kind")}


def expected(table, rows=slice(None), **options):
    X = {name: values[rows] for name, values in features(table).items()}
    return fastlr.ols(X, table["y"][rows], categories=["town", "kind"], **options)


def same(found, wanted, rtol=1e-9):
    assert found.feature_names == wanted.feature_names
    assert found.n_samples == wanted.n_samples
    for name in ("coef", "intercept", "bse_coef", "rss", "r2", "feature_mean", "residual_sd"):
        np.testing.assert_allclose(
            getattr(found, name), getattr(wanted, name), rtol=rtol, atol=1e-10, err_msg=name
        )


@pytest.fixture(params=[False, True], ids=["columns", "sums"])
def way(request, monkeypatch):
    """Indicators as columns like all others, or the largest category eliminated by its sums."""
    if request.param:
        monkeypatch.setattr(absorbed, "_LONG", 0)
        monkeypatch.setattr(absorbed, "ENOUGH_INDICATORS", 2)
        monkeypatch.setattr("fastlr.least_squares.streamed_levels.ENOUGH_INDICATORS", 2)
    return request.param


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize("options", [{}, {"fit_intercept": False}, {"accuracy": "fast"}], ids=str)
def test_categories_are_fitted_as_those_of_arrays(paths, table, way, kind, options):
    found = fastlr.ols(scan(paths, kind), **options)
    same(found, expected(table, **options))
    if options == {"accuracy": "fast"}:
        assert found.solver == ("absorbed" if way else "normal")
    new = {name: values[:40] for name, values in features(table).items()}
    np.testing.assert_allclose(
        found.predict(new), expected(table, **options).predict(new), rtol=1e-8
    )


def test_weights_and_several_targets_go_with_categories(paths, table, way):
    rows = fastlr.scan(
        paths["parquet"],
        target=["y", "size"],
        features=["age", "town"],
        weights="w",
        chunk_rows=600,
    )
    found = fastlr.ols(rows)
    X = {name: table[name] for name in ("age", "town")}
    y = {name: table[name] for name in ("y", "size")}
    same(found, fastlr.ols(X, y, sample_weight=table["w"], categories=["town"]))


def test_bits_do_not_depend_on_threads(paths, way):
    one, many = (fastlr.ols(scan(paths, n_threads=n)) for n in (1, 3))
    assert one.coef.tobytes() == many.coef.tobytes()
    assert one.bse_coef.tobytes() == many.bse_coef.tobytes()


def test_files_are_fitted_with_categories_and_predicted(paths, table, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("rows were kept")

    monkeypatch.setattr("fastlr.streams.kept.KeptRows.add", refuse)
    found = fastlr.fit_file(paths["csv"], "y", exclude="w", categories=["town", "kind"])
    same(found, expected(table))
    output = tmp_path / "predicted.npy"
    with pytest.raises(InputError, match="does not say what to write"):
        fastlr.predict_file(found, paths["csv"], output)
    output = tmp_path / "predicted.parquet"
    assert fastlr.predict_file(found, paths["parquet"], output) == N_ROWS
    predicted = pq.read_table(output).column(0).to_numpy()
    np.testing.assert_allclose(predicted, expected(table).predict(features(table)), rtol=1e-9)


def test_dictionaries_of_text_are_categories_by_themselves(paths, table):
    rows = fastlr.scan(paths["parquet"], target="y", exclude="w")
    same(fastlr.ols(rows), expected(table))
    with pytest.raises(fastlr.FileFormatError, match="categories="):
        fastlr.scan(paths["parquet"], target="y", exclude="w", categories=None)


def test_numbers_may_be_levels(table):
    X = {"size": table["size"], "kind": np.searchsorted(["a", "b", "c"], table["kind"])}
    y = table["y"]
    batches = [{**{n: v[s] for n, v in X.items()}, "y": y[s]} for s in (np.s_[:99], np.s_[99:])]
    found = fastlr.ols(fastlr.scan(batches, target="y", categories="kind"))
    same(found, fastlr.ols(X, y, categories=["kind"]))
    assert found.feature_names == ("size", "kind[T.1]", "kind[T.2]")


@pytest.mark.parametrize("cov_type", ["HC1", "HC3", "cluster"])
def test_robust_errors_go_with_categories(paths, table, cov_type):
    rows = fastlr.scan(paths["parquet"], target="y", features=["size", "kind"], chunk_rows=600)
    X = {name: table[name] for name in ("size", "kind")}
    groups = {"groups": "town"} if cov_type == "cluster" else None
    found = fastlr.ols(rows, cov_type=cov_type, cov_kwds=groups)
    own = {"groups": table["town"]} if cov_type == "cluster" else None
    same(
        found,
        fastlr.ols(X, table["y"], categories=["kind"], cov_type=cov_type, cov_kwds=own),
    )


def test_paths_subsets_and_descent_take_indicators(paths, table):
    rows = fastlr.scan(paths["parquet"], target="y", features=["size", "age", "kind"])
    assert fastlr.Moments.from_rows(rows).feature_names[-1] == "kind[T.c]"
    assert "size" in fastlr.best_subset(rows, criterion="kfold").best.features
    X = {name: table[name] for name in ("size", "age", "kind")}
    options = {"learning_rate": 0.1, "standardize": True, "epochs": 5}
    for more in ({}, {"batch_size": 50, "sampling": "sequential"}):
        found = fastlr.descend(rows, **options, **more)
        wanted = fastlr.descend(X, table["y"], categories=["kind"], **options, **more)
        np.testing.assert_allclose(found.coef, wanted.coef, rtol=1e-9)
        assert found.predict(X).shape == (N_ROWS,)


def test_missing_labels_are_missing_values(table, way):
    columns = {name: table[name].copy() for name in ("size", "town", "y")}
    columns["town"][[3, 1500]] = None
    batches = [{n: v[s] for n, v in columns.items()} for s in (np.s_[:999], np.s_[999:])]
    with pytest.raises(InputError, match=r"column 'town' has no value in row 4"):
        fastlr.scan(batches, target="y", categories="town")
    found = fastlr.ols(fastlr.scan(batches, target="y", categories="town", missing="drop"))
    keep = np.delete(np.arange(N_ROWS), [3, 1500])
    X = {name: table[name][keep] for name in ("size", "town")}
    same(found, fastlr.ols(X, table["y"][keep], categories=["town"]))
    assert found.n_dropped == 2


def test_a_hundred_thousand_levels_take_the_memory_of_levels():
    rng = np.random.default_rng(2)
    n, n_levels = 120_000, 100_000
    codes = np.concatenate([np.arange(n_levels), rng.integers(0, n_levels, size=n - n_levels)])
    x = rng.normal(size=n)
    y = 3 * x + codes % 7 + rng.normal(size=n)
    batches = [
        {"x": x[s : s + 40_000], "g": codes[s : s + 40_000], "y": y[s : s + 40_000]}
        for s in range(0, n, 40_000)
    ]
    found = fastlr.ols(fastlr.scan(batches, target="y", categories="g"))
    wanted = fastlr.ols({"x": x, "g": codes}, y, categories=["g"])
    np.testing.assert_allclose(found.coef, wanted.coef, rtol=1e-8, atol=1e-9)


def test_what_categories_cannot_do_is_refused(paths, table, monkeypatch):
    rows = scan(paths)
    with pytest.raises(InputError, match=r"has categories .*and estimators are for numbers"):
        fastlr.LinearRegression().fit(rows)
    with pytest.raises(InputError, match="categories='town' is no feature"):
        scan(paths, features=["size"], exclude=(), categories=["town"])
    one = [{"g": ["a", "a"], "y": [1.0, 2.0]}]
    with pytest.raises(InputError, match="holds one level alone, 'a'"):
        fastlr.scan(one, target="y", categories="g")
    monkeypatch.setattr("fastlr.streams.rows._MOST_REMEMBERED", 0)
    with pytest.raises(InputError, match="a category takes a second pass"):
        fastlr.scan(iter([*one, *one]), target="y", categories="g")
