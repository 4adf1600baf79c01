"""The loop of descent by itself: it goes on, stops, watches and tells whatever an engine and three functions fit."""

import ast
import itertools
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fastlr._kernels import kernels
from fastlr.descent import loop as loop_module
from fastlr.descent.epochs import EpochFigures, Epochs
from fastlr.descent.loop import Before, Loop
from fastlr.descent.schedules import Adaptive, Constant
from fastlr.descent.state import Counter, Number, State, VectorRow

CENTRE = np.array([3.0, -1.0, 0.5])
CPP = Path(__file__).parents[2] / "cpp"


@dataclass
class Bowl:
    """An engine for the loss |theta - CENTRE|^2 / 2, in plain NumPy; no rows anywhere."""

    scatters: bool = False
    largest_batch: int = 1
    interrupt_at: int = -1

    def most_epochs(self):
        return 7

    def run(self, state, settings, rates, keep_path):
        losses, norms, path = [], [], []
        outcome = "running"
        for rate in rates:
            gradient = state.theta - CENTRE
            loss = 0.5 * float(gradient @ gradient)
            losses.append(loss)
            norms.append(np.sqrt(2.0 * loss))
            if not loss <= settings["limit"]:
                outcome = "diverged"
            else:
                is_better = loss < state.best_loss - settings["tolerance"]
                state.counters[Counter.STALE] = (
                    0 if is_better else state.counters[Counter.STALE] + 1
                )
                if loss < state.best_loss:
                    state.numbers[Number.BEST_LOSS] = loss
                    state.vectors[VectorRow.BEST] = state.vectors[VectorRow.THETA]
                state.go_on_from(state.theta - rate * gradient, forget=False)
                state.counters[Counter.EPOCHS] += 1
                if state.counters[Counter.EPOCHS] == self.interrupt_at:
                    raise KeyboardInterrupt
                if settings["tolerance"] >= 0 and state.counters[Counter.STALE] >= 3:
                    outcome = "stalled"
            path.append(state.theta)
            if outcome != "running":
                break
        loss = np.array(losses)
        done = len(losses)
        return Epochs(
            loss,
            2.0 * loss,
            np.array(norms),
            rates[:done].copy(),
            np.array(path) if keep_path else None,
            outcome,
        )


def loop_over(engine=None, theta=(0.0, 0.0, 0.0), **options):
    theta = np.array(theta)
    settings = {"limit": 100.0, "tolerance": 1e-12}
    options = {
        "schedule": Constant(),
        "rate": 0.5,
        "n_epochs": 200,
        "tol": 1e-12,
        "patience": 3,
        "settings": settings,
        **options,
    }
    start_loss = 0.5 * float(np.sum((theta - CENTRE) ** 2))
    return Loop(engine=engine or Bowl(), state=State(theta), start_loss=start_loss, **options)


def test_the_loop_descends_on_what_is_no_linear_regression():
    outcome = loop_over(keep_path=True).run()
    assert outcome.code == "converged"
    np.testing.assert_allclose(outcome.theta, CENTRE, atol=1e-5)
    assert outcome.epochs.path.shape == (len(outcome.epochs), 3)
    assert (np.diff(outcome.epochs.loss) < 0.0).sum() > 15
    assert not outcome.is_validated
    assert loop_over(n_epochs=5).run().code == "epochs_exhausted"


def test_a_loss_beyond_the_limit_returns_the_best_parameters():
    outcome = loop_over(rate=3.0).run()
    assert outcome.code == "diverged"
    np.testing.assert_array_equal(outcome.theta, [0.0, 0.0, 0.0])


def test_what_is_observed_goes_to_the_callback_and_to_the_line(capsys):
    seen = []

    def observe(state, figures):
        assert isinstance(figures, EpochFigures)
        return figures.epoch, figures.loss, state.theta

    def tell(observed, n_epochs):
        sys.stdout.write(f"{observed[0]} of {n_epochs}: theta[0] is {observed[2][0]:.2f}\n")

    def callback(observed):
        seen.append(observed)
        return observed[0] == 3

    outcome = loop_over(observe=observe, tell=tell, callback=callback, verbose=2).run()
    assert outcome.code == "stopped"
    assert [epoch for epoch, _, _ in seen] == [0, 1, 2, 3]
    np.testing.assert_array_equal(outcome.theta, seen[-1][2])
    assert capsys.readouterr().out.splitlines() == [
        "0 of 200: theta[0] is 1.50",
        "2 of 200: theta[0] is 2.62",
    ]


def test_without_functions_the_figures_alone_are_told(capsys):
    seen = []
    loop_over(n_epochs=2, verbose=1, callback=seen.append).run()
    assert capsys.readouterr().out == "Epoch 0: loss=5.1250\nEpoch 1: loss=1.2812\n"
    assert [type(figures) for figures in seen] == [EpochFigures, EpochFigures]


def test_validation_ends_the_loop_and_returns_the_best_parameters():
    """What is held out has its minimum half-way."""
    target = 0.5 * CENTRE
    outcome = loop_over(rate=0.2, validate=lambda theta: float(np.sum((theta - target) ** 2))).run()
    assert outcome.code == "early_stopped"
    assert outcome.best_epoch == int(np.argmin(outcome.validation))
    assert len(outcome.validation) == outcome.best_epoch + 1 + 3
    np.testing.assert_allclose(outcome.theta, (1.0 - 0.8**3) * CENTRE)


def test_who_fits_says_what_an_improvement_is():
    losses = []

    def validate(theta):
        losses.append(float(np.sum((theta - CENTRE) ** 2)))
        return losses[-1]

    by_one = loop_over(validate=validate, improves=lambda loss, lowest: loss < lowest - 1.0).run()
    assert by_one.code == "early_stopped"
    assert len(by_one.epochs) == 1 + sum(a - b > 1.0 for a, b in itertools.pairwise(losses)) + 3
    patient = loop_over(
        validate=lambda theta: 1.0,
        improves=lambda loss, lowest: True,
        n_epochs=30,
        settings={"limit": 100.0, "tolerance": -1.0},
    ).run()
    assert (patient.code, len(patient.epochs)) == ("epochs_exhausted", 30)


def test_an_adaptive_rate_falls_where_the_loss_rests():
    loop = loop_over(schedule=Adaptive(0.5, factor=10.0, smallest=1e-3), n_epochs=500)
    assert loop.run().code == "converged"
    assert loop.rate <= 1e-3


def test_ctrl_c_takes_back_the_epochs_of_the_call_that_it_cut_short():
    outcome = loop_over(Bowl(interrupt_at=10)).run()
    assert (outcome.code, len(outcome.epochs)) == ("interrupted", 7)
    np.testing.assert_allclose(outcome.theta, (1.0 - 0.5**7) * CENTRE)


@pytest.mark.parametrize("outcome", ["running", "stalled"])
def test_an_engine_that_runs_no_epoch_is_an_error_and_no_endless_loop(outcome):
    class Idle(Bowl):
        def run(self, state, settings, rates, keep_path):
            nothing = np.empty(0)
            return Epochs(nothing, nothing, nothing, nothing, None, outcome)

    with pytest.raises(RuntimeError, match="ran no epoch"):
        loop_over(Idle()).run()


def test_a_loop_goes_on_from_another_one_to_the_bit():
    whole = loop_over(n_epochs=12).run()
    first = loop_over(n_epochs=5)
    half = first.run()
    before = Before(5, half.epochs.loss, first.start, first.rate, first.watch)
    options = {"settings": first.settings, "schedule": Constant(), "rate": 0.5, "n_epochs": 12}
    second = Loop(
        engine=Bowl(),
        state=first.state.copy(),
        start_loss=first.start_loss,
        tol=1e-12,
        patience=3,
        before=before,
        **options,
    )
    both = second.run()
    np.testing.assert_array_equal(both.theta, whole.theta)
    np.testing.assert_array_equal(
        np.concatenate([half.epochs.loss, both.epochs.loss]), whole.epochs.loss
    )


def imported_by(path):
    """Modules of descent that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("fastlr.descent."):
            yield node.module.rpartition(".")[2]


def test_the_loop_imports_nothing_of_linear_regression():
    room = Path(loop_module.__file__).parent
    reached, waiting = set(), ["loop"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += imported_by(room / f"{name}.py")
    assert reached == {"loop", "epochs", "state", "schedules", "telling"}


@pytest.mark.parametrize("names", [VectorRow, Number, Counter])
def test_entries_of_a_state_have_the_kernels_names_and_places(names):
    """The enums of C++ are copied by hand: in their order, none left out."""
    headers = [path.read_text(encoding="utf-8") for path in CPP.rglob("*.hpp")]
    bodies = [
        body
        for text in headers
        for body in re.findall(rf"\benum (?:class )?{names.__name__}\b[^{{;]*{{([^}}]*)}}", text)
    ]
    assert len(bodies) == 1
    *members, count = re.findall(r"\w+", re.sub(r"//[^\n]*", "", bodies[0]))
    assert [name.lower() for name in names.__members__] == members
    assert [int(place) for place in names] == list(range(len(members)))
    assert count.startswith("n_")
    n_vectors, _, n_numbers, n_counters = kernels.plan_descent(3)
    planned = {VectorRow: n_vectors, Number: n_numbers, Counter: n_counters}
    assert planned[names] == len(names)
