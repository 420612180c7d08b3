"""A metric's name is a column: it may not be that of another one, nor another than it is registered under."""

from __future__ import annotations

import pytest
import torch

from zoo.core.errors import BadInput, ContractError
from zoo.core.registry import Registry, use
from zoo.harness.plan.suite import METRICS
from zoo.harness.results.columns import HINT_COLUMNS, LEADERBOARD_COLUMNS, RUN_COLUMNS, check_metric_names
from zoo.harness.run.request import BenchRequest, effective_suite
from zoo.harness.scoring.scores import make_metrics


@pytest.mark.parametrize("name", ["rank", "model", "seed", "psnr_lo", "rank_hi", "status", "error", "image", "sweep"])
def test_the_name_of_another_column_is_refused_where_it_enters(name, suite_file):
    with pytest.raises(BadInput, match=f"The metric '{name}' is called like another column"):
        check_metric_names(["psnr", f"{name}@somebody"])
    suite_file.write_text(suite_file.read_text().replace("[psnr, ssim]", f"[psnr, {name}]"), encoding="utf-8")
    with pytest.raises(BadInput, match="called like another column"):
        effective_suite(BenchRequest(suite=str(suite_file)))


def test_our_metrics_and_new_names_are_columns_of_their_own():
    check_metric_names([*METRICS, "sharpness"])
    assert {"psnr", "rank"} <= {*LEADERBOARD_COLUMNS, *RUN_COLUMNS, *HINT_COLUMNS}


def test_a_metric_is_asked_for_once():
    with pytest.raises(BadInput, match="asked for twice"):
        check_metric_names(["psnr", "psnr@somebody"])


def test_a_metric_that_calls_itself_like_another_is_refused(tmp_path, monkeypatch):
    (tmp_path / "renamed_metric.py").write_text(
        "class Liar:\n    name = 'psnr'\n    higher_is_better = True\n    version = '1'\n", encoding="utf-8"
    )
    table = tmp_path / "registry.yaml"
    table.write_text("parts:\n  metrics:\n    liar: {target: 'renamed_metric:Liar', summary: s}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    use(Registry.read([table]))
    try:
        with pytest.raises(ContractError, match="'liar' calls itself 'psnr'"):
            make_metrics(["liar"], device=torch.device("cpu"))
    finally:
        use(None)
