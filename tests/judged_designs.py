"""Verdicts on the random designs, here or in processes of their own, which are not waited for without end."""

import json
import os
import select
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np

from drawn_designs import FAMILIES, FAR_AWAY, FULL_RANK, draw
from judging import Verdict, exact_fit, fit_quietly, judge, judge_agreement

__all__ = [
    "FAR_AWAY",
    "FAR_AWAY_ROUTES",
    "LABELS",
    "faults",
    "sentence",
    "verdict_on",
    "verdicts_elsewhere",
]

LABELS = (*FAMILIES, *FULL_RANK)
FAR_AWAY_ROUTES = ("auto", "max", "fast", "moments", "plain moments")


@lru_cache(maxsize=64)
def _problem(label, seed):
    design = draw(label, seed)
    return design, exact_fit(design)


def verdict_on(label, seed, accuracy="auto", rank="min_norm"):
    """The verdict on fastlr's fit; rank "basic" is compared with "min_norm" as well."""
    design, exact = _problem(label, seed)
    try:
        fit = fit_quietly(design, accuracy=accuracy, rank=rank)
    except (
        ValueError,
        ArithmeticError,
        np.linalg.LinAlgError,
    ) as error:  # of problems that have an answer
        return Verdict(faults={"error": str(error)})
    options = {"condition": design.condition, "grain": design.grain, "accuracy": accuracy}
    verdict = judge(fit, exact, rank=rank, **options)
    if rank == "basic" and accuracy != "fast":
        judge_agreement(verdict, fit, fit_quietly(design, accuracy=accuracy), exact)
    return verdict


def sentence(label, seed, accuracy, rank, faults):
    """What is wrong with a fit, and what it takes to see it again."""
    words = "; ".join(f"{kind}: {fault}" for kind, fault in faults.items())
    return f"{label!r} seed {seed} {accuracy} {rank}: {words}"


def faults(labels, seeds, accuracy="auto", rank="min_norm"):
    """A sentence for each fit that is wrong."""
    out = []
    for label in labels:
        for seed in seeds:
            verdict = verdict_on(label, seed, accuracy, rank)
            if verdict.faults:
                out.append(sentence(label, seed, accuracy, rank, verdict.faults))
    return out


def verdicts_elsewhere(tasks, *, level=None, patience=30.0):
    """(task, faults, figures) of tasks (label, seed, accuracy, rank), judged in another process.

    A fit that does not answer within ``patience`` seconds has the fault "hang", one that ends the process "crash";
    the process that follows takes up the next task.
    """
    tasks = [tuple(task) for task in tasks]
    environment = dict(os.environ)
    if level is not None:
        environment["FASTLR_KERNELS"] = level
    done = 0
    while done < len(tasks):
        worker = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # a line that was read ahead would not be seen by select
        )
        try:
            worker.stdin.write(json.dumps(tasks[done:]).encode())
            worker.stdin.close()
            while done < len(tasks):
                if not select.select([worker.stdout], [], [], patience)[0]:
                    yield tasks[done], {"hang": f"no answer in {patience:g} s"}, {}
                    done += 1
                    break
                line = worker.stdout.readline()
                if not line:
                    yield tasks[done], {"crash": f"the process ended with {worker.wait()}"}, {}
                    done += 1
                    break
                yield tasks[done], *json.loads(line)
                done += 1
        finally:
            worker.kill()
            worker.stdout.close()
            worker.wait()


def _work():
    for label, seed, accuracy, rank in json.load(sys.stdin):
        verdict = verdict_on(label, seed, accuracy, rank)
        sys.stdout.write(json.dumps([verdict.faults, verdict.figures]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _work()
