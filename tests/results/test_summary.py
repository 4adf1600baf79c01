"""Summaries: golden texts, the same numbers in every language, and a sentence for whatever cannot be stated."""

import html.parser
import json
import math
import pickle
import re
import warnings
from pathlib import Path

import faraway.datasets.fat
import numpy as np
import pandas as pd
import pytest

import fastlr

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "data" / "reports"

LONGLEY = pd.read_csv(ROOT / "examples" / "longley.csv")
X, Y = LONGLEY.drop(columns="employed"), LONGLEY["employed"]
FAT = faraway.datasets.fat.load()
GIRTHS = ["age", "weight", "height", "neck", "chest", "abdom", "hip", "thigh"]


def quiet(*arguments, **options):
    """A fit of which the warnings are looked at elsewhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return fastlr.ols(*arguments, **options)


FITS = {
    "longley": lambda: fastlr.ols(X, Y),
    "body_fat": lambda: fastlr.ols(FAT[GIRTHS], FAT["brozek"], cov_type="HC1"),
    "rank_deficient": lambda: quiet(X[["year", "gnp"]].assign(twice=2 * X["gnp"]), Y),
    "weighted": lambda: fastlr.ols(
        X[["year", "armed_forces"]],
        Y,
        sample_weight=np.arange(16) % 3,
        weight_type="frequency",
        fit_intercept=False,
    ),
    "two_targets": lambda: fastlr.ols(X[["year"]], LONGLEY[["employed", "population"]]),
    "penalised": lambda: fastlr.ols(X[["year", "gnp"]], Y, alpha=10.0),
}


@pytest.mark.parametrize("name", FITS)
def test_text_is_the_golden_text(name):
    golden = GOLDEN / f"{name}.txt"
    assert FITS[name]().summary() + "\n" == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["html", "tex", "md"])
def test_the_other_languages_are_the_golden_ones(kind):
    summary = FITS["longley"]().summary()
    text = {"html": summary.as_html, "tex": summary.as_latex, "md": summary.as_markdown}[kind]()
    assert text + "\n" == (GOLDEN / f"longley.{kind}").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FITS)
def test_text_is_ascii_without_space_at_the_ends_of_lines_and_of_one_width(name):
    lines = FITS[name]().summary().splitlines()
    assert all(line.isascii() and line == line.rstrip() and len(line) <= 110 for line in lines)


def test_units_of_any_size_fit_on_a_line():
    rng = np.random.default_rng(5)
    rows, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    for exponents in ((-97, -97, 90), (150, -150, 0), (9, -9, 5), (30, 3, -3)):
        scaled = rows * 10.0 ** np.array(exponents)
        for of_target in (-97, 0, 60):
            summary = fastlr.ols(scaled, y * 10.0**of_target).summary()
            assert max(map(len, summary.splitlines())) <= 125, (exponents, of_target)
            assert "e" in summary.splitlines()[4] or of_target == 0


@pytest.mark.parametrize("name", FITS)
def test_points_stand_below_one_another(name):
    """Of estimates, where they end before the next column begins."""
    fit = FITS[name]()
    lines = fit.summary().splitlines()
    for start in [i for i, line in enumerate(lines) if line.lstrip().startswith("coefficient")]:
        rows = lines[start + 1 : start + 1 + fit.n_params]
        end = lines[start].index("coefficient") + len("coefficient")
        points = {row[:end].rfind(".") for row in rows if "." in row[:end]}
        assert len(points) <= 1


def numbers_of(text):
    return sorted(float(found) for found in re.findall(r"-?\d+\.\d+", text))


class Cells(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.scopes = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("hr", "br"):
            self.open.append(tag)
        if tag == "th":
            self.scopes.append(dict(attributes).get("scope"))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th", "i"):
            self.seen.append(data)


@pytest.mark.parametrize("name", FITS)
def test_html_is_well_formed_and_every_head_has_a_scope(name):
    reader = Cells()
    reader.feed(FITS[name]().summary()._repr_html_())
    assert reader.open == []
    assert reader.scopes
    assert set(reader.scopes) <= {"col", "row", "colgroup"}
    assert "(intercept)" in reader.seen or name == "weighted"


def test_every_language_has_the_same_numbers():
    summary = FITS["two_targets"]().summary()
    plain = numbers_of(summary.replace(" ", ""))
    markup = re.sub(
        r"<style>.*?</style>|<[^>]+>|[ \u2007\u2008\u202f]", "", summary.as_html(), flags=re.S
    )
    markup = re.sub("\N{MULTIPLICATION SIGN}10", "e", markup.replace("\N{MINUS SIGN}", "-"))
    assert set(numbers_of(markup)) >= {n for n in plain if abs(n) > 1e-3}
    tex = re.sub(r"\\phantom\{[^}]*\}|\\,", "", summary.as_latex())
    for estimate in ("716.5", "46.9", "0.9435"):
        assert estimate in tex
        assert estimate in summary.as_markdown()


def test_names_mean_nothing_to_any_language():
    nasty = "<script>a|b_c & $d$ %\\ #~^{}*`\n\x1b[31m\u202e"
    fit = fastlr.ols(np.arange(5.0)[:, None], [1.0, 3, 2, 5, 4], feature_names=[nasty])
    summary = fit.summary()
    assert "\x1b" not in summary
    assert sum("\\n" in line for line in summary.splitlines()) == 2  # of the table, and of a row
    assert "<script>" not in summary.as_html()
    assert r"a\|b\_c" in summary.as_markdown()
    assert (
        r"\textless{}script\textgreater{}a\textbar{}b\_c \& \$d\$ \%\textbackslash{}"
        in summary.as_latex()
    )


@pytest.mark.parametrize("name", ["[1]", "*", "a--b", "`a'", "''", "$x^2$", "&amp;", "&lt;b&gt;"])
def test_names_are_typeset_as_they_are_written(name):
    rows = np.arange(12.0).reshape(6, 2) ** 2
    summary = fastlr.ols(rows, [1.0, 3, 2, 5, 4, 7], feature_names=["first", name]).summary()
    lines = summary.as_latex().splitlines()
    tex = lines[[line.startswith("first") for line in lines].index(True) + 1].split(" & $")[0]
    assert not tex.startswith(("[", "*"))  # LaTeX would take them for options of the row before
    assert not re.search(r"--|''|`|(?<!\\)[$&]", tex)  # a dash, quotation marks, mathematics
    assert r"\^" not in tex  # an accent
    lines = summary.as_markdown().splitlines()
    row = lines[[line.startswith("| first") for line in lines].index(True) + 1]
    assert re.sub(r"\\(?=[^\w\s])", "", row).startswith(f"| {name} |")
    assert not re.search(r"(?<!\\)[$&*`\[]", row)


def test_long_names_are_cut_but_never_to_the_same():
    long = "the quick brown fox jumps over the lazy dog and"
    rows = np.random.default_rng(0).normal(size=(20, 2))
    cut = fastlr.ols(rows, rows[:, 0] + 1.0, feature_names=[f"{long} runs", "b"]).summary()
    assert "the quick brown fo..." in cut
    names = [f"{long} runs {i} {long}" for i in (1, 2)]
    whole = fastlr.ols(rows, rows @ [1, 2] + rows[:, 0] ** 2, feature_names=names).summary()
    assert all(name in whole for name in names)


def test_wide_characters_count_twice():
    fit = fastlr.ols(np.arange(6.0)[:, None], [1.0, 3, 2, 5, 4, 7], feature_names=["名前"])
    lines = fit.summary().splitlines()
    row = next(line for line in lines if line.startswith("名前"))
    intercept = next(line for line in lines if line.startswith("(intercept)"))
    assert row.index(".") + 2 == intercept.index(".")


def test_digits_level_order_and_numerics_are_as_asked():
    fit = FITS["longley"]()
    text = fit.summary(digits=2, level=0.9, sort="p", numerics=False)
    assert "90 % interval" in text
    assert "Numerics" not in text
    names = [line.split()[0] for line in text.splitlines()[3:10]]
    p = dict(fit.pvalues.items())
    assert names[1:] == sorted(names[1:], key=lambda name: p[name])
    by_size = [line.split()[0] for line in fit.summary(sort="size").splitlines()[3:10]]
    assert by_size[1:] == [name for name, _ in fit.weights_by_size(standardized=True)]
    assert re.search(r"unemployed +-2\.02 +0\.49 ", text)


def test_a_long_table_shows_what_matters_most_and_says_what_it_leaves_out():
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(300, 100))
    fit = fastlr.ols(rows, rows @ np.linspace(0, 1, 100) + rng.normal(size=300))
    text = fit.summary()
    assert "and 60 features with smaller changes per sd" in text
    shown = [line.split()[0] for line in text.splitlines() if re.match(r"x\d+ ", line)]
    assert len(shown) == 40
    assert shown == sorted(shown, key=lambda name: int(name[1:]))
    assert "larger p-values" in fit.summary(sort="p", max_features=10)
    assert len(fit.summary(max_features=None).splitlines()) > 100


def test_what_cannot_be_stated_is_a_dash_with_a_sentence():
    text = FITS["rank_deficient"]().summary()
    line = next(line for line in text.splitlines() if line.startswith("gnp"))
    assert line.split()[2:6] == ["-", "-", "-", "-"]
    assert "nothing can be stated of gnp, twice" in " ".join(text.split())
    assert "nan" not in text.lower()
    penalised = FITS["penalised"]().summary()
    assert "std error" not in penalised
    assert "do not hold with a penalty" in penalised
    assert "degrees of freedom" not in penalised
    nothing_left = fastlr.ols([[1.0], [2.0]], [1.0, 3.0]).summary()
    assert "Nothing is left to estimate errors from" in nothing_left


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: fastlr.ols(X, Y), "largest VIF 1789, gnp"),
        (lambda: fastlr.ols(X.iloc[:9], Y.iloc[:9]), "Only 2 degrees of freedom for 7 parameters"),
        (
            lambda: fastlr.ols(X.assign(gnp=X["gnp"].where(X["year"] > 1948)), Y, missing="drop"),
            "2 rows with missing values were left out.",
        ),
        (
            lambda: fastlr.ols(X[["gnp"]], Y, sample_weight=np.arange(1.0, 17)),
            "Weights are precisions (inverse variances); total weight 136.",
        ),
        (
            lambda: fastlr.ols(
                X[["gnp"]], Y, sample_weight=np.arange(1.0, 17), weight_type="probability"
            ),
            "unequal variances (HC1)",
        ),
        (
            lambda: fastlr.ols(
                X[["gnp"]], Y, cov_type="cluster", cov_kwds={"groups": np.arange(16) // 4}
            ),
            "clustered (4 clusters)",
        ),
        (
            lambda: fastlr.ols(X[["gnp"]].assign(last=np.arange(16) == 15), Y, cov_type="HC3"),
            "1 row alone determines a parameter (a leverage of 1)",
        ),
        (
            lambda: fastlr.ols(X[["gnp"]], Y, cov_type="HAC", cov_kwds={"maxlags": 2}),
            "correlation over 2 rows",
        ),
        (
            lambda: fastlr.ols(X[["gnp"]], 3.0 * X["gnp"]),
            "Nothing but rounding is left unexplained",
        ),
        (lambda: fastlr.ols(X[["gnp"]], np.full(16, 0.1)), "The target does not vary"),
        (lambda: fastlr.ols(X[["gnp"]], 0.0 * Y, fit_intercept=False), "The target does not vary"),
        (
            lambda: fastlr.ols(
                X[["gnp"]],
                Y,
                cov_type="cluster",
                cov_kwds={"groups": (np.arange(16) // 8, np.arange(16) % 3)},
            ),
            "Some variances are not positive",
        ),
    ],
)
def test_what_deserves_attention_is_said(make, said):
    summary = make().summary()
    assert said in " ".join(summary.split())
    assert any(said in sentence for sentence in summary.to_dict()["attention"])


def test_a_plain_fit_deserves_no_attention():
    rows = np.random.default_rng(2).normal(size=(50, 3))
    fit = fastlr.ols(rows, rows @ [1.0, 2, 3] + np.random.default_rng(3).normal(size=50))
    assert fit.summary().to_dict()["attention"] == []


def test_inflation_is_that_of_auxiliary_regressions():
    from fastlr.results.summary_words import inflation

    for fit in (FITS["longley"](), FITS["longley"]().with_covariance("HC1", X, Y)):
        r2 = [fastlr.ols(X.drop(columns=name), X[name]).r2 for name in X]
        assert np.allclose(inflation(fit), 1.0 / (1.0 - np.array(r2)), rtol=1e-9)


def test_one_of_several_targets_can_be_shown():
    fit = FITS["two_targets"]()
    for target in ("population", 1, np.int64(1)):
        text = fit.summary(target=target)
        assert text.startswith("population on 1 feature")
        assert "employed" not in text
    many = fastlr.ols(X[["year"]], np.random.default_rng(4).normal(size=(16, 9)))
    assert "and 4 targets more" in many.summary()


@pytest.mark.parametrize(
    "options",
    [
        {"digits": 0},
        {"digits": 2.5},
        {"level": 1.0},
        {"level": 95},
        {"sort": "t"},
        {"target": "gnp"},
        {"target": 1},
        {"target": -1},
        {"numerics": "no"},
        {"max_features": 0},
    ],
)
def test_bad_options_are_named(options):
    (argument,) = options
    with pytest.raises((fastlr.InputError, fastlr.InputTypeError), match=argument):
        FITS["longley"]().summary(**options)


def test_a_summary_survives_pickling_and_says_the_same_to_programs():
    fit = FITS["two_targets"]()
    summary = fit.summary(level=0.8)
    again = pickle.loads(pickle.dumps(summary))
    assert again == summary
    assert again.as_html() == summary.as_html()
    data = json.loads(summary.to_json())
    assert data == again.to_dict()
    assert [row["estimate"] for row in data["terms"]] == fit.params.values.ravel().tolist()
    assert data["terms"][3]["conf_low"] == fit.conf_int(0.8).values[1, 1, 0]
    assert data["targets"][1]["r_squared"] == fit.r2[1]
    assert not any(
        isinstance(v, float) and math.isnan(v) for row in data["terms"] for v in row.values()
    )


def test_printing_and_showing_are_the_text():
    summary = FITS["longley"]().summary()
    assert str(summary) == repr(summary) == f"{summary}" == summary.as_text()
    assert type(summary.as_text()) is str
