"""Blocks of text: whole rows, the same ones for files and pipes, whose bytes can be had again."""

import gzip

import pytest

from fastlr import FileFormatError
from fastlr.files._stream import Source
from fastlr.files._text_blocks import text_blocks

TEXTS = {
    "plain": b"a\n" + b"".join(b"%d,%d\n" % (k, 7 * k) for k in range(60)),
    "no_end": b"a\n1\n2\n3",
    "long_rows": b"a\n" + b"1" * 70 + b"\n2\n" + b"3" * 200 + b"\n4\n",
    "quotes": b'a\n1,"x\ny\nz, and quite some more"\n2,"\n"\n3,""\n',
    "blank_end": b"a\n1\n2\n\n\n   \n" + b"\n" * 50,
    "names": b"a\n",
}


def blocks_of(path, block_bytes):
    source = Source(path)
    found = []
    for block, _ in text_blocks(source, 2, block_bytes, b"\n"):
        with block as rows:
            found.append(bytes(rows))
    source.close()
    return found


@pytest.mark.parametrize("kind", TEXTS)
def test_blocks_are_whole_rows_and_those_of_a_stream(tmp_path, kind):
    text = TEXTS[kind]
    plain, packed = tmp_path / "rows.csv", tmp_path / "rows.csv.gz"
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    for block_bytes in (5, 16, 64, 4096):
        found = blocks_of(plain, block_bytes)
        assert found == blocks_of(packed, block_bytes)
        assert b"".join(found).rstrip() == text[2:].rstrip()
        for block in found[:-1]:
            assert block.endswith(b"\n")
            assert block.count(b'"') % 2 == 0


def test_the_bytes_of_a_block_are_there_again_when_its_buffer_serves_another(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_bytes(TEXTS["plain"])
    source = Source(path)
    blocks, first_time = [], []
    for block, _ in text_blocks(source, 2, 32, b"\n"):
        with block as rows:
            first_time.append(bytes(rows))
        blocks.append(block)
    assert len(blocks) > 10
    for block, expected in zip(blocks, first_time, strict=True):
        with block as rows:
            assert bytes(rows) == expected
    path.write_bytes(TEXTS["plain"][:40])
    with pytest.raises(FileFormatError, match="shorter"), blocks[-1]:
        pass
    source.close()
