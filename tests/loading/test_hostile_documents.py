"""Saved objects that somebody has tampered with: read as written, or refused with the one clear error."""

import json
import warnings

import numpy as np
import pytest

import fastlr
from fastlr import ModelFileError, optimizers, schedules
from fastlr.results.stored import LATER_FIELDS

RNG = np.random.default_rng(5)
X = RNG.normal(size=(20, 2))
Y = X.sum(axis=1) + RNG.normal(size=20)
DEEP = json.loads("[" * 700 + "]" * 700)
WRONG = [None, True, -1, 10**400, 0.5, "x", "nan", [], {"a": 1}, DEEP, "\ud800"]


KINDS = ["fit", "moments", "descent", "regression", "sgd", "network"]
OF_PENALTIES = ["ridge", "ridge of folds", "lasso", "net", "lasso of folds"]
KINDS += [*OF_PENALTIES, "path", "ridge path", "selection"]


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """What every kind of object is saved as."""
    path = tmp_path_factory.mktemp("documents") / "model.json"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kinds = {
            "fit": fastlr.ols(X, Y),
            "moments": fastlr.Moments.from_arrays(X, Y),
            "descent": fastlr.descend(X, Y, epochs=3, tol=None, optimizer="adam"),
            "regression": fastlr.LinearRegression(tol=np.inf).fit({"a": X[:, 0], "b": X[:, 1]}, Y),
            "sgd": fastlr.SGDRegressor(
                max_iter=3,
                tol=None,
                optimizer=optimizers.Momentum(0.5),
                learning_rate=schedules.CosineDecay(0.01),
            ).fit(X, Y),
            "network": fastlr.MLPRegressor(
                hidden_layer_sizes=2, max_iter=2, early_stopping=True, random_state=0
            ).fit(X, Y),
            "ridge": fastlr.RidgeCV().fit({"a": X[:, 0], "b": X[:, 1]}, Y),
            "ridge of folds": fastlr.RidgeCV(cv=3).fit(X, np.column_stack([Y, X[:, 0]])),
            "lasso": fastlr.Lasso(0.1).fit(X, np.column_stack([Y, X[:, 0]])),
            "net": fastlr.ElasticNetCV(cv=3, alphas=4, l1_ratio=[0.5, 0.9]).fit(X, Y),
            "lasso of folds": fastlr.LassoCV(cv=3, alphas=4).fit(X, Y),
            "huber": fastlr.HuberRegressor().fit(X, Y),
            "path": fastlr.lasso_path(X, Y, n_alphas=3),
            "ridge path": fastlr.ridge_path(X, Y, [0.1, 1.0]),
            "selection": fastlr.best_subset(X, Y),
        }
    saved = {}
    for which, model in kinds.items():
        model.save(path)
        saved[which] = json.loads(path.read_text(encoding="utf-8"))
    return saved


def places(value, path=()):
    """Every place in a document: of lists, the last entry."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[-1], (*path, len(value) - 1))


def container_of(document, path):
    """What holds a place."""
    for step in path[:-1]:
        document = document[step]
    return document


def changed(document, path, change):
    """A copy of a document in which the container of a place was changed."""
    copy = json.loads(json.dumps(document))
    change(container_of(copy, path), path[-1])
    return copy


def replacements(document, path, values):
    """A document with each of the values in a place, one after the other: it is the same one each time."""
    at, key = container_of(document, path), path[-1]
    right = at[key]
    for value in values:
        at[key] = value
        yield document
    at[key] = right


def tried(document, path):
    """What is loaded, or nothing if it was refused as it should be."""
    path.touch()
    with path.open(
        "r+b"
    ) as file:  # in place: some file systems are slow to take files away, or empty them
        file.write(json.dumps(document).encode())
        file.truncate()
    message = ""
    try:
        return fastlr.load(path)
    except ModelFileError as error:
        message = str(error)
    assert message.startswith(str(path))
    assert "save it again" in message or "install a newer fastlr" in message
    assert len(message) < 1500
    return None


@pytest.mark.parametrize("which", KINDS)
def test_a_value_that_is_replaced_anywhere_is_refused_or_kept(which, documents, tmp_path):
    document, path = json.loads(json.dumps(documents[which])), tmp_path / "model.json"
    for place in places(documents[which]):
        # A fit within another document has been tried alone, and parameters are alike.
        is_tried = place[0] == "fit" or (place[0] == "parameters" and which in OF_PENALTIES)
        for replaced in replacements(document, place, WRONG[:3] if is_tried else WRONG):
            model = tried(replaced, path)
            if model is None:
                continue
            if not hasattr(model, "get_params"):
                assert isinstance(repr(model), str)
            assert json.dumps(model.to_document())
            if (
                hasattr(model, "predict") and place[0] != "parameters"
            ):  # which `fit` and `predict` check
                rows = X
                if hasattr(model, "feature_names_in_"):
                    rows = dict(zip(model.feature_names_in_, X.T, strict=True))
                assert np.isfinite(model.predict(rows)).all()
            if hasattr(model, "summary"):
                assert isinstance(model.summary(), str)


@pytest.mark.parametrize("which", KINDS)
def test_a_field_that_is_missing_or_unknown_is_refused(which, documents, tmp_path):
    document, path = documents[which], tmp_path / "model.json"
    may_be_null = {
        ("moments",),
        *((("l1_ratio",),) if which == "lasso of folds" else ()),
        ("choice", "scores" if which == "ridge" else "squared_errors"),
        *(("network", name) for name in ("best_loss", "best_score", "scores")),
        *(("history", name) for name in ("validation_loss", "coef", "intercept")),
        *(("history", name) for name in ("step_coef", "step_intercept", "step_epoch")),
        *(place for place in places(document) if place[-2:] == ("inverse", "intercept")),
    }
    for place in places(document):
        if isinstance(place[-1], int):
            continue
        lacking = changed(document, place, lambda at, key: at.pop(key))
        if place[0] == "parameters" and len(place) == 2:
            default = type(tried(document, path))().get_params()[place[1]]
            assert tried(lacking, path).get_params()[place[1]] == default
        elif place not in may_be_null and place[-1] not in LATER_FIELDS:
            assert tried(lacking, path) is None, place
        more = changed(document, place, lambda at, key: at.__setitem__("surprise", 1))
        assert tried(more, path) is None, place


@pytest.mark.parametrize(
    "kind",
    [
        "Storable",
        "ols",
        "InputError",
        "reference",
        "__builtins__",
        "os",
        "",
        "load",
        "linear_fit",
        None,
        1,
        DEEP,
    ],
)
def test_a_file_names_no_code_but_classes_that_are_stored(documents, tmp_path, kind):
    assert tried({**documents["fit"], "kind": kind}, tmp_path / "model.json") is None


def test_a_document_of_one_kind_is_no_other(documents, tmp_path):
    kinds = {which: document["kind"] for which, document in documents.items()}
    for which, document in documents.items():
        for other in {*kinds.values()} - {kinds[which]}:
            assert tried({**document, "kind": other}, tmp_path / "model.json") is None


def test_parts_that_do_not_belong_together_are_refused(documents, tmp_path):
    path = tmp_path / "model.json"
    regression, sgd, descent = (documents[which] for which in ("regression", "sgd", "descent"))
    other = json.loads(json.dumps(documents["moments"]))
    ridge, folds, net = (documents[which] for which in ("ridge", "ridge of folds", "net"))
    lasso, selection = documents["lasso"], documents["selection"]
    assert tried({**ridge, "moments": {"bytes": other["bytes"]}}, path) is None
    assert tried({**ridge, "choice": {**ridge["choice"], "alpha": 3.0}}, path) is None
    assert tried({**ridge, "choice": {**ridge["choice"], "method": "folds"}}, path) is None
    assert tried({**folds, "fit": ridge["fit"]}, path) is None
    assert tried({**net, "net": lasso["net"]}, path) is None
    assert tried({**net, "alphas": [1.0, 0.5, 0.25, 0.2, 0.1]}, path) is None
    assert tried({**lasso, "n_features_in": 3, "feature_names_in": None}, path) is None
    assert tried({**documents["path"], "target_names": ["a", "b"]}, path) is None
    assert tried({**documents["ridge path"], "best": 2}, path) is None
    assert tried({**selection, "best": 0}, path) is None
    assert tried({**selection, "fit": None}, path) is None
    assert tried({**regression, "moments": {"bytes": other["bytes"]}}, path) is None
    assert tried({**regression, "n_features_in": 3, "feature_names_in": None}, path) is None
    assert tried({**regression, "feature_names_in": ["a"]}, path) is None
    assert tried({**sgd, "n_iter": 4}, path) is None
    assert tried({**descent, "n_epochs": 4}, path) is None
