"""`zoo bench`, `train` and `eval` carry the request through, and their exit codes tell what came of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from zoo.cli.main import cli
from zoo.cli.progress import PlainReporter
from zoo.harness.run import bench as bench_module
from zoo.harness.run.bench import BenchOutcome
from zoo.harness.run.request import BenchRequest


def zoo(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, prog_name="zoo")


@pytest.fixture
def asked(monkeypatch, tmp_path) -> list[BenchRequest]:
    """What the command line asks of the bench, which is not run here."""
    requests: list[BenchRequest] = []

    def record(request: BenchRequest, reporter: object) -> BenchOutcome:
        requests.append(request)
        return BenchOutcome(
            tmp_path,
            ["odd seed 0"],
            ["odd seed 0"] if request.models == "odd" else [],
            [tmp_path / "runs" / "unet" / "seed0-abc", tmp_path / "runs" / "odd" / "seed0-def"],
        )

    monkeypatch.setattr(bench_module, "bench", record)
    (tmp_path / "leaderboard.csv").write_text("rank,model,psnr,status,error,notes\n1,unet,20.0,ok,,\n")
    return requests


def test_every_option_reaches_the_request(asked, tmp_path):
    trunk = tmp_path / "alexnet.pth"
    trunk.write_bytes(b"")
    arguments = (
        "--models unet,r2* --suite smoke --seeds 3 --data folder:a --test-data photos --device cpu --set width=16 "
        f"--set decoder.skip=sum --recipe gachon --budget steps=5 --jobs 2 --out {tmp_path} --lpips-trunk {trunk} "
        "--timeout 60 --deterministic --track tensorboard --track mlflow --executor local"
    )
    assert zoo("bench", *arguments.split()).exit_code == 0
    assert asked == [
        BenchRequest(
            models="unet,r2*",
            suite="smoke",
            seeds=3,
            data="folder:a",
            test_data="photos",
            device="cpu",
            options={"width": 16, "decoder.skip": "sum"},
            recipe="gachon",
            budget="steps=5",
            jobs=2,
            out=Path(tmp_path),
            lpips_trunk=trunk,
            timeout=60.0,
            deterministic=True,
            track=("tensorboard", "mlflow"),
            baselines=True,
            executor="local",
        )
    ]


def test_a_failed_run_that_was_named_is_exit_code_1_and_a_strangers_is_not(asked):
    named, stranger = zoo("bench", "--models", "odd"), zoo("bench", "--models", "all")
    assert (named.exit_code, stranger.exit_code) == (1, 0)
    assert "odd seed 0" in named.stderr
    assert "odd seed 0" in stranger.stderr


def test_train_prints_the_run_folders(asked, tmp_path):
    run = tmp_path / "runs" / "unet" / "seed0-abc"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    result = zoo("train", "unet*", "models/gray")
    assert result.stdout.split() == [str(run)], "one that failed before it began has no folder"
    assert asked[0].models == "unet*,models/gray"


@pytest.mark.slow
def test_a_run_can_be_trained_evaluated_and_used(tmp_path, photo_paths):
    out = tmp_path / "results"
    trained = zoo("train", "unet", "--suite", "smoke", "--out", str(out), "--device", "cpu")
    assert trained.exit_code == 0, trained.output
    run = trained.stdout.strip()
    scored = zoo("eval", run, "--metrics", "psnr")
    assert scored.exit_code == 0, scored.output
    assert "psnr" in scored.stdout
    used = zoo("colorize", str(photo_paths[0]), "--with", run, "-o", str(tmp_path / "a.png"), "--size", "64")
    assert used.exit_code == 0, used.output
    assert (tmp_path / "a.png").is_file()


def test_in_a_pipe_a_run_is_a_few_lines(capsys):
    reporter = PlainReporter()
    reporter.planned(["unet seed 0"], [])
    reporter.started("unet seed 0")
    for step in range(1000):
        reporter.progress("unet seed 0", {"phase": "training", "fraction": step / 1000, "loss": 0.1})
    reporter.finished("unet seed 0", SimpleNamespace(ok=True, scores={"psnr": 24.0}))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) <= 4
    assert "psnr 24.000" in lines[-1], "as the tables write it"
