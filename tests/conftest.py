"""What tests of several packages share."""

import os

import pytest

# Algebra of the oracles, whose tables are small: threads of their own that wait for one another, beside those of
# fastlr, made a factor take a tenth of a second where other work ran. What fastlr may use is not told by this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported, by fastlr

from fastlr._kernels import available_levels
from levels import in_use


@pytest.fixture(params=available_levels())
def level(request):
    """A CPU level of this machine, on which all of fastlr runs during the test, whose ``kernels`` it exchanges too."""
    own = [request.module] if hasattr(request.module, "kernels") else []
    with in_use(request.param, *own):
        yield request.param
