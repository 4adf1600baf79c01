"""The NumPy twin of what fastlr computes from rows: short, slow, and meant to be read.

The compiled kernels are tested against these pages, and they teach what the kernels do. Everywhere
``X`` is ``(n_samples, n_features)``; ``y`` is ``(n_samples,)`` or ``(n_samples, n_targets)``;
``coef`` is ``(n_features,)`` or ``(n_targets, n_features)``; ``intercept`` is a number or
``(n_targets,)``; ``sample_weight``, w in the equations, is ``(n_samples,)``, all ones if left out.
With several targets every figure is given per target: separate problems on the same rows.

>>> from fastlr import reference
>>> X, y = [[1, 2], [1, 4], [1, 6]], [3, 5, 8]
>>> prediction = reference.predict(X, coef=[0.5, 1.2])
>>> prediction.round(1).tolist()
[2.9, 5.3, 7.7]
>>> round(reference.mse(y, prediction), 4)
0.0633
"""

from fastlr.reference.autograd import Value, draw, maximum
from fastlr.reference.descent import descend, descent_step, standardize
from fastlr.reference.goodness_of_fit import log_likelihood, mse, r2, rss
from fastlr.reference.inference import covariance, leverages, residuals_without_own_row
from fastlr.reference.losses import gradient, loss, predict
from fastlr.reference.moments import CentredMoments, centred_moments, merge, subtract
from fastlr.reference.networks import (
    Dense,
    activate,
    activation_slope,
    forward,
    network_gradient,
    network_loss,
)
from fastlr.reference.row_losses import mean_row_loss, row_loss, row_slope
from fastlr.reference.shapes import Parameters
from fastlr.reference.solve import minimum_norm, normal_equations

__all__ = [
    "CentredMoments",
    "Dense",
    "Parameters",
    "Value",
    "activate",
    "activation_slope",
    "centred_moments",
    "covariance",
    "descend",
    "descent_step",
    "draw",
    "forward",
    "gradient",
    "leverages",
    "log_likelihood",
    "loss",
    "maximum",
    "mean_row_loss",
    "merge",
    "minimum_norm",
    "mse",
    "network_gradient",
    "network_loss",
    "normal_equations",
    "predict",
    "r2",
    "residuals_without_own_row",
    "row_loss",
    "row_slope",
    "rss",
    "standardize",
    "subtract",
]
