"""Tables as streams of column batches, and model files.

``open_table`` reads CSV, TSV, Parquet, Feather (Arrow IPC), npy and npz, compressed text, and
standard input, a batch of rows at a time: a file may be larger than memory. ``save_model`` and
``load_model`` keep a fit as a few kB of JSON.

>>> from fastlr.files import open_table
>>> with open_table("examples/longley.csv") as table:  # doctest: +SKIP
...     for batch in table.batches(["gnp", "employed"]):
...         print(batch.n_rows, batch.columns["gnp"].mean())
16 387698.4375

Text, Parquet and Arrow files need pyarrow (``pip install "fastlr[files]"``); npy, npz and model
files do not. Nothing but NumPy is imported before a file asks for it.
"""

from fastlr.files._models import MODEL_VERSION, load_model, save_model
from fastlr.files._open import open_table
from fastlr.files._replace import replaced
from fastlr.files._table import Batch, Column, Table

__all__ = [
    "MODEL_VERSION",
    "Batch",
    "Column",
    "Table",
    "load_model",
    "open_table",
    "replaced",
    "save_model",
]
