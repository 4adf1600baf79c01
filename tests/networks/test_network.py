"""fastlr.network: layers in Keras's words, a result that knows its course, and refusals that say what would do."""

import copy
import pickle
import warnings

import numpy as np
import pytest

import fastlr
from fastlr.networks.layers import Dense

RNG = np.random.default_rng(0)
X = RNG.uniform(-2.0, 2.0, size=(300, 3))
Y = np.sin(X[:, 0]) * X[:, 1] + 0.1 * X[:, 2]
NET = fastlr.network([Dense(16, activation="tanh"), Dense(8, activation="relu"), Dense(1)])


def fitted(**options):
    return NET.fit(X, Y, **{"epochs": 5, "learning_rate": 0.01, "seed": 0, **options})


def test_a_network_learns_what_no_line_fits(level):
    fit = fitted(epochs=80)
    rest = Y - fit.predict(X)
    assert rest @ rest < 0.05 * np.sum((Y - Y.mean()) ** 2)
    line = fastlr.ols(X, Y)
    assert fit.loss < 0.1 * line.rss / (2 * len(Y))
    assert fit.status.code == "epochs_exhausted"
    assert fit.history.loss[-1] < fit.history.loss[0]
    single = fitted(epochs=80, dtype="float32")
    assert single.loss < 0.1 * line.rss / (2 * len(Y))
    assert single.predict(X).dtype == np.float32


@pytest.mark.parametrize("optimizer", ["gd", "adam", "momentum"])
def test_a_network_without_hidden_layers_is_descend_to_the_last_bit(level, optimizer):
    start = np.array([0.3, -0.2, 0.1])
    fit = fastlr.network([Dense(1)]).fit(
        X, Y, optimizer=optimizer, learning_rate=0.05, epochs=4, batch_size=32, seed=5,
        init=([start[:, np.newaxis]], [np.array([0.5])]),
    )  # fmt: skip
    by_descend = fastlr.descend(
        X, Y, optimizer=optimizer, learning_rate=0.05, epochs=4, batch_size=32, random_state=5,
        init=(start, 0.5), patience=None,
    )  # fmt: skip
    assert np.array_equal(fit.weights[0][:, 0], by_descend.coef)
    assert fit.biases[0][0] == by_descend.intercept
    assert np.array_equal(fit.history.loss, by_descend.history.loss)


def test_the_same_seed_gives_the_same_bits_for_any_threads():
    fits = [fitted(n_threads=n) for n in (1, 2)] + [fitted(seed=1)]
    assert np.array_equal(fits[0].theta, fits[1].theta)
    assert not np.array_equal(fits[0].theta, fits[2].theta)


def test_rows_of_any_kind_give_the_same_bits():
    names = ["a", "b", "c"]
    want = fitted(batch_size=50)
    for rows in (
        np.asfortranarray(X),
        {name: X[:, j].copy() for j, name in enumerate(names)},
        np.hstack([X, X])[:, :3],
    ):
        got = NET.fit(rows, Y, epochs=5, learning_rate=0.01, seed=0, batch_size=50)
        assert np.array_equal(got.theta, want.theta)


def test_several_targets_have_an_output_each():
    net = fastlr.network([Dense(8, activation="gelu"), Dense(2)])
    fit = net.fit(X, np.column_stack([Y, -2.0 * Y]), epochs=3, seed=0, standardize=True)
    assert fit.predict(X).shape == (300, 2)
    assert fit.target_names == ("y0", "y1")
    assert NET.fit(X, Y[:, np.newaxis], epochs=1, seed=0).predict(X).shape == (300, 1)


def test_validation_is_watched_and_the_best_iterate_returned():
    seen = []
    fit = fitted(
        epochs=60, validation_split=0.25, patience=3, callbacks=[seen.append], learning_rate=0.05
    )
    assert fit.n_samples == 225
    assert len(seen) == fit.n_epochs == len(fit.history.validation_loss)
    assert seen[0].validation_loss == fit.history.validation_loss[0]
    if fit.status.code == "early_stopped":
        best = float(fit.history.validation_loss.min())
        r = Y[225:] - fit.predict(X[225:])
        assert 0.5 * np.mean(r * r) == pytest.approx(best, rel=1e-12)
    own = NET.fit(X[:225], Y[:225], validation_data=(X[225:], Y[225:]), epochs=2, seed=0)
    split = NET.fit(X, Y, validation_split=0.25, epochs=2, seed=0)
    assert np.array_equal(own.history.validation_loss, split.history.validation_loss)


def test_callbacks_end_the_training():
    fit = fitted(callbacks=lambda epoch: epoch.epoch == 1)
    assert fit.n_epochs == 2
    assert fit.status.code == "stopped"


def test_training_may_start_from_another_fit():
    first = fitted(epochs=2)
    again = fitted(epochs=1, init=first)
    assert again.history.loss[0] < first.history.loss[0]
    same = fitted(epochs=1, init=(first.weights, first.biases))
    assert np.array_equal(again.theta, same.theta)


def test_another_fit_is_where_it_ended_on_every_scale():
    table, targets = X * [1.0, 100.0, 1e-3] + 5.0, 300.0 * Y + 1e3
    least = {"epochs": 1, "learning_rate": 1e-300, "seed": 0}
    for first in (False, True):
        earlier = NET.fit(table, targets, epochs=3, seed=0, standardize=first)
        for then, rows in ((False, 300), (True, 300), (True, 200)):
            fit = NET.fit(table[:rows], targets[:rows], init=earlier, standardize=then, **least)
            np.testing.assert_allclose(fit.predict(table), earlier.predict(table), rtol=1e-8)
    same = NET.fit(table, targets, init=earlier, standardize=True, **least)
    assert np.array_equal(same.theta, earlier.theta)


def test_a_loss_that_explodes_is_told_with_its_rate_and_a_cure():
    with pytest.warns(fastlr.ConvergenceWarning, match="learning_rate=50 .*standardize=True"):
        fit = NET.fit(X, 1e3 * Y, optimizer="gd", learning_rate=50.0, epochs=20, seed=0)
    assert fit.status.code == "diverged"
    assert np.isfinite(fit.theta).all()
    start = NET.fit(X, 1e3 * Y, optimizer="gd", learning_rate=1e-300, epochs=1, seed=0)
    assert fit.loss <= start.loss * (1 + 1e-9)


@pytest.mark.parametrize(
    "batch", [{"batch_size": None}, {"batch_size": 32}, {"sampling": [[0], [1]]}]
)
def test_a_loss_that_is_mostly_penalty_and_falls_has_not_diverged(batch):
    fit = NET.fit(X, 0.01 * Y, alpha=1000.0, epochs=6, seed=0, **batch)
    assert fit.status.code == "epochs_exhausted", str(fit.status)
    assert fit.history.loss[-1] < fit.history.loss[0]


def test_standardising_makes_large_units_harmless():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = NET.fit(
            1e6 * X + 1e7, 1e4 * Y, epochs=60, standardize=True, learning_rate=0.01, seed=0
        )
    rest = 1e4 * Y - fit.predict(1e6 * X + 1e7)
    assert rest @ rest < 0.1 * np.sum((1e4 * (Y - Y.mean())) ** 2)


def test_files_pickles_and_copies_keep_every_bit(tmp_path):
    names = {f"c{j}": X[:, j].copy() for j in range(3)}
    fit = NET.fit(names, Y, epochs=3, seed=0, standardize=True, validation_split=0.2)
    fit.save(tmp_path / "net.json")
    for other in (
        fastlr.load(tmp_path / "net.json"),
        pickle.loads(pickle.dumps(fit)),
        copy.deepcopy(fit),
    ):
        assert isinstance(other, fastlr.NetworkFit)
        assert np.array_equal(other.theta, fit.theta)
        assert np.array_equal(other.predict(names), fit.predict(names))
        assert np.array_equal(other.history.validation_loss, fit.history.validation_loss)
        assert other.status == fit.status
        assert other.feature_names == fit.feature_names
        assert str(other.summary()) == str(fit.summary())
    document = fit.to_document()
    for broken in (
        {**document, "parameters": document["parameters"][1:]},
        {**document, "sizes": [3, 2]},
        {**document, "activations": ["step", "relu", "identity"]},
        {**document, "dtype": "float16"},
        {key: value for key, value in document.items() if key != "loss"},
    ):
        with pytest.raises(fastlr.InputError):
            fastlr.NetworkFit.from_document(broken)


def test_weights_can_be_read_and_set_by_layer():
    fit = fitted(epochs=1)
    weights, biases = fit.weights, fit.biases
    assert [w.shape for w in weights] == [(3, 16), (16, 8), (8, 1)]
    weights[2][:] = 0.0
    biases[2][:] = 7.0
    assert fit.weights[2].any()  # copies
    other = fit.with_weights(weights, biases)
    np.testing.assert_array_equal(other.predict(X), 7.0)
    with pytest.raises(fastlr.InputError, match=r"weights of layer 0 have shape \(2, 16\)"):
        fit.with_weights([weights[0][:2], *weights[1:]], biases)
    with pytest.raises(fastlr.InputError, match="contain NaN"):
        fit.with_weights([weights[0] * np.nan, *weights[1:]], biases)


def test_the_summary_counts_parameters():
    text = str(fitted(epochs=1).summary())
    for words in ("1 Dense", "tanh", "(3, 16)", "64", "209"):
        assert words in text
    assert "3-16-8-1" in repr(fitted(epochs=1))


def test_the_history_becomes_a_frame_and_a_picture():
    history = fitted(validation_split=0.2).history
    frame = history.to_frame()
    assert list(frame.columns) == [
        "epoch", "loss", "validation_loss", "gradient_norm", "learning_rate",
    ]  # fmt: skip
    assert len(frame) == 5
    pytest.importorskip("matplotlib").use("Agg")
    assert history.plot().lines


BAD = [
    (lambda: fastlr.network([]), "layers is empty"),
    (lambda: fastlr.network([Dense(2), "dense"]), "is no layer"),
    (lambda: fastlr.network(3), "not a sequence of layers"),
    (lambda: fastlr.network({Dense(2), Dense(1)}), "not a sequence of layers"),
    (lambda: Dense(0), "units"),
    (lambda: Dense(2.5), "units"),
    (lambda: Dense(2, activation="step"), "activation='step' is unknown"),
    (lambda: fitted(dtype="float16"), "dtype='float16' is unknown"),
    (lambda: fitted(epochs=0), "epochs"),
    (lambda: fitted(learning_rate=-1.0), "learning_rate"),
    (lambda: fitted(optimizer="lbfgs"), "optimizer='lbfgs' is unknown"),
    (lambda: fitted(optimizer="accelerated"), "accelerated"),
    (lambda: fitted(validation_split=1.0), "validation_split=1.0 is not in"),
    (lambda: fitted(validation_data=3), "validation_data"),
    (lambda: fitted(validation_split=0.1, validation_data=(X, Y)), "both given"),
    (lambda: fitted(validation_data=(X[:, :2], Y)), "expecting 3 features"),
    (lambda: fitted(validation_split="a"), "validation_split='a'"),
    (lambda: fitted(validation_split=0.999), "validation_split=0.999 holds all 300 rows out"),
    (lambda: fitted(validation_data=(X,)), r"data has 1 members: pass \(X, y\) or \(X, y, sample_weight\)\."),
    (lambda: fitted(progress="no"), "progress='no' is neither True nor False"),
    (lambda: fastlr.network([Dense(1, activation="relu")]).fit(
        X, Y, epochs=1, seed=0, standardize=True, init=fastlr.network([Dense(1, activation="relu")]).fit(
            X, Y, epochs=1, seed=0)), "its last layer is 'relu'"),
    (lambda: NET.fit(X * 1e200, Y), "squares of column 'x0' sum to inf"),
    (lambda: NET.fit(X, Y * 1e200), "squares of column 'y' sum to inf"),
    (lambda: fitted(callbacks="stop"), "callbacks='stop'"),
    (lambda: fitted(init="zeros"), "init='zeros' is unknown"),
    (lambda: fitted(init=(None, [])), "weights=None are no arrays"),
    (lambda: fitted(init=([], 3)), "biases=3 are no arrays"),
    (lambda: fitted().with_weights(None, None), "weights=None are no arrays"),
    (lambda: fitted(seed=-1), "seed=-1 is not a seed"),
    (lambda: fitted(init=([X], [Y])), "1 and biases of 1 layers"),
    (lambda: fitted(init=([np.zeros((3, 16)), np.zeros((16, 9)), np.zeros((8, 1))],
                          [np.zeros(16), np.zeros(8), np.zeros(1)])), r"layer 1 have shape \(16, 9\)"),
    (lambda: NET.fit(X, np.where(np.arange(300) == 7, np.nan, Y)), "y .*NaN"),
    (lambda: NET.fit(np.where(X[3, 1] == X, np.inf, X), Y), "X .*infin"),
    (lambda: NET.fit(X, np.column_stack([Y, Y])), "last layer has 1 outputs"),
    (lambda: NET.fit(X, Y[:-1]), "y"),
    (lambda: fitted().predict(X[:, :2]), "expecting 3 features"),
    (lambda: fitted().predict(np.full((2, 3), np.nan)), "NaN"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_input_is_refused_with_a_cure(call, message):
    with pytest.raises((fastlr.InputError, fastlr.InputTypeError), match=message):
        call()


def test_a_batch_larger_than_the_table_is_all_of_it():
    with pytest.warns(UserWarning, match="batch_size=1000 is larger"):
        fit = fitted(batch_size=1000)
    assert np.array_equal(fit.theta, fitted(batch_size=None).theta)
