"""fastlr in a pipeline of scikit-learn: body fat, polynomials of ten measurements, a penalty found by grid search.

The table (252 men) comes with the PyPI package faraway. `fastlr.Ridge` stands where scikit-learn's would: nothing
else of the pipeline knows of it.
"""

import faraway.datasets.fat
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import fastlr

NAMES = ["age", "weight", "height", "neck", "chest", "abdom", "hip", "thigh", "knee", "wrist"]
table = faraway.datasets.fat.load()
X, y = table[NAMES], table["brozek"]
folds = KFold(5, shuffle=True, random_state=0)
grid = {"ridge__alpha": [0.1, 1.0, 10.0, 100.0, 1000.0], "polynomialfeatures__degree": [1, 2]}


def pipeline(ridge):
    """Standardise, take squares and products if the search wants them, standardise these as well, and fit."""
    steps = StandardScaler(), PolynomialFeatures(include_bias=False), StandardScaler(), ridge
    return make_pipeline(*steps)


search = GridSearchCV(pipeline(fastlr.Ridge()), grid, cv=folds, scoring="r2").fit(X, y)
theirs = GridSearchCV(pipeline(SklearnRidge()), grid, cv=folds, scoring="r2").fit(X, y)
print("chosen:", search.best_params_)
print(
    f"R2 on rows not seen: {search.best_score_:.4f} (scikit-learn's Ridge: {theirs.best_score_:.4f})"
)

plain = cross_val_score(make_pipeline(StandardScaler(), fastlr.LinearRegression()), X, y, cv=folds)
print(f"least squares without any of this: {plain.mean():.4f}")

best = search.best_estimator_[-1]
print(
    f"{best.n_features_in_} columns, {best.fit_.digits:.0f} right digits of the worst coefficient"
)
