"""Every picture: what is on it, that no words overlap, and that it looks as it did when somebody looked at it.

Pictures lie in `pictures/`. They are compared coarsely, in blocks of pixels, since fonts and versions of
matplotlib differ by a pixel here and there. `FASTLR_DRAW=1 pytest tests/plot` draws them anew:
look at them before you commit them.
"""

import csv
import functools
import os
from pathlib import Path

import numpy as np
import pytest

import fastlr
from fastlr import plot

pytest.importorskip("matplotlib")
from matplotlib.backends.backend_agg import FigureCanvasAgg

HERE = Path(__file__).parent
DPI = 36
BLOCK = 8  # pixels
TOLERANCE = 0.12  # largest difference of a block's mean grey, 1 is black against white
TYPICAL = 0.006  # ... and that of all blocks on average


@functools.cache
def longley():
    with (HERE.parents[1] / "examples" / "longley.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    table = np.array(rows, dtype=float)
    X, y = table[:, :-1], {"employed": table[:, -1]}
    return X, y, fastlr.ols(X, y, feature_names=header[:-1])


@functools.cache
def line():
    rng = np.random.default_rng(1)
    X = {"age": rng.uniform(0, 10, 60)}
    y = {"height": 2.0 * X["age"] + 3.0 + rng.normal(size=60)}
    return X, y, fastlr.ols(X, y)


@functools.cache
def many_rows():
    rng = np.random.default_rng(2)
    x = rng.normal(size=20_000)
    X, y = {"x": x}, {"y": x + rng.normal(size=20_000)}
    return X, y, fastlr.ols(X, y)


@functools.cache
def descent(**options):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(120, 1)), rng.normal(size=120)
    y = 3.0 * X[:, 0] + 2.0 + y
    given = {"learning_rate": 0.1, "epochs": 3, "batch_size": 10, "random_state": 0} | options
    return fastlr.descend(X, y, loss="mse", init=([-3.0], -4.0), tol=None, **given)


@functools.cache
def comparison(n_rates=3, sizes=(None,)):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(100, 2))
    y = X @ [1.0, 2.0] + rng.normal(size=100)
    return fastlr.compare_rates(X, y, np.geomspace(0.01, 3.0, n_rates), sizes, epochs=10)


def standardised():
    X, y, fit = longley()
    return X / X.std(axis=0), y, fit.feature_names


PICTURES = {
    "regression": lambda: plot.regression(line()[2], *line()[:2]),
    "many_rows": lambda: plot.regression(many_rows()[2], *many_rows()[:2]),
    "diagnostics": lambda: plot.diagnostics(longley()[2], *longley()[:2]),
    "coefficients": lambda: plot.coefficients(longley()[2]),
    "predicted": lambda: plot.predicted(longley()[2], *longley()[:2]),
    "partial_regression": lambda: plot.partial_regression(longley()[2], *longley()[:2], "year"),
    "collinearity": lambda: plot.collinearity(longley()[2]),
    "ridge_path": lambda: fastlr.ridge_path(
        *standardised()[:2], feature_names=standardised()[2]
    ).plot(),
    "lasso_path": lambda: fastlr.lasso_path(
        standardised()[0], standardised()[1]["employed"], feature_names=standardised()[2]
    ).plot(),
    "loss": lambda: plot.loss(descent(validation=0.2, epochs=20, patience=None)),
    "loss_surface": lambda: plot.loss_surface(
        descent(record="steps"), descent(record="steps", batch_size=40), labels=["10", "40"]
    ),
    "learning_rates": lambda: comparison().plot(),
    "learning_rates_and_batches": lambda: comparison(5, (10, None)).plot(),
}


@functools.cache
def drawn(name):
    """The axes of a picture, and its pixels as grey from 0 to 1."""
    axes = np.ravel(PICTURES[name]())
    figure = axes[0].figure
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return axes, np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=2) / 255.0


def blocks(grey):
    rows, columns = (size // BLOCK for size in grey.shape)
    cut = grey[: rows * BLOCK, : columns * BLOCK]
    return cut.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_looks_as_it_did_when_it_was_looked_at(name):
    from PIL import Image

    file = HERE / "pictures" / f"{name}.png"
    grey = drawn(name)[1]
    if os.environ.get("FASTLR_DRAW"):
        Image.fromarray(np.round(255 * grey).astype(np.uint8)).save(file, optimize=True)
    kept = np.asarray(Image.open(file)) / 255.0
    assert abs(np.subtract(kept.shape, grey.shape)).max() <= BLOCK
    a, b = blocks(kept), blocks(grey)
    shape = tuple(np.minimum(a.shape, b.shape))
    away = np.abs(a[: shape[0], : shape[1]] - b[: shape[0], : shape[1]])
    assert away.max() < TOLERANCE
    assert away.mean() < TYPICAL


def words_of(ax, renderer):
    """The boxes of all texts that belong to axes and are seen."""
    texts = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.texts]
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        texts += [
            tick.label1
            for tick in axis.get_major_ticks()
            if low <= tick.get_loc() <= high and tick.label1.get_visible()
        ]
    legend = ax.get_legend()
    texts += [] if legend is None else legend.get_texts()
    shown = [text for text in texts if text.get_text().strip()]
    return {
        f"{text.get_text()} ({k})": text.get_window_extent(renderer) for k, text in enumerate(shown)
    }


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_a_title_named_axes_and_no_words_over_one_another(name):
    axes, _ = drawn(name)
    figure = axes[0].figure
    renderer = figure.canvas.get_renderer()
    boxes = {}
    for ax in axes:
        assert ax.get_title(loc="left").strip()
        if name != "collinearity":
            assert ax.get_xlabel()
        if name not in {"collinearity", "coefficients"}:
            assert ax.get_ylabel()
        boxes |= {f"{key} in {id(ax)}": box for key, box in words_of(ax, renderer).items()}
        legend = ax.get_legend()
        if legend is not None:  # it stands above what is drawn
            assert legend.get_window_extent(renderer).y0 >= ax.get_window_extent(renderer).y1 - 1
    page = figure.bbox
    rotated = name == "collinearity"  # whose labels are slanted: their boxes overlap, they do not
    names = list(boxes)
    for i, one in enumerate(names):
        box = boxes[one]
        assert box.x0 > page.x0 - 1, f"{one} is cut off"
        assert box.x1 < page.x1 + 1, f"{one} is cut off"
        assert box.y0 > page.y0 - 1, f"{one} is cut off"
        assert box.y1 < page.y1 + 1, f"{one} is cut off"
        for other in names[:i]:
            b = boxes[other]
            across = min(box.x1, b.x1) - max(box.x0, b.x0)
            along = min(box.y1, b.y1) - max(box.y0, b.y0)
            assert rotated or across < 1 or along < 1.5, f"{one} lies over {other}"


@pytest.mark.parametrize("name", PICTURES)
def test_lines_of_a_picture_differ_without_colours(name):
    for ax in drawn(name)[0]:
        legend = ax.get_legend()
        if legend is None:
            continue
        lines = [
            line
            for line in ax.lines
            if not line.get_label().startswith("_") and line.get_linestyle() != "None"
        ]
        looks = [(str(line._dash_pattern), line.get_marker(), line.get_color()) for line in lines]
        assert len({look[:2] for look in looks}) >= min(len(looks), 2)
        assert len(set(looks)) == len(looks)


def test_no_picture_knows_of_pyplot_or_changes_settings():
    import sys

    import matplotlib

    before = dict(matplotlib.rcParams)
    for name in PICTURES:
        drawn.__wrapped__(name) if name == "regression" else drawn(name)
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()
