"""scikit-learn's checks of an estimator in one test: a case for each check would cost more than most of the checks."""

import pytest
from sklearn.utils.estimator_checks import check_estimator

__all__ = ["check_conventions", "configurations"]


def configurations(*estimators):
    """Make a case for each estimator, named by its parameters."""
    names = ["".join(str(estimator).split()) for estimator in estimators]
    return pytest.mark.parametrize("estimator", estimators, ids=names)


def check_conventions(estimator, expected_failures=None):
    """Run all of scikit-learn's checks; those of ``expected_failures`` (name: reason), and no others, have to fail."""
    expected = expected_failures or {}
    results = check_estimator(
        estimator, expected_failed_checks=expected, on_skip=None, on_fail=None
    )
    failed = {
        result["check_name"]: result["exception"]
        for result in results
        if result["status"] in ("failed", "xfail")
    }
    for name, error in failed.items():
        if name not in expected:
            raise AssertionError(f"{estimator} fails {name}: {error}") from error
    assert set(failed) == set(expected), f"{estimator} passes what it is expected to fail"
