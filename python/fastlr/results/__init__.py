"""Results: what a fit knows, frozen."""

from fastlr.results.linear_fit import LinearFit
from fastlr.results.prediction import predict_linear
from fastlr.results.ranking import Weight, WeightRanking
from fastlr.results.status import Status

__all__ = ["LinearFit", "Status", "Weight", "WeightRanking", "predict_linear"]
