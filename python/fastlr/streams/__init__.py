"""Tables in files, frames and streams, a chunk of rows at a time, to fits: they may be larger than memory."""

from fastlr.streams.choice import Choice
from fastlr.streams.files import fit_file
from fastlr.streams.kept import KeptRows
from fastlr.streams.predictions import predict_file
from fastlr.streams.rows import Scan
from fastlr.streams.scanning import scan

__all__ = ["Choice", "KeptRows", "Scan", "fit_file", "predict_file", "scan"]
