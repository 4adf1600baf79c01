"""Formulas are fitted as statsmodels fits them, and predict new tables as they fitted the old ones."""

import copy
import json
import pickle
import subprocess
import sys

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf

import fastlr
import real_tables
from fastlr.input.vocabulary import names_in

FAT = real_tables.table("fat").assign(
    group=lambda frame: np.where(frame.age > 45, "old", "young"),
    decade=lambda frame: (frame.age // 10).astype(int),
)
FORMULAS = {
    "numbers": (FAT, "brozek ~ age + weight"),
    "products": (FAT, "brozek ~ age + weight * height + C(group)"),
    "no intercept": (FAT, "brozek ~ 0 + age + weight"),
    "all levels": (FAT, "brozek ~ C(group) - 1 + age"),
    "within levels": (FAT, "brozek ~ age + center(weight):group + C(decade)"),
    "functions": (FAT, "np.log(brozek + 1) ~ np.sqrt(age) + I(weight**2) + height"),
    "numpy": (FAT, "brozek ~ np.where(age > 40, 1, 0) + np.clip(weight, 140, 200)"),
    "contrasts": (FAT, "brozek ~ C(decade, Treatment(5)) + center(weight)"),
    "text": (real_tables.table("sat"), "total ~ expend + takers + ratio"),
    "categories": (real_tables.table("warpbreaks"), "breaks ~ wool * tension"),
    "salaries": (real_tables.table("teengamb"), "gamble ~ C(sex) * (income + verbal) + status"),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_fits_are_those_of_statsmodels(name):
    frame, formula = FORMULAS[name]
    expected = smf.ols(formula, data=frame).fit()
    fit = fastlr.ols(formula, data=frame)
    scale = np.abs(expected.fittedvalues).max()
    np.testing.assert_allclose(
        fit.predict(frame), expected.fittedvalues, rtol=0, atol=1e-10 * scale
    )
    ours = dict(zip(fit.feature_names, fit.coef, strict=True))
    theirs = {term.replace(" ", ""): value for term, value in expected.params.items()}
    if fit.fit_intercept:
        assert fit.intercept == pytest.approx(theirs.pop("Intercept"), rel=1e-10)
    same = [term for term in ours if term.replace(" ", "") in theirs]
    assert (
        len(same) >= len(ours) / 2
    )  # some names differ where formulaic and patsy say them otherwise
    for term in same:
        assert ours[term] == pytest.approx(theirs[term.replace(" ", "")], rel=1e-10), term
    assert fit.rss == pytest.approx(expected.ssr, rel=1e-10)


LIBRARIES = {
    "polars": pl.from_pandas,
    "lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "arrow": pa.Table.from_pandas,
    "reader": lambda frame: pa.Table.from_pandas(frame).to_reader(max_chunksize=50),
    "mapping": lambda frame: {name: frame[name].to_numpy() for name in frame},
    "categorical": lambda frame: frame.astype({"group": "category"}),
}
MIXED = "brozek ~ C(group) * age + poly(weight, 2) + bs(height, df=4)"


@pytest.mark.parametrize("library", LIBRARIES)
def test_tables_of_every_library_say_the_same(library):
    expected = fastlr.ols(MIXED, data=FAT)
    fit = fastlr.ols(MIXED, data=LIBRARIES[library](FAT))
    assert fit.feature_names == expected.feature_names
    np.testing.assert_allclose(fit.coef, expected.coef, rtol=1e-10)
    np.testing.assert_allclose(
        fit.predict(LIBRARIES[library](FAT)), expected.predict(FAT), rtol=1e-12
    )


def test_functions_and_levels_remember_the_rows_of_the_fit():
    fit = fastlr.ols(
        MIXED + " + center(chest) + scale(hip) + cs(neck, df=3, constraints='center')", data=FAT
    )
    whole = fit.predict(FAT)
    kept = fastlr.LinearFit.from_dict(json.loads(json.dumps(fit.to_dict())))
    for other in (fit, kept, pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):
        few = FAT.iloc[[7]][["hip", "neck", "chest", "height", "weight", "age", "group"]]
        np.testing.assert_allclose(other.predict(few), whole[[7]], rtol=1e-12)
    assert len(pickle.dumps(fit)) < 20_000
    np.testing.assert_allclose(
        fit.residuals(FAT, FAT.brozek.to_numpy()), FAT.brozek.to_numpy() - whole, atol=1e-12
    )


def test_models_with_formulas_are_files(tmp_path):
    fit = fastlr.ols(MIXED, data=FAT)
    fastlr.save_model(fit, tmp_path / "fat.json")
    loaded = fastlr.load_model(tmp_path / "fat.json")
    np.testing.assert_array_equal(loaded.predict(FAT), fit.predict(FAT))
    assert loaded.design.text == MIXED


def test_several_targets_weights_by_name_and_a_dot():
    both = fastlr.ols("brozek + siri ~ age", data=FAT, sample_weight="weight")
    assert both.target_names == ("brozek", "siri")
    single = fastlr.ols("siri ~ age", data=FAT, sample_weight=FAT.weight.to_numpy())
    np.testing.assert_allclose(both.coef[1], single.coef, rtol=1e-12)
    few = FAT[["siri", "age", "hip", "weight"]]
    everything = fastlr.ols("siri ~ .", data=few, sample_weight="weight")
    assert everything.feature_names == ("age", "hip")
    spaced = fastlr.ols("y ~ `my col`", data={"y": [1.0, 2.0, 4.0], "my col": [1, 2, 3]})
    assert spaced.feature_names == ("my col",)


HOLEY = FAT[["brozek", "age", "group", "decade", "weight"]].copy()
HOLEY.loc[HOLEY.index[[3, 50]], "age"] = np.nan
HOLEY.loc[HOLEY.index[9], "group"] = None


def test_rows_with_gaps_are_named_or_left_out_before_anything_is_learned():
    formula = "brozek ~ center(age) + group + C(decade)"
    with pytest.raises(fastlr.InputError, match=r"row 3, column 'age'.*missing='drop'"):
        fastlr.ols(formula, data=HOLEY)
    expected = fastlr.ols(formula, data=HOLEY.dropna())
    for frame in (HOLEY, pl.from_pandas(HOLEY)):
        fit = fastlr.ols(formula, data=frame, missing="drop")
        np.testing.assert_array_equal(fit.coef, expected.coef)
        assert (fit.n_samples, fit.n_dropped) == (len(FAT) - 3, 3)
        with pytest.raises(fastlr.InputError, match=r"X has a missing value .*row 3, column 'age'"):
            fit.predict(frame)


def test_whole_numbers_with_gaps_are_levels_without_a_point():
    frame = pl.DataFrame({"y": [1.0, 2.0, 4.0, 5.0], "k": [1, None, 2, 1]})
    fit = fastlr.ols("y ~ C(k)", data=frame, missing="drop")
    assert fit.feature_names == ("C(k)[T.2]",)


@pytest.mark.parametrize("term", ["group", "C(decade)"])
def test_unseen_levels_are_named(term):
    fit = fastlr.ols(f"brozek ~ {term}", data=FAT)
    column = term.removeprefix("C(").removesuffix(")")
    new = FAT.iloc[:5].assign(**{column: "middle" if column == "group" else 77})
    with pytest.raises(fastlr.InputError, match=rf"column '{column}' of X .*\(('middle'|77)\)"):
        fit.predict(new)


REFUSED = {
    "y ~ age": "no column 'y': it has",
    "brozek ~ agee": "no column 'agee': did you mean 'age'",
    "~ age": "no left side",
    "age": "no left side",
    "brozek ~ age | weight": "has parts",
    "brozek ~ age ~ weight": "incorrectly used",
    "brozek ~ log(": "cannot be used",
    "brozek ~ 1": "no features",
    "group ~ age": "holds categories",
    "brozek ~ log(age - 30)": r"log\(age - 30\) is (nan|-inf) in row",
    "brozek ~ C(decade, levels=[2, 3])": "levels that the fit has not seen or that levels= does",
    "brozek ~ np.load('x')": "np.load",
    "brozek ~ {age.__class__}": "__class__",
    "brozek ~ open('x')": "open",
    "brozek ~ __import__('os')": "formula",
    "brozek ~ I(age ** 9 ** 9 ** 9)": "not known",
    "brozek ~ I(age + 'a' * 10)": "not known",
    "brozek ~ bs(age, df=10**6)": "not known",
    "brozek ~ lag(age)": "not known",
    "brozek ~ np.sqrt(age, weight)": r"np.sqrt\(\) of 2 arguments",
    "brozek ~ np.add(age, height, out=weight)": "not known",
    "brozek ~ log(age, weight)": r"log\(\) of 2 arguments",
}


@pytest.mark.parametrize("formula", REFUSED)
def test_formulas_that_cannot_be_fitted_are_refused_with_the_reason(formula):
    with pytest.raises(ValueError, match=REFUSED[formula]):
        fastlr.ols(formula, data=FAT)


def test_arguments_that_a_formula_replaces_are_refused():
    with pytest.raises(fastlr.InputTypeError, match=r"X is a str.*data="):
        fastlr.ols("brozek ~ age")
    with pytest.raises(fastlr.InputTypeError, match="y is given beside"):
        fastlr.ols("brozek ~ age", FAT.brozek, data=FAT)
    with pytest.raises(fastlr.InputTypeError, match="feature_names is given beside"):
        fastlr.ols("brozek ~ age", data=FAT, feature_names=["a"])
    with pytest.raises(fastlr.InputError, match="'- 1'"):
        fastlr.ols("brozek ~ age", data=FAT, fit_intercept=False)
    with pytest.raises(fastlr.InputTypeError, match="data is the table of a formula"):
        fastlr.ols(FAT[["age"]], FAT.brozek, data=FAT)
    with pytest.raises(fastlr.InputError, match="data has no rows"):
        fastlr.ols("brozek ~ age", data=FAT.iloc[:0])
    with pytest.raises(fastlr.InputTypeError, match="columns have no names"):
        fastlr.ols("brozek ~ age", data=FAT[["age"]].to_numpy())
    with pytest.raises(fastlr.InputTypeError, match="holds text"):
        fastlr.ols("brozek ~ age", data=FAT, sample_weight="group")


def test_names_are_read_from_expressions():
    assert names_in("log(`my col`) + b * np.sqrt(c) - C(d, Treatment('x'))") == (
        "my col", "b", "c", "d",
    )  # fmt: skip


def changed(fit, **values):
    data = fit.to_dict()
    data["design"] = {**data["design"], **values}
    return data


HOSTILE = {
    "code": {"terms": [[["__import__('os').system('true')", "python"]]]},
    "attribute": {"terms": [[["age.__class__.__base__", "python"]]]},
    "comprehension": {"terms": [[["[x for x in age]", "python"]]]},
    "depth": {"terms": [[["+".join(["age"] * 20_000), "python"]]]},
    "literal": {"terms": [[["-" * 100 + "1", "literal"]]]},
    "way": {"terms": [[["age", "exec"]]]},
    "state": {"state": {"pairs": [["a", {"object": 1}]]}},
    "other names": {"feature_names": ["age", "weight"]},
    "levels": {"levels": {"group": []}},
    "kind": {"kind": "pickle"},
    "no text": {"text": 3},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_designs_of_hostile_files_are_refused_and_nothing_in_them_runs(case):
    fit = fastlr.ols("brozek ~ age", data=FAT)
    with pytest.raises(fastlr.InputError):
        fastlr.LinearFit.from_dict(changed(fit, **HOSTILE[case]))


def test_what_cannot_be_stored_is_refused_when_it_is_saved(tmp_path):
    fit = fastlr.ols("brozek ~ center(age)", data=FAT)
    (name,) = fit.design.state
    fit.design.state[name]["odd"] = object()
    with pytest.raises(
        fastlr.InputError, match=r"cannot be stored.*Compute its values as a column"
    ):
        fastlr.save_model(fit, tmp_path / "fat.json")
    assert not (tmp_path / "fat.json").exists()


def test_without_formulaic_the_extra_is_named():
    code = (
        "import sys; sys.modules['formulaic'] = None; import fastlr\n"
        "try: fastlr.ols('y ~ x', data={'y': [1, 2], 'x': [1, 3]})\n"
        "except ImportError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "fastlr[formula]"' in told.stdout
