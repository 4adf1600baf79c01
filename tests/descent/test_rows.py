"""The rows of a descent: where they lie, who draws them, how many there are."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastlr
from fastlr.descent import prepare
from layouts import LAYOUTS

pytestmark = pytest.mark.usefixtures("level")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 2))
    return X, X @ [1.0, -2.0] + 3.0 + rng.normal(size=200)


@pytest.mark.parametrize("n_features", [5, 35])
@pytest.mark.parametrize("batch_size", [None, 1, 16])
@pytest.mark.parametrize("standardize", [False, True])
def test_layout_and_type_do_not_change_a_bit(n_features, batch_size, standardize):
    options = {
        "batch_size": batch_size,
        "standardize": standardize,
        "epochs": 5,
        "random_state": 0,
        "engine": "auto",
        "tol": None,
    }
    if batch_size is None:
        options["engine"] = "rows"
    # A type meets every second layout here, and the others where one of the parameters is another one.
    parity = (n_features > 5) + (batch_size is None) + standardize
    for i, dtype in enumerate(("f8", "f4", "i4")):
        rng = np.random.default_rng(2)
        X = (4 * rng.normal(size=(300, n_features))).astype(dtype)
        y = X[:, :5] @ np.arange(1.0, 6.0) + rng.normal(size=300)
        plain = fastlr.descend(X.astype(float), y, **options)
        for layout, lay_out in [*LAYOUTS.items()][(i + parity) % 2 :: 2]:
            case = f"{dtype}, {layout}"
            laid_out = lay_out(X)
            if isinstance(laid_out, list):
                laid_out = {f"x{j}": X[:, j].copy() for j in range(n_features)}
            before = np.array(laid_out) if isinstance(laid_out, np.ndarray) else X
            fit = fastlr.descend(laid_out, y, **options)
            if isinstance(laid_out, np.ndarray):
                assert np.array_equal(laid_out, before), case
            assert np.array_equal(fit.coef, plain.coef), case
            assert np.array_equal(fit.history.loss, plain.history.loss), case


@pytest.fixture(scope="module")
def many_rows():
    rng = np.random.default_rng(3)
    return rng.normal(size=(70_001, 6)), rng.normal(size=70_001)


@pytest.mark.parametrize(
    ("batch_size", "sampling"),
    [
        (None, "shuffle"),
        (1, "shuffle"),
        (1, "random"),
        (32, "random"),
        (20_000, "shuffle"),
        (20_000, "random"),
    ],
)
def test_same_seed_same_bits_for_any_number_of_threads(many_rows, batch_size, sampling):
    X, y = many_rows
    fits = [
        fastlr.descend(
            X,
            y,
            batch_size=batch_size,
            sampling=sampling,
            epochs=2,
            tol=None,
            random_state=9,
            n_threads=n,
            engine=engine,
        )
        for n in (1, 2, 5)
        for engine in [("rows" if batch_size is None else "auto")]
    ]
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit.coef, fits[0].coef)
        np.testing.assert_array_equal(fit.history.loss, fits[0].history.loss)


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 200),
    p=st.integers(1, 12),
    batch_size=st.integers(1, 250),
    sampling=st.sampled_from(["shuffle", "random", "sequential"]),
    seed=st.integers(0, 1000),
)
@pytest.mark.filterwarnings("ignore:batch_size")
def test_any_shape_runs_its_epochs(n, p, batch_size, sampling, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, p)), rng.normal(size=n)
    fit = fastlr.descend(
        X,
        y,
        batch_size=batch_size,
        sampling=sampling,
        epochs=3,
        tol=None,
        random_state=seed,
        record="path",
    )
    assert fit.n_epochs == len(fit.history) == 3
    assert np.isfinite(fit.history.coef).all()
    assert np.isfinite(fit.history.intercept).all()
    assert fit.n_updates == 3 * -(-n // min(n, batch_size))


def test_columns_in_a_mapping_descend_like_an_array_of_them():
    """Also where there are too many columns for the moments that the automatic rate would take."""
    rng = np.random.default_rng(4)
    for n_features in (3, 70, 520):
        X, y = rng.normal(size=(40, n_features)), rng.normal(size=40)
        mapping = {f"x{j}": X[:, j].copy() for j in range(n_features)}
        for options in ({}, {"engine": "rows"}, {"batch_size": 8, "random_state": 0}):
            options = {"epochs": 3, "tol": None, **options}
            fits = [fastlr.descend(rows, y, **options) for rows in (X, mapping)]
            np.testing.assert_array_equal(fits[0].coef, fits[1].coef)
            assert fits[0].learning_rate == fits[1].learning_rate


@pytest.mark.parametrize("n_features", [5, 90, 600])
def test_the_statistics_of_the_rows_are_taken_once(n_features, monkeypatch):
    """The engine is known before they are: no second pass where the moments turn out to be wanted."""
    calls = []
    real = prepare.with_statistics

    def counted(rows, n_threads, *, need_moments):
        calls.append(need_moments)
        return real(rows, n_threads, need_moments=need_moments)

    monkeypatch.setattr(prepare, "with_statistics", counted)
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(30, n_features)), rng.normal(size=30)
    for engine in ("auto", "rows", "moments"):
        for rate in ("auto", 1e-4):
            calls.clear()
            fit = fastlr.descend(X, y, engine=engine, learning_rate=rate, epochs=100, tol=None)
            assert len(calls) == 1
            assert calls[0] or fit.engine == "rows"


def test_a_memory_map_is_read_in_place(tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5000, 4)), rng.normal(size=5000)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    for batch_size in (None, 10):
        options = {"batch_size": batch_size, "epochs": 2, "random_state": 0, "tol": None}
        np.testing.assert_array_equal(
            fastlr.descend(mapped, y, **options).coef, fastlr.descend(X, y, **options).coef
        )


def test_names_and_frames(rows):
    pandas = pytest.importorskip("pandas")
    X, y = rows
    frame = pandas.DataFrame(X, columns=["a", "b"])
    fit = fastlr.descend(
        frame, pandas.Series(y, name="yield"), batch_size=10, random_state=0, epochs=3
    )
    assert fit.feature_names == ("a", "b")
    assert fit.target_names == ("yield",)
    plain = fastlr.descend(X, y, batch_size=10, random_state=0, epochs=3)
    np.testing.assert_allclose(fit.coef, plain.coef, rtol=1e-12)
    assert fit.weights_by_size()[0].name in "ab"


def test_somebody_elses_sampler_draws_the_batches(rows):
    X, y = rows
    sequential = fastlr.descend(
        X, y, batch_size=30, sampling="sequential", learning_rate=0.1, epochs=2
    )
    batches = [np.arange(i, min(200, i + 30)) for i in range(0, 200, 30)]
    given = fastlr.descend(X, y, sampling=batches, learning_rate=0.1, epochs=2)
    np.testing.assert_array_equal(given.coef, sequential.coef)
    assert given.n_updates == 14
    rng = np.random.default_rng(0)
    endless = (rng.choice(200, 20, replace=False) for _ in itertools.count())
    fit = fastlr.descend(X, y, sampling=endless, learning_rate=0.1, epochs=3)
    assert (fit.n_epochs, fit.n_updates) == (3, 30)
    for bad, message in (
        ([[0, 200]], "row 200"),
        ([[-1]], "row -1"),
        ([[0.5]], "dtype float64"),
        ([], "no batch"),
        ([[]], "no batch"),
        ([[[1, 2]]], "shape (1, 2)"),
        (iter([]), "no batch"),
        (3, "neither a name nor an iterable"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            fastlr.descend(X, y, sampling=bad, learning_rate=0.1)


def test_empty_batches_are_no_step(rows):
    X, y = rows
    given = [[], [1, 2], np.array([], dtype=float), [3]]
    fit = fastlr.descend(X, y, sampling=given, learning_rate=0.1, epochs=2)
    plain = fastlr.descend(X, y, sampling=[[1, 2], [3]], learning_rate=0.1, epochs=2)
    np.testing.assert_array_equal(fit.coef, plain.coef)
    assert fit.n_updates == 4


def test_a_sampler_is_asked_once_an_epoch_and_an_iterator_once(rows):
    """Eager samplers draw when they are asked, and must keep in step with the generator of the user."""
    X, y = rows

    class Eager:
        def __init__(self):
            self.rng, self.asked = np.random.default_rng(0), 0

        def __iter__(self):
            self.asked += 1
            order = self.rng.permutation(200)
            return iter([order[i : i + 20] for i in range(0, 200, 20)])

    class OneTime:
        def __init__(self):
            self.asked, self.batches = 0, itertools.repeat(np.arange(200))

        def __iter__(self):
            self.asked += 1
            return self

        def __next__(self):
            return next(self.batches)

    eager, once = Eager(), OneTime()
    fit = fastlr.descend(X, y, sampling=eager, learning_rate=0.05, epochs=4)
    assert eager.asked == 4
    rng = np.random.default_rng(0)
    orders = [rng.permutation(200) for _ in range(4)]
    in_step = iter([o[i : i + 20] for o in orders for i in range(0, 200, 20)])
    np.testing.assert_array_equal(
        fit.coef, fastlr.descend(X, y, sampling=in_step, learning_rate=0.05, epochs=4).coef
    )
    assert eager.rng.integers(1 << 40) == rng.integers(1 << 40)
    assert fastlr.descend(X, y, sampling=once, learning_rate=0.05, epochs=4).n_epochs == 4
    assert once.asked == 1


def test_a_sampler_that_comes_to_its_end_is_told(rows):
    X, y = rows
    finite = (np.arange(i, i + 20) for i in range(0, 200, 20))
    fit = fastlr.descend(X, y, sampling=finite, learning_rate=0.1, epochs=3)
    assert (fit.n_epochs, fit.status.code) == (1, "sampler_exhausted")
    assert "after 1 epoch of 3: the sampler was exhausted" in fit.status


def test_a_pass_without_end_is_refused(rows):
    class Endless:
        def __iter__(self):
            return itertools.repeat(np.arange(200))

    X, y = rows
    with pytest.raises(fastlr.InputError, match="no end: pass iter"):
        fastlr.descend(X, y, sampling=Endless(), learning_rate=0.1)
    assert fastlr.descend(X, y, sampling=iter(Endless()), learning_rate=0.1, epochs=3).n_epochs == 3


def test_the_automatic_rate_suits_the_batches_of_a_sampler(rows):
    X, y = rows
    rate = {
        size: fastlr.descend(
            X, y, batch_size=size, epochs=1, random_state=0, tol=None
        ).learning_rate
        for size in (1, 10)
    }
    with pytest.warns(fastlr.ConvergenceWarning, match="Settled in the noise"):
        singles = fastlr.descend(X, y, sampling=[[i] for i in range(200)], epochs=50)
    assert singles.learning_rate == rate[1]
    assert singles.batch_size == 1
    tens = [np.arange(i, i + 10) for i in range(0, 200, 10)]
    options = {"epochs": 2, "tol": None, "sampling": tens}
    assert fastlr.descend(X, y, **options).batch_size == 10
    assert fastlr.descend(X, y, batch_size=10, **options).learning_rate == rate[10]
    with pytest.raises(fastlr.InputError, match="engine='moments' with a sampler"):
        fastlr.descend(X, y, sampling=tens, engine="moments")


def test_a_batch_larger_than_the_table_is_the_table(rows):
    X, y = rows
    with pytest.warns(UserWarning, match="all 200 are used"):
        fit = fastlr.descend(X, y, batch_size=201, epochs=5)
    np.testing.assert_array_equal(fit.coef, fastlr.descend(X, y, epochs=5).coef)
    assert fit.batch_size == 200


def test_bad_rows_are_named(rows):
    X, y = rows
    broken = X.copy()
    broken[7, 1] = np.nan
    with pytest.raises(fastlr.InputError, match=r"NaN \(row 7, column 'x1'"):
        fastlr.descend(broken, y)
    with pytest.raises(fastlr.InputError, match="2 columns"):
        fastlr.descend(X, np.c_[y, y])


@pytest.mark.parametrize("options", [{}, {"engine": "rows"}, {"batch_size": 20, "random_state": 0}])
@pytest.mark.parametrize("standardize", [None, True])
def test_a_constant_column_keeps_its_scale_and_says_so(rows, options, standardize):
    X, y = rows
    options = {"standardize": standardize, "epochs": 30, "tol": None, **options}
    constant = np.c_[X[:, :1], np.full(200, 4.2), X[:, 1:]]
    fit = fastlr.descend(constant, y, **options)
    without = fastlr.descend(X, y, **options)
    np.testing.assert_allclose(fit.coef[[0, 2]], without.coef, rtol=1e-9)
    assert abs(fit.coef[1]) < 1e-12
    assert fit.status.endswith("Column 'x1' is constant and was left on its scale.")
    options.pop("batch_size", None)
    both = fastlr.descend(X[:1], y[:1], **options)
    assert "Columns 'x0', 'x1' are constant and were left on their scale." in both.status
    assert both.predict(X[:1])[0] == pytest.approx(y[0], rel=0.1)


def test_one_row_is_enough():
    fit = fastlr.descend([[2.0]], [6.0], epochs=200)
    assert fit.predict([[2.0]])[0] == pytest.approx(6.0)
    options = {"batch_size": 1, "epochs": 3, "learning_rate": 0.1}
    assert fastlr.descend([[2.0]], [6.0], **options).n_updates == 3


@pytest.mark.parametrize(("n", "batch_size"), [(40, 39), (41, 40), (100, 33), (201, 40), (9, 4)])
def test_the_automatic_rate_bears_a_last_batch_of_few_rows(n, batch_size):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(n, 2)), rng.normal(size=n)
        fit = fastlr.descend(X, y, batch_size=batch_size, epochs=30, tol=None, random_state=seed)
        assert fit.status.code != "diverged", (seed, str(fit.status))
        assert fit.history.loss.max() <= 4 * fit.history.loss[0], seed
