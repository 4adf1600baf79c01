"""Claim: fifteen digits. Right digits of fastlr and every installed peer: `python -m benchmarks.accuracy`.

Log relative errors (McCullough 1998: about the number of right digits of the worst coefficient, at most 15) on
NIST's linear least-squares sets and on generated hard cases, against exact rational arithmetic on the float64
data. Prints the table that docs/accuracy.md shows; `--digits 1000` checks `digits` on so many random problems.
"""

import argparse
import importlib.util
import sys
import warnings
from pathlib import Path

import numpy as np

import fastlr

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from test_accuracy import random_problem

import hard_cases
import nist
import rational


def with_constant(X, fit_intercept):
    return np.column_stack([np.ones(len(X)), X]) if fit_intercept else X


def split(b, fit_intercept):
    return (b[1:], b[0]) if fit_intercept else (b, 0.0)


def of_fastlr(accuracy):
    def fit(X, y, fit_intercept):
        result = fastlr.ols(X, y, fit_intercept=fit_intercept, accuracy=accuracy)
        return result.coef, result.intercept

    return fit


def of_double_double(X, y, fit_intercept):
    moments = fastlr.Moments.from_arrays(X, y, precision="double_double")
    result = fastlr.solve(moments, fit_intercept=fit_intercept)
    return result.coef, result.intercept


def normal_equations(X, y, fit_intercept):
    A = with_constant(X, fit_intercept)
    return split(np.linalg.solve(A.T @ A, A.T @ y), fit_intercept)


def numpy_lstsq(X, y, fit_intercept):
    return split(np.linalg.lstsq(with_constant(X, fit_intercept), y, rcond=None)[0], fit_intercept)


def scipy_gelsy(X, y, fit_intercept):
    from scipy.linalg import lstsq

    b = lstsq(with_constant(X, fit_intercept), y, lapack_driver="gelsy")[0]
    return split(b, fit_intercept)


def of_estimator(module, name, **options):
    def fit(X, y, fit_intercept):
        model = getattr(importlib.import_module(module), name)(
            fit_intercept=fit_intercept, **options
        )
        model.fit(X, y)
        return np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])

    return fit


def statsmodels_qr(X, y, fit_intercept):
    import statsmodels.api as sm

    return split(sm.OLS(y, with_constant(X, fit_intercept)).fit(method="qr").params, fit_intercept)


SOLVERS = (
    ("fastlr max", None, of_fastlr("max")),
    ("fastlr auto", None, of_fastlr("auto")),
    ("fastlr fast", None, of_fastlr("fast")),
    ("Moments dd", None, of_double_double),
    ("np.lstsq", None, numpy_lstsq),
    ("np normal", None, normal_equations),
    ("sp gelsy", "scipy", scipy_gelsy),
    ("skl LR", "sklearn", of_estimator("sklearn.linear_model", "LinearRegression")),
    (
        "skl Ridge",
        "sklearn",
        of_estimator("sklearn.linear_model", "Ridge", alpha=1e-300, solver="cholesky"),
    ),
    ("sm QR", "statsmodels", statsmodels_qr),
)


def digits_of(solver, X, y, fit_intercept, judge):
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            coef, intercept = solver(X, y, fit_intercept)
            return f"{judge(np.asarray(coef), float(intercept)):.1f}"
    except (np.linalg.LinAlgError, ValueError, FloatingPointError):
        return "fails"


def problems():
    for name in nist.NAMES:
        problem = nist.load(name)
        yield (
            name,
            problem.X,
            problem.y,
            problem.fit_intercept,
            lambda coef, intercept, problem=problem: nist.right_digits(problem, coef, intercept),
        )
    for case in hard_cases.cases():
        yield case.name, case.X, case.y, case.fit_intercept, case.right_digits


def table():
    solvers = [s for s in SOLVERS if s[1] is None or importlib.util.find_spec(s[1])]
    print(f"| problem | {' | '.join(name for name, _, _ in solvers)} |")
    print(f"|---|{'---:|' * len(solvers)}")
    for name, X, y, fit_intercept, judge in problems():
        cells = [digits_of(solver, X, y, fit_intercept, judge) for _, _, solver in solvers]
        print(f"| {name} | {' | '.join(cells)} |")


def honesty(n_problems, accuracy):
    rng = np.random.default_rng(2026)
    gaps, above, flagged, worst = [], 0, 0, 15.0
    for _ in range(n_problems):
        X, y, fit_intercept = random_problem(rng)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = fastlr.ols(X, y, fit_intercept=fit_intercept, accuracy=accuracy)
        if fit.rank < X.shape[1]:
            flagged += 1
            continue
        exact = rational.exact_least_squares(X, y, fit_intercept=fit_intercept)
        estimate = [fit.intercept, *fit.coef] if fit_intercept else list(fit.coef)
        truth = min(map(nist.log_relative_error, map(float, estimate), exact))
        gaps.append(truth - fit.digits)
        above += fit.digits > truth
        worst = min(worst, truth)
    print(
        f"{accuracy}: {n_problems} problems, {flagged} flagged as dependent, fewest right digits {worst:.1f}; "
        f"estimate above the truth {above} times, below it by {np.median(gaps):.1f} in the median, "
        f"{max(gaps):.1f} at most"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--digits", type=int, metavar="N", help="check `digits` on N random problems"
    )
    arguments = parser.parse_args()
    if arguments.digits:
        for accuracy in ("max", "auto", "fast"):
            honesty(arguments.digits, accuracy)
    else:
        table()


if __name__ == "__main__":
    main()
