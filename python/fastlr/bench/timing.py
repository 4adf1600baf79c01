"""Candidates in turns: A B C, A B C, ..."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median

__all__ = ["in_turns"]


def in_turns(
    candidates: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 5,
    budget: float = 60.0,
    warm_up: bool = True,
    pause: float = 0.15,
) -> dict[str, float]:
    """Median seconds of each candidate.

    Parameters
    ----------
    candidates : mapping from names to callables
        What to time.
    rounds : int, default=5
        How often each runs; a candidate drops out of later rounds when it alone has used its share of the budget.
    budget : float, default=60.0
        Seconds in all, about.
    warm_up : bool, default=True
        Run each once before anything is counted.
    pause : float, default=0.15
        Seconds before each turn. The threads of some libraries go on spinning for a while after their call, at the
        cost of whoever comes next. Threads that sleep are slow to wake, though, so a turn of less than a second is two
        runs, of which the second counts.

    Returns
    -------
    dict
        Medians by name.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    share = budget / max(1, len(candidates))
    spent = dict.fromkeys(candidates, 0.0)
    for turn in range(-1 if warm_up else 0, rounds):
        for name, run in candidates.items():
            if spent[name] > share:
                continue
            time.sleep(pause)
            elapsed = _seconds(run)
            spent[name] += pause + elapsed
            if elapsed < 1.0:
                elapsed = _seconds(run)
                spent[name] += elapsed
            if turn >= 0 or spent[name] > share:
                times[name].append(elapsed)
    return {name: median(values) for name, values in times.items()}


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
