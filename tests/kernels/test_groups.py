"""Kernels of categories: sums by level against exact arithmetic, columns made of codes against these columns."""

from fractions import Fraction

import numpy as np
import pytest

from fastlr.input.coded import Indicator, Within, coded_columns


def table(n, p, n_levels, seed=0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, n_levels, size=n).astype(np.int32)
    return rng.normal(size=(n, p)) * 10.0 ** rng.integers(-3, 4, size=p), codes, rng


def sums_of(kernels, X, weights, codes, n_levels, cuts, n_threads):
    sums = np.zeros((X.shape[1] + 1, 2, n_levels))
    for first, last in zip([0, *cuts], [*cuts, len(X)], strict=True):
        kernels.add_group_sums(X, None, weights, codes, n_levels, first, last, n_threads, sums)
    return sums


def test_sums_by_level_are_exact_to_twice_the_working_precision(kernels):
    for n, p, n_levels in ((7, 1, 3), (300, 2, 5), (1000, 3, 400)):
        X, codes, rng = table(n, p, n_levels)
        for weights in (None, rng.uniform(0.5, 2.0, size=n)):
            found = sums_of(kernels, X, weights, codes, n_levels, [n // 3], 2)
            w = np.ones(n) if weights is None else weights
            for j in range(p + 1):
                column = X[:, j] if j < p else np.ones(n)
                exact = [Fraction(0)] * n_levels
                size = [0.0] * n_levels
                for k, x, v in zip(codes, column, w, strict=True):
                    exact[k] += Fraction(x) * Fraction(v)
                    size[k] += abs(x * v)
                for k in range(n_levels):
                    error = abs(Fraction(found[j, 0, k]) + Fraction(found[j, 1, k]) - exact[k])
                    assert error <= 1e-29 * n * size[k], (n, j, k)


def test_whole_numbers_add_up_exactly(kernels):
    rng = np.random.default_rng(1)
    X = rng.integers(-9, 10, size=(5000, 3))
    codes = rng.integers(0, 11, size=5000).astype(np.int32)
    for dtype in (np.float64, np.float32, np.int8):
        for layout in (np.ascontiguousarray, np.asfortranarray):
            sums = sums_of(kernels, layout(X.astype(dtype)), None, codes, 11, [], 2)
            for j in range(3):
                expected = np.bincount(codes, weights=X[:, j], minlength=11)
                np.testing.assert_array_equal(sums[j, 0], expected)
            np.testing.assert_array_equal(sums[3, 0], np.bincount(codes, minlength=11))
            assert not sums[:, 1].any()


def test_what_cancels_is_not_lost(kernels):
    X = np.array([[1e16], [1.0], [-1e16], [3.0]])
    sums = sums_of(kernels, X, None, np.zeros(4, dtype=np.int32), 1, [], 1)
    assert sums[0].sum() == 4.0


def test_threads_and_cuts_change_no_bit(kernels):
    X, codes, rng = table(3000, 5, 40)
    weights = rng.uniform(size=3000)
    first = sums_of(kernels, X, weights, codes, 40, [], 1)
    for cuts, threads in (([1], 2), ([7, 1000, 2999], 3), ([], 8)):
        np.testing.assert_array_equal(sums_of(kernels, X, weights, codes, 40, cuts, threads), first)


def test_codes_that_are_no_levels_are_refused(kernels):
    X, codes, _ = table(10, 1, 3)
    for wrong in (-1, 3):
        bad = codes.copy()
        bad[4] = wrong
        with pytest.raises(ValueError, match="no level"):
            sums_of(kernels, X, None, bad, 3, [], 1)
    for bad in (codes.astype(np.int64), np.repeat(codes, 2)[::2]):
        with pytest.raises(ValueError, match="codes are contiguous"):
            sums_of(kernels, X, None, bad, 3, [], 1)
    with pytest.raises(ValueError, match="codes has the wrong size"):
        sums_of(kernels, X, None, codes[:9], 3, [], 1)


def columns_of_codes(n):
    """A column of numbers, indicators, and columns about centres by level: made of codes, and as they are."""
    X, codes, rng = table(n, 1, 6, seed=2)
    centre = rng.normal(size=(6, 3)) * 1e5
    members = [
        X[:, 0],
        Indicator(codes, 1, 5),
        Within(X[:, 0], codes, centre[:, 0]),
        Within(X[:, 0], codes, centre[:, 0], "remainder"),
        Within(Indicator(codes, 2, 1), codes, centre[:, 2]),
    ]
    return coded_columns(members, n)


def test_columns_made_of_codes_are_read_as_these_columns(kernels):
    for n in (1, 63, 1000):
        columns = columns_of_codes(n)
        filled = columns.as_list()
        coef, out = np.arange(1.0, 10.0)[np.newaxis], np.zeros((2, n))
        for k, source in enumerate((columns.source, filled)):
            kernels.predict(source, 0, n, coef, np.zeros(1), 2, out[k])
        np.testing.assert_array_equal(out[0], out[1])
        shift, scale = np.zeros(10), np.ones(10)
        y = np.arange(float(n))
        found = []
        for source in (columns.source, filled):
            n_slots, slot_size, n_parts = kernels.plan_pass(n, 10)
            slots = np.zeros((n_slots, slot_size))
            for part in range(n_parts):
                kernels.accumulate(source, y, None, shift, scale, part, 2, slots, None)
            found.append(kernels.centre(n, 10, shift, scale, slots)[4])
        np.testing.assert_allclose(found[0], found[1], rtol=1e-13, atol=1e-9)


def test_a_column_within_groups_and_its_remainder_are_the_exact_difference():
    columns = columns_of_codes(500)
    x, codes = columns.column(0), columns.indicators[0].codes
    centre = columns.members[2].centre
    for i in range(500):
        exact = Fraction(x[i]) - Fraction(centre[codes[i]])
        assert Fraction(columns.column(6)[i]) + Fraction(columns.column(7)[i]) == exact


def test_parts_of_columns_of_codes_are_those_of_the_columns():
    columns = columns_of_codes(40)
    whole = columns.as_matrix()
    assert whole.shape == (40, 9)
    np.testing.assert_array_equal(columns.take_rows(slice(5, 20)).as_matrix(), whole[5:20])
    keep = np.arange(40) % 3 == 0
    np.testing.assert_array_equal(columns.take_rows(keep).as_matrix(), whole[keep])
    for chosen in (slice(2, 7), slice(0, 9, 2), slice(3, None), slice(4, 4), [8, 0, 3], []):
        part = columns.take_columns(chosen)
        assert part.n_columns == len(range(9)[chosen] if isinstance(chosen, slice) else chosen)
        if part.n_columns:
            np.testing.assert_array_equal(part.as_matrix(), whole[:, chosen])
    numbers, categories = columns.take_columns(slice(0, 6)).parted()
    assert numbers.tolist() == [0]
    assert [(place, part.n_columns) for place, part in categories] == [(1, 5)]
    numbers, categories = columns.take_columns([0, 1, 2]).parted()
    assert [(place, part.n_columns) for place, part in categories] == [(1, 1), (2, 1)]
    with pytest.raises(IndexError, match="no column"):
        columns.column(9)


def test_labels_are_numbered_in_the_order_in_which_they_appear(kernels):
    """Of any width, and so many that the table is widened."""
    rng = np.random.default_rng(0)
    for labels in (
        rng.integers(0, 3000, 10_000),
        rng.integers(-5, 5, 1000).astype(np.int8),
        rng.integers(0, 2**62, 5000) << 1,
        rng.integers(0, 400, 3000).astype("U7"),
        rng.integers(0, 40, 3000).astype("S3"),
        np.zeros(0),
    ):
        codes, first_rows = kernels.number_labels(labels)
        first = np.unique(labels, return_index=True)[1]
        np.testing.assert_array_equal(first_rows, np.sort(first))
        np.testing.assert_array_equal(labels[first_rows][codes], labels)
        assert codes.dtype == np.int32
        assert len(codes) == len(labels)
    for wrong in (np.arange(10)[::2], np.zeros((3, 3)), np.array([None, 1], dtype=object)):
        with pytest.raises(ValueError, match="labels are"):
            kernels.number_labels(wrong)
