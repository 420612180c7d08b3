"""What a run has reached stays: nothing that is only looked at, and no later attempt, costs it."""

from __future__ import annotations

import io
import json
import signal
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from zoo.harness.results.pictures import jpeg, read_predictions
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import RunFolder
from zoo.harness.run import carry_out as run_module
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest


def asked(suite: Path, models: str) -> BenchRequest:
    return BenchRequest(models=models, suite=str(suite), out=suite.parent / "results")


def only(suite: Path, pattern: str) -> Path:
    (found,) = (suite.parent / "results").glob(f"runs/{pattern}")
    return found


def row(suite: Path, model: str) -> dict:
    return json.loads(only(suite, f"{model}/*/run.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "pixels",
    [
        np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8),
        np.random.default_rng(0).integers(0, 2, (96, 768, 3), dtype=np.uint8) * 255,
        np.zeros((8, 8, 3), np.uint8),
    ],
    ids=["noise", "the loudest noise", "one block"],
)
def test_any_picture_can_be_drawn(pixels):
    """Noise takes more than a byte a pixel, which is what Pillow sets aside to optimize."""
    again = np.asarray(Image.open(io.BytesIO(jpeg(Image.fromarray(pixels)))))
    assert again.shape == pixels.shape
    assert np.abs(again.astype(int) - pixels).mean() < 16


@pytest.mark.slow
def test_a_run_of_noise_is_finished_with_its_pictures(odd_zoo, suite):
    suite.write_text(suite.read_text(encoding="utf-8").replace("limit: 4", "limit: 48"), encoding="utf-8")
    assert bench(asked(suite, "noisy")).failed == []
    assert len(read_predictions(only(suite, "noisy/*"), 48)) == 48


@pytest.mark.slow
def test_a_picture_that_cannot_be_drawn_is_a_note(odd_zoo, suite):
    """A folder where the picture should be: nobody can write it."""
    request = asked(suite, "small")
    (request.out / "photos").parent.mkdir()
    (request.out / "photos").write_bytes(b"in the way")
    assert bench(request).failed == []
    assert any(note.startswith("pictures: left out, ") for note in row(suite, "small")["notes"])
    assert row(suite, "small")["scores"]["psnr"] > 0


def test_what_is_only_shown_is_left_out_with_a_note(capsys):
    notes: list[str] = []

    def fails() -> None:
        raise ValueError("first line\nsecond line")

    assert run_module._aside(notes, "gflops", None, fails) is None
    assert notes == ["gflops: left out, first line"]
    assert run_module._aside(notes, "gflops", None, lambda: 3.0) == 3.0
    capsys.readouterr()


@pytest.mark.slow
def test_a_training_whose_scoring_fails_is_not_trained_again(odd_zoo, suite):
    assert bench(asked(suite, "fails_when_scored")).failed
    folder = only(suite, "fails_when_scored/*")
    trained = (folder / "log.jsonl").read_text(encoding="utf-8")
    assert (folder / "checkpoint.pt").is_file()
    (odd_zoo.parent / "mended").touch()
    assert bench(asked(suite, "fails_when_scored")).failed == []
    assert (folder / "log.jsonl").read_text(encoding="utf-8") == trained
    assert not (folder / "checkpoint.pt").exists()


@pytest.mark.slow(seconds=40)
def test_a_finished_row_outlives_an_attempt_that_is_stopped(odd_zoo, suite, start_bench, wait_for):
    suite.write_text(
        suite.read_text(encoding="utf-8").replace("steps: 8", "steps: 400").replace("every: 1000", "every: 0"),
        encoding="utf-8",
    )
    request = asked(suite, "small")
    bench(request)
    folder = only(suite, "small/*")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        kept = {name: (folder / name).read_bytes() for name in ("run.json", "scores.csv", "log.jsonl", "samples.png")}
        (folder / "model.safetensors").unlink()

        process = start_bench("small", odd_zoo, suite, request.out)
        wait_for((folder / ".again" / "checkpoint.pt").exists, process)
        process.send_signal(number)
        assert process.wait(timeout=120) == (130 if number != signal.SIGKILL else -number)

        assert {name: (folder / name).read_bytes() for name in kept} == kept
        if number != signal.SIGKILL:
            assert RunFolder(folder).last_record().status == "interrupted"
        assert bench(request).failed == []
        assert (folder / "model.safetensors").is_file()
        assert not (folder / ".again").exists()
        assert (folder / "scores.csv").read_bytes() == kept["scores.csv"], "the same seed, the same numbers"


@pytest.fixture
def finished(tmp_path) -> RunFolder:
    """A run that is scored, and whose weights are gone."""
    folder = RunFolder(tmp_path / "results" / "runs" / "small" / "seed0-abc")
    folder.path.mkdir(parents=True)
    folder.write_record(minimal("ok", psnr=20.0))
    folder.write_scores(["a.png"], {"psnr": [20.0]})
    return folder


def minimal(status: str, **scores: float) -> RunRecord:
    photos = {"source": "photos", "photos": 1}
    provenance = {"device": "cpu", "torch": "2", "zoo": "0", "finished": "2026-01-01T00:00:00Z", "commit": ""}
    scored = {"scores": scores, "images": 1, "costs": {"params_m": 1.0}} if status == "ok" else {}
    fields = {
        **{"model": "small", "label": "small", "seed": 0, "key": "abc", "status": status, "error": "", "suite": "s"},
        **{"recipe": "r", "protocol": {"fingerprint": "f"}, "data": {"train": photos, "test": photos}},
        **{"provenance": provenance, **scored},
    }
    return msgspec.convert(fields, RunRecord)


@pytest.mark.parametrize("status", ["interrupted", "timeout", "error", "oom", "plugin_error", "diverged"])
def test_no_record_but_an_ok_one_takes_the_place_of_an_ok_one(finished, status):
    finished.write_record(minimal(status))
    assert finished.record().ok
    assert finished.last_record().status == status
    finished.settle()
    assert finished.record().scores == {"psnr": 20.0}
    assert finished.finished() == (status == "diverged"), "the same seed would diverge the same way"


@pytest.mark.parametrize("moved", [0, 1, 2, 3])
def test_a_swap_that_is_killed_halfway_is_ended_by_the_next_one(finished, moved):
    again = finished.workplace()
    again.path.mkdir()
    again.write_scores(["a.png"], {"psnr": [21.0]})
    again.weights.write_bytes(b"weights")
    again.write_record(minimal("ok", psnr=21.0))
    for name in ("model.safetensors", "scores.csv", "run.json")[:moved]:
        (again.path / name).replace(finished.path / name)
    finished.settle()
    assert finished.finished()
    assert finished.record().scores == {"psnr": 21.0}
    assert finished.scores() == (["a.png"], {"psnr": [21.0]})


def test_a_first_attempt_works_where_it_stays(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.workplace() is folder
    folder.write_record(minimal("error"))
    assert folder.workplace() is folder
    assert folder.last_record().status == "error"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("sometimes_nan", "The prediction is not finite"),
        ("infinite", "The prediction is not finite"),
        ("breaks_in_the_last_step", "The weights are not finite after the last step"),
    ],
)
def test_what_is_not_finite_is_no_score(odd_zoo, suite, model, reason):
    outcome = bench(asked(suite, model))
    assert outcome.failed == [f"{model} seed 0"]
    assert row(suite, model)["status"] == "diverged"
    assert row(suite, model)["error"].startswith(reason)
    assert "scores" not in row(suite, model) or not row(suite, model)["scores"]


def test_the_smallest_number_of_bad_values_is_seen():
    from zoo.core.contracts import Batch
    from zoo.core.errors import Diverged
    from zoo.harness.scoring.scores import as_pictures

    plane = torch.zeros(1, 1, 8, 8)
    batch = Batch(lightness=plane, ab=torch.zeros(1, 2, 8, 8), hint_ab=torch.zeros(1, 2, 8, 8), hint_mask=plane)
    ab = torch.zeros(1, 2, 8, 8)
    assert as_pictures(batch, ab).dtype == torch.uint8
    for value in (float("nan"), float("inf"), -float("inf")):
        ab[0, 1, 7, 7] = value
        with pytest.raises(Diverged, match="not finite"):
            as_pictures(batch, ab)
