"""Descent of scans: steps over all rows, and batches from one chunk after another."""

import numpy as np
import pytest

import fastlr
from fastlr import InputError
from fastlr.streams.turns import in_turn

OPTIONS = {"learning_rate": 0.02, "standardize": True, "epochs": 4, "tol": None}
OTHERS = ["w", "firm", "town"]


def scan(written, kind="parquet", **options):
    options = {"chunk_rows": 700, **options} if kind == "parquet" else options
    return fastlr.scan(written[kind], target="y", exclude=OTHERS, **options)


@pytest.fixture
def weighted(written):
    return fastlr.scan(
        written["parquet"], target="y", exclude=["firm", "town"], weights="w", chunk_rows=500
    )


def same(found, expected, rtol=1e-9):
    np.testing.assert_allclose(found.coef, expected.coef, rtol=rtol)
    np.testing.assert_allclose(found.history.loss, expected.history.loss, rtol=rtol)
    assert found.n_samples == expected.n_samples
    assert found.n_epochs == expected.n_epochs


@pytest.mark.parametrize("kind", ["parquet", "csv", "csv.gz"])
@pytest.mark.parametrize("size", [1, 32, 1000, 4000])
def test_sequential_batches_are_those_of_arrays(written, X, columns, kind, size):
    options = {**OPTIONS, "batch_size": size, "sampling": "sequential"}
    found = fastlr.descend(scan(written, kind), **options)
    same(found, fastlr.descend(X, columns["y"], **options))


@pytest.mark.parametrize("loss", ["half_mse", "sse", "huber"])
@pytest.mark.parametrize("size", [None, 50])
def test_losses_weights_and_penalties_are_those_of_arrays(weighted, X, columns, loss, size):
    counts = columns["w"] > 0
    table = {name: values[counts] for name, values in X.items()}
    options = {**OPTIONS, "batch_size": size, "loss": loss, "alpha": 0.5, "sampling": "sequential"}
    if loss == "sse":
        options["learning_rate"] = 1e-6
    if size is None:
        options["engine"] = "rows"
    found = fastlr.descend(weighted, **options)
    expected = fastlr.descend(
        table, columns["y"][counts], sample_weight=columns["w"][counts], **options
    )
    same(found, expected)
    assert found.engine == expected.engine


def test_outliers_pull_no_harder_in_streams(written, X, columns):
    found = fastlr.descend(scan(written), loss="huber", epsilon=0.5)
    expected = fastlr.descend(X, columns["y"], loss="huber", epsilon=0.5)
    assert found.status.code == expected.status.code == "converged"
    np.testing.assert_allclose(found.coef, expected.coef, rtol=1e-6)


@pytest.mark.parametrize("kind", ["parquet", "csv", "npy"])
def test_shuffled_blocks_arrive_and_do_not_depend_on_threads(written, X, columns, kind):
    fits = []
    for n_threads in (1, 3):
        rows = (
            fastlr.scan(written[kind], target="x3", n_threads=n_threads, chunk_rows=500)
            if kind == "npy"
            else scan(written, kind, n_threads=n_threads, block_bytes=1 << 16)
            if kind == "csv"
            else scan(written, n_threads=n_threads)
        )
        fits.append(
            fastlr.descend(rows, batch_size=64, random_state=5, **{**OPTIONS, "epochs": 20})
        )
    assert fits[0].coef.tobytes() == fits[1].coef.tobytes()
    exact = fastlr.ols(X, columns["y"])
    np.testing.assert_allclose(fits[0].coef, exact.coef, atol=5 * np.max(exact.bse_coef), rtol=0.1)
    other = fastlr.descend(rows, batch_size=64, random_state=6, **{**OPTIONS, "epochs": 20})
    assert other.coef.tobytes() != fits[0].coef.tobytes()


def test_every_row_is_used_once_an_epoch(written, columns):
    rows = scan(written)
    for order in (None, lambda n: range(n - 1, -1, -1)):
        found = [chunk.targets.column(0) for chunk in rows.in_turn(order)]
        assert len(found) == 6
        found = np.concatenate(found if order is None else found[::-1])
        assert np.array_equal(found, columns["y"])


def test_a_longer_run_is_a_shorter_one_resumed(written):
    options = {**OPTIONS, "batch_size": 30, "random_state": 3, "optimizer": "adam"}
    whole = fastlr.descend(scan(written), **{**options, "epochs": 4})
    first = fastlr.descend(scan(written), **{**options, "epochs": 1})
    second = fastlr.descend(
        scan(written), resume=first, **{**options, "epochs": 3, "random_state": None}
    )
    assert second.coef.tobytes() == whole.coef.tobytes()
    assert np.array_equal(second.history.loss, whole.history.loss)


def test_descent_ends_where_nothing_improves_or_all_explodes(written):
    rows = scan(written)
    still = fastlr.descend(rows, batch_size=100, learning_rate=0.05, standardize=True, epochs=500)
    assert still.n_epochs < 500
    with pytest.warns(fastlr.ConvergenceWarning):
        wild = fastlr.descend(rows, batch_size=100, learning_rate=1e6, epochs=5)
    assert wild.status.code == "diverged"
    assert np.isfinite(wild.coef).all()


def test_validation_rows_and_callbacks_see_every_epoch(written, X, columns):
    seen = []
    held_out = {name: values[:50] for name, values in X.items()}, columns["y"][:50]
    fit = fastlr.descend(
        scan(written), batch_size=50, callback=seen.append, validation=held_out, **OPTIONS
    )
    assert len(seen) == 4
    assert np.isfinite(fit.history.validation_loss).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch_size": 10, "sampling": "random"}, "sampling='random' draws rows from anywhere"),
        ({"batch_size": 10, "sampling": [[0]]}, "sampling=.*come in chunks"),
        ({"batch_size": 10, "record": "steps"}, "record='steps' takes the batches"),
        ({"validation": 0.2}, "validation is given beside a scan"),
        ({"y": [1.0]}, "y is given beside a scan"),
        ({"engine": "moments", "loss": "huber"}, "engine='moments' with loss='huber'"),
    ],
)
def test_what_chunks_cannot_give_is_refused(written, options, words):
    with pytest.raises(InputError, match=words):
        fastlr.descend(scan(written), **options)


def test_epochs_take_rows_that_can_be_read_again(numbers, monkeypatch):
    monkeypatch.setattr("fastlr.streams.rows._MOST_REMEMBERED", 0)
    for options in ({"batch_size": 10}, {"loss": "huber"}):
        rows = fastlr.scan(iter([numbers]), target="y")
        with pytest.raises(InputError, match="can be read once, and an epoch takes a second pass"):
            fastlr.descend(rows, **options)


def test_an_error_of_the_next_chunk_is_raised_in_its_turn():
    def read(number, _):
        if number == 2:
            raise ValueError("chunk 2")
        return [number]

    turns = in_turn(((k, None) for k in range(5)), read)
    assert [next(turns), next(turns)] == [0, 1]
    with pytest.raises(ValueError, match="chunk 2"):
        next(turns)
