"""What the ``fastlr`` script runs, also where click and rich are missing."""

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
