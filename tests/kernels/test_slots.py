"""Passes in parts: bad plans and parts that do not exist are refused, and parts add up to the whole."""

import numpy as np
import pytest

from fastlr._kernels.parts import in_parts

N, P = 700, 3


def passes(kernels):
    """For each kind of pass its plan and a call of one of its parts."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, P)), rng.normal(size=(N, 1))
    zeros, ones = np.zeros(P + 1), np.ones(P + 1)
    pairs, constants = np.ones((2, 2, P)), np.zeros((2, 2))
    return {
        "accumulate": (
            kernels.plan_pass(N, P + 1),
            lambda part, slots: kernels.accumulate(X, y, None, zeros, ones, part, 1, slots),
        ),
        "accumulate_double_double": (
            kernels.plan_double_double(N, P + 1),
            lambda part, slots: kernels.accumulate_double_double(
                X, y, None, zeros, ones, part, 1, slots
            ),
        ),
        "sweep": (
            kernels.plan_sweep(N, P, 1),
            lambda part, slots: kernels.sweep(
                *(X, y, None, ones, 1, np.ones((2, 1, P)), np.zeros((2, 1)), part, 1, slots)
            ),
        ),
        "combine": (
            kernels.plan_combinations(N, P, 2),
            lambda part, slots: kernels.combine(
                X, None, np.ones(P), pairs, constants, part, 1, slots
            ),
        ),
        "accumulate_loss": (
            kernels.plan_loss(N, P),
            lambda part, slots: kernels.accumulate_loss(X, y[:, 0], None, zeros, part, 1, slots),
        ),
    }


def test_a_part_beyond_the_plan_and_slots_of_another_are_refused(kernels):
    for name, (plan, run) in passes(kernels).items():
        n_slots, slot_size, n_parts = plan
        slots = np.zeros((n_slots, slot_size))
        for part in (-1, n_parts):
            with pytest.raises(ValueError, match="there is no such part"):
                run(part, slots)
        with pytest.raises(ValueError, match="slots has the wrong size"):
            run(0, np.zeros((n_slots + 1, slot_size)))
        assert not slots.any(), name


def test_a_plan_of_nothing_is_refused(kernels):
    for plan, sizes in [
        (kernels.plan_pass, 2),
        (kernels.plan_double_double, 2),
        (kernels.plan_sweep, 3),
        (kernels.plan_combinations, 3),
        (kernels.plan_loss, 2),
    ]:
        for k in range(sizes):
            with pytest.raises(ValueError, match="start at 1"):
                plan(*(0 if i == k else 5 for i in range(sizes)))


def test_every_part_adds_to_the_same_slots(kernels):
    for name, (plan, run) in passes(kernels).items():
        seen = []
        for part, slots in in_parts(plan):
            run(part, slots)
            seen.append((part, slots))
        assert [part for part, _ in seen] == list(range(plan[2])), name
        assert all(slots is seen[0][1] for _, slots in seen), name
        assert seen[0][1].shape == plan[:2], name
        assert seen[0][1].any(), name
