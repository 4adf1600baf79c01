"""How kernels take arguments: by place or by name, each of its type, with messages that name it."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest

import fastlr._kernels


def test_arguments_go_by_place_or_by_name(kernels):
    by_place = kernels.plan_sweep(100, 4, 2)
    assert kernels.plan_sweep(100, n_targets=2, n_columns=4) == by_place
    names = dict(zip(("n_samples", "n_columns", "n_targets"), (100, 4, 2), strict=True))
    uninterned = {"".join(list(name)): value for name, value in names.items()}
    assert kernels.plan_sweep(**uninterned) == by_place


def test_every_kernel_says_what_it_takes(kernels):
    functions = [f for f in vars(kernels).values() if callable(f)]
    assert len(functions) > 60
    for function in functions:
        parameters = inspect.signature(function).parameters
        assert (len(parameters) == 0) == (function.__name__ in {"max_threads", "build_info"})
    taken = inspect.signature(kernels.solve_normal_equations).parameters
    assert list(taken)[:2] == ["n_features", "weight"]
    assert taken["penalty"].default is None
    assert taken["truncate"].default is True


def test_the_stub_says_what_kernels_take(kernels):
    stub = Path(fastlr._kernels.__file__).with_name("_generic.pyi")
    declared = {
        node.name: node.args
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    functions = {name: f for name, f in vars(kernels).items() if callable(f)}
    assert set(declared) == set(functions)
    for name, function in functions.items():
        taken = inspect.signature(function).parameters.values()
        arguments = declared[name]
        assert [a.arg for a in arguments.args] == [t.name for t in taken], name
        values = [t.default for t in taken if t.default is not t.empty]
        assert [ast.literal_eval(value) for value in arguments.defaults] == values, name


def test_calls_that_do_not_fit_are_refused(kernels):
    for match, given, named in (
        ("lacks the argument 'n_targets'", (100, 4), {}),
        ("was given 4 arguments", (100, 4, 2, 1), {}),
        ("was given 'n_columns' twice", (100, 4), {"n_columns": 4}),
        ("has no argument 'n_rows'", (100, 4, 2), {"n_rows": 4}),
    ):
        with pytest.raises(TypeError, match=match):
            kernels.plan_sweep(*given, **named)


def test_arguments_of_other_types_are_refused_by_name(kernels):
    X = np.ones((4, 2))
    state = (X, X, X.astype("i8"), X, X, None)
    for match, call in (
        ("'n_samples': it is float", lambda: kernels.plan_sweep(100.0, 4, 2)),
        ("'n_samples': it is int", lambda: kernels.plan_sweep(2**70, 4, 2)),
        ("'n': it is str", lambda: kernels.measure_flops("many", 1)),
        ("'n_threads': it is int", lambda: kernels.measure_flops(8, 2**40)),
        ("'values': it is list", lambda: kernels.measure_bandwidth([1.0], 1)),
        ("'values': it is ndarray of float32", lambda: kernels.measure_bandwidth(X.astype("f4"), 1)),
        (r"'values': it is ndarray of float64 and shape \(2, 4\)", lambda: kernels.measure_bandwidth(X.T, 1)),
        ("'sample_weight': it is list", lambda: kernels.provisional_shift(X, None, [1.0])),
        ("'sampling': it is int", lambda: kernels.plan_sampling(1, 10, 2, 2)),
        ("'settings': it is list", lambda: kernels.descend_moments(X, X[0], 1.0, X[0], 1.0, 1.0, [], *state)),
        ("'chosen': it is int", lambda: kernels.column_products(X, X[:, 0], None, np.zeros(3), 1, 1)),
        ("'delimiter': it is str", lambda: kernels.parse_numbers(b"1", ", ", [0], [], np.zeros((1, 1)))),
        ("'text': it is str", lambda: kernels.parse_numbers("1", ",", [0], [], np.zeros((1, 1)))),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=match):
            call()


def test_numbers_of_numpy_are_numbers(kernels):
    assert kernels.plan_sweep(np.int64(100), np.int32(4), np.uint8(2)) == kernels.plan_sweep(
        100, 4, 2
    )
    with pytest.raises(TypeError, match="'n_samples': it is float64"):
        kernels.plan_sweep(np.float64(100), 4, 2)


def test_large_results_belong_to_python_and_small_ones_are_copies(kernels):
    rng = np.random.default_rng(0)
    for p in (3, 40):
        X = rng.standard_normal((4 * p, p))
        chosen, others, root, shares = kernels.choose_columns(X.T @ X, np.full(p, 1e-12))
        assert sorted(chosen) == list(range(p))
        assert others == []
        assert root.shape == (p, p)
        assert shares.shape == (0, p)
        A = (X.T @ X)[np.ix_(chosen, chosen)]
        np.testing.assert_allclose(root @ root.T, np.linalg.inv(A), rtol=1e-9, atol=1e-12)
        root[0, 0] = 1.0  # to be written to, as any array
