"""The columns of a fit, by their names in a table."""

from __future__ import annotations

from dataclasses import dataclass

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

    @property
    def is_designed(self) -> bool:
        """Whether features are made of the columns, for which all rows are kept."""
        return self.formula is not None or bool(self.categories)

    @property
    def names(self) -> list[str]:
        """Features, targets, weights and clusters, each once."""
        names = [*self.features, *self.targets, *([self.weights] if self.weights else [])]
        return list(dict.fromkeys([*names, *self.clusters]))
