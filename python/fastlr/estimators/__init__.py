"""scikit-learn estimators: thin fronts of the functions, with scikit-learn's names."""

from fastlr.estimators.elastic_net import ElasticNet, Lasso
from fastlr.estimators.elastic_net_cv import ElasticNetCV, LassoCV
from fastlr.estimators.huber_regressor import HuberRegressor
from fastlr.estimators.linear_regression import LinearRegression
from fastlr.estimators.mlp_regressor import MLPRegressor
from fastlr.estimators.ridge import Ridge
from fastlr.estimators.ridge_cv import RidgeCV
from fastlr.estimators.sgd_regressor import SGDRegressor

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "HuberRegressor",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "MLPRegressor",
    "Ridge",
    "RidgeCV",
    "SGDRegressor",
]
