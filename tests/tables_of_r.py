"""Small tables of textbooks, with what R prints for them."""

import numpy as np
import pandas as pd
from statsmodels.stats.tests.test_anova import kidney_table

__all__ = ["kidney", "unbalanced_kidney", "warpbreaks"]

_BREAKS = (
    (26, 30, 54, 25, 70, 52, 51, 26, 67),
    (18, 21, 29, 17, 12, 18, 35, 30, 36),
    (36, 21, 24, 18, 10, 43, 28, 15, 26),
    (27, 14, 29, 19, 29, 31, 41, 20, 44),
    (42, 26, 19, 16, 39, 28, 21, 39, 29),
    (20, 21, 24, 17, 13, 15, 15, 16, 28),
)


def warpbreaks():
    """R's warpbreaks (Tippett 1950): breaks of yarn by wool and tension."""
    tension = np.tile(np.repeat(["L", "M", "H"], 9), 2)
    return pd.DataFrame(
        {
            "breaks": np.ravel(_BREAKS).astype(float),
            "wool": np.repeat(["A", "B"], 27),
            "tension": pd.Categorical(tension, ["L", "M", "H"]),
        }
    )


def kidney():
    """Days in hospital by duration of treatment and weight, of statsmodels' tests, which have R's figures."""
    return kidney_table.copy()


def unbalanced_kidney():
    """The same without three rows, and with a covariate."""
    table = kidney_table.drop([0, 1, 2]).reset_index(drop=True)
    table["x"] = np.sin(np.arange(len(table)))
    return table
