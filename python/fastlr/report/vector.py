"""Figures of matplotlib as pieces of a page: vector graphics in the page's own colours and letters."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fastlr.plot.canvas import BLUE, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ACCENT", "FAINT", "INK", "POINT", "drawing", "require_matplotlib", "svg_of"]

# Colours that are drawn with, and what they are on the page, which knows whether it is light or dark.
INK, FAINT, POINT, ACCENT = "#010101", "#010102", "#010103", "#010104"
_ON_PAGE = {
    INK: "currentColor",
    FAINT: "var(--faint)",
    POINT: "var(--point)",
    ACCENT: "var(--accent)",
    # ... and those of `fastlr.plot`
    BLUE.lower(): "var(--point)",
    ORANGE.lower(): "var(--accent)",
    "#737373": "var(--faint)",
    "#ededed": "var(--line)",
    "#ffffff": "var(--page)",
}

_SVG = "http://www.w3.org/2000/svg"
_LINK = "{http://www.w3.org/1999/xlink}href"
_DRAWN = {"clipPath", "defs", "g", "path", "rect", "svg", "text", "tspan", "use"}
_KEPT_ATTRIBUTES = {
    *("d", "x", "y", "width", "height", "viewBox", "transform", "clip-path", "style"),
    *("fill", "fill-opacity", "stroke", "id"),
}
_FONT = re.compile(r"font: ([\d.]+px) [^;]*")
_LONG_NUMBER = re.compile(r"(\d+\.\d\d)\d+")


def require_matplotlib() -> None:
    """Raise an `ImportError` that says how to install matplotlib, if it is missing."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError('a report needs matplotlib: pip install "fastlr[plot]"') from error


@contextmanager
def drawing() -> Iterator[None]:
    """Settings under which figures are drawn and saved: text stays text, and $ is a sign like others."""
    from matplotlib import rc_context

    settings: dict[str, Any] = {
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.labelsize": 10,
        "axes.linewidth": 0.8,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.unicode_minus": True,
        "figure.constrained_layout.use": True,
        "font.family": ["DejaVu Sans"],
        "font.size": 10,
        "svg.fonttype": "none",
        "svg.hashsalt": "fastlr",
        "text.color": INK,
        "text.parse_math": False,
        "text.usetex": False,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
    }
    with rc_context(settings), warnings.catch_warnings():
        # Names are letters of the page's font, whatever letters matplotlib measures them by.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def svg_of(figure: Figure, title: str, key: str) -> str:
    """A figure as an ``svg`` element whose ids begin with ``key``, titled for screen readers.

    Nothing but shapes and text goes through: no metadata, scripts, links or pictures.
    """
    written = io.BytesIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    root = ET.fromstring(written.getvalue())
    _strip(root, key)
    del root.attrib["width"], root.attrib["height"]
    root.set("role", "img")
    root.set("aria-label", title)
    ET.register_namespace("", _SVG)
    return ET.tostring(root, encoding="unicode")


def _strip(element: ET.Element, key: str) -> None:
    """Leave shapes and text, in the colours of the page, with ids of their own."""
    for child in list(element):
        if str(child.tag).removeprefix(f"{{{_SVG}}}") not in _DRAWN:
            element.remove(child)
            continue
        _strip(child, key)
    kept = {name: value for name, value in element.attrib.items() if name in _KEPT_ATTRIBUTES}
    is_referred_to = element.tag.removeprefix(f"{{{_SVG}}}") in {"path", "clipPath"}
    if "id" in kept:
        if is_referred_to:
            kept["id"] = f"{key}-{kept['id']}"
        else:
            del kept["id"]
    if "clip-path" in kept:
        kept["clip-path"] = kept["clip-path"].replace("url(#", f"url(#{key}-")
    if _LINK in element.attrib:
        kept["href"] = f"#{key}-{element.attrib[_LINK].removeprefix('#')}"
    for name in ("style", "fill", "stroke"):
        if name in kept:
            kept[name] = _on_page(kept[name])
    for name in ("d", "x", "y", "transform", "width", "height"):
        if name in kept:
            kept[name] = _LONG_NUMBER.sub(r"\1", kept[name])
    element.attrib.clear()
    element.attrib.update(kept)
    if element.text and not element.text.strip():
        element.text = None
    if element.tail and not element.tail.strip():
        element.tail = None


def _on_page(style: str) -> str:
    for drawn, shown in _ON_PAGE.items():
        style = style.replace(drawn, shown)
    return _FONT.sub(r"font-size: \1", style)
