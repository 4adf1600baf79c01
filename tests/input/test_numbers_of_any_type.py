"""Numbers of every type, in either byte order and any layout, are read as float64 where they lie."""

import itertools
import tracemalloc

import numpy as np
import pytest

import fastlr
from layouts import LAYOUTS

RNG = np.random.default_rng(0)
X = RNG.integers(0, 50, size=(60, 5)) + np.eye(60, 5) * 0.5
Y = X @ [1.0, -2.0, 0.5, 3.0, 1.0] + RNG.integers(0, 3, 60)
TYPES = ["f2", "f4", "f8", "g", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"]
ORDERS = ["<", ">"]
SAME = {
    "ols": lambda X, y, w: fastlr.ols(X, y, sample_weight=w).coef,
    "fast": lambda X, y, w: fastlr.ols(X, y, sample_weight=w, accuracy="fast").coef,
    "wide": lambda X, y, w: fastlr.ols(X[:4], y[:4], rank="min_norm").coef,
    "wide, basic": lambda X, y, w: fastlr.ols(X[:4], y[:4], rank="basic").coef,
    "double-double": lambda X, y, w: (
        fastlr.solve(fastlr.Moments.from_arrays(X, y, w, precision="double_double")).coef
    ),
    "batches": lambda X, y, w: (
        fastlr.SGDRegressor(batch_size=7, eta0=1e-5, max_iter=2, tol=None, random_state=0)
        .fit(X, y, sample_weight=w)
        .coef_
    ),
    "all rows": lambda X, y, w: (
        fastlr.descend(X, y, sample_weight=w, learning_rate=1e-5, epochs=3, tol=None).coef
    ),
    "polynomial": lambda X, y, w: fastlr.polyfit(X[:, 0], y, 1).coef,
    "predict": lambda X, y, w: fastlr.ols(np.eye(5), np.arange(5.0), rank="min_norm").predict(X),
    "partial_fit": lambda X, y, w: fastlr.LinearRegression().fit(X, y).partial_fit(X, y, w).coef_,
}


@pytest.mark.filterwarnings("ignore::fastlr.RankWarning")
@pytest.mark.parametrize("how", SAME)
def test_every_type_is_read_as_its_values(how):
    for kind, order in itertools.product(TYPES, ORDERS):
        dtype = np.dtype(kind).newbyteorder(order)
        table = (X > 25 if kind == "?" else X).astype(dtype)
        y, weight = np.abs(Y).astype(dtype), (1 + np.arange(60) % 3).astype(dtype)
        before = table.tobytes(), y.tobytes(), weight.tobytes()
        want = SAME[how](
            *(a.astype(np.float32 if kind == "f4" else np.float64) for a in (table, y, weight))
        )
        np.testing.assert_array_equal(SAME[how](table, y, weight), want, err_msg=str(dtype))
        assert before == (table.tobytes(), y.tobytes(), weight.tobytes()), dtype


@pytest.mark.parametrize("dtype", ["<f2", ">f2", ">f8", "<g", ">g", ">i4", ">u2"])
def test_every_type_in_every_layout(dtype):
    table = X.astype(dtype)
    want = fastlr.ols(table.astype(np.float64), Y).coef
    for layout, laid_out in LAYOUTS.items():
        arranged = laid_out(table)
        if isinstance(arranged, list):
            if layout == "mixed_pieces":
                arranged = [arranged[0][:, 0], *arranged[1:]]
            arranged = {f"c{j}": column for j, column in enumerate(arranged)}
        fit = fastlr.ols(arranged, Y)
        np.testing.assert_array_equal(fit.coef, want, err_msg=layout)


def test_any_byte_but_zero_is_true():
    flags = X > 25
    twos = (flags.astype(np.uint8) * 2).view(bool)
    for table in (twos, np.asfortranarray(twos), twos[::-1][::-1], dict(enumerate(twos.T))):
        fit = fastlr.ols(table, Y)
        np.testing.assert_array_equal(fit.coef, fastlr.ols(flags.astype(float), Y).coef)
        np.testing.assert_array_equal(fit.predict(table), fit.predict(flags))
    once = (np.ones(60, dtype=np.uint8) * 2).view(bool)
    np.testing.assert_array_equal(
        fastlr.ols(X, Y, sample_weight=once).residual_sd, fastlr.ols(X, Y).residual_sd
    )
    np.testing.assert_array_equal(
        fastlr.ols(X, twos[:, 0]).coef, fastlr.ols(X, flags[:, 0].astype(float)).coef
    )


def test_no_copy_of_X_is_made():
    big = np.ones((200_000, 4), dtype=">f8")
    big[:, 1:] = RNG.normal(size=(200_000, 3))
    y = RNG.normal(size=200_000)
    tracemalloc.start()
    try:
        fit = fastlr.ols(big[:, 1:], y)
        assert tracemalloc.get_traced_memory()[1] < big.nbytes / 4
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(fit.coef, fastlr.ols(big[:, 1:].astype(float), y).coef)


def test_what_float64_cannot_hold_is_named():
    huge = X.astype(np.longdouble)
    huge[7, 2] = np.longdouble(2) ** 2000
    with pytest.raises(fastlr.InputError, match=r"infinity \(row 7, column 'x2'"):
        fastlr.ols(huge, Y)
    with pytest.raises(fastlr.InputError, match=r"y contains infinity \(row 7"):
        fastlr.ols(X, huge[:, 2])
    with pytest.raises(fastlr.InputError, match=r"sample_weight contains inf \(row 7"):
        fastlr.ols(X, Y, sample_weight=huge[:, 2])


@pytest.mark.parametrize("fit", [fastlr.ols, fastlr.LinearRegression().fit])
def test_one_weight_is_that_of_every_row(fit):
    for weight in (2.0, 3, np.float32(0.5), np.int64(7), True):
        np.testing.assert_array_equal(
            fit(X, Y, sample_weight=weight).__dict__.get("coef_", fastlr.ols(X, Y).coef),
            fastlr.ols(X, Y, sample_weight=np.full(60, float(weight))).coef,
        )
