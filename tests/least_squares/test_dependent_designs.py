"""More than a thousand fits of columns that depend on one another, judged by exact rational arithmetic.

See `judging` for what is asked of a fit, and `python -m benchmarks.dependent` for thousands of them.
"""

from dataclasses import dataclass

import numpy as np
import pytest

import fastlr._kernels.levels as chooser
import rational
from drawn_designs import draw
from exact_fits import ExactFit, as_float
from judged_designs import (
    FAR_AWAY,
    FAR_AWAY_ROUTES,
    LABELS,
    faults,
    sentence,
    verdicts_elsewhere,
)
from judging import exact_fit, fit_quietly, judge
from levels import in_use
from real_tables import regressions, table

TABLES = (
    "alfalfa",
    "chredlin",
    "eggprod",
    "fortune",
    "hips",
    "hsb",
    "kanga",
    "mba",
    "odor",
    "sexab",
    "speedo",
    "teengamb",
    "truck",
    "whiteside",
)


def listed(lines):
    return "\n".join([f"{len(lines)} fits are wrong:", *lines])


@pytest.mark.parametrize("label", LABELS)
def test_dependent_columns_are_fitted_as_well_as_can_be(label):
    """Twelve designs, some of them by their first independent columns, in every accuracy and on every level.

    One test, since exact answers cost more than fits.
    """
    wrong = faults([label], range(12))
    wrong += faults([label], range(3), rank="basic")
    for accuracy in ("fast", "max", "moments"):
        wrong += faults([label], range(2), accuracy=accuracy)
    for level in chooser.available_levels():
        if level != chooser.describe()["level"]:
            with in_use(level):
                found = faults([label], range(2))
                found += faults([label], range(1), rank="basic")
                for accuracy in ("fast", "max", "moments"):
                    found += faults([label], range(1), accuracy=accuracy)
            wrong += [f"on {level}: {line}" for line in found]
    assert not wrong, listed(wrong)


def wrong_elsewhere(labels, seeds, routes, level):
    tasks = [
        (label, seed, route, "min_norm") for label in labels for seed in seeds for route in routes
    ]
    return [
        sentence(*task, faults)
        for task, faults, _ in verdicts_elsewhere(tasks, level=level, patience=10.0)
        if faults
    ]


@pytest.mark.parametrize("level", chooser.available_levels())
def test_a_few_rows_far_away_are_fitted_as_well_as_can_be(level):
    """Six families, some 500 fits in all: to 1e12 standard deviations away from zero, by rows and from moments.

    In processes that were told their level, which nobody waits for without end.
    """
    seeds = range(12 if level == chooser.describe()["level"] else 3)
    wrong = wrong_elsewhere(FAR_AWAY, seeds, FAR_AWAY_ROUTES, level)
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("name", TABLES)
def test_real_tables_with_all_their_categories_are_fitted_as_well_as_can_be(name):
    wrong, n_fits = [], 0
    for codes_as_categories in (False, True):
        most = 6 if name == "hsb" else 2
        for design in regressions(
            name, table(name), most_targets=most, codes_as_categories=codes_as_categories
        ):
            verdict = judge(
                fit_quietly(design),
                exact_fit(design),
                condition=design.condition,
                grain=design.grain,
            )
            n_fits += 1
            if verdict.faults:
                wrong.append(f"{design.label}: {verdict}")
    assert n_fits > 0
    assert not wrong, listed(wrong)


# The judge is judged


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_the_oracle_agrees_with_plain_fractions(seed, fit_intercept):
    rng = np.random.default_rng(seed)
    W = rng.integers(-60, 60, size=(12, 3)).astype(float)
    X = np.column_stack([W, W.sum(axis=1), W[:, 0] - W[:, 1]]) * 2.0 ** rng.integers(-12, 12, 5)
    y = rng.normal(size=12)
    exact = ExactFit(X, y, fit_intercept=fit_intercept)
    exact.check()
    assert exact.rank == 3
    assert exact.first_independent == [0, 1, 2]
    intercept, coef = exact.minimum_norm[0]
    wanted = rational.exact_minimum_norm(X, y, [0, 1, 2], fit_intercept=fit_intercept)
    assert ([intercept, *coef] if fit_intercept else coef) == wanted
    weight = rng.integers(0, 3, size=12).astype(float)
    exact = ExactFit(X[:, :3], y, weight, fit_intercept=fit_intercept)
    intercept, coef = exact.minimum_norm[0]
    wanted = rational.exact_least_squares(
        X[:, :3], y, fit_intercept=fit_intercept, sample_weight=weight
    )
    assert ([intercept, *coef] if fit_intercept else coef) == wanted


@pytest.mark.parametrize("label", [label for label in LABELS if label != "weights"])
def test_the_oracle_agrees_with_numpy_where_that_is_right(label):
    designs = (draw(label, seed) for seed in range(100))  # some of them have no weights
    design = next(d for d in designs if d.weights is None and d.condition * d.grain < 1e6)
    exact = exact_fit(design)
    exact.check()
    assert exact.rank == design.rank
    Y = design.y.reshape(len(design.X), -1)
    kept = design.X[:, list(design.independent)]
    if design.fit_intercept:
        kept, Y = kept - kept[0], Y - Y[0]
        kept, Y = kept - kept.mean(axis=0), Y - Y.mean(axis=0)
    kept = kept / np.linalg.norm(kept, axis=0)
    rss = np.sum((Y - kept @ np.linalg.lstsq(kept, Y, rcond=1e-15)[0]) ** 2, axis=0)
    size = np.sum(design.y.reshape(len(Y), -1) ** 2, axis=0)
    np.testing.assert_allclose(
        rss, [float(least) for least in exact.least], rtol=1e-6, atol=1e-24 * size.max()
    )


@dataclass
class Answers:
    """Exact answers rounded to float64, as a fit has them."""

    exact: ExactFit
    rank_rule: str
    digits: float = 15.0
    passes: int = 2

    def __post_init__(self):
        exact, is_basic = self.exact, self.rank_rule == "basic"
        self.rank = exact.rank
        self.rss = np.array([float(value) for value in exact.least])
        solutions = exact.basic if is_basic else exact.minimum_norm
        self.intercept = np.array([as_float(constant) for constant, _ in solutions])
        self.coef = np.array([[as_float(value) for value in coef] for _, coef in solutions])
        errors = [exact.standard_errors(t) for t in range(exact.n_targets)]
        self.bse_intercept = np.array([of_intercept for of_intercept, _ in errors])
        self.bse_coef = np.array([of_coef for _, of_coef in errors])
        if not is_basic and exact.rank < exact.n_features:
            self.bse_coef[:, ~exact.estimable] = np.nan


@pytest.mark.parametrize("label", [*LABELS, *FAR_AWAY])
def test_the_judge_finds_nothing_wrong_with_exact_answers(label):
    design = draw(label, 0)
    exact = exact_fit(design)
    conditioning = {"condition": design.condition, "grain": design.grain}
    for rank in ("min_norm", "basic"):
        verdict = judge(Answers(exact, rank), exact, rank=rank, **conditioning)
        assert not verdict.faults, f"{design}, {rank}: {verdict}"


def test_the_judge_sees_what_is_wrong():
    design = draw("two factors and a number", 3)
    exact = exact_fit(design)
    fit = fit_quietly(design, rank="basic")
    assert not judge(fit, exact, rank="basic").faults
    verdict = judge(fit, exact)
    assert "norm" in verdict.faults
    assert "rss" not in verdict.faults
    right = Answers(exact, "min_norm")
    kinds = {
        "rank": {"rank": exact.rank + 1},
        "rss": {"coef": right.coef + 1e-3 * np.eye(exact.n_features)[-1]},
        "reported": {"rss": right.rss * (1 + 1e-8)},
        "digits": {"coef": right.coef * (1 + 1e-14)},
        "bse": {"bse_coef": right.bse_coef * (1 + 1e-7)},
    }
    for kind, changes in kinds.items():
        wrong = Answers(exact, "min_norm")
        for name, value in changes.items():
            setattr(wrong, name, value)
        assert kind in judge(wrong, exact).faults
