"""Linear regression for Python at the speed of memory, with digits you can trust."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastlr.errors import (
    ConditionWarning,
    FileFormatError,
    InputError,
    InputTypeError,
    InputWarning,
    ModelFileError,
    RankWarning,
)
from fastlr.least_squares import ols, solve
from fastlr.moments import Moments
from fastlr.results import LinearFit, Status

if TYPE_CHECKING:
    from fastlr import dask, diagnostics, distributed, plot, reference, spark
    from fastlr.descent import Descent, optimizers, schedules
    from fastlr.descent.comparison import RateComparison, compare_rates
    from fastlr.descent.descend import descend
    from fastlr.diagnostics.variance import anova
    from fastlr.errors import ConvergenceWarning
    from fastlr.estimators import (
        ElasticNet,
        ElasticNetCV,
        HuberRegressor,
        Lasso,
        LassoCV,
        LinearRegression,
        MLPRegressor,
        Ridge,
        RidgeCV,
        SGDRegressor,
    )
    from fastlr.files import load_model, save_model
    from fastlr.inference.power import power
    from fastlr.least_squares.polynomial import PolynomialFit, polyfit
    from fastlr.loading import load
    from fastlr.networks import layers
    from fastlr.networks.fitted import NetworkFit
    from fastlr.networks.network import Network, network
    from fastlr.penalised.lasso import PenaltyPath, enet_path, lasso_path
    from fastlr.penalised.paths import RidgePath, ridge_path
    from fastlr.penalised.selection import SubsetSelection, best_subset
    from fastlr.report.page import write_report
    from fastlr.results.comparison import Comparison, compare
    from fastlr.results.summary import Summary
    from fastlr.streams import Scan, fit_file, predict_file, scan

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "ConditionWarning",
    "ConvergenceWarning",
    "Descent",
    "ElasticNet",
    "ElasticNetCV",
    "FileFormatError",
    "HuberRegressor",
    "InputError",
    "InputTypeError",
    "InputWarning",
    "Lasso",
    "LassoCV",
    "LinearFit",
    "LinearRegression",
    "MLPRegressor",
    "ModelFileError",
    "Moments",
    "Network",
    "NetworkFit",
    "PenaltyPath",
    "PolynomialFit",
    "RankWarning",
    "RateComparison",
    "Ridge",
    "RidgeCV",
    "RidgePath",
    "SGDRegressor",
    "Scan",
    "Status",
    "SubsetSelection",
    "Summary",
    "anova",
    "best_subset",
    "compare",
    "compare_rates",
    "dask",
    "descend",
    "diagnostics",
    "distributed",
    "enet_path",
    "fit_file",
    "lasso_path",
    "layers",
    "load",
    "load_model",
    "network",
    "ols",
    "optimizers",
    "plot",
    "polyfit",
    "power",
    "predict_file",
    "reference",
    "ridge_path",
    "save_model",
    "scan",
    "schedules",
    "solve",
    "spark",
    "write_report",
]

# What costs time to import, or imports scikit-learn or pyarrow, is loaded on first use.
_LAZY = {
    "Comparison": ("fastlr.results.comparison", "Comparison"),
    "ConvergenceWarning": ("fastlr.errors", "ConvergenceWarning"),
    "Descent": ("fastlr.descent", "Descent"),
    "ElasticNet": ("fastlr.estimators", "ElasticNet"),
    "ElasticNetCV": ("fastlr.estimators", "ElasticNetCV"),
    "HuberRegressor": ("fastlr.estimators", "HuberRegressor"),
    "Lasso": ("fastlr.estimators", "Lasso"),
    "LassoCV": ("fastlr.estimators", "LassoCV"),
    "LinearRegression": ("fastlr.estimators", "LinearRegression"),
    "MLPRegressor": ("fastlr.estimators", "MLPRegressor"),
    "Network": ("fastlr.networks.network", "Network"),
    "NetworkFit": ("fastlr.networks.fitted", "NetworkFit"),
    "PenaltyPath": ("fastlr.penalised.lasso", "PenaltyPath"),
    "PolynomialFit": ("fastlr.least_squares.polynomial", "PolynomialFit"),
    "RateComparison": ("fastlr.descent.comparison", "RateComparison"),
    "Ridge": ("fastlr.estimators", "Ridge"),
    "RidgeCV": ("fastlr.estimators", "RidgeCV"),
    "RidgePath": ("fastlr.penalised.paths", "RidgePath"),
    "SGDRegressor": ("fastlr.estimators", "SGDRegressor"),
    "Scan": ("fastlr.streams", "Scan"),
    "SubsetSelection": ("fastlr.penalised.selection", "SubsetSelection"),
    "Summary": ("fastlr.results.summary", "Summary"),
    "anova": ("fastlr.diagnostics.variance", "anova"),
    "best_subset": ("fastlr.penalised.selection", "best_subset"),
    "compare": ("fastlr.results.comparison", "compare"),
    "compare_rates": ("fastlr.descent.comparison", "compare_rates"),
    "dask": ("fastlr.dask", None),
    "descend": ("fastlr.descent", "descend"),
    "diagnostics": ("fastlr.diagnostics", None),
    "distributed": ("fastlr.distributed", None),
    "enet_path": ("fastlr.penalised.lasso", "enet_path"),
    "fit_file": ("fastlr.streams", "fit_file"),
    "lasso_path": ("fastlr.penalised.lasso", "lasso_path"),
    "layers": ("fastlr.networks.layers", None),
    "load": ("fastlr.loading", "load"),
    "load_model": ("fastlr.files", "load_model"),
    "network": ("fastlr.networks.network", "network"),
    "optimizers": ("fastlr.descent.optimizers", None),
    "plot": ("fastlr.plot", None),
    "polyfit": ("fastlr.least_squares.polynomial", "polyfit"),
    "power": ("fastlr.inference.power", "power"),
    "predict_file": ("fastlr.streams", "predict_file"),
    "reference": ("fastlr.reference", None),
    "ridge_path": ("fastlr.penalised.paths", "ridge_path"),
    "save_model": ("fastlr.files", "save_model"),
    "scan": ("fastlr.streams", "scan"),
    "schedules": ("fastlr.descent.schedules", None),
    "spark": ("fastlr.spark", None),
    "write_report": ("fastlr.report.page", "write_report"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'fastlr' has no attribute {name!r}")
    module_name, attribute = _LAZY[name]
    module = importlib.import_module(module_name)
    value = module if attribute is None else getattr(module, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    dunders = {name for name in globals() if name.startswith("__") and name.endswith("__")}
    return sorted({*dunders, *__all__})
