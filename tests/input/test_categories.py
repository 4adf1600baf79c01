"""Categories become indicators of all levels but the first, in tables of every library, and predict by levels."""

import json
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fastlr

N = 50
DRAWS = np.random.default_rng(4)
CITIES = np.array(["Ulm", "Bern", "Rom"])[DRAWS.integers(0, 3, size=N)]
CITIES[:3] = ["Ulm", "Bern", "Rom"]
AREA = DRAWS.normal(size=N)
Y = AREA + np.select([CITIES == "Bern", CITIES == "Rom"], [2.0, 3.0]) + DRAWS.normal(size=N)
ORDER = ["Ulm", "Oslo", "Bern", "Rom"]  # nobody lives in Oslo


def dictionary(values):
    indices = pa.array([ORDER.index(value) for value in values])
    return pa.DictionaryArray.from_arrays(indices, ORDER)


def chunked(values):
    """Chunks with dictionaries of their own."""
    parts = [pa.array(values[:20]).dictionary_encode(), pa.array(values[20:]).dictionary_encode()]
    return pa.chunked_array(parts)


DECLARED = {
    "pandas": lambda c, a: pd.DataFrame({"city": pd.Categorical(c, ORDER), "area": a}),
    "enum": lambda c, a: pl.DataFrame({"city": pl.Series(c, dtype=pl.Enum(ORDER)), "area": a}),
    "lazy enum": lambda c, a: pl.LazyFrame({"city": pl.Series(c, dtype=pl.Enum(ORDER)), "area": a}),
    "arrow": lambda c, a: pa.table({"city": dictionary(c), "area": a}),
    "arrow, chunked": lambda c, a: pa.table({"city": chunked(c), "area": a}),
    "mapping": lambda c, a: {"city": pd.Categorical(c, ORDER), "area": a},
}
SORTED = {
    "polars": lambda c, a: pl.DataFrame({"city": pl.Series(c, dtype=pl.Categorical), "area": a}),
    "text": lambda c, a: {"city": c, "area": a},
    "objects": lambda c, a: pd.DataFrame({"city": c.astype(object), "area": a}),
    "arrow text": lambda c, a: pa.table({"city": pa.array(c), "area": a}),
    "polars text": lambda c, a: pl.DataFrame({"city": c, "area": a}),
}


def indicators(levels):
    columns = {f"city[T.{level}]": level == CITIES for level in levels}
    return {**columns, "area": AREA}


@pytest.mark.parametrize("table", DECLARED)
def test_declared_levels_keep_their_order(level, table):
    fit = fastlr.ols(DECLARED[table](CITIES, AREA), Y)
    expected = fastlr.ols(indicators(["Bern", "Rom"]), Y)
    assert fit.feature_names == ("city[T.Bern]", "city[T.Rom]", "area")
    np.testing.assert_array_equal(fit.coef, expected.coef)
    np.testing.assert_allclose(
        fit.predict(DECLARED[table](CITIES, AREA)),
        expected.predict(indicators(["Bern", "Rom"])),
        rtol=1e-14,
    )


@pytest.mark.parametrize("table", SORTED)
def test_levels_without_an_order_are_sorted(table):
    frame = SORTED[table](CITIES, AREA)
    fit = fastlr.ols(frame, Y, categories=["city"])
    assert fit.feature_names == ("city[T.Rom]", "city[T.Ulm]", "area")
    np.testing.assert_array_equal(fit.coef, fastlr.ols(indicators(["Rom", "Ulm"]), Y).coef)
    if table != "polars":
        with pytest.raises(fastlr.InputTypeError, match=r"'city'.*categories= of fastlr\.ols"):
            fastlr.ols(frame, Y)


def test_any_table_predicts_by_the_levels_of_the_fit():
    fit = fastlr.ols(DECLARED["pandas"](CITIES, AREA), Y)
    few = np.array(["Rom", "Rom", "Bern"]), np.array([0.0, 1.0, 2.0])
    expected = fit.intercept + fit.coef @ [[0, 0, 1], [1, 1, 0], [0.0, 1.0, 2.0]]
    kept = fastlr.LinearFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    for make in (*DECLARED.values(), *SORTED.values()):
        if make is DECLARED["arrow, chunked"]:
            continue
        for other in (fit, kept, pickle.loads(pickle.dumps(fit))):
            np.testing.assert_allclose(other.predict(make(*few)), expected, rtol=1e-14)


def test_unseen_levels_and_gaps_are_named():
    fit = fastlr.ols({"city": CITIES, "area": AREA}, Y, categories=["city"])
    with pytest.raises(fastlr.InputError, match=r"'city' of X has levels .*\('Genf', 'Wien'\)"):
        fit.predict({"city": ["Ulm", "Wien", "Genf"], "area": [1.0, 2.0, 3.0]})
    with pytest.raises(fastlr.InputError, match=r"missing value .*row 1, column 'city'"):
        fit.predict(pl.DataFrame({"city": ["Ulm", None], "area": [1.0, 2.0]}))
    with pytest.raises(fastlr.InputError, match="another order"):
        fit.predict({"area": [1.0], "city": ["Ulm"]})
    with pytest.raises(fastlr.InputTypeError, match="have no names"):
        fit.predict([[1.0, 2.0]])


@pytest.mark.parametrize("table", [*DECLARED, *SORTED])
def test_rows_without_a_level_are_left_out_if_told_so(table):
    cities = CITIES.astype(object)
    cities[[4, 8]] = None
    makers = {
        **{name: SORTED[name] for name in SORTED},
        "pandas": DECLARED["pandas"],
        "enum": DECLARED["enum"],
        "mapping": DECLARED["mapping"],
        "lazy enum": DECLARED["lazy enum"],
        "arrow": lambda c, a: pa.table({"city": pa.array(c).dictionary_encode(), "area": a}),
        "arrow, chunked": lambda c, a: pa.table({"city": chunked(c), "area": a}),
    }
    frame = makers[table](cities, AREA)
    with pytest.raises(fastlr.InputError, match=r"row 4, column 'city'.*missing='drop'"):
        fastlr.ols(frame, Y, categories=["city"])
    fit = fastlr.ols(makers[table](cities, AREA), Y, categories=["city"], missing="drop")
    keep = np.array([city is not None for city in cities])
    rest = {name: values[keep] for name, values in indicators(["Bern", "Rom"]).items()}
    np.testing.assert_allclose(fit.rss, fastlr.ols(rest, Y[keep]).rss, rtol=1e-12)
    assert fit.n_dropped == 2


def test_numbers_and_truth_values_are_levels_if_named():
    table = {"floor": np.arange(N) % 3, "lift": np.arange(N) % 2 == 0}
    fit = fastlr.ols(table, Y, categories=["floor", "lift"])
    assert fit.feature_names == ("floor[T.1]", "floor[T.2]", "lift[T.True]")
    assert fastlr.ols(table, Y).feature_names == ("floor", "lift")
    numbers = pa.table({"floor": pa.array(table["floor"]).dictionary_encode()})
    assert fastlr.ols(numbers, Y).feature_names == ("floor",)  # stored that way to save space


def test_a_category_is_four_bytes_a_row_and_nothing_of_the_users_changes():
    frame = pd.DataFrame({"city": pd.Categorical(CITIES, ORDER), "area": AREA})
    before = frame.copy()
    fit = fastlr.ols(frame, Y)
    pd.testing.assert_frame_equal(frame, before)
    columns = fit.design.features(frame)
    (category,) = columns.indicators
    assert category.codes.nbytes == 4 * N
    assert columns.n_columns == 3
    assert [array.dtype.itemsize for array in columns.arrays] == [8]
    assert np.shares_memory(columns.column(2), frame["area"].to_numpy())


def test_names_that_meet_are_refused():
    table = {"a": ["x", "y", "x"], "a[T.y]": [1.0, 2.0, 4.0]}
    with pytest.raises(fastlr.InputError, match=r"two features called 'a\[T.y\]'"):
        fastlr.ols(table, [1.0, 2.0, 3.0], categories=["a"])
    assert fastlr.ols({"a": [1.0, 2.0]}, [1.0, 2.0], categories=[]).n_features == 1


def test_declared_levels_may_be_intervals_and_nulls():
    table = pd.DataFrame({"class": pd.cut(AREA, [-9.0, 0.0, 9.0])})
    fit = fastlr.ols(table, Y)
    assert fit.feature_names == ("class[T.(0.0, 9.0]]",)
    assert fastlr.ols("y ~ C(size)", data={"y": Y, "size": table["class"]}).rss == pytest.approx(
        fit.rss, rel=1e-12
    )
    codes = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0, 1, 2]), ["a", None, "b"])
    holes = fastlr.ols(pa.table({"c": codes}), np.arange(6.0), missing="drop")
    assert (holes.feature_names, holes.n_dropped) == (("c[T.b]",), 2)


def test_none_takes_numbers_as_they_are():
    frame = pd.DataFrame({"floor": pd.Categorical(np.arange(N) % 3)})
    assert fastlr.ols(frame, Y, categories=None).feature_names == ("floor",)
    assert fastlr.ols(frame, Y).feature_names == ("floor[T.1]", "floor[T.2]")


def test_bad_choices_are_refused_with_the_fix():
    table = {"city": CITIES, "area": AREA}
    for categories in ("city", 3, [1], {"city"}):
        with pytest.raises(fastlr.InputTypeError, match="is not a list of columns"):
            fastlr.ols(table, Y, categories=categories)
    with pytest.raises(fastlr.InputError, match="'town', which is no column of X: it has 'city'"):
        fastlr.ols(table, Y, categories=["town"])
    with pytest.raises(fastlr.InputTypeError, match="have no names"):
        fastlr.ols(np.ones((N, 2)), Y, categories=["city"])
    with pytest.raises(fastlr.InputTypeError, match="feature_names are given, but 'city'"):
        fastlr.ols(table, Y, categories=["city"], feature_names=["a", "b"])
    with pytest.raises(fastlr.InputTypeError, match="cannot be told apart or sorted"):
        fastlr.ols({"city": np.array(["a", 1, "b"], dtype=object)}, Y[:3], categories=["city"])
    times = {"day": np.array(["2020-01-01", "2020-01-02"], dtype="M8[s]")}
    with pytest.raises(fastlr.InputTypeError, match="Convert the column to text"):
        fastlr.ols(times, Y[:2], categories=["day"])
    with pytest.raises(fastlr.InputTypeError, match="'area' of X is a float: pass one value"):
        fastlr.ols({"city": CITIES, "area": 3.0}, Y, categories=["city"])


def test_a_single_column_of_one_level_leaves_nothing_to_fit_and_is_named():
    frame = {"city": ["Bern"] * 4}
    with pytest.raises(fastlr.InputError, match="'city' of X holds one level alone, 'Bern'"):
        fastlr.ols(frame, [1.0, 2.0, 3.0, 5.0], categories=["city"])
