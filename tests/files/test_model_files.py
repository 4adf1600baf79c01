"""Model files: exact, small, written whole or not at all, and refused with a reason."""

import json
import math
import sys

import numpy as np
import pytest

import fastlr
from fastlr import ModelFileError
from fastlr.files import load_model, replaced, save_model


@pytest.fixture
def fit():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(50, 3))
    return fastlr.ols(
        X, X @ [1 / 3, -2, 1e-12] + rng.normal(size=50), feature_names=["a", "b", "ü"]
    )


@pytest.fixture
def two_targets():
    rng = np.random.default_rng(4)
    return fastlr.ols(rng.normal(size=(30, 2)), rng.normal(size=(30, 2)))


def document(fit, path):
    save_model(fit, path)
    return json.loads(path.read_text(encoding="utf-8"))


def test_round_trip_keeps_every_bit(fit, two_targets, tmp_path):
    for original in (fit, two_targets):
        save_model(original, tmp_path / "model.json")
        assert load_model(tmp_path / "model.json").to_dict() == original.to_dict()


def test_a_loaded_model_predicts_the_same_bits(fit, tmp_path):
    save_model(fit, tmp_path / "model.json")
    X = np.random.default_rng(5).normal(size=(10, 3))
    np.testing.assert_array_equal(load_model(tmp_path / "model.json").predict(X), fit.predict(X))


def test_the_file_is_strict_json_of_a_few_kb(fit, tmp_path):
    def refuse(constant):
        raise AssertionError(constant)

    perfect = fastlr.ols([[0.0], [1.0], [2.0]], [0.0, 0.0, 0.0])
    assert math.isinf(perfect.log_likelihood)
    for original in (fit, perfect):
        path = tmp_path / "model.json"
        save_model(original, path)
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, parse_constant=refuse)
        assert (content["format"], content["version"]) == ("fastlr.linear_model", 2)
        assert len(text) < 4096
        assert load_model(path).to_dict() == original.to_dict()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(fit, tmp_path, monkeypatch):
    path = tmp_path / "model.json"
    path.write_text("precious")
    monkeypatch.setattr(type(fit), "to_dict", lambda self: {"coef": object()})
    with pytest.raises(TypeError):
        save_model(fit, path)
    with pytest.raises(TypeError), replaced(path) as file:
        file.write(b"half" + "text")
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_replaced_file_keeps_its_permissions_and_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "model.json", tmp_path / "link.json"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    with replaced(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_output_that_cannot_be_is_refused(fit, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no directory .*absent to write m.json"):
        save_model(fit, tmp_path / "absent" / "m.json")
    with pytest.raises(IsADirectoryError, match="is a directory: name a file in it"):
        save_model(fit, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a fastlr model file .it is empty."),
        ("a,b\n1,2\n", "is not a fastlr model file: save it again"),
        ('{"a": 1}', 'is not a fastlr model file .*"format" is not'),
        ('{"format": "fastlr.linear_model", "vers', "is damaged or not JSON"),
        (
            '{"format": "fastlr.linear_model"}',
            "of version None, but this fastlr reads versions up to 2",
        ),
        ('{"format": "fastlr.linear_model", "version": 1}', "is a damaged model file"),
    ],
)
def test_what_is_no_model_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(ModelFileError, match=message) as caught:
        load_model(path)
    assert str(caught.value).startswith(str(path))
    assert "save it again" in str(caught.value)


def test_a_newer_version_asks_for_a_newer_fastlr(fit, tmp_path):
    path = tmp_path / "model.json"
    content = {**document(fit, path), "version": 3}
    path.write_text(json.dumps(content))
    with pytest.raises(
        ModelFileError, match=r"version 3, .* reads versions up to 2: install a newer"
    ):
        load_model(path)


@pytest.mark.parametrize(
    "damage",
    [
        {"coef": [1.0, 2.0]},
        {"coef": [1.0, 2.0, "three"]},
        {"coef": [1.0, 2.0, None]},
        {"coef": [1.0, 2.0, "nan"]},
        {"coef": 1.0},
        {"coef": [[1.0, 2.0, 3.0]]},
        {"intercept": [1.0]},
        {"intercept": "inf"},
        {"feature_names": ["a", "b"]},
        {"feature_names": ["a", "b", 3]},
        {"feature_names": "abc"},
        {"feature_names": ["a", "b", "a"]},
        {"feature_names": None},
        {"target_names": []},
        {"target_names": ["y", "z"]},
        {"feature_std": [1.0]},
        {"status": "fine"},
        {"n_samples": "many"},
        {"condition_number": {}},
        {"rss": [[1.0]]},
        {"surprise": 1},
    ],
    ids=str,
)
def test_damaged_fields_are_refused(fit, tmp_path, damage):
    path = tmp_path / "model.json"
    content = {**document(fit, path), **damage}
    path.write_text(json.dumps(content))
    with pytest.raises(ModelFileError, match="is a damaged model file"):
        load_model(path)


@pytest.mark.parametrize("field", ["coef", "feature_names", "status", "alpha", "fit_intercept"])
def test_missing_fields_are_refused(fit, tmp_path, field):
    path = tmp_path / "model.json"
    content = document(fit, path)
    del content[field]
    path.write_text(json.dumps(content))
    with pytest.raises(ModelFileError, match=field):
        load_model(path)


def test_a_missing_model_and_a_directory_are_errors_of_their_own(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no model file .*m.json: check the name"):
        load_model(tmp_path / "m.json")
    with pytest.raises(IsADirectoryError, match="name the model file in it"):
        load_model(tmp_path)


def test_saving_and_loading_call_no_function_for_each_number(tmp_path):
    n = 3000
    rng = np.random.default_rng(0)
    table = {"x": rng.normal(size=2 * n), "shop": np.repeat(np.arange(n), 2).astype(str)}
    many = fastlr.ols(table, rng.normal(size=2 * n), categories=["shop"])
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        save_model(many, tmp_path / "many.json")
        again = load_model(tmp_path / "many.json")
    finally:
        sys.setprofile(None)
    assert again.to_dict() == many.to_dict()
    assert calls < 2.5 * n  # names are made of levels, one by one
    lines = (tmp_path / "many.json").read_text(encoding="utf-8").splitlines()
    assert lines[0] + lines[-1] == "{}"
    for line in lines[1:-1]:  # a field each
        assert len(json.loads("{" + line.removesuffix(",") + "}")) == 1
