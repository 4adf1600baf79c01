"""Labels of clusters that have several parts, and names that pick statistics."""

import numpy as np
import pytest

import fastlr


def test_labels_of_several_parts_are_equal_where_their_parts_are():
    rng = np.random.default_rng(1)
    X, groups = rng.normal(size=(80, 3)), np.arange(80) % 8
    y = X.sum(axis=1) + rng.normal(size=8)[groups] + rng.normal(size=80)
    parts = np.zeros(len(y), dtype=np.dtype([("firm", object), ("zero", "f8")], align=True))
    parts["firm"] = [f"firm {group}" for group in groups]
    parts["zero"] = np.where(np.arange(len(y)) % 2, 0.0, -0.0)
    fits = [
        fastlr.ols(X, y, cov_type="cluster", cov_kwds={"groups": labels})
        for labels in (groups, parts)
    ]
    np.testing.assert_allclose(fits[0].bse, fits[1].bse, rtol=1e-12)


def test_lists_of_names_do_not_mix_with_other_indices():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 2))
    interval = fastlr.ols({"a": X[:, 0], "b": X[:, 1]}, rng.normal(size=20)).conf_int()
    assert interval[["a", "b"], "lower"].names == ("a", "b")
    assert interval[["b"], :].names == ("b",)
    for other in (slice(None, None, -1), 1, [1, 0]):
        with pytest.raises(fastlr.InputError, match="names beside other indices"):
            interval[["a", "b"], other]
