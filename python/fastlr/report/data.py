"""What a fit says for itself, as plain data for programs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastlr.results import LinearFit

__all__ = ["finite_or_none", "summary_dict"]


def summary_dict(fit: LinearFit, *, level: float = 0.95) -> dict[str, Any]:
    """A fit as plain Python data, ready for ``json.dumps``: a figure that is not finite is None.

    The shape does not depend on the number of targets: ``targets`` is a list with one entry each,
    whose ``coefficients`` are keyed by feature name. An entry also has the keys of `LinearFit.glance`,
    and ``terms``, a list of rows with the keys of `LinearFit.tidy` and intervals of that ``level``.

    Examples
    --------
    >>> import fastlr
    >>> fit = fastlr.ols([[0.0], [1.0], [2.0]], [1.0, 3.0, 6.0], feature_names=["dose"])
    >>> data = summary_dict(fit)
    >>> {name: round(value, 9) for name, value in data["targets"][0]["coefficients"].items()}
    {'dose': 2.5}
    """
    told = fit.summary(level=level).to_dict()
    targets = []
    for i, name in enumerate(fit.target_names):
        coef = np.atleast_2d(fit.coef)[i]
        targets.append(
            {
                "name": name,
                "intercept": _of_target(fit.intercept, i),
                "coefficients": {
                    feature: finite_or_none(value)
                    for feature, value in zip(fit.feature_names, coef.tolist(), strict=True)
                },
                "r2": _of_target(fit.r2, i),
                "mse": _of_target(fit.mse, i),
                "rss": _of_target(fit.rss, i),
                "log_likelihood": _of_target(fit.log_likelihood, i),
                **_without_target(told["targets"][i]),
                "terms": [_without_target(row) for row in told["terms"] if row["target"] == name],
            }
        )
    return {
        "targets": targets,
        "feature_names": list(fit.feature_names),
        "fit_intercept": bool(fit.fit_intercept),
        "alpha": fit.alpha.tolist() if isinstance(fit.alpha, np.ndarray) else float(fit.alpha),
        "n_samples": int(fit.n_samples),
        "n_dropped": int(fit.n_dropped),
        "n_features": len(fit.feature_names),
        "total_weight": finite_or_none(float(fit.total_weight)),
        "rank": int(fit.rank),
        "df_resid": fit.df_resid,
        "condition_number": finite_or_none(float(fit.condition_number)),
        "solver": fit.solver,
        "digits": finite_or_none(float(fit.digits)),
        "passes": int(fit.passes),
        **{
            name: told[name] for name in ("method", "level", "cov_type", "weight_type", "attention")
        },
        "status": {"code": fit.status.code, "message": str(fit.status)},
    }


def _without_target(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "target"}


def _of_target(value: float | NDArray[np.float64], i: int) -> float | None:
    return finite_or_none(float(np.atleast_1d(value)[i]))


def finite_or_none(value: float) -> float | None:
    """Return a number, or None where it is not finite and JSON has no word for it."""
    return value if math.isfinite(value) else None
