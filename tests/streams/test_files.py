"""`fastlr.fit_file`: the fit of the arrays that a table holds, whatever way it took."""

import numpy as np
import pytest

import fastlr
from fastlr.streams import rows


@pytest.fixture
def table(tmp_path):
    """Days of a table in several files, and the columns of all of them."""
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=300) for name in ("a", "b", "c")}
    columns["w"] = rng.integers(0, 3, size=300).astype(float)
    columns["y"] = columns["a"] - 2 * columns["b"] + rng.normal(size=300)
    for k in range(3):
        part = {name: values[100 * k : 100 * (k + 1)] for name, values in columns.items()}
        np.savez(tmp_path / f"day{k}.npz", **part)
    return str(tmp_path / "day*.npz"), columns


def X_of(columns, names):
    return {name: columns[name] for name in names}


def assert_same(fit, other):
    assert fit.feature_names == other.feature_names
    np.testing.assert_allclose(fit.coef, other.coef, rtol=1e-12)
    np.testing.assert_allclose(fit.intercept, other.intercept, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(fit.bse_coef, other.bse_coef, rtol=1e-12)
    assert fit.n_samples == other.n_samples


@pytest.mark.parametrize("accuracy", ["fast", "auto", "max"])
@pytest.mark.parametrize("kept", [True, False])
def test_files_are_fitted_as_their_arrays_are(table, accuracy, kept, monkeypatch):
    pattern, columns = table
    if not kept:
        monkeypatch.setattr(rows, "_MOST_REMEMBERED", 0)
    fit = fastlr.fit_file(pattern, "y", exclude="w", accuracy=accuracy)
    assert_same(fit, fastlr.ols(X_of(columns, "abc"), columns["y"]))
    assert fit.target_names == ("y",)


def test_weights_features_and_intercept_are_those_asked_for(table):
    pattern, columns = table
    fit = fastlr.fit_file(pattern, "y", features=["c", "a"], weights="w", fit_intercept=False)
    expected = fastlr.ols(
        X_of(columns, "ca"), columns["y"], sample_weight=columns["w"], fit_intercept=False
    )
    assert_same(fit, expected)


def test_a_penalty_is_that_of_solve(table):
    pattern, columns = table
    fit = fastlr.fit_file(pattern, "y", exclude=["w"], alpha=3.0)
    moments = fastlr.Moments.from_arrays(X_of(columns, "abc"), columns["y"])
    np.testing.assert_allclose(fit.coef, fastlr.solve(moments, alpha=3.0).coef, rtol=1e-12)


def test_several_targets_are_fitted_together(table):
    pattern, columns = table
    fit = fastlr.fit_file(pattern, ["y", "c"], exclude="w")
    y = np.column_stack([columns["y"], columns["c"]])
    np.testing.assert_allclose(fit.coef, fastlr.ols(X_of(columns, "ab"), y).coef, rtol=1e-12)
    assert fit.target_names == ("y", "c")


def test_missing_values_are_refused_by_name_or_dropped(tmp_path):
    path = tmp_path / "plots.npz"
    x = np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    np.savez(path, x=x, y=np.arange(5.0))
    with pytest.raises(
        fastlr.InputError, match=r"column 'x' has no value in row 3.*missing='drop'"
    ):
        fastlr.fit_file(path, "y")
    fit = fastlr.fit_file(path, "y", missing="drop")
    keep = np.isfinite(x)
    assert_same(fit, fastlr.ols({"x": x[keep]}, np.arange(5.0)[keep]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"target": "z"}, "target='z': .* has no column 'z'; it has a, b, c, w and y"),
        ({"target": "Y"}, "y differ only in case: write the one you mean"),
        ({"target": []}, "target names no column"),
        ({"target": "y", "features": ["a", "a"]}, "features='a' is named twice"),
        ({"target": "y", "features": "y"}, "features='y' is named in target as well"),
        ({"target": "y", "weights": "y"}, "weights='y' is named in target as well"),
        ({"target": "y", "exclude": list("abcw")}, "is left to be a feature"),
        ({"target": "y", "missing": "ignore"}, "missing='ignore'"),
        ({"target": "y", "accuracy": "exact"}, "accuracy='exact'"),
        ({"target": "y", "alpha": -1.0}, "alpha=-1.0"),
        ({"target": "y", "decimal": ","}, "decimal"),
    ],
)
def test_wrong_arguments_are_named(table, arguments, words):
    with pytest.raises(fastlr.InputError, match=words):
        fastlr.fit_file(table[0], **arguments)


@pytest.mark.parametrize("argument", ["target", "features", "exclude", "weights"])
@pytest.mark.parametrize("value", [3, ["a", 3], {"a"}])
def test_names_that_are_no_strings_are_refused(table, argument, value):
    with pytest.raises(fastlr.InputTypeError, match=f"{argument}=.* is not the name of a column"):
        fastlr.fit_file(table[0], **{"target": "y", argument: value})


def test_weights_are_one_column(table):
    with pytest.raises(
        fastlr.InputTypeError, match=r"weights=.* is not the name of a column: pass a string\.$"
    ):
        fastlr.fit_file(table[0], "y", weights=["w"])


def test_text_columns_are_no_features_unless_excluded(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "plots.csv"
    path.write_text("x,city,y\n1,Rome,2\n2,Oslo,3.5\n3,Rome,5\n4,Bern,7\n")
    with pytest.raises(fastlr.FileFormatError, match=r"'city' holds text.*exclude=\['city'\]"):
        fastlr.fit_file(path, "y")
    fit = fastlr.fit_file(path, "y", exclude="city")
    assert fit.feature_names == ("x",)


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("", fastlr.InputError, "a path is empty"),
        ([""], fastlr.InputError, "a path is empty"),
        (3, fastlr.InputTypeError, "3 is not a path"),
        (None, fastlr.InputTypeError, "None is not a path"),
        (b"rows.csv", fastlr.InputTypeError, "is not a path"),
        ([3], fastlr.InputTypeError, "3 is not a path"),
    ],
)
def test_what_names_no_file_is_refused(source, error, words):
    with pytest.raises(error, match=words):
        fastlr.fit_file(source, "y")


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ({"block_bytes": -1}, fastlr.InputError),
        ({"block_bytes": 0}, fastlr.InputError),
        ({"block_bytes": "a"}, fastlr.InputTypeError),
        ({"block_bytes": 1.5}, fastlr.InputTypeError),
        ({"block_bytes": None}, fastlr.InputTypeError),
        ({"delimiter": 3}, fastlr.InputTypeError),
        ({"decimal": 3}, fastlr.InputError),
        ({"encoding": 3}, fastlr.InputTypeError),
        ({"na": 3}, fastlr.InputTypeError),
        ({"na": [3]}, fastlr.InputTypeError),
    ],
)
def test_options_of_text_are_checked(tmp_path, option, error):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("a,y\n1,2\n2,3\n4,5\n", encoding="utf-8")
    (name,) = option
    for source in (tmp_path / "a.csv", tmp_path):
        with pytest.raises(error, match=f"{name}="):
            fastlr.fit_file(source, "y", **option)


def test_an_argument_that_does_not_exist_is_no_option_of_text(tmp_path):
    with pytest.raises(TypeError, match="fit_file has no argument 'bogus'"):
        fastlr.fit_file(tmp_path / "a.csv", "y", bogus=1)


def test_names_and_paths_may_come_from_any_iterable_with_an_order(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a.csv", "b.csv"):
        rows = "".join(f"{x},{z},{2 * x - z}\n" for x, z in rng.integers(0, 99, size=(9, 2)))
        (tmp_path / name).write_text("x,z,y\n" + rows, encoding="utf-8")
    want = fastlr.fit_file(tmp_path, "y", features=["x", "z"])
    paths = (path for path in sorted(tmp_path.glob("*.csv")))
    got = fastlr.fit_file(paths, np.array(["y"]), features=iter(["x", "z"]))
    np.testing.assert_array_equal(got.coef.ravel(), want.coef.ravel())
    assert got.n_samples == want.n_samples == 18


def test_weights_of_files_mean_what_weight_type_says(tmp_path):
    rng = np.random.default_rng(8)
    table = {"x": rng.normal(size=40), "n": rng.integers(0, 4, size=40).astype(float)}
    table["y"] = 2.0 * table["x"] + rng.normal(size=40)
    np.savez(tmp_path / "rows.npz", **table)
    counts = table["n"].astype(int)
    repeated = fastlr.ols(table["x"].repeat(counts)[:, np.newaxis], table["y"].repeat(counts))
    for accuracy in ("auto", "fast"):
        options = {"weights": "n", "accuracy": accuracy}
        counted = fastlr.fit_file(tmp_path / "rows.npz", "y", weight_type="frequency", **options)
        np.testing.assert_allclose(counted.pvalues, repeated.pvalues, rtol=1e-10)
        assert counted.nobs == counts.sum()
        survey = fastlr.fit_file(tmp_path / "rows.npz", "y", weight_type="probability", **options)
        assert np.isfinite(survey.bse_coef).all()
    with pytest.raises(fastlr.InputError, match="weight_type='count' is unknown"):
        fastlr.fit_file(tmp_path / "rows.npz", "y", weights="n", weight_type="count")
