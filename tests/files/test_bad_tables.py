"""Bad files are refused with their name, the rule and the fix."""

import gzip
import lzma
import zipfile

import numpy as np
import pytest

from fastlr import FileFormatError, InputError
from fastlr.files import open_table
from table_files import CSV, as_arrow_stream, as_feather, as_parquet, columns_of


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "is empty: a table needs a line of names"),
        ("\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        ("a,b\n", "has columns but no rows"),
        ("a,b", "has columns but no rows"),
        ("a,b\n\n\n", "has columns but no rows"),
        ("a,b,a\n1,2,3\n", "columns 1 and 3 share the name 'a': give every column its own"),
        ("1,2.5\n3,4\n", r"only numbers \(1, 2.5\), so the columns have no names: put a line of 2"),
        ("a,b\n1,2\n3\n", "row 2 has 1 field, but the header names 2 columns"),
        ("a,b\n1,2\n3,4,5\n", "row 2 has 3 fields, but the header names 2 columns"),
        ('a,b\n1,"x\n2,3\n4,5\n', "a quoted field that begins at or after row 1 is never closed"),
        ('"a,b\n1,2\n', "the first line does not name columns"),
        (b"a,\xe9\n1,2\n", "the column names are not UTF-8 text: save the file as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "its mark: encoding='utf-16-le'"),
        ("a,b\n1,2\n".encode("utf-16-be"), "its mark: encoding='utf-16-be'"),
        ("".encode("utf-16"), "is empty"),
        (bytes(range(256)), "not a table fastlr knows .* give CSV"),
        ('{"a": [1, 2]}', "is JSON, HTML or XML, not a table"),
        ("<!DOCTYPE html><p>", "is JSON, HTML or XML, not a table"),
        (b"%PDF-1.7", "is a PDF: save the table as CSV"),
        (b"PK\x03\x04 and no more", "is a damaged zip file"),
        (b"PAR1" + bytes(20) + b"PAR1", "is damaged or not what its first bytes promise"),
        (b"ARROW1\x00\x00" + bytes(20), "is damaged or not what its first bytes promise"),
        (b"\xff\xff\xff\xff" + bytes(20), "is damaged or not what its first bytes promise"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "is damaged or holds objects"),
        (gzip.compress(CSV * 1000)[:-30], r"is damaged or cut short \(gzip: .*copy it again"),
        (lzma.compress(CSV * 1000)[:-30], r"is damaged or cut short \(xz: .*copy it again"),
    ],
)
def test_what_is_no_table_is_refused_by_name(write, data, message):
    path = write(data)
    with pytest.raises(FileFormatError, match=message) as caught:
        columns_of(path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("block_bytes", [1 << 16, 8 << 20])
@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("1,x", "column 'b', row 600001: 'x' is not a number .missing values are written as"),
        ('1,"1,5"', "column 'b', row 600001: '1,5' is not a number .decimals are written with a"),
        ("1,2,3", "row 600001 has 3 fields"),
        ("1", "row 600001 has 1 field"),
    ],
)
def test_a_bad_cell_far_down_is_named_by_column_and_row(write, last, message, block_bytes):
    path = write("a,b\n" + "1,2\n" * 600_000 + last + "\n")
    with pytest.raises(FileFormatError, match=message):
        columns_of(path, ["a", "b"], block_bytes=block_bytes)


def test_a_boolean_column_refuses_numbers_later(write):
    path = write("a\n" + "true\n" * 300_000 + "0.5\n")
    with pytest.raises(FileFormatError, match=r"row 300001: '0\.5' is neither true nor false"):
        columns_of(path)


@pytest.mark.parametrize("save", [as_parquet, as_feather, as_arrow_stream])
def test_text_columns_cannot_be_read_as_numbers(tmp_path, save):
    save(tmp_path / "table")
    with pytest.raises(FileFormatError, match="column 'plot' holds text, not numbers"):
        columns_of(tmp_path / "table", ["plot"])


def test_an_unknown_column_is_refused_with_those_there_are(any_format):
    with pytest.raises(InputError, match="has no column 'x'; it has dose, crop"):
        columns_of(any_format, ["x"])


def test_a_spreadsheet_is_refused_as_such(tmp_path):
    path = tmp_path / "table.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(FileFormatError, match="is an Excel sheet: save the table as CSV"):
        open_table(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((2, 2, 2))}, r"array 'x' has shape \(2, 2, 2\)"),
        ({"x": np.float64(1)}, r"array 'x' has shape \(\)"),
        ({"x": np.zeros(2), "y": np.zeros(3)}, "different numbers of rows"),
        ({"x": np.zeros((2, 0))}, "has no columns"),
        ({"x": np.array([1, 2j])}, "column 'x' holds complex numbers"),
        ({"x": np.array([None])}, "is damaged or holds objects"),
    ],
)
def test_arrays_that_are_no_table_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "table.npz", **arrays)
    with pytest.raises(FileFormatError, match=message):
        columns_of(tmp_path / "table.npz", ["x"])


def test_a_missing_file_and_a_directory_are_errors_of_their_own(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*absent.csv: check the name"):
        open_table(tmp_path / "absent.csv")
    with pytest.raises(IsADirectoryError, match="is a directory: name one table file in it"):
        open_table(tmp_path)
