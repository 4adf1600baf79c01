"""Reports: what a fit knows, as data for programs, and as one page for people."""

from fastlr.report.data import summary_dict

__all__ = ["summary_dict"]
