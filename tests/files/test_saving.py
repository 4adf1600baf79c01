"""Saving: whole or not at all, without traces, under any name that the system takes; errors name the file."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import fastlr
from fastlr.files import check_writable, load_model, replaced, save_model
from fastlr.storage import replacing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, limits and signals")


@pytest.fixture
def fit():
    X = np.random.default_rng(3).normal(size=(50, 3))
    return fastlr.ols(X, X @ [1 / 3, -2, 1e-12])


@pytest.fixture(params=["unnamed", "named", "unlinkable"])
def way(request, monkeypatch):
    """Every way to a whole file: without a name until the end, with one, without links."""
    if request.param == "named":
        monkeypatch.setattr(replacing, "_unnamed_file", lambda directory, mode: None)
    if request.param == "unlinkable":
        monkeypatch.setattr(replacing, "_linked", lambda handle, name: False)
    return request.param


def run(code, directory):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=directory, capture_output=True, text=True
    )


def test_new_and_old_files_are_written_whole_with_their_permissions(way, tmp_path):
    old_mask = os.umask(0o027)
    try:
        for old in (None, 0o600, 0o664):
            path = tmp_path / f"{old}.txt"
            if old is not None:
                path.write_text("old")
                path.chmod(old)
            with replaced(path) as file:
                file.write(b"new")
                assert not path.exists() or path.read_text() == "old"
            assert path.read_text() == "new"
            assert path.stat().st_mode & 0o777 == (0o640 if old is None else old)
    finally:
        os.umask(old_mask)
    assert len(list(tmp_path.iterdir())) == 3


def test_failures_leave_the_old_file_and_nothing_else(way, tmp_path):
    path = tmp_path / "model.json"
    path.write_text("precious")
    with pytest.raises(ZeroDivisionError), replaced(path) as file:
        file.write(b"half" + bytes(100_000 // file.write(b"")))
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_process_killed_while_it_saves_leaves_nothing_behind(tmp_path):
    path = tmp_path / "model.json"
    path.write_text("precious")
    handle = replacing._unnamed_file(tmp_path, 0o600)
    done = run(
        """
        import os, signal
        from fastlr.files import replaced
        with replaced("model.json") as file:
            file.write(b"half"); file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        """,
        tmp_path,
    )
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "precious"
    if handle is not None:
        os.close(handle)
    assert len(list(tmp_path.iterdir())) == (1 if handle is not None else 2)


@pytest.mark.parametrize("name", ["n" * 240, "n" * 255, "ü" * 127, "n" * 243 + ".json"], ids=len)
def test_names_as_long_as_the_system_takes(way, fit, tmp_path, name):
    for _ in range(2):
        save_model(fit, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert load_model(tmp_path / name).to_dict() == fit.to_dict()


@pytest.mark.parametrize("name", ["n" * 256, "ü" * 128], ids=len)
def test_names_that_are_too_long_are_errors_that_name_the_file(fit, tmp_path, name):
    for attempt in (check_writable, lambda path: save_model(fit, path)):
        with pytest.raises(OSError, match=name) as caught:
            attempt(tmp_path / name)
        assert caught.value.errno == errno.ENAMETOOLONG
    assert not list(tmp_path.iterdir())


def test_links_that_lead_in_a_circle_are_errors_that_name_the_file(fit, tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.symlink_to(two)
    two.symlink_to(one)
    for attempt in (check_writable, lambda path: save_model(fit, path)):
        for path in (one, one / "model.json"):
            with pytest.raises(OSError, match=r"one\.json") as caught:
                attempt(path)
            assert caught.value.errno == errno.ELOOP
    assert sorted(tmp_path.iterdir()) == [one, two]
    assert one.is_symlink()


def test_a_link_to_nothing_yet_is_followed(way, fit, tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "model.json")
    save_model(fit, link)
    assert link.is_symlink()
    assert load_model(tmp_path / "model.json").to_dict() == fit.to_dict()


@pytest.mark.parametrize("named", [False, True])
def test_a_full_disk_is_an_error_that_names_the_file(tmp_path, named):
    (tmp_path / "model.json").write_text("precious")
    done = run(
        f"""
        import resource
        from fastlr.storage import replacing, replaced
        if {named}:
            replacing._unnamed_file = lambda directory, mode: None
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        for size in (1001, 100_000):
            try:
                with replaced("model.json") as file:
                    file.write(bytes(size))
            except OSError as error:
                print(error)
        """,
        tmp_path,
    )
    assert done.stdout.splitlines() == ["[Errno 27] File too large: 'model.json'"] * 2, done.stderr
    assert (tmp_path / "model.json").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_full_device_is_an_error_that_names_it(fit):
    with pytest.raises(OSError, match="No space left on device: '/dev/full'"):
        save_model(fit, "/dev/full")
