"""Automatic differentiation: numbers that remember how they were computed, and so know their derivatives.

Every `Value` keeps the values it was computed from and the derivative with respect to each of them. `Value.backward`
goes through that graph from its end to its beginning and applies the chain rule once for every edge: reverse mode, by
which one pass gives the derivatives with respect to all parameters, however many they are.

The loss of the line y = w x + b on one point, whose derivatives are 2 r x and 2 r with the residual r = 1 * 3 + 0 - 5:

>>> w, b = Value(1.0, label="w"), Value(0.0, label="b")
>>> loss = (w * 3.0 + b - 5.0) ** 2
>>> loss.backward()
>>> loss.data, w.grad, b.grad
(4.0, -12.0, -4.0)
"""

from __future__ import annotations

import math

from fastlr.reference.computation_graph import Drawing, draw

__all__ = ["Drawing", "Value", "draw", "maximum"]


class Value:
    """A number, and where it comes from.

    ``data`` is the number and ``grad`` the derivative with respect to it of what ``backward`` was last called on.
    ``parents`` are the values it was computed from, and ``slopes`` its derivatives with respect to them; ``operation``
    and ``label`` name it in pictures. A function that is missing here is one line: its value, and its derivative.

    >>> def sine(x):
    ...     return Value(math.sin(x.data), (x,), (math.cos(x.data),), "sin")
    >>> x = Value(0.0)
    >>> sine(x).backward()
    >>> x.grad
    1.0
    """

    __slots__ = ("data", "grad", "label", "operation", "parents", "slopes")

    def __init__(
        self,
        data: float,
        parents: tuple[Value, ...] = (),
        slopes: tuple[float, ...] = (),
        operation: str = "",
        label: str = "",
    ) -> None:
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes
        self.operation = operation
        self.label = label

    def __repr__(self) -> str:
        return f"Value({self.data:g}, grad={self.grad:g}, label={self.label!r})"

    def __add__(self, other: Value | float) -> Value:
        other = _as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __mul__(self, other: Value | float) -> Value:
        other = _as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data), "*")

    def __pow__(self, power: float) -> Value:
        slope = power * self.data ** (power - 1) if power else 0.0
        return Value(self.data**power, (self,), (slope,), f"^{power:g}")

    def exp(self) -> Value:
        """The exponential, its own derivative."""
        power = math.exp(self.data)
        return Value(power, (self,), (power,), "exp")

    def log(self) -> Value:
        """The natural logarithm, whose derivative is 1 / x."""
        return Value(math.log(self.data), (self,), (1.0 / self.data,), "log")

    def tanh(self) -> Value:
        """The hyperbolic tangent t, whose derivative is 1 - t^2."""
        t = math.tanh(self.data)
        return Value(t, (self,), (1.0 - t * t,), "tanh")

    def relu(self) -> Value:
        """The larger of x and 0; the derivative at 0 is taken to be 0."""
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0.0),), "relu")

    def backward(self) -> None:
        """Set ``grad`` of every value that this one depends on: the derivative of this one with respect to it."""
        values = self.history()
        for value in values:
            value.grad = 0.0
        self.grad = 1.0
        for value in reversed(values):  # all that depends on a value comes before the value
            for parent, slope in zip(value.parents, value.slopes, strict=True):
                parent.grad += slope * value.grad

    def history(self) -> list[Value]:
        """All values that this one depends on, each after its parents, and itself at the end.

        A stack of our own takes the place of recursion, which ends at some thousand operations.
        """
        ordered: list[Value] = []
        seen: set[int] = set()
        waiting = [(self, False)]
        while (
            waiting
        ):  # each value is put here once for every use, and once when its parents are done
            value, is_done = waiting.pop()
            if is_done:
                ordered.append(value)
            elif id(value) not in seen:
                seen.add(id(value))
                waiting.append((value, True))
                waiting += [(parent, False) for parent in value.parents]
        return ordered

    def __neg__(self) -> Value:
        return self * -1.0

    def __sub__(self, other: Value | float) -> Value:
        return self + -other

    def __truediv__(self, other: Value | float) -> Value:
        return self * _as_value(other) ** -1.0

    def __rsub__(self, other: float) -> Value:
        return -self + other

    def __rtruediv__(self, other: float) -> Value:
        return self**-1.0 * other

    __radd__ = __add__
    __rmul__ = __mul__


def maximum(a: Value | float, b: Value | float) -> Value:
    """The larger of two values, on which alone it depends; the first one where they are equal."""
    a, b = _as_value(a), _as_value(b)
    is_first = a.data >= b.data
    return Value(max(a.data, b.data), (a, b), (float(is_first), float(not is_first)), "max")


def _as_value(number: Value | float) -> Value:
    return number if isinstance(number, Value) else Value(number)
