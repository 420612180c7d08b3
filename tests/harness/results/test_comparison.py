"""Two models against each other, on results written by hand."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import ttest_rel

from zoo.cli.main import cli
from zoo.core.errors import BadInput, UnknownName
from zoo.core.spec import fingerprint
from zoo.harness.results.comparison import compare_models, compare_several
from zoo.harness.results.leaderboard import rebuild
from zoo.harness.results.protocol import Protocol, SweptHints, protocol_differences
from zoo.harness.results.run_record import RunRecord
from zoo.harness.results.store import RunFolder

IMAGES = [f"photo{i:02d}" for i in range(40)]


def write_run(results, model, psnr, *, seed=0, names=IMAGES, status="ok", **protocol):
    """A run folder as a bench would have left it; the fingerprint is that of the fields."""
    folder = RunFolder(results / "runs" / model / f"seed{seed}-k")
    folder.path.mkdir(parents=True)
    fields = {"size": 32, "budget": {"steps": 8}, **protocol}
    folder.write_scores(names, {"psnr": psnr, "ssim": [0.9] * len(names)})
    test = {"source": "photos", "photos": len(names)}
    record = {
        "model": model,
        "label": model,
        "seed": seed,
        "key": "k",
        "status": status,
        "error": "",
        "recipe": "default",
        "suite": "tiny",
        "images": len(names),
        "costs": {"params_m": 0.1},
        "protocol": {"fingerprint": fingerprint(fields), **fields},
        "data": {"train": test, "test": test},
        "provenance": {"finished": "2026-01-01T00:00:00Z", "device": "cpu", "torch": "2", "zoo": "0", "commit": ""},
    }
    folder.write_record(msgspec.convert(record, RunRecord))
    return folder.path


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    base = rng.normal(24, 4, len(IMAGES))
    return base + rng.normal(0.4, 0.5, len(IMAGES)), base


def test_the_difference_is_paired_by_photo(tmp_path, scores):
    better, base = scores
    write_run(tmp_path, "a", better)
    write_run(tmp_path, "b", base)
    found = compare_models("a", "b", tmp_path)
    psnr = found.differences[0]
    assert psnr.metric == "psnr"
    assert psnr.difference == pytest.approx((better - base).mean(), abs=1e-5)
    assert psnr.low < psnr.difference < psnr.high
    assert psnr.low > 0, "half a dB is sure when photos are paired, whatever they scatter"
    assert psnr.p_value == pytest.approx(ttest_rel(better, base).pvalue, rel=1e-3)
    assert found.differences[1].p_value == 1.0, "equal SSIMs"
    gaps = better - base
    assert found.wins_a[0].image == IMAGES[gaps.argmax()]
    assert found.wins_b[0].image == IMAGES[gaps.argmin()]
    assert len(found.wins_a) == 5
    mirrored = compare_models("b", "a", tmp_path)
    assert mirrored.differences[0].difference == pytest.approx(-psnr.difference)
    assert mirrored.wins_a == [type(gap)(gap.image, gap.b, gap.a) for gap in found.wins_b]


def test_run_and_model_folders_do_as_well(tmp_path, scores):
    better, base = scores
    run = write_run(tmp_path, "a", better)
    write_run(tmp_path, "b", base, seed=0)
    write_run(tmp_path, "b", base + 0.1, seed=1)
    found = compare_models(str(run), str(tmp_path / "runs" / "b"), tmp_path / "nowhere")
    assert found.seeds == (1, 2)
    assert found.differences[0].difference == pytest.approx((better - base - 0.05).mean(), abs=1e-5)


def test_different_protocols_are_refused_by_field(tmp_path, scores):
    write_run(tmp_path, "a", scores[0])
    write_run(tmp_path, "b", scores[1], budget={"seconds": 60})
    with pytest.raises(BadInput, match="different protocols") as error:
        compare_models("a", "b", tmp_path)
    assert "differ in budget:" in str(error.value)
    assert '"steps":8}' in str(error.value)
    assert "size" not in str(error.value)


def test_what_cannot_be_compared_is_a_sentence(tmp_path, scores):
    write_run(tmp_path, "unet", scores[0])
    write_run(tmp_path, "broken", scores[1], status="error")
    with pytest.raises(UnknownName, match="did you mean 'unet'"):
        compare_models("unett", "unet", tmp_path)
    with pytest.raises(BadInput, match="No run of broken is finished"):
        compare_models("unet", "broken", tmp_path)
    with pytest.raises(BadInput, match="does not exist"):
        compare_models("unet", "gray", tmp_path / "nowhere")
    with pytest.raises(BadInput, match="Two different models"):
        compare_models("unet", "unet", tmp_path)
    write_run(tmp_path, "other_photos", scores[1], names=IMAGES[::-1])
    with pytest.raises(BadInput, match="different photos"):
        compare_models("unet", "other_photos", tmp_path)


def test_several_are_compared_in_pairs_with_intervals_that_hold_together(tmp_path, scores):
    better, base = scores
    for model, psnr in (("a", better), ("b", base), ("c", base + 0.001)):
        write_run(tmp_path, model, psnr)
    found = compare_several(["a", "b", "c"], tmp_path)
    assert [(pair.a, pair.b) for pair in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert {pair.confidence for pair in found} == {1 - 0.05 / 3}
    alone, together = compare_models("a", "b", tmp_path).differences[0], found[0].differences[0]
    assert together.low < alone.low < alone.high < together.high, "three statements need wider intervals than one"
    assert found[0].verdict.startswith("a is better than b by ")
    shown = CliRunner().invoke(cli, ["compare", "a", "b", "c", "--in", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "98.33 % interval" in shown.output


def test_the_verdict_the_interval_and_the_better_one_say_the_same(tmp_path):
    rng = np.random.default_rng(5)
    base = rng.normal(24, 4, len(IMAGES))
    for place, gap in enumerate((-1.0, -0.2, -0.05, 0.0, 0.05, 0.2, 1.0)):
        folder = tmp_path / str(place)
        write_run(folder, "a", base + gap + rng.normal(0, 0.5, len(IMAGES)))
        write_run(folder, "b", base)
        found = compare_models("a", "b", folder)
        psnr = found.differences[0]
        sure = psnr.low > 0 or psnr.high < 0
        assert bool(psnr.better) == sure
        assert ("cannot be told apart" in found.verdict) != sure
        if sure:
            assert psnr.better == ("a" if psnr.difference > 0 else "b")


def test_protocol_differences_name_fields_and_holders():
    one = Protocol(fingerprint="1", size=64, sweeps={"long": SweptHints("x" * 200 + "a")})
    two = Protocol(fingerprint="2", size=64, sweeps={"long": SweptHints("x" * 200 + "b")}, fit="crop")
    assert protocol_differences([one, one]) == []
    sweeps, fit = protocol_differences([one, two])
    assert sweeps.startswith("sweeps: …")
    assert 'xa"}} in 1' in sweeps, "a long value is shown where it differs"
    assert fit == 'fit: none in 1; "crop" in 2'


def test_the_command_prints_differences_and_photos(tmp_path, scores):
    write_run(tmp_path, "a", scores[0])
    write_run(tmp_path, "b", scores[1])
    done = CliRunner().invoke(cli, ["compare", "a", "b", "--in", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "psnr" in done.output
    assert "A (a) is most ahead on: photo" in done.output
    assert "With one seed" in done.output
    as_json = CliRunner().invoke(cli, ["compare", "a", "b", "--in", str(tmp_path), "--format", "json"])
    assert '"p_value"' in as_json.output


def test_the_leaderboard_command_says_which_field_differs(tmp_path, scores):
    write_run(tmp_path, "a", scores[0])
    write_run(tmp_path, "b", scores[1], size=64)
    rebuild(tmp_path)
    done = CliRunner().invoke(cli, ["leaderboard", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "ranked apart; size: 32 in" in done.output
    refused = CliRunner().invoke(cli, ["compare", "a", "b", "--in", str(tmp_path)])
    assert refused.exit_code == 2
    assert "they differ in size: 32 in" in refused.stderr
