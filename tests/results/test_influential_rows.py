"""The rows that a fit leans on are those of statsmodels, for tables of any size, and are known wherever they can be."""

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import fastlr
from fastlr.results.influential_rows import MOST_REMEMBERED

click_testing = pytest.importorskip("click.testing")


def drawn(n, p=2, seed=0):
    """Rows of which one pulls at the fit, and another lies far off."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = X.sum(axis=1) + rng.normal(size=n)
    X[7], y[7] = 12.0 * np.sqrt(n / 50), -9.0 * np.sqrt(n / 50)
    y[3] += 40.0
    return X, y


@pytest.mark.parametrize("n", [50, MOST_REMEMBERED])
def test_they_are_those_of_statsmodels_in_tables_of_any_size(n):
    X, y = drawn(n)
    weights = np.linspace(1.0, 2.0, n)
    for sample_weight in (None, weights):
        fit = fastlr.ols(X, y, sample_weight=sample_weight)
        assert (fit.influential is None) == (n == MOST_REMEMBERED)
        (found,) = fit.with_influence(X, y, sample_weight=sample_weight).influential
        root = 1.0 if sample_weight is None else np.sqrt(weights)
        design = sm.add_constant(X) * np.reshape(root, (-1, 1) if np.ndim(root) else ())
        theirs = sm.OLS(y * root, design).fit()
        influence = theirs.get_influence()
        distance, leverage = influence.cooks_distance[0], influence.hat_matrix_diag

        def without(row, target=y * root, design=design):
            return sm.OLS(np.delete(target, row), np.delete(design, row, axis=0)).fit()

        expected = [i for i in np.argsort(-distance) if distance[i] >= 0.5]
        assert [row for row, _ in found.distances] == expected
        assert expected
        assert np.allclose([size for _, size in found.distances], distance[expected], rtol=1e-9)
        left = without(expected[0])
        errors = np.sqrt(left.mse_resid * np.diag(theirs.normalized_cov_params))
        moved = ((theirs.params - left.params) / errors)[1:]
        name, change = found.moved
        assert name == f"x{np.argmax(np.abs(moved))}"
        assert change == pytest.approx(moved[np.argmax(np.abs(moved))], rel=1e-9)
        assert {row for row, _ in found.far} >= {3}
        for row, size in found.far:
            error = np.sqrt(without(row).mse_resid * (1.0 - leverage[row]))
            assert size == pytest.approx(theirs.resid[row] / error, rel=1e-9)
        if n < MOST_REMEMBERED:
            (known,) = fit.influential
            assert [row for row, _ in known.distances] == expected
            assert known.moved[0] == name


def test_a_fit_knows_its_rows_after_they_have_changed_and_in_every_copy():
    X, y = drawn(40)
    fit, expected = fastlr.ols(X, y), fastlr.ols(X, y).influential
    X[:], y[:] = 0.0, 1.0
    copy = pickle.loads(pickle.dumps(fit))
    restored = fastlr.LinearFit.from_dict(fit.to_dict())
    assert fit.influential == copy.influential == restored.influential == expected
    assert copy.summary() == restored.summary() == fit.summary()
    assert copy.remembered_rows is None
    assert restored.remembered_rows is None


def test_rows_have_the_positions_that_the_caller_knows():
    X, y = drawn(40)
    expected = fastlr.ols(X, y).influential[0]
    gaps = np.insert(X, [0, 5, 9], np.nan, axis=0), np.insert(y, [0, 5, 9], 0.0)
    found = fastlr.ols(*gaps, missing="drop").influential[0]
    assert [row for row, _ in found.distances] == [row + 2 for row, _ in expected.distances]
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(y=y)
    (of_formula,) = fastlr.ols("y ~ a + b", data=frame).influential
    assert of_formula.distances == expected.distances
    (of_estimator,) = fastlr.LinearRegression().fit(X, y).fit_.influential
    assert of_estimator == expected


def test_each_target_has_its_own():
    X, y = drawn(40)
    calm = X.sum(axis=1) + np.random.default_rng(1).normal(size=40)
    fit = fastlr.ols(X, np.column_stack([calm, y]))
    assert fit.influential[1].distances == fastlr.ols(X, y).influential[0].distances
    told = fit.summary().to_dict()["attention"]
    assert any(sentence.startswith("y1: The result leans on") for sentence in told)


def test_where_nothing_can_be_said_nothing_is():
    X, y = drawn(30)
    twice = np.column_stack([X, X[:, 0]])
    exact = X @ [1.0, 2.0] + 3.0
    for fit in (
        fastlr.ols(X, y, alpha=1.0),
        fastlr.ols(X, exact),
        fastlr.ols(X[:3], y[:3]),
        fastlr.ols(np.eye(4), np.arange(4.0)),
        fastlr.descend(X, y),
    ):
        assert fit.influential is None
        assert not any(
            "row " in sentence and "(" in sentence
            for sentence in fit.summary().to_dict()["attention"]
        )
    with pytest.warns(fastlr.RankWarning):
        dependent = fastlr.ols(twice, y, rank="basic").influential
    assert dependent is None or dependent[0].distances[0][0] in (3, 7)


def test_a_row_that_alone_determines_a_coefficient_is_told():
    X, y = np.random.default_rng(2).normal(size=(2, 20, 1))
    X = np.column_stack([X, np.arange(20) == 4])
    assert "1 row alone determines a coefficient." in fastlr.ols(X, y[:, 0]).summary()


@pytest.mark.parametrize("n", [40, MOST_REMEMBERED])
def test_the_command_line_tells_them_by_their_numbers_in_the_file(n, tmp_path):
    cli = pytest.importorskip("fastlr.cli")
    X, y = drawn(n)
    table = pd.DataFrame(X, columns=["a", "b"]).assign(y=y, w=1.0)
    gap = pd.DataFrame({"a": [None], "b": [1.0], "y": [2.0], "w": [1.0]})
    weightless = pd.DataFrame({"a": [5.0], "b": [1.0], "y": [900.0], "w": [0.0]})
    path = tmp_path / "rows.csv"
    pd.concat([gap, weightless, table]).to_csv(path, index=False)
    (expected,) = fastlr.ols(X, y).with_influence(X, y).influential
    rows = [f"row {row + 3} (" for row, _ in expected.distances]
    outcome = {}
    for asked in (["--target", "y"], ["--formula", "y ~ a + b"]):
        ours = ["fit", str(path), *asked, "--weights", "w", "--missing", "drop"]
        if asked[0] == "--target":
            ours += ["--features", "a,b"]
        result = click_testing.CliRunner().invoke(cli.main, ours)
        assert result.exit_code == 0, result.output
        outcome[asked[0]] = " ".join(result.output.split())
        assert all(row in outcome[asked[0]] for row in rows), (asked, rows)
