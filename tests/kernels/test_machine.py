"""What kernels tell of themselves and of the machine, on every level."""

import numpy as np

from fastlr._kernels import available_levels


def test_a_build_says_its_level_and_its_threads(kernels):
    info = kernels.build_info()
    assert info["level"] in available_levels()
    assert kernels.max_threads() >= 1


def test_the_roofline_reads_every_value_and_counts_its_work(kernels):
    for n in (0, 1, 31, 32, 33, 100_003, 300_000):
        values = np.arange(float(n))
        for n_threads in (1, 2):
            assert kernels.measure_bandwidth(values, n_threads) == values.sum()
    for n_threads in (1, 2):
        assert kernels.measure_flops(100, n_threads) >= 100 * n_threads
        assert kernels.measure_tile(100, n_threads) >= 100 * 32 * n_threads


def test_the_state_of_a_descent_has_room_for_its_parameters(kernels):
    for n_features in (1, 7, 100):
        n_vectors, length, n_numbers, n_counters = kernels.plan_descent(n_features)
        assert length >= n_features + 1
        assert min(n_vectors, n_numbers, n_counters) >= 1
