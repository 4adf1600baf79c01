"""Questions to a fit: is its form right, do its residuals behave, which terms matter."""

from fastlr.diagnostics.collinearity import VarianceInflation, variance_inflation_factor
from fastlr.diagnostics.findings import (
    AutocorrelationTest,
    DiagnosticTest,
    HeteroscedasticityTest,
    NormalityTest,
)
from fastlr.diagnostics.heteroscedasticity import (
    het_breuschpagan,
    het_goldfeldquandt,
    het_white,
)
from fastlr.diagnostics.residual_tests import durbin_watson, jarque_bera
from fastlr.diagnostics.specification import linear_reset
from fastlr.diagnostics.tables import AnovaTable, ModelComparison
from fastlr.diagnostics.variance import anova
from fastlr.inference.adjusting import adjust_pvalues

__all__ = [
    "AnovaTable",
    "AutocorrelationTest",
    "DiagnosticTest",
    "HeteroscedasticityTest",
    "ModelComparison",
    "NormalityTest",
    "VarianceInflation",
    "adjust_pvalues",
    "anova",
    "durbin_watson",
    "het_breuschpagan",
    "het_goldfeldquandt",
    "het_white",
    "jarque_bera",
    "linear_reset",
    "variance_inflation_factor",
]
