"""Whatever a results folder's files hold: a table, or one sentence that names the file."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.harness.results.columns import LEADERBOARD_COLUMNS
from zoo.harness.results.frames import leaderboard
from zoo.harness.results.leaderboard import rebuild
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import RunFolder, SweepScore

DAMAGE = runpy.run_path(str(Path(__file__).with_name("damage.py")))
damaged, files, names, one_sentence = (DAMAGE[key] for key in ("damaged", "files", "names", "one_sentence"))
hostile = settings.get_profile("hostile")
pytestmark = pytest.mark.filterwarnings("ignore")  # of numpy and pandas, about numbers that are none

IMAGES = ["a.jpg", "b.jpg", "c.jpg"]
SWEEP = [SweepScore("points", level, name, psnr=20.0 + level, hint_error=1.5) for level in (0, 5) for name in IMAGES]
ROW: dict[str, Any] = {
    "model": "one",
    "label": "one",
    "seed": 0,
    "key": "0123456789ab",
    "status": "ok",
    "error": "",
    "baseline": False,
    "notes": ["a note"],
    "scores": {"psnr": 22.0, "ssim": 0.9},
    "images": 3,
    "hints": [{"sweep": "points", "level": 0, "photos": 3, "psnr": 20.0, "hint_error": None}],
    "samples": {"k": 8, "diversity": 1.0, "psnr_mean": 21.0, "psnr_best": 22.0},
    "costs": {"params_m": 1.0, "gflops": None, "infer_ms": 2.0},
    "steps": 4,
    "curve": [{"step": 4, "seconds": 1.0, "psnr": 22.0}],
    "precision": "fp32",
    "suite": "smoke",
    "protocol": {"fingerprint": "ba9876543210", "version": 1, "size": 32},
    "data": {"train": {"source": "photos", "photos": 9}, "test": {"source": "photos", "photos": 3}},
    "recipe": "default",
    "spec": None,
    "plan": {},
    "provenance": {
        "zoo": "0.1.0",
        "torch": "2.6.0",
        "device": "cpu",
        "commit": None,
        "finished": "2026-01-02T03:04:05Z",
    },
}


def write(run: RunFolder, offset: float = 0.0, **changes: Any) -> None:
    run.path.mkdir(parents=True, exist_ok=True)
    psnr = [20.0 + offset, 22.0, 24.5]
    run.write_scores(IMAGES, {"psnr": psnr, "ssim": [0.8, 0.9, 0.95]})
    run.write_scores(IMAGES, {"psnr_mean": psnr, "psnr_best": psnr}, "samples.csv")
    run.write_hint_scores(SWEEP)
    run.write_record(msgspec.convert({**ROW, **changes}, RunRecord))


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A good run and one to be damaged, both of one protocol."""
    folder = tmp_path_factory.mktemp("results")
    write(RunFolder(folder / "runs" / "two" / f"seed0-{ROW['key']}"), 1.0, model="two", label="two")
    write(RunFolder(folder / "runs" / "one" / f"seed0-{ROW['key']}"))
    return folder


def whole(file: str) -> bytes:
    """The bytes of a good file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder, "runs", "one", f"seed0-{ROW['key']}"))
        write(run)
        rebuild(Path(folder))
        path = run.path / file
        return (path if path.exists() else Path(folder, file)).read_bytes()


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | names,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@st.composite
def rows(draw: st.DrawFn) -> bytes:
    """A run.json of which some values, at any depth, are gone or something else."""
    row = json.loads(json.dumps({"schema": 1, **ROW}))
    for _ in range(draw(st.integers(1, 3))):
        place = row
        while True:
            key = draw(st.sampled_from(sorted(place)))
            if not (isinstance(place[key], dict) and place[key] and draw(st.booleans())):
                break
            place = place[key]
        if draw(st.booleans()):
            place[key] = draw(_json)
        elif len(place) > 1:
            del place[key]
    return json.dumps(row).encode("utf-8", "surrogatepass")


_NUMBERS = ("1.5", "nan", "inf", "-inf", "1e308", "1e999", "0x1", "1_0")
_cells = st.sampled_from((*_NUMBERS, "", "a.jpg", '"', '"a,b"', "\0", "x", "é"))
_columns = st.sampled_from(("image", "psnr", "ssim", "rank", "model", "status", "protocol", "sweep", "level", "", "x"))
_ends = st.sampled_from(("\n", "\r\n", "\r"))
_tables = st.tuples(st.lists(_columns, max_size=5), st.lists(st.lists(_cells, max_size=6), max_size=5), _ends).map(
    lambda parts: parts[2].join(",".join(row) for row in (parts[0], *parts[1])).encode()
)


def told_where(error: BadInput) -> None:
    assert "one" in str(error)  # the run that was damaged


def rebuilt(folder: Path) -> None:
    """Rebuild, then read: it works, or one sentence says why not."""
    try:
        rebuild(folder)
        leaderboard(folder)
    except BadInput as error:
        one_sentence(error)
        told_where(error)


def attempt(folder: Path, file: str, content: bytes) -> None:
    path = folder / "runs" / "one" / f"seed0-{ROW['key']}" / file
    good = path.read_bytes()
    path.write_bytes(content)
    try:
        rebuilt(folder)
    finally:
        path.write_bytes(good)


@pytest.mark.slow
@given(
    st.one_of(rows(), rows(), files, damaged(whole("run.json")), _json.map(lambda value: json.dumps(value).encode()))
)
@hostile
def test_run_json(results, content):
    attempt(results, "run.json", content)


@pytest.mark.parametrize("name", ["scores.csv", "samples.csv", "hints.csv"])
@given(data=st.data())
@hostile
def test_a_runs_tables(results, name, data):
    attempt(results, name, data.draw(st.one_of(files, _tables, damaged(whole(name)))))


@given(
    st.one_of(files, _tables, damaged(whole("leaderboard.csv"))),
    st.sampled_from(("table", "csv", "json", "md")),
    st.none() | st.sampled_from((*LEADERBOARD_COLUMNS, "", "x", "\0")) | names,
)
@hostile
def test_leaderboard_csv(tmp_path, content, form, sort):
    (tmp_path / "leaderboard.csv").write_bytes(content)
    arguments = ["leaderboard", str(tmp_path), "--format", form]
    result = CliRunner().invoke(cli, arguments if sort is None else [*arguments, "--sort", sort], prog_name="zoo")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (0, 2)
    if result.exit_code:
        assert result.stderr.startswith("zoo: ")
        assert len(result.stderr.splitlines()) == 1


def test_a_deeply_nested_run_json(results):
    attempt(results, "run.json", b"[" * 200_000)
