"""Bad input: a clear error that names argument, value, rule and fix, and changes nothing."""

from fractions import Fraction

import numpy as np
import pytest

import fastlr

X = np.random.default_rng(0).normal(size=(30, 3))
Y = X.sum(axis=1)


def with_value(array, index, value):
    copy = array.copy()
    copy[index] = value
    return copy


def text_columns():
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"age": X[:, 0], "city": ["Rome"] * 30, "size": X[:, 1]})


ONES = np.ones(30)
REFUSED = {
    "nan in X": (
        with_value(X, (7, 2), np.nan),
        Y,
        None,
        ValueError,
        r"X contains NaN \(row 7, column 'x2'",
    ),
    "inf in X": (
        with_value(X, (0, 0), np.inf),
        Y,
        None,
        ValueError,
        r"X contains infinity \(row 0, column 'x0'",
    ),
    "nan in F-ordered X": (
        np.asfortranarray(with_value(X, (29, 1), np.nan)),
        Y,
        None,
        ValueError,
        "row 29, column 'x1'",
    ),
    "nan in y": (X, with_value(Y, 4, np.nan), None, ValueError, r"y contains NaN \(row 4"),
    "inf in y": (X, with_value(Y, 29, -np.inf), None, ValueError, r"y contains infinity \(row 29"),
    "nan in weights": (
        X,
        Y,
        with_value(ONES, 3, np.nan),
        ValueError,
        r"sample_weight contains nan \(row 3",
    ),
    "inf in weights": (
        X,
        Y,
        with_value(ONES, 3, np.inf),
        ValueError,
        r"sample_weight contains inf \(row 3",
    ),
    "no rows": (X[:0], Y[:0], None, ValueError, "no rows"),
    "no columns": (X[:, :0], Y, None, ValueError, "no columns"),
    "no targets": (X, np.ones((30, 0)), None, ValueError, "y has no columns"),
    "lengths differ": (X, Y[:29], None, ValueError, "X has 30 rows but y has 29"),
    "weights of another length": (X, Y, ONES[:5], ValueError, r"\(5,\), expected \(30,\)"),
    "weights in two columns": (X, Y, np.ones((30, 2)), ValueError, "sample_weight has 2 columns"),
    "one weight as text": (X, Y, "2", TypeError, "one weight per row"),
    "one weight of zero": (X, Y, 0.0, ValueError, "must be positive and finite"),
    "one weight that is NaN": (X, Y, np.nan, ValueError, "must be positive and finite"),
    "X 1-D": (Y, Y, None, ValueError, r"Expected 2D array, got 1D array.*reshape\(-1, 1\)"),
    "X 3-D": (X[None], Y, None, ValueError, r"X has shape \(1, 30, 3\)"),
    "y 3-D": (X, Y[:, None, None], None, ValueError, r"y has shape \(30, 1, 1\)"),
    "X a number": (3.0, Y, None, TypeError, "X is a float"),
    "X text": ("table.csv", Y, None, TypeError, "X is a str"),
    "X a set": ({1.0, 2.0}, Y, None, TypeError, "X is a set"),
    "y missing": (X, None, None, ValueError, "y is None"),
    "complex": (X + 1j, Y, None, TypeError, "Complex data not supported"),
    "complex y": (X, Y + 1j, None, TypeError, "Complex data not supported: y"),
    "strings": (X.astype(str), Y, None, TypeError, "text cannot be fitted"),
    "objects": (
        with_value(X.astype(object), (2, 1), "three"),
        Y,
        None,
        TypeError,
        "row 2, column 1: 'three'",
    ),
    "times": (X.astype("M8[s]"), Y, None, TypeError, "times cannot be fitted"),
    "ragged lists": ([[1.0, 2.0], [3.0]], [1.0, 2.0], None, ValueError, "differ in length"),
    "ragged mapping": ({"a": ONES, "b": ONES[:3]}, Y, None, ValueError, "differ in length"),
    "negative weight": (
        X,
        Y,
        with_value(ONES, 9, -0.5),
        ValueError,
        r"-0.5 \(row 9.*must not be negative",
    ),
    "zero weights": (X, Y, 0 * ONES, ValueError, "zero in every row"),
    "overflowing weights": (X, Y, 1e308 * ONES, ValueError, "bring sample_weight nearer to 1"),
    "matrix": (X.view(np.matrix), Y, None, TypeError, r"np.asarray\(X\)"),
    "masked": (np.ma.masked_less(X, 0.0), Y, None, TypeError, "masked"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_rows_are_refused_with_reason_and_fix(case):
    bad_X, bad_y, weight, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        fastlr.ols(bad_X, bad_y, sample_weight=weight)
    with pytest.raises(error):
        fastlr.LinearRegression().fit(bad_X, bad_y, weight)


def test_text_columns_are_all_named():
    frame = text_columns()
    frame["street"] = "Via Appia"
    with pytest.raises(TypeError, match=r"'city'.*'street'"):
        fastlr.ols(frame, Y)


def test_only_features_may_be_sparse():
    sparse = pytest.importorskip("scipy.sparse")
    for arguments in ({"y": sparse.csr_array(X)}, {"y": Y, "sample_weight": sparse.csr_array(X)}):
        with pytest.raises(TypeError, match="sparse matrix, and only X may be one"):
            fastlr.ols(sparse.csr_array(X), **arguments)


def test_missing_values_of_a_frame_are_named():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1.0, None, 3.0], "b": [1, 2, 4]})
    with pytest.raises(ValueError, match=r"NaN \(row 1, column 'a'"):
        fastlr.ols(frame, [1.0, 2.0, 3.0])


def test_frames_with_two_columns_of_one_name_are_refused():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="two columns of the same name"):
        fastlr.ols(pandas.DataFrame(X, columns=["a", "b", "a"]), Y)


def test_objects_that_are_numbers_are_read():
    objects = X.astype(object)
    objects[0, 0] = Fraction(1, 2)
    objects[1, 1] = 3
    np.testing.assert_array_equal(
        fastlr.ols(objects, Y).coef, fastlr.ols(objects.astype(float), Y).coef
    )


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ("abc", TypeError, "one string"),
        (5, TypeError, "not a list of names"),
        (["a", "b"], ValueError, "2 names for 3 columns"),
        (["a", "b", "a"], ValueError, "'a' twice"),
        (["a", "b", 3], TypeError, "3, which is not a string"),
    ],
)
def test_bad_names_are_refused(names, error, message):
    with pytest.raises(error, match=message):
        fastlr.ols(X, Y, feature_names=names)


@pytest.mark.parametrize("n_threads", [0, -1, 1.5, "2", 100_000, 2**40])
def test_bad_thread_counts_are_refused(n_threads):
    with pytest.raises(ValueError, match="n_threads="):
        fastlr.ols(X, Y, n_threads=n_threads)


@pytest.mark.parametrize(
    ("alpha", "error"),
    [(-1.0, ValueError), (np.nan, ValueError), (np.inf, ValueError), ("a", TypeError)],
)
def test_bad_penalties_are_refused(alpha, error):
    with pytest.raises(error, match="alpha="):
        fastlr.solve(fastlr.Moments.from_arrays(X, Y), alpha=alpha)


def test_solve_wants_moments():
    with pytest.raises(TypeError, match="pass Moments"):
        fastlr.solve(X)


def test_predict_wants_the_features_of_the_fit():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    fit = fastlr.ols(frame, Y)
    np.testing.assert_array_equal(fit.predict(X), fit.predict(frame))
    for bad, message in (
        (X[:, :2], "2 features.*expecting 3 features"),
        (frame[["b", "a", "c"]], "another order"),
        (frame.rename(columns={"c": "d"}), "'d'.*'c'"),
        (with_value(X, (5, 1), np.nan), "row 5, column 'b'"),
        (X[0], "Expected 2D"),
    ):
        with pytest.raises(fastlr.InputError, match=message):
            fit.predict(bad)


def test_residuals_want_the_targets_of_the_fit():
    fit = fastlr.ols(X, Y)
    with pytest.raises(fastlr.InputError, match="2 targets"):
        fit.residuals(X, np.ones((30, 2)))
    with pytest.raises(fastlr.InputError, match=r"y contains NaN \(row 2"):
        fit.residuals(X, with_value(Y, 2, np.nan))
    with pytest.raises(fastlr.InputError, match="target=1"):
        fit.weights_by_size(target=1)


def test_subnormal_columns_survive():
    tiny = X * 2.0**-1000
    np.testing.assert_allclose(
        fastlr.ols(tiny * 2.0**500, Y).coef * 2.0**-500, fastlr.ols(X, Y).coef, rtol=1e-12
    )


def test_options_of_another_type_are_named():
    X, y = [[1.0], [2.0], [4.0]], [1.0, 3.0, 2.0]
    with pytest.raises(fastlr.InputError, match=r"accuracy=.* is unknown"):
        fastlr.ols(X, y, accuracy=np.array([1, 2]))
    with pytest.raises(fastlr.InputTypeError, match="fit_intercept='no' is neither"):
        fastlr.ols(X, y, fit_intercept="no")
    moments = fastlr.Moments.from_arrays(X, y)
    for alpha in ("0.5", None):
        with pytest.raises(fastlr.InputTypeError, match="is not a number"):
            fastlr.solve(moments, alpha=alpha)
    with pytest.raises(fastlr.InputTypeError, match="fit_intercept='no' is neither"):
        fastlr.solve(moments, fit_intercept="no")


def test_no_sum_of_squares_is_negative():
    X = np.random.default_rng(0).normal(size=(4, 1))
    fit = fastlr.ols(X, [1.3, 1.3, 3.3, 7.7], sample_weight=[1, 1, 0, 0])
    assert fit.tss >= 0
    assert fit.rss >= 0


MASKED = np.ma.masked_array(X[:, 0], mask=np.arange(30) == 4)
ROWS_MASKED = [np.ma.masked_array(row, mask=[i == 4, False, False]) for i, row in enumerate(X)]


@pytest.mark.parametrize(
    ("bad_X", "bad_y", "weight", "message"),
    [
        ({"a": MASKED, "b": Y}, Y, None, "column 'a' of X is a masked array"),
        (ROWS_MASKED, Y, None, "row 4 of X is a masked array"),
        (tuple(ROWS_MASKED), Y, None, "row 4 of X is a masked array"),
        (X, {"u": Y, "v": MASKED}, None, "column 'v' of y is a masked array"),
        (X, list(MASKED), None, r"y has a missing value \(row 4"),
        (X, MASKED, None, "y is a masked array"),
        ({"a": list(MASKED)}, Y, None, r"column 'a' of X has a missing value \(row 4"),
        (X, Y, np.abs(MASKED), "sample_weight is a masked array"),
        (X, Y, list(np.abs(MASKED)), r"sample_weight has a missing value \(row 4"),
        (X, [None if i == 4 else 1.0 for i in range(30)], None, r"y has a missing value \(row 4"),
    ],
)
def test_masks_are_seen_wherever_they_are(bad_X, bad_y, weight, message):
    with pytest.raises(ValueError, match=message):
        fastlr.ols(bad_X, bad_y, sample_weight=weight)


def test_masked_arrays_without_masked_values_are_arrays():
    plain = fastlr.ols({"a": X[:, 0]}, Y).coef
    for table in ({"a": np.ma.masked_array(X[:, 0])}, [np.ma.masked_array(row[:1]) for row in X]):
        np.testing.assert_array_equal(fastlr.ols(table, Y).coef, plain)


@pytest.mark.parametrize("dtype", ["boolean", "object", "Int64", "Float64", "float64"])
def test_missing_values_are_called_missing_or_nan(dtype):
    pandas = pytest.importorskip("pandas")
    values = pandas.Series([True, False, None, True] * 5, dtype=dtype)
    with pytest.raises(ValueError, match=r"(missing value|NaN) \(row 2"):
        fastlr.ols(pandas.DataFrame({"flag": values}), np.arange(20.0))
    with pytest.raises(ValueError, match=r"(missing value|NaN) \(row 2"):
        fastlr.ols(np.arange(20.0).reshape(-1, 1), values)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_missing_values_in_other_frames(library):
    module = pytest.importorskip(library)
    make = module.table if library == "pyarrow" else module.DataFrame
    for values in ([True, None, False, True], [1, None, 2, 4], [1.0, None, 2.0, 4.5]):
        with pytest.raises(ValueError, match=r"(missing value|NaN) \(row 1"):
            fastlr.ols(make({"a": values}), [1.0, 2.0, 3.0, 4.0])
