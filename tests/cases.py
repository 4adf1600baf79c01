"""Many cases in one test, which cost less than tests of their own."""

import contextlib
import unittest

import pytest

__all__ = ["named"]


@contextlib.contextmanager
def named(case):
    """Say in which case a test failed."""
    try:
        yield
    except unittest.SkipTest:
        raise
    except (Exception, pytest.fail.Exception) as error:
        raise AssertionError(f"{case}: {error}") from error
