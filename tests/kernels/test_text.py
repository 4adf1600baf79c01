"""Text to numbers: the nearest float64 of every cell, or word that a block is more than numbers."""

import numpy as np
import pytest

GAPS = ("", "NA")


def parsed(kernels, text, place=(0, 1), capacity=8):
    columns = np.full((1 + max(place), capacity), -7.0)
    n_rows = kernels.parse_numbers(text, ",", place, GAPS, columns)
    return n_rows, columns[:, : max(n_rows, 0)].tolist()


def test_cells_are_the_nearest_numbers(kernels):
    cells = np.random.default_rng(0).normal(size=(500, 2)) * 10.0 ** np.arange(-250, 250)[:, None]
    text = "".join(f"{a!r},{b!r}\n" for a, b in cells.tolist()).encode()
    n_rows, columns = parsed(kernels, text, capacity=500)
    assert n_rows == 500
    assert np.array_equal(np.transpose(columns), cells)


def test_numbers_in_every_writing_are_the_nearest(kernels):
    rng = np.random.default_rng(1)
    whole = rng.integers(1 << 52, 1 << 53, size=200)
    cells = [
        *(f"{2 * n + 1}" for n in whole.tolist()),  # halfway between two numbers
        *(f"{n}.5" for n in whole.tolist()),
        *(f"{n}.500000000000000000001" for n in whole.tolist()),
        *(
            f"-{n}e{k}"
            for n, k in zip(whole.tolist(), rng.integers(-340, 290, size=200), strict=True)
        ),
        *(
            f"{x:.{k}f}"
            for x, k in zip(rng.normal(size=200), rng.integers(0, 22, size=200), strict=True)
        ),
        *(
            "0",
            "-0",
            "-0.000",
            "00012.50",
            "1.",
            ".5",
            "-.5",
            "5E3",
            "1e+22",
            "1e23",
            "4.35",
            "5e-324",
        ),
        *(
            "0.00000000000000000000001234567890123456789",
            "18446744073709551615",
            "99999999999999999999",
        ),
    ]
    n_rows, (found,) = parsed(kernels, "\n".join(cells).encode(), (0,), len(cells))
    assert n_rows == len(cells)
    assert np.array(found).tobytes() == np.array([float(cell) for cell in cells]).tobytes()


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_lines_of_any_length_are_counted_and_read_to_the_last_byte(kernels, wrap, end):
    for n in (1, 5, 40, 300):
        text = "".join(f"{k},{k / 8}{end}" for k in range(n))
        for whole in (text, text[: -len(end)]):
            held = wrap(whole.encode())
            assert kernels.count_rows(held) == whole.count("\n")
            n_rows, (first, second) = parsed(kernels, held, capacity=n)
            assert n_rows == n
            assert first == list(range(n))
            assert second == [k / 8 for k in range(n)]


def test_fields_that_nobody_wants_are_not_looked_at(kernels):
    assert parsed(kernels, b"a,1,x\r\n\r\n?, 2 ,\n,3,z", place=(-1, 0, -1)) == (
        3,
        [[1.0, 2.0, 3.0]],
    )


def test_words_are_gaps(kernels):
    n_rows, columns = parsed(kernels, b"1,\nNA,2\n , NA\n")
    assert n_rows == 3
    np.testing.assert_array_equal(columns, [[1, np.nan, np.nan], [np.nan, 2, np.nan]])


@pytest.mark.parametrize(
    "text",
    [
        b"1\n",
        b"1,2,3\n",
        b"1,x\n",
        b"1,+2\n",
        b"inf,2\n",
        b"1,nan\n",
        b"1,2e\n",
        b"1e999,2\n",
        b'1,"2"\n',
        b"1,2\r3,4\n",
        b"1,2 3\n",
        b"1,0x10\n",
        b"1,--2\n",
        b"1,.\n",
        b"1,2e+\n",
    ],
)
def test_what_is_more_than_numbers_is_left_to_others(kernels, text):
    for others in (b"", b"3,4\n" * 100):
        assert parsed(kernels, others + text, capacity=100 + 8)[0] == -1


def test_no_more_rows_are_read_than_there_is_room_for(kernels):
    assert parsed(kernels, b"1,2\n" * 8)[0] == 8
    assert parsed(kernels, b"1,2\n" * 9)[0] == -1


def test_quotes_may_hide_newlines(kernels):
    assert parsed(kernels, b'1,"a\n2,b"\n', place=(0, -1))[0] == -1


@pytest.mark.parametrize("delimiter", list(".-+e0"))
def test_what_separates_is_no_part_of_numbers(kernels, delimiter):
    columns = np.zeros((2, 4))
    text = f"1{delimiter}2\n".encode()
    assert kernels.parse_numbers(text, delimiter, (0, 1), GAPS, columns) == -1
