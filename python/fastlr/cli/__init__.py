"""The command line: ``fastlr fit``, ``fastlr report``, ``fastlr predict``, ``fastlr info``, ``fastlr bench``.

``main`` is the click command that the ``fastlr`` script runs. Without click and rich (the extra
``cli``) it is a function that says how to install them.
"""

from fastlr.cli._entry import main

__all__ = ["main"]
