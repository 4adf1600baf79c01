"""One page about a fit, complete in itself: summary, what deserves attention, pictures, rows, and other models."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

import fastlr
from fastlr.errors import InputError, InputTypeError
from fastlr.inference.distributions import as_level
from fastlr.report.findings import Findings, findings_of
from fastlr.report.models import as_models, models_beside, sentence_on
from fastlr.report.patterns import Pattern, patterns_of
from fastlr.report.pictures import Picture, pictures_of
from fastlr.report.rows import MOST_KEPT, SeenRows, seen_rows
from fastlr.report.style import SCRIPT, policy, stylesheet
from fastlr.report.tables import (
    coefficient_table,
    model_coefficients_table,
    model_table,
    pattern_table,
    row_table,
)
from fastlr.report.vector import require_matplotlib
from fastlr.results import LinearFit
from fastlr.results.summary_words import counted, figures, method_of, numerics, size_of
from fastlr.storage import check_writable, replaced
from fastlr.typesetting.figures import p_value, share, significant
from fastlr.typesetting.html import notes_html, number_html
from fastlr.typesetting.names import shortened

__all__ = ["report_html", "write_report"]

_LONGEST_SENTENCE = 1500  # characters


def write_report(
    fit: LinearFit,
    X: object,
    y: object,
    path: str | os.PathLike[str],
    *,
    sample_weight: object = None,
    models: str | Sequence[str] = (),
    level: float = 0.95,
    title: str | None = None,
) -> None:
    """Write one page of HTML about a fit: what it found, what deserves attention, and pictures to look at.

    Parameters
    ----------
    fit : LinearFit
        A fit of one target.
    X, y : array-like
        The rows of the fit, as they were fitted.
    path : str or path-like
        The file to write; one that is there is replaced whole, or not touched if anything fails.
    sample_weight : float or array-like of shape (n_samples,), optional
        The weights of the fit.
    models : sequence of {"subset", "ridge", "lasso"}, default=()
        Models to stand beside least squares, chosen and judged by five folds.
    level : float, default=0.95
        Probability with which an interval covers its coefficient.
    title : str, optional
        The heading; by default the target and how many features explain it.

    Raises
    ------
    InputError
        If these are not the rows of the fit, it has several targets, or an option is unknown or out of range.
    ImportError
        If matplotlib, which draws the pictures, is not installed.
    OSError
        If the file cannot be written.

    Notes
    -----
    The page needs nothing but itself: no network, and a browser is told to fetch nothing. It shows light or dark as the
    reader has it, wide or narrow, and prints. Rows are named by their positions from 0 on. Its size is bounded: of more
    than 1200 rows pictures show bins, of more than 200 features the table has the most important.

    Examples
    --------
    >>> import fastlr
    >>> X, y = [[1.0], [2.0], [3.0], [4.0], [5.0]], [1.0, 3.0, 2.0, 5.0, 6.0]
    >>> fastlr.write_report(fastlr.ols(X, y), X, y, "report.html")
    """
    require_matplotlib()
    check_writable(path)
    page = report_html(
        fit, X, y, sample_weight=sample_weight, models=models, level=level, title=title
    )
    with replaced(path) as file:
        file.write(page.encode("utf-8"))


def report_html(
    fit: LinearFit,
    X: object,
    y: object,
    *,
    sample_weight: object = None,
    models: str | Sequence[str] = (),
    level: float = 0.95,
    title: str | None = None,
    source: str = "",
    row_numbers: npt.NDArray[np.intp] | None = None,
    words: Callable[[str], str] = str,
) -> str:
    """The page itself; see `write_report`.

    ``source`` says where the rows come from, ``row_numbers`` what each is called there, and ``words`` puts sentences
    about arguments into the words of whoever asks.
    """
    if not isinstance(fit, LinearFit):
        raise InputTypeError(
            f"fit is a {type(fit).__name__}: pass a LinearFit, such as fastlr.ols gives, or an estimator's fit_."
        )
    if fit.n_targets != 1:
        raise InputError(
            f"a report is about one target, and this fit has {fit.n_targets}: fit and report each alone."
        )
    level = as_level(level)
    wanted = as_models(models)
    require_matplotlib()
    rows = seen_rows(fit, X, y, sample_weight, row_numbers)
    patterns = patterns_of(fit, X, y, sample_weight, rows)
    findings = findings_of(fit, rows, patterns)
    findings = Findings(tuple(map(words, findings.attention)), tuple(map(words, findings.in_order)))
    pictures = pictures_of(fit, rows, level=level)
    sections = [
        ("attention", "What deserves attention", _attention(findings)),
        ("coefficients", "Coefficients", _coefficients(fit, level)),
        ("pictures", "Pictures", _pictures(pictures, rows)),
    ]
    if patterns:
        sections.append(("residuals", "Residuals", _residuals(patterns)))
    if rows.top and len(rows.top["row"]):
        sections.append(("rows", "Influential rows", _rows(fit, rows)))
    if wanted:
        found = models_beside(fit, X, y, sample_weight, wanted)
        inner = f"<p>{escape(sentence_on(found))}</p>{model_table(found)}{_LEGEND_OF_MODELS}"
        inner += model_coefficients_table(fit, found)
        sections.append(("models", "Other models", inner))
    heading = title or f"{fit.target_names[0]} on {counted(fit.n_features, 'feature')}"
    return _page(fit, heading, source, sections)


_LEGEND_OF_MODELS = (
    '<div class="fastlr-text"><div class="legend"><p>Each row is predicted by models that were fitted to four other '
    "fifths of the rows, dealt at random, always the same way. Features were given mean 0 and standard deviation 1 "
    "first. The penalty, or the number of features, is the one with the smallest error, which is "
    "therefore slightly too small.</p></div></div>"
)


def _page(
    fit: LinearFit, heading: str, source: str, sections: Sequence[tuple[str, str, str]]
) -> str:
    name = escape(shortened(heading))
    about = " · ".join(filter(None, (method_of(fit), size_of(fit), source)))
    links = "".join(f'<a href="#{key}">{title}</a>' for key, title, _ in sections)
    body = "\n".join(
        f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{title}</h2>\n{inner}\n</section>'
        for key, title, inner in sections
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="fastlr {fastlr.__version__}">
<title>{name}</title>
<style>
{stylesheet()}</style>
</head>
<body>
<header>
<h1>{name}</h1>
<p class="sub">{escape(shortened(about, 400))}</p>
{_key_figures(fit)}
<nav aria-label="Sections">{links}</nav>
</header>
<main>
{body}
</main>
<footer><p>{escape(numerics(fit))} Made by fastlr {fastlr.__version__}.</p></footer>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _key_figures(fit: LinearFit) -> str:
    """The few numbers that come first."""
    sd, p = _first(fit.residual_sd), _first(fit.f_pvalue)
    shown: list[tuple[str, str]] = []
    if math.isfinite(_first(fit.r2)):
        shown.append(("R<sup>2</sup>", share(_first(fit.r2))))
    if math.isfinite(_first(fit.rsquared_adj)):
        shown.append(("R<sup>2</sup>, adjusted", share(_first(fit.rsquared_adj))))
    if math.isfinite(sd):
        shown.append(("residual standard error", significant(sd, 4)))
    if math.isfinite(p):
        shown.append(("p, all features together", p_value(p)))
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{number_html(value)}</dd></div>" for name, value in shown
    )
    return f'<dl class="key">{cells}</dl>' if cells else ""


def _first(value: Any) -> float:
    return float(np.atleast_1d(value)[0])


def _attention(findings: Findings) -> str:
    looks = "".join(
        f"<li>{escape(shortened(sentence, _LONGEST_SENTENCE))}</li>"
        for sentence in findings.attention
    )
    inner = f'<ul class="looks">{looks}</ul>' if looks else "<p>Nothing stands out.</p>"
    if findings.in_order:
        good = "".join(
            f"<li>{escape(shortened(sentence, _LONGEST_SENTENCE))}</li>"
            for sentence in findings.in_order
        )
        inner += f"<h3>Looked at and found in order</h3><ul>{good}</ul>"
    return inner


def _coefficients(fit: LinearFit, level: float) -> str:
    notes = notes_html("figures", (figures(fit, 0),))
    return f'{coefficient_table(fit, level)}<div class="fastlr-text">{notes}</div>'


def _pictures(pictures: Sequence[Picture], rows: SeenRows) -> str:
    shown = "\n".join(
        f"<figure><figcaption><strong>{escape(title)}</strong> {escape(sentence)}</figcaption>{svg}</figure>"
        for title, sentence, svg in pictures
    )
    missing = ""
    if len(rows.fitted) > MOST_KEPT:
        missing = f"<p>Leverages of {len(rows.fitted)} rows are not drawn; the most influential rows are below.</p>"
    elif not rows.has_errors:
        missing = "<p>Residuals are not drawn: no standard error is known to judge them by.</p>"
    return f'<div class="pictures">{shown}</div>{missing}'


def _residuals(patterns: Sequence[Pattern]) -> str:
    return pattern_table(patterns) + (
        '<div class="fastlr-text"><div class="legend"><p>A pattern counts as found if chance would make it once in a '
        "hundred times at most, and if it is large enough to matter.</p></div></div>"
    )


def _rows(fit: LinearFit, rows: SeenRows) -> str:
    told = "Rows are counted from 0 on." if rows.numbers is None else "Rows are counted from 1 on."
    return f'{row_table(fit, rows)}<div class="fastlr-text"><div class="legend"><p>{told}</p></div></div>'
