"""CPU levels: one interface, a choice that can be forced, and errors instead of silent steps down."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastlr._kernels.levels as chooser

STUB = Path(__file__).parents[2] / "python" / "fastlr" / "_kernels" / "_generic.pyi"


def run(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={k: v for k, v in os.environ.items() if k != "FASTLR_KERNELS"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_stub_names_every_name_and_no_other(kernels):
    described = set()
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            described.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            described.add(node.target.id)
    assert described == {name for name in dir(kernels) if not name.startswith("_")}


def test_the_best_level_is_chosen():
    assert chooser.available_levels()
    assert [level for level in chooser.PREFERENCE if level in chooser.available_levels()] == list(
        chooser.available_levels()
    )


@pytest.mark.parametrize("level", chooser.available_levels())
def test_a_level_can_be_forced(level):
    code = "import json, fastlr._kernels as k; print(json.dumps(k.describe()))"
    info = json.loads(run(code, FASTLR_KERNELS=level).stdout)
    assert info["level"] == level
    assert info["reason"] == f"forced by FASTLR_KERNELS={level}"
    assert {"compiler", "eigen", "openmp", "installed", "supported"} <= info.keys()


def test_an_unknown_level_is_an_import_error_that_lists_the_choices():
    code = """
import os
for level in ("v9", "avx2", " v3"):
    os.environ["FASTLR_KERNELS"] = level
    try:
        import fastlr
    except ImportError as error:
        print(error)
"""
    told = run(code).stdout.splitlines()
    for level, message in zip(("v9", "avx2", " v3"), told, strict=True):
        assert f"no kernels '{level}'" in message
        assert str(list(chooser.available_levels())) in message


def test_a_level_that_the_processor_lacks_is_refused(monkeypatch):
    monkeypatch.setattr(chooser._core, "supported_levels", lambda: ["generic"])
    for level in ("v2", "v3", "v4"):
        with pytest.raises(ImportError, match=f"no kernels '{level}'"):
            chooser.load_level(level)


def test_a_broken_library_is_an_error_not_a_step_down(tmp_path):
    kernels = tmp_path / "fastlr" / "_kernels"
    shutil.copytree(Path(chooser.__file__).parents[1], kernels.parent)
    core = Path(chooser._core.__file__)
    if not (kernels / core.name).exists():
        shutil.copy(core, kernels)
    (kernels / f"level_{chooser.available_levels()[0]}.so").write_bytes(b"not a shared object")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import fastlr"
    result = run(code)
    assert result.returncode == 1
    assert "ImportError" in result.stderr


def copy_of_the_package(folder):
    kernels = folder / "fastlr" / "_kernels"
    shutil.copytree(Path(chooser.__file__).parents[1], kernels.parent)
    for library in Path(chooser._core.__file__).parent.glob("*.so"):
        if not (kernels / library.name).exists():
            shutil.copy(library, kernels)
    return kernels


def test_a_library_of_another_build_is_refused(tmp_path):
    best = chooser.available_levels()[0]
    library = copy_of_the_package(tmp_path) / f"level_{best}.so"
    build = chooser.kernels.build_info()["build"].encode()
    content = library.read_bytes()
    assert content.count(build) == 1
    library.unlink()
    library.write_bytes(content.replace(build, build[::-1]))
    result = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import fastlr")
    assert result.returncode == 1
    assert "comes of another build" in result.stderr


def test_a_dangling_link_is_no_missing_level(tmp_path):
    library = copy_of_the_package(tmp_path) / f"level_{chooser.available_levels()[0]}.so"
    library.unlink()
    library.symlink_to(tmp_path / "nowhere.so")
    result = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import fastlr")
    assert result.returncode == 1
    assert "do not load" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there")
def test_the_package_may_lie_in_a_folder_of_any_name(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 \xff"))
    folder.mkdir()
    copy_of_the_package(folder)
    code = (
        f"import os, sys; sys.path.insert(0, os.fsdecode({os.fsencode(folder)!r})); import fastlr;"
        "print(fastlr.ols([[1.0], [2.0], [4.0]], [1.0, 2.0, 4.0]).coef[0].round(12))"
    )
    result = run(code)
    assert result.stdout.split() == ["1.0"], result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_child_works_on_another_level_than_its_parent():
    levels = chooser.available_levels()
    code = f"""
import os, sys, numpy as np
from fastlr._kernels import load_level
X = np.random.default_rng(0).normal(size=(40_000, 8))
fit = lambda level: load_level(level).climb(X, X[:, 0].copy(), None, True, "fast", 2)[9]
first, second = {levels[0]!r}, {levels[-1]!r}
load_level(second)
expected = fit(first)
child = os.fork()
if child == 0:
    os._exit(0 if np.isclose(fit(second), expected) else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(code).returncode == 0
