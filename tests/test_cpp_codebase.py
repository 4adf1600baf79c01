"""The house rules of C++: regimes of arithmetic, threads in one place, and kernels that know no Python."""

import re
from pathlib import Path

from house import ROOT

CPP = sorted(
    path
    for path in (ROOT / "cpp").rglob("*")
    if path.suffix in {".hpp", ".cpp"} and "tests" not in path.relative_to(ROOT).parts
)
KERNELS = [path for path in CPP if not path.is_relative_to(ROOT / "cpp" / "bindings")]
BUILD_FILES = [
    *sorted(ROOT.glob("CMake*")),
    ROOT / "pyproject.toml",
    *sorted((ROOT / "cpp").rglob("CMakeLists.txt")),
    *sorted((ROOT / "cpp").rglob("*.cmake")),
]
LISTS = ROOT / "cpp" / "CMakeLists.txt"


def without_comments(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix in {".hpp", ".cpp"}:
        return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"#[^\n]*", "", text)


def with_match(pattern, paths):
    """Files in which, but for comments, a pattern is found, with what was found."""
    found = ((path, re.search(pattern, without_comments(path))) for path in paths)
    return [f"{path.relative_to(ROOT)}: {match[0].strip()}" for path, match in found if match]


# Whatever lets a compiler take sums apart, take values for finite, or forget the sign of a zero.
FAST_MATH = (
    r"-ffast-math|-Ofast|-fassociative-math|-funsafe-math|-freciprocal-math|-fno-signed-zeros|-ffinite-math"
    r"|-fcx-limited-range|-ffp-model|-mrecip|/fp:fast"
)
# Regimes are folders: nothing in a source, and no property of one, may change what its folder has.
OWN_REGIME = (
    r"#\s*pragma\s+(GCC\s+optimize|GCC\s+push_options|clang\s+fp|STDC\s+FP_CONTRACT|float_control|fp_contract)"
    r"|_Pragma\(\"(GCC optimize|clang fp|STDC FP_CONTRACT)|\b(optimize|__optimize__)\s*\(\s*\""
)


def test_nobody_asks_for_fast_math():
    assert not with_match(FAST_MATH, BUILD_FILES)


def test_no_source_has_a_regime_of_its_own():
    assert not with_match(OWN_REGIME, CPP)
    properties = re.findall(r"set_source_files_properties\(([^)]*)\)", without_comments(LISTS))
    assert properties
    for given in properties:
        assert not re.search(r"COMPILE_OPTIONS|COMPILE_FLAGS|-f|-O|-m", given), given


def test_flags_that_change_arithmetic_are_seen():
    for flag in ("-ffast-math", "-Ofast", "-freciprocal-math", "-fno-signed-zeros", "/fp:fast"):
        assert re.search(FAST_MATH, f"target_compile_options(x PRIVATE {flag})")
    for line in (
        '#pragma GCC optimize("fast-math")',
        "#pragma STDC FP_CONTRACT ON",
        "# pragma clang fp contract(fast)",
        '__attribute__((optimize("O3")))',
        '[[gnu::optimize("fast-math")]]',
    ):
        assert re.search(OWN_REGIME, line), line
    assert not re.search(FAST_MATH + "|" + OWN_REGIME, "-ffp-contract=off -fno-math-errno")


def test_threads_are_started_in_one_place_only():
    start = r"#\s*pragma\s+omp|_Pragma\(\"omp|std::(j?thread|async)\b|\bpthread_create\b"
    assert not with_match(start, [path for path in CPP if path.stem != "threads"])


def test_kernels_know_nothing_of_python_the_terminal_or_the_environment():
    others = r"#\s*include\s*[<\"](Python\.h|pybind11|iostream|cstdio)|\bgetenv\b"
    assert not with_match(others, KERNELS)


# Folders whose sources the compiler may fuse multiplications and additions in; what is compensated must not be there.
CONTRACTED = {"descent", "inference", "measuring", "networks", "prediction", "products"}
COMPENSATED = {"fastlr/registers/compensated.hpp", "fastlr/registers/double_double.hpp"}
REGIMES = {"contracted": "fast", "exact": "off", "once": "off"}


def headers_in(text):
    """Headers of ours that a text includes, in quotes or in angle brackets, by their place below cpp/."""
    return [name for name in re.findall(r'#\s*include\s*["<]([^">]+)[">]', text) if "/" in name]


def included(path):
    """Every header of ours that a file includes, directly or through others."""
    found, waiting = set(), [path]
    while waiting:  # each header once
        for name in headers_in(waiting.pop().read_text(encoding="utf-8")):
            header = (ROOT / "cpp" / name).resolve()
            if name not in found and header.is_file():
                found.add(name)
                waiting.append(header)
    return found


def test_headers_are_included_by_their_place_in_the_house():
    relative = r'#\s*include\s*["<](\.|[^/">]+\.hpp[">])'
    bindings = [path for path in CPP if path not in KERNELS]
    assert not with_match(relative, KERNELS)
    assert not with_match(r'#\s*include\s*["<]\.', bindings)


def test_no_contracted_source_includes_compensated_arithmetic():
    contracted = [path for path in CPP if path.parent.name in CONTRACTED and path.suffix == ".cpp"]
    assert contracted
    for path in contracted:
        assert not included(path) & COMPENSATED, path


def test_an_include_is_seen_in_quotes_and_in_brackets():
    lines = '#include "fastlr/rows.hpp"\n#  include <fastlr/registers/compensated.hpp>\n#include <vector>'
    assert headers_in(lines) == ["fastlr/rows.hpp", "fastlr/registers/compensated.hpp"]


def sources_of(regime):
    listed = re.search(rf"set\(fastlr_{regime}\s([^)]*)\)", without_comments(LISTS))
    return listed[1].split()


def test_the_regimes_of_the_build_are_folders():
    contracted = sources_of("contracted")
    assert {Path(source).parent.name for source in contracted} == CONTRACTED
    listed = [*contracted, *(s for name in ("exact", "once", "bindings") for s in sources_of(name))]
    sources = {str(path.relative_to(ROOT / "cpp")) for path in CPP if path.suffix == ".cpp"}
    assert set(listed) == sources
    assert len(listed) == len(sources)  # each in one list only
    for source in sources - set(contracted):
        assert Path(source).parent.name not in CONTRACTED


def test_every_regime_has_its_flag():
    text = without_comments(LISTS)
    objects = re.findall(r"fastlr_add_objects\((fastlr_\w+)[^\n]*SOURCES ([^)]*)\)", text)
    contract = {
        sources.split()[0]: re.findall(r"-ffp-contract=(\w+)", sources) for _, sources in objects
    }
    assert contract == {f"${{fastlr_{name}}}": [flag] for name, flag in REGIMES.items()}
    extension = re.findall(r"target_compile_options\(_core [^)]*-ffp-contract=(\w+)", text)
    assert extension == ["off"]
    # Whoever adds one elsewhere must say so here: three lists, the extension, and programs that embed.
    assert len(re.findall(r"-ffp-contract", text)) == 5
    assert not with_match("-ffp-contract", [path for path in BUILD_FILES if path != LISTS])


def test_every_entry_of_a_levels_table_is_called_by_a_native_test():
    level = (ROOT / "cpp" / "fastlr" / "level" / "level.hpp").read_text(encoding="utf-8")
    entries = re.findall(r"^  FUNCTION\(\w+, (\w+)", level, flags=re.MULTILINE)
    assert len(entries) > 30
    sources = sorted((ROOT / "cpp" / "tests").glob("test_*.cpp"))
    calls = set(re.findall(r"\b(\w+)(?:<\w+>)?\(", "".join(map(without_comments, sources))))
    assert set(entries) - calls == set()
