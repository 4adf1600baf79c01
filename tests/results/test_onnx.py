"""ONNX graphs predict what fits predict, by the runtime that others use."""

import json
import sys

import numpy as np
import pytest

import fastlr
from fastlr.networks import ACTIVATIONS
from fastlr.networks.layers import Dense

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="ONNX graphs are run by onnxruntime")

RNG = np.random.default_rng(4)
X = RNG.normal(size=(80, 3)) * [1.0, 100.0, 0.01]
Y = X @ RNG.normal(size=(3, 2)) + RNG.normal(size=(80, 2)) + 5.0
SGD = {"random_state": 0, "eta0": 1e-5, "max_iter": 3, "tol": None}
MODELS = {
    "fit": fastlr.ols(X, Y[:, 0], feature_names=["a", "b", "ü"]),
    "two targets": fastlr.ols(X, Y),
    "one column": fastlr.ols(X, Y[:, :1]),
    "no intercept": fastlr.ols(X, Y, fit_intercept=False),
    "descent": fastlr.descend(X, Y[:, 0], epochs=20, tol=None).to_fit(),
    "regression": fastlr.LinearRegression().fit({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}, Y),
    "regression of one": fastlr.LinearRegression(fit_intercept=False).fit(X, Y[:, 0]),
    "regression without": fastlr.LinearRegression(fit_intercept=False).fit(X, Y),
    "positive regression": fastlr.LinearRegression(positive=True).fit(X, Y),
    "ridge": fastlr.Ridge(0.5).fit({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]}, Y),
    "ridge of a column": fastlr.RidgeCV().fit(X, Y[:, :1]),
    "lasso": fastlr.Lasso(0.1).fit(X, Y[:, 0]),
    "lasso of a column": fastlr.Lasso(0.1).fit(X, Y[:, :1]),
    "net": fastlr.ElasticNet(0.01, fit_intercept=False).fit(X, Y),
    "chosen net": fastlr.ElasticNetCV(cv=3, alphas=5).fit(X, Y[:, 0]),
    "huber": fastlr.HuberRegressor().fit(X, Y[:, 0]),
    "sgd": fastlr.SGDRegressor(**SGD).fit(X, Y[:, 0]),
    "polynomial": fastlr.polyfit(X[:, 0], Y[:, 0], 3),
    "two polynomials": fastlr.polyfit(X[:, 0], Y, 2),
    "a line": fastlr.polyfit(X[:, 0], Y[:, 0], 1, fit_intercept=False),
}

SMALL = {"hidden_layer_sizes": (5, 4), "max_iter": 2, "tol": None, "random_state": 0}
NETWORKS = {
    "estimator": fastlr.MLPRegressor(**SMALL).fit(X, Y[:, 0]),
    "estimator of two, standardised": fastlr.MLPRegressor(
        activation=("logistic", "tanh"), standardize=True, **SMALL
    ).fit(X, Y),
    **{
        f"{name}, standardised={standardize}, of {t}": fastlr.network(
            [Dense(4, activation=name), Dense(t, activation=last)]
        ).fit(X, Y[:, :t], epochs=2, standardize=standardize, seed=0)
        for name in ACTIVATIONS
        for standardize, t, last in (
            (True, 1, "identity"),
            (True, 2, "softplus"),
            (False, 2, "tanh"),
        )
    },
    "a vector": fastlr.network([Dense(1)]).fit(X, Y[:, 0], epochs=1, standardize=True, seed=0),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_runtime_evaluates_networks(dtype):
    rows = RNG.normal(size=(7, 3)) * [1.0, 100.0, 0.01]
    for which, model in NETWORKS.items():
        graph = model.to_onnx(dtype=dtype)
        session = runtime.InferenceSession(
            graph.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        (got,) = session.run(None, {"X": rows.astype(dtype)})
        wanted = model.predict(rows)
        assert got.dtype == dtype, which
        assert got.shape == wanted.shape, which
        exact = dtype == "float64" and "gelu" not in which  # its error function is one of float32
        unit = 1e-12 if exact else 2e-5  # large features, of which small differences count
        np.testing.assert_allclose(got, wanted, rtol=unit, atol=unit, err_msg=which)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_the_runtime_predicts_the_same(dtype):
    rows = RNG.normal(size=(7, 3)) * [1.0, 100.0, 0.01]
    for which, model in MODELS.items():
        graph = model.to_onnx(dtype=dtype)
        session = runtime.InferenceSession(
            graph.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        is_polynomial = isinstance(model, fastlr.PolynomialFit)
        given = rows[:, :1] if is_polynomial else rows
        (got,) = session.run(None, {"X": given.astype(dtype)})
        wanted = model.predict(rows[:, 0] if is_polynomial else rows)
        assert got.dtype == dtype, which
        assert got.shape == wanted.shape, which
        unit = 500 * np.finfo(dtype).eps  # sizes of terms beside their sum
        np.testing.assert_allclose(got, wanted, rtol=unit, atol=unit, err_msg=which)


def test_names_travel_with_the_graph():
    for which, names in (
        ("fit", ["a", "b", "ü"]),
        ("regression", ["a", "b", "c"]),
        ("sgd", ["x0", "x1", "x2"]),
    ):
        props = {prop.key: prop.value for prop in MODELS[which].to_onnx().metadata_props}
        assert json.loads(props["feature_names"]) == names
    assert json.loads(props["target_names"]) == ["y"]


def test_another_type_is_refused_by_name():
    with pytest.raises(fastlr.InputError, match="dtype='int8'"):
        MODELS["fit"].to_onnx(dtype="int8")


def test_without_onnx_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install .fastlr\[onnx\]"):
        MODELS["fit"].to_onnx()


def test_an_estimator_that_is_not_fitted_has_no_graph():
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        fastlr.LinearRegression().to_onnx()
    with pytest.raises(NotFittedError):
        fastlr.MLPRegressor().to_onnx()
