"""The house rules that no reader sees in one file: floors, flags, and what an import costs."""

import ast
import functools
import graphlib
import importlib.resources
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastlr

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "fastlr"

# A module imports from its own package or from a room of a strictly lower number. The front, `fastlr`
# itself, opens on all that users call; only what has a higher number may import from it.
FLOORS = {
    "_convergence": -1,
    "_kernels": 0,
    "errors": 0,
    "reference": 0,
    "input": 1,
    "results": 2,
    "moments": 2,
    "least_squares": 3,
    "inference": 4,
    "penalised": 4,
    "many": 4,
    "descent": 4,
    "networks": 5,
    "estimators": 5,
    "report": 5,
    "plot": 5,
    "files": 5,
    "fastlr": 5,
    "bench": 6,
    "streams": 6,
    "cli": 7,
}

CPP = sorted(
    path
    for path in (ROOT / "cpp").rglob("*")
    if path.suffix in {".hpp", ".cpp"} and "tests" not in path.parts
)
KERNELS = [path for path in CPP if not path.is_relative_to(ROOT / "cpp" / "bindings")]
BUILD_FILES = [
    *sorted(ROOT.glob("CMake*")),
    ROOT / "pyproject.toml",
    *sorted((ROOT / "cpp").rglob("CMakeLists.txt")),
    *sorted((ROOT / "cpp").rglob("*.cmake")),
]


def name_of(path):
    return str(path.relative_to(ROOT))


@functools.cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def modules_of(package):
    """Every module below a package, by its dotted name."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def room_of(module):
    """The first name below `fastlr`: fastlr.cli.fit -> cli; the front is `fastlr`."""
    return (module.split(".")[1:] or ["fastlr"])[0]


def is_for_types_alone(node):
    return isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"


def nodes_of(tree, *, with_types=True):
    """All nodes of a file, with or without those that only type checkers read."""
    for child in ast.iter_child_nodes(tree):
        if with_types or not is_for_types_alone(child):
            yield child
            yield from nodes_of(child, with_types=with_types)


def imports_of(module, modules, *, with_types=True):
    """(module, name) for every import from `fastlr`, wherever it stands; no name for a module."""
    path = modules[module]
    package = module.split(".") if path.stem == "__init__" else module.split(".")[:-1]
    for node in nodes_of(parsed(path), with_types=with_types):
        if isinstance(node, ast.Import):
            found = [(alias.name.split("."), None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            found = [(base, alias.name) for alias in node.names]
        else:
            continue
        for parts, name in found:
            if parts[0] != "fastlr":
                continue
            dotted = ".".join(parts)
            whole = f"{dotted}.{name}"
            yield (whole, None) if whole in modules else (dotted, name)


def imports_upward(module, modules):
    """Other rooms that a module imports from although their numbers are not lower."""
    room = room_of(module)
    for other, _ in imports_of(module, modules):
        below = room_of(other) if room_of(other) in FLOORS else "fastlr"
        if below != room and FLOORS[below] >= FLOORS[room]:
            yield below


def circle_in(room, modules):
    """Modules of one package that import one another in a circle, at import time or when called; else nothing."""
    own = [module for module in modules if room_of(module) == room]
    graph = {
        module: {other for other, _ in imports_of(module, modules, with_types=False)} - {module}
        for module in own
    }
    graph = {module: others.intersection(own) for module, others in graph.items()}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def privates_by_room(modules):
    """Private functions, methods, fields and attributes that the modules of each room define."""
    privates = {room_of(module): set() for module in modules}
    for module, path in modules.items():
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                name = node.name
            elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
                name = node.id if isinstance(node, ast.Name) else node.attr
            else:
                continue
            if is_private(name):
                privates[room_of(module)].add(name)
    return privates


def foreign_privates(module, modules, privates):
    """Private modules and names of other rooms that a module imports or reads."""
    room = room_of(module)
    for other, name in imports_of(module, modules):
        if room_of(other) != room:
            yield from filter(is_private, [*other.split(".")[2:], *([name] if name else [])])
    elsewhere = set().union(*(names for other, names in privates.items() if other != room))
    for node in ast.walk(parsed(modules[module])):
        if isinstance(node, ast.Attribute) and node.attr in elsewhere - privates[room]:
            yield node.attr


def without_comments(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix in {".hpp", ".cpp"}:
        return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"#[^\n]*", "", text)


MODULES = modules_of(PACKAGE)
PRIVATES = privates_by_room(MODULES)
ROOMS = sorted({room_of(module) for module in MODULES} - {"fastlr"})


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"fastlr"}))
def test_every_module_imports_from_its_own_package_or_a_lower_number(module):
    room = room_of(module)
    assert room in FLOORS, f"which number does {room} have? Add it to FLOORS and to CONTRIBUTING"
    upward = [f"{other} ({FLOORS[other]})" for other in imports_upward(module, MODULES)]
    assert not upward, f"{room} ({FLOORS[room]}) imports from {', '.join(upward)}"


@pytest.mark.parametrize("room", ROOMS)
def test_no_modules_of_a_package_import_one_another_in_a_circle(room):
    circle = circle_in(room, MODULES)
    assert not circle, " -> ".join(circle)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_no_module_uses_the_privates_of_another_package(module):
    used = sorted(set(foreign_privates(module, MODULES, PRIVATES)))
    assert not used, f"give {used} a public inner name"


# Python asks the package itself for names that are loaded on first use.
WITH_CODE = {"fastlr"}


def code_in(tree):
    """What a package's front has besides its docstring, imports and `__all__`."""
    for node in tree.body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_list = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        if not (is_docstring or is_list or isinstance(node, ast.Import | ast.ImportFrom)):
            yield ast.unparse(node)


@pytest.mark.parametrize(
    "module",
    sorted(name for name, path in MODULES.items() if path.stem == "__init__"),
)
def test_the_front_of_a_package_holds_names_alone(module):
    code = list(code_in(parsed(MODULES[module])))
    assert module in WITH_CODE or not code, f"give {code} a module of its own"


def test_code_in_the_front_of_a_package_is_seen():
    names = '"""Doc."""\nfrom a import b\n__all__ = ["b"]\n'
    assert not list(code_in(ast.parse(names)))
    for code in (
        "X = 1",
        "def f():\n    pass",
        "try:\n    import a\nexcept ImportError:\n    a = None",
    ):
        assert list(code_in(ast.parse(names + code))) == [code]


def test_every_kernel_is_called_by_a_test_of_all_levels():
    stub = ast.parse((PACKAGE / "_kernels" / "_generic.pyi").read_text(encoding="utf-8"))
    kernels = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    files = sorted((ROOT / "tests" / "kernels").glob("test_*.py"))
    assert kernels
    assert uncalled(kernels, [path.read_text(encoding="utf-8") for path in files]) == set()


def uncalled(kernels, texts):
    """Those that no test calls; their names alone, which others replace them by, are no call."""
    calls = [
        node.func
        for text in texts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
    ]
    return kernels - {
        call.attr
        for call in calls
        if isinstance(call, ast.Attribute) and getattr(call.value, "id", "") == "kernels"
    }


def test_a_kernel_that_no_test_calls_is_seen():
    texts = [
        "x = kernels.sweep(X)",
        "refine(1)",
        'replace(kernels, "merge", f)',
        "# kernels.climb()",
    ]
    assert uncalled({"sweep", "refine", "merge", "climb"}, texts) == {"refine", "merge", "climb"}


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
        }
    )
    assert list(imports_upward("fastlr.moments.a", modules)) == []
    assert set(imports_upward("fastlr.moments.b", modules)) == {"results", "cli"}


def test_a_circle_is_seen_even_if_half_of_it_is_lazy(house):
    modules = house(
        {
            "moments/a": "from fastlr.moments.b import f",
            "moments/b": "def f():\n    from fastlr.moments import a",
            "results/a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from fastlr.results.b import f",
            "results/b": "from fastlr.results.a import g",
        }
    )
    assert {"fastlr.moments.a", "fastlr.moments.b"} <= set(circle_in("moments", modules))
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
            "moments/state": "class State:\n    _mean: float\n    def _build(self): self._lock = 1",
            "moments/user": "def f(m): return m._mean",
            "descent/_engine": "",
            "estimators/sgd": "from fastlr.descent._engine import run\nfrom fastlr.moments.state import _hidden\n"
            "def f(m, self): return m._mean + m._build() + m._lock + m._replace(x=1) + self._mine",
        }
    )
    privates = privates_by_room(modules)
    assert set(foreign_privates("fastlr.estimators.sgd", modules, privates)) == {
        "_engine",
        "_hidden",
        "_mean",
        "_build",
        "_lock",
    }
    assert set(foreign_privates("fastlr.moments.user", modules, privates)) == set()


@pytest.mark.parametrize("path", BUILD_FILES, ids=name_of)
def test_no_build_file_asks_for_fast_math(path):
    assert not re.search(
        r"-ffast-math|-Ofast|-fassociative-math|-funsafe-math|/fp:fast", without_comments(path)
    )


@pytest.mark.parametrize("path", CPP, ids=name_of)
def test_threads_are_started_in_one_place_only(path):
    starts_threads = re.search(
        r"#\s*pragma\s+omp|_Pragma\(\"omp|std::(thread|async)\b|\bpthread_create\b",
        without_comments(path),
    )
    assert not starts_threads or path.stem == "threads"


@pytest.mark.parametrize("path", KERNELS, ids=name_of)
def test_kernels_know_nothing_of_python_the_terminal_or_the_environment(path):
    assert not re.search(
        r"#\s*include\s*[<\"](Python\.h|pybind11|iostream|cstdio)|\bgetenv\b",
        without_comments(path),
    )


# Sources that the compiler may fuse multiplications and additions in; what is compensated must not be among them.
CONTRACTED = ("descent", "measuring", "prediction", "products")
COMPENSATED = {"fastlr/registers/compensated.hpp", "fastlr/registers/double_double.hpp"}


def included(path):
    """Every header of ours that a file includes, directly or through others."""
    found, waiting = set(), [path]
    while waiting:  # each header once
        text = waiting.pop().read_text(encoding="utf-8")
        for name in re.findall(r'#\s*include "([^"]+)"', text):
            if name not in found:
                found.add(name)
                waiting.append(ROOT / "cpp" / name)
    return found


@pytest.mark.parametrize("path", [path for path in CPP if path.suffix == ".cpp"], ids=name_of)
def test_no_contracted_source_includes_compensated_arithmetic(path):
    if path.parent.name in CONTRACTED:
        assert not included(path) & COMPENSATED


def test_the_regimes_of_the_build_are_folders():
    lists = (ROOT / "cpp" / "CMakeLists.txt").read_text(encoding="utf-8")
    contracted = re.search(r"set\(fastlr_contracted\s([^)]*)\)", lists)[1].split()
    assert {Path(source).parent.name for source in contracted} == set(CONTRACTED)
    listed = re.findall(r"^ +((?:fastlr|bindings)/[\w/]+\.cpp)", lists, flags=re.MULTILINE)
    sources = {str(path.relative_to(ROOT / "cpp")) for path in CPP if path.suffix == ".cpp"}
    assert set(listed) == sources
    assert len(listed) == len(sources)  # each in one list only
    for source in sources - set(contracted):
        assert Path(source).parent.name not in CONTRACTED


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
