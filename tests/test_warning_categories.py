"""Warnings that are scikit-learn's as well, and what they cost."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import fastlr

X = np.random.default_rng(0).normal(size=(50, 2))
Y = X.sum(axis=1)


def diverge():
    return fastlr.descend(X, Y, learning_rate=50.0, epochs=300)


def test_filters_for_scikit_learns_warning_hold():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        diverge()
        fastlr.SGDRegressor(max_iter=1).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning) as caught:
            diverge()
    assert isinstance(caught.value, fastlr.ConvergenceWarning)


def test_there_is_one_convergence_warning():
    from fastlr.errors import ConvergenceWarning as same

    assert fastlr.ConvergenceWarning is same is fastlr.errors.ConvergenceWarning
    assert issubclass(same, ConvergenceWarning)
    assert issubclass(same, UserWarning)
    assert pickle.loads(pickle.dumps(same)) is same
    assert str(pickle.loads(pickle.dumps(same("rate")))) == "rate"
    assert (same.__module__, same.__name__) == ("fastlr.errors", "ConvergenceWarning")
    with pytest.raises(AttributeError, match="NoSuchWarning"):
        _ = fastlr.errors.NoSuchWarning


def test_a_descent_that_arrives_does_not_import_scikit_learn(tmp_path):
    code = (
        "import sys, types, fastlr\n"
        "fastlr.descend([[1.0], [2.0], [4.0]], [1.0, 2.0, 4.0], standardize=True)\n"
        "assert 'sklearn' not in sys.modules\n"
        # Whoever asks for the warning has scikit-learn's, of which a name will do here.
        "theirs = type('ConvergenceWarning', (UserWarning,), {})\n"
        "sys.modules['sklearn'] = types.ModuleType('sklearn')\n"
        "sys.modules['sklearn.exceptions'] = types.SimpleNamespace(ConvergenceWarning=theirs)\n"
        "assert fastlr.ConvergenceWarning.__mro__[1] is theirs\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
