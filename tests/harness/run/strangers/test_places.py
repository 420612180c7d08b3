"""Places that are not as usual: long names for temporary files, linked folders, file systems without locks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.harness.results.store import RunFolder
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest

pytestmark = pytest.mark.slow

BENCH = [sys.executable, "-m", "zoo", "bench", "--models", "gray"]


def run(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments, env={**os.environ, **environment}, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_temporary_files_with_long_names(suite, tmp_path):
    long = tmp_path / ("t" * 120)
    long.mkdir()
    done = run([*BENCH, "--suite", str(suite), "--out", str(tmp_path / "results")], TMPDIR=str(long))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_system_without_locks(suite, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import errno, fcntl, os\n"
        "def flock(*_):\n    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))\n"
        "fcntl.flock = flock\n",
        encoding="utf-8",
    )
    done = run([*BENCH, "--suite", str(suite), "--out", str(tmp_path / "results")], PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "lies on a file system without locks (No locks available)" in done.stderr
    assert not list((tmp_path / "results").rglob("*.held"))


def test_a_run_folder_that_is_a_link_belongs_where_the_link_is(suite, tmp_path):
    request = BenchRequest(models="gray", suite=str(suite), out=tmp_path / "results")
    bench(request)
    (folder,) = request.out.glob("runs/gray/*")
    elsewhere = tmp_path / "a" / "big" / "disk" / folder.name
    elsewhere.parent.mkdir(parents=True)
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    (elsewhere / "model.safetensors").unlink()
    for photos in (request.out / "photos").iterdir():
        photos.unlink()

    assert bench(request).failed == []
    assert (elsewhere / "model.safetensors").is_file()
    assert len(list((request.out / "photos").iterdir())) == 1
    assert sorted(path.name for path in tmp_path.joinpath("a").rglob("*") if path.is_dir()) == [
        "big",
        "disk",
        folder.name,
    ]
    assert not [path for path in (tmp_path, tmp_path / "a", tmp_path / "a" / "big") if (path / ".lock").exists()]


@pytest.mark.parametrize(
    ("path", "link", "results"),
    [
        ("results/runs/unet/seed0", "", "results"),
        ("elsewhere/seed0", "", None),
        ("big/seed0", "results/runs/unet/seed0", "results"),
        ("results/runs/unet/seed0", "shortcut", "results"),
        ("a/runs/unet/seed0", "b/runs/unet/seed0", "b"),
    ],
)
def test_the_results_folder_of_a_run(tmp_path, path, link, results):
    (tmp_path / path).mkdir(parents=True)
    if link:
        (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / link).symlink_to(tmp_path / path)
    assert RunFolder(tmp_path / (link or path)).results == (tmp_path / results if results else None)


def test_a_relative_path_to_a_run(tmp_path, monkeypatch):
    folder = tmp_path / "results" / "runs" / "unet" / "seed0"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert RunFolder(Path()).results == tmp_path / "results"
    monkeypatch.chdir(tmp_path / "results" / "runs")
    assert RunFolder(Path("unet/seed0")).results == tmp_path / "results"


@pytest.mark.parametrize("after", [0.0, 0.3, 1.0, 2.0, 4.0])
def test_ctrl_c_in_the_first_seconds_leaves_no_traceback(suite, tmp_path, after):
    """The terminal tells every process of the group, the helpers that are about to start among them."""
    arguments = [*BENCH[2:], "--suite", str(suite), "--out", str(tmp_path / "results")]
    code = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from zoo.cli.main import main
sys.argv = {arguments!r}
try:
    print("begun", flush=True)
    main()
except KeyboardInterrupt:  # it came before main had begun
    sys.exit(130)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors
    assert process.returncode in (0, 130) or "Aborted!" in errors, "click says so while it reads the arguments"
