"""A shell to run `fastlr` in: a directory of its own, with a few tables."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from fastlr.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"

TABLES = {
    # yield = 1 + 2 rain + 3 sun, exactly
    "plots.csv": "rain,sun,yield\n0,0,1\n1,0,3\n0,1,4\n2,1,8\n1,3,12\n",
    "gaps.csv": "rain,sun,yield\n0,0,1\n1,,3\n0,1,4\n2,1,8\n1,3,12\n,,\n",
    "names.csv": "rain,sun,city,yield\n0,0,Ulm,1\n1,0,Bonn,3\n0,1,Ulm,4\n2,1,Bonn,8\n",
}


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    """The working directory: tables, and longley.csv."""
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    shutil.copy(EXAMPLES / "longley.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run():
    """Run `fastlr` in this process: `result.exit_code`, `.stdout`, `.stderr`."""

    def invoke(*arguments, stdin=None):
        return CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)

    return invoke


@pytest.fixture
def refused(run):
    """Run `fastlr` in vain: the message, with nothing on standard output."""

    def invoke(exit_code, *arguments):
        result = run(*arguments)
        assert result.exit_code == exit_code
        assert result.stdout == ""
        return result.stderr

    return invoke
