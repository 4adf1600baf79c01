"""Moments as users meet them: merging, subtracting, selecting, keeping."""

import copy
import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastlr
from fastlr import Moments

pytestmark = pytest.mark.usefixtures("level")


def draw(n=600, p=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 10
    return X, X @ np.arange(1.0, p + 1) + rng.normal(size=n), rng.uniform(0.5, 2.0, size=n)


def assert_close(a, b):
    size = np.sqrt(b.cross_products.diagonal())
    assert (np.abs(a.cross_products - b.cross_products) / np.outer(size, size)).max() < 1e-13
    np.testing.assert_allclose(a.mean, b.mean, rtol=1e-14)
    assert (a.n_samples, a.feature_names, a.target_names) == (
        b.n_samples,
        b.feature_names,
        b.target_names,
    )
    assert a.total_weight == pytest.approx(b.total_weight, rel=1e-14)
    assert a.sum_log_weight == pytest.approx(b.sum_log_weight, rel=1e-12, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, 599), max_size=6, unique=True), data=st.data())
def test_any_split_merged_in_any_order_is_one_pass(cuts, data):
    X, y, w = draw()
    edges = [0, *sorted(cuts), 600]
    parts = [Moments.from_arrays(X[a:b], y[a:b], w[a:b]) for a, b in pairwise(edges)]
    while len(parts) > 1:
        a = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        b = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        parts.append(a + b)
    assert_close(parts[0], Moments.from_arrays(X, y, w))


def test_merge_is_commutative_to_the_bit_and_mutates_nothing():
    X, y, w = draw()
    a, b = (
        Moments.from_arrays(X[:100], y[:100], w[:100]),
        Moments.from_arrays(X[100:], y[100:], w[100:]),
    )
    before = a.to_bytes(), b.to_bytes()
    assert (a + b).to_bytes() == (b + a).to_bytes()
    assert (a.to_bytes(), b.to_bytes()) == before


def test_merge_of_far_apart_means_is_one_pass():
    X, y, w = draw()
    X[300:] += 1e8
    near, far = (Moments.from_arrays(X[s], y[s], w[s]) for s in (slice(300), slice(300, 600)))
    assert_close(near + far, Moments.from_arrays(X, y, w))


def test_update_is_merge_in_place_and_atomic():
    X, y, w = draw()
    moments = Moments.from_arrays(X[:50], y[:50], w[:50])
    assert moments.update(X[50:], y[50:], w[50:]) is moments
    assert_close(moments, Moments.from_arrays(X, y, w))
    before = moments.to_bytes()
    for bad in (
        (np.full((3, 5), np.nan), y[:3]),
        (X[:3, :4], y[:3]),
        (X[:3], np.ones((3, 2))),
        (X[:3], y[:2]),
    ):
        with pytest.raises(fastlr.InputError):
            moments.update(*bad)
    assert moments.to_bytes() == before


def test_subtract_undoes_add():
    X, y, w = draw()
    whole, part = Moments.from_arrays(X, y, w), Moments.from_arrays(X[:200], y[:200], w[:200])
    assert_close(whole - part, Moments.from_arrays(X[200:], y[200:], w[200:]))


def test_only_what_is_in_can_be_taken_away():
    X, y, _ = draw()
    a = Moments.from_arrays(X, y)
    with pytest.raises(fastlr.InputError, match="not all of them"):
        a - a
    with pytest.raises(fastlr.InputError, match="negative"):
        a - Moments.from_arrays(100 * X[:300], y[:300])


def test_squares_out_of_range_are_refused_when_moments_are_combined():
    y = [1.0, 2.0, 3.0]
    huge = Moments.from_arrays(np.full((3, 1), 1e200), y)
    with pytest.raises(fastlr.InputError, match="'x0' exceed the range of float64"):
        huge + Moments.from_arrays(np.zeros((3, 1)), y)


@pytest.mark.parametrize("column", ["x0", "y"])
def test_squares_out_of_range_are_refused_without_an_intercept(column):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 1)), rng.normal(size=50)
    if column == "y":
        y = 1e160 * (1 + 1e-12 * y)
    else:
        X = 1e160 * (1 + 1e-10 * X)
    with pytest.raises(fastlr.InputError, match=f"{column!r} .*without an intercept"):
        fastlr.ols(X, y, fit_intercept=False)


def test_targets_in_another_order_are_refused():
    X, y, _ = draw()
    moments = Moments.from_arrays(X, {"a": y, "b": -y})
    with pytest.raises(fastlr.InputError, match="same order"):
        moments.update(X, {"b": -y, "a": y})


def test_different_columns_do_not_combine():
    X, y, _ = draw()
    a = Moments.from_arrays(X, y)
    with pytest.raises(fastlr.InputError, match="features"):
        a + Moments.from_arrays(X[:, :3], y)
    with pytest.raises(fastlr.InputError, match="targets"):
        a + Moments.from_arrays(X, y, target_names=["z"])
    with pytest.raises(TypeError):
        a + 1


def test_select_is_the_pass_over_those_columns():
    X, y, w = draw()
    names = list("abcde")
    chosen = Moments.from_arrays(X, y, w, feature_names=names).select(["d", 0])
    assert_close(chosen, Moments.from_arrays(X[:, [3, 0]], y, w, feature_names=["d", "a"]))
    with pytest.raises(fastlr.InputError, match="'f'"):
        Moments.from_arrays(X, y).select(["f"])
    with pytest.raises(fastlr.InputError, match="twice"):
        Moments.from_arrays(X, y).select([1, 1])


@pytest.mark.parametrize(
    "restore",
    [
        lambda m: Moments.from_bytes(m.to_bytes()),
        copy.deepcopy,
        lambda m: pickle.loads(pickle.dumps(m)),
    ],
)
def test_round_trips_keep_every_bit(restore):
    X, y, w = draw()
    moments = Moments.from_arrays(X, y, w, feature_names=["ä", "b", "c", "d", "e"])
    again = restore(moments)
    assert again == moments
    assert again.to_bytes() == moments.to_bytes()
    assert again.feature_names[0] == "ä"


def test_same_chunks_in_the_same_order_give_the_same_bytes():
    X, y, w = draw()

    def stream():
        moments = Moments.from_arrays(X[:100], y[:100], w[:100])
        for first in range(100, 600, 100):
            moments.update(X[first : first + 100], y[first : first + 100], w[first : first + 100])
        return moments.to_bytes()

    assert stream() == stream()


def test_damaged_bytes_are_refused():
    X, y, _ = draw(20)
    data = Moments.from_arrays(X, y).to_bytes()
    for bad, why in (
        (b"", "not moments"),
        (b"x" * 100, "not moments"),
        (data[:-1], "damaged"),
        (data[:-1] + bytes([data[-1] ^ 1]), "damaged"),
        (data[:8] + b"\x09" + data[9:], "version 9"),
        (data[:12] + bytes([data[12] ^ 1]) + data[13:], "damaged"),
    ):
        with pytest.raises(fastlr.InputError, match=why):
            Moments.from_bytes(bad)
    with pytest.raises(fastlr.InputTypeError, match="to_bytes"):
        Moments.from_bytes("text")


def test_moments_are_built_from_rows_only():
    with pytest.raises(TypeError, match="from_arrays"):
        Moments()


def test_solve_from_moments_is_ols_in_one_pass():
    X, y, w = draw()
    direct = fastlr.ols(X, y, sample_weight=w, accuracy="fast")
    later = fastlr.solve(Moments.from_arrays(X, y, w))
    assert later.influential is None  # moments have no rows
    assert replace(direct, influential=None).to_dict() == later.to_dict()


@pytest.mark.parametrize("constant", [2.0**-500, 2.0**-531, 2.0**-1000])
@pytest.mark.parametrize("precision", ["double", "double_double"])
def test_constants_whose_squares_underflow_are_fitted_without_an_intercept(constant, precision):
    X = np.full((4, 1), constant)
    moments = fastlr.Moments.from_arrays(X, [1.0, 2.0, 4.0, 5.0], precision=precision)
    assert fastlr.solve(moments, fit_intercept=False).coef[0] * constant == pytest.approx(3.0)
    fit = fastlr.ols(X, [1.0, 2.0, 4.0, 5.0], fit_intercept=False)
    assert fit.coef[0] * constant == pytest.approx(3.0, rel=1e-15)
    assert fastlr.solve(moments).rank == 0
