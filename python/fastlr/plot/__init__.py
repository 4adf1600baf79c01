"""Pictures of results, drawn by matplotlib (``pip install "fastlr[plot]"``).

Every function takes a result and returns the Axes that it drew on: those of ``ax=``, or those of a figure of its own,
which ``ax.figure.savefig("name.png")`` writes. None shows a window, knows of pyplot, or changes matplotlib's
settings. More than 5000 rows are drawn as hexagons that count them. Results have the same pictures as methods:
``fit.plot(...)``, ``history.plot()``, ``path.plot()``.
"""

from fastlr.plot.correlations import collinearity
from fastlr.plot.descents import learning_rates, loss
from fastlr.plot.influences import diagnostics
from fastlr.plot.parameters import coefficients
from fastlr.plot.paths import lasso_path, ridge_path
from fastlr.plot.relations import partial_regression, predicted, regression
from fastlr.plot.surfaces import loss_surface

__all__ = [
    "coefficients",
    "collinearity",
    "diagnostics",
    "lasso_path",
    "learning_rates",
    "loss",
    "loss_surface",
    "partial_regression",
    "predicted",
    "regression",
    "ridge_path",
]
