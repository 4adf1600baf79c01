"""Names of columns that know which library's frame they come from, so that results can be frames of it as well."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["FrameNames", "of_frame"]


class FrameNames(tuple[str, ...]):
    """Names of the columns of a frame, with its library as ``backend``; equal to other names that read the same."""

    backend: str

    def __new__(cls, names: Iterable[str], backend: str) -> FrameNames:
        """Join names, and the library as narwhals calls it: "pandas", "polars", "pyarrow", ..."""
        self = super().__new__(cls, names)
        self.backend = backend
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return FrameNames, (tuple(self), self.backend)


def of_frame(names: tuple[str, ...] | None, data: Any) -> tuple[str, ...] | None:
    """Return names with the library of the frame that ``data`` is; as they are if it is none."""
    import narwhals as nw

    native: Any = nw.from_native(data, allow_series=True, pass_through=True)
    if names is None or not isinstance(native, nw.DataFrame | nw.LazyFrame | nw.Series):
        return names
    return FrameNames(names, native.implementation.value)
