"""Stochastic and minibatch gradient descent as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin

from fastlr.descent import History
from fastlr.descent.arguments import as_batch_size, seeds_of
from fastlr.descent.ending import history_of, judge
from fastlr.descent.loop import Loop, Outcome
from fastlr.descent.state import State
from fastlr.descent.table import MeasuredRows, Standardisation, read_rows
from fastlr.errors import InputError
from fastlr.estimators._features import check_features
from fastlr.estimators._sgd_arguments import LOSS_FUNCTIONS, SGDSettings, settings_of
from fastlr.estimators._sgd_loop import distance_of, loop_of, loss_of
from fastlr.estimators._sgd_rows import as_vector, split_rows
from fastlr.estimators._sgd_start import start_of, warm_state
from fastlr.estimators._sgd_stored import SGD_FIELDS, state_as_data, state_of
from fastlr.estimators._sgd_warnings import warn_if_far, warn_of_failure, warn_of_max_iter
from fastlr.estimators._shapes import as_single, is_single
from fastlr.estimators._sparse_coef import SparsifiedCoefficients
from fastlr.input.arguments import as_features, as_weights
from fastlr.input.threads import lock_of, resolve_threads
from fastlr.storage.schema import Field

__all__ = ["SGDRegressor"]

# scikit-learn's names of the last iterate and of the mean of all, which only fits that average have.
_OF_AVERAGES = ("_standard_coef", "_standard_intercept", "_average_coef", "_average_intercept")


class SGDRegressor(SparsifiedCoefficients, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Linear regression by stochastic gradient descent, with scikit-learn's names and, for single rows, its steps.

    Minimises ``sum w l(r) / n + alpha ((1 - l1_ratio) |coef|^2 / 2 + l1_ratio |coef|_1)``, r = prediction - y, where
    the loss l(r) is r^2 / 2 unless ``loss`` says otherwise.

    Parameters
    ----------
    loss : {"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive"}, default="squared_error"
        The loss l(r) of a row: r^2 / 2; r^2 / 2 up to \|r\| = epsilon and epsilon \|r\| - epsilon^2 / 2 beyond;
        max(0, \|r\| - epsilon); its square.
    penalty : {"l2", "l1", "elasticnet", None}, default="l2"
        The penalty; the intercept is free.
    alpha : float, default=0.0001
        Strength of the penalty, in units of the mean of half the squares.
    l1_ratio : float, default=0.15
        Share of L1 in "elasticnet".
    epsilon : float, default=0.1
        Size of a residual, in the units of y: from there on "huber" is a line, and up to there the other two losses are
        zero. It means nothing to "squared_error".
    fit_intercept : bool, default=True
        Whether to fit a constant.
    max_iter : int, default=1000
        At most so many epochs.
    tol : float or None, default=1e-3
        Stop when the objective (with ``early_stopping`` the validation score) has not improved by ``tol`` for
        ``n_iter_no_change`` epochs. If that leaves R2 more than 0.01 below what it could be, a ConvergenceWarning says
        so; of other losses than the squared one, if the objective can be shown to be further above its minimum than a
        hundredth of what the constant mean has.
    shuffle : bool, default=True
        Permute the rows in every epoch; how, see `fastlr.descend`.
    verbose : int, default=0
        Print a line every so many epochs.
    random_state : int or RandomState, optional
        Seed of the permutations.
    learning_rate : {"invscaling", "constant", "optimal", "adaptive"} or Schedule, default="invscaling"
        eta0 / t^power_t; eta0; 1 / (alpha (t + t0)); eta0, divided by 5 when the loss stops improving; or one of
        `fastlr.schedules`. t counts the updates.
    eta0, power_t : float
        Constants of the learning rate. A negative power, with which rates grow, gets scikit-learn's FutureWarning.
    early_stopping : bool, default=False
        Set a random share of the rows aside, and stop when the score on them, R2 whatever the loss, stops improving;
        the best iterate is kept. (The rows that remain are copied.)
    validation_fraction : float, default=0.1
        Share of the rows that ``early_stopping`` sets aside.
    n_iter_no_change : int, default=5
        Epochs without improvement to wait.
    warm_start : bool, default=False
        Start ``fit`` from the coefficients of the last one. Permutations go on where they were (with a number for
        ``random_state``), and so do the memory and the count of updates of every optimizer but "gd": two fits of k
        epochs are then one of 2 k, to the bit (with tol=None). "gd" counts updates from 1 again, as in scikit-learn, so
        rates that fall with them start anew. Patience is new in each fit.
    average : bool or int, default=False
        Return the mean of the iterates, from the first update (or the update of that number) on.
    batch_size : int or None, default=1
        Rows for each step; None for all.
    optimizer : str or Optimizer, default="gd"
        How a gradient becomes a step; see `fastlr.optimizers`.
    standardize : bool, default=False
        Descend on standardised features; the coefficients are those of the features themselves. Constant ones keep
        their scale.
    n_threads : int, optional
        Threads to use; results do not depend on it.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients, float32 if all of X is, else float64. ``partial_fit`` goes on from all digits.
    intercept_ : ndarray of shape (1,)
        The constant, float64. It fits the coefficients as they are rounded.
    n_iter_ : int
        Epochs of the last fit.
    t_ : float
        Updates made plus 1.
    history_ : History
        Loss, gradient norm and learning rate of each epoch.
    loss_curve_ : list of float
        The objective of each epoch, mean over its batches, each before its step.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.

    Notes
    -----
    With ``batch_size=1``, ``optimizer="gd"`` and ``shuffle=False`` the steps are those of scikit-learn's SGDRegressor.
    A batch of k rows takes the mean of their gradients. As there, rows of weight zero take part in the penalty and
    in the count of updates, and the penalty shrinks a coefficient to zero but not beyond; other optimizers take the
    penalty's true gradient. Slopes l'(r) are cut at 1e12 in single rows as there, and in any batch with
    learning_rate="optimal", whose first steps may explode before later ones recover. With batch_size=None losses other
    than the squared one read the rows in each epoch: moments do not know them. Unlike there, ``average`` is
    the mean of the iterates with L1 penalties too, and ``tol`` watches the weighted loss where there are weights.
    A model that `fastlr.load` gives back goes on with ``partial_fit`` as if it had never been away, to the bit, and so
    does a warm start without ``standardize``; with it, a warm start goes on from the coefficients alone.
    If the loss explodes, the best iterate is kept and a ConvergenceWarning says so, where scikit-learn raises an
    error or goes on.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import SGDRegressor
    >>> X = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> model = SGDRegressor(batch_size=10, eta0=0.5, alpha=0.0, tol=1e-9, random_state=0).fit(
    ...     X, 3 * X[:, 0] + 1
    ... )
    >>> model.predict([[2.0]]).round(3)
    array([7.])
    """

    loss_functions: ClassVar[Mapping[str, tuple[str, float] | tuple[str]]] = LOSS_FUNCTIONS

    coef_: npt.NDArray[Any]
    intercept_: npt.NDArray[Any]
    n_iter_: int
    t_: float
    history_: History
    loss_curve_: list[float]
    _state: State
    _scaled: tuple[Standardisation, State] | None
    _rounding: float  # what the intercept makes up for, as coefficients are rounded to float32

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0001,
        l1_ratio: float = 0.15,
        epsilon: float = 0.1,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        random_state: Any = None,
        learning_rate: Any = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        average: bool | int = False,
        batch_size: int | None = 1,
        optimizer: Any = "gd",
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.epsilon = epsilon
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.average = average
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.standardize = standardize
        self.n_threads = n_threads

    def fit(
        self,
        X: object,
        y: object,
        coef_init: object = None,
        intercept_init: object = None,
        sample_weight: object = None,
    ) -> SGDRegressor:
        """Fit to these rows, starting from zeros unless ``coef_init`` or ``warm_start`` say otherwise.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Target values.
        coef_init, intercept_init : array-like of shape (n_features,) and (1,), optional
            Coefficients and constant to start from, instead of zeros.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights, or one number for all rows: factors of the rows' losses, as in `fastlr.ols`.

        Returns
        -------
        SGDRegressor
            This estimator.
        """
        settings = settings_of(self)
        features = as_features(X)
        target = as_vector(y, features)
        weights = as_weights(sample_weight, features.n_samples, index=features.index)
        start = start_of(self, features.n_columns, coef_init, intercept_init)
        held_out = None
        rows: tuple[Any, Any, Any] = (features, target, weights)
        if settings.early_stopping:
            rows, held_out = split_rows(
                features, target, weights, float(self.validation_fraction), self.random_state
            )
        seed, _ = seeds_of(self.random_state)
        threads = resolve_threads(self.n_threads)
        size = as_batch_size(self.batch_size, features.n_samples)
        measured = read_rows(*rows, threads, need_moments=size is None)
        standardisation = Standardisation.of(measured, settings.standardize, settings.fit_intercept)
        validation = (
            None
            if held_out is None
            else read_rows(*held_out, threads, need_moments=False, like=measured.feature_names)
        )
        is_given = coef_init is not None or intercept_init is not None
        state = (None if is_given else warm_state(self, standardisation, settings)) or State(
            standardisation.from_raw(start)
        )
        loop = loop_of(settings, measured, standardisation, state, size, seed, threads, validation)
        outcome = loop.run()
        judge(outcome, loop, loss_of(settings, measured, standardisation, threads))
        with lock_of(self):
            check_features(self, X, features, reset=True)
            self._accept(outcome, loop, measured, standardisation, settings, features.all_float32)
        if outcome.code == "converged":
            warn_if_far(
                self, distance_of(settings, measured, standardisation, outcome.theta, threads)
            )
        elif outcome.code == "epochs_exhausted":
            warn_of_max_iter(self, settings)
        return self

    def partial_fit(self, X: object, y: object, sample_weight: object = None) -> SGDRegressor:
        """Descend for one epoch over these rows, from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`; the same features as before.

        Returns
        -------
        SGDRegressor
            This estimator.
        """
        settings = settings_of(self, one_epoch=True)
        if settings.early_stopping:
            raise InputError(
                "early_stopping should be False with partial_fit: one epoch is all that a call takes."
            )
        if settings.standardize:
            raise InputError(
                "standardize=True needs all rows, and partial_fit sees a part: pass standardised X, or call fit."
            )
        with lock_of(self):  # an epoch starts where the last one ended, whichever thread called
            return self._partial_fit(X, y, sample_weight, settings)

    def _partial_fit(
        self, X: object, y: object, sample_weight: object, settings: SGDSettings
    ) -> SGDRegressor:
        features = as_features(X)
        y = as_vector(y, features)
        is_first = not hasattr(self, "coef_")
        if not is_first:
            check_features(self, X, features, reset=False)
        threads = resolve_threads(self.n_threads)
        size = as_batch_size(self.batch_size, features.n_samples)
        measured = read_rows(features, y, sample_weight, threads, need_moments=size is None)
        standardisation = Standardisation.of(measured, False, settings.fit_intercept)
        state = State(np.zeros(features.n_columns + 1)) if is_first else self._state.copy()
        state.start_anew()
        seed, _ = seeds_of(self.random_state)
        seed += state.n_updates  # other rows are drawn by other permutations
        loop = loop_of(settings, measured, standardisation, state, size, seed, threads, None)
        outcome = loop.run()
        if is_first:
            check_features(self, X, features, reset=True)
        self._accept(outcome, loop, measured, standardisation, settings, features.all_float32)
        return self

    @classmethod
    def stored_fields(cls) -> Mapping[str, Field]:
        """Coefficients, history, and the state that ``partial_fit`` and a warm start go on from."""
        return SGD_FIELDS

    def stored_values(self) -> dict[str, Any]:
        """Coefficients, history, and the state that ``partial_fit`` and a warm start go on from."""
        return {
            "coef": self.coef_.tolist(),
            "intercept": float(self.intercept_[0]),
            "n_iter": self.n_iter_,
            "t": self.t_,
            "history": self.history_.to_document(),
            "state": state_as_data(self._state),
            **({"rounding": vars(self)["_rounding"]} if is_single(self.coef_) else {}),
        }

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set every attribute of a fitted estimator."""
        history = History.from_document(values["history"], self.n_features_in_)
        if len(history) != values["n_iter"]:
            raise InputError(f"a history of {len(history)} is not that of n_iter.")
        self._state = state_of(values["state"], self.n_features_in_)
        self._scaled = None
        rounding = values["rounding"]
        self.__dict__.update(
            coef_=values["coef"] if rounding is None else values["coef"].astype(np.float32),
            intercept_=np.array([values["intercept"]]),
            _rounding=rounding or 0.0,
        )
        self.n_iter_, self.t_ = values["n_iter"], values["t"]
        self.history_ = history
        self.loss_curve_ = history.loss.tolist()

    def _accept(
        self,
        outcome: Outcome,
        loop: Loop,
        measured: MeasuredRows,
        standardisation: Standardisation,
        settings: SGDSettings,
        single: bool,
    ) -> None:
        """Set every attribute at once: a failed fit leaves the estimator as it was."""
        is_mean = settings.average_from and loop.state.n_updates >= settings.average_from
        theta = loop.state.average if is_mean and outcome.code != "diverged" else outcome.theta
        raw = standardisation.to_raw(theta)
        for name in _OF_AVERAGES:
            self.__dict__.pop(name, None)
        if settings.average_from:
            last, mean = map(standardisation.to_raw, (outcome.theta, loop.state.average))
            values = last[:-1], last[-1:], mean[:-1], mean[-1:]
            self.__dict__.update(zip(_OF_AVERAGES, map(np.copy, values), strict=True))
        self._state = loop.state
        self._state.go_on_from(outcome.theta, forget=outcome.code == "diverged")
        self._scaled = None
        if not standardisation.is_trivial:
            self._scaled = standardisation, self._state.copy()
            self._state.rescale(standardisation.to_raw)
        coef: Any = raw[:-1].copy()
        intercept: Any = raw[-1:].copy()
        if single:
            means = measured.mean_x * settings.fit_intercept
            coef, intercept = as_single(coef, intercept, means)
        # One step: whoever predicts meanwhile gets coefficients and an intercept that belong together.
        self.__dict__.update(
            coef_=coef, intercept_=intercept, _rounding=float(intercept[0] - raw[-1])
        )
        self.n_iter_ = len(outcome.epochs)
        self.t_ = loop.state.n_updates + 1.0
        self.history_ = history_of(outcome, measured, standardisation, settings.row_loss)
        self.loss_curve_ = self.history_.loss.tolist()
        warn_of_failure(self, outcome, settings)
