"""One small table in every format that fastlr reads, and what comes back."""

import bz2
import gzip
import lzma

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from fastlr.files import open_table

DOSE, CROP = [1.0, 2.5, -3e-5, 4e10], [1, 2, 3, 4]
CSV = b"dose,crop\n" + b"".join(b"%r,%d\n" % row for row in zip(DOSE, CROP, strict=True))


def columns_of(path, names=None, **options):
    """All batches joined, and how many there were."""
    with open_table(path, **options) as table:
        batches = list(table.batches(names))
    rows = [batch.first_row for batch in batches]
    assert rows == [1, *(1 + np.cumsum([batch.n_rows for batch in batches])[:-1])]
    joined = {n: np.concatenate([b.columns[n] for b in batches]) for n in batches[0].columns}
    return joined, len(batches)


def columns_in(path, **options):
    """What a table knows of its columns before it reads the rows."""
    with open_table(path, **options) as table:
        return table.columns


def arrow_table():
    return pa.table({"dose": DOSE, "crop": CROP, "plot": ["a", "b", "c", "d"]})


def as_csv(path):
    path.write_bytes(CSV)


def as_parquet(path):
    pa.parquet.write_table(arrow_table(), path, row_group_size=3)


def as_feather(path):
    pa.feather.write_feather(arrow_table(), path, compression="zstd")


def as_arrow_stream(path):
    table = arrow_table()
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def as_npz(path):
    with path.open("wb") as file:
        np.savez(file, dose=np.array(DOSE), crop=np.array(CROP))


def as_structured_npy(path):
    rows = np.array(list(zip(DOSE, CROP, strict=True)), dtype=[("dose", ">f8"), ("crop", "i4")])
    with path.open("wb") as file:
        np.save(file, rows)


FORMATS = {
    "csv": as_csv,
    "tsv": lambda path: path.write_bytes(CSV.replace(b",", b"\t")),
    "semicolons.csv": lambda path: path.write_bytes(CSV.replace(b",", b";")),
    "bars.txt": lambda path: path.write_bytes(CSV.replace(b",", b"|")),
    "csv.gz": lambda path: path.write_bytes(gzip.compress(CSV)),
    "csv.bz2": lambda path: path.write_bytes(bz2.compress(CSV)),
    "csv.xz": lambda path: path.write_bytes(lzma.compress(CSV)),
    "csv.zst": lambda path: path.write_bytes(pa.compress(CSV, codec="zstd", asbytes=True)),
    "parquet": as_parquet,
    "feather": as_feather,
    "arrows": as_arrow_stream,
    "npz": as_npz,
    "npy": as_structured_npy,
}
