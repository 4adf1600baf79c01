"""Whether `fastlr` leaves with the exit code it promises, time after time: `python -m benchmarks.clean_exits 1000`.

Tables that end in an error after text has been parsed leave threads of pyarrow behind that are just about to rest. Each
run is a child of one warm process (nothing is imported anew, which makes the races narrower and the runs shorter) that
ends through the interpreter's ordinary shutdown. Needs fork().
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pyarrow.csv
import pyarrow.types  # noqa: F401  what fits import on the way

import fastlr.files._arrow
import fastlr.files._delimited  # noqa: F401
from fastlr.cli import main

_ROWS = "1,2,3\n" * 50
_TABLES = {
    "text in a feature": ("a,b,y\n1,x,3\n2,y,4\n", 1),
    "text in a later row": ("a,b,y\n" + "1,2,3\n" * 200_000 + "1,oops,3\n", 1),
    "a ragged row": ("a,b,y\n" + _ROWS + "1,2\n", 1),
    "an empty target": ("a,b,y\n1,2,\n", 1),
    "no such target": ("a,b,z\n" + _ROWS, 2),
    "a fit": ("a,b,y\n1,2,3\n2,3,5\n3,5,9\n4,4,1\n7,1,2\n", 0),
}


def run(arguments: list[str], errors: Path) -> int:
    """Exit code of `fastlr` in a child of this process; negative for the signal that ended it."""
    child = os.fork()
    if child == 0:
        with errors.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        main(arguments, prog_name="fastlr")
        sys.exit("the command line came back")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def measure(n_runs: int) -> int:
    """Print how the runs of each table ended; the number that ended wrongly."""
    n_wrong = 0
    directory = Path(tempfile.mkdtemp(prefix="fastlr-exits-"))
    for k, (what, (text, expected)) in enumerate(_TABLES.items()):
        table = directory / f"{k}.csv"
        table.write_text(text)
        share = n_runs // len(_TABLES) + (k < n_runs % len(_TABLES))
        arguments = ["fit", str(table), "--target", "y"]
        codes = Counter(run(arguments, directory / "errors") for _ in range(share))
        wrong = share - codes[expected]
        n_wrong += wrong
        print(f"{what:20} {share:5} runs, {wrong} not {expected}: {dict(codes)}", flush=True)
    shutil.rmtree(directory)  # not on the way out, which is also the children's way
    print(f"{n_runs} runs, {n_wrong} of them ended otherwise than they should")
    return n_wrong


if __name__ == "__main__":
    sys.exit(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1000) > 0)
