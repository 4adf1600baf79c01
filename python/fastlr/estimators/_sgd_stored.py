"""What files keep of an SGDRegressor: coefficients, history, and where its descent stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastlr.descent.state import Counter, Number, State, VectorRow
from fastlr.storage.schema import Count, Field, Maybe, Numbers, Part, check_fields

__all__ = ["SGD_FIELDS", "state_as_data", "state_of"]

_VECTORS = (
    VectorRow.THETA,
    VectorRow.FIRST_MOMENT,
    VectorRow.SECOND_MOMENT,
    VectorRow.AVERAGE,
    VectorRow.L1_PAID,
)
_COUNTERS = (Counter.UPDATES, Counter.EPOCHS, Counter.STEPS_SINCE_RESTART)

SGD_FIELDS: Mapping[str, Field] = {
    "coef": Numbers("p", must_be_finite=True),
    "intercept": Numbers("", must_be_finite=True),
    "n_iter": Count(0),
    "t": Numbers("", at_least=1.0, must_be_finite=True),
    "history": Part(dict),
    "state": Part(dict),
    "rounding": Maybe(Numbers("", must_be_finite=True)),
}
"""The rules of what SGDRegressor adds to its parameters and features."""

_STATE: Mapping[str, Field] = {
    # The memory of a rule may have overflowed where parameters have not.
    **{row.name.lower(): Numbers("q", may_be_nan=True) for row in _VECTORS},
    VectorRow.THETA.name.lower(): Numbers("q", must_be_finite=True),
    **{counter.name.lower(): Count(0) for counter in _COUNTERS},
    Number.L1_TOTAL.name.lower(): Numbers("", must_be_finite=True),
}


def state_as_data(state: State) -> dict[str, Any]:
    """What the next fit goes on from, without the epochs that are over."""
    return {
        **{row.name.lower(): state.vectors[row, : state.size].tolist() for row in _VECTORS},
        **{counter.name.lower(): int(state.counters[counter]) for counter in _COUNTERS},
        Number.L1_TOTAL.name.lower(): float(state.numbers[Number.L1_TOTAL]),
    }


def state_of(data: Mapping[str, Any], n_features: int) -> State:
    """The state that `state_as_data` told; an `InputError` if a field is missing, unknown or against its rule."""
    values = check_fields("a state of descent", data, _STATE, {"": (), "q": (n_features + 1,)})
    state = State(values["theta"])
    for row in _VECTORS:
        state.vectors[row, : state.size] = values[row.name.lower()]
    for counter in _COUNTERS:
        state.counters[counter] = values[counter.name.lower()]
    state.numbers[Number.L1_TOTAL] = values[Number.L1_TOTAL.name.lower()]
    return state
