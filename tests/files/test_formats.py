"""Every format gives the same numbers, batch by batch."""

import io
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from fastlr.files import open_table
from table_files import CROP, CSV, DOSE, columns_in, columns_of


def test_every_format_gives_the_same_columns(any_format):
    columns, _ = columns_of(any_format)
    assert list(columns) == ["dose", "crop"]
    np.testing.assert_array_equal(columns["dose"], DOSE)
    np.testing.assert_array_equal(columns["crop"], CROP)


def test_columns_come_in_the_order_asked_for(any_format):
    columns, _ = columns_of(any_format, ["crop", "dose"])
    assert list(columns) == ["crop", "dose"]
    np.testing.assert_array_equal(columns["dose"], DOSE)


def test_the_name_of_a_file_does_not_matter(any_format, tmp_path):
    renamed = any_format.rename(tmp_path / "nameless")
    np.testing.assert_array_equal(columns_of(renamed)[0]["dose"], DOSE)


def test_a_file_can_be_read_twice(any_format):
    with open_table(any_format) as table:
        first, second = (list(table.batches(["dose"])) for _ in range(2))
    np.testing.assert_array_equal(first[0].columns["dose"], second[0].columns["dose"])


def test_standard_input_gives_the_same_columns(any_format, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(any_format.read_bytes())))
    np.testing.assert_array_equal(columns_of("-")[0]["dose"], DOSE)


def test_standard_input_is_read_once(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV)))
    with open_table("-") as table:
        list(table.batches())
        with pytest.raises(ValueError, match="standard input can be read only once"):
            list(table.batches())


def test_bytes_read_grow_to_the_size_of_the_file(any_format):
    with open_table(any_format) as table:
        read = [batch.bytes_read for batch in table.batches()]
        assert read == sorted(read)
        assert 0 < read[-1] <= table.n_bytes == any_format.stat().st_size


def test_the_index_that_pandas_stores_counts_as_nameless(tmp_path):
    path = tmp_path / "table.parquet"
    pa.parquet.write_table(pa.table({"a": [1.0], "__index_level_0__": [3]}), path)
    assert [column.is_named for column in columns_in(path)] == [True, False]


def test_missing_and_odd_types_of_arrow_become_numbers(tmp_path):
    path = tmp_path / "table.feather"
    decimals = pa.array(["1.25", None]).cast(pa.decimal128(10, 2))
    table = pa.table(
        {
            "small": pa.array([1, 2], pa.int8()),
            "gap": [1, None],
            "decimal": decimals,
            "flag": [True, None],
            "half": pa.array(np.array([0.5, 2], np.float16)),
            "single": pa.array([0.1, 0.2], pa.float32()),
            "nothing": pa.nulls(2),
            "category": pa.array([3.0, 4.0]).dictionary_encode(),
        }
    )
    pa.feather.write_feather(table, path)
    columns, _ = columns_of(path)
    kinds = {name: values.dtype.name for name, values in columns.items()}
    assert kinds.pop("small") == "int8"
    assert kinds.pop("single") == "float32"
    assert set(kinds.values()) == {"float64"}
    np.testing.assert_array_equal(columns["gap"], [1, np.nan])
    np.testing.assert_array_equal(columns["decimal"], [1.25, np.nan])
    np.testing.assert_array_equal(columns["flag"], [1, np.nan])
    np.testing.assert_array_equal(columns["category"], [3, 4])


def test_an_npy_file_is_mapped_not_read(tmp_path):
    matrix = np.arange(300_000.0).reshape(100_000, 3)
    np.save(tmp_path / "table.npy", matrix)
    with open_table(tmp_path / "table.npy") as table:
        assert table.names == ("x0", "x1", "x2")
        batches = list(table.batches(["x2"]))
    assert len(batches) > 1
    assert isinstance(batches[0].columns["x2"].base, np.memmap)
    np.testing.assert_array_equal(
        np.concatenate([batch.columns["x2"] for batch in batches]), matrix[:, 2]
    )


def test_an_npz_file_names_columns_after_its_arrays(tmp_path):
    np.savez(tmp_path / "table.npz", X=np.zeros((3, 2)), y=np.ones(3))
    names = [column.name for column in columns_in(tmp_path / "table.npz")]
    assert names == ["X0", "X1", "y"]


WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None
import numpy as np
import fastlr.files
np.save("table.npy", np.eye(3))
print(sum(batch.n_rows for batch in fastlr.files.open_table("table.npy").batches()))
open("table.csv", "w").write("a\\n1\\n")
try:
    fastlr.files.open_table("table.csv")
except ImportError as error:
    print(error)
"""


def test_without_pyarrow_numpy_files_are_read_and_others_say_what_to_install(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_PYARROW],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.splitlines() == [
        "3",
        'reading CSV and TSV files needs pyarrow: pip install "fastlr[files]"',
    ]


def test_importing_files_does_not_import_pyarrow():
    code = "import sys, fastlr.files; print('pyarrow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("offset", range(17))
def test_slices_of_arrow_keep_their_values_and_gaps(offset):
    from fastlr.files._arrow import to_numpy

    rng = np.random.default_rng(offset)
    missing = rng.random(64) < 0.3
    for kind in (pa.int8(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_()):
        numbers = rng.integers(0, 2, 64).astype(kind.to_pandas_dtype())
        for mask in (None, missing):
            column = pa.array(numbers, kind, mask=mask)[offset : 64 - offset]
            expected = numbers[offset : 64 - offset].astype(float)
            if mask is not None:
                expected[mask[offset : 64 - offset]] = np.nan
            for values in (column, pa.chunked_array([column, column[:0], column[3:]])):
                found = to_numpy(values)
                np.testing.assert_array_equal(found[: len(column)], expected)
                assert len(found) == len(values)
    assert to_numpy(pa.array([], pa.float32())).shape == (0,)
