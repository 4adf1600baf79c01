"""One verb per session: `nox -s lint`, `tests`, `typing`, `native`, `sanitized`, `bench`."""

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
    sources = sorted(
        str(path) for top in ("cpp", "examples") for path in Path(top).rglob("*.[ch]pp")
    )
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
def clusters(session):
    """Test what runs on Dask and on Spark, which needs Java: the other tests leave both out."""
    session.install(".[test,dask,spark]")
    session.run("pytest", "tests/dask", "tests/spark", "tests/distributed", *session.posargs)


def widest_level():
    """The widest x86-64 level of this machine, if Linux tells of one."""
    told = Path("/proc/cpuinfo")
    flags = set(told.read_text(encoding="ascii", errors="ignore").split()) if told.exists() else ()
    marks = {"v4": "avx512vl", "v3": "avx2", "v2": "sse4_2"}
    return [level for level, mark in marks.items() if mark in flags][:1]


def install_eigen(session):
    """The tools of a native build, and where Eigen is."""
    session.install("cmake", "ninja", "cmeel-eigen>=3.4,<4")
    packages = session.run(
        "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", silent=True
    )
    return f"{packages.strip()}/cmeel.prefix"


@nox.session
def native(session):
    """Build the library for C++ programs and run its own tests, and the example that embeds it.

    Arguments are the CPU levels to build: `nox -s native -- v3 v4`; by default the plain one and the
    widest that this machine can run.
    """
    eigen = install_eigen(session)
    build = Path(session.create_tmp())
    levels = ";".join(session.posargs or ["generic", *widest_level()])
    configure = ("cmake", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release")
    session.run(
        *configure,
        *("-S", ".", "-B", f"{build}/fastlr", "-DFASTLR_PYTHON=OFF", f"-DFASTLR_LEVELS={levels}"),
        *(f"-DCMAKE_PREFIX_PATH={eigen}", f"-DCMAKE_INSTALL_PREFIX={build}/prefix"),
    )
    session.run("cmake", "--build", f"{build}/fastlr")
    session.run("ctest", "--test-dir", f"{build}/fastlr", "--output-on-failure")
    session.run("cmake", "--install", f"{build}/fastlr", silent=True)
    session.run(
        *(*configure, "-S", "examples/embed", "-B", f"{build}/embed"),
        f"-DCMAKE_PREFIX_PATH={build}/prefix;{eigen}",
    )
    session.run("cmake", "--build", f"{build}/embed")
    session.run(f"{build}/embed/embed", external=True)


@nox.session
def sanitized(session):
    """Run the native tests under AddressSanitizer and UndefinedBehaviorSanitizer (many minutes).

    Arguments are the CPU levels to build: `nox -s sanitized -- generic v3`; by default the plain one.
    """
    eigen = install_eigen(session)
    build = Path(session.create_tmp())
    levels = ";".join(session.posargs or ["generic"])
    session.run(
        *("cmake", "--preset", "asan", "-B", f"{build}/fastlr"),
        *(f"-DFASTLR_LEVELS={levels}", f"-DCMAKE_PREFIX_PATH={eigen}"),
    )
    session.run("cmake", "--build", f"{build}/fastlr")
    session.run("ctest", "--test-dir", f"{build}/fastlr", "--output-on-failure")


@nox.session
def bench(session):
    """Measure every claim that the documentation makes."""
    session.install(".[bench]")
    session.run("pytest", "benchmarks", *session.posargs)
