"""Samplers: the mean and the best of their draws, and how far those lie apart."""

from __future__ import annotations

import csv
import math

import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import nn

from zoo.core.assemble import make
from zoo.core.color import join_lab, to_uint8
from zoo.core.colorizer import Colorizer
from zoo.harness.plan.suite import Suite, open_photos, scored_photos
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest
from zoo.harness.scoring.scores import score_draws

SUITE = Suite(size=20, load_size=24, test_limit=3)


class Tints(nn.Module):
    """Answers grey; its draws are flat tints, each photo's own."""

    stride = 16

    def forward(self, condition):
        return torch.zeros_like(condition[:, :2])

    def sample(self, condition, k, generator):
        assert condition.shape[-1] % self.stride == 0
        tints = torch.randn(len(condition), k, 2, 1, 1, generator=generator) * 0.2
        return tints.expand(-1, -1, -1, *condition.shape[-2:])


@pytest.fixture(scope="module")
def photos():
    return list(scored_photos(SUITE, open_photos(SUITE), (), torch.device("cpu")))


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def test_only_samplers_are_sampled():
    assert Colorizer(Tints()).can_sample
    assert not Colorizer(nn.Conv2d(4, 2, 1)).can_sample


def test_mean_best_and_diversity_are_those_of_the_draws(photos):
    colorizer = Colorizer(Tints())
    psnr, error = make("metrics", "psnr"), make("metrics", "delta_e00")
    found = score_draws(colorizer, photos, [psnr, error], seeded(), k=4)
    (evaluation,) = photos
    draws = colorizer.sample(evaluation.batch.condition, 4, seeded())
    assert draws.shape == (3, 4, 2, 20, 20), "padded to the stride and cropped back"
    pictures = [to_uint8(join_lab(evaluation.batch.lightness, draws[:, i])) for i in range(4)]
    for photo in range(3):
        lab = [rgb2lab(picture[photo].permute(1, 2, 0).numpy()) for picture in pictures]
        apart = [deltaE_ciede2000(lab[i], lab[i + 1]).mean() for i in range(3)]
        assert found.diversity[photo] == pytest.approx(sum(apart) / 3, rel=1e-3)
        true = evaluation.rgb[photo].double()
        each = [10 * math.log10(255**2 / (picture[photo] - true).square().mean()) for picture in pictures]
        assert found.mean["psnr"][photo] == pytest.approx(sum(each) / 4, abs=1e-4)
        assert found.best["psnr"][photo] == pytest.approx(max(each), abs=1e-4)
        assert found.best["delta_e00"][photo] < found.mean["delta_e00"][photo], "the best error is the smallest"


def test_a_composed_colorizers_head_is_sampled_too(photos):
    from zoo.core.assemble import assemble
    from zoo.core.resolve import resolve

    colorizer = assemble(resolve("unet_mixture", {"width": 4, "depth": 3}))
    assert colorizer.can_sample
    draws = colorizer.sample(photos[0].batch.condition, 3, seeded())
    assert draws.shape == (3, 3, 2, 20, 20)
    assert torch.equal(draws, colorizer.sample(photos[0].batch.condition, 3, seeded()))
    assert not torch.equal(draws, colorizer.sample(photos[0].batch.condition, 3, seeded(4)))


@pytest.mark.slow
def test_the_leaderboard_marks_draws_and_does_not_rank_them(small_zoo, suite_file, tmp_path):
    out = tmp_path / "results"
    bench(BenchRequest(models="unet_mixture,gray", suite=str(suite_file), out=out, options={"depth": 3}))
    with (out / "leaderboard.csv").open(newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    name = "unet_mixture depth=3"
    assert set(rows) == {name, f"{name} (mean of 8)", f"{name} (best of 8)", "gray"}
    mean, best = rows[f"{name} (mean of 8)"], rows[f"{name} (best of 8)"]
    assert mean["rank"] == best["rank"] == ""
    assert "not ranked" in mean["notes"]
    assert "not ranked" in best["notes"]
    assert float(mean["psnr"]) < float(best["psnr"])
    assert "deterministic answer" in rows[name]["notes"]
    assert (rows[name]["rank"], rows["gray"]["rank"]) == ("1", ""), "no colours are nothing to rank"
