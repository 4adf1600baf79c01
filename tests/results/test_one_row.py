"""One row takes a short way to its prediction: the same bits, types, shapes, refusals and warnings as any rows."""

import numpy as np
import pytest

import fastlr

pytestmark = pytest.mark.usefixtures("level")

RNG = np.random.default_rng(2)
X = RNG.normal(size=(40, 3))
Y = RNG.normal(size=(40, 2))


def models(names=None):
    rows = X if names is None else dict(zip(names, X.T, strict=True))
    sgd = {"max_iter": 3, "tol": None, "eta0": 1e-3, "random_state": 0}
    yield fastlr.ols(rows, Y[:, 0])
    yield fastlr.ols(rows, Y)
    yield fastlr.ols(rows, Y[:, :1])
    yield fastlr.LinearRegression().fit(rows, Y[:, 0])
    yield fastlr.LinearRegression(fit_intercept=False).fit(rows, Y)
    yield fastlr.SGDRegressor(**sgd).fit(rows, Y[:, 0])


def forms(rows):
    """The same rows in every form that is read in its own way."""
    yield rows
    yield np.asfortranarray(rows)
    yield rows.astype(np.float32)
    yield rows.astype(">f8")
    yield rows.tolist()
    yield tuple(map(tuple, rows.tolist()))
    yield dict(zip("abc", rows.T, strict=True))
    yield np.repeat(rows, 2, axis=1)[:, ::2]


def test_it_is_the_row_of_many():
    for model in models():
        for one, many in zip(forms(X[:1]), forms(X[:9]), strict=True):
            if isinstance(one, dict) and not isinstance(model, fastlr.LinearFit):
                continue  # names that `fit` has not seen are warned of
            got, wanted = model.predict(one), model.predict(many)[:1]
            assert got.dtype == wanted.dtype
            assert got.shape == wanted.shape
            np.testing.assert_array_equal(got, wanted)


def test_what_is_wrong_with_it_is_named():
    for model in models():
        for bad, kind in ((np.nan, "NaN"), (np.inf, "infinity")):
            row = X[:1].copy()
            row[0, 1] = bad
            with pytest.raises(fastlr.InputError, match=rf"contains {kind} \(row 0, column 'x1'"):
                model.predict(row)
        with pytest.raises(ValueError, match=r"X has 2 features, but .* is expecting 3 features"):
            model.predict(X[:1, :2])
        with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
            model.predict(X[0])
        with pytest.raises(ValueError, match="Complex data not supported"):
            model.predict(X[:1] * 1j)


def test_threads_are_checked_for_it_too():
    with pytest.raises(fastlr.InputError, match="n_threads=0 is not between"):
        fastlr.ols(X, Y).predict(X[:1], n_threads=0)
    model = fastlr.LinearRegression().fit(X, Y).set_params(n_jobs=0)
    with pytest.raises(fastlr.InputError, match="n_jobs=0"):
        model.predict(X[:1])


def test_names_are_still_compared():
    for model in models("abc"):
        other = dict(zip("bac", X[:1].T, strict=True))
        with pytest.raises(fastlr.InputError, match="another order"):
            model.predict(other)
        if isinstance(model, fastlr.LinearFit):
            continue
        for nameless in (X[:1], X[:1].tolist()):
            with pytest.warns(UserWarning, match="X does not have valid feature names"):
                model.predict(nameless)
