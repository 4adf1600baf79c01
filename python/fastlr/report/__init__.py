"""Reports: what a fit knows, for programs; functions of a result and nothing else."""

from fastlr.report.data import summary_dict

__all__ = ["summary_dict"]
