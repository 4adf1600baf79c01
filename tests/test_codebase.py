"""The house rules that no reader sees in one file: floors, flags, and what an import costs."""

import ast
import importlib.resources
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastlr

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "fastlr"

# A module imports from its own floor and those below. The front, `fastlr` itself, opens on all of
# them; only the edges may import from it.
FLOORS = {
    "_kernels": 0,
    "errors": 1,
    "_convergence": 1,
    "input": 1,
    "results": 1,
    "moments": 2,
    "least_squares": 2,
    "descent": 2,
    "optimizers": 2,
    "schedules": 2,
    "inference": 2,
    "estimators": 3,
    "report": 3,
    "reference": 3,
    "files": 4,
    "plot": 4,
    "bench": 4,
    "dask": 4,
    "spark": 4,
    "cli": 4,
    "fastlr": 4,
}

CPP = sorted(path for path in (ROOT / "cpp").rglob("*") if path.suffix in {".hpp", ".cpp"})
KERNELS = [path for path in CPP if path.is_relative_to(ROOT / "cpp" / "fastlr")]
BUILD_FILES = [
    *sorted(ROOT.glob("CMake*")),
    ROOT / "pyproject.toml",
    *sorted((ROOT / "cpp").rglob("CMakeLists.txt")),
    *sorted((ROOT / "cpp").rglob("*.cmake")),
]


def name_of(path):
    return str(path.relative_to(ROOT))


def room_of(path):
    """The first name below `fastlr`: python/fastlr/cli/fit.py -> cli."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported_rooms(path):
    """Every room that a file imports from, wherever in the file the import stands."""
    package = ["fastlr", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = base + (node.module.split(".") if node.module else [])
            modules = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for module in modules:
            if module[0] == "fastlr":
                below_front = len(module) > 1 and module[1] in FLOORS
                yield module[1] if below_front else "fastlr"


def without_comments(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix in {".hpp", ".cpp"}:
        return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"#[^\n]*", "", text)


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent != PACKAGE or path.stem != "__init__"
    ],
    ids=name_of,
)
def test_every_file_imports_from_its_own_floor_or_below(path):
    room = room_of(path)
    assert room in FLOORS, f"which floor does {room} live on? Add it to FLOORS and the plan"
    for other in imported_rooms(path):
        assert FLOORS[other] <= FLOORS[room], (
            f"{room} is on floor {FLOORS[room]} and imports {other} from floor {FLOORS[other]}"
        )


def test_the_floors_test_sees_lazy_and_relative_imports(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    (tmp_path / "cli").mkdir()
    path = tmp_path / "cli" / "fit.py"
    path.write_text(
        "from ..least_squares import ols\nfrom . import info\nfrom fastlr import results, ols\n"
        "def run():\n    import fastlr.report as report\n    from .. import files\n",
        encoding="utf-8",
    )
    assert set(imported_rooms(path)) == {
        "least_squares",
        "cli",
        "results",
        "fastlr",
        "report",
        "files",
    }


@pytest.mark.parametrize("path", BUILD_FILES, ids=name_of)
def test_no_build_file_asks_for_fast_math(path):
    assert not re.search(
        r"-ffast-math|-Ofast|-fassociative-math|-funsafe-math|/fp:fast", without_comments(path)
    )


@pytest.mark.parametrize("path", CPP, ids=name_of)
def test_row_blocks_is_the_only_place_that_starts_threads(path):
    starts_threads = re.search(
        r"#\s*pragma\s+omp|_Pragma\(\"omp|std::(thread|async)\b|\bpthread_create\b",
        without_comments(path),
    )
    assert not starts_threads or path.stem == "row_blocks"


@pytest.mark.parametrize("path", KERNELS, ids=name_of)
def test_kernels_know_nothing_of_python_the_terminal_or_the_environment(path):
    assert not re.search(
        r"#\s*include\s*[<\"](Python\.h|pybind11|iostream|cstdio)|\bgetenv\b",
        without_comments(path),
    )


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
