"""docs/command-line.md names every option and exit code, and the options it shows do work."""

import re
from pathlib import Path

import click
import pytest

from fastlr.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
DESCENT = PAGE.partition("### Gradient descent\n")[2].partition("\n## ")[0]
SHOWN = [
    option
    for cells in re.findall(r"^\| (`--.*?) \|", DESCENT, flags=re.MULTILINE)
    for option in re.findall(r"`(.*?)`", cells)
]


@pytest.mark.parametrize("name", ["fit", "report", "predict"])
def test_every_option_is_on_the_page(name):
    command = main.get_command(click.Context(main), name)
    options = [max(p.opts, key=len) for p in command.params if isinstance(p, click.Option)]
    assert len(options) > 5
    assert [option for option in options if f"`{option}" not in PAGE] == []


@pytest.mark.parametrize("option", SHOWN)
def test_every_option_of_descent_works_as_it_is_shown(run, option):
    arguments = ["plots.csv", "--target", "yield", "--method", "gd", *option.split()]
    assert run("fit", *arguments).exit_code == 0
    assert len(SHOWN) > 12


def test_the_exit_codes_on_the_page_are_those_of_the_help(run):
    codes = re.findall(r"^ +(\d+)  ", run("fit", "--help").stdout, flags=re.MULTILINE)
    table = PAGE.partition("| exit code |")[2].partition("\n\n")[0]
    assert codes == re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)
    assert "3" in codes
