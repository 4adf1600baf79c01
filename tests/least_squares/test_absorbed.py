"""A category of many levels is eliminated: against exact arithmetic, and against the indicators that it stands for."""

import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import fastlr
from fastlr.least_squares import absorbed
from rational import exact_least_squares
from real_tables import table

FIELDS = (
    "coef",
    "intercept",
    "rss",
    "tss",
    "bse_coef",
    "bse_intercept",
    "residual_sd",
    "log_likelihood",
)
FIELDS = (*FIELDS, "feature_mean", "feature_std")


@pytest.fixture
def always(monkeypatch):
    """Eliminate categories of any size."""
    monkeypatch.setattr(absorbed, "ENOUGH_INDICATORS", 0)
    monkeypatch.setattr(absorbed, "_LONG", 0)


def indicators(columns, categories):
    """The columns that a table with categories becomes."""
    made = {}
    for name, values in columns.items():
        if name not in categories:
            made[name] = values
            continue
        for level in sorted(set(values))[1:]:
            made[f"{name}[T.{level}]"] = np.array(values) == level
    return made


def drawn(n, seed=0, *, n_levels=9, n_others=4):
    rng = np.random.default_rng(seed)
    columns = {
        "a": rng.normal(size=n) + 3.0,
        "g": rng.integers(0, n_levels, size=n),
        "b": rng.normal(size=n) * 10.0,
        "h": rng.integers(0, n_others, size=n),
    }
    columns["g"][:n_levels], columns["h"][:n_others] = range(n_levels), range(n_others)
    y = columns["a"] - columns["b"] + np.sin(columns["g"]) + columns["h"] + rng.normal(size=n)
    return columns, y, rng


def close(fit, expected, tolerance, case, names=FIELDS):
    """Every number of two fits, within a tolerance of the largest of its kind."""
    assert fit.feature_names == expected.feature_names, case
    assert (fit.n_samples, fit.rank) == (expected.n_samples, expected.rank), case
    for name in names:
        found, wanted = np.asarray(getattr(fit, name)), np.asarray(getattr(expected, name))
        assert np.array_equal(np.isnan(found), np.isnan(wanted)), (case, name)
        worst = np.abs(np.nan_to_num(found - wanted)).max()
        assert worst <= tolerance * np.abs(np.nan_to_num(wanted)).max() + 1e-300, (case, name)


@pytest.mark.usefixtures("always")
def test_coefficients_of_all_levels_are_exact(level):
    columns, _, rng = drawn(40)
    columns = {name: np.round(values * 8) for name, values in columns.items()}
    y = np.round(rng.normal(size=40) * 64)
    weights = rng.integers(1, 5, size=40).astype(float)
    made = indicators(columns, ("g", "h"))
    X = np.column_stack(list(made.values())).astype(float)
    for fit_intercept in (True, False):
        for w in (None, weights):
            exact = exact_least_squares(X, y, fit_intercept=fit_intercept, sample_weight=w)
            for accuracy in ("auto", "max"):
                fit = fastlr.ols(
                    columns,
                    y,
                    sample_weight=w,
                    fit_intercept=fit_intercept,
                    categories=["g", "h"],
                    accuracy=accuracy,
                )
                found = [fit.intercept, *fit.coef] if fit_intercept else fit.coef
                for value, true in zip(found, exact, strict=True):
                    assert abs(value - float(true)) <= 1e-13 * abs(float(true)) + 1e-15
                assert fit.digits > 11


@pytest.mark.usefixtures("always")
def test_fits_are_those_of_the_indicators(level):
    columns, y, rng = drawn(150)
    weights = rng.uniform(0.5, 2.0, size=150)
    weights[[20, 30]] = 0.0
    for chosen in (["g"], ["g", "h"]):
        rest = {name: v for name, v in columns.items() if name != "h" or "h" in chosen}
        made = indicators(rest, chosen)
        for options in (
            {},
            {"sample_weight": weights},
            {"fit_intercept": False},
            {"accuracy": "fast"},
            {"sample_weight": weights, "fit_intercept": False, "accuracy": "max"},
        ):
            for targets in (y, np.column_stack([y, y**2, np.cos(y)])):
                fit = fastlr.ols(rest, targets, categories=chosen, **options)
                expected = fastlr.ols(made, targets, **options)
                close(fit, expected, 1e-11, (chosen, list(options)))
                np.testing.assert_allclose(
                    fit.predict(rest), expected.predict(made), rtol=1e-12, atol=1e-12
                )


@pytest.mark.usefixtures("always")
def test_columns_that_depend_on_levels_are_treated_as_with_indicators():
    columns, y, _ = drawn(120)
    constant = {**columns, "c": np.cos(columns["g"]), "k": columns["g"] % 3}
    noisy = np.nextafter(constant["c"], columns["a"])
    moved = {"g": columns["g"], "a": columns["a"], "c": columns["a"] + 100 * np.sin(columns["g"])}
    cases = [
        ({name: constant[name] for name in ("g", "a", "c")}, ["g"]),  # does not vary within levels
        ({name: constant[name] for name in ("g", "a", "k")}, ["g", "k"]),  # levels of levels
        (moved, ["g"]),
        ({"g": columns["g"], "h": columns["g"] * 2}, ["g", "h"]),  # the same column twice
        ({"g": columns["g"], "c": noisy, "a": columns["a"]}, ["g"]),  # constant but for rounding
    ]
    for table_, chosen in cases:
        made = indicators(table_, chosen)
        for options in ({"rank": "min_norm"}, {"rank": "basic"}, {"fit_intercept": False}):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", fastlr.RankWarning)
                fit = fastlr.ols(table_, y, categories=chosen, **options)
                expected = fastlr.ols(made, y, **options)
            case = list(table_), options
            close(fit, expected, 1e-10, case)
            if fit.rank < len(fit.coef):
                assert fit.status == expected.status, case
    with pytest.warns(fastlr.RankWarning, match=r"c = .*g\[T\.1\]"):
        fastlr.ols(cases[0][0], y, categories=["g"])
    with pytest.raises(np.linalg.LinAlgError, match="have rank 8 of 9: c ="):
        fastlr.ols({"g": columns["g"], "c": constant["c"]}, y, categories=["g"], rank="raise")


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("name", ["chredlin", "sat", "pvc", "galapagos", "fruitfly", "uswages"])
def test_real_tables_as_with_indicators(name):
    frame = table(name)
    numbers = [c for c in frame.columns if frame[c].dtype.kind == "f"]
    codes = [c for c in frame.columns if c not in numbers and frame[c].nunique() < len(frame) // 2]
    if not codes:  # a number rounded to a few values stands for a category
        frame["group"] = frame[numbers[0]].rank().astype(int) // 4
        codes = ["group"]
    target = numbers[-1] if numbers else frame.columns[0]
    chosen = [c for c in codes[:2] if c != target]
    kept = [c for c in frame.columns if c != target and (c in numbers[:3] or c in chosen)]
    columns = {c: frame[c].to_numpy() for c in kept}
    y = frame[target].to_numpy(dtype=float)
    made = indicators(columns, chosen)
    fit = fastlr.ols(columns, y, categories=chosen, rank="min_norm")
    close(fit, fastlr.ols(made, y, rank="min_norm"), 1e-12, (name, chosen))


@pytest.mark.usefixtures("always")
def test_diabetes_by_age_with_weights_and_without():
    X, y = load_diabetes(return_X_y=True)
    raw = load_diabetes(scaled=False).data
    columns = {"age": raw[:, 0].astype(int), **{f"x{j}": X[:, j] for j in range(2, 6)}}
    columns["bmi"] = np.round(raw[:, 2]).astype(int)
    made = indicators(columns, ("age", "bmi"))
    for weights in (None, raw[:, 3]):
        fit = fastlr.ols(columns, y, sample_weight=weights, categories=["age", "bmi"])
        close(fit, fastlr.ols(made, y, sample_weight=weights), 1e-12, weights is None)


def test_few_columns_are_fitted_as_they_are_with_the_inverse_of_all():
    columns, y, _ = drawn(300, n_levels=80)
    fit = fastlr.ols(columns, y, categories=["g"])
    expected = fastlr.ols(indicators(columns, ["g"]), y)
    np.testing.assert_array_equal(fit.coef, expected.coef)
    assert fit.inverse is not None


def test_memory_is_that_of_the_levels():
    rng = np.random.default_rng(3)
    n, n_levels = 60_000, 10_000
    columns = {"g": rng.integers(0, n_levels, size=n).astype(np.int32), "x": rng.normal(size=n)}
    y = columns["x"] + rng.normal(size=n_levels)[columns["g"]]
    tracemalloc.start()
    fit = fastlr.ols(columns, y, categories=["g"])
    fit.predict(columns)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fit.coef.shape[0] > 9_900
    assert peak < 30e6  # indicators of a byte: 600 MB
    assert abs(fit.coef[fit.feature_names.index("x")] - 1.0) < 1e-12


@pytest.mark.usefixtures("always")
def test_threads_change_no_bit(level):
    columns, y, _ = drawn(3000, n_levels=90, n_others=20)
    first = fastlr.ols(columns, y, categories=["g", "h"], n_threads=1)
    for threads in (2, 3, 8):
        other = fastlr.ols(columns, y, categories=["g", "h"], n_threads=threads)
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(other, name), getattr(first, name))


@pytest.mark.usefixtures("always")
def test_digits_are_honest_where_columns_nearly_depend_on_one_another():
    for scale in (1e-3, 1e-6):
        columns, _, rng = drawn(40, n_levels=4)
        base = np.round(columns["a"] * 2**20) / 2**20
        noise = np.round(rng.normal(size=40) * 2**10) * 2**-10 * 2.0 ** round(np.log2(scale))
        table_ = {"g": columns["g"], "a": base, "b": base + noise + 100.0 * (columns["g"] == 2)}
        y = np.round(rng.normal(size=40) * 1024) / 1024
        made = np.column_stack(list(indicators(table_, ["g"]).values())).astype(float)
        exact = np.array(exact_least_squares(made, y), dtype=float)
        for accuracy in ("fast", "auto", "max"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", fastlr.ConditionWarning)
                fit = fastlr.ols(table_, y, categories=["g"], accuracy=accuracy)
            error = np.abs(np.append(fit.intercept, fit.coef) - exact) / np.abs(exact)
            assert error.max() <= 10.0**-fit.digits + 2e-16, (scale, accuracy)
            assert accuracy == "fast" or error.max() < 1e-13, (scale, accuracy)


@pytest.mark.usefixtures("always")
def test_levels_that_no_row_has_that_none_counts_for_or_that_is_the_only_one():
    columns, y, _ = drawn(60)
    weights = np.where(columns["g"] == 4, 0.0, 1.0)
    fit = fastlr.ols(columns, y, categories=["g"], sample_weight=weights)
    keep = weights > 0
    kept = {name: values[keep] for name, values in columns.items()}
    close(fit, fastlr.ols(kept, y[keep], categories=["g"]), 1e-13, "weight 0")
    assert "g[T.4]" not in fit.feature_names
    with pytest.raises(fastlr.InputError, match=r"'g' of X has levels .*\(4\)"):
        fit.predict({name: values[columns["g"] == 4] for name, values in columns.items()})
    alone = {"g": ["only"] * 60, "a": columns["a"]}
    assert fastlr.ols(alone, y, categories=["g"]).feature_names == ("a",)
    with pytest.raises(fastlr.InputError, match="one level alone, 'only'"):
        fastlr.ols({"g": alone["g"]}, y, categories=["g"])


@pytest.mark.usefixtures("always")
def test_every_row_a_level_of_its_own():
    y = np.arange(30.0) ** 2
    names = {"id": [f"row {i:02}" for i in range(30)]}
    fit = fastlr.ols(names, y, categories=["id"])
    np.testing.assert_array_equal(fit.predict(names), y)
    assert (fit.rss, fit.rank, fit.df_resid) == (0.0, 29, 0)
    assert np.isnan(fit.bse_coef).all()


@pytest.mark.usefixtures("always")
def test_values_that_are_not_finite_are_named():
    columns, y, _ = drawn(50)
    bad = {**columns, "b": columns["b"].copy()}
    bad["b"][17] = np.inf
    with pytest.raises(fastlr.InputError, match=r"infinity \(row 17, column 'b'"):
        fastlr.ols(bad, y, categories=["g"])
    y = y.copy()
    y[4] = np.nan
    with pytest.raises(fastlr.InputError, match=r"Input y contains NaN \(row 4"):
        fastlr.ols(columns, y, categories=["g"])
    with pytest.raises(fastlr.InputError, match="exceed the range of float64"):
        fastlr.ols({**columns, "b": np.full(50, 1.7e308)}, np.zeros(50), categories=["g"])
    with pytest.raises(fastlr.InputError, match=r"sample_weight contains -1"):
        fastlr.ols(columns, np.zeros(50), categories=["g"], sample_weight=[-1.0] + [1.0] * 49)


@pytest.mark.usefixtures("always")
def test_what_no_memory_would_hold_is_refused_with_its_bytes(monkeypatch):
    columns, y, _ = drawn(300, n_levels=100, n_others=50)
    monkeypatch.setattr(absorbed, "_MOST_BYTES", 20_000)
    with pytest.raises(fastlr.InputError) as caught:
        fastlr.ols(columns, y, categories=["g", "h"])
    message = str(caught.value)
    p = 2 + 49
    assert f"'g' is eliminated with its 100 levels, and {p} columns remain" in message
    assert f"their moments need {8 * p * p} bytes" in message
    assert f"their means by level {8 * 100 * (p + 1)} bytes" in message
    monkeypatch.setattr(absorbed, "_MOST_AS_COLUMNS", 90)
    with pytest.raises(fastlr.InputError, match=r"148 indicators, and with alpha .* bytes"):
        fastlr.ols(columns, y, categories=["g", "h"], alpha=1.0)


def test_a_penalty_takes_all_levels_as_columns():
    columns, y, _ = drawn(300, n_levels=80)
    made = indicators(columns, ["g"])
    fit = fastlr.ols(columns, y, categories=["g"], alpha=2.0)
    np.testing.assert_array_equal(fit.coef, fastlr.ols(made, y, alpha=2.0).coef)


@pytest.mark.usefixtures("always")
def test_fits_are_saved_and_summed_up_like_others(tmp_path):
    columns, y, _ = drawn(400, n_levels=90)
    fit = fastlr.ols(columns, y, categories=["g"])
    fastlr.save_model(fit, tmp_path / "fit.json")
    again = fastlr.load_model(tmp_path / "fit.json")
    np.testing.assert_array_equal(again.predict(columns), fit.predict(columns))
    np.testing.assert_allclose(fit.residuals(columns, y), y - fit.predict(columns))
    assert "400 rows" in fit.summary()
    assert len(fit.weights_by_size()) == 92


@pytest.mark.usefixtures("always")
def test_columns_targets_and_weights_of_any_size():
    columns, y, _ = drawn(80)
    chosen = ["g", "h"]
    plain = fastlr.ols(columns, y, categories=chosen)
    a = plain.feature_names.index("a")
    for factor in (2.0**600, 2.0**-600, 2.0**1000):
        fit = fastlr.ols({**columns, "a": columns["a"] * factor}, y, categories=chosen)
        expected = plain.coef.copy()
        expected[a] /= factor
        np.testing.assert_allclose(fit.coef, expected, rtol=1e-13)
        assert fit.bse_coef[a] == pytest.approx(plain.bse_coef[a] / factor, rel=1e-13)
        assert fit.feature_std[a] == pytest.approx(plain.feature_std[a] * factor, rel=1e-13)
        assert fit.rss == pytest.approx(plain.rss, rel=1e-13)
    for factor in (2.0**500, 2.0**-520):
        fit = fastlr.ols(columns, y * factor, categories=chosen)
        np.testing.assert_allclose(fit.coef, plain.coef * factor, rtol=1e-13)
        np.testing.assert_allclose(fit.bse_coef, plain.bse_coef * factor, rtol=1e-13)
        expected = plain.log_likelihood - 80 * np.log(factor)
        assert fit.log_likelihood == pytest.approx(expected, rel=1e-12)
    small = {name: np.round(values * 8) for name, values in columns.items() if name != "h"}
    weights = np.where(columns["g"] == 0, 2.0**-600, 1.0)
    y = np.round(y * 8)
    fit = fastlr.ols(small, y, categories=["g"], sample_weight=weights)
    made = np.column_stack(list(indicators(small, ["g"]).values()))
    exact = exact_least_squares(made, y, sample_weight=weights)
    np.testing.assert_allclose([fit.intercept, *fit.coef], np.array(exact, dtype=float), rtol=1e-12)


@pytest.mark.usefixtures("always")
def test_rows_with_gaps_are_left_out_of_sums_and_levels():
    columns, y, _ = drawn(90)
    holes = {name: values.astype(object) for name, values in columns.items()}
    holes["g"][[5, 6]] = None
    holes["b"][[6, 40]] = None
    keep = np.ones(90, dtype=bool)
    keep[[5, 6, 40]] = False
    kept = {name: values[keep] for name, values in columns.items()}
    fit = fastlr.ols(holes, y, categories=["g", "h"], missing="drop")
    assert fit.n_dropped == 3
    close(fit, fastlr.ols(indicators(kept, ["g", "h"]), y[keep]), 1e-12, "gaps")
    with pytest.raises(fastlr.InputError, match=r"row 5, column 'g'.*missing='drop'"):
        fastlr.ols(holes, y, categories=["g", "h"])


@pytest.mark.usefixtures("always")
def test_robust_covariances_are_those_of_all_levels_as_columns(monkeypatch):
    columns, y, _ = drawn(300, n_levels=80)
    made = indicators(columns, ["g"])
    fit = fastlr.ols(columns, y, categories=["g"], cov_type="HC1")
    expected = fastlr.ols(made, y, cov_type="HC1")
    np.testing.assert_allclose(fit.bse_coef, expected.bse_coef, rtol=1e-9)
    eliminated = fastlr.ols(columns, y, categories=["g"])
    np.testing.assert_allclose(eliminated.target_mean, y.mean(), rtol=1e-14)
    np.testing.assert_allclose(eliminated.target_std, y.std(), rtol=1e-13)
    monkeypatch.setattr(absorbed, "_MOST_AS_COLUMNS", 70)
    with pytest.raises(fastlr.InputError, match=r'79 indicators, and with cov_type="HAC" .* bytes'):
        fastlr.ols(columns, y, categories=["g"], cov_type="HAC")
