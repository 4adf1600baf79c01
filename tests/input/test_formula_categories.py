"""Categories of formulas are made of their levels while kernels read them, as formulaic would have made them."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from formulaic import Formula

import fastlr
from fastlr.input.coded import CodedColumns

RNG = np.random.default_rng(7)
N = 120
FRAME = pd.DataFrame(
    {
        "y": RNG.normal(size=N),
        "x": RNG.normal(size=N),
        "city": RNG.choice(["Ulm", "Bern", "Rom"], size=N),
        "floor": RNG.integers(0, 4, size=N),
        "half": RNG.integers(0, 3, size=N) / 2,
        "kind": pd.Categorical(RNG.choice(list("ba"), size=N), ["b", "a", "never"]),
        "odd name": RNG.choice(["p", "q"], size=N),
    }
)
CODED = {
    "y ~ city + x": 1,
    "y ~ x + C(city) + log(x ** 2) + C(floor)": 2,
    "y ~ C(half) + kind + poly(x, 2)": 2,
    "y ~ C(`odd name`) + x:city + kind": 2,
}
NOT_CODED = [
    "y ~ city + x - 1",  # all levels, since there is no intercept
    "y ~ city * kind",
    "y ~ city + x + x:city",
    "y ~ C(floor, contr.sum) + x",
    "y ~ floor + C(floor)",  # numbers and levels
    "y ~ city + C(city)",
]


def formulaic_says(text):
    frame = FRAME.assign(kind=FRAME["kind"].cat.remove_unused_categories())
    return Formula(text).get_model_matrix(frame).rhs.drop(columns="Intercept", errors="ignore")


@pytest.mark.parametrize("text", [*CODED, *NOT_CODED])
def test_features_are_those_of_formulaic(text):
    fit = fastlr.ols(text, data=FRAME, rank="min_norm")
    expected = formulaic_says(text)
    assert list(fit.feature_names) == list(expected.columns)
    features = fit.design.features(FRAME)
    np.testing.assert_array_equal(features.as_matrix(), expected.to_numpy(dtype=float))
    n_coded = len(features.indicators) if isinstance(features, CodedColumns) else 0
    assert n_coded == CODED.get(text, 0)
    plain = fastlr.ols(
        {name: expected[name] for name in expected},
        FRAME["y"],
        rank="min_norm",
        fit_intercept=not text.endswith("- 1"),
    )
    np.testing.assert_array_equal(fit.coef, plain.coef)
    np.testing.assert_allclose(
        fit.predict(FRAME[:5]), plain.predict(expected[:5]), rtol=1e-13, atol=1e-13
    )


def test_levels_of_rows_that_do_not_count_are_left_out():
    weights = np.where((FRAME["floor"] == 3) | (FRAME["city"] == "Rom"), 0.0, 1.0)
    fit = fastlr.ols("y ~ city + C(floor)", data=FRAME, sample_weight=weights)
    kept = fastlr.ols("y ~ city + C(floor)", data=FRAME[weights > 0])
    assert (
        fit.feature_names == kept.feature_names == ("city[T.Ulm]", "C(floor)[T.1]", "C(floor)[T.2]")
    )
    np.testing.assert_allclose(fit.coef, kept.coef, rtol=1e-12)


def test_unseen_levels_are_named_whatever_they_are():
    fit = fastlr.ols("y ~ city + C(floor) + kind", data=FRAME)
    for column, value in (("city", "Wien"), ("floor", 9), ("kind", "c")):
        new = FRAME[:2].assign(**{column: [value, value]})
        with pytest.raises(fastlr.InputError, match=rf"'{column}' of X has levels .*\({value!r}\)"):
            fit.predict(new)


def test_many_levels_take_no_column_each():
    n, n_levels = 30_000, 6_000
    shop = np.concatenate([np.arange(n_levels), RNG.integers(0, n_levels, size=n - n_levels)])
    frame = {"shop": shop, "x": RNG.normal(size=n), "y": RNG.normal(size=n)}
    tracemalloc.start()
    fit = fastlr.ols("y ~ x + C(shop)", data=frame)
    fit.predict(frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fit.n_features == n_levels
    assert peak < 20e6  # a byte for each level and row: 180 MB
    groups = np.bincount(shop)
    x, y = (frame[k] - (np.bincount(shop, frame[k]) / groups)[shop] for k in ("x", "y"))
    assert fit.coef[0] == pytest.approx(x @ y / (x @ x), rel=1e-12)


def test_real_tables_descend_and_fit_by_formulas(level):
    frame = FRAME.assign(city=FRAME["city"].astype("category"))
    made = formulaic_says("y ~ x + city")
    columns = {name: made[name] for name in made}
    for options in (
        {"epochs": 30},
        {"epochs": 30, "engine": "rows"},
        {"epochs": 3, "batch_size": 7, "learning_rate": 0.01, "random_state": 0},
        {"epochs": 3, "batch_size": 1, "learning_rate": 0.01, "random_state": 0},
        {"epochs": 5, "validation": 0.25},
    ):
        options = {"tol": None, "patience": None, **options}
        by_formula = fastlr.descend("y ~ x + city", data=frame, **options)
        by_table = fastlr.descend(frame[["x", "city"]], frame["y"], **options)
        expected = fastlr.descend(columns, frame["y"], **options)
        np.testing.assert_array_equal(by_formula.coef, expected.coef)
        np.testing.assert_array_equal(by_table.coef, expected.coef)
        np.testing.assert_array_equal(
            by_formula.predict(frame), by_table.predict(frame[["x", "city"]])
        )
    assert by_formula.design.variables == ("x", "city")


def test_descents_leave_gaps_out_validate_tables_and_name_what_is_wrong():
    holes = FRAME.assign(city=FRAME["city"].where(FRAME.index != 3))
    options = {"epochs": 5, "tol": None, "learning_rate": 0.1}
    fit = fastlr.descend("y ~ x + city", data=holes, missing="drop", **options)
    assert fit.n_dropped == 1
    np.testing.assert_array_equal(
        fit.coef, fastlr.descend("y ~ x + city", data=FRAME.drop(index=3), **options).coef
    )
    validated = fastlr.descend(
        "y ~ x + city", data=FRAME, validation=(FRAME[:20], FRAME["y"][:20]), **options
    )
    assert np.isfinite(validated.history.validation_loss).all()
    other = FRAME[:20].assign(city="Wien")
    with pytest.raises(fastlr.InputError, match=r"'city' of the validation set's X has levels"):
        fastlr.descend("y ~ x + city", data=FRAME, validation=(other, FRAME["y"][:20]), **options)
    with pytest.raises(fastlr.InputTypeError, match=r"as in descend\('y ~ a \+ b', data=data\)"):
        fastlr.descend(FRAME[["x"]], FRAME["y"], data=FRAME)
    with pytest.raises(fastlr.InputTypeError, match="y is given beside the formula"):
        fastlr.descend("y ~ x", FRAME["y"], data=FRAME)
    with pytest.raises(fastlr.InputError, match=r"row 3.*missing='drop'"):
        fastlr.descend("y ~ x + city", data=holes)
