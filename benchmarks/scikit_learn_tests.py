"""Claim: scikit-learn's own tests pass with fastlr's estimators in the place of its own, all but those explained.

``python -m benchmarks.scikit_learn_tests`` runs the tests of the installed scikit-learn twice, as they are and with
fastlr's classes under the names that they import. It tells for each module how many tests pass, and how many of these
pass with fastlr: of those that mention one of the names, and of all. Failures come with their reasons, and one without
is an error. Words after the command choose modules (``ridge pipeline``).

This file is the plugin of pytest that puts the classes in place, too. Test modules are imported while both the public
and the private modules of scikit-learn show fastlr's classes, so that lists of cases hold them as well; scikit-learn's
own code keeps its own.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import pytest

MODULES = {
    "base": "sklearn.linear_model.tests.test_base",
    "common": "sklearn.linear_model.tests.test_common",
    "ridge": "sklearn.linear_model.tests.test_ridge",
    "coordinate_descent": "sklearn.linear_model.tests.test_coordinate_descent",
    "sparse_coordinate_descent": "sklearn.linear_model.tests.test_sparse_coordinate_descent",
    "sgd": "sklearn.linear_model.tests.test_sgd",
    "huber": "sklearn.linear_model.tests.test_huber",
    "ransac": "sklearn.linear_model.tests.test_ransac",
    "theil_sen": "sklearn.linear_model.tests.test_theil_sen",
    "multioutput": "sklearn.tests.test_multioutput",
    "target": "sklearn.compose.tests.test_target",
    "pipeline": "sklearn.tests.test_pipeline",
    "voting": "sklearn.ensemble.tests.test_voting",
    "stacking": "sklearn.ensemble.tests.test_stacking",
    "from_model": "sklearn.feature_selection.tests.test_from_model",
    "sequential": "sklearn.feature_selection.tests.test_sequential",
    "rfe": "sklearn.feature_selection.tests.test_rfe",
}
HOMES = {
    "LinearRegression": "_base",
    "Ridge": "_ridge",
    "RidgeCV": "_ridge",
    "Lasso": "_coordinate_descent",
    "LassoCV": "_coordinate_descent",
    "ElasticNet": "_coordinate_descent",
    "ElasticNetCV": "_coordinate_descent",
    "lasso_path": "_coordinate_descent",
    "enet_path": "_coordinate_descent",
    "SGDRegressor": "_stochastic_gradient",
    "HuberRegressor": "_huber",
}
GOAL = 0.98
# Why a test that scikit-learn's own classes pass does not: docs/scikit-learn.md has a line for each reason.
REASONS = {
    "fastlr does what scikit-learn refuses or warns of": [
        "coordinate_descent: test_enet_nonfinite_params test_lasso_alpha_warning test_enet_path_positive",
        "ridge: test_ridgecv_alphas_zero[RidgeCV-None] test_ridge_fit_intercept_sparse_error",
        "ridge: test_ridge_fit_intercept_sparse_sag",
        "base: test_raises_value_error_if_positive_and_sparse",
    ],
    "other steps to the same minimum": [
        "coordinate_descent: test_warm_start test_lasso_dual_gap",
        "coordinate_descent: test_1d_multioutput_enet_and_multitask_enet_cv",
        "coordinate_descent: test_1d_multioutput_lasso_and_multitask_lasso_cv",
        "ridge: test_n_iter test_lbfgs_solver_error",
        "sgd: test_partial_fit_equal_fit[optimal",
    ],
    "private parts of scikit-learn's classes": [
        "coordinate_descent: test_lassoCV_does_not_set_precompute",
    ],
    "X is never changed, and always checked": [
        "base: test_inplace_data_preprocessing",
        "coordinate_descent: test_enet_copy_X_False_check_input_False test_check_input_false",
    ],
    "a warning instead of silence": [
        "target: test_transform_target_regressor_not_warns_with_global_output_set",
    ],
    "LinearRegression has partial_fit and keywords of its own": [
        "pipeline: test_pipeline_raise_set_params_error",
        "multioutput: test_multioutput_regressor_has_partial_fit",
        "from_model: test_from_model_estimator_attribute_error",
    ],
    "paths have an intercept by default, and n_alphas is not deprecated": [
        "coordinate_descent: test_lasso_path_return_models_vs_new_return_gives_same_coefficients",
        "coordinate_descent: test_path_function_deprecated_n_alphas",
    ],
}


def main():
    """Run the modules that were asked for, and print how many tests pass in either way, and why others do not."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("modules", nargs="*", help=", ".join(MODULES))
    asked = parser.parse_args().modules or list(MODULES)
    if unknown := sorted(set(asked) - set(MODULES)):
        parser.error(f"{unknown[0]} is no module: choose from {', '.join(MODULES)}")
    lost, totals = [], [0, 0, 0, 0]
    print(f"scikit-learn {importlib.import_module('sklearn').__version__}")
    print(f"{'':28}{'tests that mention a class':>28}{'all tests':>22}")
    print(f"{'module':28}{'pass':>14}{'with fastlr':>14}{'pass':>8}{'with fastlr':>14}")
    for module in asked:
        theirs, ours = run(module, "scikit-learn"), run(module, "fastlr")
        passed = [test for test, report in theirs.items() if report["outcome"] == "passed"]
        counted = {
            test for test in passed if is_counted(theirs[test]) or is_counted(ours.get(test))
        }
        failed = [test for test in passed if ours.get(test, {}).get("outcome") != "passed"]
        lost += [
            (module, test, ours.get(test, {}).get("message", "is not there")) for test in failed
        ]
        counts = (
            len(counted),
            len(counted.difference(failed)),
            len(passed),
            len(passed) - len(failed),
        )
        totals = [total + count for total, count in zip(totals, counts, strict=True)]
        print(f"{module:28}{counts[0]:14}{counts[1]:14}{counts[2]:8}{counts[3]:14}", flush=True)
    print(f"{'together':28}{totals[0]:14}{totals[1]:14}{totals[2]:8}{totals[3]:14}")
    shares = totals[1] / max(totals[0], 1), totals[3] / max(totals[2], 1)
    print(f"{'':42}{shares[0]:14.1%}{'':8}{shares[1]:14.1%}\n")
    for reason in [*REASONS, None]:
        of_reason = [entry for entry in lost if reason_of(*entry[:2]) == reason]
        if of_reason:
            print(f"{len(of_reason):4}  {reason or 'not explained'}")
        for module, test, message in of_reason:
            print(f"      {module}{test}")
            if reason is None:
                print(f"          {message}")
    return shares[1] >= GOAL and all(reason_of(*entry[:2]) for entry in lost)


def is_counted(report):
    """Whether a test mentions one of the classes."""
    return report is not None and report["mentions"]


def reason_of(module, test):
    """Return why a test does not pass, or None if nobody knows: by its name, with or without the case."""
    name = test.split("::", 1)[1]
    for reason, lines in REASONS.items():
        for line in lines:
            of_module, _, tests = line.partition(": ")
            if of_module == module and any(
                name.startswith(known) if "[" in known else name.partition("[")[0] == known
                for known in tests.split()
            ):
                return reason
    return None


def run(module, classes):
    """Return what became of each test of a module, with the ``classes`` of "scikit-learn" or "fastlr"."""
    with tempfile.TemporaryDirectory() as folder:
        settings, outcomes = Path(folder, "pytest.ini"), Path(folder, "outcomes.json")
        settings.write_text("[pytest]\n", encoding="ascii")  # neither fastlr's settings nor others
        here = str(Path(__file__).resolve().parents[1])
        command = [
            *(sys.executable, "-m", "pytest", "--quiet", "-p", "benchmarks.scikit_learn_tests"),
            *("-p", "no:cacheprovider", "-c", str(settings), "--rootdir", folder),
            *("--classes", classes, "--outcomes", str(outcomes), "--pyargs", MODULES[module]),
        ]
        ran = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([here, *sys.path[1:]])},
            capture_output=True,
            text=True,
        )
        if ran.returncode not in (0, 1):  # all passed, some failed
            raise RuntimeError(f"{module}: pytest ended without outcomes\n{ran.stdout}{ran.stderr}")
        return json.loads(outcomes.read_text(encoding="utf-8"))


def pytest_addoption(parser):
    parser.addoption("--classes", choices=["scikit-learn", "fastlr"], default="scikit-learn")
    parser.addoption("--outcomes", type=Path)


def pytest_configure(config):
    if config.getoption("--outcomes") is not None:
        config.pluginmanager.register(Outcomes(config), "fastlr-in-place")


class Outcomes:
    """Imports test modules with the classes in place, and keeps what becomes of the tests that mention them."""

    def __init__(self, config):
        package = importlib.import_module("sklearn.linear_model")
        self.path = config.getoption("--outcomes")
        self.places = {
            name: (package, importlib.import_module(f"sklearn.linear_model.{home}"))
            for name, home in HOMES.items()
        }
        self.values = {name: getattr(package, name) for name in HOMES}
        if config.getoption("--classes") == "fastlr":
            fastlr = importlib.import_module("fastlr")
            self.values = {name: getattr(fastlr, name) for name in HOMES}
        for module in MODULES.values():  # whatever they need is imported before
            importlib.import_module(module.rpartition(".tests.")[0])
        self.reports = {}

    @contextmanager
    def in_place(self):
        """Show the classes in all modules; the public one keeps them, for tests that look there later."""
        own = {(home, name): getattr(home, name) for name, (_, home) in self.places.items()}
        for name, homes in self.places.items():
            for home in homes:
                setattr(home, name, self.values[name])
        yield
        for (home, name), value in own.items():
            setattr(home, name, value)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector):
        if not isinstance(collector, pytest.Module):
            return (yield)
        with self.in_place():
            return (yield)

    def pytest_collection_modifyitems(self, items):
        for item in items:
            self.reports[item.nodeid] = {"outcome": "not run", "mentions": self.mentions(item)}

    def pytest_runtest_logreport(self, report):
        known = self.reports[report.nodeid]
        if report.when == "call" or report.outcome != "passed":
            known["outcome"] = "xfailed" if hasattr(report, "wasxfail") else report.outcome
            crash = getattr(report.longrepr, "reprcrash", None)
            known["message"] = crash.message[:300] if crash else str(report.longrepr)[-300:]

    def pytest_sessionfinish(self):
        self.path.write_text(json.dumps(self.reports), encoding="utf-8")

    def mentions(self, item):
        """Whether a test, a case that it is given, or a function of its module that it calls has one of the names."""
        seen = set()
        given = getattr(item, "callspec", None)
        return self.holds(item.function, seen) or any(
            self.holds(value, seen) for value in (given.params.values() if given else ())
        )

    def holds(self, value, seen):
        """Whether something is one of the classes, or made of one; ``seen`` are the ids of what has been looked at."""
        if id(value) in seen or isinstance(value, str | bytes | ModuleType):
            return False
        seen.add(id(value))
        replaced = tuple(self.values.values())
        if isinstance(value, type):
            return any(parent in replaced for parent in value.__mro__)
        if isinstance(value, FunctionType):
            if value in replaced:
                return True
            names = set(names_of(value.__code__))
            known = value.__globals__
            return bool(names & set(HOMES)) or any(
                self.holds(known[name], seen)
                for name in names & set(known)
                if getattr(known[name], "__module__", known["__name__"]) == known["__name__"]
            )
        if isinstance(value, Mapping):
            return any(self.holds(entry, seen) for entry in value.values())
        if isinstance(value, list | tuple | set):
            return any(self.holds(entry, seen) for entry in value)
        if hasattr(value, "func"):  # a partial function
            return self.holds([value.func, value.args, value.keywords], seen)
        if hasattr(value, "get_params"):  # an estimator, or the class of one inside a pipeline
            return self.holds(type(value), seen) or self.holds(vars(value), seen)
        return False


def names_of(code: CodeType) -> Iterable[str]:
    """Every global name and attribute that a function uses, with the functions inside of it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_of(constant)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
