r"""Tables as streams of column batches, and model files.

``open_table`` reads CSV, TSV, Parquet, Feather (Arrow IPC), npy and npz, compressed text, and
standard input, a batch of rows at a time: a file may be larger than memory. ``open_tables`` reads
several files as one table. ``save_model`` and ``load_model`` keep a fit as a few kB of JSON.

>>> from pathlib import Path
>>> from fastlr.files import open_table
>>> _ = Path("plots.csv").write_text("area,crop\n2,5\n3,7.5\n4,\n")
>>> with open_table("plots.csv") as table:
...     for batch in table.batches(["area", "crop"]):
...         print(batch.n_rows, "rows, crop:", batch.columns["crop"])
3 rows, crop: [5.  7.5 nan]

Text, Parquet and Arrow files need pyarrow (``pip install "fastlr[files]"``); npy, npz and model
files do not. Nothing but NumPy is imported before a file asks for it.
"""

from fastlr.files._chunks import Chunk
from fastlr.files._joined import closed_tables, open_tables
from fastlr.files._models import MODEL_VERSION, load_model, save_model
from fastlr.files._open import open_table
from fastlr.files._paths import file_among, table_files
from fastlr.files._table import Batch, Column, Table
from fastlr.storage import check_writable, replaced

__all__ = [
    "MODEL_VERSION",
    "Batch",
    "Chunk",
    "Column",
    "Table",
    "check_writable",
    "closed_tables",
    "file_among",
    "load_model",
    "open_table",
    "open_tables",
    "replaced",
    "save_model",
    "table_files",
]
