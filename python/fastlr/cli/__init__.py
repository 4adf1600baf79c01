"""The command line: ``fastlr fit``, ``fastlr predict``, ``fastlr info``, ``fastlr bench``.

``main`` is the click command that the ``fastlr`` script runs. Without click and rich (the extra
``cli``) it is a function that says how to install them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

__all__ = ["main"]


def _without_its_libraries() -> NoReturn:
    sys.stderr.write(
        'fastlr: the command line needs click and rich: pip install "fastlr[cli]" '
        '(in a clone: pip install ".[cli]")\n'
    )
    raise SystemExit(1)


main: Callable[..., object]
try:
    from fastlr.cli._app import app
except ModuleNotFoundError as error:
    if error.name not in {"click", "rich"}:
        raise
    main = _without_its_libraries
else:
    main = app
