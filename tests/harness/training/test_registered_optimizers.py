"""Optimizers and schedules are parts: a plugin adds one, and a misspelt one is told its neighbours."""

from __future__ import annotations

import msgspec
import pytest
import torch
from torch import nn

from zoo.core.errors import BadInput, UnknownName
from zoo.core.probe import probe_part
from zoo.core.registry import Registry, current, use
from zoo.core.spec import RecipeRow
from zoo.harness.training.schedule import make_optimizer, make_schedule

PLUGIN = """
import torch


class Signed(torch.optim.Optimizer):
    # arXiv:1802.04434
    def __init__(self, params, lr=1e-3, weight_decay=0.0, *, momentum=0.5):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter -= group["lr"] * parameter.grad.sign()


def halves(*, times: int = 2):
    return lambda progress: 0.5 ** int(progress * times)
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    (tmp_path / "signed_plugin.py").write_text(PLUGIN)
    table = tmp_path / "mine.yaml"
    table.write_text(
        'parts: {optimizers: {signed: {target: "signed_plugin:Signed"}}, '
        'schedules: {halves: {target: "signed_plugin:halves"}}}\n'
        "recipes: {mine: {base: default, optimizer: signed, schedule: {name: halves, times: 4}}}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    use(Registry.read([table]))
    yield
    use(None)


def test_a_plugins_optimizer_and_schedule_train(plugin):
    recipe = current().recipe("mine")
    layer = nn.Linear(2, 1)
    before = layer.weight.detach().clone()
    optimizer = make_optimizer(layer.parameters(), recipe)
    layer.weight.grad, layer.bias.grad = torch.ones(1, 2), torch.ones(1)
    optimizer.step()
    torch.testing.assert_close(layer.weight.detach(), before - recipe.lr)
    assert {group["momentum"] for group in optimizer.param_groups} == {recipe.momentum}
    assert [make_schedule(recipe.schedule)(p) for p in (0, 0.25, 0.9)] == [1, 0.5, 0.125]
    assert probe_part("optimizers", "signed").ok
    assert probe_part("schedules", "halves").ok


@pytest.mark.parametrize("kind", ["optimizers", "schedules"])
def test_ours_keep_their_contracts(kind):
    for name in current().names(kind):
        report = probe_part(kind, name)
        assert not (*report.failures, *report.notes), report


def test_an_optimizer_has_options_of_its_own():
    sgd = make_optimizer(nn.Linear(2, 1).parameters(), RecipeRow(optimizer={"name": "sgd", "nesterov": True}))
    assert all(group["nesterov"] and group["momentum"] == 0.9 for group in sgd.param_groups)


@pytest.mark.parametrize(
    ("optimizer", "kind", "said"),
    [
        ("adamww", UnknownName, "Unknown optimizer 'adamww'; did you mean 'adamw'"),
        (
            {"name": "sgd", "nestrov": True},
            BadInput,
            "'sgd' has no option 'nestrov'; did you mean 'nesterov'",
        ),
    ],
)
def test_an_optimizer_that_cannot_be(optimizer, kind, said):
    recipe = msgspec.structs.replace(current().recipe("default"), optimizer=optimizer)
    with pytest.raises(kind, match=said):
        make_optimizer(nn.Linear(2, 1).parameters(), recipe)
