"""The probe passes what keeps its contract, and names what does not."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from zoo.core import registry
from zoo.core.contracts import Level, Pyramid
from zoo.core.probe import probe_model, probe_part
from zoo.core.registry_rows import Entry


class Good(nn.Module):
    stride = 1

    def __init__(self, *, width: int = 16):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 2, 1))
        nn.init.zeros_(self.body[2].weight)  # hides the first layer until a step is taken

    def forward(self, condition):
        return self.body(condition)


class Unused(Good):
    def __init__(self):
        super().__init__()
        self.spare = nn.Linear(2, 2)


class Frozen(Unused):
    def __init__(self):
        super().__init__()
        self.spare.requires_grad_(False)


class Narrow(Good):
    def forward(self, condition):
        return self.body(condition)[:, :1]


class NotANumber(Good):
    def forward(self, condition):
        return self.body(condition) / 0


class Gambler(Good):
    def forward(self, condition):
        return self.body(condition) + torch.rand(1)


class Forgetful(Good):
    """Keeps a running mean where no state-dict sees it."""

    def __init__(self):
        super().__init__()
        self.seen = torch.zeros(())

    def forward(self, condition):
        if self.training:
            self.seen = self.seen + 1
        return self.body(condition) + self.seen


class Demanding(Good):
    extras = ("tide",)

    def forward(self, condition, extras):
        return self.body(condition) * extras["tide"].view(-1, 1, 1, 1)


class Provided(Demanding):
    def example_extras(self, condition):
        return {"tide": torch.ones(condition.shape[0])}


class Unheard(Provided):
    extras = ("moon",)

    def forward(self, condition, extras):
        return self.body(condition) * extras["moon"].view(-1, 1, 1, 1)

    def example_extras(self, condition):
        return {"moon": torch.ones(condition.shape[0])}


class Half(Good):
    stride = 2

    def forward(self, condition):
        return nn.functional.avg_pool2d(super().forward(condition), 2)


class Cropped(Good):
    def forward(self, condition):
        return super().forward(condition)[..., 1:-1, 1:-1] if condition.shape[-1] > 2 else super().forward(condition)


class Larger(Good):
    def forward(self, condition):
        return nn.functional.interpolate(super().forward(condition), scale_factor=2.0)


class Squeezed(Good):
    stride = 4

    def forward(self, condition):
        return nn.functional.avg_pool2d(super().forward(condition), (2, 4))


class Views(Good):
    def forward(self, condition):
        features = self.body[0](condition)
        return self.body[2](features.view(features.shape[0], -1).relu().view(features.shape))


class WithoutRecipe(Good):
    recipe = "defualt"


class WrongRecipe(Good):
    """Its recipe's losses read logits, which it does not predict."""

    recipe = "zhang2016"


class Crooked(nn.Module):
    """An encoder whose second map is not what it promises."""

    def __init__(self, in_channels):
        super().__init__()
        self.levels = (Level(8, 1), Level(8, 2))
        self.conv = nn.Conv2d(in_channels, 8, 3, padding=1)

    def forward(self, x):
        return Pyramid([self.conv(x), self.conv(x)])


@pytest.fixture(autouse=True)
def _table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The classes above as models of a registry file."""
    module = types.ModuleType("probed_models")
    classes = [Good, Unused, Frozen, Narrow, NotANumber, Gambler, Forgetful, Demanding, Provided, Crooked]
    classes += [Unheard, Half, Cropped, Larger, Squeezed, Views, WrongRecipe]
    for each in classes:
        setattr(module, each.__name__, each)
    monkeypatch.setitem(sys.modules, "probed_models", module)
    rows = [
        f"  {each.__name__}: {{target: 'probed_models:{each.__name__}', recipe: {getattr(each, 'recipe', 'default')}}}"
        for each in classes
    ]
    parts = (
        "parts:\n  encoders:\n    crooked: {target: 'probed_models:Crooked'}\n"
        "  extras:\n    tide: {target: 'probed_models:Good'}\n"
    )
    file = tmp_path / "models.yaml"
    file.write_text(parts + "models:\n" + "\n".join(rows) + "\n  Missing: {target: 'no_such_module:X'}\n")
    registry.use(registry.Registry.read([file]))
    yield
    registry.use(None)


@pytest.mark.parametrize("name", ["Good", "Frozen", "Provided", "Half"])
def test_a_model_that_keeps_the_contract_passes(name: str):
    report = probe_model(name)
    assert report.failures == []
    assert report.ok


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Unused", "no gradient on spare.weight, spare.bias"),
        ("Narrow", "returned ab of shape (1, 1, 64, 64)"),
        ("NotANumber", "not finite"),
        ("Gambler", "torch's global random state"),
        ("Forgetful", "state-dict does not hold all of its state"),
        ("Demanding", "does not know the extra 'tide'"),
        ("Missing", "No module named 'no_such_module'"),
        ("Unheard", "Unknown extra 'moon'"),
        ("Cropped", "returned ab of 62×62 for a condition of 64×64; return that size"),
        ("Larger", "returned ab of 128×128 for a condition of 64×64"),
        ("Squeezed", "returned ab of 32×16 for a condition of 64×64"),
        ("Views", "a step of its recipe 'default': RuntimeError: view size is not compatible"),
        ("WrongRecipe", "a step of its recipe 'zhang2016'"),
        ("Gud", "did you mean 'Good'"),
    ],
)
def test_what_is_wrong_is_named(name: str, said: str):
    report = probe_model(name)
    assert not report.ok
    assert any(said in failure for failure in report.failures), report.failures


def test_a_plugin_whose_recipe_does_not_exist_fails_here_as_in_a_bench(monkeypatch):
    monkeypatch.setattr(sys.modules["probed_models"], "WithoutRecipe", WithoutRecipe, raising=False)
    record = Entry(
        kind="models", name="lost", target="probed_models:WithoutRecipe", distribution="d", version="1", origin="o"
    )
    table = registry.current()
    registry.use(registry.Registry([record], table.recipes))
    assert probe_model("lost").failures == [
        "a step of its recipe 'defualt': Unknown recipe 'defualt'; did you mean 'default'?"
    ]


def test_an_encoder_that_breaks_its_promise_is_named():
    report = probe_part("encoders", "crooked")
    assert any("its levels promise" in failure for failure in report.failures), report.failures


def test_the_probe_leaves_the_global_random_state_alone():
    before = torch.get_rng_state()
    probe_model("Good")
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("models", "residual_attention_unet"),
        ("models", "oracle_quarter"),
        ("encoders", "conv"),
        ("decoders", "unet"),
        ("skips", "sum"),
        ("blocks", "recurrent_residual"),
        ("heads", "ab"),
        ("hints", "points"),
        ("losses", "l1_ms_ssim"),
        ("objectives", "supervised"),
        ("datasets", "photos"),
        ("metrics", "ssim"),
    ],
)
@pytest.mark.slow
def test_ours_pass_one_of_each_kind(kind: str, name: str):
    assert probe_part(kind, name).failures == []
