"""`fastlr info`: what runs here, for people and for programs."""

import json
import platform
import subprocess
import sys

import numpy as np

import fastlr
from fastlr._kernels import describe


def test_info_names_versions_kernels_and_threads(run):
    result = run("info")
    assert (result.exit_code, result.stderr) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if ":" not in line)
    assert facts["fastlr"] == fastlr.__version__
    assert facts["python"] == platform.python_version()
    assert facts["numpy"] == np.__version__
    assert int(facts["threads"]) >= 1
    assert describe()["reason"] in result.stdout


def test_info_as_json_is_one_document(run):
    facts = json.loads(run("info", "--format", "json").stdout)
    assert facts["kernels"] == describe()
    assert facts["fastlr"] == fastlr.__version__


def test_version_is_that_of_the_package(run):
    assert run("--version").stdout.strip() == f"fastlr, version {fastlr.__version__}"


def test_no_command_shows_the_help(run):
    assert "Commands:" in run().output


def test_info_is_light():
    code = (
        "import sys\nfrom fastlr.cli import main\n"
        "main(['info'], standalone_mode=False)\n"
        "sys.exit(', '.join({'pyarrow', 'scipy', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""
