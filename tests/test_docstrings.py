"""The examples in the installed package's docstrings give what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

import fastlr

PACKAGE = Path(fastlr.__file__).parent


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = [module_name(path) for path in sorted(PACKAGE.rglob("*.py"))]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name, tmp_path, monkeypatch):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name.startswith("fastlr"):
            raise
        pytest.skip(f"{name} needs {error.name}")
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


@pytest.mark.parametrize("name", [name for name in fastlr.__all__ if name[0] != "_"])
def test_every_public_name_is_documented(name):
    assert (getattr(fastlr, name).__doc__ or "").strip()


def test_every_public_function_shows_an_example():
    functions = {
        "Descent",
        "ElasticNet",
        "ElasticNetCV",
        "HuberRegressor",
        "Lasso",
        "LassoCV",
        "LinearRegression",
        "MLPRegressor",
        "Moments",
        "SGDRegressor",
        "best_subset",
        "descend",
        "enet_path",
        "lasso_path",
        "ols",
        "solve",
    }
    without = {name for name in functions if ">>>" not in (getattr(fastlr, name).__doc__ or "")}
    assert without == set()
