"""Verdicts on the random designs; `python tests/judged_designs.py FAMILIES FIRST LAST` prints the faults as JSON."""

import json
import sys
from functools import lru_cache

from dependent_designs import FAMILIES, FAR_AWAY, FULL_RANK, draw
from judging import exact_fit, fit_quietly, judge, judge_agreement

__all__ = ["FAR_AWAY_ROUTES", "LABELS", "faults", "verdict_on"]

LABELS = (*FAMILIES, *FULL_RANK)
FAR_AWAY_ROUTES = ("auto", "max", "fast", "moments", "plain moments")


@lru_cache(maxsize=64)
def _problem(label, seed):
    design = draw(label, seed)
    return design, exact_fit(design)


def verdict_on(label, seed, accuracy="auto", rank="min_norm"):
    """The verdict on fastlr's fit; rank "basic" is compared with "min_norm" as well."""
    design, exact = _problem(label, seed)
    fit = fit_quietly(design, accuracy=accuracy, rank=rank)
    options = {"condition": design.condition, "grain": design.grain, "accuracy": accuracy}
    verdict = judge(fit, exact, rank=rank, **options)
    if rank == "basic" and accuracy != "fast":
        judge_agreement(verdict, fit, fit_quietly(design, accuracy=accuracy), exact)
    return verdict


def faults(labels, seeds, accuracy="auto", rank="min_norm"):
    """A line for each fit that is wrong, with what it takes to see it again."""
    out = []
    for label in labels:
        for seed in seeds:
            verdict = verdict_on(label, seed, accuracy, rank)
            if verdict.faults:
                out.append(f"{label!r} seed {seed} {accuracy} {rank}: {verdict}")
    return out


def _main(families, first, last):
    seeds = range(int(first), int(last))
    if families == "far_away":
        return [line for route in FAR_AWAY_ROUTES for line in faults(FAR_AWAY, seeds, route)]
    return faults(LABELS, seeds)


if __name__ == "__main__":
    json.dump(_main(*sys.argv[1:]), sys.stdout)
