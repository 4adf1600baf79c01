"""fastlr in one page. Run it: python examples/quickstart.py."""

from pathlib import Path

import numpy as np

import fastlr

# Longley's table of the American economy, 1947 to 1962. How does employment follow the rest?
# Its columns rise together, which made it a famous test of regression programs.
path = Path(__file__).with_name("longley.csv")
*features, target = path.read_text(encoding="utf-8").splitlines()[0].split(",")
table = np.loadtxt(path, delimiter=",", skiprows=1)
X, y = table[:, :-1], table[:, -1]

fit = fastlr.ols(X, y, feature_names=features)
print(fit.summary())

# Raw weights depend on units. On standardised features they can be compared.
print("\nThousands of employed that go with one standard deviation of each feature:")
print(fit.weights_by_size(standardized=True))

print(f"\n1962 again, in thousands: {fit.predict(X[-1:])[0]:.0f} expected, {y[-1]:.0f} counted.")

# The same with scikit-learn's words, and with rows that arrive in parts: partial_fit is exact.
model = fastlr.LinearRegression()
for rows in (slice(0, 8), slice(8, 12), slice(12, 16)):
    model.partial_fit(X[rows], y[rows])
print(f"\nIn three parts, R2 = {model.score(X, y):.6f}; in one, {fit.r2:.6f}.")

# Moments are all that a fit needs to know of the rows: a few numbers, however many rows there were.
# Two machines can each make theirs; the sum is fitted, with or without an intercept or a penalty.
early = fastlr.Moments.from_arrays(X[:8], y[:8], feature_names=features)
late = fastlr.Moments.from_arrays(X[8:], y[8:], feature_names=features)
together = fastlr.solve(early + late)
ridge = fastlr.solve(early + late, alpha=10.0)
print(f"From two halves, year weighs {together.coef[-1]:.3f}; with ridge, {ridge.coef[-1]:.3f}.")
