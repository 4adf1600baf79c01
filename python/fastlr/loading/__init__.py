"""From model files back to objects of any class of fastlr."""

from fastlr.loading.models import load

__all__ = ["load"]
