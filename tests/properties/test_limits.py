"""Under limits on memory or threads a call works on fewer threads or raises MemoryError; the process lives on."""

import json
import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of Linux")

# Each call is made in a child of a process that has not used threads yet, under a limit of its own.
PRELUDE = """
import json, os, resource, sys, warnings
import numpy as np, fastlr
warnings.simplefilter("ignore")
fastlr.descend  # imported now: another user may not read the files
X = np.random.default_rng(0).normal(size=(60_000, 12))
y = X.sum(axis=1) + np.random.default_rng(1).normal(size=len(X))

def fit(n_threads):
    return fastlr.ols(X, y, n_threads=n_threads).coef.tobytes().hex()

def batches(n_threads):
    return fastlr.descend(X, y, batch_size=64, epochs=1, seed=0, n_threads=n_threads).coef.tobytes().hex()

def few_bytes(mib):
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * resource.getpagesize() + (mib << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

def no_threads(_):
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    if os.getuid() == 0:
        os.setuid(65534)  # limits on threads do not bind root

def ended(call, limit, amount, n_threads):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        outcome = "nothing"
        try:
            limit(amount)
            outcome = call(n_threads)
        except MemoryError:
            outcome = "MemoryError"
        finally:
            os.write(writer, outcome.encode())
            os._exit(0)
    os.close(writer)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(reader) as pipe:
        return code, pipe.read()
"""


def outcomes(code, **environment):
    """What the code prints last, a list as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_little_memory_gives_the_same_bits_or_a_memory_error():
    truth, found = outcomes(
        """
        found = [
            (mib, k, ended(fit, few_bytes, mib, k))
            for k in (2, 8) for mib in (0, 1, 2, 5, 7, 8, 9, 10, 12, 16, 20, 30, 40, 60, 200)
        ]
        print(json.dumps([ended(fit, int, 0, 1), found]))
        """
    )
    assert truth[0] == 0
    for _, _, (code, outcome) in found:
        assert code == 0
        assert outcome in (truth[1], "MemoryError")
    enough = [outcome for mib, _, (_, outcome) in found if mib >= 30]
    assert enough == [truth[1]] * len(enough)


def test_batches_take_the_same_steps_in_little_memory():
    truth, found = outcomes(
        """
        found = [ended(batches, few_bytes, mib, 2) for mib in (5, 8, 10, 12, 20, 40)]
        print(json.dumps([ended(batches, int, 0, 1), found]))
        """
    )
    assert truth[0] == 0
    for code, outcome in found:
        assert code == 0
        assert outcome in (truth[1], "MemoryError")


def test_a_limit_on_threads_leaves_one():
    truth, found = outcomes(
        """
        found = [ended(call, no_threads, 0, k) for k in (2, 5) for call in (fit, batches)]
        print(json.dumps([[ended(call, int, 0, 1) for call in (fit, batches)], found]))
        """
    )
    assert found == truth * 2
    assert {code for code, _ in found} == {0}


@pytest.mark.parametrize("size", ["1g", " 1048576 K", "1024M "])
def test_the_stack_that_the_environment_asks_for_counts(size):
    truth, found = outcomes(
        """
        found = [ended(fit, few_bytes, mib, 2) for mib in (200, 1500)]
        print(json.dumps([ended(fit, int, 0, 1), found]))
        """,
        OMP_STACKSIZE=size,
    )
    assert found == [truth, truth]
