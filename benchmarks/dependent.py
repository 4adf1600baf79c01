"""Claim: dependent columns are fitted as well as can be. `python -m benchmarks.dependent --problems 20000`.

Random designs of known rank (tests/drawn_designs.py) and public tables, every fit judged by exact rational
arithmetic (tests/judging.py): rank, residual sum of squares, norm, `digits`, standard errors. Prints a table by
family, and for each fault what it takes to see it again with `--only LABEL --seed N`.

    python -m benchmarks.dependent --problems 20000 --level v3    all families
    python -m benchmarks.dependent --offsets                      few rows, to 1e12 standard deviations from zero
    python -m benchmarks.dependent --tables                       public tables, categories as full dummies
    python -m benchmarks.dependent --errors                       standard errors by decade of condition
"""

import argparse
import importlib.util
import os
import pkgutil
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

ROUTES = {
    "auto": ("auto", "min_norm"),
    "max": ("max", "min_norm"),
    "fast": ("fast", "min_norm"),
    "basic": ("auto", "basic"),
    "moments": ("moments", "min_norm"),
    "plain moments": ("plain moments", "min_norm"),
}
CHUNK = 250  # problems in one process
KINDS = ("rank", "rss", "reported", "norm", "digits", "bse", "basic", "error", "hang", "crash")


class Tally:
    """Counts of what was found in one family of designs."""

    def __init__(self):
        self.n_problems, self.counts, self.passes, self.worst = 0, Counter(), [], {}
        self.faulty = []

    def add(self, label, seed, route, faults, figures):
        self.n_problems += 1
        self.counts.update(faults.keys())
        if "passes" in figures:
            self.passes.append(figures["passes"])
        for name, value in figures.items():
            self.worst[name] = max(self.worst.get(name, -np.inf), value)
        if faults:
            words = "; ".join(f"{kind}: {fault}" for kind, fault in faults.items())
            worst = max(figures.get("rss", 1.0), figures.get("norm", 1.0))
            worst = np.inf if "hang" in faults or "crash" in faults else worst
            where = f"--seed {seed} --route {route!r}" if isinstance(seed, int) else f"({seed})"
            self.faulty.append((worst, f"--only {label!r} {where}   {words}"))


def chunk(tasks, routes, level):
    from judged_designs import verdicts_elsewhere

    names = {value: name for name, value in ROUTES.items()}
    jobs = [(label, seed, *ROUTES[route]) for label, seed in tasks for route in routes]
    for (label, seed, *route), faults, figures in verdicts_elsewhere(
        jobs, level=level, patience=20.0
    ):
        yield label, seed, names[tuple(route)], faults, figures


def judged(labels, n_problems, first, routes, level, n_jobs):
    """(label, seed, route, faults, figures) of so many problems, evenly over the families."""
    each = -(-n_problems // len(labels))
    tasks = [(label, seed) for label in labels for seed in range(first, first + each)]
    chunks = [tasks[start : start + CHUNK] for start in range(0, len(tasks), CHUNK)]
    if n_jobs == 1:
        for tasks in chunks:
            yield from chunk(tasks, routes, level)
    else:
        with ThreadPoolExecutor(n_jobs) as pool:  # each waits for a process of its own
            for results in pool.map(lambda tasks: list(chunk(tasks, routes, level)), chunks):
                yield from results


def of_tables(only):
    """("name: target", which categories, "auto", faults, figures) of every public table that is at hand."""
    from judging import exact_fit, fit_quietly, judge
    from real_tables import NAMES, regressions, table

    frames = [(name, table(name)) for name in NAMES]
    frames += list(statsmodels_tables())
    for name, frame in frames:
        if only not in (None, name):
            continue
        for codes_as_categories in (False, True):
            for design in regressions(
                name, frame, most_targets=8, codes_as_categories=codes_as_categories
            ):
                options = {"condition": design.condition, "grain": design.grain}
                verdict = judge(fit_quietly(design), exact_fit(design), **options)
                kind = "integers of few values as categories" if codes_as_categories else "plain"
                yield design.label, kind, "auto", verdict.faults, verdict.figures


def statsmodels_tables():
    """Return the tables that come with statsmodels."""
    if importlib.util.find_spec("statsmodels") is None:
        return
    import statsmodels.datasets

    for module in pkgutil.iter_modules(statsmodels.datasets.__path__):
        data = importlib.import_module(f"statsmodels.datasets.{module.name}")
        if module.ispkg and hasattr(data, "load_pandas"):
            yield f"statsmodels {module.name}", data.load_pandas().data


def report(results, by_family=True):
    """Print the table and the faults, the worst first; return their number."""
    tallies = defaultdict(Tally)
    for label, seed, route, faults, figures in results:
        tallies[label if by_family else "tables"].add(label, seed, route, faults, figures)
    everything = Tally()
    heads = ["problems", *KINDS, "worst rss", "worst norm", "digits above", "worst bse", "passes"]
    print(f"| family | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}")
    for label, tally in tallies.items():
        print(row(label, tally))
        everything.n_problems += tally.n_problems
        everything.counts.update(tally.counts)
        everything.passes += tally.passes
        for name, value in tally.worst.items():
            everything.worst[name] = max(everything.worst.get(name, -np.inf), value)
        everything.faulty += tally.faulty
    print(row("all", everything))
    print()
    for _, line in sorted(everything.faulty, key=lambda item: -item[0]):
        print(line)
    return len(everything.faulty)


def row(label, tally):
    worst = tally.worst
    passes = f"{np.median(tally.passes):g} to {max(tally.passes):g}" if tally.passes else ""
    cells = [
        str(tally.n_problems),
        *(str(tally.counts[kind]) for kind in KINDS),
        f"{worst.get('rss', 1.0):.3g}",
        f"{worst.get('norm', 1.0):.9g}",
        f"{max(worst.get('digits_above', 0.0), 0.0):.1f}",
        f"{worst.get('bse', 0.0):.0e}",
        passes,
    ]
    return f"| {label} | {' | '.join(cells)} |"


def standard_errors(n_problems, first):
    """Worst relative error of a standard error by decade of condition, accuracy and rung."""
    import warnings

    import fastlr
    from exact_fits import ExactFit

    worst = defaultdict(float)
    for seed in range(first, first + n_problems):
        rng = np.random.default_rng(seed)
        p = int(rng.integers(2, 8))
        n = int(rng.integers(p + 3, 100))
        decades = rng.uniform(1, 10)
        U = np.linalg.qr(rng.normal(size=(n, p)))[0]
        V = np.linalg.qr(rng.normal(size=(p, p)))[0]
        X = (U * np.geomspace(1, 10**-decades, p)) @ V.T
        X = X / np.linalg.norm(X, axis=0) + rng.choice([0.0, 0.0, 1.0, 100.0])
        y = rng.normal(size=n)
        weights = rng.uniform(0.1, 2, size=n) if rng.random() < 0.3 else None
        exact = ExactFit(X, y, weights)
        of_intercept, wanted = exact.standard_errors()
        centred = X - np.average(X, axis=0, weights=weights)
        condition = np.linalg.cond(centred / np.linalg.norm(centred, axis=0))
        for accuracy in ("fast", "auto", "max"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fit = fastlr.ols(X, y, sample_weight=weights, accuracy=accuracy)
            if fit.rank < p:
                continue
            error = np.abs(
                np.append(fit.bse_coef, fit.bse_intercept) / np.append(wanted, of_intercept) - 1
            )
            key = int(np.log10(condition)), accuracy, fit.solver
            worst[key] = max(worst[key], float(error.max()))
    print("| condition | accuracy | solver | worst relative error |\n|---|---|---|---:|")
    for (decade, accuracy, solver), error in sorted(worst.items()):
        print(f"| 1e{decade} to 1e{decade + 1} | {accuracy} | {solver} | {error:.1e} |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", type=int, metavar="N")
    parser.add_argument("--level", help="CPU level of the kernels, as in FASTLR_KERNELS")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the first problem of each family"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes at the same time")
    parser.add_argument(
        "--only", metavar="LABEL", help="one family, of one problem by default; or one table"
    )
    parser.add_argument(
        "--route", action="append", choices=ROUTES, help='how to fit, repeatable (default "auto")'
    )
    parser.add_argument("--offsets", action="store_true", help="few rows far away, every route")
    parser.add_argument("--tables", action="store_true", help="public tables")
    parser.add_argument("--errors", action="store_true", help="standard errors by condition")
    arguments = parser.parse_args()
    if arguments.level and os.environ.get("FASTLR_KERNELS") != arguments.level:
        environment = {**os.environ, "FASTLR_KERNELS": arguments.level}
        command = [sys.executable, "-m", "benchmarks.dependent", *sys.argv[1:]]
        return subprocess.run(command, env=environment).returncode
    if arguments.errors:
        standard_errors(arguments.problems or 1000, arguments.seed)
        return 0
    if arguments.tables:
        return int(report(of_tables(arguments.only), by_family=False) > 0)
    from judged_designs import FAR_AWAY, LABELS

    labels = [arguments.only] if arguments.only else list(FAR_AWAY if arguments.offsets else LABELS)
    routes = arguments.route or (
        ["auto"] if not arguments.offsets else [r for r in ROUTES if r != "basic"]
    )
    n_problems = arguments.problems or (1 if arguments.only else 10_000)
    results = judged(labels, n_problems, arguments.seed, routes, arguments.level, arguments.jobs)
    return int(report(results) > 0)


if __name__ == "__main__":
    sys.exit(main())
