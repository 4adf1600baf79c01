"""Objects of all classes that are stored, on a few rows."""

import contextlib
import warnings

import numpy as np
import pytest

import fastlr
from fastlr import layers, optimizers, schedules

__all__ = ["RNG", "X", "Y", "Z", "models", "quietly"]

RNG = np.random.default_rng(7)
X = RNG.normal(size=(60, 3)) * [1.0, 1e-9, 1e12] + [0.0, 1.0, -1e12]
Y = RNG.normal(size=(60, 2)) + X[:, :1]
Z = RNG.normal(size=(60, 3))


@contextlib.contextmanager
def quietly():
    """Few rows and few epochs are warned of, which is nobody's business here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def models():
    """One object of every class, and of every kind of it that is stored in another way."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["größe", "nan", "inf"])
    wide = RNG.normal(size=(5, 60))
    sgd = {"random_state": 0, "max_iter": 20, "tol": None, "eta0": 0.01}
    return {
        "one target": fastlr.ols(frame, Y[:, 0]),
        "several targets": fastlr.ols(X, Y, sample_weight=np.linspace(0, 2, 60)),
        "dependent": fastlr.ols(np.column_stack([X, X[:, 0]]), Y[:, 0], rank="min_norm"),
        "perfect": fastlr.ols([[0.0], [1.0], [2.0]], [0.0, 0.0, 0.0]),
        "polynomial": fastlr.polyfit(Z[:, 0], Y[:, 0], 3),
        "moments": fastlr.Moments.from_arrays(frame, Y[:, 0]),
        "moments of double-doubles": fastlr.Moments.from_arrays(X, Y, precision="double_double"),
        "descent": fastlr.descend(Z, Y[:, 0], epochs=30, tol=None, record="path"),
        "descent by batches": fastlr.descend(
            Z,
            Y[:, 0],
            batch_size=10,
            epochs=5,
            tol=None,
            random_state=0,
            optimizer=optimizers.Adam(beta_1=0.8),
            validation=(Z[:9], Y[:9, 0]),
        ),
        "regression": fastlr.LinearRegression(n_jobs=-1, tol=0.0).fit(frame, Y),
        "wide regression": fastlr.LinearRegression(accuracy="max").fit(wide, Y[:5]),
        "narrow wide regression": fastlr.LinearRegression(rank="min_norm").fit(X[:2], Y[:2, 0]),
        "positive regression": fastlr.LinearRegression(positive=True).fit(Z, Y),
        "sgd": fastlr.SGDRegressor(**sgd).fit(Z, Y[:, 0]),
        "sgd of objects": fastlr.SGDRegressor(
            **sgd,
            optimizer=optimizers.Momentum(0.5),
            learning_rate=schedules.StepDecay(0.01, rate=np.float64(0.7), every=np.int64(3)),
            average=np.True_,
            penalty="l1",
            batch_size=7,
            standardize=True,
        ).fit(Z, Y[:, 0]),
        "trained network": fastlr.network([layers.Dense(3, activation="elu"), layers.Dense(2)]).fit(
            {"a": Z[:, 0], "nan": Z[:, 1], "inf": Z[:, 2]}, Y, epochs=3, seed=0, standardize=True
        ),
        "trained network of float32": fastlr.network([layers.Dense(1)]).fit(
            Z, Y[:, 0], epochs=2, batch_size=8, validation_split=0.3, dtype="float32", seed=0
        ),
        "network": fastlr.MLPRegressor(hidden_layer_sizes=4, max_iter=3, random_state=0).fit(
            {"a": Z[:, 0], "nan": Z[:, 1], "inf": Z[:, 2]}, Y
        ),
        "network of objects": fastlr.MLPRegressor(
            hidden_layer_sizes=(3, 2),
            activation=("tanh", "gelu"),
            optimizer=optimizers.Momentum(0.5),
            schedule=schedules.CosineDecay(0.01),
            early_stopping=True,
            n_iter_no_change=np.inf,
            max_iter=3,
            random_state=0,
        ).fit(Z.astype(np.float32), Y[:, 0]),
        **penalised(frame),
    }


def penalised(frame):
    """The same of classes with penalties."""
    named = {"größe": Z[:, 0], "nan": Z[:, 1], "inf": Z[:, 2]}
    wide, y = RNG.normal(size=(6, 50)), Y[:, 0]
    return {
        "ridge": fastlr.Ridge(2.0).fit(named, Y),
        "ridge of one column": fastlr.Ridge(fit_intercept=False).fit(frame, Y[:, :1]),
        "positive ridge": fastlr.Ridge([0.5, 1.5], positive=True).fit(Z, Y),
        "wide ridge": fastlr.Ridge(tol=0.0).fit(wide, y[:6]),
        "chosen ridge": fastlr.RidgeCV([0.1, 2.0]).fit(named, y),
        "ridge chosen per target": fastlr.RidgeCV(alpha_per_target=True).fit(Z, Y),
        "ridge chosen by folds": fastlr.RidgeCV((0.1, 1), cv=3, scoring="r2").fit(Z, Y),
        "wide chosen ridge": fastlr.RidgeCV(3.0, cv=2).fit(wide, y[:6]),
        "lasso": fastlr.Lasso(0.01, warm_start=True).fit(named, y),
        "lasso of several": fastlr.Lasso(0.01, fit_intercept=False).fit(Z, Y),
        "net": fastlr.ElasticNet(0.1, max_iter=None).fit(Z, Y[:, :1]),
        "chosen lasso": fastlr.LassoCV(cv=3, alphas=7).fit(named, y),
        "lasso of one alpha": fastlr.LassoCV(alphas=[0.1], cv=[([0, 1, 2], [3, 4])]).fit(Z, y),
        "chosen net": fastlr.ElasticNetCV(l1_ratio=[0.2, 0.9], alphas=4, cv=2).fit(Z, y),
        "huber": fastlr.HuberRegressor().fit(Z, y),
        "path": fastlr.lasso_path(Z, y, n_alphas=5),
        "path of several": fastlr.enet_path(named, Y, n_alphas=3),
        "ridge path": fastlr.ridge_path(named, y, [0.1, 1.0]),
        "ridge path of one column": fastlr.ridge_path(wide, Y[:6, :1], [0.0, 2.0]),
        "selection": fastlr.best_subset(named, y, criterion="kfold"),
        "selection of nothing": fastlr.best_subset(Z, y, max_size=0),
    }
