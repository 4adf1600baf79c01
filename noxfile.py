"""One verb per session: `nox -s lint`, `tests`, `typing`, `bench`."""

from pathlib import Path

import nox

nox.needs_version = ">=2024.4.15"
nox.options.sessions = ["lint", "typing", "tests"]

# New releases of these tools find new faults: everybody uses the same ones.
RUFF = "ruff==0.17.5"
CLANG_FORMAT = "clang-format==23.1.5"
MYPY = "mypy==2.4.1"


@nox.session
def lint(session):
    """Check the style of Python and C++; `nox -s lint -- --fix` mends what can be mended."""
    fix = "--fix" in session.posargs
    session.install(RUFF, CLANG_FORMAT)
    session.run("ruff", "check", *(["--fix"] if fix else []))
    session.run("ruff", "format", *([] if fix else ["--check"]))
    sources = sorted(str(path) for path in Path("cpp").rglob("*.[ch]pp"))
    session.run("clang-format", *(["-i"] if fix else ["--dry-run", "-Werror"]), *sources)


@nox.session
def typing(session):
    """Check the types of the package, strictly."""
    session.install(MYPY, "numpy", "narwhals", "click", "rich")
    session.run("mypy", *session.posargs)


@nox.session
def tests(session):
    """Install the package and run the tests: `nox -s tests -- -k moments`."""
    session.install(".[test]")
    session.run("pytest", *session.posargs)


@nox.session
def bench(session):
    """Measure every claim that the documentation makes."""
    session.install(".[bench]")
    session.run("pytest", "benchmarks", *session.posargs)
