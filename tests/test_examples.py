"""The pages in examples/ run as they stand."""

import csv
import runpy
from pathlib import Path

import numpy as np
import pytest

import nist

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_page_runs_and_prints(path, capsys):
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out.strip()


def test_quickstart_tells_the_same_story_three_times(capsys):
    names = runpy.run_path(str(EXAMPLES / "quickstart.py"))
    fit, model, together = names["fit"], names["model"], names["together"]
    # Merging changes the rounding, and the square of Longley's condition number, 1e2 on centred and
    # scaled columns, magnifies it.
    np.testing.assert_allclose(model.coef_, fit.coef, rtol=1e-9)
    np.testing.assert_allclose(together.coef, fit.coef, rtol=1e-9)
    capsys.readouterr()


def test_the_table_is_longleys():
    with (EXAMPLES / "longley.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    problem = nist.load("Longley")
    assert header[-1] == "employed"
    np.testing.assert_array_equal(
        np.array(rows, dtype=float), np.column_stack([problem.X, problem.y])
    )
