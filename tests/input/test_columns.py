"""Rows and columns of any source are taken in one way."""

import numpy as np
import pytest

from fastlr.input.columns import Columns
from fastlr.input.convert import as_columns

TABLE = np.arange(12.0).reshape(4, 3)
SOURCES = {
    "array": TABLE,
    "fortran": np.asfortranarray(TABLE),
    "mapping": {"a": TABLE[:, 0], "b": TABLE[:, 1], "c": TABLE[:, 2]},
}


@pytest.fixture(params=SOURCES)
def columns(request):
    return as_columns(SOURCES[request.param], "X")


def test_one_column_and_one_row_are_those_of_the_table(columns):
    np.testing.assert_array_equal(columns.column(1), TABLE[:, 1])
    np.testing.assert_array_equal(columns.row(2), TABLE[2])
    np.testing.assert_array_equal(np.transpose(columns.as_list()), TABLE)
    np.testing.assert_array_equal(columns.as_matrix(), TABLE)


@pytest.mark.parametrize(
    "rows", [slice(1, 3), np.array([3, 0]), np.array([True, False, True, True])]
)
def test_rows_are_taken_by_slice_position_or_mask(columns, rows):
    taken = columns.take_rows(rows)
    np.testing.assert_array_equal(taken.as_matrix(), TABLE[rows])
    assert (taken.n_samples, taken.names) == (len(TABLE[rows]), columns.names)


def test_columns_are_taken_in_any_order(columns):
    taken = columns.take_columns([2, 0])
    np.testing.assert_array_equal(taken.as_matrix(), TABLE[:, [2, 0]])
    assert (taken.n_columns, taken.names) == (2, None)


def test_a_slice_of_columns_of_one_array_is_one_array(columns):
    taken = columns.take_columns(slice(1, 3))
    np.testing.assert_array_equal(taken.as_matrix(), TABLE[:, 1:])
    assert taken.n_columns == 2
    assert isinstance(taken.source, list) == isinstance(columns.source, list)


def test_a_slice_of_rows_and_single_columns_are_no_copies(columns):
    assert np.shares_memory(columns.take_rows(slice(1, 3)).column(1), columns.column(1))
    assert np.shares_memory(columns.take_columns([1]).column(0), columns.column(1))


def test_a_change_of_no_array_is_no_change(columns):
    assert columns.mapped(lambda array: array) is columns
    assert columns.mapped(lambda array: array.astype(np.float32)).all_float32
    assert not columns.all_float32


def test_a_vector_is_its_only_column():
    vector = Columns(TABLE[:, 1], 4, 1, None, True)
    np.testing.assert_array_equal(vector.column(0), TABLE[:, 1])
    assert vector.as_matrix().shape == (4, 1)
    assert len(vector.take_rows(slice(0, 0)).column(0)) == 0
