"""What tests of several packages share."""

import os
import signal

import pytest

# Algebra of the oracles, whose tables are small: threads of their own that wait for one another, beside those of
# fastlr, made a factor take a tenth of a second where other work ran. What fastlr may use is not told by this.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when NumPy is imported, by fastlr

# A shell that runs tests in its background has them ignore Ctrl-C, which some tests send to themselves.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from fastlr._kernels import available_levels
from levels import in_use

MOST_PROCESSES = 8  # each imports NumPy, SciPy, pandas and scikit-learn, some 0.4 GB


@pytest.fixture(params=available_levels())
def level(request):
    """A CPU level of this machine, on which all of fastlr runs during the test, whose ``kernels`` it exchanges too."""
    own = [request.module] if hasattr(request.module, "kernels") else []
    with in_use(request.param, *own):
        yield request.param


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run the whole suite on all cores if pytest-xdist is there, and chosen tests as they are asked for."""
    option = config.option
    is_whole = config.args_source is config.ArgsSource.TESTPATHS
    is_worker = hasattr(config, "workerinput")
    if is_whole and not is_worker and getattr(option, "numprocesses", 0) is None:
        told = hasattr(os, "sched_getaffinity")
        n_cores = len(os.sched_getaffinity(0)) if told else os.cpu_count() or 1
        if n_cores > 1 and not option.usepdb and not option.collectonly:
            option.numprocesses = min(n_cores, MOST_PROCESSES)
