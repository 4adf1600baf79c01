"""fastlr.load gives back what save wrote: the same class, the same bits, whatever version wrote it."""

import concurrent.futures
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold

import fastlr
from fastlr import ModelFileError
from fastlr.files import load_model, save_model
from fastlr.storage import Storable
from stored_models import RNG, X, Y, Z, models, quietly

DATA = Path(__file__).parents[1] / "data" / "models"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))

OF_PENALTIES = (
    "ridge", "ridge of one column", "positive ridge", "wide ridge", "chosen ridge", "ridge chosen per target",
    "ridge chosen by folds", "wide chosen ridge", "lasso", "lasso of several", "net", "chosen lasso",
    "lasso of one alpha", "chosen net",
)  # fmt: skip


@pytest.fixture(scope="module")
def saved():
    with quietly():
        return models()


def rows_for(model):
    if isinstance(model, fastlr.PolynomialFit):
        return Z[:, 0]
    if isinstance(model, fastlr.PenaltyPath | fastlr.RidgePath | fastlr.NetworkFit):
        p = len(model.feature_names)
    else:
        p = model.n_features if hasattr(model, "n_features") else model.n_features_in_
    return np.random.default_rng(1).normal(size=(4, p))


def test_every_class_that_is_stored_is_tried(saved):
    public = {getattr(fastlr, name) for name in fastlr.__all__}
    storable = {c for c in public if isinstance(c, type) and issubclass(c, Storable)}
    assert {type(model) for model in saved.values()} == storable


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_what_is_loaded_is_what_was_saved(saved, tmp_path):
    path, again = tmp_path / "model.json", tmp_path / "again.json"
    for which, model in saved.items():
        model.save(path)
        loaded = fastlr.load(path)
        assert type(loaded) is type(model), which
        loaded.save(again)
        assert again.read_bytes() == path.read_bytes(), which
        if hasattr(model, "predict"):
            rows = rows_for(model)
            np.testing.assert_array_equal(loaded.predict(rows), model.predict(rows), which)
        if hasattr(model, "summary"):
            assert loaded.summary() == model.summary(), which
        if hasattr(model, "has_feature_names"):
            assert loaded.has_feature_names == model.has_feature_names, which
        if hasattr(model, "get_params"):
            assert loaded.get_params() == model.get_params(), which
        if which != "sgd of objects":  # whose NumPy scalars are Python's when they come back
            assert repr(loaded) == repr(model), which


def test_attributes_of_estimators_come_back(saved, tmp_path):
    for which in (
        "regression",
        "wide regression",
        "positive regression",
        "sgd",
        "sgd of objects",
        *OF_PENALTIES,
    ):
        model = saved[which]
        model.save(tmp_path / "model.json")
        loaded = fastlr.load(tmp_path / "model.json")
        fitted = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
        assert {name for name in vars(loaded) if name.endswith("_")} == fitted
        if "validation_" in fitted:
            assert_same_choice(loaded.validation_, model.validation_)
        if "moments_" in fitted:
            assert (loaded.moments_ is None) is (model.moments_ is None), which
            if loaded.moments_ is not None:
                assert loaded.moments_.to_bytes() == model.moments_.to_bytes(), which
        for name in fitted - {"fit_", "history_", "moments_", "validation_"}:
            assert type(getattr(loaded, name)) is type(getattr(model, name)), (which, name)
            np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name), name)


def assert_same_choice(loaded, expected):
    assert (loaded.method, loaded.passes) == (expected.method, expected.passes)
    for name in ("alphas", "scores", "squared_errors"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(expected, name), name)
    assert (loaded.state is None) is (expected.state is None)


def test_fields_of_paths_and_selections_come_back(saved, tmp_path):
    for which in ("path", "path of several", "ridge path", "ridge path of one column"):
        path = saved[which]
        path.save(tmp_path / "path.json")
        loaded = fastlr.load(tmp_path / "path.json")
        for name, value in vars(path).items():
            np.testing.assert_array_equal(getattr(loaded, name), value, name)
            if isinstance(value, np.ndarray):
                assert getattr(loaded, name).dtype == value.dtype, name
                assert not getattr(loaded, name).flags.writeable, name
        assert type(loaded.feature_names) is type(path.feature_names), which
    for which in ("selection", "selection of nothing"):
        selection = saved[which]
        selection.save(tmp_path / "selection.json")
        loaded = fastlr.load(tmp_path / "selection.json")
        assert str(loaded.table) == str(selection.table)
        assert repr(loaded.best) == repr(selection.best)
        assert (loaded.fit is None) is (selection.fit is None)
        if loaded.fit is not None:
            assert loaded.fit.to_dict() == selection.fit.to_dict()


def test_errors_of_single_rows_stay_out_of_files(tmp_path):
    model = fastlr.RidgeCV(store_cv_results=True).fit(Z, Y[:, 0])
    model.save(tmp_path / "model.json")
    loaded = fastlr.load(tmp_path / "model.json")
    assert not hasattr(loaded, "cv_results_")
    assert loaded.validation_.errors is None
    assert pickle.loads(pickle.dumps(model)).cv_results_.shape == (60, 3)


def test_moments_of_many_columns_stay_out_of_files(tmp_path):
    rows = RNG.normal(size=(80, 40))
    for model in (fastlr.Ridge(), fastlr.RidgeCV()):
        model.fit(rows, rows[:, 0]).save(tmp_path / "model.json")
        loaded = fastlr.load(tmp_path / "model.json")
        assert loaded.moments_ is None
        np.testing.assert_array_equal(loaded.predict(rows), model.predict(rows))


def test_parameters_that_are_arrays_or_lists_of_splits_come_back(tmp_path):
    splits = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]
    model = fastlr.RidgeCV(np.logspace(-2, 2, 4), cv=splits).fit(Z, Y[:, 0])
    model.save(tmp_path / "model.json")
    loaded = fastlr.load(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.alphas, model.alphas)
    np.testing.assert_array_equal(loaded.cv, splits)
    np.testing.assert_array_equal(loaded.fit(Z, Y[:, 0]).coef_, model.coef_)


def test_a_warm_lasso_goes_on_after_loading_as_if_never_saved(tmp_path):
    model = fastlr.Lasso(0.1, warm_start=True, tol=1e-3).fit(Z, Y[:, 0])
    model.save(tmp_path / "model.json")
    loaded = fastlr.load(tmp_path / "model.json")
    for one in (model, loaded):
        one.set_params(alpha=0.01).fit(Z, Y[:, 0])
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    assert loaded.n_iter_ == model.n_iter_


def test_figures_of_a_descent_come_back(saved, tmp_path):
    for which in ("descent", "descent by batches"):
        fit = saved[which]
        fit.save(tmp_path / "model.json")
        loaded = fastlr.load(tmp_path / "model.json")
        for name in ("gap", "rank", "condition_number", "loss", "n_updates", "optimizer", "engine"):
            assert repr(getattr(loaded, name)) == repr(getattr(fit, name)), name
        for name, array in vars(fit.history).items():
            np.testing.assert_array_equal(getattr(loaded.history, name), array, name)
        with pytest.raises(
            fastlr.InputError, match="loaded from a file, which keeps its history but not"
        ):
            fastlr.descend(Z, Y[:, 0], resume=loaded)


def test_partial_fit_goes_on_after_loading_as_if_never_saved(saved, tmp_path):
    for which in (
        "regression",
        "narrow wide regression",
        "positive regression",
        "sgd",
        "sgd of objects",
    ):
        model = saved[which]
        model.save(tmp_path / "model.json")
        loaded = fastlr.load(tmp_path / "model.json")
        original = pickle.loads(pickle.dumps(model))
        for one in (loaded, original):
            if which.startswith("sgd"):
                one.set_params(standardize=False)
        rows, y = (
            (Z, Y[:, 0])
            if which.startswith("sgd")
            else (Z, Y)
            if which == "positive regression"
            else (X, Y if which == "regression" else Y[:, 0])
        )
        if hasattr(model, "feature_names_in_"):
            rows = dict(zip(model.feature_names_in_, rows.T, strict=True))
        with quietly():
            loaded.partial_fit(rows, y)
            original.partial_fit(rows, y)
        np.testing.assert_array_equal(loaded.coef_, original.coef_, which)
        np.testing.assert_array_equal(loaded.intercept_, original.intercept_, which)


@pytest.mark.parametrize("average", [False, True])
def test_a_warm_start_goes_on_after_loading_as_if_never_saved(tmp_path, average):
    model = fastlr.SGDRegressor(
        warm_start=True, optimizer="momentum", batch_size=8, max_iter=3, tol=None, random_state=3,
        average=average, eta0=0.001, penalty="l1",
    ).fit(Z, Y[:, 0])  # fmt: skip
    model.save(tmp_path / "model.json")
    loaded = fastlr.load(tmp_path / "model.json")
    np.testing.assert_array_equal(loaded.fit(Z, Y[:, 0]).coef_, model.fit(Z, Y[:, 0]).coef_)


def test_a_model_without_moments_says_that_it_cannot_go_on(saved, tmp_path):
    model = saved["wide regression"]
    model.save(tmp_path / "model.json")
    for one in (fastlr.load(tmp_path / "model.json"), pickle.loads(pickle.dumps(model))):
        with pytest.raises(
            fastlr.InputError, match=r"partial_fit cannot go on: .* fit with all rows"
        ):
            one.partial_fit(RNG.normal(size=(5, 60)), Y[:5])
        with pytest.raises(AttributeError, match="moments_ are not there"):
            one.moments_  # noqa: B018 - asking is the test
        one.fit(X, Y[:, 0]).partial_fit(X, Y[:, 0])


def test_neither_files_nor_pickles_hold_rows(saved, tmp_path):
    mark = 0.123456789012345
    rows = RNG.normal(size=(5, 60))
    rows[2, 3] = mark
    model = fastlr.LinearRegression(rank="min_norm").fit(rows, Y[:5, 0])
    assert np.float64(mark).tobytes() not in pickle.dumps(model)
    model.save(tmp_path / "model.json")
    assert repr(mark) not in (tmp_path / "model.json").read_text(encoding="utf-8")
    assert model._rows is not None  # the model itself still goes on
    for which, one in saved.items():
        if hasattr(one, "get_params"):
            assert len(pickle.dumps(one)) < 8192, which


def test_threads_may_pickle_ask_and_add_rows_at_the_same_time():
    rows = RNG.normal(size=(4, 9))
    model = fastlr.LinearRegression(rank="min_norm").fit(rows, Y[:4, 0])

    def work(i):
        if i % 3 == 0:
            pickle.loads(pickle.dumps(model)).predict(rows)
        elif i % 3 == 1:
            assert model.moments_.n_samples >= 4
        else:
            model.partial_fit(rows, Y[:4, 0])

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(60)))
    assert model.fit_.n_samples == 84


def test_an_estimator_that_is_not_fitted_is_not_saved(tmp_path):
    for model in (
        fastlr.LinearRegression(),
        fastlr.SGDRegressor(),
        fastlr.Ridge(),
        fastlr.RidgeCV(),
        fastlr.Lasso(),
        fastlr.ElasticNetCV(),
        fastlr.HuberRegressor(),
    ):
        with pytest.raises(NotFittedError):
            model.save(tmp_path / "model.json")
    assert not list(tmp_path.iterdir())


def test_a_parameter_that_no_file_can_hold_is_named(tmp_path):
    model = fastlr.SGDRegressor(random_state=np.random.RandomState(0), max_iter=1, tol=None)
    model.fit(Z, Y[:, 0])
    with pytest.raises(fastlr.InputTypeError, match=r"random_state=.* cannot hold: .* set_params"):
        model.save(tmp_path / "model.json")
    model = fastlr.RidgeCV(cv=KFold(3)).fit(Z, Y[:, 0])
    with pytest.raises(fastlr.InputTypeError, match=r"cv=KFold.* cannot hold: .* set_params"):
        model.save(tmp_path / "model.json")


class OwnRegression(fastlr.LinearRegression):
    """A subclass, which fastlr.load could not know."""


def test_a_subclass_of_ones_own_is_not_saved_but_pickled(tmp_path):
    model = OwnRegression().fit(Z, Y[:, 0])
    with pytest.raises(
        fastlr.InputTypeError, match=r"OwnRegression is a class of .* keep it as a pickle"
    ):
        model.save(tmp_path / "model.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if name.endswith(".json")))
def test_files_of_version_1_are_read(name, tmp_path):
    expected, original = EXPECTED[name], json.loads((DATA / name).read_text(encoding="utf-8"))
    for read in (fastlr.load, load_model):
        fit = read(DATA / name)
        np.testing.assert_array_equal(fit.coef, expected["coef"])
        np.testing.assert_allclose(
            fit.predict(np.array(expected["rows"])), expected["predictions"], rtol=1e-13, atol=1e-13
        )
        assert type(fit) is (fastlr.PolynomialFit if "polynomial" in name else fastlr.LinearFit)
        save_model(fit, tmp_path / "again.json")
        again = json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))
        assert {key: again[key] for key in original if key not in ("version", "kind")} == {
            key: value for key, value in original.items() if key not in ("version", "kind")
        }


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED if name.endswith(".pickle")))
def test_pickles_of_version_0_1_0_are_read(name):
    expected, model = EXPECTED[name], pickle.loads((DATA / name).read_bytes())
    assert type(model).__name__ == name.split(".")[0].split("_")[0]
    rows = np.array(expected["rows"])
    if hasattr(model, "feature_names_in_"):
        rows = dict(zip(model.feature_names_in_, rows.T, strict=True))
    np.testing.assert_allclose(model.predict(rows), expected["predictions"], rtol=1e-13, atol=1e-13)
    assert repr(model)
    if hasattr(model, "get_params"):
        assert set(model.get_params()) == set(type(model)().get_params())
        model.set_params(**({"max_iter": 2} if hasattr(model, "max_iter") else {}))
        target = np.arange(len(expected["rows"]), dtype=float)
        with quietly():
            model.partial_fit(rows, target).fit(rows, target)
    else:
        assert model.summary()
        assert not model.coef.flags.writeable
        if isinstance(model, fastlr.Descent):
            assert model.recall().state.n_updates == model.n_updates


def test_a_fit_from_a_pickle_is_frozen_and_may_lack_later_fields():
    state = {**fastlr.ols(Z, Y[:, 0]).__getstate__()}
    del state["bse_digits"]
    older = object.__new__(fastlr.LinearFit)
    older.__setstate__(state)
    assert np.isnan(older.bse_digits)
    with pytest.raises(ValueError, match="read-only"):
        pickle.loads(pickle.dumps(older)).coef[0] = 1.0


def test_joblib_reads_what_it_dumped(saved, tmp_path):
    joblib = pytest.importorskip("joblib")
    for which in ("regression", "sgd", "one target", "descent", "path", "selection", *OF_PENALTIES):
        joblib.dump(saved[which], tmp_path / "model.joblib")
        assert (tmp_path / "model.joblib").stat().st_size < 16384
        loaded = joblib.load(tmp_path / "model.joblib")
        assert type(loaded) is type(saved[which])


def test_a_fit_is_loaded_without_importing_scikit_learn(saved, tmp_path):
    saved["one target"].save(tmp_path / "model.json")
    code = f"import sys, fastlr; fastlr.load({str(tmp_path / 'model.json')!r}); print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_load_model_gives_fits_alone(saved, tmp_path):
    path = tmp_path / "model.json"
    saved["descent"].save(path)
    assert isinstance(load_model(path), fastlr.Descent)
    save_model(saved["descent"], path)
    assert type(load_model(path)) is fastlr.LinearFit
    saved["sgd"].save(path)
    with pytest.raises(
        ModelFileError, match=r"holds 'SGDRegressor', which is not a fit: read it with fastlr\.load"
    ):
        load_model(path)
