"""Pages about a fit: complete in themselves, safe with any name, told in sentences, bounded in size, written whole."""

import base64
import hashlib
import html.parser
import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import fastlr
from fastlr.report.models import models_beside
from fastlr.report.page import report_html
from fastlr.report.vector import POINT, drawing, svg_of

ROOT = Path(__file__).parents[2]
LONGLEY = pd.read_csv(ROOT / "examples" / "longley.csv")
X, Y = LONGLEY.drop(columns="employed"), LONGLEY["employed"]
LEAST = fastlr.ols(X, Y)
VOID = {"meta", "br", "hr", "img", "input", "link"}
HOSTILE = '</title><script>alert("1")</script>\' onload="x" $x_1$ \n\x00 ]]> <!-- \u202e'


class Page(html.parser.HTMLParser):
    """Elements of a page with their attributes, its text, and whether its tags are balanced."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs)), f"{tag} has an attribute twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def drawn(n, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 3))
    return rows, rows @ [1.0, -2.0, 0.0] + rng.normal(size=n)


def quiet(*arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return fastlr.ols(*arguments, **options)


@pytest.fixture(scope="module")
def longley():
    """The page about Longley's table, with all models."""
    return report_html(LEAST, X, Y, models=["subset", "ridge", "lasso"])


@pytest.fixture(scope="module")
def hostile():
    """A page whose every name tries to be something else, of columns that depend on one another."""
    rows, y = drawn(30)
    rows = np.column_stack([rows, rows[:, 0]])
    names = [f"{HOSTILE}{j}" for j in range(4)]
    fit = quiet(rows, {f"{HOSTILE}y": y}, feature_names=names)
    return report_html(fit, rows, y, models="lasso", title=HOSTILE, source=HOSTILE)


@pytest.fixture(scope="module", params=["longley", "hostile"])
def text(request):
    return request.getfixturevalue(request.param)


def test_the_page_asks_nothing_of_anybody(text):
    page = Page(text)
    for tag, attrs in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "image", "form", "base"}
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in {"src", "srcset", "action"}, (tag, name)
            if name == "href":
                assert value.startswith("#"), value
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) == {"#"}


def test_the_only_script_is_the_one_that_the_policy_names(text):
    page = Page(text)
    assert page.all("script") == [{}]
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [m["content"] for m in page.all("meta") if m.get("http-equiv")]
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_names_are_shown_and_never_obeyed(hostile):
    page = Page(hostile)
    assert 'alert("1")' in page.text
    assert "$x_1$" in page.text
    assert len(page.all("title")) == 1
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", hostile)


def test_ids_are_one_and_whatever_is_referred_to_is_there(text):
    page = Page(text)
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = re.findall(r'href="#([^"]+)"', text) + re.findall(r"url\(#([^)]+)\)", text)
    targets += [attrs["aria-labelledby"] for attrs in page.all("section")]
    assert len(targets) > 10
    assert set(targets) <= set(ids)


def test_tables_and_pictures_speak_to_screen_readers(text):
    page = Page(text)
    assert len(page.all("table")) == len(page.all("caption")) >= 4
    assert all(attrs.get("scope") in {"col", "row", "colgroup"} for attrs in page.all("th"))
    drawings = page.all("svg")
    assert "nan" not in "".join(re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)).lower()
    assert len(drawings) == len(page.all("figure")) == len(page.all("figcaption")) == 7
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in drawings)
    assert page.all("html") == [{"lang": "en"}]
    assert [tag for tag, _ in page.elements].count("h1") == 1


def test_pictures_have_the_colours_of_the_page(longley):
    drawings = "".join(re.findall(r"<svg.*?</svg>", longley, flags=re.DOTALL))
    assert set(re.findall(r"#[0-9a-f]{6}\b", drawings)) == set()
    assert {"currentColor", "var(--point)", "var(--accent)", "var(--faint)"} <= set(
        re.findall(r"currentColor|var\(--\w+\)", drawings)
    )
    assert "prefers-color-scheme:dark" in longley
    assert "@media print" in longley


def test_columns_are_sorted_by_their_numbers(longley):
    (attrs,) = [attrs for attrs in Page(longley).all("div") if "data-keys" in attrs]
    keys = json.loads(attrs["data-keys"])
    heads = ["name", "coefficient", "std error", "interval", "t", "p", "per sd", "VIF"]
    assert len(keys) == len(heads)
    by = dict(zip(heads, keys, strict=True))
    fit = fastlr.ols(X, Y)
    np.testing.assert_allclose(by["coefficient"]["values"], fit.params.values, rtol=1e-11)
    assert by["p"]["first"] == "ascending"
    assert by["VIF"]["values"][0] is None
    assert by["VIF"]["values"][2] == pytest.approx(1788.51, abs=0.01)


@pytest.fixture
def without_pictures(monkeypatch):
    """Pages of the test have no pictures, which take longer than all else."""
    monkeypatch.setattr("fastlr.report.page.pictures_of", lambda *given, **options: [])


def test_sentences_name_what_deserves_attention(longley):
    text = Page(longley).text
    assert "Collinear features (condition number 111)" in text
    assert "gnp (VIF 1 789), year (VIF 759), population (VIF 399)" in text
    assert "row 4 (0.61). Without row 4, the coefficient of year would be 1.9 standard" in text


@pytest.mark.usefixtures("without_pictures")
def test_patterns_and_outliers_are_found_where_they_are():
    rows, y = drawn(200)
    y = y + 2 * rows[:, 1] ** 2
    y[7] += 60
    order = np.argsort(rows[:, 0])
    bent = Page(report_html(fastlr.ols(rows[order], y[order]), rows[order], y[order])).text
    where = int(np.flatnonzero(order == 7)[0])
    assert f"(studentised residuals): row {where} (" in bent
    assert "The residuals bend with the predictions" in bent
    assert "Residuals are not normal" in bent


@pytest.mark.usefixtures("without_pictures")
def test_a_good_fit_is_told_to_be_good():
    rows, y = drawn(200)
    text = Page(report_html(fastlr.ols(rows, y), rows, y)).text
    assert "Nothing stands out." in text
    assert (
        "no sign of a curve over the predictions, unequal variances, neighbours alike or a" in text
    )


def test_without_row_influence_is_what_a_refit_says():
    fit = fastlr.ols(X, Y)
    rest = fastlr.ols(X.drop(index=4), Y.drop(index=4))
    moved = (fit.params["year"] - rest.params["year"]) / fit.std_errors["year"]
    assert abs(moved) == pytest.approx(1.9, abs=0.4)  # by the standard error with the row
    assert moved < 0


ROWS, Z = drawn(24)
COUNTS = np.arange(24) % 3
CASES = {
    "dependent": lambda: (np.column_stack([ROWS, ROWS[:, 0]]), Z, {}),
    "wide": lambda: (ROWS[:6].repeat(3, 1) + np.eye(6, 9), Z[:6], {}),
    "saturated": lambda: (ROWS[:4], Z[:4], {}),
    "perfect": lambda: (ROWS, ROWS @ [1.0, 2.0, 3.0], {}),
    "constant target": lambda: (ROWS, np.ones(24), {}),
    "penalty": lambda: (ROWS, Z, {"alpha": 1.0}),
    "weights": lambda: (ROWS, Z, {"sample_weight": COUNTS, "weight_type": "frequency"}),
    "origin": lambda: (ROWS[:, :1], Z, {"fit_intercept": False}),
}
SAID = {
    "dependent": "nothing can be stated of x0, x3",
    "wide": "leave no degrees of freedom",
    "saturated": "leave no degrees of freedom",
    "perfect": "Nothing but rounding is left unexplained",
    "constant target": "Nothing but rounding is left unexplained",
    "penalty": "With a penalty",
    "weights": "Weights are frequencies",
    "origin": "no intercept",
}


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_stated_is_a_sentence_and_no_number(case):
    rows, y, options = CASES[case]()
    fit = quiet(rows, y, **options)
    page = Page(report_html(fit, rows, y, sample_weight=options.get("sample_weight")))
    assert SAID[case] in page.text
    assert not re.search(r"\bnan\b", page.text)


def test_other_models_are_judged_by_the_same_rows_held_out():
    fit = fastlr.ols(X, Y)
    found = models_beside(fit, X, Y, None, ("subset", "ridge", "lasso"))
    order = np.random.default_rng(0).permutation(len(Y))
    rows, y = X.to_numpy()[order], Y.to_numpy(dtype=float)[order]
    errors = []
    for test in np.array_split(np.arange(len(y)), 5):
        train = np.setdiff1d(np.arange(len(y)), test)
        left = y[test] - fastlr.ols(rows[train], y[train]).predict(rows[test])
        errors.append(np.mean(left**2))
    assert found[0].error == pytest.approx(np.sqrt(np.mean(errors)), rel=1e-6)
    names = [model.name for model in found]
    assert names == ["least squares", "best subset", "ridge", "lasso"]
    assert [model.n_used for model in found[:3]] == [6, 3, 6]
    chosen = X.columns[np.flatnonzero(found[1].per_sd)]
    again = fastlr.ols(X[chosen], Y)
    np.testing.assert_allclose(
        found[1].per_sd[found[1].per_sd != 0], again.coef * again.feature_std, rtol=1e-6
    )


def test_the_size_is_bounded_however_many_the_rows_and_features(monkeypatch):
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(1500, 2))
    y = rows.sum(axis=1) + rng.normal(size=1500)
    assert len(report_html(fastlr.ols(rows, y), rows, y)) < 700_000
    monkeypatch.setattr("fastlr.report.page.pictures_of", lambda *given, **options: [])
    wide = rng.normal(size=(260, 230))
    y = wide[:, 0] + rng.normal(size=260)
    names = [f"{j}" + "long" * 500 for j in range(230)]
    text = report_html(fastlr.ols(wide, y, feature_names=names), wide, y)
    assert len(text) < 700_000
    assert "30 features with smaller changes per sd are not shown." in text


def figure_of(values):
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot(values, "o", color=POINT)
    return figure


@pytest.mark.usefixtures("without_pictures")
def test_the_same_fit_gives_the_same_page():
    with drawing():
        drawn = [svg_of(figure_of([1.0, 2.0]), "a title", "p0") for _ in range(2)]
    assert drawn[0] == drawn[1]
    page = report_html(LEAST, X, Y, models=["subset"])
    assert page == report_html(LEAST, X, Y, models=["subset"])


@pytest.mark.usefixtures("without_pictures")
def test_a_page_is_written_whole_or_not_at_all(tmp_path):
    rows, y = drawn(12)
    path = tmp_path / "page.html"
    path.write_text("before", encoding="utf-8")
    fit = fastlr.ols(rows, y)
    with pytest.raises(fastlr.InputError, match="rows"):
        fastlr.write_report(fit, rows, y + 1.0, path)
    with pytest.raises(fastlr.InputError, match="models='forest' is unknown"):
        fastlr.write_report(fit, rows, y, path, models=["forest"])
    assert path.read_text(encoding="utf-8") == "before"
    with pytest.raises(OSError, match="no directory"):
        fastlr.write_report(fit, rows, y, tmp_path / "nowhere" / "page.html")
    fastlr.write_report(fit, rows, y, path)
    assert path.read_text(encoding="utf-8").endswith("</html>\n")
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.usefixtures("without_pictures")
def test_refusals_name_the_rule(monkeypatch):
    rows, y = drawn(12)
    both = fastlr.ols(rows, np.column_stack([y, y]))
    with pytest.raises(fastlr.InputError, match="about one target, and this fit has 2"):
        report_html(both, rows, np.column_stack([y, y]))
    with pytest.raises(fastlr.InputTypeError, match="pass a LinearFit"):
        report_html("fit", rows, y)
    with pytest.raises(fastlr.InputError, match="this fit is by ridge regression"):
        report_html(fastlr.ols(rows, y, alpha=1.0), rows, y, models="lasso")
    with pytest.raises(fastlr.InputError, match="not enough"):
        report_html(fastlr.ols(rows[:6], y[:6]), rows[:6], y[:6], models="lasso")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install \"fastlr\[plot\]\""):
        report_html(fastlr.ols(rows, y), rows, y)
