"""What tests of several packages share."""

import pytest

from fastlr._kernels import available_levels
from levels import in_use


@pytest.fixture(params=available_levels())
def level(request):
    """A CPU level of this machine, on which all of fastlr runs during the test, whose ``kernels`` it exchanges too."""
    own = [request.module] if hasattr(request.module, "kernels") else []
    with in_use(request.param, *own):
        yield request.param
