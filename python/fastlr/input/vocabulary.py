"""What an expression in a formula may say: arithmetic, and functions that are known to do nothing else.

Formulas come from files, too, and are evaluated as Python: so only expressions that are read here, node by node, are.
"""

from __future__ import annotations

import ast
import re

import numpy as np

from fastlr.errors import InputError

__all__ = ["names_in"]

_FUNCTIONS = frozenset({"C", "I", "exp", "exp2", "log", "log10", "log2"})
_STATEFUL = frozenset({"bs", "cc", "center", "cr", "cs", "poly", "scale", "standardize"})
_CONTRASTS = frozenset({"Diff", "Helmert", "Poly", "Sum", "Treatment"})
_CONSTANTS = frozenset({"e", "pi"})
_OF_NUMPY = {"clip": 3, "round": 2, "where": 3}  # beside ufuncs, with their most arguments
_MOST_KNOTS = 1000  # and degrees, of splines and polynomials
_LARGEST_POWER = 64
_ARITHMETIC = (
    ast.Add | ast.Sub | ast.Mult | ast.Div | ast.FloorDiv | ast.Mod | ast.Pow | ast.USub | ast.UAdd
    | ast.Not | ast.Invert | ast.Eq | ast.NotEq | ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.BitAnd
    | ast.BitOr | ast.Load
)  # fmt: skip
_QUOTED = re.compile(r"`([^`]*)`")


def names_in(expression: str) -> tuple[str, ...]:
    """Columns that an expression of a formula uses, in their order.

    Raises
    ------
    InputError
        If the expression says something else than arithmetic, comparisons and known functions of columns.
    """
    quoted: list[str] = []

    def stand_in(found: re.Match[str]) -> str:
        quoted.append(found[1])
        return f"__quoted_{len(quoted) - 1}__"

    try:
        tree = ast.parse(_QUOTED.sub(stand_in, expression).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"formula has {expression!r}, which is no expression ({error}).") from None
    reader = _Reader(expression)
    try:
        reader.visit(tree.body)
    except RecursionError:
        raise InputError(
            f"formula has an expression of {len(expression)} characters that is nested too deeply."
        ) from None
    names = [
        quoted[int(name[9:-2])] if name.startswith("__quoted_") else name for name in reader.columns
    ]
    return tuple(dict.fromkeys(names))


class _Reader(ast.NodeVisitor):
    """Collects columns, and refuses whatever is not known."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.columns: list[str] = []

    def generic_visit(self, node: ast.AST) -> None:
        if not isinstance(node, _ARITHMETIC):
            raise self._refusal(ast.unparse(node) if isinstance(node, ast.expr) else "syntax")

    def visit_Name(self, node: ast.Name) -> None:
        if node.id.startswith("__") and not node.id.startswith("__quoted_"):
            raise self._refusal(node.id)
        self.columns.append(node.id)

    def visit_Constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, str | bool | int | float | None):
            raise self._refusal(repr(node.value))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        self.visit(node.op)
        self._visit_number(node.operand)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        self.visit(node.op)
        self._visit_number(node.left)
        self._visit_number(node.right)
        if isinstance(node.op, ast.Pow) and not any(
            isinstance(part, ast.Name) for part in ast.walk(node)
        ):
            power = node.right
            is_small = isinstance(power, ast.Constant) and isinstance(power.value, int | float)
            if (
                not is_small
                or not isinstance(node.left, ast.Constant)
                or abs(power.value) > _LARGEST_POWER  # type: ignore[attr-defined]
            ):
                raise self._refusal(ast.unparse(node))

    def visit_Compare(self, node: ast.Compare) -> None:
        for part in (node.left, *node.ops, *node.comparators):
            self.visit(part)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        is_constant = isinstance(node.value, ast.Name) and node.value.id == "np"
        if not is_constant or node.attr not in _CONSTANTS:
            raise self._refusal(ast.unparse(node))

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        is_known = name in _FUNCTIONS or name in _STATEFUL or self._is_contrast(node.func)
        if not is_known:
            most = _most_arguments(node.func)
            if not most:
                raise self._refusal(f"{ast.unparse(node.func)}()")
            if len(node.args) > most:
                raise self._refusal(f"{ast.unparse(node.func)}() of {len(node.args)} arguments")
        elif name in _FUNCTIONS - {"C"} and len(node.args) != 1:
            raise self._refusal(f"{name}() of {len(node.args)} arguments")
        settings = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg.startswith("_") or keyword.arg == "out":
                raise self._refusal(ast.unparse(node))
        if name in _STATEFUL:
            for part in (inner for setting in settings for inner in ast.walk(setting)):
                is_large = (
                    isinstance(part, ast.Constant)
                    and type(part.value) is int
                    and part.value > _MOST_KNOTS
                )
                if is_large or isinstance(part, ast.BinOp):
                    raise self._refusal(ast.unparse(node))
        for argument in (*node.args[:1], *settings):
            if not (name == "C" and argument not in node.args[:1] and self._is_contrast(argument)):
                self._visit_argument(argument)

    def _is_contrast(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Attribute):
            owner = node.value
            is_public = not node.attr.startswith("_")
            return isinstance(owner, ast.Name) and owner.id == "contr" and is_public
        return isinstance(node, ast.Name) and node.id in _CONTRASTS

    def _visit_argument(self, node: ast.expr) -> None:
        """Lists, tuples and mappings stand in arguments alone."""
        if isinstance(node, ast.List | ast.Tuple):
            for part in node.elts:
                self._visit_argument(part)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if key is None:
                    raise self._refusal(ast.unparse(node))
                self._visit_argument(key)
                self._visit_argument(value)
        else:
            self.visit(node)

    def _visit_number(self, node: ast.expr) -> None:
        """An operand is no text: 'a' * 10**9 would fill the memory."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            raise self._refusal(ast.unparse(node))
        self.visit(node)

    def _refusal(self, what: str) -> InputError:
        known = ", ".join(sorted(_FUNCTIONS | _STATEFUL))
        return InputError(
            f"formula has {self.expression!r}, and {what} is not known there: write arithmetic and comparisons of "
            f"columns, {known}, a ufunc of NumPy such as np.sqrt, or np.clip, np.round and np.where. "
            "Compute anything else as a column first; names with spaces stand in backticks."
        )


def _most_arguments(node: ast.expr) -> int:
    """How many arguments a function of NumPy may be given, so that none is written to; 0 if it is not known."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return 0
    if node.value.id != "np":
        return 0
    function = getattr(np, node.attr, None)
    return function.nin if isinstance(function, np.ufunc) else _OF_NUMPY.get(node.attr, 0)
