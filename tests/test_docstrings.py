"""The examples in the installed package's docstrings give what they say."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

import fastlr
from house import PACKAGE as SOURCES
from house import nodes_in

PACKAGE = Path(fastlr.__file__).parent


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SHOWING = [
    module_name(path)
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>>" in path.read_text(encoding="utf-8")
]


def module_of(name):
    """The module, unless it needs what is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name.startswith("fastlr"):
            raise
        return None


def test_every_module_can_be_imported():
    names = [module_name(path) for path in PACKAGE.rglob("*.py")]
    without = {name for name in names if module_of(name) is None}
    assert len(without) < len(names) // 10, without


@pytest.mark.parametrize("name", SHOWING)
def test_examples_in_docstrings(name, tmp_path, monkeypatch):
    module = module_of(name)
    if module is None:
        pytest.skip(f"{name} needs what is not installed")
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted
    assert result.failed == 0


# Words that a text begins with only if it goes on from the name, or the text, beside it.
LEANING = {"Also", "And", "Its", "Of", "Or", "Their", "Theirs", "They", "Those"}
ELSEWHERE = {
    f"The same {word}" for word in ("as", "by", "for", "from", "in", "of", "with", "without")
}


def texts_in(nodes):
    """Docstrings, and the texts below fields and constants."""
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            yield node.value.value


def leans(text):
    words = text.split()
    return not words or words[0] in LEANING or " ".join(words[:3]) in ELSEWHERE


def test_every_text_stands_on_its_own():
    found = {
        f"{path.name}: {text}"
        for path in SOURCES.rglob("*.py")
        for text in texts_in(nodes_in(path))
        if leans(text)
    }
    assert found == set()


def test_a_text_that_leans_on_its_neighbour_is_seen():
    sources = ['"""Of the hidden layers."""', '"""The same of a table."""', '"""   """']
    for source in sources:
        assert [*map(leans, texts_in(ast.walk(ast.parse(source))))] == [True]
    assert not leans("Offsets of the columns.")


def test_every_public_name_is_documented():
    names = [name for name in fastlr.__all__ if name[0] != "_"]
    assert [name for name in names if not (getattr(fastlr, name).__doc__ or "").strip()] == []


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
