"""Inference: what the rows say about the parameters of a fit, and how surely."""

from fastlr.inference.inverse import CrossInverse
from fastlr.inference.named import NamedValues

__all__ = ["CrossInverse", "NamedValues"]
