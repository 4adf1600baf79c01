"""Columns of Arrow's, from whatever gives them, as batches have them."""

from fastlr.files._arrow import columns_of_schema, values_of

__all__ = ["columns_of_schema", "values_of"]
