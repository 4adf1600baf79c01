"""README.md and docs/ keep their word: their code runs and prints what they show.

A ```python block runs in the namespace of the blocks before it on the page. A ```text block right
after it is what it prints. In a ```console block, lines after `$ fastlr ...` are what that prints;
a command that does not end with 0 is followed by `$ echo $?`.
"""

import contextlib
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def page_name(path):
    return str(path.relative_to(ROOT))


def lines_of(text):
    return [line.rstrip() for line in text.strip("\n").splitlines()]


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A directory like the clone that a reader stands in, where examples may write."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_python_on_the_page_prints_what_the_page_shows(page):
    namespace, printed = {}, None
    for language, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(body, page_name(page), "exec"), namespace)
            printed = output.getvalue()
        elif language == "text" and printed is not None:
            assert lines_of(printed) == lines_of(body)
            printed = None


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if "```console" in page.read_text("utf-8")], ids=page_name
)
def test_commands_on_the_page_print_what_the_page_shows(page):
    testing = pytest.importorskip("click.testing")
    cli = pytest.importorskip("fastlr.cli")
    for language, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language != "console":
            continue
        exit_code = 0
        for session in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
            command, _, expected = session.partition("\n")
            if command == "echo $?":
                assert expected.strip() == str(exit_code)
                exit_code = 0
                continue
            assert exit_code == 0
            program, *arguments = shlex.split(command)
            assert program == "fastlr"
            result = testing.CliRunner().invoke(cli.main, arguments, env={"COLUMNS": "80"})
            assert lines_of(result.output) == lines_of(expected)
            exit_code = result.exit_code
        assert exit_code == 0


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_readme_shows_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert 'pip install ".[cli]" && fastlr fit examples/longley.csv --target employed' in readme
    assert 'pip install ".[test]" && pytest' in readme
