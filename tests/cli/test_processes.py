"""`fastlr` among other programs: streams, signals, terminals, missing libraries."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

from fastlr.cli import _terminal


def test_progress_shows_on_a_terminal_after_a_while(run, monkeypatch):
    def looks_on(stream):
        return stream is sys.stderr

    monkeypatch.setattr(_terminal, "is_terminal", looks_on)
    assert run("fit", "plots.csv", "--target", "yield").stderr == ""
    monkeypatch.setattr(_terminal, "_PATIENCE", -1)
    for file in ("plots.csv", "-"):
        stdin = Path("plots.csv").read_bytes()
        result = run("fit", file, "--target", "yield", "--format", "json", stdin=stdin)
        assert ("standard input" if file == "-" else file) in result.stderr
        assert json.loads(result.stdout)["n_samples"] == 5


def test_no_progress_when_nobody_looks_on(run, monkeypatch):
    monkeypatch.setattr(_terminal, "_PATIENCE", -1)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run("fit", "plots.csv", "--target", "yield").stderr == ""
    assert "\x1b" not in run("fit", "plots.csv", "--target", "yield").stdout


COMMAND = [sys.executable, "-c", "from fastlr.cli import main; main(prog_name='fastlr')"]


def test_a_real_process_keeps_its_streams_apart():
    done = subprocess.run(
        [*COMMAND, "fit", "-", "--target", "yield", "--format", "json"],
        input=Path("plots.csv").read_bytes(),
        capture_output=True,
        check=True,
    )
    assert json.loads(done.stdout)["n_samples"] == 5
    assert done.stderr == b""
    failed = subprocess.run([*COMMAND, "fit", "absent.csv", "--target", "y"], capture_output=True)
    assert (failed.returncode, failed.stdout) == (1, b"")


def test_ctrl_c_ends_with_130_even_while_waiting_for_standard_input():
    waiting = subprocess.Popen(
        [*COMMAND, "fit", "-", "--target", "y", "--output", "model.json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with waiting:
        waiting.stdin.write(b"x,y\n" + b"1,2\n" * 400_000)
        waiting.stdin.flush()
        while waiting.poll() is None:
            waiting.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                waiting.wait(timeout=10)
        error = waiting.stderr.read()
    assert waiting.returncode == 130
    assert error.strip() == b"interrupted"
    assert not Path("model.json").exists()


def test_a_reader_that_leaves_early_is_no_error_message(run):
    run("fit", "plots.csv", "--target", "yield", "--output", "model.json")
    Path("long.csv").write_text("rain,sun\n" + "1,2\n" * 500_000)
    writing = subprocess.Popen(
        [*COMMAND, "predict", "model.json", "long.csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with writing:
        assert writing.stdout.readline() == b"yield_predicted\n"
        writing.stdout.close()
        assert writing.stderr.read() == b""
    assert writing.returncode == 141


def test_a_device_is_written_not_replaced(run):
    run("fit", "plots.csv", "--target", "yield", "--output", "model.json")
    done = subprocess.run(
        [*COMMAND, "predict", "model.json", "plots.csv", "--output", "/dev/stdout"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("yield_predicted\n")
    assert Path("/dev/stdout").is_symlink()


WITHOUT_CLICK = """
import sys
sys.modules["click"] = None
from fastlr.cli import main
main()
"""


def test_without_click_one_line_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", WITHOUT_CLICK], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert 'pip install "fastlr[cli]"' in done.stderr
    assert done.stderr.count("\n") == 1


FITS_AND_LISTS = """
import json, sys
from fastlr.cli import main
heavy = {"pandas", "sklearn", "matplotlib", "polars", "narwhals", "rich.progress", "scipy.stats"}
heavy.add("pyarrow.compute")
for words in json.loads(sys.argv[1]):
    main(words, standalone_mode=False)
    print(*words[:2], *words[-1:], sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def test_a_fit_imports_only_what_it_needs():
    """All kinds of files by both methods, one after the other: whoever imports too much is the first in the list."""
    table = pyarrow.csv.read_csv("gaps.csv")
    np.savez("gaps.npz", **{n: table[n].to_numpy() for n in ("rain", "sun", "yield")})
    table = table.append_column("wet", pyarrow.array([True, None, False, True, True, None]))
    table = table.append_column(
        "when", pyarrow.array([n * 10**9 for n in range(6)], "timestamp[ns]")
    )
    pyarrow.csv.write_csv(table, "gaps.csv")
    pyarrow.parquet.write_table(table, "gaps.parquet")
    pyarrow.feather.write_feather(table, "gaps.feather")
    fits = []
    for file in ("gaps.npz", "gaps.csv", "gaps.feather", "gaps.parquet"):
        for method in ("exact", "gd"):
            excluded = [] if file == "gaps.npz" else ["--exclude", "when,wet"]
            options = [
                "--target",
                "yield",
                "--missing",
                "drop",
                "--output",
                f"{file}-{method}.json",
            ]
            fits.append(["fit", file, *excluded, *options, "--method", method])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FITS_AND_LISTS, json.dumps(fits)],
        capture_output=True,
        text=True,
    )
    told = [line for line in done.stderr.splitlines() if line.startswith("fit ")]
    assert told == [f"fit {words[1]} {words[-1]} []" for words in fits], done.stderr


def test_a_reader_of_the_report_that_leaves_does_not_cost_the_model():
    command = [*COMMAND, "fit", "plots.csv", "--target", "yield", "--output", "model.json"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")
    assert Path("model.json").exists()
