"""P-values adjusted for many tests, beside statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

import fastlr
from fastlr.diagnostics import adjust_pvalues


def test_adjusted_p_values_are_those_of_statsmodels():
    p = np.random.default_rng(0).uniform(size=(4, 6)) ** 3
    p[0, :3] = p[1, 0], 0.0, 1.0  # ties and ends
    for method in ("holm", "bonferroni", "fdr_bh", "fdr_by"):
        found = adjust_pvalues(p, method)
        expected = multipletests(p.ravel(), method=method)[1].reshape(p.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    np.testing.assert_array_equal(adjust_pvalues(p, "none"), p)


def test_what_is_not_known_is_no_member_of_the_family():
    found = adjust_pvalues([0.01, np.nan, 0.02])
    np.testing.assert_allclose(found, [0.02, np.nan, 0.02])
    assert adjust_pvalues([]).shape == (0,)


def test_what_is_no_p_value_is_refused():
    with pytest.raises(fastlr.InputError, match=r"pvalues has 1\.5"):
        adjust_pvalues([0.1, 1.5])
    with pytest.raises(fastlr.InputError, match="method='sidak'"):
        adjust_pvalues([0.1], "sidak")
    with pytest.raises(TypeError, match="pvalues are no array"):
        adjust_pvalues(["a"])
