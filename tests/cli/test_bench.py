"""`fastlr bench`: every installed peer, checked answers, a roofline, a picture."""

import functools
import importlib
import json

import numpy as np
import pytest

import fastlr
from fastlr.bench import (
    PEERS,
    Roofline,
    RooflineMeter,
    compare,
    in_turns,
    installed_peers,
    make_rows,
    measure_roofline,
)


@pytest.fixture
def hasty(monkeypatch):
    """Runs that do not wait for other libraries' threads, beside a meter that reads less memory: nothing is timed."""
    command = importlib.import_module("fastlr.cli.bench")
    monkeypatch.setattr(command, "RooflineMeter", functools.partial(RooflineMeter, megabytes=8))
    table = importlib.import_module("fastlr.bench.table")
    monkeypatch.setattr(table, "in_turns", functools.partial(in_turns, pause=0.0))


@pytest.mark.usefixtures("hasty")
def test_bench_as_json_is_one_document(run, monkeypatch):
    two = [peer for peer in installed_peers() if peer.name in ("fastlr", "NumPy normal equations")]
    command = importlib.import_module("fastlr.cli.bench")
    monkeypatch.setattr(command, "installed_peers", lambda: two)  # all run in the other format
    result = run("bench", "--scale", "0.0002", "--rounds", "1", "--format", "json")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert len(document["cells"]) == 6
    for cell in document["cells"]:
        assert cell["limit"] > 0
        assert cell["roofline"]["bandwidth"] > 0
        assert [timing["peer"] for timing in cell["timings"]] == [peer.name for peer in two]


@pytest.mark.usefixtures("hasty")
def test_bench_prints_a_table_and_draws_a_picture(run, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    command = importlib.import_module("fastlr.cli.bench")
    monkeypatch.setattr(command, "_SHAPES", command._SHAPES[:2])  # all six are in the other format
    picture = tmp_path / "bench.png"
    result = run("bench", "--scale", "0.0001", "--rounds", "1", "--picture", str(picture))
    assert result.exit_code == 0
    assert "roofline" in result.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("peer", installed_peers(), ids=lambda peer: peer.name)
@pytest.mark.filterwarnings("default")
def test_every_installed_peer_gives_the_same_answer(peer):
    X, y = make_rows(500, 4)
    coef, intercept = peer.prepare(X, y)()
    want = fastlr.ols(X, y)
    np.testing.assert_allclose(coef, want.coef, rtol=1e-6)
    assert intercept == pytest.approx(want.intercept, rel=1e-6)


def test_fastlr_is_the_first_peer():
    assert PEERS[0].name == "fastlr"
    assert PEERS[0] in installed_peers()


def test_the_roofline_is_the_larger_of_reading_and_arithmetic():
    roofline = Roofline(bandwidth=1e9, flops=1e10, tile_flops=5e9, n_threads=1)
    assert roofline.seconds(1000, 3) == pytest.approx(1000 * 4 * 8 / 1e9)
    assert roofline.bound(3) == "memory"
    assert roofline.seconds(1000, 1000) == pytest.approx(1000 * 1001 * 1002 / 1e10)
    assert roofline.bound(1000) == "arithmetic"
    assert roofline.seconds_given(1000, 3) == roofline.seconds(1000, 3)
    assert roofline.seconds_given(1000, 1000) == pytest.approx(2 * roofline.seconds(1000, 1000))
    measured = measure_roofline(1, megabytes=8)
    assert measured.bandwidth > 1e8
    assert measured.flops > 1e7
    assert measured.tile_flops > 1e7


def test_candidates_run_in_turns():
    calls = []
    candidates = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    in_turns(candidates, rounds=2, pause=0.0)
    assert calls == list("aabb" * 3)  # a turn is two runs, of which the second counts


@pytest.mark.usefixtures("hasty")
def test_disagreement_is_seen():
    liar = type(PEERS[0])("liar", (), lambda X, y: lambda: (np.full(X.shape[1], 9.0), 0.0))
    (cell,) = compare([(50, 2)], [PEERS[0], liar], RooflineMeter(1, megabytes=1), rounds=1)
    assert 0.0 < cell.limit <= cell.limit_given
    assert cell.fastest_peer.disagreement > 0.1
