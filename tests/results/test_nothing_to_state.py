"""What cannot be stated is NaN (or refused in a sentence), in every statistic of a fit, and a sentence says why."""

import dataclasses
import math
import warnings

import numpy as np
import pytest

import fastlr
from fastlr import diagnostics
from fastlr.results import LinearFit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
Y = X.sum(axis=1) + RNG.normal(size=12)
WIDE = RNG.normal(size=(5, 8))

# Of fits without degrees of freedom, by what an error of the parameters is needed for.
UNSTATED = {
    "log_likelihood bse bse_coef bse_intercept residual_sd",
    "std_errors tvalues pvalues cov_params conf_int",
    "scale mse_resid rsquared_adj fvalue f_pvalue llf aic bic",
}
STATED = {
    "coef intercept params feature_names target_names param_names n_samples total_weight rank",
    "condition_number solver status digits passes rss tss fit_intercept alpha feature_mean feature_std",
    "bse_digits n_dropped design target_mean target_std weight_type cov_type cov_options cov_kwds inverse",
    "covariance covariance_at_means influential remembered_rows has_feature_names n_features n_targets",
    "n_params use_t",
    "df_resid df_model df_inference nobs mse r2 rsquared ssr ess centered_tss uncentered_tss mse_model mse_total",
    "normalized_cov_params inference_status",
}
NAMES_UNSTATED = set(" ".join(UNSTATED).split())
NAMES_STATED = set(" ".join(STATED).split())

NO_DEGREES_OF_FREEDOM = {
    "as many rows as parameters": (X[:4], Y[:4], {}),
    "fewer rows than columns": (WIDE, Y[:5], {}),
    "fewer rows than columns, basic": (WIDE, Y[:5], {"rank": "basic"}),
    "one row": (X[:1], Y[:1], {}),
    "dependent columns": (X[:3, [0, 1, 0]], Y[:3], {}),
    "through the origin": (X[:3], Y[:3], {"fit_intercept": False}),
    "a row of weight zero": (X[:5], Y[:5], {"sample_weight": [1, 2, 1, 2, 0]}),
    "survey weights": (
        X[:4],
        Y[:4],
        {"sample_weight": [2, 1, 1, 2], "weight_type": "probability"},
    ),
    "two targets": (X[:4], np.column_stack([Y[:4], X[:4, 0]]), {}),
    **{
        kind: (X[:4], Y[:4], {"cov_type": kind, "cov_kwds": options})
        for kind, options in {
            "HC0": {},
            "HC1": {},
            "HC2": {},
            "HC3": {},
            "HAC": {"maxlags": 1},
            "cluster": {"groups": [0, 0, 1, 2]},
        }.items()
    },
}


def quietly(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return function(*arguments, **options)


def answer(ask):
    """The numbers that a question gives: NaN if it is refused in a sentence."""
    try:
        return np.asarray(quietly(ask), dtype=np.float64)
    except fastlr.InputError as error:
        return np.array(math.nan if len(str(error)) > 30 else 0.0)


def value_of(fit, name):
    value = getattr(fit, name)
    return np.asarray(value() if callable(value) else value, dtype=np.float64)


def test_every_public_statistic_is_known_to_this_test():
    public = {field.name for field in dataclasses.fields(LinearFit)}
    for kind in LinearFit.__mro__[:-1]:
        public |= {
            name
            for name, value in vars(kind).items()
            if isinstance(value, property) and not name.startswith("_")
        }
    assert public | {"cov_params", "conf_int"} == NAMES_STATED | NAMES_UNSTATED


@pytest.mark.parametrize("case", NO_DEGREES_OF_FREEDOM)
def test_without_degrees_of_freedom_nothing_is_stated_of_errors(case):
    rows, y, options = NO_DEGREES_OF_FREEDOM[case]
    fit = quietly(fastlr.ols, rows, y, **options)
    assert fit.df_resid == 0
    for name in sorted(NAMES_UNSTATED - {"bse_intercept"}):
        assert np.isnan(value_of(fit, name)).all(), name
    assert np.isnan(fit.bse_intercept).all() or not fit.fit_intercept
    assert fit.inference_status.code == "no_degrees_of_freedom"
    assert str(fit.inference_status) in fit.summary().to_dict()["attention"]
    weights = {"sample_weight": options["sample_weight"]} if "sample_weight" in options else {}
    asked = {
        "f_test": lambda: fit.f_test("x0 = 0").pvalue,
        "wald_test": lambda: fit.wald_test("x0 = 0").statistic,
        "t_test": lambda: fit.t_test("x0 = 0").sd,
        "se_mean": lambda: fit.get_prediction(rows).se_mean,
        "se_obs": lambda: fit.get_prediction(rows).se_obs,
        "anova": lambda: fastlr.anova(fit, **({"target": 0} if np.ndim(y) > 1 else {})).pvalue,
    }
    for name in ("resid_studentized_internal", "resid_studentized_external", "resid_press"):
        asked[name] = lambda name=name: getattr(fit.get_influence(rows, y, **weights), name)
    for name in ("cooks_distance", "dffits"):
        asked[name] = lambda name=name: getattr(fit.get_influence(rows, y, **weights), name)[0]
    for name in ("dfbetas", "cov_ratio", "ess_press", "mse_press", "rsquared_press", "scale"):
        asked[name] = lambda name=name: getattr(fit.get_influence(rows, y, **weights), name)
    for name in ("het_breuschpagan", "het_white", "linear_reset", "durbin_watson"):
        asked[name] = lambda name=name: (
            getattr(diagnostics, name)(fit, rows, y, target=0, **weights).pvalue
        )
    for name, ask in asked.items():
        found = answer(ask)
        counts = np.asarray(weights.get("sample_weight", np.ones(len(rows)))) > 0
        if found.ndim and len(found) == len(rows) and name.startswith("resid_press"):
            found = found[counts]
        assert np.isnan(found).all(), (name, found)
    if not weights and fit.cov_type == "nonrobust":
        table = fit.augment(rows, y)
        for name in table:
            if name.startswith(("std_resid", "sigma", "cooks_d")):
                assert np.isnan(table[name]).all(), name
    columns = fit.tidy()
    for name in ("std_error", "statistic", "p_value", "conf_low", "conf_high"):
        assert np.isnan(columns[name]).all(), name
    for name in ("adj_r_squared", "sigma", "statistic", "p_value", "log_lik", "aic", "bic"):
        assert np.isnan(fit.glance()[name]).all(), name


@pytest.mark.parametrize("cov_type", ["nonrobust", "HC1", "HC3", "HAC", "cluster"])
@pytest.mark.parametrize("rank", ["min_norm", "basic"])
def test_of_dependent_columns_nothing_is_stated_and_everything_of_the_others(rank, cov_type):
    twice = np.column_stack([X, 2.0 * X[:, 0]])
    groups = {"groups": np.arange(12) % 6} if cov_type == "cluster" else {}
    fit = quietly(fastlr.ols, twice, Y, rank=rank, cov_type=cov_type, cov_kwds=groups)
    without = fastlr.ols(X, Y, cov_type=cov_type, cov_kwds=groups)
    unknown = {"min_norm": ["x0", "x3"], "basic": ["x3"]}[rank]
    for name in ("std_errors", "tvalues", "pvalues"):
        values = getattr(fit, name)
        for parameter in fit.param_names:
            if parameter in unknown:
                assert math.isnan(values[parameter]), (name, parameter)
            else:
                expected = getattr(without, name)[parameter]
                assert values[parameter] == pytest.approx(expected, rel=1e-9), (name, parameter)
    covariance, intervals = np.asarray(fit.cov_params()), np.asarray(fit.conf_int())
    places = [fit.param_names.index(name) for name in unknown]
    assert np.isnan(covariance[places]).all()
    assert np.isnan(covariance[:, places]).all()
    known = np.setdiff1d(np.arange(fit.n_params), places)
    assert np.isfinite(covariance[np.ix_(known, known)]).all()
    assert np.isnan(intervals[places]).all()
    assert np.isfinite(intervals[known]).all()
    for name in ("scale", "rsquared_adj", "llf", "aic", "bic"):
        assert value_of(fit, name) == pytest.approx(value_of(without, name), rel=1e-9), name
    assert np.isnan(answer(lambda: fit.f_test(f"{unknown[0]} = 0").pvalue)).all()
    assert fit.inference_status.code == "rank_deficient"
    assert any(name in str(fit.inference_status) for name in unknown)
    dfbetas = answer(lambda: fit.get_influence(twice, Y).dfbetas)
    assert dfbetas.ndim == 0 or np.isnan(dfbetas[:, places]).all()
    outside = np.array([[1.0, 0.0, 0.0, 5.0]])  # no mixture of rows
    if rank == "min_norm":
        assert np.isnan(fit.get_prediction(outside).se_mean).all()


def test_exact_fits_leave_single_rows_unjudged():
    """Nothing but rounding is left, which no distance may be computed from."""
    weights = [2, 2, 1, 1]
    fit = fastlr.ols(X[:4], Y[:4], sample_weight=weights, weight_type="frequency")
    assert fit.df_resid == 2
    influence = fit.get_influence(X[:4], Y[:4], sample_weight=weights)
    if fit.rss == 0.0:
        assert not np.isfinite(influence.cooks_distance[0]).any()
        assert not np.isinf(influence.resid_studentized_internal).any()
    last = fastlr.ols(X[:5], Y[:5])  # one degree of freedom: nothing is left without a row
    assert np.isnan(last.augment(X[:5], Y[:5])["sigma"]).all()
    assert np.isnan(last.get_influence(X[:5], Y[:5]).resid_studentized_external).all()
