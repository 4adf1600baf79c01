"""A small fit does little in Python, and tells later what nobody has asked for yet."""

import copy
import dataclasses
import gc
import pickle
import sys

import numpy as np
import pytest

import fastlr
from fastlr._kernels import load_level
from fastlr.results.linear_fit import LinearFit

MOST_BEFORE_THE_KERNEL = 8
MOST_MODULES_BEFORE_THE_KERNEL = 5
MOST_IN_ALL = 14
MOST_OF_ESTIMATOR = 30
ON_REQUEST = (
    "bse_digits",
    "condition_number",
    "feature_mean",
    "feature_std",
    "log_likelihood",
    "status",
)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    return X, X.sum(axis=1) + rng.normal(size=100)


def python_calls(function):
    """How many Python functions a call of this one enters until the kernel, and in all: the fewest of three calls."""
    function()  # caches fill
    return min(counted(function) for _ in range(3))


def counted(function):
    calls, before = 0, None

    def count(frame, event, argument):
        nonlocal calls, before
        calls += event == "call"
        if event == "c_call" and getattr(argument, "__name__", "") == "climb":
            before = calls

    # A collection of what earlier tests left calls their finalisers, and what others (Hypothesis) hook to it.
    was_enabled = gc.isenabled()
    gc.disable()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
        if was_enabled:
            gc.enable()
    return before - 1, calls - 1  # but for the function itself


def test_a_hook_on_collections_that_others_left_is_not_counted(rows):
    def fit():
        return fastlr.ols(*rows) and None

    def hook(phase, info):
        pass

    alone, threshold = python_calls(fit), gc.get_threshold()
    gc.callbacks.append(hook)
    gc.set_threshold(1)
    try:
        assert python_calls(fit) == alone
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(hook)


def test_few_python_calls_lead_to_the_kernel_and_back(rows):
    before, in_all = python_calls(lambda: fastlr.ols(*rows) and None)
    assert before <= MOST_BEFORE_THE_KERNEL + 1  # ols itself
    assert in_all <= MOST_IN_ALL + 1


def test_the_estimator_adds_few_calls(rows):
    X, y = rows
    assert python_calls(lambda: fastlr.LinearRegression().fit(X, y))[1] <= MOST_OF_ESTIMATOR


def test_a_condition_number_that_waited_is_that_of_the_fit_to_the_bit(level):
    rng, kernels = np.random.default_rng(2), load_level(level)
    for p in (1, 3, 17, 40):
        X = rng.normal(size=(100, p)) @ rng.normal(size=(p, p)) + 10.0
        X[:, 0] *= 1e-3
        y = rng.normal(size=100)
        for fit_intercept in (True, False):
            fit = fastlr.ols(X, y, fit_intercept=fit_intercept, accuracy="max")
            if fit.solver != "refined":
                continue
            told = kernels.climb(X, y, None, fit_intercept, "max", 1)
            assert told[kernels.CLIMBED_FIELDS.index("condition_number")] == fit.condition_number
            assert fit.bse_digits == pytest.approx(
                min(15.0, -np.log10(2.0**-53 * (fit.condition_number**2 + 1.0))), abs=1e-12
            )


def test_the_rows_walk_through_few_modules_to_the_kernel(rows):
    entered, is_there = [], False

    def follow(frame, event, argument):
        nonlocal is_there
        is_there |= event == "c_call" and getattr(argument, "__name__", "") == "climb"
        if event == "call" and not is_there:
            entered.append(frame.f_globals["__name__"])

    fastlr.ols(*rows)  # caches fill
    sys.setprofile(follow)
    try:
        fastlr.ols(*rows)
    finally:
        sys.setprofile(None)
    assert is_there
    modules = {name for name in entered if name.startswith("fastlr.")}
    assert len(modules) <= MOST_MODULES_BEFORE_THE_KERNEL, modules


@pytest.mark.parametrize("options", [{}, {"fit_intercept": False}, {"accuracy": "fast"}], ids=str)
def test_what_is_told_on_request_does_not_depend_on_when(rows, options):
    early, late = fastlr.ols(*rows, **options), fastlr.ols(*rows, **options)
    of_conditions = {"bse_digits", "condition_number"}  # which fits by one pass have told
    waiting = {name for name in ON_REQUEST if name not in vars(early)}
    assert waiting == set(ON_REQUEST) - (set() if early.passes > 1 else of_conditions)
    for name in ON_REQUEST:
        value = getattr(early, name)
        assert getattr(early, name) is value
    assert early.to_dict() == late.to_dict()
    names = [field.name for field in dataclasses.fields(LinearFit)]
    names[names.index("bse_coef")] = "bse"  # as documents have called it from the start
    assert list(early.to_dict()) == [*names, "has_feature_names"]
    np.testing.assert_allclose(early.feature_mean, rows[0].mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(early.feature_std, rows[0].std(axis=0), rtol=1e-12)


def test_a_fit_that_was_never_asked_is_pickled_and_copied_whole(rows):
    asked, fit = fastlr.ols(*rows), fastlr.ols(*rows)
    want = asked.to_dict()
    for again in (pickle.loads(pickle.dumps(fit)), copy.copy(fit), copy.deepcopy(fit)):
        assert set(vars(again)) == {field.name for field in dataclasses.fields(LinearFit)}
        assert again.to_dict() == want
    assert dataclasses.replace(fit, target_names=("z",)).to_dict() == {
        **want,
        "target_names": ["z"],
    }
    assert pickle.dumps(fit) == pickle.dumps(asked)


def test_what_is_told_on_request_is_frozen(rows):
    fit = fastlr.ols(*rows)
    for name in ON_REQUEST:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(fit, name, None)
    for array in (fit.feature_mean, fit.feature_std):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


def test_unknown_attributes_are_errors_as_everywhere(rows):
    with pytest.raises(AttributeError, match="'LinearFit' object has no attribute 'slope'"):
        fastlr.ols(*rows).slope  # noqa: B018


def test_a_fit_of_many_features_keeps_no_products_of_its_columns(monkeypatch):
    rng = np.random.default_rng(1)
    monkeypatch.setattr("fastlr.least_squares.fitted.LARGEST_KEPT", 100)
    X = rng.normal(size=(400, 120))
    fit = fastlr.ols(X, X.sum(axis=1) + rng.normal(size=400))
    assert fit.inverse is None
    assert vars(fit)["_later"].state is None
    arrays = [kept for kept in vars(fit).values() if isinstance(kept, np.ndarray)]
    assert len(arrays) > 3
    for kept in arrays:
        owner = kept.base if isinstance(kept.base, np.ndarray) else kept
        assert owner.size < 120 * 10
