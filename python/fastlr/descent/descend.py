"""Gradient descent from arguments to a result: prepare, run, tell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fastlr.descent.arguments import (
    as_callback,
    as_patience,
    as_sampling,
    as_standardize,
    as_tol,
    as_validation,
    as_verbose,
)
from fastlr.descent.ending import finish
from fastlr.descent.linear import engine_of, limit_of, observer, teller, validator
from fastlr.descent.loop import Loop
from fastlr.descent.objective import LOSSES
from fastlr.descent.optimizers import Optimizer
from fastlr.descent.prepare import ENGINES, Job, Request, prepare
from fastlr.descent.result import Descent, Epoch
from fastlr.descent.resuming import before
from fastlr.descent.row_loss import as_epsilon
from fastlr.descent.schedules import Schedule, as_schedule
from fastlr.descent.steps import refuse_many_steps
from fastlr.input.designs import Design
from fastlr.input.missing import complete_rows, is_drop
from fastlr.input.options import as_alpha, as_choice, as_whole
from fastlr.input.row_stream import RowStream
from fastlr.input.threads import resolve_threads
from fastlr.least_squares.designed import designed_problem
from fastlr.moments.streamed import refuse_beside_scan
from fastlr.results.fresh import with_design

__all__ = ["descend"]


def descend(
    X: object,
    y: object = None,
    *,
    data: object = None,
    batch_size: int | None = None,
    optimizer: str | Optimizer = "auto",
    learning_rate: float | str | Schedule = "auto",
    epochs: int = 1000,
    loss: str = "half_mse",
    epsilon: float = 0.1,
    sampling: str | Iterable[Any] = "shuffle",
    init: object = "zeros",
    resume: Descent | None = None,
    fit_intercept: bool = True,
    sample_weight: object = None,
    alpha: float = 0.0,
    standardize: bool | None = None,
    tol: float | None = 1e-14,
    patience: int | None = 5,
    validation: object = None,
    record: str = "loss",
    callback: Callable[[Epoch], object] | None = None,
    verbose: int = 0,
    progress: bool = False,
    engine: str = "auto",
    categories: Sequence[str] | str | None = "auto",
    missing: str = "error",
    random_state: object = None,
    n_threads: int | None = None,
) -> Descent:
    r"""Fit a linear regression by gradient descent: batch, minibatch or single rows.

    Parameters
    ----------
    X : array-like or sparse of shape (n_samples, n_features), or str
        Array of any stride, memory map, data frame, or mapping from names to columns; numbers of any type, read as
        float64 where they lie. Or a matrix or array of `scipy.sparse`, of which some rows are filled at a time. A
        formula such as ``"y ~ a + C(b)"`` speaks of the columns of ``data``, and y is left out. Or what `fastlr.scan`
        gave, which knows y: one pass for its moments, and steps over all rows from these; batches, and other losses
        than the squared one, read it once an epoch.
    y : array-like of shape (n_samples,)
        Target values.
    data : data frame or mapping, optional
        The table that a formula speaks of.
    batch_size : int, optional
        Rows for each step: None for all of them (batch gradient descent), 1 for stochastic, k for minibatch gradient
        descent. The last batch of an epoch takes what is left.
    optimizer : {"auto", "gd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "accelerated"} or Optimizer
        How a gradient becomes a step; see `fastlr.optimizers`. "auto", the default, is plain descent, "gd", unless
        learning_rate="auto" leaves the steps on all rows to us: then it is "accelerated", Nesterov's method with
        restarts, which arrives where plain steps would take thousands of epochs.
    learning_rate : float, "auto", schedule name or Schedule, default="auto"
        The step for a unit gradient. "auto" is 1 / L with L the largest eigenvalue of the second derivatives of the
        loss; for batches it heeds the largest row as well (1 / (2 L_k), Gower et al. 2019), and for adaptive rules it
        is a hundredth of sd(y) / sd(x) (a tenth for AdaGrad). Schedules: `fastlr.schedules`; those that start from
        "auto" take plain steps. Whoever leaves the rate to us wants the fit: features are then standardised on the way
        (see ``standardize``), and a descent that does not arrive warns.
    epochs : int, default=1000
        At most so many passes over the rows.
    loss : {"half_mse", "mse", "sse", "huber"}, default="half_mse"
        The textbooks' three conventions, with r = prediction - y and W the sum of the weights: sum(w r^2) / (2 W),
        sum(w r^2) / W, sum(w r^2). Losses, gradients, penalties and learning rates follow it; see Notes. "huber" is
        sum(w h(r)) / W, where h(r) is r^2 / 2 up to \|r\| = epsilon and epsilon \|r\| - epsilon^2 / 2 beyond: outliers
        pull no harder than a residual of epsilon does. In all else it is "half_mse".
    epsilon : float, default=0.1
        Where Huber's loss turns from a square into a line, in the units of y; only with loss="huber".
    sampling : {"shuffle", "random", "sequential"} or iterable of index arrays, default="shuffle"
        Which rows form a batch: each epoch a fresh permutation; each step a fresh draw without replacement; rows as
        they come; or somebody else's sampler, which gives the row numbers of one batch after another and is iterated
        over once an epoch. Pass ``batch_size`` as well and learning_rate="auto" counts on batches of that size, not on
        single rows.
    init : {"zeros", "random"}, (coef, intercept), or an earlier fit, default="zeros"
        Where to start, in the units of the data. "random" draws from U(-1, 1). Everything else starts anew: epochs,
        schedule, permutations, and what the rule remembers.
    resume : Descent, optional
        An earlier descent to go on from exactly: after ``epochs`` more, every bit is that of one longer run, with its
        history, schedule, permutations, memory of the rule and patience (anew only if that descent had come to its own
        end). Pass the same rows and arguments; ``random_state`` is the earlier one. A sampler of your own is passed
        again, in the state in which it is. Name the ``engine`` where X has more than 8 columns for each epoch: "auto"
        might choose another one for the longer run, with the same steps but other last digits.
    fit_intercept : bool, default=True
        Whether to fit a constant.
    sample_weight : float or array-like of shape (n_samples,), optional
        Non-negative weights, not all zero, or one number for all rows: precisions, as in `fastlr.ols`.
    alpha : float, default=0.0
        L2 penalty in the convention of the loss: alpha \|coef\|^2 is added to "sse" and "mse", half of it to
        "half_mse" and "huber". The intercept is free.
    standardize : bool, optional
        True descends on features of mean 0 and (population) standard deviation 1, where one learning rate suits all;
        the coefficients returned are those of the features themselves. ``alpha`` then weighs on the standardised ones.
        A constant column keeps its scale, and ``status`` says so. False descends on the features as they are. None,
        the default, is False where a rate is given, the textbook's steps. Where the rate starts from "auto", the steps
        are made on columns of equal steepness, and the objective stays that of the features themselves: ``alpha``
        weighs on their own coefficients.
    tol : float or None, default=1e-14
        Stop when the loss has not fallen by this share of itself for ``patience`` epochs; None: never. With batches,
        such epochs count only where the learning rate no longer falls, and not while the mean of the losses, which
        scatter, still does.
    patience : int or None, default=5
        Epochs without improvement, of the loss or of the validation loss, that end the descent. None runs all epochs
        and returns the last iterate: validation then only watches.
    validation : float or (X, y) or (X, y, sample_weight), optional
        A share of the rows, the last ones (shuffle first if they are ordered), or rows of their own. Descent stops
        early when their loss no longer falls, and returns the best iterate.
    record : {"loss", "path", "steps"}, default="loss"
        "path" keeps the coefficients after each epoch in the history; "steps" those after each step as well, in at most
        256 MB (an `InputError` tells beforehand if they take more).
    callback : callable, optional
        Called with an `Epoch` after each epoch; return True to stop. What it raises reaches the caller.
    verbose : int, default=0
        Print a line every so many epochs.
    progress : bool, default=False
        Show a progress bar (needs rich: ``pip install "fastlr[cli]"``).
    engine : {"auto", "rows", "moments"}, default="auto"
        Full batch only: read the rows in each epoch, or make the same steps from their moments at O(p^2) an epoch.
        "auto" takes what is cheaper; ``Descent.engine`` says which. Moments know nothing of loss="huber", which reads
        the rows.
    categories : "auto", sequence of str or None, default="auto"
        Columns of X that become indicators of all their levels but the first: see `fastlr.ols`. They are made while
        rows are read.
    missing : {"error", "drop"}, default="error"
        Rows with a missing value in X, y or sample_weight (NaN, None, a null or a masked value): an error that names
        the first one, or left out; ``n_dropped`` counts them. Samplers of your own see
        the rows that are left.
    random_state : int, Generator or RandomState, optional
        Seed of shuffling and of random starts. The same seed gives the same bits for any number of threads.
    n_threads : int, optional
        Threads to use; by default all that the process may.

    Returns
    -------
    Descent
        A `LinearFit` with ``history``, ``gap``, and a ``status`` that says how it ended.

    Raises
    ------
    InputError, InputTypeError
        If an argument has a wrong value, shape or type; the message says which, and what would do.

    Warns
    -----
    ConvergenceWarning
        If the loss grows instead of falling: at once, or at the end compared with the start (over all rows; batches,
        which scatter, by more than twofold). The best iterate is returned, or the start if that is better, and the
        message states the largest stable learning rate, for plain descent 2 / L, or a rate that suits the batches.
        If the loss no longer fell, but short of the optimum ("stalled", or "settled" in the noise of batches more than
        a hundredth above it), or if learning_rate="auto" did not get there in ``epochs`` ("slow"; not with tol=None).
        The message states the distance and a cure. Near enough is a loss within 1e-6 of the variance of y (R2 right to
        six decimals), or within 100 ``tol`` of itself.
    UserWarning
        If ``batch_size`` is larger than the number of rows (all of them are used then).

    Notes
    -----
    Conversion: for the same steps, a rate eta of "half_mse" is eta / 2 of "mse" and eta / (2 W) of "sse"; a penalty
    alpha of "half_mse" is alpha of "mse" and alpha W of "sse". With batches of m rows the mean conventions divide by m
    times the mean weight; "sse" sums over the batch, which bears its share of the penalty: alpha m / n.

    The distance from the optimum is exact where moments are at hand (always up to 64 features, and as far as it costs
    less than the descent did); otherwise it is what the best change of one coefficient would gain. With loss="huber" it
    is a bound from below in any case, and a descent is called converged where no distance that matters could be shown;
    ``rss``, ``r2`` and the log-likelihood of the result are those of its squared residuals, which it does not minimise.

    Cost of an epoch: full batch on rows 4 n p flops and one read of X; from moments 2 p^2 flops after one pass of n
    p^2; batches 4 n p flops and one read of X. Extra memory is a few MB whatever n.

    "shuffle": up to 65536 rows every permutation is equally likely. Above, blocks of 8 to 64 neighbouring rows are
    permuted as wholes, and the rows of some thousand neighbours in that order are mixed: batches draw on many random
    places of the table, but two rows of one block always meet within a small part of the epoch. "random" draws
    uniformly up to 65536 rows and by a keyed permutation above.

    Of a scan, "shuffle" permutes its chunks (row groups of Parquet, blocks of text) each epoch, and the rows of each
    chunk; compressed text, streams and functions give their chunks in their own order. Batches fill up from one chunk
    to the next, and the next chunk is decoded meanwhile: memory is that of two of them.

    Sources: Robbins and Monro (1951); Bottou, Curtis, Nocedal, Optimization Methods for Large-Scale Machine Learning
    (2018).

    Examples
    --------
    >>> import fastlr
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
    >>> fit = fastlr.descend(X, y, loss="mse", learning_rate=0.1, epochs=2, verbose=1)
    Epoch 0: loss=21.0000  x0=1.700  intercept=0.800
    Epoch 1: loss=0.5350  x0=1.970  intercept=0.930
    >>> print(fit.status)
    Stopped after 2 epochs as asked; the loss was still falling, 0.0143 above the optimum.
    """
    n_dropped, made = 0, None
    if isinstance(X, RowStream):
        refuse_beside_scan(
            y=y,
            data=data,
            sample_weight=sample_weight,
            missing=missing if is_drop(missing) else None,
            validation=validation if isinstance(validation, float) else None,
        )
    else:
        X, made = designed_problem(
            X,
            y,
            data,
            sample_weight,
            fit_intercept,
            None,
            categories,
            missing,
            n_threads,
            "descend",
        )
    design: Design | None = X.design if isinstance(X, RowStream) else None
    if made is not None:
        problem, _, design = made
        X, y, sample_weight = problem.features, problem.targets, problem.weights
        fit_intercept, n_dropped = problem.fit_intercept, problem.n_dropped
        validation = _designed(validation, design)
    elif design is not None:
        validation = _designed(validation, design)
    elif is_drop(missing) and not isinstance(X, RowStream):
        X, y, sample_weight, n_dropped, _ = complete_rows(X, y, sample_weight)
        validation = _complete(validation)
    request = Request(
        schedule=as_schedule(learning_rate),
        n_epochs=as_whole(epochs, "epochs"),
        loss=as_choice(loss, LOSSES, "loss"),
        epsilon=as_epsilon(epsilon, str(loss)),
        record=as_choice(record, ("loss", "path", "steps"), "record"),
        engine=as_choice(engine, ENGINES, "engine"),
        alpha=as_alpha(alpha),
        tol=as_tol(tol),
        patience=as_patience(patience),
        standardize=as_standardize(standardize),
        sampling=as_sampling(sampling),
        callback=as_callback(callback),
        verbose=as_verbose(verbose),
        progress=bool(progress),
        fit_intercept=bool(fit_intercept),
        n_threads=resolve_threads(n_threads),
        n_dropped=n_dropped,
        random_state=random_state,
        batch_size=batch_size,
        optimizer=optimizer,
        init=init,
        resume=resume,
    )
    job = prepare(request, *as_validation(X, y, sample_weight, validation))
    loop = _loop_of(job)
    fit = finish(job, loop, loop.run())
    return fit if design is None else with_design(fit, design)


def _designed(validation: object, design: Design) -> object:
    """Features of a validation set that is a table as the rows of the fit are."""
    if isinstance(validation, tuple | list) and len(validation) in (2, 3):
        X, *others = validation
        return (design.features(X, "the validation set's X"), *others)
    return validation


def _complete(validation: object) -> object:
    """Leave rows out of a validation set, too, if it has rows of its own."""
    if isinstance(validation, tuple | list) and len(validation) in (2, 3):
        X, y, *weights = validation
        return tuple(complete_rows(X, y, weights[0] if weights else None)[:3])
    return validation


def _refuse_many_steps(job: Job, n_epochs: int) -> None:
    """Refuse to record more steps than memory is allowed for; those of a sampler are counted on the way."""
    n, size = job.measured.n_samples, job.batch_size
    is_drawn = job.engine == "batches" and isinstance(job.request.sampling, str)
    steps = math.ceil(n / size) if is_drawn and size else 1
    what = f"{n_epochs} epochs of {steps} steps" if steps > 1 else f"{n_epochs} steps"
    refuse_many_steps(n_epochs * steps, job.measured.n_features + 1, what)


def _loop_of(job: Job) -> Loop:
    """Set the loop up to make the steps of this job, from its start or from where an earlier descent ended."""
    request, earlier, measured = job.request, job.earlier, job.measured
    if earlier is None:
        start_loss, rate, n_before = job.loss(job.state.theta), job.first_rate, 0
        limit = limit_of(measured, job.objective, job.state.theta, start_loss, request.n_threads)
    else:
        start_loss, rate = earlier.recall().start_loss, earlier.recall().rate
        limit, n_before = earlier.recall().limit, earlier.n_epochs
    if request.record == "steps":
        _refuse_many_steps(job, n_before + request.n_epochs)
    counts = request.tol is not None and request.patience is not None
    return Loop(
        engine=engine_of(
            job.engine,
            measured,
            job.standardisation,
            job.quadratic,
            job.batch_size,
            request.sampling,
            job.seed,
            request.n_threads,
            keep_steps=request.record == "steps",
        ),
        state=job.state,
        start_loss=start_loss,
        settings={
            **job.rule.settings,
            **request.schedule.settings,
            **job.objective.settings,
            "fit_intercept": request.fit_intercept,
            "tolerance": request.tol if counts else -1.0,
            "patience": request.patience or 1,
            "limit": limit,
        },
        schedule=request.schedule,
        rate=rate,
        n_epochs=n_before + request.n_epochs,
        tol=request.tol,
        patience=request.patience,
        observe=observer(job.standardisation),
        tell=teller(measured.feature_names, request.fit_intercept),
        validate=None
        if job.held_out is None
        else validator(job.held_out, job.standardisation, job.objective, request.n_threads),
        callback=request.callback,
        keep_path=request.record != "loss",
        verbose=request.verbose,
        progress=request.progress,
        waits_for_rate=True,
        before=None if earlier is None else before(earlier),
    )
