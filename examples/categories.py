"""A category of 1e5 levels, and what its indicators would cost. Run it: python examples/categories.py."""

import tracemalloc

import faraway.datasets.families
import numpy as np

import fastlr

# Visits to 100 000 shops: what is sold depends on prices, on the weather, and on the shop itself.
rng = np.random.default_rng(0)
n, n_shops = 300_000, 100_000
shop = np.concatenate([np.arange(n_shops), rng.integers(0, n_shops, size=n - n_shops)])
attraction = rng.normal(size=n_shops)
price = 5.0 + 0.5 * attraction[shop] + rng.normal(size=n)  # better shops are dearer
rain = rng.uniform(size=n)
sold = 20.0 - 1.5 * price - 2.0 * rain + 3.0 * attraction[shop] + rng.normal(size=n)

tracemalloc.start()
visits = {"price": price, "rain": rain, "shop": shop}
fit = fastlr.ols(visits, sold, categories=["shop"])
peak = tracemalloc.get_traced_memory()[1]
tracemalloc.stop()
naive = fastlr.ols({"price": price, "rain": rain}, sold)

print(f"{n} rows, {fit.n_features} coefficients: {fit.solver}, {fit.passes} passes")
for j, name in enumerate(["price", "rain"]):
    print(
        f"  {name:6} {fit.coef[j]:+.4f} +- {fit.bse_coef[j]:.4f}   without shops {naive.coef[j]:+.4f}"
    )
known = np.corrcoef(fit.coef[2:], attraction[1:])[0, 1]
print(f"  shops: correlation with what they were drawn from {known:.3f}, from 3 visits each")
print(f"\nmemory at the peak: {peak / 1e6:.0f} MB")
print(f"indicators of one byte a row: {n * n_shops / 1e9:.0f} GB; their products: ", end="")
print(f"{8 * n_shops**2 / 1e9:.0f} GB")

# A real table: Galton's children. Within families, where parents are the same, how much taller are sons?
children = faraway.datasets.families.load()
fit = fastlr.ols("childHeight ~ gender + C(family)", data=children)
print(
    f"\n{fit.n_samples} children of {len(fit.design.factor_levels['C(family)'])} families: ", end=""
)
print(f"{fit.feature_names[0]} {fit.coef[0]:.3f} +- {fit.bse_coef[0]:.3f} inches")
tallest = max(range(1, fit.n_features), key=lambda j: fit.coef[j])
print(f"tallest family: {fit.feature_names[tallest]}, {fit.coef[tallest]:+.2f} beside the first")
