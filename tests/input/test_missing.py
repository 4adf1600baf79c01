"""With missing="drop" a fit is that of the rows in which nothing is missing, whatever "missing" looks like."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fastlr
from fastlr.report import summary_dict

DRAWS = np.random.default_rng(1)
N = 60
X = DRAWS.normal(size=(N, 3))
Y = X @ [1.0, 2.0, -1.0] + DRAWS.normal(size=N)
W = DRAWS.uniform(0.5, 2.0, size=N)
GAPS = {(3, 0), (10, 2), (11, 1), (11, 2)}
KEPT = np.ones(N, dtype=bool)
KEPT[[3, 10, 11, 20, 59]] = False


def holey(values, rows):
    values = values.copy()
    values[rows] = np.nan
    return values


HOLEY = holey(X, tuple(np.transpose(sorted(GAPS))))
HOLEY_Y, HOLEY_W = holey(Y, [20]), holey(W, [59])
OBJECTS = HOLEY.astype(object)
OBJECTS[np.isnan(HOLEY)] = None
NAMES = ["a", "b", "c"]
LOOKS = {
    "C order": HOLEY,
    "F order": np.asfortranarray(HOLEY),
    "strided": np.repeat(HOLEY, 2, axis=0)[::2],
    "objects": OBJECTS,
    "lists": OBJECTS.tolist(),
    "masked": np.ma.masked_invalid(HOLEY),
    "mapping": dict(zip(NAMES, HOLEY.T, strict=True)),
    "pandas": pd.DataFrame(HOLEY, columns=NAMES),
    "nullable": pd.DataFrame(HOLEY, columns=NAMES).convert_dtypes(),
    "polars": pl.DataFrame(OBJECTS.tolist(), schema=dict.fromkeys(NAMES, pl.Float64), orient="row"),
    "arrow": pa.table(
        [pa.array(HOLEY[:, j], mask=np.isnan(HOLEY[:, j])) for j in range(3)], names=NAMES
    ),
}
EXPECTED = fastlr.ols(X[KEPT], Y[KEPT], sample_weight=W[KEPT])


@pytest.mark.parametrize("look", LOOKS)
def test_rows_with_gaps_are_left_out_however_they_look(look):
    fit = fastlr.ols(LOOKS[look], HOLEY_Y, sample_weight=HOLEY_W, missing="drop")
    np.testing.assert_allclose(fit.coef, EXPECTED.coef, rtol=1e-13)
    assert (fit.n_samples, fit.n_dropped) == (N - 5, 5)
    with pytest.raises(ValueError, match=r"missing='drop'|masked"):
        fastlr.ols(LOOKS[look], HOLEY_Y, sample_weight=HOLEY_W)


def test_descents_moments_and_estimators(level):
    fit = fastlr.descend(HOLEY, HOLEY_Y, sample_weight=HOLEY_W, missing="drop")
    np.testing.assert_allclose(fit.coef, EXPECTED.coef, rtol=1e-6)
    assert (fit.n_samples, fit.n_dropped, fit.to_fit().n_dropped) == (N - 5, 5, 5)
    moments = fastlr.Moments.from_arrays(HOLEY, HOLEY_Y, HOLEY_W, missing="drop")
    np.testing.assert_allclose(fastlr.solve(moments).coef, EXPECTED.coef, rtol=1e-12)
    assert fastlr.solve(moments).n_dropped == moments.n_dropped == 5
    with pytest.raises(ValueError, match=r"contains NaN.*missing='drop' to fastlr\.ols"):
        fastlr.LinearRegression().fit(HOLEY, Y)


def test_a_validation_set_may_have_gaps_too():
    rows = {"epochs": 3, "learning_rate": 0.1}
    fit = fastlr.descend(X, Y, **rows, missing="drop", validation=(HOLEY, HOLEY_Y, HOLEY_W))
    same = fastlr.descend(X, Y, **rows, validation=(X[KEPT], Y[KEPT], W[KEPT]))
    np.testing.assert_array_equal(fit.history.validation_loss, same.history.validation_loss)
    share = fastlr.descend(HOLEY, Y, **rows, missing="drop", validation=0.25)
    assert share.n_dropped == 3


def test_counts_add_up_when_moments_merge_and_survive_their_bytes():
    first = fastlr.Moments.from_arrays(HOLEY[:30], Y[:30], missing="drop")
    second = fastlr.Moments.from_arrays(HOLEY[30:], HOLEY_Y[30:], missing="drop")
    both = fastlr.Moments.from_bytes((first + second).to_bytes())
    assert (first.n_dropped, second.n_dropped, both.n_dropped) == (3, 0, 3)
    assert (both - second).n_dropped == 3
    first.update(HOLEY[:15], Y[:15], missing="drop")
    assert first.n_dropped == 6
    before = first.to_bytes()
    with pytest.raises(fastlr.InputError, match="missing='drop'"):
        first.update(HOLEY[:15], Y[:15])
    assert first.to_bytes() == before


def test_the_count_is_told_and_kept():
    fit = fastlr.ols(HOLEY, Y, missing="drop")
    assert "3 rows with missing values were left out." in fit.summary()
    assert "left out" not in fastlr.ols(X, Y).summary()
    assert summary_dict(fit)["n_dropped"] == 3
    kept = json.loads(json.dumps(fit.to_dict()))
    assert fastlr.LinearFit.from_dict(kept).n_dropped == 3
    del kept["n_dropped"]  # as fits were stored before
    assert fastlr.LinearFit.from_dict(kept).n_dropped == 0


def test_complete_rows_are_the_same_to_the_bit_and_not_copied():
    fit = fastlr.ols(X, Y, missing="drop")
    np.testing.assert_array_equal(fit.coef, fastlr.ols(X, Y).coef)
    assert fit.n_dropped == 0
    before = HOLEY.copy()
    fastlr.ols(HOLEY, HOLEY_Y, missing="drop")
    np.testing.assert_array_equal(HOLEY, before)


def test_rows_of_weight_zero_do_not_count():
    weights = W.copy()
    weights[3] = 0.0
    assert fastlr.ols(HOLEY, Y, sample_weight=weights, missing="drop").n_dropped == 2


def test_infinity_is_not_missing_and_its_row_is_that_of_the_user():
    infinite = HOLEY.copy()
    infinite[40, 1] = np.inf
    for order in "CF":
        with pytest.raises(fastlr.InputError, match=r"infinity \(row 40, column 'x1'"):
            fastlr.ols(np.asarray(infinite, order=order), Y, missing="drop")


def test_nothing_left_and_unknown_words_are_refused():
    with pytest.raises(fastlr.InputError, match="no row is left to fit: in each of the 60 rows"):
        fastlr.ols(np.full_like(X, np.nan), Y, missing="drop")
    for call in (fastlr.ols, fastlr.descend, fastlr.Moments.from_arrays):
        with pytest.raises(fastlr.InputError, match="missing='omit' is unknown: choose one of"):
            call(X, Y, missing="omit")


def test_integers_and_truth_values_with_gaps():
    frame = {
        "pandas": pd.DataFrame(
            {"n": pd.array([1, None, 3, 4], "Int64"), "b": pd.array([True, False, None, True])}
        ),
        "polars": pl.DataFrame({"n": [1, None, 3, 4], "b": [True, False, None, True]}),
        "arrow": pa.table({"n": [1, None, 3, 4], "b": [True, False, None, True]}),
    }
    for name, table in frame.items():
        fit = fastlr.ols(table, [1.0, 2.0, 3.0, 7.0], missing="drop", rank="min_norm")
        assert (fit.n_samples, fit.n_dropped) == (2, 2), name
        assert fit.predict([[4, True]])[0] == pytest.approx(7.0, rel=1e-12), name


def test_bitmaps_of_arrow_tell_which_rows_are_left_whatever_holds_them():
    rng = np.random.default_rng(5)
    n = 200
    masks = rng.random((4, n)) < 0.1
    values = [rng.normal(size=n), rng.integers(-9, 9, n), rng.random(n) < 0.5, rng.normal(size=n)]
    values[3][17] = np.nan  # missing, and not null
    arrays = [pa.array(v, mask=m) for v, m in zip(values, masks, strict=True)]
    whole = pa.table(arrays, names=list("abcd"))
    chunked = pa.concat_tables([whole.slice(0, 61), whole.slice(61, 3), whole.slice(64)])
    y, w = rng.normal(size=n), rng.integers(0, 3, n).astype(float)
    y[33] = np.nan
    rows = np.column_stack([np.where(m, np.nan, v) for v, m in zip(values, masks, strict=True)])
    for start in (0, 3, 8):
        for table in (whole, chunked):
            some = slice(start, None)
            given = table.slice(start), y[some]
            for weights in (None, w[some]):
                fit = fastlr.ols(*given, sample_weight=weights, missing="drop")
                plain = fastlr.ols(rows[some], y[some], sample_weight=weights, missing="drop")
                np.testing.assert_allclose(fit.coef, plain.coef, rtol=1e-13)
                assert (fit.n_samples, fit.n_dropped) == (plain.n_samples, plain.n_dropped)
                assert fit.feature_names == ("a", "b", "c", "d")
    row = 150 + int(np.argmin(masks[:, 150:].any(axis=0)))
    values[0][row] = np.inf
    infinite = whole.set_column(0, "a", pa.array(values[0], mask=masks[0]))
    with pytest.raises(fastlr.InputError, match=f"row {row}"):
        fastlr.ols(infinite, y, missing="drop")
    with pytest.raises(fastlr.InputError, match="no row is left"):
        fastlr.ols(
            pa.table({"a": pa.array([None, 1.0]), "b": pa.array([1.0, None])}),
            [1.0, 2.0],
            missing="drop",
        )
