"""Which rows come next: every row once, fair draws, and nothing that depends on more than the seed."""

import numpy as np
import pytest


def epoch(kernels, sampling, n, p=3, batch_size=10, seed=1, number=0):
    plan = kernels.plan_sampling(sampling, n, p, batch_size)
    table = np.zeros(plan["table_size"], dtype=np.uint32)
    return np.concatenate(
        [
            kernels.list_rows(sampling, n, p, batch_size, seed, number, window, table)
            for window in range(plan["n_windows"])
        ]
    )


@pytest.mark.parametrize("n", [1, 2, 63, 4096, 5000, 65_536, 65_537, 200_003])
def test_a_shuffle_uses_every_row_once(kernels, n):
    for p in (1, 20, 300):
        rows = epoch(kernels, "shuffle", n, p)
        np.testing.assert_array_equal(np.sort(rows), np.arange(n), err_msg=f"{p=}")


def test_a_shuffle_of_many_blocks_uses_every_row_once(kernels):
    """More blocks than the table of permutations holds: a keyed permutation takes its place."""
    n = 64 * 65_536 + 17
    rows = epoch(kernels, "shuffle", n, 1)
    assert kernels.plan_sampling("shuffle", n, 1, 1)["table_size"] == 0
    np.testing.assert_array_equal(np.bincount(rows, minlength=n), np.ones(n))


@pytest.mark.parametrize("n", [1000, 200_003])
def test_every_epoch_and_every_seed_has_its_own_order(kernels, n):
    first = epoch(kernels, "shuffle", n)
    assert (first != epoch(kernels, "shuffle", n, number=1)).any()
    assert (first != epoch(kernels, "shuffle", n, seed=2)).any()
    np.testing.assert_array_equal(first, epoch(kernels, "shuffle", n))


def test_small_permutations_are_equally_likely(kernels):
    """All 24 orders of four rows in 4800 epochs: chi-square with 23 degrees of freedom, 1e-6 quantile 72."""
    seen = {}
    for number in range(4800):
        order = tuple(epoch(kernels, "shuffle", 4, number=number))
        seen[order] = seen.get(order, 0) + 1
    counts = np.array(list(seen.values()))
    assert len(counts) == 24
    assert ((counts - 200) ** 2 / 200).sum() < 72


@pytest.mark.parametrize("n", [50, 300_000])
@pytest.mark.parametrize("batch_size", [1, 7, 10])
def test_random_batches_are_drawn_without_replacement(kernels, n, batch_size):
    rows = epoch(kernels, "random", n, batch_size=batch_size)
    assert len(rows) == -(-n // batch_size) * batch_size
    batches = np.sort(rows.reshape(-1, batch_size), axis=1)
    assert (np.diff(batches, axis=1) > 0).all()
    assert rows.min() >= 0
    assert rows.max() < n


@pytest.mark.parametrize("n", [40, 70_000])
def test_random_draws_favour_no_row(kernels, n):
    """Row numbers are uniform: their mean over many draws lies within five standard errors of the middle."""
    draws = np.concatenate(
        [epoch(kernels, "random", n, number=k) for k in range(200 if n < 100 else 2)]
    )
    error = n / np.sqrt(12 * len(draws))
    assert abs(draws.mean() - (n - 1) / 2) < 5 * error
    assert abs(draws.std() - n / np.sqrt(12)) < 0.02 * n


def test_a_block_shuffle_draws_batches_from_all_over_the_table(kernels):
    n = 1_000_000
    rows = epoch(kernels, "shuffle", n, 20)
    batches = rows[: n // 32 * 32].reshape(-1, 32)
    assert np.median([len(np.unique(batch // 16)) for batch in batches[::50]]) >= 24
    spread = batches.std(axis=1)
    assert abs(spread.mean() - n / np.sqrt(12)) < 0.05 * n
    assert abs(np.corrcoef(rows[:-1], rows[1:])[0, 1]) < 0.05


def test_sequential_is_sequential(kernels):
    np.testing.assert_array_equal(epoch(kernels, "sequential", 10_001), np.arange(10_001))
