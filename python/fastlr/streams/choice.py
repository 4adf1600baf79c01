"""The columns of a fit, by their names in a table."""

from __future__ import annotations

from dataclasses import dataclass

from fastlr.files import Table

__all__ = ["Choice"]


@dataclass(frozen=True)
class Choice:
    """The columns of a fit, by their names in the table."""

    features: tuple[str, ...]
    targets: tuple[str, ...]
    weights: str | None
    categories: tuple[str, ...] = ()
    """Features whose values, as text, are categories."""
    formula: str | None = None
    """What makes features and targets of the columns: ``features`` are all that it uses, and ``targets`` none."""
    clusters: tuple[str, ...] = ()
    """One or two columns whose values say which rows belong together."""

    def keeps_rows_of(self, table: Table) -> bool:
        """Whether all rows are kept: for a formula, and for categories of what can be read once."""
        return self.formula is not None or (bool(self.categories) and not table.can_repeat)

    @property
    def names(self) -> list[str]:
        """Features, targets, weights and clusters, each once."""
        names = [*self.features, *self.targets, *([self.weights] if self.weights else [])]
        return list(dict.fromkeys([*names, *self.clusters]))
