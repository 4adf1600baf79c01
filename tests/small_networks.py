"""Rows for small networks, and all parameters of one."""

import numpy as np

__all__ = ["SMALL", "WEIGHTS", "X", "Y", "parameters_of"]

RNG = np.random.default_rng(5)
X = RNG.normal(size=(203, 4))
Y = np.column_stack([np.sin(X[:, 0]) + X[:, 3], X[:, 1] * X[:, 2]]) + 0.1 * RNG.normal(
    size=(203, 2)
)
WEIGHTS = RNG.uniform(0.5, 2.0, size=203)
SMALL = {"hidden_layer_sizes": (6,), "random_state": 3, "max_iter": 12}


def parameters_of(model):
    return np.concatenate([values.ravel() for values in (*model.coefs_, *model.intercepts_)])
