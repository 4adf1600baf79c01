"""Tables in files, a batch of rows at a time, to fits: files may be larger than memory."""

from fastlr.streams.chunks import Choice, Chunks
from fastlr.streams.files import fit_file

__all__ = ["Choice", "Chunks", "fit_file"]
