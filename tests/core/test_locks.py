"""One holder at a time, on every file system, and never longer than the holder lives."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from zoo.core.errors import BadInput
from zoo.core.files import locked, locked_if_free

fcntl = pytest.importorskip("fcntl")

HOLD = """
import os, sys, time
from pathlib import Path
from zoo.core.files import locked
{before}
with locked(Path(sys.argv[1]), lambda sentence: None):
    {inside}
    print("held", flush=True)
    time.sleep(1000)
"""
WITHOUT_FLOCK = """
import fcntl
def flock(*_):
    raise OSError({number}, os.strerror({number}))
fcntl.flock = flock
"""


def holder(path: Path, inside: str = "pass", before: str = "") -> subprocess.Popen[str]:
    code = HOLD.format(inside=inside, before=before)
    process = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def without_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_said_and_a_file_takes_their_place(tmp_path, monkeypatch, number):
    without_locks(monkeypatch, number)
    told: list[str] = []
    with locked(tmp_path / ".lock", told.append):
        assert (tmp_path / ".lock.held").exists()
    assert not (tmp_path / ".lock.held").exists()
    (sentence,) = told
    assert "file system without locks" in sentence
    assert os.strerror(number) in sentence


@pytest.mark.parametrize("before", ["", WITHOUT_FLOCK.format(number=errno.ENOLCK)], ids=["flock", "no flock"])
def test_a_killed_holder_holds_no_longer(tmp_path, monkeypatch, before):
    process = holder(tmp_path / ".lock", before=before)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if before:
        without_locks(monkeypatch, errno.ENOLCK)
    with locked(tmp_path / ".lock"):
        pass


def test_waiting_is_said_once_and_ends_when_the_holder_does(tmp_path):
    process = holder(tmp_path / ".lock")
    told: list[str] = []

    def tell(sentence: str) -> None:
        told.append(sentence)
        process.kill()

    with locked(tmp_path / ".lock", tell, waiting="another bench is at work"):
        pass
    process.wait()
    assert told == ["another bench is at work"]


def test_what_the_holder_forks_does_not_keep_the_lock(tmp_path):
    pids = tmp_path / "pid"
    fork = f"""
    pid = os.fork()
    if pid == 0:
        time.sleep(1000)
    Path({str(pids)!r}).write_text(str(pid))"""
    process = holder(tmp_path / ".lock", inside=fork)
    process.kill()
    process.wait()
    grandchild = int(pids.read_text())
    try:
        with locked(tmp_path / ".lock"):
            os.kill(grandchild, 0)  # it lives, and holds nothing
    finally:
        os.kill(grandchild, signal.SIGKILL)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    def attempt() -> None:
        with locked(tmp_path / "file" / ".lock"):
            pass

    with pytest.raises(BadInput, match=r"cannot be written: .*; choose another --out\.$"):
        attempt()


def test_an_error_inside_is_the_one_that_is_raised(tmp_path):
    def attempt() -> None:
        with locked(tmp_path / ".lock"):
            raise OSError(errno.ENOLCK, "of the work, not of the lock")

    with pytest.raises(OSError, match="of the work"):
        attempt()
    with locked(tmp_path / ".lock"):
        pass


def test_locks_are_taken_in_one_place_only():
    zoo = Path(__file__).parents[2] / "zoo"
    importers = [path for path in zoo.rglob("*.py") if "filelock" in path.read_text(encoding="utf-8")]
    assert importers == [zoo / "core" / "files.py"]


@pytest.mark.parametrize("before", ["", WITHOUT_FLOCK.format(number=errno.ENOLCK)], ids=["flock", "no flock"])
def test_a_lock_is_taken_while_it_is_free_without_waiting(tmp_path, monkeypatch, before):
    if before:
        without_locks(monkeypatch, errno.ENOLCK)
    with locked_if_free(tmp_path / ".lock", "mend") as ours:
        assert ours
    process = holder(tmp_path / ".lock", before=before)
    try:
        with locked_if_free(tmp_path / ".lock", "mend") as ours:
            assert not ours
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with locked_if_free(tmp_path / ".lock", "mend") as ours:
        assert ours
