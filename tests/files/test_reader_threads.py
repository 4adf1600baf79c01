"""Threads of readers hold nothing of Python's: what they let go of late cannot end the process."""

import pytest

from fastlr import FileFormatError
from fastlr.files import open_table

pa = pytest.importorskip("pyarrow")
pacsv = pytest.importorskip("pyarrow.csv")


@pytest.mark.parametrize("end", [b"", b"1,x\n1,2,3\n"], ids=["good", "bad"])
def test_text_is_parsed_in_memory_that_is_not_pythons(tmp_path, monkeypatch, end):
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,2\n")
    rows = b"1,2\n" * 10 + end
    offsets = []
    read = pacsv.read_csv

    def read_csv(stream, *options):
        held = stream.read_buffer()
        offsets.append(held.address - pa.py_buffer(rows).address)
        assert held == pa.py_buffer(rows)
        stream.seek(0)
        return read(stream, *options)

    with open_table(path) as table:
        monkeypatch.setattr(pacsv, "read_csv", read_csv)
        if end:
            with pytest.raises(FileFormatError, match="row 12"):
                table._parse(rows, ["0", "1"], 0)
        else:
            assert table._parse(rows, ["0", "1"], 0).num_rows == 10
    assert len(offsets) == (2 if end else 1)
    assert not any(0 <= offset < len(rows) for offset in offsets)


def test_a_stream_of_batches_is_read_on_one_thread(tmp_path, monkeypatch):
    path = tmp_path / "table.arrows"
    table = pa.table({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with pa.ipc.new_stream(
        path, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")
    ) as out:
        out.write_table(table)
    seen = []
    read = pa.ipc.open_stream

    def open_stream(source, *, options=None):
        seen.append(options is not None and not options.use_threads)
        return read(source, options=options)

    monkeypatch.setattr(pa.ipc, "open_stream", open_stream)
    with open_table(path) as opened:
        for _ in range(2):
            assert [batch.n_rows for batch in opened.batches()] == [2]
    assert seen == [True, True]
