"""Networks of dense layers as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from fastlr.errors import InputError
from fastlr.estimators._features import check_features, names_in
from fastlr.estimators._mlp_arguments import settings_of
from fastlr.estimators._mlp_fitting import Fitted, Fitting
from fastlr.estimators._mlp_stored import MLP_FIELDS, mlp_as_data, mlp_of
from fastlr.estimators._mlp_warnings import warn_of_ending
from fastlr.estimators._stored import StoredEstimator
from fastlr.input.arguments import as_features
from fastlr.input.names import default_names, default_targets
from fastlr.input.threads import lock_of, resolve_threads
from fastlr.networks.rows import Scales
from fastlr.networks.training import predict_network
from fastlr.storage.schema import Field

__all__ = ["MLPRegressor"]


class MLPRegressor(StoredEstimator, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""A network of dense layers for regression, with scikit-learn's names, its initial weights and its steps.

    A layer turns rows A into f(A W + b); the last one has no activation f. Minimises, batch after batch,
    ``sum w |prediction - y|^2 / (2 W) + alpha sum |weights|^2 / (2 W)`` with W the sum of the batch's weights w (its
    number of rows where there are none). With the same ``random_state`` it takes the steps of scikit-learn's class.

    Parameters
    ----------
    loss : {"squared_error"}, default="squared_error"
        Half the squared error is what is offered.
    hidden_layer_sizes : int or sequence of int, default=(100,)
        How many neurons each hidden layer has. () is linear regression.
    activation : str or sequence of str, default="relu"
        "identity", "logistic", "tanh", "relu", "leaky_relu" (0.01 x below zero), "elu", "softplus" or "gelu" (by the
        normal distribution), for all hidden layers or one for each.
    solver : {"adam", "sgd"}, default="adam"
        How a gradient becomes a step, as scikit-learn has it: by Adam, whose epsilon is added before its memory is
        freed of its bias, or by descent with momentum. "lbfgs" is not offered.
    alpha : float, default=0.0001
        Strength of the L2 penalty on the weights; biases are free.
    batch_size : int or "auto", default="auto"
        Rows for each step; "auto" is 200, or all rows if they are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        ``learning_rate_init``; divided after each epoch by (rows seen + 1)^power_t; or divided by 5 when the loss, or
        the score of ``early_stopping``, stops improving. With solver="adam" it is constant.
    learning_rate_init : float, default=0.001
        The first rate.
    power_t : float, default=0.5
        The power of "invscaling".
    max_iter : int, default=200
        At most so many epochs.
    shuffle : bool, default=True
        Permute the rows in every epoch, as scikit-learn does.
    random_state : int or RandomState, optional
        Seed of the initial weights, of the rows set aside and of the permutations.
    tol : float or None, default=1e-4
        Stop when the loss (with ``early_stopping`` the score) has not improved by ``tol`` for more than
        ``n_iter_no_change`` epochs. None runs all epochs.
    verbose : int, default=0
        Print a line every so many epochs; True is 1.
    warm_start : bool, default=False
        Start ``fit`` from the weights of the last one, with a new memory of the solver.
    momentum, nesterovs_momentum : float in [0, 1] and bool, default=0.9 and True
        Constants of "sgd".
    early_stopping : bool, default=False
        Set a random share of the rows aside and stop when R2 on them stops improving; the best weights are kept.
    validation_fraction : float, default=0.1
        Share of the rows that ``early_stopping`` sets aside.
    beta_1, beta_2, epsilon : float
        Constants of "adam".
    n_iter_no_change : int or inf, default=10
        Epochs without improvement to wait.
    max_fun : int, default=15000
        Accepted, without effect: it belongs to "lbfgs".
    optimizer : str or Optimizer, optional
        A rule of `fastlr.optimizers` in the place of ``solver``, with its own constants.
    schedule : Schedule, optional
        One of `fastlr.schedules` in the place of ``learning_rate``; one that starts from "auto" starts from
        ``learning_rate_init``.
    standardize : bool, default=False
        Train on features and targets of mean 0 and standard deviation 1, in which ``alpha``, ``tol`` and the losses
        then are; weights and predictions are those of the data themselves. Features of unlike size need it.
    n_threads : int, optional
        Threads to use; results do not depend on it.

    Attributes
    ----------
    coefs_ : list of ndarray of shape (n_inputs, n_outputs)
        The weights of each layer; float32 if all of X is (unless ``standardize``), else float64.
    intercepts_ : list of ndarray of shape (n_outputs,)
        The biases of each layer.
    loss_ : float
        The loss of the last epoch, mean over its batches, each before its step.
    loss_curve_ : list of float
        The losses of all epochs. Those of several targets are a mean over the targets.
    best_loss_ : float or None
        The lowest of them; None with ``early_stopping``.
    validation_scores_ : list of float or None
        R2 on the rows set aside after each epoch, if there are any.
    best_validation_score_ : float or None
        The highest of them.
    n_iter_ : int
        Epochs of the last fit.
    t_ : int
        Rows seen in all epochs.
    n_layers_ : int
        The number of layers, those of the features and of the targets included.
    n_outputs_ : int
        The number of targets.
    out_activation_ : str
        "identity".
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, if X had names that are all strings.

    Notes
    -----
    Weights start uniform within +-sqrt(6 / (n_inputs + n_outputs)), with 2 in the place of 6 for "logistic" (Glorot
    and Bengio 2010), in scikit-learn's order of random numbers. A batch in which all weights are zero moves nothing.
    If X is float32, products are made in float32; steps and losses stay float64. If the loss explodes, the best
    iterate is kept and a ConvergenceWarning says so, where scikit-learn raises an error or goes on.

    Examples
    --------
    >>> import numpy as np
    >>> from fastlr import MLPRegressor
    >>> X = np.linspace(-2, 2, 200).reshape(-1, 1)
    >>> model = MLPRegressor(
    ...     hidden_layer_sizes=20,
    ...     activation="tanh",
    ...     learning_rate_init=0.02,
    ...     max_iter=300,
    ...     batch_size=20,
    ...     tol=None,
    ...     random_state=0,
    ... )
    >>> model.fit(X, np.sin(2 * X[:, 0])).score(X, np.sin(2 * X[:, 0])) > 0.99
    True
    """

    coefs_: list[npt.NDArray[Any]]
    intercepts_: list[npt.NDArray[Any]]
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    n_iter_: int
    t_: int
    n_layers_: int
    n_outputs_: int
    out_activation_: str
    _fitted: Fitted

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float | None = 1e-4,
        verbose: int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        optimizer: Any = None,
        schedule: Any = None,
        standardize: bool = False,
        n_threads: int | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.optimizer = optimizer
        self.schedule = schedule
        self.standardize = standardize
        self.n_threads = n_threads

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags, with those that say that y may have several columns and X may be sparse."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: object, y: object, sample_weight: object = None) -> MLPRegressor:
        """Train the network on these rows, from random weights unless ``warm_start`` says otherwise.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target values.
        sample_weight : float or array-like of shape (n_samples,), optional
            Non-negative weights of the rows, or one number for all of them.

        Returns
        -------
        MLPRegressor
            This estimator.

        Warns
        -----
        ConvergenceWarning
            If the epochs end before the loss settles, or the loss explodes.
        """
        settings = settings_of(self)
        fitting = Fitting.of(self, settings, X, y, sample_weight)
        earlier = vars(self).get("_fitted") if settings.warm_start else None
        if earlier is not None:
            check_features(self, X, fitting.rows.features, reset=False)
        fitting.start(self, earlier, keeps_memory=False)
        ending = fitting.run(settings.max_iter)
        with lock_of(self):
            if earlier is None:
                check_features(self, X, fitting.rows.features, reset=True)
            self._accept(fitting.fitted(ending))
        warn_of_ending(self, settings, ending)
        return self

    def partial_fit(self, X: object, y: object, sample_weight: object = None) -> MLPRegressor:
        """Train for one epoch on these rows, from where the last call ended; another rule starts without a memory.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`; the same features and targets as before.

        Returns
        -------
        MLPRegressor
            This estimator.
        """
        settings = settings_of(self)
        if settings.early_stopping:
            raise InputError(
                "partial_fit does not support early_stopping=True: one epoch is all that a call takes."
            )
        if settings.standardize:
            raise InputError(
                "standardize=True needs all rows, and partial_fit sees a part: pass standardised X and y, or call fit."
            )
        with lock_of(self):  # an epoch starts where the last one ended, whichever thread called
            fitting = Fitting.of(self, settings, X, y, sample_weight)
            earlier = vars(self).get("_fitted")
            if earlier is not None:
                check_features(self, X, fitting.rows.features, reset=False)
            fitting.start(self, earlier, keeps_memory=True)
            ending = fitting.run(1)
            if earlier is None:
                check_features(self, X, fitting.rows.features, reset=True)
            self._accept(fitting.fitted(ending))
        if ending.code in ("diverged", "interrupted"):
            warn_of_ending(self, settings, ending)
        return self

    def predict(self, X: object) -> npt.NDArray[Any]:
        """Predict the targets of new rows by a forward pass.

        Parameters
        ----------
        X : array-like or sparse of shape (n_samples, n_features)
            Features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            float32 if all of X is, else float64.
        """
        check_is_fitted(self, "coefs_")
        features = as_features(X)
        check_features(self, X, features, reset=False)
        names = names_in(self, features)
        known = self.__dict__.copy()  # one step: weights and biases belong together
        shape, weights = known["_fitted"].shape, known["coefs_"]
        out = predict_network(
            shape,
            shape.parameters_of(weights, known["intercepts_"]),
            features,
            names,
            scales=Scales(),
            is_single=np.asarray(weights[0]).dtype == np.float32 and features.all_float32,
            n_threads=resolve_threads(self.n_threads),
        )
        prediction = out.astype(np.float32) if features.all_float32 else out
        return prediction[:, 0] if shape.n_targets == 1 else prediction

    @classmethod
    def stored_fields(cls) -> Mapping[str, Field]:
        """Weights, biases, losses, and what ``partial_fit`` and a warm start go on from."""
        return MLP_FIELDS

    def stored_values(self) -> dict[str, Any]:
        """Weights, biases, losses, and what ``partial_fit`` and a warm start go on from."""
        return mlp_as_data(self._fitted, self._fitted.parameters_of(self))

    def restore(self, values: Mapping[str, Any]) -> None:
        """Set every attribute of a fitted estimator."""
        self._accept(mlp_of(values["network"], self.n_features_in_))

    def to_onnx(self, *, dtype: str = "float64") -> Any:
        """The network as an ONNX graph, which runtimes in C++, Java, C# or JavaScript evaluate without Python.

        Parameters
        ----------
        dtype : {"float64", "float32"}, default="float64"
            Type of the input ``X``, of shape (n_samples, n_features), and of the output ``y``, which has the shape of
            predictions. In float32 weights are rounded, and predictions have seven digits at most; so have those of
            networks with "gelu", since runtimes have its error function in float32 alone.

        Returns
        -------
        onnx.ModelProto
            Write it to a file with ``onnx.save``. Names of features are in its metadata, as JSON.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ImportError
            If onnx is not installed (the extra ``onnx``).
        """
        from fastlr.networks.onnx_model import network_onnx

        check_is_fitted(self)
        known = self.__dict__.copy()  # one step: weights and biases belong together
        shape = known["_fitted"].shape
        names = known.get("feature_names_in_")
        return network_onnx(
            shape,
            shape.parameters_of(known["coefs_"], known["intercepts_"]),
            Scales(),
            default_names(shape.n_features) if names is None else tuple(map(str, names)),
            default_targets(shape.n_targets),
            dtype,
            is_one_target=shape.n_targets == 1,
        )

    def _accept(self, fitted: Fitted) -> None:
        """Set every attribute at once: a failed fit leaves the estimator as it was."""
        shape, course = fitted.shape, fitted.course
        weights, biases = fitted.layers()
        self.__dict__.update(
            coefs_=weights,
            intercepts_=biases,
            loss_=course.loss_curve[-1] if course.loss_curve else np.nan,
            loss_curve_=course.loss_curve,
            best_loss_=course.best_loss,
            validation_scores_=course.scores,
            best_validation_score_=course.best_score,
            n_iter_=fitted.n_iter,
            t_=course.rows_seen,
            n_layers_=len(shape.sizes),
            n_outputs_=shape.n_targets,
            out_activation_="identity",
            _fitted=fitted,
        )
