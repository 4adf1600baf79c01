"""Models side by side."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fastlr

ROOT = Path(__file__).parents[2]
LONGLEY = pd.read_csv(ROOT / "examples" / "longley.csv")
X, Y = LONGLEY.drop(columns="employed"), LONGLEY["employed"]
SMALL, LARGE = fastlr.ols(X[["year"]], Y), fastlr.ols(X[["gnp", "year"]], Y)


def test_text_is_the_golden_text():
    text = fastlr.compare(SMALL, LARGE, fastlr.ols(X, Y, cov_type="HC3"), stars=True)
    golden = ROOT / "tests" / "data" / "reports" / "compare.txt"
    assert text + "\n" == golden.read_text(encoding="utf-8")


def test_a_term_has_a_cell_in_the_models_that_have_it_alone():
    comparison = fastlr.compare(SMALL, LARGE, names=["a", "b"])
    rows = {(row["model"], row["term"]): row["estimate"] for row in comparison.to_dict()["terms"]}
    assert ("a", "gnp") not in rows
    assert rows["b", "gnp"] == LARGE.coef[0]
    line = next(line for line in comparison.splitlines() if line.startswith("gnp"))
    assert len(line.split()) == 2


def test_stars_are_there_if_asked_and_mean_p():
    assert "*" not in fastlr.compare(SMALL, LARGE)
    text = fastlr.compare(SMALL, LARGE, stars=True)
    assert "716.5***" in text
    assert re.search(r"year .*-592\s*$", text, flags=re.MULTILINE)
    assert "*** p < 0.001" in text


def test_terms_are_those_asked_for_in_their_order():
    text = fastlr.compare(SMALL, LARGE, terms=["year", "(intercept)"])
    names = [line.split()[0] for line in text.splitlines() if line[:1].strip()]
    assert names.index("year") < names.index("(intercept)")
    assert "gnp" not in text
    assert "not shown: 1 more parameter" in text
    with pytest.raises(fastlr.InputError, match="'nope'"):
        fastlr.compare(SMALL, LARGE, terms=["nope"])


def test_estimators_and_several_targets_are_models():
    model = fastlr.LinearRegression().fit(X[["year"]], Y)
    both = fastlr.ols(X[["year"]], LONGLEY[["employed", "population"]])
    comparison = fastlr.compare(model, both)
    assert [row["target"] for row in comparison.to_dict()["models"]] == [
        "employed" if model.fit_.target_names == ("employed",) else model.fit_.target_names[0],
        "employed",
        "population",
    ]
    assert "different targets" in comparison


def test_what_is_not_comparable_is_said():
    fewer = fastlr.ols(X[["year"]].head(10), Y.head(10))
    assert "different rows: their AIC cannot be compared" in fastlr.compare(SMALL, fewer)
    assert "cannot be compared" not in fastlr.compare(SMALL, LARGE)
    ridge = fastlr.compare(SMALL, fastlr.ols(X[["year"]], Y, alpha=1.0))
    assert "ridge regression, alpha 1" in ridge


@pytest.mark.parametrize(
    ("fits", "options", "said"),
    [
        ((), {}, "no fits"),
        ((SMALL, "fit"), {}, "argument 2"),
        ((SMALL, LARGE), {"names": ["a"]}, "names"),
        ((SMALL, LARGE), {"names": ["a", "a"]}, "distinct"),
        ((SMALL, LARGE), {"digits": 0}, "digits"),
        ((SMALL, LARGE), {"stars": 3}, "stars"),
    ],
)
def test_bad_arguments_are_named(fits, options, said):
    with pytest.raises((fastlr.InputError, fastlr.InputTypeError), match=said):
        fastlr.compare(*fits, **options)


def test_latex_balances_and_html_has_every_model():
    comparison = fastlr.compare(SMALL, LARGE, names=["50 %", "a_b"], stars=True)
    tex = comparison.as_latex(caption="Two models", label="tab:two")
    assert tex.count("{") == tex.count("}")
    assert tex.count(r"\begin") == tex.count(r"\end") == 2
    body = [line for line in tex.splitlines() if line.endswith(r"\\")]
    assert {line.count("&") - line.count(r"\&") for line in body} == {2}
    assert r"50 \%" in tex
    assert r"\label{tab:two}" in tex
    html = comparison.as_html()
    assert html.count('scope="col"') == 2
    assert np.all([name in html for name in ("50 %", "a_b")])
