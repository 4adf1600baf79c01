"""The same network in Keras: the same weights to start from, the same batches, the same losses, and the time of both.

Keras is no dependency of fastlr. Where it is not installed (``pip install keras`` and a backend), the
page says so and trains with fastlr alone. Keras computes in float64 here: only rounding errors differ.
"""

import importlib.util
import os
import sys
import time

import numpy as np

import fastlr

EPOCHS, BATCH = 8, 50
HIDDEN = (32, 16)

rng = np.random.default_rng(4)
X = rng.normal(size=(5000, 8))
y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.1 * rng.normal(size=5000)

options = {
    "hidden_layer_sizes": HIDDEN,
    "activation": "tanh",
    "alpha": 0.0,
    "batch_size": BATCH,
    "epsilon": 1e-7,  # Keras's; both add it before the memory of Adam is freed of its bias
    "shuffle": False,
    "tol": None,
    "random_state": 0,
}
# Steps of nothing leave the weights that this seed draws.
start = fastlr.MLPRegressor(**options, learning_rate_init=1e-300, max_iter=1).fit(X, y)


def train_with_keras():
    """Losses of a Keras model that starts from the same weights, and the seconds that they took."""
    import keras

    keras.config.set_floatx("float64")
    layers = [keras.Input((8,)), *(keras.layers.Dense(size, "tanh") for size in HIDDEN)]
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile(
        keras.optimizers.Adam(learning_rate=0.001),
        lambda truth, prediction: keras.ops.mean((prediction - truth) ** 2) / 2,
    )
    pairs = zip(start.coefs_, start.intercepts_, strict=True)
    initial = [part for pair in pairs for part in pair]
    model.set_weights(initial)
    told = {"epochs": 1, "batch_size": BATCH, "shuffle": False, "verbose": 0}
    model.fit(X, y[:, None], **told)  # compiles, which shall not count
    model.set_weights(initial)
    model.optimizer.build(model.trainable_variables)
    for variable in model.optimizer.variables[2:]:  # all but the count of steps and the rate
        variable.assign(np.zeros(variable.shape))
    model.optimizer.iterations.assign(0)
    started = time.perf_counter()
    history = model.fit(X, y[:, None], **{**told, "epochs": EPOCHS})
    return np.array(history.history["loss"]), time.perf_counter() - started


def train_with_fastlr():
    """The same by fastlr: losses and seconds, the shortest of three runs."""
    seconds = []
    for _ in range(3):
        model = fastlr.MLPRegressor(**options, max_iter=EPOCHS)
        started = time.perf_counter()
        model.fit(X, y)
        seconds.append(time.perf_counter() - started)
    return np.array(model.loss_curve_), min(seconds)


losses, seconds = train_with_fastlr()
print("epoch   fastlr")
for epoch, loss in enumerate(losses, 1):
    print(f"{epoch:5d} {loss:8.5f}")

keras_losses = None
if importlib.util.find_spec("keras") is None:
    print(
        "\nKeras is not installed: nothing to compare with (pip install keras, and jax or another backend)."
    )
else:
    backends = [name for name in ("jax", "tensorflow", "torch") if importlib.util.find_spec(name)]
    os.environ.setdefault("KERAS_BACKEND", backends[0] if backends else "tensorflow")
    keras_losses, keras_seconds = train_with_keras()
    difference = np.max(np.abs(losses - keras_losses) / keras_losses)
    print(f"\nlargest relative difference from Keras's losses: {difference:.1e}")
    print(f"Keras {1e3 * keras_seconds:.0f} ms, fastlr {1e3 * seconds:.1f} ms")
    print(f"fastlr is {keras_seconds / seconds:.0f} times as fast")


def draw(path):
    """The losses of both, one on the other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    epochs = np.arange(1, EPOCHS + 1)
    axes.plot(epochs, losses, "C0", lw=4, alpha=0.5, label="fastlr")
    if keras_losses is not None:
        axes.plot(epochs, keras_losses, "C3--", label="Keras")
    axes.set(xlabel="epoch", ylabel="half the mean squared error")
    axes.set_title("The same weights and batches give the same losses", pad=24)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    draw(sys.argv[1] if len(sys.argv) > 1 else "keras.png")
