"""Data frames as they are: polars and Arrow, gaps, categories, formulas. Run it: python examples/tables.py."""

import tempfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv

import fastlr

path = Path(__file__).with_name("plots.csv")

# polars: the lazy frame is collected; the plot whose rain nobody wrote down is left out.
plots = pl.scan_csv(path)
fit = fastlr.ols(
    plots.select("rain", "sun"), plots.select("crop").collect()["crop"], missing="drop"
)
print(fit.summary())

# The soil is a category: an indicator for every level but the first. Enums have an order of their own.
soils = pl.Enum(["sand", "loam", "clay"])
frame = plots.with_columns(pl.col("soil").cast(soils)).collect()
fit = fastlr.ols(frame["soil", "rain"], frame["crop"], missing="drop")
print("\nCompared with sand:")
for name, coefficient in zip(fit.feature_names, fit.coef, strict=True):
    print(f"  {name:13} {coefficient:+.3f}")

# Arrow: its columns are read where they lie, and its dictionaries of text are categories, too.
table = pa.csv.read_csv(path)
soil = table["soil"].dictionary_encode()
fit = fastlr.ols(
    pa.table({"soil": soil, "rain": table["rain"]}), table["crop"].to_numpy(), missing="drop"
)
print("\nCompared with", *fit.design.levels["soil"][:1])
for name, coefficient in zip(fit.feature_names, fit.coef, strict=True):
    print(f"  {name:13} {coefficient:+.3f}")

# A formula says all that at once, for a table of any library, and is kept with the model.
fit = fastlr.ols("crop ~ center(rain) + C(soil)", data=table, sample_weight="sun", missing="drop")
with tempfile.TemporaryDirectory() as folder:
    fastlr.save_model(fit, Path(folder) / "crop.json")
    model = fastlr.load_model(Path(folder) / "crop.json")
new = pl.DataFrame({"soil": ["loam", "sand"], "rain": [45.0, 45.0]})
print(f"\n{model.design.text}:", *(f"{crop:.2f}" for crop in model.predict(new)))
