"""Benchmarks: fastlr beside its peers on the same arrays, and beside what the machine can do.

Shared machines drift, so that a time means little and a ratio within one run means a lot: candidates run in turns
and medians are compared.
"""

from fastlr.bench.peers import PEERS, Peer, installed_peers
from fastlr.bench.roofline import Roofline, RooflineMeter, measure_roofline
from fastlr.bench.table import Cell, Timing, compare, draw, make_rows
from fastlr.bench.timing import in_turns

__all__ = [
    "PEERS",
    "Cell",
    "Peer",
    "Roofline",
    "RooflineMeter",
    "Timing",
    "compare",
    "draw",
    "in_turns",
    "installed_peers",
    "make_rows",
    "measure_roofline",
]
