"""How a fit is told: as a summary for people, and as frames for what comes after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from fastlr.results.linear_fit import LinearFit
    from fastlr.results.summary import Summary

__all__ = ["Told"]


class Told:
    """Summary and frames of a fit: what `LinearFit` inherits."""

    __slots__ = ()

    def summary(
        self,
        *,
        digits: int | None = None,
        level: float = 0.95,
        sort: str | None = None,
        numerics: bool = True,
        target: int | str | None = None,
        max_features: int | None = 40,
    ) -> Summary:
        """The fit for people: coefficients first, then how well they explain, then what deserves attention.

        Parameters
        ----------
        digits : int, optional
            Digits of the standard errors, with which estimates and intervals end. By default three, and four of those
            that begin with 1.
        level : float, default=0.95
            Probability with which an interval covers its parameter.
        sort : {"p", "size"}, optional
            By rising p-value, or by falling change of the target for one standard deviation of the feature; by default
            as the columns are.
        numerics : bool, default=True
            Whether the last line says how it was solved, and how many digits are right.
        target : int or str, optional
            The only one of several targets to show; by default the first five.
        max_features : int or None, default=40
            Of more features those are shown that come first by ``sort``, by size if that is None; a line says how
            many are not. None shows all.

        Returns
        -------
        Summary
            A string that shows as a table in notebooks, with ``as_html()``, ``as_latex()``, ``as_markdown()``,
            ``to_dict()`` and ``to_json()``.

        Raises
        ------
        InputError
            If an option is unknown or out of range.

        Notes
        -----
        What cannot be stated is a dash, and a sentence says why. Collinear features are spoken of from a condition
        number of 30 or a variance inflation factor of 10 on, degrees of freedom below 5.

        Examples
        --------
        >>> import fastlr
        >>> fit = fastlr.ols(
        ...     [[0.0], [1.0], [2.0], [4.0]], [1.0, 3.0, 6.0, 8.0], feature_names=["dose"]
        ... )
        >>> print(fit.summary(level=0.9).as_markdown().splitlines()[2])
        |  | coefficient | std error | 90 % interval | t | p | per sd |
        """
        from fastlr.results.summary import summary_of

        return summary_of(
            cast("LinearFit", self),
            digits=digits,
            level=level,
            sort=sort,
            numerics_line=numerics,
            target=target,
            max_features=max_features,
        )

    def tidy(self, *, level: float = 0.95, backend: str | None = None) -> Any:
        """A table with a row for every parameter, in the words of R's broom.

        Parameters
        ----------
        level : float, default=0.95
            Probability with which an interval covers its parameter.
        backend : {"pandas", "polars", "pyarrow", "modin"}, optional
            Whose frame to return; by default that of the table that was fitted.

        Returns
        -------
        frame, or dict of ndarray
            Columns ``term``, ``estimate``, ``std_error``, ``statistic``, ``p_value``, ``conf_low`` and ``conf_high``;
            before them ``target``, if there are several. A dictionary of arrays if arrays were fitted, or the fit was
            loaded from a file, which does not say what it was made of.

        Raises
        ------
        InputError
            If the level is not between 0 and 1, or the backend is unknown.
        ImportError
            If the backend is not installed.

        Examples
        --------
        >>> import fastlr
        >>> fit = fastlr.ols(
        ...     [[0.0], [1.0], [2.0], [4.0]], [1.0, 3.0, 6.0, 8.0], feature_names=["dose"]
        ... )
        >>> fit.tidy()["estimate"].round(4)
        array([1.4   , 1.7714])
        >>> list(fit.tidy(backend="polars").columns)
        ['term', 'estimate', 'std_error', 'statistic', 'p_value', 'conf_low', 'conf_high']
        """
        from fastlr.results.tidy import as_frame, backend_of, tidy_columns

        fit = cast("LinearFit", self)
        return as_frame(tidy_columns(fit, level), backend_of(fit), backend)

    def glance(self, *, backend: str | None = None) -> Any:
        """A table with one row for the whole fit (one for each of several targets), in the words of R's broom.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow", "modin"}, optional
            Whose frame to return; by default that of the table that was fitted.

        Returns
        -------
        frame, or dict of ndarray
            Columns ``r_squared``, ``adj_r_squared``, ``sigma`` (the residual standard error), ``statistic`` and
            ``p_value`` (of F), ``df``, ``log_lik``, ``aic``, ``bic``, ``deviance`` (the sum of squared residuals),
            ``df_residual`` and ``nobs``; before them ``target``, if there are several.

        Raises
        ------
        InputError
            If the backend is unknown.
        ImportError
            If the backend is not installed.

        Examples
        --------
        >>> import fastlr
        >>> fit = fastlr.ols([[0.0], [1.0], [2.0], [4.0]], [1.0, 3.0, 6.0, 8.0])
        >>> fit.glance()["r_squared"].round(4)
        array([0.9468])
        """
        from fastlr.results.tidy import as_frame, backend_of, glance_columns

        fit = cast("LinearFit", self)
        return as_frame(glance_columns(fit), backend_of(fit), backend)

    def augment(
        self,
        X: object,
        y: object = None,
        *,
        sample_weight: object = None,
        newdata: bool = False,
        prefix: str = "",
        backend: str | None = None,
    ) -> Any:
        """A table of the rows with what the fit says of each: predictions, residuals, leverages, Cook's distances.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows of the fit, or others with ``newdata=True`` or without y; as for ``predict``.
        y : array-like of shape (n_samples,) or (n_samples, n_targets), optional
            The targets.
        sample_weight : float or array-like of shape (n_samples,), optional
            The weights of the fit.
        newdata : bool, default=False
            Whether these are other rows than those of the fit: predictions and residuals are all that is known of them.
        prefix : str, default=""
            What the new columns' names begin with, such as "." to have broom's.
        backend : {"pandas", "polars", "pyarrow", "modin"}, optional
            Whose frame to return; by default that of X.

        Returns
        -------
        frame, or dict of ndarray
            The columns of X and y, followed by ``fitted``; with y ``resid``; of rows of the fit ``hat`` (leverage),
            ``std_resid`` (internally studentised), ``sigma`` (the residual standard error without the row) and
            ``cooks_d``. With several targets ``fitted_`` and the name of the target, and so on. X is not changed.

        Raises
        ------
        InputError
            If these are not the rows of the fit, or a column has the name of a new one.

        Examples
        --------
        >>> import fastlr
        >>> X, y = [[0.0], [1.0], [2.0], [4.0]], [1.0, 3.0, 6.0, 8.0]
        >>> rows = fastlr.ols(X, y).augment(X, y)
        >>> list(rows)
        ['x0', 'y', 'fitted', 'resid', 'hat', 'std_resid', 'sigma', 'cooks_d']
        >>> rows["hat"].round(3)
        array([0.6  , 0.314, 0.257, 0.829])
        """
        from fastlr.input.options import as_flag
        from fastlr.results.augmented import augmented

        return augmented(
            cast("LinearFit", self),
            X,
            y,
            sample_weight,
            newdata=as_flag(newdata, "newdata"),
            prefix=prefix,
            backend=backend,
        )
