"""Rows of scipy.sparse: the same fits, predictions and messages as the same rows with their zeros."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LinearRegression as SklearnRegression
from sklearn.linear_model import SGDRegressor as SklearnSGD
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import fastlr
from fastlr._kernels import kernels
from fastlr.input.arguments import as_features
from fastlr.input.sparse import SparseRows
from fastlr.moments import sparse_passes

FORMATS = (
    "csr_array",
    "csc_array",
    "coo_array",
    "csr_matrix",
    "csc_matrix",
    "lil_array",
    "bsr_array",
)


def rows_of(n, p, density, seed=0):
    """Rows of whole and broken numbers, some of them none, with targets and weights."""
    rng = np.random.default_rng(seed)
    X = sp.random_array((n, p), density=density, rng=rng, format="csr")
    X.data = np.round(X.data * 64 - 20) / 8
    y = X @ rng.normal(size=p) + 100.0 + rng.normal(size=n)
    return X, y, rng.uniform(0.5, 2.0, size=n)


def same_moments(got, want, tolerance=1e-13):
    size = np.sqrt(np.outer(want.cross_products.diagonal(), want.cross_products.diagonal()))
    assert np.all(np.abs(got.cross_products - want.cross_products) <= tolerance * size)
    np.testing.assert_allclose(got.mean, want.mean, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(got.total_weight, want.total_weight, rtol=1e-15)
    assert got.n_samples == want.n_samples
    assert got.sum_log_weight == pytest.approx(want.sum_log_weight, rel=1e-12, abs=1e-9)


@pytest.fixture
def only_sparse(monkeypatch):
    """Fail where rows are given their zeros all together, and count passes over sparse rows."""
    calls = []
    plain = sparse_passes.sparse_moments

    def watched(*arguments):
        found = plain(*arguments)
        calls.append(found is not None)
        return found

    monkeypatch.setattr("fastlr.moments.passes.sparse_moments", watched)
    for name in ("toarray", "todense"):
        monkeypatch.setattr(sp.csr_array, name, lambda self: pytest.fail("filled"))
    return calls


def test_moments_are_those_of_the_filled_rows(level, only_sparse):
    X, y, weights = rows_of(9000, 50, 0.04)
    targets = np.column_stack([y, y**2])
    filled = np.zeros(X.shape)
    rows = X.tocoo()
    filled[rows.row, rows.col] = rows.data
    for target in (y, targets):
        for weight in (None, weights):
            got = fastlr.Moments.from_arrays(X, target, weight)
            same_moments(got, fastlr.Moments.from_arrays(filled, target, weight))
    assert only_sparse == [True] * 4


def test_every_format_index_and_type_gives_the_same_moments(level):
    X, y, _ = rows_of(3000, 60, 0.03)
    X.data = np.round(X.data)
    want = fastlr.Moments.from_arrays(X, y).to_bytes()
    for name in FORMATS:
        assert fastlr.Moments.from_arrays(getattr(sp, name)(X), y).to_bytes() == want, name
    wide = X.copy()
    wide.indices, wide.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    assert fastlr.Moments.from_arrays(wide, y).to_bytes() == want
    for dtype in (np.float32, np.int64, np.int8):
        assert fastlr.Moments.from_arrays(X.astype(dtype), y).to_bytes() == want, dtype


def test_no_bit_depends_on_threads(level):
    X, y, weights = rows_of(40_000, 80, 0.03)
    one, three = (fastlr.Moments.from_arrays(X, y, weights, n_threads=k).to_bytes() for k in (1, 3))
    assert one == three


def test_values_in_any_order_twice_or_zero_are_what_scipy_makes_of_them_and_stay_as_they_are():
    rng = np.random.default_rng(1)
    n, p = 2000, 50
    start = np.arange(0, 4 * n + 1, 4, dtype=np.int32)
    columns = rng.integers(0, p, size=4 * n, dtype=np.int32)
    values = rng.integers(-2, 3, size=4 * n).astype(float)  # zeros among them
    X = sp.csr_array((values.copy(), columns.copy(), start.copy()), shape=(n, p))
    filled = X.toarray()
    y = filled @ rng.normal(size=p) + rng.normal(size=n)
    got = fastlr.ols(X, y)
    for kept, given in ((X.data, values), (X.indices, columns), (X.indptr, start)):
        np.testing.assert_array_equal(kept, given)
    np.testing.assert_allclose(got.coef, fastlr.ols(filled, y).coef, rtol=1e-12)
    np.testing.assert_array_equal(got.predict(X), got.predict(X.tocsc()))


def test_empty_rows_and_columns_count(level, only_sparse):
    X, y, _ = rows_of(60_000, 40, 0.03)
    X = sp.hstack([X, sp.csr_array((60_000, 2))], format="csr")
    X = sp.vstack([X, sp.csr_array((700, 42))], format="csr")
    y = np.append(y, np.full(700, 100.0))
    fit = fastlr.ols(X, y)
    assert fit.n_samples == 60_700
    assert fit.rank == 40
    assert fit.coef[40:].tolist() == [0.0, 0.0]
    assert "x40, x41 are constant" in str(fit.status)
    assert only_sparse == [True]


def test_nan_and_infinity_are_named_by_row_and_column():
    X, y, _ = rows_of(3000, 50, 0.04)
    for value, kind in ((np.nan, "NaN"), (np.inf, "infinity")):
        bad = X.copy()
        place = 1234
        bad.data[place] = value
        row = int(np.searchsorted(bad.indptr, place, side="right")) - 1
        message = rf"contains {kind} \(row {row}, column 'x{bad.indices[place]}', counted from 0\)"
        with pytest.raises(fastlr.InputError, match=message):
            fastlr.ols(bad, y)
        with pytest.raises(fastlr.InputError, match=message):
            fastlr.ols(X, y).predict(bad)


def test_a_damaged_matrix_is_refused_before_anything_is_read():
    X, y, _ = rows_of(300, 5, 0.2)
    for change in (lambda m: m.indices.__setitem__(7, 5), lambda m: m.indices.__setitem__(3, -1)):
        bad = X.copy()
        change(bad)
        with pytest.raises(
            fastlr.InputError, match=r"X is a damaged sparse matrix.*between 0 and 4"
        ):
            fastlr.ols(bad, y)
    bad = X.copy()
    bad.indptr[10] = bad.indptr[12] + 1
    with pytest.raises(fastlr.InputError, match="its rows overlap"):
        fastlr.ols(bad, y)


def test_what_cannot_be_fitted_is_refused_by_name():
    X, y, _ = rows_of(300, 5, 0.2)
    with pytest.raises(fastlr.InputTypeError, match="Complex"):
        fastlr.ols(X.astype(complex), y)
    with pytest.raises(fastlr.InputTypeError, match="only X may be one"):
        fastlr.ols(X, sp.csr_array(y[:, np.newaxis]))
    with pytest.raises(fastlr.InputError, match="Expected 2D"):
        fastlr.ols(sp.coo_array(y), y)
    with pytest.raises(fastlr.InputError, match="0 sample"):
        fastlr.ols(sp.csr_array((0, 5)), np.zeros(0))


def test_full_columns_of_large_mean_and_tiny_spread_keep_their_digits(level, only_sparse):
    X, y, weights = rows_of(6000, 48, 0.02)
    rng = np.random.default_rng(2)
    full = sp.csr_array(1e6 + rng.normal(size=(6000, 1)) * 1e-3)
    almost = np.where(rng.uniform(size=(6000, 1)) < 0.97, 1e5, 0.0)
    X = sp.hstack([X, full, sp.csr_array(almost)], format="csr")
    filled = np.zeros(X.shape)
    rows = X.tocoo()
    filled[rows.row, rows.col] = rows.data
    for weight in (None, weights):
        got = fastlr.Moments.from_arrays(X, y, weight)
        same_moments(got, fastlr.Moments.from_arrays(filled, y, weight))
    assert only_sparse == [True] * 2
    exact = fastlr.ols(filled, y, accuracy="max")
    np.testing.assert_allclose(fastlr.ols(X, y, accuracy="max").coef, exact.coef, rtol=1e-13)


def test_digits_lost_to_centring_are_counted(level):
    """Weights on the rows where a thin column is full leave the sparse sums few digits of its deviations."""
    rng = np.random.default_rng(3)
    n, p = 8000, 40
    X = sp.lil_array(sp.random_array((n, p), density=0.03, rng=rng))
    X[: n // 4, 0] = 1e4 + rng.normal(size=n // 4)
    X = X.tocsr()
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    weights = np.where(np.arange(n) < n // 4, 1.0, 1e-13)
    moments = fastlr.Moments.from_arrays(X, y, weights)
    exact = fastlr.ols(X, y, sample_weight=weights, accuracy="max")
    fast = fastlr.solve(moments)
    error = np.abs(fast.coef / exact.coef - 1).max()
    assert error <= 10.0**-fast.digits
    assert fast.digits < 12


@pytest.mark.filterwarnings("ignore::fastlr.RankWarning")
@pytest.mark.parametrize("accuracy", ["fast", "auto", "max"])
def test_fits_are_those_of_the_filled_rows(level, accuracy):
    for n, p, density in ((200, 12, 0.2), (9000, 60, 0.03), (30, 80, 0.1)):
        X, y, weights = rows_of(n, p, density)
        for arguments in ({}, {"sample_weight": weights}, {"fit_intercept": False}):
            got = fastlr.ols(X, y, accuracy=accuracy, **arguments)
            want = fastlr.ols(X.toarray(), y, accuracy=accuracy, **arguments)
            case = f"{n=}, {arguments=}"
            assert got.rank == want.rank, case
            np.testing.assert_allclose(got.coef, want.coef, rtol=1e-9, atol=1e-11, err_msg=case)
            np.testing.assert_allclose(got.bse_coef, want.bse_coef, rtol=1e-9, err_msg=case)
            predicted = got.predict(X)
            np.testing.assert_allclose(predicted, want.predict(X.toarray()), rtol=1e-9)
            np.testing.assert_allclose(got.residuals(X, y), y - predicted, atol=1e-12)


def test_rules_for_dependent_columns_hold(level):
    X, y, _ = rows_of(4000, 30, 0.04)
    X = sp.hstack([X, X[:, :2] @ sp.csr_array([[1.0], [2.0]])], format="csr")
    with pytest.warns(fastlr.RankWarning, match=r"x30"):
        got = fastlr.ols(X, y)
    assert got.rank == 30
    np.testing.assert_allclose(
        got.coef, fastlr.ols(X.toarray(), y, rank="min_norm").coef, rtol=1e-9
    )
    with pytest.warns(fastlr.RankWarning, match=r"x30"):
        assert fastlr.ols(X, y, rank="basic").coef[30] == 0.0


def test_pipelines_of_one_hot_columns_work_as_they_stand(level):
    rng = np.random.default_rng(5)
    table = rng.integers(0, 40, size=(30_000, 2))
    y = rng.normal(size=30_000) + table[:, 0] - np.sqrt(table[:, 1])
    models = [
        make_pipeline(OneHotEncoder(sparse_output=is_sparse), fastlr.LinearRegression())
        for is_sparse in (True, False)
    ]
    sparse, dense = (model.fit(table, y) for model in models)
    np.testing.assert_allclose(sparse.predict(table), dense.predict(table), rtol=1e-11)
    assert str(sparse[-1].status_) == str(dense[-1].status_)
    assert "add up to the intercept" in str(sparse[-1].status_)
    assert sparse[-1].rank_ == 78
    assert sparse[-1].digits_ > 12


def test_sweeps_over_sparse_rows_need_no_columns(level, only_sparse, monkeypatch):
    """All rungs up to sweeps go row by row, with weights and several targets, as exactly as over filled rows."""
    X, y, weights = rows_of(50_000, 60, 0.03)
    targets = np.column_stack([y, -2.0 * y])
    filled = np.zeros(X.shape)
    rows = X.tocoo()
    filled[rows.row, rows.col] = rows.data
    monkeypatch.setattr(SparseRows, "by_columns", property(lambda self: pytest.fail("by columns")))
    for arguments in ({"sample_weight": weights}, {}, {"fit_intercept": False}):
        got = fastlr.ols(X, targets, accuracy="max", **arguments)
        want = fastlr.ols(filled, targets, accuracy="max", **arguments)
        assert got.solver == "refined"
        np.testing.assert_allclose(got.coef, want.coef, rtol=4e-15, atol=1e-16)
        np.testing.assert_allclose(got.rss, want.rss, rtol=1e-14)
    assert only_sparse == [True] * 3


def test_partial_fits_of_sparse_and_filled_rows_are_one_fit():
    X, y, _ = rows_of(6000, 50, 0.04)
    model = fastlr.LinearRegression().fit(X[:2000], y[:2000])
    model.partial_fit(X[2000:4000].tocsc(), y[2000:4000])
    model.partial_fit(X[4000:].toarray(), y[4000:])
    theirs = SklearnRegression().fit(X.toarray(), y)
    np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(model.predict(X), theirs.predict(X), rtol=1e-9)
    assert model.predict(X.astype(np.float32)).dtype == np.float32


def test_a_fit_of_fewer_rows_than_columns_keeps_no_user_memory():
    X, y, _ = rows_of(30, 80, 0.1)
    model = fastlr.LinearRegression(rank="min_norm").fit(X, y)
    filled = X.toarray()
    X.data[:] = 0.0
    same_moments(model.moments_, fastlr.Moments.from_arrays(filled, y))


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": 1, "learning_rate": 0.01},
        {"batch_size": 32, "learning_rate": 0.05, "standardize": True},
        {"learning_rate": 0.05, "engine": "rows"},
        {"learning_rate": 0.05, "validation": 0.2, "batch_size": 16},
    ],
)
def test_descent_takes_the_same_steps(level, arguments):
    X, y, _ = rows_of(700, 20, 0.1)
    y = y - 100.0
    got = fastlr.descend(X, y, epochs=3, random_state=0, **arguments)
    want = fastlr.descend(X.toarray(), y, epochs=3, random_state=0, **arguments)
    np.testing.assert_allclose(got.coef, want.coef, rtol=1e-10)
    np.testing.assert_allclose(got.history.loss, want.history.loss, rtol=1e-10)


def test_sgd_regressor_takes_the_same_steps(level):
    X, y, _ = rows_of(500, 20, 0.1)
    for arguments in ({"batch_size": 4}, {"fit_intercept": False}, {"optimizer": "adam"}):
        models = [
            fastlr.SGDRegressor(
                max_iter=5, tol=None, random_state=0, early_stopping=early, **arguments
            )
            for early in (False, True)
        ]
        for model in models:
            coef = model.fit(X, y).coef_
            model.fit(X.toarray(), y)
            np.testing.assert_allclose(coef, model.coef_, rtol=1e-10, err_msg=str(model))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("p", [5, 80])
def test_single_steps_of_sgd_regressor_are_scikit_learns_for_sparse_rows(level, p):
    X, y, _ = rows_of(60, p, 0.3)
    y = y + 3.0  # the intercept moves a hundredth as fast as on dense rows
    settings = {"shuffle": False, "tol": None, "max_iter": 4}
    for arguments in ({}, {"average": True}, {"loss": "huber"}, {"learning_rate": "constant"}):
        ours = fastlr.SGDRegressor(**settings, **arguments).fit(X, y)
        theirs = SklearnSGD(**settings, **arguments).fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9)


def test_columns_and_rows_are_those_of_the_filled_rows():
    X, _, _ = rows_of(100, 7, 0.2)
    columns, filled = as_features(X), X.toarray()
    np.testing.assert_array_equal(columns.as_matrix(), filled)
    np.testing.assert_array_equal(np.column_stack(columns.as_list()), filled)
    np.testing.assert_array_equal(columns.row(31), filled[31])
    np.testing.assert_array_equal(columns.take_rows(slice(5, 20)).as_matrix(), filled[5:20])
    np.testing.assert_array_equal(columns.take_columns([4, 1]).as_matrix(), filled[:, [4, 1]])
    np.testing.assert_array_equal(columns.take_columns(slice(2, 5)).as_matrix(), filled[:, 2:5])
    mask = np.arange(100) % 3 == 0
    np.testing.assert_array_equal(columns.take_rows(mask).as_matrix(), filled[mask])
    out = np.empty((100, 1))
    kernels.predict(columns.source, 0, 100, np.ones((1, 7)), np.zeros(1), 2, out)
    np.testing.assert_allclose(out[:, 0], filled.sum(axis=1), rtol=1e-14, atol=1e-12)


def test_sparse_columns_of_a_pandas_frame_keep_their_names(level, only_sparse):
    pd = pytest.importorskip("pandas")
    X, y, _ = rows_of(60_000, 40, 0.03)
    names = [f"word{j}" for j in range(40)]
    frame = pd.DataFrame.sparse.from_spmatrix(sp.csr_matrix(X), columns=names)
    fit = fastlr.ols(frame, y)
    assert fit.feature_names == tuple(names)
    np.testing.assert_array_equal(fit.coef, fastlr.ols(X, y).coef)
    np.testing.assert_array_equal(fit.predict(frame), fit.predict(X))
    assert only_sparse == [True] * 2
    with pytest.raises(fastlr.InputError, match="in another order"):
        fit.predict(frame[names[::-1]])
    with pytest.raises(fastlr.InputError, match="two columns of the same name"):
        fastlr.ols(frame[[names[0], names[0]]], y)
