"""The one interface of the kernels of all CPU levels.

Rows are a 2-D array, a 1-D array, or a list of these, read where they lie: ``Rows``. Other arrays are float64 and
C-contiguous. q = n_features + n_targets.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]
Rows = Array | list[Array]

def build_info() -> dict[str, Any]:
    """Level, compiler, Eigen and OpenMP versions of this module."""

def max_threads() -> int:
    """OpenMP's limit: OMP_NUM_THREADS, threadpool_limits, or the number of processors."""

def plan_pass(n_samples: int, n_columns: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a pass: the workspace's shape, and how many calls it takes."""

def provisional_shift(X: Rows, y: Rows) -> Floats:
    """(q,): a value of each column from its middle, to accumulate about."""

def accumulate(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    shift: Floats,
    scale: Floats,
    part: int,
    n_threads: int,
    slots: Floats,
) -> None:
    """Slots (n_slots, slot_size) += part ``part`` of the shifted, scaled sums of products."""

def centre(
    n_samples: int, n_columns: int, shift: Floats, scale: Floats, slots: Floats
) -> tuple[float, int, float, Floats, Floats]:
    """(weight, n_positive, sum_log_weight, mean (2, q), cross (q, q)); uses the slots up."""

def merge(
    weight_a: float,
    mean_a: Floats,
    cross_a: Floats,
    weight_b: float,
    mean_b: Floats,
    cross_b: Floats,
) -> tuple[float, Floats, Floats]:
    """(weight, mean, cross) of the rows of both."""

def subtract(
    weight_a: float,
    mean_a: Floats,
    cross_a: Floats,
    weight_b: float,
    mean_b: Floats,
    cross_b: Floats,
) -> tuple[float, Floats, Floats]:
    """(weight, mean, cross) of the rows of a that are not in b."""

def solve_normal_equations(
    n_features: int, weight: float, mean: Floats, cross: Floats, fit_intercept: bool, alpha: float
) -> tuple[str, int, float, Floats, Floats, Floats, Floats, Floats, Floats]:
    """(status, rank, condition_number, coef (t, p), intercept, rss, tss, length, null_space (k, p))."""

def predict(
    X: Rows,
    first: int,
    last: int,
    coef: Floats,
    intercept: Floats,
    n_threads: int,
    out: npt.NDArray[np.float64] | npt.NDArray[np.float32],
) -> None:
    """out[first:last] = X[first:last] @ coef.T + intercept."""

def read_all(values: Floats, n_threads: int) -> float:
    """Sum of all values: measures the memory's read bandwidth."""

def multiply_add(n: int, n_threads: int) -> float:
    """Fused multiply-adds done in n rounds on every thread: measures the arithmetic's peak."""

def first_non_finite(X: Rows) -> tuple[int, int]:
    """(row, column) of the first NaN or infinity, (-1, -1) if there is none."""

descent_shape: tuple[int, int, int]
"""(n_vectors, n_numbers, n_counters) of the state of a descent."""

def plan_loss(n_samples: int, n_features: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a pass of `accumulate_loss`."""

def accumulate_loss(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    theta: Floats,
    part: int,
    n_threads: int,
    slots: Floats,
) -> None:
    """Slots += part ``part`` of sum w r^2 and of its gradient at theta = (coef, intercept)."""

def add_loss_slots(n_samples: int, n_features: int, slots: Floats) -> tuple[float, Floats]:
    """(sum w r^2, (X' (w r), sum w r))."""

def largest_row_norm(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    standard: Floats | None,
    first: int,
    last: int,
    n_threads: int,
) -> float:
    """Largest squared length of the (standardised) rows first to last of positive weight."""

def descend_rows(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    standard: Floats | None,
    settings: dict[str, Any],
    part: int,
    n_threads: int,
    slots: Floats,
    vectors: Floats,
    numbers: Floats,
    counters: npt.NDArray[np.int64],
    rates: Floats,
    history: Floats,
    path: Floats | None,
) -> tuple[int, str]:
    """Full batch on rows, or a part of one epoch; (epochs done, "running", "stalled" or "diverged")."""

def descend_moments(
    xx: Floats,
    xy: Floats,
    yy: float,
    mean_x: Floats,
    mean_y: float,
    weight: float,
    settings: dict[str, Any],
    vectors: Floats,
    numbers: Floats,
    counters: npt.NDArray[np.int64],
    rates: Floats,
    history: Floats,
    path: Floats | None,
) -> tuple[int, str]:
    """The same from moments."""

def plan_sampling(
    sampling: str, n_samples: int, n_features: int, batch_size: int
) -> dict[str, int]:
    """How an epoch is cut into windows of rows."""

def list_rows(
    sampling: str,
    n_samples: int,
    n_features: int,
    batch_size: int,
    seed: int,
    epoch: int,
    window: int,
    table: npt.NDArray[np.uint32],
) -> npt.NDArray[np.int64]:
    """Rows of one window in the order of their use; the windows of an epoch in order."""

def descend_batches(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    standard: Floats | None,
    settings: dict[str, Any],
    sampling: str,
    batch_size: int,
    seed: int,
    given: npt.NDArray[np.int64] | None,
    given_sizes: npt.NDArray[np.int64] | None,
    row_budget: int,
    n_threads: int,
    table: npt.NDArray[np.uint32],
    vectors: Floats,
    numbers: Floats,
    counters: npt.NDArray[np.int64],
    rates: Floats,
    history: Floats,
    path: Floats | None,
) -> tuple[int, str]:
    """Minibatches, until all epochs of ``rates`` or some ``row_budget`` rows are done."""
