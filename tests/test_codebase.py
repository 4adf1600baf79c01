"""The house rules that no reader sees in one file: floors, circles, privates, fronts, and what an import costs."""

import ast
import importlib.resources
import re
import subprocess
import sys

import pytest

import fastlr
from house import (
    FLOORS,
    PACKAGE,
    ROOT,
    circle_in,
    code_in,
    computed_imports,
    foreign_privates,
    imports_of,
    imports_upward,
    kernels_called,
    kernels_of_one_level,
    modules_of,
    parsed,
    privates_by_room,
    room_of,
)

MODULES = modules_of(PACKAGE)


def test_every_module_imports_from_its_own_package_or_a_lower_number():
    unknown = {room_of(module) for module in MODULES} - FLOORS.keys()
    assert not unknown, f"which number do {unknown} have? Add them to FLOORS and to CONTRIBUTING"
    upward = [
        f"{module} ({FLOORS[room_of(module)]}) imports from {other} ({FLOORS[other]})"
        for module in MODULES
        if module != "fastlr"
        for other in imports_upward(module, MODULES)
    ]
    assert not upward, "\n".join(upward)


# What is loaded when it is asked for: a table of names, and one verb of the command line.
COMPUTES_IMPORTS = {"fastlr", "fastlr.cli._app"}


def test_imports_name_their_module():
    computed = {module for module, path in MODULES.items() if [*computed_imports(parsed(path))]}
    assert computed == COMPUTES_IMPORTS


def test_no_modules_of_a_package_import_one_another_in_a_circle():
    rooms = {room_of(module) for module in MODULES} - {"fastlr"}
    circles = [
        " -> ".join(circle) for room in sorted(rooms) if (circle := circle_in(room, MODULES))
    ]
    assert not circles, "\n".join(circles)


def test_no_module_uses_the_privates_of_another_package():
    privates = privates_by_room(MODULES)
    used = [
        f"{module} uses {name}"
        for module in MODULES
        for name in sorted(set(foreign_privates(module, MODULES, privates)))
    ]
    assert not used, "give a public inner name to what others need:\n" + "\n".join(used)


# Python asks the package itself for names that are loaded on first use.
WITH_CODE = {"fastlr"}


def test_the_front_of_a_package_holds_names_alone():
    code = [
        f"{module}: {line}"
        for module, path in MODULES.items()
        if path.stem == "__init__" and module not in WITH_CODE
        for line in code_in(parsed(path))
    ]
    assert not code, "give it a module of its own:\n" + "\n".join(code)


def test_code_in_the_front_of_a_package_is_seen():
    names = '"""Doc."""\nfrom a import b\n__all__ = ["b"]\n'
    assert not list(code_in(ast.parse(names)))
    for code in (
        "X = 1",
        "def f():\n    pass",
        "try:\n    import a\nexcept ImportError:\n    a = None",
        "from a import *",
        "__all__ = [name for name in compute()]",
        "__all__ = [*compute()]",
    ):
        assert list(code_in(ast.parse(names + code))) == [code]


def test_every_kernel_is_called_by_a_test_of_all_levels():
    stub = parsed(PACKAGE / "_kernels" / "_generic.pyi")
    kernels = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    trees = {path: parsed(path) for path in (ROOT / "tests" / "kernels").glob("*.py")}
    assert kernels
    assert kernels - set().union(*map(kernels_called, trees.values())) == set()
    of_one = {path.name for path, tree in trees.items() if [*kernels_of_one_level(tree)]}
    assert not of_one, "ask for `kernels`, a fixture, which is every level in turn"


def test_a_kernel_that_no_test_calls_is_seen():
    tests = """
def passed(kernels):
    kernels.sweep(X)
def forgotten(kernels):
    kernels.merge()
def test_of_all(kernels):
    passed(kernels)
    several = lambda: kernels.residuals()
    refine(1)
    replace(kernels, "climb", f)  # kernels.climb()
def test_of_one(level):
    kernels.finish()
"""
    assert kernels_called(ast.parse(tests)) == {"sweep", "residuals"}
    assert list(kernels_of_one_level(ast.parse("from fastlr._kernels import kernels, load_level")))
    assert list(kernels_of_one_level(ast.parse("from fastlr._kernels.levels import kernels as k")))
    assert not list(kernels_of_one_level(ast.parse("from fastlr._kernels import load_level")))


@pytest.fixture
def house(tmp_path):
    """A package of some files, which are named by their place in it: its modules."""

    def built(files):
        for name, text in files.items():
            path = tmp_path / "fastlr" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return modules_of(tmp_path / "fastlr")

    return built


def test_lazy_relative_and_whole_imports_are_seen(house):
    modules = house(
        {
            "cli/fit": "from ..results import LinearFit\nfrom . import info\nfrom fastlr import report, ols\n"
            "def run():\n    import fastlr.moments.passes as passes\n    from .. import files\n",
            "cli/info": "",
            "files": "",
            "report": "",
        }
    )
    assert set(imports_of("fastlr.cli.fit", modules)) == {
        ("fastlr.results", "LinearFit"),
        ("fastlr.cli.info", None),
        ("fastlr.report", None),
        ("fastlr", "ols"),
        ("fastlr.moments.passes", None),
        ("fastlr.files", None),
    }
    assert [room_of(name) for name in ("fastlr.moments.passes", "fastlr")] == ["moments", "fastlr"]


def test_an_import_from_an_equal_or_higher_number_is_seen(house):
    modules = house(
        {
            "moments/a": "from fastlr.moments.b import f\nfrom fastlr.input import names",
            "moments/b": "def f():\n    from fastlr.results import LinearFit\n    import fastlr.cli",
            "moments/c": "import importlib\nbench = importlib.import_module('fastlr.bench')\n"
            "files = __import__('fastlr.files')",
        }
    )
    assert list(imports_upward("fastlr.moments.a", modules)) == []
    assert set(imports_upward("fastlr.moments.b", modules)) == {"results", "cli"}
    assert set(imports_upward("fastlr.moments.c", modules)) == {"bench", "files"}


def test_an_import_of_a_module_that_is_computed_is_seen():
    assert list(computed_imports(ast.parse("import_module(f'fastlr.{name}')")))
    assert list(computed_imports(ast.parse("importlib.import_module(name=where)")))
    assert not list(computed_imports(ast.parse("importlib.import_module('fastlr.cli')")))


def test_a_circle_is_seen_even_if_half_of_it_is_lazy(house):
    for_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    "
    modules = house(
        {
            "moments/a": "from fastlr.moments.b import f",
            "moments/b": "def f():\n    from fastlr.moments import a",
            "results/a": f"{for_types}from fastlr.results.b import f",
            "results/b": "from fastlr.results.a import g",
            "files/a": f"{for_types}import x\nelse:\n    from fastlr.files.b import f",
            "files/b": "from fastlr.files.a import g",
        }
    )
    assert {"fastlr.moments.a", "fastlr.moments.b"} <= set(circle_in("moments", modules))
    assert {"fastlr.files.a", "fastlr.files.b"} <= set(circle_in("files", modules))
    assert not circle_in("results", modules)


def test_a_circle_through_the_packages_own_front_is_seen(house):
    modules = house(
        {
            "moments/__init__": "from fastlr.moments.a import Moments",
            "moments/a": "from fastlr.moments import Moments",
        }
    )
    assert "fastlr.moments.a" in circle_in("moments", modules)


def test_private_modules_names_and_fields_of_others_are_seen(house):
    modules = house(
        {
            "moments/state": "class State:\n    _mean: float\n    def _build(self): self._lock = 1\n"
            "    async def _wait(self): pass",
            "moments/user": "def f(m): return m._mean",
            "descent/_engine": "",
            "estimators/sgd": "from fastlr.descent._engine import run\nfrom fastlr.moments.state import _hidden\n"
            "def f(m, self): return m._mean + m._build() + m._lock + m._replace(x=1) + self._mine\n"
            "def g(m): return getattr(m, '_wait')()",
        }
    )
    privates = privates_by_room(modules)
    assert set(foreign_privates("fastlr.estimators.sgd", modules, privates)) == {
        "_engine",
        "_hidden",
        "_mean",
        "_build",
        "_lock",
        "_wait",
    }
    assert set(foreign_privates("fastlr.moments.user", modules, privates)) == set()


def test_a_private_that_both_rooms_define_is_seen_unless_the_object_is_their_own(house):
    modules = house(
        {
            "moments/state": "class State:\n    _mean: float",
            "results/fit": "from __future__ import annotations\nclass Fit:\n    _mean: float\n"
            "    def __eq__(self, other):\n"
            "        return isinstance(other, Fit) and other._mean == (self + 1)._mean\n"
            "def own(fit: Fit | None, fits: 'list[Fit]'): return fit._mean",
            "results/other": "def foreign(state): return state._mean",
        }
    )
    privates = privates_by_room(modules)
    assert set(foreign_privates("fastlr.results.fit", modules, privates)) == set()
    assert set(foreign_privates("fastlr.results.other", modules, privates)) == {"_mean"}


def test_import_stays_light(tmp_path):
    """In a process of its own: `import fastlr` loads NumPy and nothing else of weight."""
    heavy = {"scipy", "sklearn", "pandas", "polars", "pyarrow", "click", "rich", "matplotlib"}
    code = f"import sys, fastlr; print(*sorted({heavy!r}.intersection(sys.modules)))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert loaded.stdout.split() == []


def test_types_are_shipped():
    assert (importlib.resources.files("fastlr") / "py.typed").is_file()


def test_all_names_of_the_front_exist():
    for name in fastlr.__all__:
        assert getattr(fastlr, name) is not None


def test_the_front_shows_its_public_names_and_no_others():
    starred = {}
    exec("from fastlr import *", starred)
    assert set(starred) - {"__builtins__"} == set(fastlr.__all__)
    assert {name for name in dir(fastlr) if not name.startswith("__")} == set(fastlr.__all__)
    assert {"__version__", "__name__", "__doc__"} <= set(dir(fastlr))


def test_one_version_everywhere():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.+)"$', pyproject, flags=re.MULTILINE)
    assert version is not None
    assert version[1] == fastlr.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {version[1]}" in changelog
