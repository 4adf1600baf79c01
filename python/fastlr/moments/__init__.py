"""Moments: rows become one small statistic that can be merged, and from which fits follow."""

from fastlr.moments.moments import Moments

__all__ = ["Moments"]
