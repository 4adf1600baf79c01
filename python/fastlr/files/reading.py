"""What tables of other sources than files are made of."""

from fastlr.files._chunks import nothing_to_check, rows_at_once
from fastlr.files._stream import require_pyarrow

__all__ = ["nothing_to_check", "require_pyarrow", "rows_at_once"]
