"""CSV and TSV: blocks, quotes, names, missing values."""

import numpy as np
import pytest

import fastlr
from fastlr.files import open_table
from table_files import columns_in, columns_of


@pytest.mark.parametrize("block_bytes", [20, 64, 1000, 1 << 20])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_blocks_do_not_change_the_rows(write, block_bytes, newline):
    values = np.random.default_rng(0).normal(size=(200, 3))
    lines = ["a,b,note,c"]
    lines += [f'{a!r},{b!r},"x, ""{i}"", y",{c!r}' for i, (a, b, c) in enumerate(values.tolist())]
    path = write(newline.join(lines) + newline)
    columns, n_batches = columns_of(path, ["a", "b", "c"], block_bytes=block_bytes)
    np.testing.assert_array_equal(np.column_stack(list(columns.values())), values)
    assert (n_batches > 1) == (block_bytes <= 1000)


@pytest.mark.parametrize("block_bytes", [16, 50, 1 << 20])
def test_newlines_in_quotes_are_text(write, block_bytes):
    path = write("a,note\n" + "".join(f'{i},"first\nsecond\n\n"\n' for i in range(50)))
    columns, _ = columns_of(path, ["a"], block_bytes=block_bytes)
    np.testing.assert_array_equal(columns["a"], np.arange(50))


def test_a_quotation_mark_inside_a_field_is_a_character(write):
    path = write('pipe,a\n5" wide,1\n' + "plain,2\n" * 30)
    columns, _ = columns_of(path, ["a"], block_bytes=32)
    assert columns["a"].sum() == 61


def test_whole_numbers_may_become_fractions_after_the_first_block(write):
    path = write("a\n" + "1\n" * 600_000 + "2.5\n")
    columns, _ = columns_of(path)
    assert columns["a"].dtype == np.float64
    assert columns["a"][-1] == 2.5


def test_a_column_may_be_empty_at_first(write):
    path = write("a,b\n" + ",1\n" * 600_000 + "7,1\n")
    columns, _ = columns_of(path)
    assert np.isnan(columns["a"][:-1]).all()
    assert columns["a"][-1] == 7


@pytest.mark.parametrize("word", ["", "NA", "NaN", "nan", "null", "NULL", "N/A", " NA ", '""'])
def test_missing_values_are_nan(write, word):
    columns, _ = columns_of(write(f"a,b\n1,2\n{word},4\n"))
    np.testing.assert_array_equal(columns["a"], [1, np.nan])


def test_booleans_are_kept_and_with_gaps_are_numbers(write):
    columns, _ = columns_of(write("a,b\ntrue,true\nfalse,\n"))
    assert columns["a"].tolist() == [True, False]
    np.testing.assert_array_equal(columns["b"], [1, np.nan])


@pytest.mark.parametrize(
    "header",
    ["\ufeffdose,crop\n", "\n\ndose,crop\n", ' dose , "crop"\n', '"dose","crop"\r\n'],
    ids=["byte order mark", "blank lines", "spaces", "quotes"],
)
def test_names_are_cleaned(write, header):
    assert [column.name for column in columns_in(write(header + "1,2\n"))] == ["dose", "crop"]


def test_names_may_have_commas_quotes_and_newlines(write):
    path = write('"a,b","say ""x""","two\nlines"\n1,2,3\n')
    columns, _ = columns_of(path)
    assert list(columns) == ["a,b", 'say "x"', "two\nlines"]
    assert [values[0] for values in columns.values()] == [1, 2, 3]


def test_nameless_columns_get_a_stand_in_and_are_marked(write):
    with open_table(write(",a,\n1,2,3\n")) as table:
        assert table.names == ("column_1", "a", "column_3")
        assert [column.is_named for column in table.columns] == [False, True, False]


def test_columns_that_are_no_numbers_are_marked_with_the_reason(write):
    path = write("power,city,day\n130,Ulm,2024-05-01\n?,Bonn,2024-05-02\n")
    power, city, day = columns_in(path)
    assert not power.is_numeric
    assert power.holds.startswith("text (1 of 2 cells are numbers; row 2 says '?'")
    assert city.holds == "text ('Ulm' in row 1)"
    assert day.holds == "dates or times ('2024-05-01' in row 1)"


@pytest.mark.parametrize(
    "cells",
    [
        ("1", "-2.5e3", "0.1"),
        (" 1", "2 ", " 3.25 "),
        ("", "NA", "null"),
        ("NaN", "nan", "n/a"),
        (".5", "5.", "1E-3"),
        ("9007199254740993", "0.30000000000000004", "1.7976931348623157e308"),
        ("5e-324", "2.2250738585072011e-308", "1e-400"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_plain_numbers_are_read_as_pyarrow_reads_them(tmp_path, monkeypatch, cells, end):
    path = tmp_path / "plain.csv"
    rows = [("1", "2", "3"), cells, ("4", "", "6")]
    path.write_bytes(end.join(map(",".join, [("a", "b", "c"), *rows])).encode())
    found, _ = columns_of(path)
    monkeypatch.setattr("fastlr.files._delimited.DelimitedTable._plain_numbers", lambda *_: None)
    expected, _ = columns_of(path)
    for name in "abc":
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize(
    "row", ["1,2", "1,2,3,4", "1,x,3", "1,+2,3", "1,inf,3", "1,0x10,3", "1,1_0,3"]
)
def test_what_is_no_plain_number_has_the_errors_of_pyarrow(tmp_path, monkeypatch, row):
    path = tmp_path / "plain.csv"
    text = "a,b,c\n" + "1,2.5,3\n" * 5000 + f"{row}\n"
    path.write_text(text)
    monkeypatch.setattr("fastlr.files._delimited._HEAD_BYTES", 1 << 12)

    def outcome():
        try:
            with open_table(path) as table:
                return [batch.columns["b"].tolist() for batch in table.batches(["b"])]
        except fastlr.FileFormatError as error:
            return str(error)

    found = outcome()
    monkeypatch.setattr("fastlr.files._delimited.DelimitedTable._plain_numbers", lambda *_: None)
    assert found == outcome()
