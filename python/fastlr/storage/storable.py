"""What a class needs to be saved in a file, and to come back from one."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from fastlr.errors import InputTypeError
from fastlr.storage.documents import write_document

__all__ = ["Storable"]


class Storable:
    """A public class of fastlr whose objects are kept in files; `fastlr.load` gives them back.

    A class joins with two methods, `to_document` and `from_document`, and nothing else: the file carries the name of
    the class, under which the front ``fastlr`` must know it.
    """

    __slots__ = ()

    @abstractmethod
    def to_document(self) -> dict[str, Any]:
        """Numbers, arrays, strings, lists and dictionaries, from which `from_document` restores the same bits.

        An array comes back as a list, and NaN and infinities as the strings that `schema.Numbers` knows.
        """

    @classmethod
    @abstractmethod
    def from_document(cls, data: Mapping[str, Any]) -> Any:
        """Restore what `to_document` gave.

        Raises
        ------
        InputError
            If a field is missing, unknown, or of the wrong type, shape or range.
        """

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this object to ``path`` as versioned JSON, exact to the last bit, without the rows; see `fastlr.load`.

        Parameters
        ----------
        path : str or path
            The file; one already there is replaced whole or not touched.

        Raises
        ------
        OSError
            If the file cannot be written.
        InputTypeError
            If this is a subclass of one's own, which no file can name.
        """
        kind = type(self)
        if not kind.__module__.startswith("fastlr."):
            raise InputTypeError(
                f"{kind.__name__} is a class of {kind.__module__}, and files hold objects of fastlr's own classes, "
                "which fastlr.load gives back: keep it as a pickle, or save the fit in it."
            )
        write_document(path, type(self).__name__, self.to_document())
