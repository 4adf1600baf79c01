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
        b"1,2\n" * 9,
    ],
)
def test_what_is_more_than_numbers_is_left_to_others(kernels, text):
    assert parsed(kernels, text)[0] == -1
