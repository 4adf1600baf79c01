"""The one interface of the kernels of all CPU levels.

Rows are a 2-D array, a 1-D array, or a list of these, read where they lie: ``Rows``. Other arrays are float64 and
C-contiguous. q = n_features + n_targets. ``Parts`` are those of sparse rows: where each begins, columns, values.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Array = npt.NDArray[Any]
Rows = Array | list[Array]
Parts = tuple[Array, Array, Floats]

def build_info() -> dict[str, Any]:
    """Level, compiler, Eigen and OpenMP versions of this module."""

def max_threads() -> int:
    """OpenMP's limit: OMP_NUM_THREADS, threadpool_limits, or the number of processors."""

def plan_pass(n_samples: int, n_columns: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a pass: the workspace's shape, and how many calls it takes."""

MOST_PASSES: int
"""About ever better shifts."""

def provisional_shift(X: Rows, y: Rows, sample_weight: Array | None = None) -> Floats:
    """(q,): a value of each column from its middle, of a row of positive weight, to accumulate about."""

def accumulate(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    shift: Floats,
    scale: Floats,
    part: int,
    n_threads: int,
    slots: Floats,
    basis: Floats | None = None,
) -> None:
    """Slots (n_slots, slot_size) += part ``part`` of the shifted, scaled sums of products.

    With ``basis`` (p, p), upper triangular, those of ``(X - shift) * scale @ basis`` in place of X.
    """

def largest_deviation(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    shift: Floats,
    diagonal: Floats,
    n_threads: int,
) -> Floats:
    """(q,): max |x - shift| over rows of positive weight, infinite if a value is not finite.

    0 for columns whose ``diagonal``, a sum of squares, is well inside of the range of float64.
    """

def survey_sparse(
    parts: Parts, n_samples: int, n_columns: int
) -> tuple[bool, bool, float, npt.NDArray[np.int64]]:
    """Whether starts rise and columns exist, whether columns rise in every row, pairs in rows, values of columns."""

def sparse_sums_size(n_sparse: int, n_dense: int) -> int:
    """Doubles that the sums of a pass over sparse rows take, beside ``n_dense`` columns that are not sparse."""

def accumulate_sparse(
    parts: Parts,
    n_columns: int,
    dense: Rows,
    sample_weight: Array | None,
    shift: Floats,
    column_counts: npt.NDArray[np.int64],
    first: int,
    last: int,
    n_threads: int,
    sums: Floats,
) -> None:
    """``sums`` += products of rows [first, last); ``shift`` is that of the dense columns, targets included."""

def centre_sparse(
    n_sparse: int, n_dense: int, shift: Floats, sums: Floats
) -> tuple[float, int, float, Floats, Floats]:
    """(weight, n_positive, sum_log_weight, mean (2, q), cross (q, q)): sparse columns first, then the dense ones."""

def add_group_sums(
    X: Rows,
    y: Rows | None,
    sample_weight: Array | None,
    codes: npt.NDArray[np.int32],
    n_levels: int,
    first: int,
    last: int,
    n_threads: int,
    sums: Floats,
) -> None:
    """Sums (q + 1, 2, n_levels) += rows [first, last) by level: of each column, then of the weights; unevaluated."""

def number_labels(
    labels: Array,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.intp]]:
    """Codes of contiguous labels, which are one if their bytes are, and the row in which each first appears."""

def count_rows(text: bytes | memoryview) -> int:
    """How often the byte that ends a row occurs."""

def parse_numbers(
    text: bytes | memoryview,
    delimiter: str,
    place: Sequence[int],
    missing: Sequence[str],
    columns: Floats,
) -> int:
    """Columns (n_chosen, capacity) from lines of fields, NaN for words that are missing; the number of rows, or -1.

    ``place`` says for each field of a line which column it is, -1 for none. -1 is returned where a line has another
    number of fields, a chosen field is neither a number nor missing, or quotes occur.
    """

def predict_sparse(
    parts: Parts,
    n_samples: int,
    n_columns: int,
    first: int,
    last: int,
    coef: Floats,
    intercept: Floats,
    n_threads: int,
    out: Floats,
) -> None:
    """Set ``out`` (n, t) to X coef' + intercept, coef (t, p), for rows [first, last)."""

def recentre(
    weight: float, mean: Floats, cross: Floats, scale: Floats, shift: Floats
) -> tuple[bool, Floats]:
    """Move the shift to the mean where it is too far from it, and say how much the pass about it has added up.

    Returns
    -------
    is_far : bool
        Whether the shift was moved, so that another pass is due.
    summed_squares : ndarray of shape (q,)
        Sums of squares about the old shift, to which the rounding errors of cross belong.
    """

def plan_folds(n_samples: int, n_columns: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts): as many slots for every fold."""

def accumulate_folds(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    shift: Floats,
    scale: Floats,
    label: npt.NDArray[np.int32],
    part: int,
    n_threads: int,
    slots: Floats,
) -> None:
    """As `accumulate`, row r into the slots of fold ``label[r]``: slots (n_folds, n_slots, slot_size)."""

def centre_folds(
    n_samples: int, n_columns: int, shift: Floats, slots: Floats
) -> list[tuple[float, int, float, Floats, Floats]]:
    """What `centre` gives, for every fold; uses the slots up."""

def plan_leave_one_out(
    n_samples: int, n_features: int, n_targets: int, n_alphas: int
) -> tuple[int, int, int]: ...
def leave_one_out(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    mean: Floats,
    vectors: Floats,
    inverse: list[Floats],
    along: list[list[Floats]],
    of_mean: float,
    n_alphas: int,
    part: int,
    n_threads: int,
    slots: Floats,
    errors: Floats | None,
) -> None:
    """Slots (n_slots, 2 t (n_alphas rounded up to eights)) += squared errors of rows that the others predict.

    Leverages are ``w (((x - mean) @ vectors) ** 2 @ inverse + of_mean)``, residuals ``y - mean - (x - mean) @ vectors @
    along[k]``; a matrix is one array, or two whose product it is. Every error goes to ``errors`` (n, t, n_alphas), if
    that is an array.
    """

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

ScaledSolution = tuple[
    str,
    int,
    float,
    Floats,
    Floats,
    Floats,
    Floats,
    Floats,
    Floats,
    Floats,
    Floats,
    Floats,
    float,
    float,
]
"""Fields of `SCALED_SOLUTION_FIELDS`, for columns times powers of two: scale (q,), mean (2, q), root (p, r),
coef (2, t * p), intercept (2, t), rss, tss and length of columns, null_space (p - r, p)."""

Solution = tuple[Floats, Floats, Floats, Floats, Floats, Floats, Floats]
"""Fields of `SOLUTION_FIELDS`, in the user's units: coef and bse are (t, p), all others (t,)."""

Climbed = tuple[
    bool,
    int,
    float,
    float,
    Floats,
    Floats,
    Floats,
    int,
    int,
    float,
    float,
    float,
    Solution | None,
]
"""Fields of `CLIMBED_FIELDS`: the solution is None where more is needed than one call does."""

SCALED_SOLUTION_FIELDS: tuple[str, ...]
SOLUTION_FIELDS: tuple[str, ...]
CLIMBED_FIELDS: tuple[str, ...]
"""Names of what these tuples hold, in their order."""

def climb(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    fit_intercept: bool,
    accuracy: str,
    n_threads: int,
    with_condition: bool = True,
) -> Climbed:
    """Fit in one call what needs nothing but refinement, to accuracy "fast", "auto" or "max".

    Without ``with_condition`` the condition number of few columns is NaN if sweeps have refined the fit.
    """

CONVERGED: float
"""State of a target that has converged, in its progress."""

PROGRESS_STATE: int
PROGRESS_RSS: int
PROGRESS_RELATIVE_ERROR: int
PROGRESS_CONTRACTION: int
PROGRESS_ERROR: int
PROGRESS_SIZE: int
"""Columns of the progress (t, PROGRESS_SIZE) of targets between sweeps, see `refine`."""

ALWAYS_POLISHED: int
"""Values below which a sweep costs next to nothing."""

AUTOMATIC_TOLERANCE: float
"""Estimated relative error that "auto" refines to."""

ENOUGH_DIGITS: float
"""So many digits are good enough for targets that do not converge."""

SHARP_SQUARED_CONDITION: float
"""Up to where standard errors from a factor of the normal equations are right to 1e-10."""

LARGEST_SQUARED_CONDITION: float
"""Up to where sweeps converge with a factor of the normal equations."""

def solve_normal_equations(
    n_features: int,
    weight: float,
    mean: Floats,
    cross: Floats,
    fit_intercept: bool,
    penalty: Floats | None = None,
    truncate: bool = True,
    n_samples: float = 0.0,
    summed_squares: Floats | None = None,
    units: Floats | None = None,
    n_threads: int = 1,
) -> tuple[ScaledSolution, float, float, bool]:
    """(solution, digits, relevant digits, whether it is good enough for "auto").

    ``penalty`` (p,): of squared coefficients of the columns as cross has them. ``summed_squares`` (q,): at least the
    diagonal's, to whose rounding cross is right. ``units`` (q,): powers of two that columns were multiplied by before;
    the smallest norm is that of the columns as they were.
    """

def plan_sweep(n_samples: int, n_columns: int, n_targets: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a sweep."""

def sweep(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    scale: Floats,
    n_terms: int,
    coef: Floats,
    intercept: Floats,
    part: int,
    n_threads: int,
    slots: Floats,
) -> None:
    """Slots += part ``part`` of residuals and gradients at coef (2, t, p) and intercept (2, t), unevaluated sums."""

def sweep_totals(
    n_samples: int, n_features: int, n_targets: int, n_terms: int, slots: Floats
) -> tuple[Floats, Floats, Floats]:
    """The slots merged: gradient (2, t, p) and sum of residuals (2, t), unevaluated sums, and rss (t,)."""

def refine(
    n_samples: int,
    n_terms: int,
    slots: Floats,
    fit_intercept: bool,
    weight: float,
    mean: Floats,
    tss: Floats,
    root: Floats,
    tolerance: float,
    coef: Floats,
    intercept: Floats,
    progress: Floats,
) -> bool:
    """Correct coef, intercept and progress (t, PROGRESS_SIZE) from a sweep; whether all targets are done."""

def finish(
    fit_intercept: bool,
    weight: float,
    mean: Floats,
    tss: Floats,
    root: Floats,
    scale: Floats,
    coef: Floats,
    intercept: Floats,
    rss: Floats,
    n_dof: float,
) -> Solution:
    """From scaled columns to the user's units, with standard errors."""

def first_basis(
    n_features: int,
    weight: float,
    mean: Floats,
    cross: Floats,
    fit_intercept: bool,
    n_threads: int = 1,
) -> tuple[Floats, Floats, Floats, bool]:
    """(K (p, p), R (p, p), coef, is_orthonormal): R from a shifted Cholesky factor, K its inverse."""

def next_basis(
    K: Floats,
    R: Floats,
    weight: float,
    mean: Floats,
    cross: Floats,
    fit_intercept: bool,
    n_threads: int = 1,
) -> tuple[Floats, Floats, Floats, bool]:
    """A better basis, as `first_basis` gives one, from the moments of a pass in the basis K."""

def condition_number(R: Floats, K: Floats) -> float:
    """Ratio of the largest to the smallest singular value of R with columns of unit length, K its inverse.

    Columns that are 0 do not count; right to two digits.
    """

def choose_columns(
    A: Floats, threshold: Floats, n_threads: int = 1
) -> tuple[list[int], list[int], Floats, Floats]:
    """Independent columns from their cross-products A (l, l): a pivoted Cholesky factor.

    (chosen (r), in the order taken; others, ascending; root (r, r), K K' = A_II^-1; coefficients (l - r, r) of the
    others). A column is chosen only while its squared distance from those before, relative to its own length, exceeds
    its ``threshold`` (l,).
    """

def solve_on_independent_columns(
    n_features: int,
    weight: float,
    mean: Floats,
    cross: Floats,
    fit_intercept: bool,
    threshold: Floats,
    n_threads: int = 1,
) -> tuple[ScaledSolution, Floats, list[int]]:
    """(solution, with 0 for columns that were not chosen; directions (2, k * p); the columns they belong to)."""

def plan_combinations(n_samples: int, n_columns: int, n_combinations: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a pass of `combine`."""

def combine(
    X: Rows,
    sample_weight: Array | None,
    scale: Floats,
    pairs: Floats,
    constants: Floats,
    part: int,
    n_threads: int,
    slots: Floats,
) -> None:
    """Slots += part ``part`` of products of r = constant + X v, for pairs v (2, k, p) and constants (2, k)."""

def combined_products(
    n_samples: int,
    n_columns: int,
    n_combinations: int,
    weight: float,
    centred: bool,
    slots: Floats,
) -> Floats:
    """(k, k) sums of w r r', about the means of r if ``centred``."""

def intercepts(mean: Floats, coef: Floats) -> Floats:
    """(2, t): mean y - mean x'b for coef (2, t, p), unevaluated sums."""

def move_to_minimum_norm(
    directions: Floats,
    of_directions: Floats,
    scale: Floats,
    mean: Floats,
    fit_intercept: bool,
    coef: Floats,
    intercept: Floats,
) -> Floats:
    """Take directions (2, k, p) out of all coefficients, where those are shortest in the user's units.

    The intercepts follow. Returns what errors ``of_directions`` (k, p) do to coef: (t, p).
    """

def relative_error(
    fit_intercept: bool,
    weight: float,
    mean: Floats,
    tss: Floats,
    root: Floats,
    coef: Floats,
    intercept: Floats,
    error: Floats,
) -> float:
    """The worst of all coefficients and intercepts, whose errors are (t, p + 1); what is zero does not count."""

def dual_products(
    X: Rows,
    scale: Floats,
    root_weight: Floats | None,
    fit_intercept: bool,
    first: int,
    last: int,
    n_threads: int,
    mean: Floats,
    variance: Floats,
    H: Floats,
) -> None:
    """H += Z Z' over columns [first, last), lower triangle; their means and variances are set."""

def factor_dual(H: Floats, n: int, n_threads: int = 1) -> tuple[float, Floats]:
    """(condition_number, K (n, n)) with K K' = H^-1; infinite and no columns if there is none."""

def residuals(
    X: Rows,
    y: Rows,
    scale: Floats,
    n_terms: int,
    coef: Floats,
    intercept: Floats,
    target: int,
    n_threads: int,
) -> Floats:
    """(2, n): y - a - X b of one target, an unevaluated sum."""

def transposed_product(X: Rows, scale: Floats, r: Floats, n_threads: int) -> Floats:
    """(2, p): X'r for r (2, n), unevaluated sums."""

def powers(x: Array, degree: int) -> tuple[Floats, Floats]:
    """x^1 .. x^degree as high and low parts, (degree, n) each."""

def plan_double_double(n_samples: int, n_columns: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a pass in double-double."""

def accumulate_double_double(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    shift: Floats,
    scale: Floats,
    part: int,
    n_threads: int,
    slots: Floats,
) -> None:
    """As `accumulate`, every product and sum with its rounding error."""

def centre_double_double(
    n_samples: int, n_columns: int, shift: Floats, scale: Floats, slots: Floats
) -> tuple[float, Floats, Floats]:
    """(weight, mean (2, q), cross (2, q, q)) of columns * scale, unevaluated sums."""

def merge_double_double(
    sign: float,
    weight_a: float,
    mean_a: Floats,
    cross_a: Floats,
    weight_b: float,
    mean_b: Floats,
    cross_b: Floats,
) -> tuple[float, Floats, Floats]:
    """Moments of the rows of both (sign 1), or of those of a that are not in b (sign -1)."""

def solve_double_double(
    n_features: int,
    weight: float,
    mean: Floats,
    cross: Floats,
    fit_intercept: bool,
    penalty: Floats | None,
    truncate: bool,
    summed_squares: Floats | None = None,
    units: Floats | None = None,
) -> tuple[ScaledSolution, float]:
    """(solution, digits)."""

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

def plan_meat(n_samples: int, n_features: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a pass for a robust covariance."""

def robust_meat(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    weights_count: bool,
    shift: Floats,
    scale: Floats,
    coef: Floats,
    factor: Floats | None,
    least_left: float,
    correction: str,
    part: int,
    n_threads: int,
    slots: Floats,
) -> None:
    """Slots (n_slots, slot_size) += part ``part`` of the sum of u^2 z z'.

    Rows are z = ((x - shift) * scale, 1), or ``factor.T @ z`` with a factor (p + 1, p + 1), upper triangular;
    residuals are r = (y - shift) * scale - coef @ z, and leverages h = a |factor.T @ z|^2. u = w r, divided by
    sqrt(1 - h) for the correction "root_of_rest", by 1 - h for "rest", not at all for "none"; it is NaN where 1 - h is
    at most ``least_left``. Weights that count rows give a = 1 and u^2 times w rather than w^2; others give a = w.
    """

def meat_totals(n_samples: int, n_features: int, slots: Floats) -> tuple[Floats, int]:
    """The sum (p + 1, p + 1) over all slots, and how many rows have no u."""

def plan_hac(n_samples: int, n_features: int, n_lags: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a pass over neighbouring rows."""

def hac_meat(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    shift: Floats,
    scale: Floats,
    coef: Floats,
    factor: Floats | None,
    n_lags: int,
    part: int,
    n_threads: int,
    slots: Floats,
) -> None:
    """Slots += part ``part`` of the products of windows of n_lags + 1 scores w r z, as `robust_meat` has them."""

def hac_totals(n_samples: int, n_features: int, n_lags: int, slots: Floats) -> Floats:
    """Newey and West's sum (p + 1, p + 1) over lags up to n_lags, with Bartlett's weights."""

def plan_clusters(n_samples: int, n_features: int, n_clusters: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a pass that adds scores up within clusters."""

def cluster_scores(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    shift: Floats,
    scale: Floats,
    coef: Floats,
    factor: Floats | None,
    codes: npt.NDArray[np.int32],
    n_clusters: int,
    part: int,
    n_threads: int,
    slots: Floats,
) -> None:
    """Slots += part ``part`` of the scores w r z, as `robust_meat` has them, of the rows of each cluster.

    Raises
    ------
    IndexError
        If one of the codes (n_samples,) is not between 0 and n_clusters - 1.
    """

def cluster_totals(n_samples: int, n_features: int, n_clusters: int, slots: Floats) -> Floats:
    """Sums (n_clusters, p + 1) over all slots."""

def row_figures(
    X: Rows,
    y: Rows | None,
    sample_weight: Array | None,
    weights_count: bool,
    shift: Floats,
    scale: Floats,
    coef: Floats | None,
    factor: Floats | None,
    first: int,
    last: int,
    n_threads: int,
    residuals: Floats | None,
    leverages: Floats | None,
) -> None:
    """Set r and h of rows [first, last), as `robust_meat` has them, where they are asked for.

    Without y and coef there are leverages alone, and ``shift`` and ``scale`` are those of X.
    """

INFLUENCE_MEASURES: tuple[str, ...]
"""Names of the rows of what `influence` writes."""

def plan_influence(n_samples: int, n_features: int, n_top: int) -> tuple[int, int, int]:
    """(n_slots, slot_size, n_parts) of a pass that measures influence."""

def influence(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    weights_count: bool,
    shift: Floats,
    scale: Floats,
    coef: Floats,
    factor: Floats,
    least_left: float,
    variance: float,
    df_resid: float,
    n_parameters: float,
    ranking: str,
    n_top: int,
    part: int,
    n_threads: int,
    slots: Floats,
    out: Floats | None,
    change: Floats | None,
    changes: Floats | None,
) -> None:
    """Part ``part`` of a pass: ``out`` (n_measures, n) and ``changes`` (n, m) are set for its rows, if asked for.

    Arguments are those of `robust_meat`. The row ``changes[i]`` is ``factor.T @ z @ change[:, :m]`` times sqrt(a)
    external / sqrt(1 - h). Slots keep the sum of squared errors without the row, and the ``n_top`` rows in which the
    measure ``ranking`` is largest.
    """

def influence_totals(
    n_samples: int, n_features: int, n_top: int, slots: Floats
) -> tuple[float, float, int, npt.NDArray[np.int64]]:
    """(press, squares, n_undetermined, top): sums of w (r / (1 - h))^2 and of w r^2, and the top rows.

    ``n_undetermined`` rows have a 1 - h of at most ``least_left``: ``press`` lacks them.
    """

def measure_bandwidth(values: Floats, n_threads: int) -> float:
    """Sum of all values: measures the memory's read bandwidth."""

def measure_flops(n: int, n_threads: int) -> float:
    """Fused multiply-adds done in n rounds on every thread: measures the arithmetic's peak."""

def measure_tile(n: int, n_threads: int) -> float:
    """Multiply-adds of n tiles in the nearest cache on every thread: measures what the cores give just now."""

def first_non_finite(X: Rows) -> tuple[int, int]:
    """(row, column) of the first NaN or infinity, (-1, -1) if there is none."""

def plan_descent(n_features: int) -> tuple[int, int, int, int]:
    """(n_vectors, their length, n_numbers, n_counters) of the state of a descent."""

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
    loss: str = "squared_error",
    epsilon: float = 0.0,
) -> None:
    """Slots += part ``part`` of sum w r^2 and of its gradient at theta = (coef, intercept).

    Of another loss l than r^2 / 2, 2 l(r) stands for r^2 and l'(r) for r.
    """

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
    """Full batch from moments; (epochs done, "running", "stalled" or "diverged")."""

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

def descend_network(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    sizes: Sequence[int],
    activations: Sequence[str],
    is_single: bool,
    standard: Floats | None,
    target_standard: Floats | None,
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
    """As descend_batches, for a network with layers between ``sizes``: features, then outputs of each layer."""

def predict_network(
    X: Rows,
    first: int,
    last: int,
    sizes: Sequence[int],
    activations: Sequence[str],
    is_single: bool,
    standard: Floats | None,
    target_standard: Floats | None,
    parameters: Floats,
    n_threads: int,
    out: Floats,
) -> bool:
    """Sets rows [first, last) of ``out`` (n_samples, n_targets) to the outputs; whether these rows are finite."""

def evaluate_activation(activation: str, z: Floats, is_single: bool) -> tuple[Floats, Floats]:
    """Values and slopes of an activation; in single precision computed as such."""

def penalised_path(
    A: Floats,
    square_y: float,
    gradient: Floats,
    l1_factor: Floats,
    l2_factor: Floats,
    unit: Floats,
    positive: bool,
    l1: Floats,
    l2: Floats,
    coef: Floats,
    max_iter: int,
    tolerance: float,
    random: bool = False,
    seed: int = 0,
) -> tuple[Floats, Floats, npt.NDArray[np.intp]]:
    """Coefficients (k, p), duality gaps and sweeps (k,), penalty after penalty.

    Minimises ``b'A b / 2 - q'b + l1 f |b| + l2 f b^2 / 2``, from ``coef`` on.
    """

def penalised_path_of_rows(
    X: Rows,
    sample_weight: Array | None,
    total_weight: float,
    shift: Floats,
    mean: Floats,
    most: int,
    n_threads: int,
    square_y: float,
    gradient: Floats,
    l1_factor: Floats,
    l2_factor: Floats,
    unit: Floats,
    positive: bool,
    l1: Floats,
    l2: Floats,
    coef: Floats,
    max_iter: int,
    tolerance: float,
    random: bool = False,
    seed: int = 0,
) -> tuple[Floats, Floats, npt.NDArray[np.intp], int, int]:
    """The same from rows, with the number of columns whose products were taken and of penalties that were done.

    Once more than ``most`` columns are needed, the path ends.
    ``mean`` (p,) is that of X - shift, or zeros where nothing is to be centred.
    """

def column_products(
    X: Rows,
    y: Rows,
    sample_weight: Array | None,
    shift: Floats,
    chosen: list[int],
    n_threads: int,
) -> Floats:
    """(n_chosen + 1, q): sums of w z_a z_j, z = x - shift, for chosen columns a and, last, the constant."""

MOST_SUBSET_COLUMNS: int
"""Of `best_subsets`."""

def best_subsets(
    A: Floats, q: Floats, square_y: float
) -> tuple[Floats, npt.NDArray[np.uint64], int]:
    """Least sums of squares (p + 1,) for every size, their columns as bits, and how many subsets were looked at.

    A (p, p): cross-products of columns of unit length.
    """
