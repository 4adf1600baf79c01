"""The textbook's examples: the pages run and draw, and their figures are those of the book."""

import contextlib
import functools
import io
import random
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

import fastlr

PAGES = sorted(
    (Path(__file__).parents[2] / "examples" / "textbook").glob("*.py"),
    key=lambda path: int(path.stem.split("_")[0]),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Run a page by its number, once for all tests: its names, what it printed, and its picture."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("pictures")

    @functools.cache
    def run(number):
        path, picture = PAGES[number - 1], folder / f"{number}.png"
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("default")  # matplotlib's own deprecations are not the page's
            patch.setattr("sys.argv", [str(path), str(picture)])
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                names = runpy.run_path(str(path), run_name="__main__")
        return names, printed.getvalue(), picture

    return run


@pytest.mark.parametrize("number", range(1, len(PAGES) + 1), ids=[path.stem for path in PAGES])
def test_page_prints_and_draws(page, number):
    _, printed, picture = page(number)
    assert printed.strip()
    assert picture.read_bytes()[:4] == b"\x89PNG"


def test_perceptron_by_hand_and_in_one_call(page):
    names, printed, _ = page(1)
    lines = [line for line in printed.splitlines() if line.startswith("cost")]
    assert lines[:4] == lines[4:]
    exact = fastlr.ols(names["X"], names["y"])
    for fit in (names["from_zeros"], *names["starts"]):
        assert fit.coef[0] == pytest.approx(exact.coef[0], rel=1e-6)


def test_cortical_thickness(page):
    names, printed, _ = page(2)
    path = names["fit"].history
    assert (round(path.coef[0, 0], 3), round(path.intercept[0], 3)) == (0.028, 0.056)
    assert path.loss[0] == pytest.approx(7.84, abs=0.1)
    assert path.loss[200] == pytest.approx(0.073, abs=0.005)
    assert path.loss[400] == pytest.approx(0.044, abs=0.004)
    assert path.loss[-1] < 0.004
    told = [line for line in printed.splitlines() if line.startswith("Epoch")]
    assert [int(line[6:10]) for line in told] == [*range(0, 2000, 200), 1999]


COURSE = {
    0: (130.147, -0.326, -0.102),
    50: (16.793, 2.578, -0.745),
    100: (16.778, 2.566, -0.827),
    150: (16.775, 2.560, -0.864),
    200: (16.774, 2.558, -0.880),
    250: (16.774, 2.557, -0.887),
    300: (16.774, 2.556, -0.890),
    450: (16.774, 2.556, -0.892),
}


@pytest.mark.parametrize("engine", ["auto", "rows", "moments"])
def test_five_points_take_the_printed_course(engine):
    random.seed(42)
    xs = [random.uniform(-5, 5) for _ in range(5)]
    ys = [2 * x - 1 + random.gauss(0, 4) for x in xs]
    random.uniform(-1, 1)
    start = ([random.uniform(-1, 1)], 0.0)
    fit = fastlr.descend(
        [[x] for x in xs],
        ys,
        loss="mse",
        learning_rate=0.01,
        epochs=500,
        init=start,
        record="path",
        engine=engine,
    )
    path = fit.history
    course = {
        epoch: (
            round(path.loss[epoch], 3),
            round(path.coef[epoch, 0], 3),
            round(path.intercept[epoch], 3),
        )
        for epoch in COURSE
    }
    assert course == COURSE
    assert fit.n_epochs == 500


def test_five_points_with_too_large_a_rate_are_explained(page):
    _, printed, _ = page(3)
    assert "2 / L = 0.114282" in printed
    assert "inf" not in printed
    assert "nan" not in printed


BATCHES = {
    0: (442.514, 0.620, 0.266),
    50: (111.536, 1.792, 9.632),
    100: (12.292, 1.868, 12.622),
    450: (10.819, 1.884, 14.988),
}


def test_random_batches_take_the_printed_course(page):
    names, printed, _ = page(4)
    course = names["course"]
    for epoch, figures in BATCHES.items():
        found = (course.loss[epoch], course.coef[epoch, 0], course.intercept[epoch])
        assert tuple(round(value, 3) for value in found) == figures
    lines = [line for line in printed.splitlines() if line.startswith("epoch ")]
    assert [int(line[6:9]) for line in lines] == list(range(0, 500, 50))


def test_random_batches_reach_least_squares_within_the_noise_floor(page):
    names, _, _ = page(4)
    exact, exact3, noisy = names["exact"], names["exact3"], names["noisy"]
    assert (round(exact.coef[0], 3), round(exact.intercept, 3)) == (2.034, 0.898)
    assert [round(v, 3) for v in (*exact3.coef, exact3.intercept)] == [2.050, 2.967, -1.007, 0.844]
    assert names["rises"] > 0
    assert abs(noisy.coef[0] - exact.coef[0]) < 0.3
    assert abs(noisy.intercept - exact.intercept) < 0.5
    np.testing.assert_allclose(names["three"].coef, exact3.coef, atol=0.15)
    target = np.append(exact.coef, exact.intercept)
    distance = np.linalg.norm(np.append(noisy.coef, noisy.intercept) - target)
    assert np.linalg.norm(names["average"] - target) < distance
    falling = names["falling"]
    assert np.linalg.norm(np.append(falling.coef, falling.intercept) - target) < distance


def test_synthetic_weights_are_found_in_three_epochs(page):
    names, _, _ = page(5)
    fit = names["fit"]
    np.testing.assert_allclose(fit.coef, [2.0, -3.4], atol=3e-3)
    assert fit.intercept == pytest.approx(4.2, abs=3e-3)


def test_body_fat_weights_ranked_with_names(page):
    names, printed, _ = page(6)
    ranking = [name for name, _ in names["fit"].weights_by_size()]
    assert ranking[:5] == ["abdom", "weight", "hip", "wrist", "thigh"]
    assert ranking[-1] == "knee"
    folded = names["folded"].weights_by_size(standardized=True)
    assert [(name, round(weight, 2)) for name, weight in folded[:4]] == [
        ("abdom", 9.46),
        ("weight", -2.38),
        ("hip", -1.45),
        ("wrist", -1.38),
    ]
    assert "without standardising: Diverged" in printed
    assert names["slow"].mse > 1.5 * names["fit"].mse


def test_squared_error_and_likelihood_have_the_same_optimum(page):
    names, _, _ = page(7)
    fit, exact = names["fit"], names["exact"]
    assert (np.diff(fit.history.log_likelihood) > -1e-9).all()
    np.testing.assert_allclose(names["centre"], [exact.coef[0], exact.intercept], atol=1e-4)
    assert fit.log_likelihood == pytest.approx(exact.log_likelihood, rel=1e-9)


def test_bias_variance_and_noise_add_up(page):
    names, printed, _ = page(8)
    for line in printed.splitlines()[-3:]:
        _, bias, variance, noise, whole, measured = map(float, line.split())
        assert bias + variance + noise == pytest.approx(whole, abs=2e-4)
        assert measured == pytest.approx(whole, rel=0.1)
    bias = [parts[0] for parts in names["decomposition"].values()]
    variance = [parts[1] for parts in names["decomposition"].values()]
    assert bias[0] > bias[1] > bias[2]
    assert variance[2] > variance[1]


def told(printed):
    """The epochs that a page tells in lines, with their loss, w and b as they are printed."""
    lines = (line.replace(":", "").split() for line in printed.splitlines())
    return [
        (int(parts[1]), tuple(map(float, parts[3::2]))) for parts in lines if parts[:1] == ["epoch"]
    ]


def test_automatic_differentiation_takes_the_printed_courses(page):
    names, printed, _ = page(9)
    lines = told(printed)
    assert dict(lines[: len(COURSE)]) == COURSE
    batches = dict(lines[len(COURSE) :])
    assert list(batches) == list(range(0, 500, 50))
    assert {epoch: batches[epoch] for epoch in BATCHES} == BATCHES
    assert "by less than 1e-12: True" in printed
    exact = names["exact"]
    found = [value.data for value in names["plane"].parameters]
    np.testing.assert_allclose(found, [*exact.coef, exact.intercept], atol=0.3)
    assert "times as fast" in printed


def test_layers_bend_lines_and_a_table_that_is_nearly_linear_needs_none(page):
    names, printed, _ = page(10)
    line, exact = names["line"], names["exact"]
    assert line.coefs_[0][0, 0] == pytest.approx(exact.coef[0], abs=0.05)
    assert names["slope"] == pytest.approx(exact.coef[0], abs=0.05)
    for shown in (names["by_one"], names["by_three"]):
        errors = [np.mean((prediction - names["y"]) ** 2) for prediction in shown.values()]
        assert errors[0] > 0.4
        assert errors[-1] < 0.06
    seen, unseen = zip(*names["scores"].values(), strict=True)
    assert seen[-1] < seen[0]
    assert unseen[-1] > 1.5 * unseen[0]
    assert "least squares comes nearest" in printed


def test_losses_of_the_page_on_keras_fall_and_without_keras_it_says_so(page):
    names, printed, _ = page(11)
    assert (np.diff(names["losses"]) < 0).all()
    if names["keras_losses"] is None:
        assert "Keras is not installed" in printed
    else:
        np.testing.assert_allclose(names["losses"], names["keras_losses"], rtol=1e-5)
