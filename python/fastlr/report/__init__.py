"""Reports: what a fit knows, for people and for programs; functions of a result and nothing else."""

from fastlr.report.data import summary_dict
from fastlr.results.summary import Report, number, report, summary_text

__all__ = ["Report", "number", "report", "summary_dict", "summary_text"]
