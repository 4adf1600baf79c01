"""Several files, a directory and a pattern are one table."""

import gzip
import io
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from fastlr import FileFormatError, InputError
from fastlr.files import open_tables, table_files
from table_files import CROP, CSV, DOSE, FORMATS


def rows_of(paths, names=("dose", "crop"), **options):
    with open_tables(paths, **options) as table:
        batches = list(table.batches(names))
    return np.concatenate(
        [np.column_stack([batch.columns[name] for name in names]) for batch in batches]
    ), [(batch.label, batch.first_row, batch.n_rows) for batch in batches]


@pytest.fixture
def directory(tmp_path):
    """One table in every format (Arrow and text), and files that are none."""
    place = tmp_path / "tables"
    place.mkdir()
    for ending, save in FORMATS.items():
        if ending not in {"bars.txt", "npy", "npz", "parquet", "feather", "arrows"}:
            save(place / f"t.{ending}")
    (place / "README.md").write_text("dose,crop\n9,9\n")
    (place / "_SUCCESS.csv").write_text("")
    (place / ".hidden.csv").write_text("")
    (place / "older.csv").mkdir()
    return place


def test_a_directory_is_its_tables_one_after_another_by_name(directory):
    files = [
        str(directory / f"t.{end}") for end in sorted(FORMATS) if (directory / f"t.{end}").exists()
    ]
    assert table_files([directory]) == sorted(files)
    values, parts = rows_of([directory])
    np.testing.assert_array_equal(values, np.tile(np.column_stack([DOSE, CROP]), (len(files), 1)))
    assert parts == [(file, 1, 4) for file in sorted(files)]


def test_a_pattern_is_the_files_that_fit(directory, monkeypatch):
    assert table_files([f"{directory}/*.tsv"]) == [str(directory / "t.tsv")]
    (directory / "older.csv" / "t.tsv").write_bytes(CSV.replace(b",", b"\t"))
    assert len(rows_of([f"{directory}/**/*.tsv"])[0]) == 8
    monkeypatch.chdir(directory)
    (directory / "[1].csv").write_bytes(CSV)  # the name of a file goes before a pattern
    assert table_files(["[1].csv"]) == ["[1].csv"]


def test_columns_are_matched_by_name_whatever_their_order_and_format(tmp_path):
    for name, save in {"a.csv": "csv", "b.npz": "npz", "c.npy": "npy"}.items():
        FORMATS[save](tmp_path / name)
    (tmp_path / "d.csv").write_text("crop;dose\n7;8,5\n")
    (tmp_path / "e.csv").write_text("crop;dose\n")
    values, parts = rows_of([tmp_path / "a.csv", tmp_path / "b.npz", tmp_path / "c.npy"])
    np.testing.assert_array_equal(values, np.tile(np.column_stack([DOSE, CROP]), (3, 1)))
    values, parts = rows_of([tmp_path / n for n in ("b.npz", "d.csv", "e.csv")], decimal=",")
    assert values[-1].tolist() == [8.5, 7]
    assert [rows for _, _, rows in parts] == [4, 1]  # a file without rows has none to give


def test_batches_tell_how_far_the_reading_has_come(directory):
    with open_tables([directory]) as table:
        read = [batch.bytes_read for batch in table.batches()]
        assert read == sorted(read)
        assert read[-1] == table.n_bytes


def test_standard_input_and_pipes_can_be_among_the_files(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(CSV)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(CSV))))
    reader, writer = os.pipe()
    os.write(writer, CSV)
    os.close(writer)
    values, _ = rows_of([tmp_path / "a.csv", "-", f"/dev/fd/{reader}"])
    os.close(reader)
    assert len(values) == 12


def test_a_hundred_files_need_few_open_ones(tmp_path):
    for i in range(100):
        (tmp_path / f"{i:03}.csv").write_text(f"dose,crop\n{i},1\n")
    before = len(list(Path("/proc/self/fd").iterdir()))
    with open_tables([tmp_path]) as table:
        for i, batch in enumerate(table.batches()):
            assert batch.columns["dose"].tolist() == [i]
            assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dose\n1\n", r"b.csv lacks 'crop', compared with .*a.csv: files that are one table"),
        ("dose,crop,day\n1,2,3\n", r"b.csv has 'day' besides, compared with .*a.csv"),
        ("Dose,crop\n1,2\n", r"b.csv lacks 'dose' and has 'Dose' besides"),
        ("", "b.csv is empty"),
        ("dose,crop\n1\n", "b.csv: row 1 has 1 field"),
        ("dose,crop\n1,?\n", r"column 'crop' holds in .*b.csv text \('\?' in row 1\)"),
    ],
)
def test_the_file_that_differs_is_named(tmp_path, text, message):
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "b.csv").write_text(text)
    shutil.copy(tmp_path / "a.csv", tmp_path / "c.csv")
    with pytest.raises(FileFormatError, match=message):
        rows_of([tmp_path])


def test_what_names_no_tables_is_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"empty is a directory without a table file in it"):
        table_files([tmp_path / "empty"])
    with pytest.raises(FileNotFoundError, match=r"no file fits the pattern '.*\*.tsv': check it"):
        table_files([f"{tmp_path}/*.tsv"])
    with pytest.raises(FileNotFoundError, match=r"there is no file .*absent.csv"):
        open_tables([tmp_path / "a.csv", tmp_path / "absent.csv"])
    with pytest.raises(InputError, match="no file is named"):
        open_tables([])
    for again in (tmp_path, f"{tmp_path}/./a.csv", f"{tmp_path}/*.csv"):
        with pytest.raises(InputError, match=r"a.csv is named twice .* name it once"):
            table_files([tmp_path / "a.csv", again])
    np.save(tmp_path / "b.npy", np.eye(2))
    np.save(tmp_path / "c.npy", np.eye(2))
    with pytest.raises(InputError, match=r"skip=1 is for text, and .*b.npy and 1 more is none"):
        open_tables([tmp_path / "b.npy", tmp_path / "c.npy"], skip=1)


def test_tables_without_rows_are_refused_together(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("dose,crop\n")
    with pytest.raises(FileFormatError, match=r"a.csv and 1 more has columns but no rows"):
        rows_of([tmp_path])
