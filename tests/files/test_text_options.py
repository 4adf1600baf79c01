"""Text as others write it: separators, decimal commas, encodings, lines above, words for nothing.

Every message about it names the option that reads the file.
"""

import gzip
import io
import re
import sys

import numpy as np
import pytest

from fastlr import FileFormatError, InputError, InputTypeError
from fastlr.files import open_table
from table_files import CSV, as_arrow_stream, as_feather, as_npz, as_parquet, columns_in, columns_of

EUROPEAN = "Größe;Preis;Tag\r\n1,5;117,0;1.2.2024\r\n2;-3,25e1;\r\n;4;3.2.2024\r\n"


def checked(path, **options):
    columns, _ = columns_of(path, ["Größe", "Preis"], **options)
    np.testing.assert_array_equal(columns["Größe"], [1.5, 2, np.nan])
    np.testing.assert_array_equal(columns["Preis"], [117, -32.5, 4])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_european_spreadsheet_needs_its_decimal_mark_only(write, encoding):
    checked(write(EUROPEAN.encode(encoding)), decimal=",")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "utf-16-be", "mac-roman"])
@pytest.mark.parametrize("block_bytes", [16, 8 << 20])
def test_any_encoding_can_be_named(write, encoding, block_bytes):
    path = write(EUROPEAN.encode(encoding))
    checked(path, decimal=",", encoding=encoding, block_bytes=block_bytes)


@pytest.mark.parametrize("squeezed", [bytes, gzip.compress])
def test_recoded_text_comes_compressed_and_by_standard_input(write, monkeypatch, squeezed):
    data = squeezed(EUROPEAN.encode("latin-1"))
    checked(write(data), decimal=",", encoding="latin-1")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    checked("-", decimal=",", encoding="latin-1")


def test_recoded_text_can_be_read_twice(write):
    with open_table(write(EUROPEAN.encode("utf-16")), decimal=",") as table:
        first, second = (next(table.batches(["Preis"])) for _ in range(2))
    np.testing.assert_array_equal(first.columns["Preis"], second.columns["Preis"])


@pytest.mark.parametrize("delimiter", [":", "space", " ", "^", "~", ";", "semicolon", "\\t", "tab"])
def test_any_character_can_separate(write, delimiter):
    character = {"space": " ", "semicolon": ";", "\\t": "\t", "tab": "\t"}.get(delimiter, delimiter)
    path = write(CSV.replace(b",", character.encode()))
    assert list(columns_of(path, delimiter=delimiter)[0]) == ["dose", "crop"]


def test_a_declared_separator_is_heeded(write):
    path = write("sep=;\r\na,1;b\r\n1;2\r\n")
    assert [column.name for column in columns_in(path)] == ["a,1", "b"]


def test_decimal_commas_may_stand_in_quotes_between_commas(write):
    columns, _ = columns_of(write('a,b\n1,"2,5"\n'), decimal=",")
    assert (columns["a"][0], columns["b"][0]) == (1, 2.5)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_above_the_names_are_skipped(write, newline):
    lines = ["Report, of: the day", "# made by hand", "", "a,b", "1,2", "3,4"]
    for skip in (2, 3):
        columns, _ = columns_of(write(newline.join(lines)), skip=skip)
        np.testing.assert_array_equal(columns["a"], [1, 3])


def test_further_words_for_a_missing_value(write):
    path = write("a,b\n1,2\n?,-999\n.,4\n")
    columns, _ = columns_of(path, na=["?", ".", "-999"])
    np.testing.assert_array_equal(columns["a"], [1, np.nan, np.nan])
    np.testing.assert_array_equal(columns["b"], [2, np.nan, 4])
    assert columns_in(write("a\n?\n1\n"), na="?")[0].is_numeric


# The options are proposed where they help, and the proposal is right


def option_in(message):
    """The last `name=value` of a message, as an argument."""
    name, value = re.findall(r"\b(decimal|encoding|delimiter|skip|na)=('[^']*'|\d+)", message)[-1]
    return {name: int(value) if value.isdigit() else value.strip("'")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a;b\n117,0;1\n", "text ('117,0' in row 1: decimal=',')"),
        ("a;b\n1;1\n117,0;1\n", "text ('117,0' in row 2: decimal=',')"),
        ("a,b\n1,2\n?,3\n4,5\n", "text (2 of 3 cells are numbers; row 2 says '?': na='?')"),
        (
            "a,b\n" + "1,2\n" * 200 + "TOTAL,400\n",
            "text (200 of 201 cells are numbers; row 201 says 'TOTAL' (a footer?): na='TOTAL')",
        ),
    ],
)
def test_a_column_of_text_proposes_what_makes_it_numbers(write, text, words):
    path = write(text)
    (column, _) = columns_in(path)
    assert column.holds == words
    assert columns_in(path, **option_in(words))[0].is_numeric


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("größe,b\n1,2\n".encode("cp1252"), "are not UTF-8 text"),
        ("A report\nof 2024, May\na;b;c\n1;2;3\n4;5;6\n", "the names stand below 2 lines"),
        ("# comment\na,b\n1,2\n", "the names stand below 1 line"),
        ("a,b\n1,2\n".encode("utf-16-le"), "it holds binary data"),
    ],
)
def test_a_file_that_cannot_be_read_proposes_what_makes_it_readable(write, data, words):
    path = write(data)
    with pytest.raises(FileFormatError, match=words) as caught:
        columns_in(path)
    assert all(column.is_numeric for column in columns_in(path, **option_in(str(caught.value))))


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ("TOTAL", r"row 3 has 1 field, .* the row says 'TOTAL'.* If it is a footer, .* head -n -1"),
        ("# end, of, it", r"row 3 has 3 fields, .* Leave comments out: grep -v '\^#'"),
    ],
)
def test_a_bad_row_says_what_it_holds_and_how_to_leave_it_out(write, last, message):
    with pytest.raises(FileFormatError, match=message):
        columns_of(write(f"a,b\n1,2\n3,4\n{last}\n"), ["a", "b"])


def test_decimal_commas_between_commas_are_named_as_the_cause(write):
    with pytest.raises(FileFormatError, match="If decimals have commas, save the file with semi"):
        columns_in(write("a,b\n1,5,2,5\n3,5,4,5\n"))


def test_two_decimal_marks_in_a_column_are_named(write):
    (column, _) = columns_in(write("a;b\n1.5;1\n2,5;1\n"))
    assert column.holds == (
        "text ('2,5' in row 2: other cells have '.' as their decimal mark, correct this one)"
    )


@pytest.mark.parametrize("cell", ["1,234,567", "1.234,56", "1'234", "1.234.567", "-1,234.5"])
@pytest.mark.parametrize("decimal", [".", ","])
def test_marks_between_thousands_are_named(write, cell, decimal):
    (column, _) = columns_in(write(f"a;b\n{cell};1\n"), decimal=decimal, delimiter=";")
    assert (
        column.holds == f"text ({cell!r} in row 1: write numbers without marks between thousands)"
    )


def test_a_comma_before_three_digits_is_what_it_can_be(write):
    """Between semicolons it is a decimal mark; in quotes between commas it parts thousands."""
    for delimiter, cure in ((";", "decimal=','"), (",", "write numbers without marks between")):
        (column, _) = columns_in(write(f'a{delimiter}b\n"1,234"{delimiter}1\n'))
        assert cure in column.holds


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delimiter": "::"}, "delimiter='::' cannot separate columns: give one character"),
        ({"delimiter": '"'}, "cannot separate columns"),
        ({"decimal": ";"}, "decimal=';' is no decimal mark: give ',' or '.'"),
        ({"encoding": "klingon"}, "encoding='klingon' is unknown: give a name such as 'latin-1'"),
        ({"encoding": "base64"}, "encoding='base64' is unknown"),
        ({"skip": -1}, "skip=-1 is below 0"),
        ({"skip": 9}, r"skip=9 leaves no line of names \(the beginning of the file has 5 lines\)"),
        ({"encoding": "ascii"}, "is not text in encoding='ascii'"),
    ],
)
def test_a_wrong_option_is_refused(write, options, message):
    with pytest.raises(ValueError, match=message):
        columns_in(write(CSV if "skip" in options else CSV + "é,1\n".encode()), **options)


def test_an_option_of_a_wrong_type_is_refused(write):
    for options in ({"skip": True}, {"skip": "1"}, {"na": [-999]}):
        with pytest.raises(InputTypeError, match=next(iter(options))):
            open_table(write(CSV), **options)


@pytest.mark.parametrize("save", [as_parquet, as_feather, as_arrow_stream, as_npz])
def test_options_of_text_are_refused_for_what_is_none(tmp_path, save):
    save(tmp_path / "table")
    with pytest.raises(InputError, match=r"decimal=',' is for text, and .*table is none: omit it"):
        open_table(tmp_path / "table", decimal=",")


def test_a_url_is_no_file():
    with pytest.raises(InputError, match=r"is a URL, and fastlr reads files .* pipe it in"):
        open_table("https://example.org/table.csv")
