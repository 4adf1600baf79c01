"""The same numbers, laid out in memory in every way that users' arrays are."""

import ctypes
import mmap

import numpy as np


def _packed_field(X):
    """Fields of packed records: byte strides that are no multiple of the item size."""
    record = np.dtype([("flag", "i1"), ("row", X.dtype, (X.shape[1],))])
    packed = np.zeros(len(X), dtype=record)
    packed["row"] = X
    return packed["row"]


def _misaligned(X):
    buffer = np.zeros(X.nbytes + 1, dtype=np.uint8)
    view = buffer[1:].view(X.dtype).reshape(X.shape)
    view[...] = X
    return view


def _reversed_memory(X):
    return np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]


def _within_nans(X):
    """A view into a larger array whose other cells are NaN: reading one of them would show."""
    filler = np.nan if X.dtype.kind == "f" else 1
    wide = np.full((2 * len(X) + 1, X.shape[1] + 5), filler, dtype=X.dtype)
    view = wide[1::2, 2 : 2 + X.shape[1]]
    view[...] = X
    return view


def _read_only(X):
    copy = X.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = {
    "c_order": np.ascontiguousarray,
    "f_order": np.asfortranarray,
    "every_other_row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every_other_column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "f_order_every_other_row": lambda X: np.asfortranarray(np.repeat(X, 2, axis=0))[::2],
    "negative_strides": _reversed_memory,
    "within_nans": _within_nans,
    "packed_record_field": _packed_field,
    "misaligned": _misaligned,
    "read_only": _read_only,
    "separate_columns": lambda X: [np.ascontiguousarray(column) for column in X.T],
    "mixed_pieces": lambda X: [np.asfortranarray(X[:, :1]), *X[:, 1:].T],
}


def before_a_wall(X):
    """A copy whose last byte is followed by a page that nobody may read: to read on is to crash."""
    size = -(-X.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, size + mmap.PAGESIZE)
    wall = ctypes.addressof(ctypes.c_char.from_buffer(memory)) + size
    no_access = ctypes.c_int(0)
    failed = ctypes.CDLL(None).mprotect(
        ctypes.c_void_p(wall), ctypes.c_size_t(mmap.PAGESIZE), no_access
    )
    assert not failed
    view = np.frombuffer(memory, X.dtype, X.size, size - X.nbytes).reshape(X.shape)
    view[...] = X
    return view
