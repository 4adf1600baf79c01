"""Whatever scikit-learn's classes have, ours of the same name have."""

import inspect
import warnings

import numpy as np
import pytest
import sklearn.linear_model

import fastlr

NAMES = [
    "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lasso", "LassoCV", "LinearRegression", "Ridge", "RidgeCV",
    "SGDRegressor",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_keywords_methods_and_attributes_of_scikit_learn_are_here(name):
    theirs, ours = getattr(sklearn.linear_model, name), getattr(fastlr, name)
    for method in ("__init__", "fit"):
        wanted = inspect.signature(getattr(theirs, method)).parameters
        given = inspect.signature(getattr(ours, method)).parameters
        assert not set(wanted) - set(given), method
        defaults = {k: v.default for k, v in wanted.items() if v.default is not v.empty}
        assert {key: given[key].default for key in defaults} == defaults, method
    public = {method for method in dir(theirs) if not method.startswith("_")}
    assert not public - set(dir(ours))
    X = np.random.default_rng(0).normal(size=(40, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = theirs().fit(X, X[:, 0]), ours().fit(X, X[:, 0])
    learned = {attribute for attribute in vars(fitted[0]) if attribute.endswith("_")}
    assert not {attribute for attribute in learned if not hasattr(fitted[1], attribute)}
