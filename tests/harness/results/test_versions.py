"""What got better or worse between two benches of one protocol."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy.stats import ttest_rel

from zoo.cli.main import cli
from zoo.core.errors import BadInput, UnknownName
from zoo.harness.results.versions import BETTER, WORSE, compare_versions

WRITER = runpy.run_path(str(Path(__file__).with_name("test_comparison.py")))
write_run, IMAGES = WRITER["write_run"], WRITER["IMAGES"]
MODELS = ("steady", "broken", "mended")


@pytest.fixture
def versions(tmp_path):
    """Three models with two seeds; after, one lost a decibel, one gained one, one is as it was, another gone."""
    rng = np.random.default_rng(3)
    base = rng.normal(24, 4, len(IMAGES))
    for model, gain in zip(MODELS, (0, -1, 1), strict=True):
        for seed in (0, 1):
            scores = base + rng.normal(0, 0.3, len(IMAGES))
            write_run(tmp_path / "a", model, scores, seed=seed)
            write_run(
                tmp_path / "b", model, scores + gain + (rng.normal(0, 0.3, len(IMAGES)) if gain else 0), seed=seed
            )
    write_run(tmp_path / "a", "gone", base)
    write_run(tmp_path / "b", "gone", base, status="error")
    write_run(tmp_path / "b", "come", base)
    return tmp_path / "a", tmp_path / "b"


def test_what_changed_is_named_and_what_did_not_is_not(versions):
    found = compare_versions(*versions)
    assert [(each.model, each.metric) for each in found.of(WORSE)] == [("broken", "psnr")]
    assert [(each.model, each.metric) for each in found.of(BETTER)] == [("mended", "psnr")]
    steady = next(each for each in found.changes if each.model == "steady" and each.metric == "psnr")
    assert (steady.difference, steady.change) == (0, "")
    assert found.lost == {"gone": "none of its runs was scored"}
    assert found.new == ["come"]
    assert found.seeds_known


def test_the_interval_is_paired_and_as_wide_as_all_rows_together_ask(tmp_path):
    """With one row and one seed it is the paired t test's, up to the bootstrap."""
    rng = np.random.default_rng(0)
    base = rng.normal(24, 4, len(IMAGES))
    change = rng.normal(0.1, 0.5, len(IMAGES))
    write_run(tmp_path / "a", "one", base)
    write_run(tmp_path / "b", "one", base + change)
    found = next(each for each in compare_versions(tmp_path / "a", tmp_path / "b").changes if each.metric == "psnr")
    expected = ttest_rel(base + change, base).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.02)
    for model in ("two", "three"):
        write_run(tmp_path / "a", model, base)
        write_run(tmp_path / "b", model, base + change[::-1])
    wider = next(each for each in compare_versions(tmp_path / "a", tmp_path / "b").changes if each.metric == "psnr")
    assert wider.high - wider.low > found.high - found.low


def test_the_command_lists_them_and_may_fail(versions):
    command = ["compare", "--results", *map(str, versions)]
    shown = CliRunner().invoke(cli, command)
    assert shown.exit_code == 0, shown.output
    assert "worse: broken (psnr)" in shown.stdout
    assert "better: mended (psnr)" in shown.stdout
    assert "lost: gone" in shown.stdout
    assert CliRunner().invoke(cli, [*command, "--fail-on-worse"]).exit_code == 1
    steady = CliRunner().invoke(cli, [*command, "steady", "--fail-on-worse", "--format", "json"])
    assert steady.exit_code == 0, steady.output
    assert {each["model"] for each in json.loads(steady.stdout)["changes"]} == {"steady"}


def test_other_protocols_and_unknown_models_are_refused(versions, tmp_path):
    with pytest.raises(UnknownName, match="stedy"):
        compare_versions(*versions, ["stedy"])
    write_run(tmp_path / "c", "steady", [20.0] * len(IMAGES), size=64)
    with pytest.raises(BadInput, match=r"size: 32 in .*; 64 in"):
        compare_versions(versions[0], tmp_path / "c")
