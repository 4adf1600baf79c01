"""What one asks a fit about the terms of its formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from fastlr.results.contrasts import LevelContrasts
    from fastlr.results.linear_fit import LinearFit

__all__ = ["TermQuestions"]


class TermQuestions:
    """Questions about the terms of a formula: what `LinearFit` inherits."""

    __slots__ = ()

    def contrasts(
        self,
        variable: str,
        *,
        compare: str = "pairwise",
        adjust: str = "holm",
        at: Mapping[str, Any] | None = None,
        data: object = None,
        sample_weight: object = None,
        target: int | None = None,
    ) -> LevelContrasts:
        """Compare the levels of a category: adjusted means, their differences and errors.

        Parameters
        ----------
        variable : str
            A category of the formula, or of the table with ``categories``: "group", also for ``C(group)``.
        compare : {"pairwise", "reference", "mean"}, default="pairwise"
            Each level less each before it, less the first one, or less the mean of all.
        adjust : {"holm", "bonferroni", "fdr_bh", "fdr_by", "tukey", "none"}, default="holm"
            How p-values are adjusted for the number of differences. "tukey", for all pairs, is R's ``emmeans``' default
            and ``TukeyHSD``: by the studentised range, and so are intervals, which then cover all differences together.
        at : mapping, optional
            Values at which other variables are held: ``{"age": 40, "sex": "f"}``.
        data : data frame or mapping, optional
            A table, such as that of the fit: means are averages of predictions over its rows, as if all rows had
            the level, which leaves other variables as they are (Stata's ``margins``).
        sample_weight : float or array-like of shape (n_samples,), optional
            Weights of the rows of ``data`` in these averages.
        target : int, optional
            Which target, if there are several.

        Returns
        -------
        LevelContrasts
            By the covariance of the fit: of ``cov_type``.

        Raises
        ------
        InputError
            If the variable is no category of the fit, or nothing says at which value another variable is held.

        Notes
        -----
        Without ``data`` other categories are averaged with the same weight for each level, and numbers are at their
        means in the rows of the fit, as in R's ``emmeans``; a number that is in the formula by functions alone, as in
        ``log(age)``, needs ``at`` or ``data``. Without interactions differences are the same in all ways. What the rows
        do not determine is NaN.

        Examples
        --------
        >>> import fastlr
        >>> table = {"y": [1.0, 2.0, 4.0, 6.0, 9.0, 9.0], "group": list("aabbcc")}
        >>> print(fastlr.ols("y ~ group", data=table).contrasts("group"))
        Means by group:
          a      1.5 +- 0.645
          b      5 +- 0.645
          c      9 +- 0.645
        Differences (p by holm):
          b - a  3.5 +- 0.913, t(3) = 3.834, p = 0.044
          c - a  7.5 +- 0.913, t(3) = 8.216, p = 0.0113
          c - b  4 +- 0.913, t(3) = 4.382, p = 0.044
        """
        from fastlr.results.contrasts import contrasts_of

        return contrasts_of(
            cast("LinearFit", self),
            variable,
            compare=compare,
            adjust=adjust,
            at=at,
            data=data,
            sample_weight=sample_weight,
            target=target,
        )
