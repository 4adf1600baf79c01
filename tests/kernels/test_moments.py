"""One pass: against the reference, for every layout, dtype, shape and number of threads."""

import itertools
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastlr import reference
from fastlr._kernels import available_levels, load_level
from layouts import LAYOUTS, before_a_wall

SHAPES = [
    (1, 1),
    (2, 3),
    (9, 1),
    (127, 5),
    (128, 7),
    (129, 8),
    (1025, 9),
    (3000, 23),
    (2500, 30),
    (700, 130),
    (9000, 100),
    (1300, 253),
    (1300, 254),  # from here on blocks
    (1500, 420),
]
DTYPES = ["f8", "f4", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"]


def one_pass(kernels, X, y, weight=None, *, n_threads=2, scale=None):
    """(weight, n_positive, sum_log_weight, mean, cross) as `Moments` gets them."""
    first = X[0] if isinstance(X, list) else X
    n = len(first)
    q = (
        sum(1 if a.ndim == 1 else a.shape[1] for a in (X if isinstance(X, list) else [X]))
        + y.shape[1]
    )
    n_slots, slot_size, n_parts = kernels.plan_pass(n, q)
    shift = kernels.provisional_shift(X, y)
    scale = np.ones(q) if scale is None else scale
    slots = np.zeros((n_slots, slot_size))
    for part in range(n_parts):
        kernels.accumulate(X, y, weight, shift, scale, part, n_threads, slots)
    return kernels.centre(n, q, shift, scale, slots)


def draw(shape, n_targets=1, dtype="f8", seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "?":
        X = rng.integers(0, 2, size=shape).astype(bool)
    elif dtype[0] in "iu":
        X = rng.integers(0, 100, size=shape).astype(dtype)
    else:
        X = (rng.normal(size=shape) * 3 + 7).astype(dtype)
    return X, rng.normal(size=(shape[0], n_targets)) - 2


def assert_moments(result, expected, weight, case):
    """Written out: NumPy's and pytest's comparisons take longer than the passes of small tables."""
    total_weight, n_positive, sum_log_weight, mean, cross = result
    logarithms = 0.0 if weight is None else np.log(weight[weight > 0]).sum()
    assert abs(total_weight - expected.total_weight) <= 1e-14 * expected.total_weight, case
    assert n_positive == expected.n_samples, case
    assert abs(sum_log_weight - logarithms) <= max(1e-12 * abs(logarithms), 1e-9), case
    off = np.abs(mean.sum(axis=0) - expected.mean)
    assert (off <= 1e-13 + 1e-13 * np.abs(expected.mean)).all(), case
    # Products of columns i and j err relative to the columns' own sizes.
    size = np.sqrt(np.maximum(np.diag(expected.cross_products), 1e-300))
    error = np.abs(cross - expected.cross_products) / np.outer(size, size)
    assert error.max() < 1e-13, case
    assert_same([cross], [cross.T], case)


def assert_same(result, expected, case=""):
    """The same bits, or NaN in the same places."""
    for got, want in zip(result, expected, strict=True):
        if not np.array_equal(got, want):
            np.testing.assert_array_equal(got, want, err_msg=case)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_match_the_reference(shape, weighted):
    X, y = draw(shape, n_targets=2)
    weight = np.random.default_rng(5).uniform(0.1, 3.0, size=shape[0]) if weighted else None
    expected = reference.centred_moments(X, y, weight)
    for level in available_levels():
        assert_moments(one_pass(load_level(level), X, y, weight), expected, weight, level)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_read_as_its_float64_values(kernels, dtype):
    X, y = draw((300, 6), dtype=dtype)
    exact = one_pass(kernels, X.astype(np.float64), y)
    for layout, laid_out in LAYOUTS.items():
        assert_same(one_pass(kernels, laid_out(X), y), exact, layout)


@pytest.mark.parametrize(
    "shape", [(1, 2), (7, 3), (130, 4), (1030, 9), (2100, 17), (300, 40), (150, 259)], ids=str
)
def test_layout_changes_no_bit(kernels, shape):
    X, y = draw(shape)
    weight = np.random.default_rng(6).uniform(size=shape[0])
    before = X.copy()
    for w in (None, weight):
        plain = one_pass(kernels, X, y, w)
        for layout, laid_out in LAYOUTS.items():
            case = f"{layout}, {'no weights' if w is None else 'weights'}"
            assert_same(one_pass(kernels, laid_out(X), y, w), plain, case)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("n_targets", [1, 3, 5])
def test_width_and_ragged_rows_change_no_bit_with_the_layout(kernels, n_targets):
    rng = np.random.default_rng(10)
    sizes = itertools.product((1, 2, 3, 5, 6, 7, 8, 9, 15, 20), (1, 7, 63, 65, 127, 129, 200))
    for n_features, n in sizes:
        case = f"{n} x {n_features}"
        X = rng.normal(size=(n, n_features)).astype(np.float32).astype(float)
        y = rng.normal(size=(n, n_targets))
        columns = [X[:, j].astype("f4" if j % 3 else "f8") for j in range(n_features)]
        want = one_pass(kernels, X, y)
        for rows in (np.asfortranarray(X), X.astype(np.float32), columns, X[::-1].copy()[::-1]):
            for targets in (y, np.asfortranarray(y)):
                assert_same(one_pass(kernels, rows, targets), want, case)
        A = np.column_stack([X, y]) - want[3].sum(axis=0)
        products = A.T @ A
        assert (np.abs(want[4] - products) <= 1e-12 + 1e-11 * np.abs(products)).all(), case


FEW = range(1, 15)  # features that have kernels of their own
TAILS = (*range(1, 41), 127, 128, 129, 1023, 1024, 1025, 1031, 2100)


def test_a_negative_weight_spoils_the_sums_however_many_features(kernels):
    rng = np.random.default_rng(11)
    for p, n, row in itertools.product((*FEW, 40), (1, 9, 200, 1100), (0, -1)):
        weight = np.ones(n)
        weight[row] = -1e-3
        X, y = rng.normal(size=(n, p)), rng.normal(size=(n, 1))
        total_weight, *_, cross = one_pass(kernels, X, y, weight)
        assert np.isnan(total_weight), f"{n} x {p}, row {row}"
        assert np.isnan(cross).all(), f"{n} x {p}, row {row}"


@pytest.mark.parametrize("weighted", [False, True])
def test_few_features_with_any_tail_match_the_reference(weighted):
    rng = np.random.default_rng(11)
    # One row's mean w x / w in the reference need not be x.
    for p, n in itertools.product(FEW, TAILS[weighted:]):
        if weighted and (n + p) % 2 and n < 40:
            continue  # every tail and every number of features, not all pairs of them
        X, y = draw((n, p), n_targets=1 + (n + p) % 3, seed=p)
        weight = rng.uniform(0.1, 3.0, size=n) if weighted else None
        expected = reference.centred_moments(X, y, weight)
        for level in available_levels():
            result = one_pass(load_level(level), X, y, weight)
            assert_moments(result, expected, weight, f"{n} x {p} on {level}")


def test_few_features_in_any_memory_give_the_same_bits(kernels):
    rng = np.random.default_rng(12)
    for p, n in itertools.product(FEW, (3, 8, 17, 40, 129, 1031)):
        X, y = (a.astype("f4") for a in draw((n, p), n_targets=1 + (n + p) % 3, seed=p))
        both = np.column_stack([X, y])
        for weight in (None, rng.uniform(size=n)):
            want = one_pass(kernels, X.astype(float), y.astype(float), weight)
            for case, rows in {
                "float32": (X, y),
                "float32, target float64": (X, y.astype(float)),
                "float32 columns": (np.asfortranarray(X), np.asfortranarray(y)),
                "one table": (both[:, :p], both[:, p:]),
                "every third row": (np.repeat(X, 3, axis=0)[::3], y),
            }.items():
                assert_same(one_pass(kernels, *rows, weight), want, f"{case}, {n} x {p}")


def test_nothing_beyond_the_rows_is_read(kernels):
    for p, n, dtype in itertools.product(FEW, (1, 5, 16, 130, 1030), ("f8", "f4")):
        X, y = draw((n, p), n_targets=1 + (n + p) % 2, dtype=dtype, seed=p)
        want = one_pass(kernels, X, y)
        rows = before_a_wall(X), before_a_wall(y)
        columns = before_a_wall(X.T.copy()).T, before_a_wall(y.T.copy()).T
        table = before_a_wall(np.column_stack([X, y]))
        for case in (rows, columns, (table[:, :p], table[:, p:])):
            assert_same(one_pass(kernels, *case), want, f"{n} x {p}, {dtype}")
        weight = before_a_wall(np.ones(n))
        assert_same(one_pass(kernels, *rows, weight)[3:], want[3:], f"{n} x {p}, weights of one")


def test_offsets_cost_few_features_no_digits(kernels):
    rng = np.random.default_rng(13)
    for p in FEW:
        table = np.round(rng.normal(size=(1500, p + 1)) * 2**20) / 2**20
        X, y = table[:, :p], table[:, p:]
        plain, moved = one_pass(kernels, X, y), one_pass(kernels, X + 2.0**26, y - 2.0**26)
        size = np.sqrt(np.diag(plain[4]))
        assert (np.abs(moved[4] - plain[4]) / np.outer(size, size)).max() < 1e-15, p


def test_not_finite_values_of_few_features_reach_the_diagonal(kernels):
    for p, row in itertools.product(FEW, (0, 700, 1499)):
        X, y = draw((1500, p))
        X[row, p - 1] = np.nan if row else np.inf
        cross = one_pass(kernels, X, y)[4]
        assert not np.isfinite(cross[p - 1, p - 1]), (p, row)


@pytest.mark.parametrize(
    "tiny",
    [
        {0: 1e-160, 8: 1.1e-163, 16: 1e163},  # their product passes through the denormals
        {0: 1e-160, 4: 1.1e-163, 8: 1e163, 12: 1e160},
        {0: 1e-300, 1: 1e300, 2: 1e-308, 3: 1e308},
        dict.fromkeys(range(128), 1e-7),
        dict.fromkeys(range(128), 1e7),
    ],
)
def test_logarithms_of_weights_lose_no_digits(kernels, tiny):
    X, y = draw((200, 3))
    weight = np.ones(200)
    weight[list(tiny)] = list(tiny.values())
    sum_log_weight = one_pass(kernels, X, y, weight)[2]
    assert sum_log_weight == pytest.approx(np.log(weight).sum(), rel=1e-13, abs=1e-11)


@pytest.mark.parametrize(
    "shape",
    [(20_000, 2), (70_000, 12), (33_000, 97), (2500, 256), (3000, 300), (2500, 520)],
    ids=str,
)
def test_threads_change_no_bit(kernels, shape):
    X, y = draw(shape)
    weight = np.random.default_rng(7).uniform(size=shape[0])
    for w, several in ((None, (2, 8)), (weight, (3, 2))):
        alone = one_pass(kernels, X, y, w, n_threads=1)
        for n_threads in several:
            assert_same(
                one_pass(kernels, X, y, w, n_threads=n_threads), alone, f"{n_threads} threads"
            )


@cache
def exact_products(shape):
    """A table, and products of its first five centred columns with all, in extended precision."""
    X, y = draw(shape)
    centred = X - X.astype(np.longdouble).mean(axis=0)
    return X, y, (centred[:, :5].T @ centred).astype(float)


@pytest.mark.parametrize("shape", [(20_000, 96), (5000, 270)], ids=str)
def test_thousands_of_rows_between_folds_cost_no_digits(kernels, shape):
    X, y, exact = exact_products(shape)
    cross = one_pass(kernels, X, y)[4]
    size = np.sqrt(np.diag(cross)[:-1])
    assert (np.abs(cross[:5, :-1] - exact) / np.outer(size[:5], size)).max() < 4e-15


@pytest.mark.parametrize("exponent", [-30, 40])
def test_power_of_two_scales_change_no_bit(kernels, exponent):
    X, y = draw((500, 5))
    plain = one_pass(kernels, X, y)
    scaled = one_pass(kernels, X, y, scale=2.0 ** np.array([exponent, 0, -3, exponent, 5, 2]))
    np.testing.assert_array_equal(scaled[3], plain[3])
    np.testing.assert_array_equal(scaled[4], plain[4])


def test_offsets_cost_no_digits(kernels):
    rng = np.random.default_rng(8)
    X = np.round(rng.normal(size=(5000, 3)) * 2**20) / 2**20
    y = X @ [[1.0], [2.0], [3.0]]
    offset = 2.0**26  # all sums below stay exact in float64
    plain, moved = one_pass(kernels, X, y), one_pass(kernels, X + offset, y)
    size = np.sqrt(np.diag(plain[4]))
    assert (np.abs(moved[4] - plain[4]) / np.outer(size, size)).max() < 1e-15


def test_a_constant_column_has_no_variance_at_all(kernels):
    X = np.full((1000, 2), 0.1)
    X[:, 1] = np.arange(1000)
    cross = one_pass(kernels, X, np.ones((1000, 1)))[4]
    assert cross[0, 0] == cross[2, 2] == 0.0


def test_non_finite_values_reach_the_diagonal(kernels):
    clean, y = draw((1500, 11))
    for bad, row in itertools.product((np.nan, np.inf, -np.inf), (0, 700, 1499)):
        X = clean.copy()
        X[row, 10] = bad
        assert not np.isfinite(one_pass(kernels, X, y)[4][10, 10]), (bad, row)
        assert kernels.first_non_finite(X) == (row, 10), bad


def test_first_non_finite_is_the_first_row_then_column(kernels):
    X = np.zeros((50, 4))
    assert kernels.first_non_finite(X) == (-1, -1)
    X[20, 3], X[20, 1], X[30, 0] = np.nan, np.inf, np.nan
    assert kernels.first_non_finite(X) == (20, 1)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 400),
    p=st.integers(1, 20),
    t=st.integers(1, 3),
    layout=st.sampled_from(sorted(LAYOUTS)),
    dtype=st.sampled_from(DTYPES),
    level=st.sampled_from(available_levels()),
    seed=st.integers(0, 2**16),
    weighted=st.booleans(),
)
def test_any_shape_layout_and_dtype(n, p, t, layout, dtype, level, seed, weighted):
    X, y = draw((n, p), t, dtype, seed)
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 3, size=n).astype(float) if weighted else None
    if weighted:
        weight[rng.integers(n)] = 1.0
    result = one_pass(load_level(level), LAYOUTS[layout](X), y, weight, n_threads=1)
    expected = reference.centred_moments(X.astype(np.float64), y, weight)
    assert result[0] == pytest.approx(expected.total_weight)
    # Sums of some hundred products of numbers up to 100 a side.
    np.testing.assert_allclose(result[4], expected.cross_products, rtol=1e-11, atol=1e-8)


def test_merge_is_commutative_to_the_bit(kernels):
    X, y = draw((24, 2))
    parts = {n: one_pass(kernels, X[:n], y[:n]) for n in range(1, 12)}
    rests = {n: one_pass(kernels, X[12 : 12 + n], y[12 : 12 + n]) for n in range(1, 12)}
    for a in parts.values():
        for b in rests.values():
            ab = kernels.merge(a[0], a[3], a[4], b[0], b[3], b[4])
            ba = kernels.merge(b[0], b[3], b[4], a[0], a[3], a[4])
            assert_same(ab, ba)


@pytest.mark.parametrize("n_targets", [1, 2])
def test_merge_and_subtract_match_the_reference(kernels, n_targets):
    X, y = draw((500, 4), n_targets)
    y = y + 1e8
    weight = np.random.default_rng(2).uniform(size=500)
    a, b, both = (
        one_pass(kernels, X[s], y[s], weight[s]) for s in (slice(180), slice(180, 500), slice(500))
    )
    merged = kernels.merge(a[0], a[3], a[4], b[0], b[3], b[4])
    swapped = kernels.merge(b[0], b[3], b[4], a[0], a[3], a[4])
    rest = kernels.subtract(both[0], both[3], both[4], a[0], a[3], a[4])
    size = np.sqrt(np.diag(both[4]))
    for got, want in zip(merged, swapped, strict=True):
        np.testing.assert_array_equal(got, want)
    for got, want in ((merged, both), (rest, b)):
        assert got[0] == pytest.approx(want[0], rel=1e-13)
        np.testing.assert_allclose(got[1].sum(axis=0), want[3].sum(axis=0), rtol=1e-14, atol=1e-13)
        assert (np.abs(got[2] - want[4]) / np.outer(size, size)).max() < 1e-13


def test_bindings_refuse_what_python_should_have_refused(kernels):
    X, y = draw((20, 3))
    n_slots, slot_size, _ = kernels.plan_pass(20, 4)
    good = [X, y, None, np.zeros(4), np.ones(4), 0, 1, np.zeros((n_slots, slot_size))]
    for position, bad, error in [
        (0, X.astype(complex), TypeError),
        (0, X[:, :2], ValueError),
        (0, X[:-1], ValueError),
        (1, y[:, 0, None, None], ValueError),
        (2, np.ones(19), ValueError),
        (2, np.ones((20, 1)), ValueError),
        (3, np.zeros(3), ValueError),
        (4, np.ones(4, dtype=np.float32), TypeError),
        (5, -1, ValueError),
        (5, 1, ValueError),
        (7, np.zeros((n_slots, slot_size - 1)), ValueError),
    ]:
        arguments = list(good)
        arguments[position] = bad
        with pytest.raises(error):
            kernels.accumulate(*arguments)
