"""What pictures show is what results say; what cannot be drawn is refused in a sentence."""

import sys
import warnings

import numpy as np
import pytest
import statsmodels.api as sm

import fastlr
from fastlr import plot
from fastlr.plot.canvas import MOST_POINTS

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3)) @ [[1, 0.6, 0], [0, 1, 0], [0, 0, 5.0]] + [1.0, 2.0, 3.0]
Y = X @ [1.0, -2.0, 0.3] + RNG.normal(size=80)
FIT = fastlr.ols(X, Y)


def line_of(ax, label):
    (line,) = [line for line in ax.lines if str(line.get_label()).startswith(label)]
    return line


def points_of(ax):
    return np.asarray(ax.collections[0].get_offsets())


def test_the_line_and_its_bands_are_those_of_the_prediction():
    fit = fastlr.ols(X[:, :1], Y)
    ax = plot.regression(fit, X[:, :1], Y, level=0.9)
    places = line_of(ax, "fit").get_xdata()
    expected = fit.get_prediction(places[:, None]).conf_int(0.9, obs=True)
    np.testing.assert_allclose(line_of(ax, "90 % of observations").get_ydata(), expected[:, 0])
    np.testing.assert_array_equal(points_of(ax), np.column_stack([X[:, 0], Y]))
    with pytest.raises(fastlr.InputError, match="3 features, and a line is drawn over one"):
        plot.regression(FIT, X, Y)


def test_partial_residuals_are_those_of_two_regressions():
    for feature in range(3):
        others = np.delete(X, feature, axis=1)
        left = fastlr.ols(others, X[:, feature]).residuals(others, X[:, feature])
        of_y = fastlr.ols(others, Y).residuals(others, Y)
        ax = plot.partial_regression(FIT, X, Y, feature)
        np.testing.assert_allclose(points_of(ax), np.column_stack([left, of_y]), atol=1e-12)
    with pytest.raises(fastlr.InputError, match="'z' is not among"):
        plot.partial_regression(FIT, X, Y, "z")
    with pytest.raises(fastlr.InputError, match="with a penalty"):
        plot.partial_regression(fastlr.ols(X, Y, alpha=1.0), X, Y, 0)


def test_diagnostics_are_those_of_statsmodels():
    panels = plot.diagnostics(FIT, X, Y)
    influence = sm.OLS(Y, sm.add_constant(X)).fit().get_influence()
    standard = influence.resid_studentized_internal
    np.testing.assert_allclose(points_of(panels[0, 0])[:, 1], influence.resid, atol=1e-12)
    np.testing.assert_allclose(points_of(panels[0, 1])[:, 1], np.sort(standard), atol=1e-10)
    np.testing.assert_allclose(points_of(panels[1, 0])[:, 1], np.sqrt(abs(standard)), atol=1e-10)
    expected = np.column_stack([influence.hat_matrix_diag, standard])
    np.testing.assert_allclose(points_of(panels[1, 1]), expected, atol=1e-10)
    row = int(np.argmax(influence.cooks_distance[0]))
    assert f"row {row} pulls most" in panels[1, 1].get_title(loc="left")
    with pytest.raises(fastlr.InputError, match="without a penalty"):
        plot.diagnostics(fastlr.ols(X, Y, alpha=1.0), X, Y)


def test_correlations_are_numpys_whether_of_a_fit_or_of_moments():
    for source in (FIT, fastlr.Moments.from_arrays(X, Y)):
        image = plot.collinearity(source).images[0].get_array()
        np.testing.assert_allclose(image, np.corrcoef(X.T), atol=1e-12)
    with pytest.raises(fastlr.InputError, match=r"pass Moments.from_arrays"):
        plot.collinearity(fastlr.ols(X, Y, alpha=1.0))


def test_coefficients_are_drawn_for_one_standard_deviation_with_their_intervals():
    ax = plot.coefficients(FIT)
    segments = np.concatenate([np.asarray(c.get_segments()) for c in ax.collections])
    expected = np.asarray(FIT.conf_int())[1:] * FIT.feature_std[:, None]
    np.testing.assert_allclose(
        np.sort(segments[:, :, 0], axis=0), np.sort(expected, axis=0), rtol=1e-10
    )


def test_many_rows_become_hexagons_that_count_them_all():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(MOST_POINTS + 1, 1))
    fit = fastlr.ols(x, x[:, 0])
    ax = plot.predicted(fit, x, x[:, 0])
    assert len(ax.collections) == 1
    shown = ax.collections[0].get_facecolor()[:, 3]
    assert len(np.unique(shown)) > 5  # the more rows, the stronger
    assert shown.max() == 0.95
    y = x[:, 0] + rng.normal(size=len(x))
    panels = plot.diagnostics(fastlr.ols(x, y), x, y)
    assert sum(len(ax.lines) + len(ax.collections) for ax in panels.flat) < 30


def test_pictures_go_where_they_are_asked_to():
    figure = Figure()
    axes = figure.subplots(3, 3)
    assert plot.predicted(FIT, X, Y, ax=axes[0, 0]) is axes[0, 0]
    assert plot.coefficients(FIT, ax=axes[0, 1]) is axes[0, 1]
    assert plot.diagnostics(FIT, X, Y, ax=axes[1:, 1:])[0, 0] is axes[1, 1]
    with pytest.raises(fastlr.InputTypeError, match="ax=int"):
        plot.predicted(FIT, X, Y, ax=1)
    with pytest.raises(fastlr.InputTypeError, match="four Axes"):
        plot.diagnostics(FIT, X, Y, ax=axes[0])


def test_fits_draw_themselves():
    assert "intervals leave zero out" in FIT.plot().get_title(loc="left")
    assert FIT.plot(X=X, y=Y).shape == (2, 2)
    assert FIT.plot("predicted", X, Y).get_xlabel() == "predicted y"
    for arguments, message in (
        (("predicted",), "pass X and y"),
        (("coefficients", X, Y), "leave X and y out"),
        (("loss",), "shows descents"),
        (("pie",), "kind='pie'"),
    ):
        with pytest.raises(fastlr.InputError, match=message):
            FIT.plot(*arguments)


def test_several_targets_are_drawn_one_at_a_time():
    both = np.column_stack([Y, 2.0 * Y + 1.0])
    fit = fastlr.ols(X, both)
    one = fastlr.ols(X, both[:, 1])
    for draw in (plot.predicted, plot.diagnostics):
        a, b = (
            np.ravel(draw(f, X, y, target=t))[0]
            for f, y, t in ((fit, both, 1), (one, both[:, 1], 0))
        )
        np.testing.assert_allclose(points_of(a), points_of(b), atol=1e-10)
    with pytest.raises(fastlr.InputError, match="target=2"):
        plot.predicted(fit, X, both, target=2)


def test_a_formula_of_one_variable_is_a_curve_over_it():
    table = {"x": X[:, 0], "y": Y}
    fit = fastlr.ols("y ~ center(x) + I(x ** 2)", data=table)
    ax = plot.regression(fit, table, Y)
    curve = line_of(ax, "fit")
    np.testing.assert_array_equal(points_of(ax)[:, 0], X[:, 0])
    np.testing.assert_allclose(curve.get_ydata(), fit.predict({"x": curve.get_xdata()}))
    assert "along the curve" in ax.get_title(loc="left")


def test_an_exact_fit_has_no_diagnostics_but_a_line():
    x = np.arange(10.0)[:, None]
    fit = fastlr.ols(x, 2.0 * x[:, 0] + 1.0)
    with pytest.raises(fastlr.InputError, match="explain exactly"):
        plot.diagnostics(fit, x, 2.0 * x[:, 0] + 1.0)
    assert (
        plot.regression(fit, x, 2.0 * x[:, 0] + 1.0)
        .get_title(loc="left")
        .startswith("y rises by 2")
    )


def drawn_titles(X, y):
    """Draw all pictures of a fit that there are; their titles."""
    fit = fastlr.ols(X, y, rank="min_norm")
    kinds = ["coefficients", "collinearity", "predicted", "diagnostics", "partial_regression"]
    titles = []
    for kind in [*kinds, "regression"]:
        rows = () if kind in ("coefficients", "collinearity") else (X, y)
        more = {"feature": 0} if kind == "partial_regression" else {}
        try:
            axes = fit.plot(kind, *rows, **more)
        except fastlr.InputError:
            continue
        for one in np.atleast_1d(axes).flat:
            one.figure.canvas.draw()
            titles.append(one.get_title(loc="left"))
    return titles


@pytest.mark.parametrize(
    "rows",
    [
        (np.ones((1, 1)), np.ones(1)),
        (np.arange(2.0)[:, None], np.arange(2.0)),
        (np.array([[1.0], [2.0], [4.0]]), np.array([1.0, 2.0, 2.0])),
        (np.ones((9, 1)), np.arange(9.0)),  # a constant column
        (np.arange(9.0)[:, None] ** 2, np.ones(9)),  # a constant target
        (np.arange(9.0)[:, None], np.arange(9.0)),  # an exact fit
        (np.eye(9)[:, :2], np.arange(9.0) ** 2),  # rows of leverage 1, and ties of the others
        (np.repeat(np.eye(3), 4, axis=0), np.arange(12.0) ** 2),  # all dummies
        (np.arange(18.0).reshape(9, 2) ** 2 * 1e150, np.arange(9.0) * 1e-150),
        (np.arange(9.0)[:, None] ** 2 * 1e-150, np.sin(np.arange(9.0)) * 1e150),
    ],
)
def test_pictures_of_odd_rows_say_no_nan_and_warn_of_nothing(rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        titles = drawn_titles(*rows)
    assert titles
    assert not any("nan" in title or "inf" in title for title in titles), titles


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install "fastlr\[plot\]"'):
        FIT.plot()


@pytest.mark.parametrize("scale", [1e-300, 1e300, 1e307])
def test_the_line_and_its_bands_are_drawn_at_any_scale(scale):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 1))
    y = 0.1 * (X[:, 0] + rng.normal(size=30))
    usual = fastlr.plot.regression(fastlr.ols(X, y), X, y)
    scaled = fastlr.plot.regression(fastlr.ols(X, y * scale), X, y * scale)
    assert len(scaled.collections) == len(usual.collections)
    for line, other in zip(scaled.lines, usual.lines, strict=True):
        np.testing.assert_allclose(line.get_ydata() / scale, other.get_ydata(), rtol=1e-9)
    scaled.figure.canvas.draw()


def test_residuals_whose_squares_float64_does_not_hold_are_refused_with_the_remedy():
    X = np.arange(20.0)[:, np.newaxis]
    y = 1e300 * np.sin(X[:, 0])
    with pytest.raises(fastlr.InputError, match="divide y by a power of two"):
        fastlr.plot.diagnostics(fastlr.ols(X, y), X, y)
