"""Tables of numbers for people: their digits, and how they look as text, HTML, LaTeX and Markdown."""

from fastlr.typesetting.document import Document, Notes
from fastlr.typesetting.table import Head, Row, Table

__all__ = ["Document", "Head", "Notes", "Row", "Table"]
