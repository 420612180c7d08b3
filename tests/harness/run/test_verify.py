"""``zoo verify``: a stranger's run is believed after it was scored again."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import save_file

import zoo
from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.core.files import csv_text, read_csv, sha256_of
from zoo.harness.plan.suite import load_suite, open_photos
from zoo.harness.run.bench import bench
from zoo.harness.run.handout import hand_out
from zoo.harness.run.request import BenchRequest


@pytest.fixture(scope="module")
def benched(tmp_path_factory):
    """Runs of three models without anything to learn: fast, and scored like any other."""
    out = tmp_path_factory.mktemp("benched") / "out"
    bench(BenchRequest(models="gray,mean_ab,levin2004,pyramid", suite="smoke", out=out, device="cpu", jobs=1))
    return out


@pytest.fixture
def submission(benched, tmp_path):
    return shutil.copytree(benched, tmp_path / "submission")


def run_of(folder, model):
    return next(folder.glob(f"runs/{model}/seed0-*"))


def verify(*arguments):
    result = CliRunner().invoke(cli, ["verify", *map(str, arguments)])
    assert "Traceback" not in result.output
    return result


def checked(folder):
    table = zoo.leaderboard(folder)
    return dict(zip(table["model"], table["checked"], strict=True))


def lie(run, *, photos, gain=1.0):
    """A decibel more on the first so many photos, in the record's mean too."""
    columns, rows = read_csv(run / "scores.csv")
    for row in rows[:photos]:
        row["psnr"] = f"{float(row['psnr']) + gain:.6f}"
    (run / "scores.csv").write_text(csv_text(columns, rows))
    record = json.loads((run / "run.json").read_text())
    record["scores"]["psnr"] += gain * photos / len(rows)
    (run / "run.json").write_text(json.dumps(record))


@pytest.mark.slow
def test_runs_are_verified_from_their_weights_and_lies_are_not(submission):
    assert set(checked(submission).values()) == {""}
    lie(run_of(submission, "levin2004"), photos=1)
    done = verify(submission)
    assert done.exit_code == 1
    assert done.stdout.count("verified by its weights") == 3
    assert "self-reported by its weights: psnr of" in done.stdout
    verdicts = {"gray": "verified", "mean_ab": "verified", "pyramid": "verified", "levin2004": "self-reported"}
    assert checked(submission) == verdicts
    # The mark is of those scores: others, written later, are not believed.
    lie(run_of(submission, "gray"), photos=1, gain=0.001)
    assert CliRunner().invoke(cli, ["leaderboard", str(submission), "--rebuild"]).exit_code == 0
    assert checked(submission)["gray"] == "self-reported"


@pytest.mark.slow
def test_without_weights_the_predictions_are_scored(submission):
    run = run_of(submission, "gray")
    (run / "model.safetensors").unlink()
    assert "neither weights nor predictions/" in verify(run).stdout
    photos = open_photos(load_suite("smoke")).test
    (run / "predictions").mkdir()
    for name, truth in zip(photos.names, photos.tensor().permute(0, 2, 3, 1).numpy(), strict=True):
        made = zoo.colorize("gray", np.ascontiguousarray(truth))
        (run / "predictions" / f"{name}.png").parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(made).save(run / "predictions" / f"{name}.png")
    done = verify(run)
    assert (done.exit_code, "verified by its predictions" in done.stdout) == (0, True), done.output
    next((run / "predictions").rglob("*.png")).unlink()
    assert verify(run).exit_code == 1


@pytest.mark.slow
def test_another_protocol_than_it_says_is_not_believed(submission):
    run = run_of(submission, "gray")
    record = json.loads((run / "run.json").read_text())
    record["plan"]["suite"]["eval_hints"] = {"name": "pixels", "densities": [0.5]}
    (run / "run.json").write_text(json.dumps(record))
    done = verify(run)
    assert (done.exit_code, "another eval_hints" in done.stdout) == (1, True), done.output


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """What a method that leaves photos grey makes of the suite's test photos, as `zoo colorize` names it."""
    folder = tmp_path_factory.mktemp("submitted") / "their_method"
    folder.mkdir()
    photos = open_photos(load_suite("smoke")).test
    for name, truth in zip(photos.names, photos.tensor().permute(0, 2, 3, 1).numpy(), strict=True):
        made = zoo.colorize("gray", np.ascontiguousarray(truth))
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(made).save(folder / f"{name.rpartition('.')[0]}.colorized.png")
    return folder


@pytest.mark.slow
def test_pictures_without_a_record_become_a_row_beside_the_others(benched, pictures, tmp_path):
    out = shutil.copytree(benched, tmp_path / "out")
    done = verify(pictures, "--suite", "smoke", "--out", out)
    assert (done.exit_code, "verified by its predictions" in done.stdout) == (0, True), done.output
    table = zoo.leaderboard(out).set_index("model")
    (name,) = (name for name in table.index if name.startswith("their_method (predictions "))
    theirs, ours = table.loc[name], table.loc["gray"]
    assert theirs["protocol"] == ours["protocol"]
    assert theirs["psnr"] == pytest.approx(ours["psnr"], abs=0.002)
    assert (theirs["checked"], theirs["may_have_seen"], theirs["device"]) == ("verified", "yes", "elsewhere")
    assert theirs["rank"] >= 1
    run = next(out.glob("runs/their_method/seed0-*"))
    again = verify(run)
    assert (again.exit_code, "verified by its predictions" in again.stdout) == (0, True), again.output
    assert verify(pictures, "--suite", "smoke", "--out", out, "--model", "renamed").exit_code == 0
    assert any(name.startswith("renamed (predictions ") for name in checked(out))


@pytest.mark.slow
def test_what_a_suite_asks_is_handed_out_as_files_and_the_answers_get_the_score_of_the_row(benched, tmp_path):
    made = hand_out("smoke", folder=tmp_path / "asked")
    assert (made.photos, made.hinted) == (6, 6)
    answers = tmp_path / "answers"
    for grey in sorted((made.folder / "grey").rglob("*.png")):
        name = grey.relative_to(made.folder / "grey")
        assert Image.open(grey).mode == "L"
        answer = answers / name
        answer.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(zoo.colorize("pyramid", grey, hints=made.folder / "hints" / name)).save(answer)
    out = shutil.copytree(benched, tmp_path / "out")
    assert verify(answers, "--suite", "smoke", "--out", out).exit_code == 0
    table = zoo.leaderboard(out).set_index("model")
    (row,) = (name for name in table.index if name.startswith("answers"))
    for metric, gap in {"psnr": 0.02, "ssim": 1e-3, "delta_e00": 0.02}.items():
        assert table.loc[row, metric] == pytest.approx(table.loc["pyramid", metric], abs=gap)
    with pytest.raises(BadInput, match="asked is there already"):
        hand_out("smoke", folder=tmp_path / "asked")


@pytest.mark.slow
def test_the_scores_that_come_with_pictures_are_held_against_them(benched, pictures, tmp_path):
    folder = shutil.copytree(pictures, tmp_path / "claimed")
    columns, rows = read_csv(run_of(benched, "gray") / "scores.csv")
    rows = [{"image": row["image"], "psnr": row["psnr"]} for row in reversed(rows)]
    (folder / "scores.csv").write_text(csv_text(["image", "psnr"], rows))
    assert "image" in columns
    assert verify(folder, "--suite", "smoke", "--out", tmp_path / "out").exit_code == 0
    rows[0]["psnr"] = str(float(rows[0]["psnr"]) + 1)
    (folder / "scores.csv").write_text(csv_text(["image", "psnr"], rows))
    done = verify(folder, "--suite", "smoke", "--out", tmp_path / "out")
    assert (done.exit_code, f"psnr of {rows[0]['image']} is " in done.stdout) == (1, True), done.output
    assert set(checked(tmp_path / "out").values()) == {"self-reported"}


def test_a_picture_that_is_missing_or_of_another_size_is_named(pictures, tmp_path):
    folder = shutil.copytree(pictures, tmp_path / "theirs")
    first = sorted(folder.rglob("*.png"))[0]
    Image.new("RGB", (9, 9)).save(first)
    done = verify(folder, "--suite", "smoke", "--out", tmp_path / "out")
    assert (done.exit_code, f"{first}: The prediction is 9×9" in done.stderr) == (2, True), done.output
    first.unlink()
    done = verify(folder, "--suite", "smoke", "--out", tmp_path / "out")
    assert (done.exit_code, "holds no image for 1 of the " in done.stderr) == (2, True), done.output
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_weights_with_their_models_name_become_a_row(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_file(zoo.build("unet", width=4).network.state_dict(), tmp_path / "theirs.safetensors")
    refused = verify("theirs.safetensors")
    assert (refused.exit_code, "--model NAME" in refused.stderr) == (2, True)
    done = verify("theirs.safetensors", "--model", "unet", "--set", "width=4", "--suite", "smoke")
    assert (done.exit_code, "verified by its weights" in done.stdout) == (0, True), done.output
    ((name, mark),) = checked(tmp_path / "benches" / "smoke").items()
    assert name.startswith("unet width=4 (theirs ")
    assert mark == "verified"


def test_what_is_no_run_is_refused(tmp_path):
    refused = verify(tmp_path)
    assert (refused.exit_code, "no run.json and no picture" in refused.stderr) == (2, True)


def test_the_digest_is_of_the_file_that_was_read(tmp_path):
    (tmp_path / "scores.csv").write_text("image,psnr\n")
    before = sha256_of(tmp_path / "scores.csv")
    (tmp_path / "scores.csv").write_text("image,psnr\na,1\n")
    assert sha256_of(tmp_path / "scores.csv") != before
