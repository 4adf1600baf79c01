"""CPU levels: one interface, a choice that can be forced, and errors instead of silent steps down."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastlr._kernels as chooser

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


@pytest.mark.parametrize("level", ["v9", "avx2", " v3"])
def test_an_unknown_level_is_an_import_error_that_lists_the_choices(level):
    result = run("import fastlr", FASTLR_KERNELS=level)
    assert result.returncode == 1
    assert f"no kernels '{level}'" in result.stderr
    assert str(list(chooser.available_levels())) in result.stderr


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
