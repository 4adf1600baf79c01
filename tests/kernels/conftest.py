"""Every kernel test runs on every CPU level that this machine supports."""

import pytest

from fastlr._kernels import available_levels, load_level


@pytest.fixture(params=available_levels(), scope="session")
def kernels(request):
    """The compiled kernels of one level."""
    return load_level(request.param)
