"""Sweeps: hints that are saved, nested, equal for every model, and scores that follow from them."""

from __future__ import annotations

import csv
import json
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from zoo.core.assemble import make
from zoo.core.errors import BadInput
from zoo.harness.plan.saved_hints import draw, hints_of, hints_path, keep, sweep_photos
from zoo.harness.plan.suite import HintSweep, Suite, open_photos, scored_photos
from zoo.harness.results.leaderboard import rebuild
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest
from zoo.harness.scoring.scores import level_means, score_sweeps

POINTS = HintSweep(sampler={"name": "points", "sizes": 6, "positions": "gaussian"}, counts=(0, 1, 5, 50))
PIXELS = HintSweep(sampler="pixels", densities=(0.01, 0.05))
SUITE = Suite(size=32, load_size=40, test_limit=4, sweeps={"points": POINTS, "pixels": PIXELS})


@pytest.fixture(scope="module")
def banks():
    return open_photos(SUITE)


def truth(banks):
    (photos,) = scored_photos(SUITE, banks, (), torch.device("cpu"))
    return photos


def scored(colorizer, banks, **sweeps):
    found = {name: (sweep, draw(sweep, SUITE, banks.test)) for name, sweep in sweeps.items()}
    photos = scored_photos(SUITE, banks, (), torch.device("cpu"), batch_size=3)
    return level_means(score_sweeps(colorizer, photos, found, make("metrics", "psnr"), size=SUITE.size))


class CopiesItsHints(nn.Module):
    def forward(self, condition, extras=None):
        return {"ab": condition[:, 1:3]}


class Grey(nn.Module):
    def forward(self, condition, extras=None):
        return {"ab": torch.zeros_like(condition[:, 1:3])}


def test_one_hint_is_one_patch_of_the_photos_mean_colour(banks):
    ab, mask = draw(POINTS, SUITE, banks.test).planes(0, 1, SUITE.size)
    for photo in range(4):
        rows, columns = np.nonzero(mask[photo, 0].numpy())
        assert len(rows) == 36
        assert np.ptp(rows) == np.ptp(columns) == 5
        colours = truth(banks).batch.ab[photo, :, rows, columns].double().numpy()
        assert ab[photo, :, rows[0], columns[0]].numpy() == pytest.approx(colours.mean(axis=1), abs=1e-6)


def test_fewer_hints_are_the_first_of_more(banks):
    hints = draw(POINTS, SUITE, banks.test)
    masks = [hints.planes(0, count, SUITE.size)[1] for count in (0, 1, 2, 5, 50)]
    assert masks[0].sum() == 0
    for fewer, more in pairwise(masks):
        assert (fewer <= more).all()
        assert fewer.sum() < more.sum()
    sparse, dense = (draw(PIXELS, SUITE, banks.test).planes(k, k + 1, SUITE.size)[1] for k in (0, 1))
    assert (sparse <= dense).all()
    assert dense.mean() == pytest.approx(0.05, abs=0.015)


def test_where_hints_overlap_the_later_one_counts(banks):
    hints = draw(POINTS, SUITE, banks.test)
    last_ab, last_mask = hints.planes(49, 50, SUITE.size)
    ab, _ = hints.planes(0, 50, SUITE.size)
    assert torch.equal(ab * last_mask, last_ab)


def test_a_density_gives_the_very_hints_of_a_suite_that_scores_with_it(banks):
    ab, mask = draw(PIXELS, SUITE, banks.test).planes(1, 2, SUITE.size)
    suite = Suite(size=32, load_size=40, test_limit=4, eval_hints={"name": "pixels", "densities": [0.05]})
    (photos,) = scored_photos(suite, banks, (), torch.device("cpu"))
    assert torch.equal(mask, photos.batch.hint_mask)
    assert torch.equal(ab, photos.batch.hint_ab)


def test_a_photos_hints_do_not_depend_on_the_other_photos(banks):
    few, many = (draw(POINTS, SUITE, banks.test.take(range(n))).planes(0, 5, SUITE.size)[0] for n in (2, 4))
    assert torch.equal(few, many[:2])


def test_kept_hints_are_read_back_whole_or_refused(banks, tmp_path):
    drawn = hints_of("points", SUITE, banks.test, tmp_path)
    keep("points", drawn, SUITE, banks.test, tmp_path)
    path = hints_path("points", SUITE, banks.test, tmp_path)
    assert hints_of("points", SUITE, banks.test, tmp_path).digest == drawn.digest
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadInput, match=r"\.npz cannot be read"):
        hints_of("points", SUITE, banks.test, tmp_path)


def test_quality_rises_with_hints_only_for_a_model_that_uses_them(banks):
    rows = scored(CopiesItsHints(), banks, points=POINTS, pixels=PIXELS)
    assert [(row.sweep, row.level) for row in rows] == [
        ("points", 0), ("points", 1), ("points", 5), ("points", 50), ("pixels", 0.01), ("pixels", 0.05),
    ]  # fmt: skip
    quality = [row.psnr for row in rows]
    assert quality[0] < quality[1] < quality[2] < quality[3]
    assert quality[4] < quality[5]
    assert rows[0].hint_error is None, "there is nothing to adhere to"
    assert [row.hint_error for row in rows[1:]] == [0] * 5, "a patch that is kept is no error, whatever it covers"
    grey = scored(Grey(), banks, points=POINTS)
    assert len({row.psnr for row in grey}) == 1
    assert all(row.hint_error > 2 for row in grey[1:])


def test_what_reads_no_hints_is_not_asked_at_every_level(banks):
    def asked(colorizer):
        count = []
        colorizer.register_forward_hook(lambda *_: count.append(1))
        scored(colorizer, banks, points=POINTS, pixels=PIXELS)
        return len(count)

    batches = 2
    # Without hints, and at the fullest level of both sweeps; else at every level with hints, and at none twice.
    assert asked(Grey()) == batches * (1 + 2)
    assert asked(CopiesItsHints()) == batches * (1 + 3 + 2)


def test_sweep_limit_takes_the_first_photos(banks):
    import msgspec

    limited = msgspec.structs.replace(SUITE, sweep_limit=3)
    assert sweep_photos(limited, banks.test).names == banks.test.names[:3]
    assert len(sweep_photos(SUITE, banks.test)) == 4


@pytest.mark.parametrize("wrong", [{}, {"counts": [1], "densities": [0.1]}])
def test_a_sweep_varies_one_thing(wrong):
    with pytest.raises(ValueError, match="either counts"):
        HintSweep(sampler="points", **{key: tuple(value) for key, value in wrong.items()})


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_bench_writes_hints_csv_from_the_same_hints_for_every_model(small_zoo, suite_file, tmp_path):
    text = suite_file.read_text()
    suite_file.write_text(text + "psnr_target: 5\nsweeps: {dots: {hints: {name: points, sizes: 2}, counts: [0, 3]}}\n")
    out = tmp_path / "results"
    bench(BenchRequest(models="small,gray", suite=str(suite_file), seeds=2, out=out))
    rows = rows_of(out / "hints.csv")
    assert [(row["model"], row["sweep"], row["level"]) for row in rows] == [
        ("gray", "dots", "0"), ("gray", "dots", "3"), ("small", "dots", "0"), ("small", "dots", "3"),
    ]  # fmt: skip
    assert {(row["seeds"], row["photos"]) for row in rows} == {("2", "4")}
    assert all(float(row["psnr_lo"]) < float(row["psnr"]) < float(row["psnr_hi"]) for row in rows)

    per_run = [json.loads(path.read_text())["hints"] for path in sorted(out.glob("runs/small/*/run.json"))]
    mean = sum(found[1]["psnr"] for found in per_run) / 2
    assert float(rows[3]["psnr"]) == pytest.approx(mean, abs=1e-3)
    runs = {row["model"]: row for row in rows_of(out / "runs.csv")}
    assert float(runs["gray"]["hint_error"]) > 1
    assert float(runs["small"]["time_to"]) >= 0, "5 dB are reached at once"
    assert runs["gray"]["time_to"] == "", "it is not trained"

    before = {path: path.read_bytes() for path in out.glob("*.csv")}
    (out / "hints.csv").unlink()
    rebuild(out)
    assert {path: path.read_bytes() for path in out.glob("*.csv")} == before

    suite_file.write_text(suite_file.read_text().replace("[0, 3]", "[0, 4]"))
    bench(BenchRequest(models="gray", suite=str(suite_file), out=out))
    assert len({row["protocol"] for row in rows_of(out / "leaderboard.csv")}) == 2, "other hints, another protocol"
    assert not any(math.isnan(float(row["psnr"])) for row in rows_of(out / "hints.csv"))
