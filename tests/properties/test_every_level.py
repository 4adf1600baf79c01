"""Every CPU level fits and descends by its own kernels: what tests exchange is what a process of that level has.

Most tests of least squares, moments and descent run on every level of the machine (see `conftest.level`). Here the
levels meet one another, a process that was told its level, and the estimators.
"""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastlr
import fastlr._kernels.levels as chooser
from levels import holders, in_use

ROUNDING = 1e-9  # between levels, whose sums are taken in other orders, for columns that are well conditioned


def tables():
    """(X, y) by name: plain, far from zero, dependent and wide."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 7))
    noise = rng.normal(size=300)
    wide = rng.normal(size=(20, 90))
    return {
        "plain": (X, X @ np.arange(1.0, 8.0) + 3.0 + noise),
        "far away": (X + 1e5, X @ np.arange(1.0, 8.0) + noise),
        "dependent": (np.column_stack([X, X[:, 0] - 2 * X[:, 3]]), X[:, 0] + noise),
        "wide": (wide, wide[:, 0] + wide[:, 1]),
    }


def answers():
    """Coefficients and what is said of them, by name, of all ways to fit, as hexadecimal digits, which lose no bit."""
    found = {}
    for name, (X, y) in tables().items():
        weight = 0.5 + np.arange(len(y)) % 3
        rank = "min_norm" if name in ("dependent", "wide") else "raise"
        fits = {
            accuracy: fastlr.ols(X, y, sample_weight=weight, accuracy=accuracy, rank=rank)
            for accuracy in ("fast", "auto", "max")
        }
        if rank != "raise":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", fastlr.RankWarning)
                fits["basic"] = fastlr.ols(X, y, rank="basic")
        for precision in ("double", "double_double"):
            moments = fastlr.Moments.from_arrays(X, y, weight, precision=precision)
            fits[precision] = fastlr.solve(moments, alpha=0.1)
        for engine in ("rows", "moments"):
            fits[engine] = fastlr.descend(
                X, y, engine=engine, standardize=True, learning_rate=0.01, epochs=20, tol=None
            )
        for size in (1, 16):
            fits[f"batches of {size}"] = fastlr.descend(
                X, y, batch_size=size, standardize=True, learning_rate=1e-3, epochs=3, tol=None,
                random_state=0,
            )  # fmt: skip
        for route, fit in fits.items():
            numbers = [*fit.coef, fit.intercept, fit.rss, *fit.predict(X[:5])]
            found[f"{name}, {route}"] = [float(value).hex() for value in numbers]
    return found


def numbers(digits):
    return np.array([float.fromhex(value) for value in digits])


@pytest.fixture(scope="module")
def by_level():
    """The answers of every level, as the fixture of the other tests gives them."""
    found = {}
    for level in chooser.available_levels():
        with in_use(level):
            found[level] = answers()
    return found


@pytest.mark.parametrize("level", chooser.available_levels())
def test_a_process_of_a_level_has_the_bits_that_tests_of_the_level_have(by_level, level):
    code = "import json, test_every_level as t; print(json.dumps([t.chooser.LEVEL, t.answers()]))"
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={
            **os.environ,
            "FASTLR_KERNELS": level,
            "PYTHONPATH": os.pathsep.join([str(here), str(here.parent)]),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told, elsewhere = json.loads(done.stdout)
    assert told == level
    assert elsewhere == by_level[level]


def test_levels_agree_up_to_rounding(by_level):
    first, *others = by_level
    for level in others:
        for name, digits in by_level[level].items():
            got, want = numbers(digits), numbers(by_level[first][name])
            np.testing.assert_allclose(
                got,
                want,
                rtol=ROUNDING,
                atol=ROUNDING * np.abs(want).max(),
                err_msg=f"{level}: {name}",
            )


def test_levels_are_really_exchanged(by_level):
    """Were it the chosen kernels that ran each time, all bits would be the same."""
    kinds = {json.dumps(found) for found in by_level.values()}
    assert len(kinds) == len(by_level)


def test_every_module_that_calls_kernels_is_exchanged_and_given_back():
    before = {module.__name__: module.kernels for module in holders()}
    assert {"fastlr.least_squares.ladder", "fastlr.descent.engines"} <= set(before)
    loaded = {
        name
        for name, module in sys.modules.items()
        if name.startswith("fastlr") and getattr(module, "kernels", None) is chooser.kernels
    }
    assert loaded == set(before)
    for level in chooser.available_levels():
        with in_use(level) as kernels:
            assert {module.kernels for module in holders()} == {kernels}
            assert fastlr.ols([[1.0], [2.0], [4.0]], [1.0, 2.0, 4.0]).coef[0] == 1.0
            assert chooser.describe()["level"] == kernels.build_info()["level"] == level
    assert {module.__name__: module.kernels for module in holders()} == before


@pytest.mark.usefixtures("level")
def test_estimators_run_on_every_level():
    X, y = tables()["plain"]
    design = np.column_stack([X, np.ones(len(X))])
    want = np.linalg.lstsq(design, y, rcond=None)[0]
    model = fastlr.LinearRegression().fit(X, y)
    np.testing.assert_allclose([*model.coef_, model.intercept_], want, rtol=1e-12)
    np.testing.assert_allclose(model.predict(X), design @ want, rtol=1e-11)
    parted = fastlr.LinearRegression().partial_fit(X[:100], y[:100]).partial_fit(X[100:], y[100:])
    np.testing.assert_allclose(parted.coef_, want[:-1], rtol=1e-11)
    sgd = fastlr.SGDRegressor(
        learning_rate="constant", eta0=1e-3, shuffle=False, max_iter=2, tol=None
    )
    theta = np.zeros(8)
    for row, target in [*zip(design, y, strict=True)] * 2:
        step = 1e-3 * (row @ theta - target)
        theta[:-1] *= 1 - 1e-3 * sgd.alpha
        theta -= step * row
    sgd.fit(X, y)
    np.testing.assert_allclose([*sgd.coef_, *np.ravel(sgd.intercept_)], theta, rtol=1e-9)


@pytest.mark.usefixtures("level")
def test_polynomials_run_on_every_level():
    x = np.linspace(-1, 1, 50)
    fit = fastlr.polyfit(x, np.polynomial.polynomial.polyval(x, [1.0, -2.0, 0.0, 4.0]), 3)
    np.testing.assert_allclose([fit.intercept, *fit.coef], [1.0, -2.0, 0.0, 4.0], atol=1e-14)
