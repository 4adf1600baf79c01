"""Threads: how many a call may use, locks, and algebra that Ctrl-C interrupts."""

from __future__ import annotations

import functools
import math
import operator
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fastlr._kernels import kernels
from fastlr.errors import InputError

__all__ = [
    "MOST_THREADS",
    "Lock",
    "interruptible",
    "lock_of",
    "resolve_threads",
    "threads_of_jobs",
]

MOST_THREADS = 1024
_SHORT = 1 << 26  # multiply-adds that are done within some 50 ms


@functools.cache
def _cgroup_limit() -> int | None:
    """CPUs that the control group's quota allows, rounded up (Linux; None without a quota)."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            base = Path("/sys/fs/cgroup/cpu")
            quota = (base / "cpu.cfs_quota_us").read_text().strip()
            period = (base / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    if quota == "max" or int(quota) <= 0:
        return None
    return max(1, math.ceil(int(quota) / int(period)))


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resolve_threads(n_threads: int | None) -> int:
    """Threads to use: ``n_threads`` itself, or what affinity, control group and OpenMP's own limits allow.

    OpenMP's limit carries ``OMP_NUM_THREADS`` and threadpoolctl's ``threadpool_limits``.
    """
    if n_threads is None:
        allowed: int = min(kernels.max_threads(), _affinity())
        quota = _cgroup_limit()
        return allowed if quota is None else min(allowed, quota)
    try:
        count = operator.index(n_threads)
    except TypeError:
        raise InputError(
            f"n_threads={n_threads!r} is not a whole number: pass None or an integer from 1 on"
        ) from None
    if not 1 <= count <= MOST_THREADS:
        raise InputError(
            f"n_threads={count} is not between 1 and {MOST_THREADS}: pass None for what the process may use"
        )
    return count


def threads_of_jobs(n_threads: int | None, n_jobs: int | None) -> int | None:
    """``n_threads``, or else as many as joblib would take for ``n_jobs``: -1 stands for all, -2 for all but one."""
    if n_threads is not None or n_jobs is None:
        return n_threads
    try:
        count = operator.index(n_jobs)
    except TypeError:
        raise InputError(
            f"n_jobs={n_jobs!r} is not a whole number: pass None, -1 for all threads, or an integer from 1 on"
        ) from None
    if count == 0 or count > MOST_THREADS:
        raise InputError(
            f"n_jobs={count} is not a number of threads: pass None, -1 for all, or 1 to {MOST_THREADS}"
        )
    return count if count > 0 else max(1, resolve_threads(None) + 1 + count)


class Lock:
    """A lock that its holder may take again; copies and pickles of it are new locks."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return Lock, ()


def lock_of(owner: object) -> Lock:
    """The lock of an object that has none from its birth, as scikit-learn's rules for ``__init__`` want it."""
    lock: Lock = vars(owner).setdefault("_lock", Lock())  # one step: two threads get the same one
    return lock


def interruptible(
    algebra: Callable[..., Any], *matrices: npt.NDArray[np.float64], **options: Any
) -> Any:
    """``algebra(*matrices, **options)``, during which Ctrl-C is heard.

    NumPy's own algebra goes on to its end whatever happens. What takes long is left to a thread, for which the main
    thread waits; after Ctrl-C it comes to its end alone, and nobody reads its result.
    """
    least = min((min(matrix.shape, default=1) for matrix in matrices), default=0)
    size = max((matrix.size for matrix in matrices), default=0) * least
    if size < _SHORT or threading.current_thread() is not threading.main_thread():
        return algebra(*matrices, **options)
    outcome: list[Any] = []
    errors = np.geterr()

    def work() -> None:
        try:
            with np.errstate(**errors):
                outcome.append((algebra(*matrices, **options), None))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            outcome.append((None, error))

    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # a limit on threads
        return algebra(*matrices, **options)
    # Until the algebra ends, with breaks: other libraries' signal handlers may restart a wait that has none.
    while thread.is_alive():
        thread.join(0.05)
    result, error = outcome[0]
    if error is not None:
        raise error
    return result
