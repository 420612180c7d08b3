"""What a model, a ruler or a hint sampler is handed in evaluation is a copy: writing into it changes no score."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from zoo.core.assemble import make
from zoo.core.color import split_lab
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch
from zoo.core.errors import ContractError
from zoo.core.registry import Registry, current, use
from zoo.core.resolve import build
from zoo.harness.data.batches import Evaluation, evaluation_batches
from zoo.harness.data.build import build_bank
from zoo.harness.data.extras import TRUTH, View, compute, told_of_the_truth
from zoo.harness.data.folder import Photos
from zoo.harness.scoring.scores import score_colorizer, score_draws
from zoo.parts.hints.pixels import Pixels


class Forger(nn.Module):
    """Predicts grey, and writes that over everything it is given."""

    stride = 1

    def __init__(self, extras: tuple[str, ...]):
        super().__init__()
        self.extras = extras

    def forward(self, condition: Tensor, extras: dict[str, Tensor]) -> Tensor:
        grey = ((condition[:, :1] + 1) * 127.5).expand(-1, 3, -1, -1)
        if "rgb" in extras:
            extras["rgb"].copy_(grey.round())
        for name in ("truth_ab", "histogram", "saturation"):
            if name in extras:
                extras[name].zero_()
        condition.zero_()
        return torch.zeros_like(condition[:, :2])

    def sample(self, condition: Tensor, k: int, generator: torch.Generator, extras: dict[str, Tensor]) -> Tensor:
        return self.forward(condition, extras)[:, None].expand(-1, k, -1, -1, -1)


class Ruler:
    """Says how far two images are apart, then makes them equal."""

    higher_is_better = False
    version = "1"

    def __init__(self, name: str):
        self.name = name

    def per_image(self, prediction: Tensor, target: Tensor) -> Tensor:
        apart = (prediction.double() - target.double()).abs().mean((1, 2, 3))
        target.copy_(prediction)
        return apart


@pytest.fixture
def evaluation(photos: list[np.ndarray]) -> Evaluation:
    """Two photos with every extra as the harness gives it on the CPU."""
    rgb = torch.from_numpy(np.stack(photos[:2])).permute(0, 3, 1, 2)[..., :64, :64].contiguous()
    lightness, ab = split_lab(rgb)
    given = {name: make("extras", name, None) for name in TRUTH}
    extras = compute(given, View(torch.arange(2), rgb, ab))
    batch = Batch(lightness, ab, torch.zeros_like(ab), torch.zeros_like(lightness), extras)
    return Evaluation(batch, rgb, range(2), ("a", "b"))


@pytest.mark.parametrize("asked", [(name,) for name in TRUTH] + [tuple(TRUTH)])
def test_a_model_that_writes_into_what_it_is_given_scores_what_it_predicts(evaluation, asked):
    honest = score_colorizer(build("gray"), [evaluation], [make("metrics", "psnr")]).per_image["psnr"]
    rgb, ab = evaluation.rgb.clone(), evaluation.batch.ab.clone()
    forger = Colorizer(Forger(asked), extras=asked)
    scores = score_colorizer(forger, [evaluation], [make("metrics", "psnr")]).per_image["psnr"]
    assert scores == honest
    assert torch.equal(evaluation.rgb, rgb)
    assert torch.equal(evaluation.batch.ab, ab)


def test_nor_do_its_draws(evaluation):
    forger = Colorizer(Forger(tuple(TRUTH)), extras=tuple(TRUTH))
    drawn = score_draws(forger, [evaluation], [make("metrics", "psnr")], torch.Generator(), k=2)
    assert (
        drawn.best["psnr"] == score_colorizer(build("gray"), [evaluation], [make("metrics", "psnr")]).per_image["psnr"]
    )


def test_a_ruler_that_writes_into_the_truth_does_not_flatter_the_next(evaluation):
    grey = Colorizer(Forger(("rgb",)), extras=("rgb",))
    scores = score_colorizer(grey, [evaluation], [Ruler("first"), Ruler("second")]).per_image
    assert scores["first"] == scores["second"]
    assert min(scores["first"]) > 1


def test_a_network_gets_what_it_names_and_no_more(evaluation):
    model = Colorizer(Forger(("saturation",)), extras=("saturation",))
    assert set(model.given(evaluation.batch.extras)) == {"saturation"}
    with pytest.raises(ContractError, match="truth_ab"):
        Colorizer(Forger(("truth_ab",)), extras=("truth_ab",)).given({})


def test_the_condition_is_a_copy_also_where_nothing_is_padded():
    condition = torch.rand(1, 4, 8, 8)
    before = condition.clone()
    Colorizer(Forger(("rgb",)), extras=("rgb",))(condition, {"rgb": torch.zeros(1, 3, 8, 8)})
    assert torch.equal(condition, before)


def test_a_hint_sampler_that_writes_into_the_truth_spoils_no_truth(folder_bank):
    class Eraser(Pixels):
        def __call__(self, ab: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
            ab.zero_()
            return super().__call__(ab, generator)

    batches = evaluation_batches(
        folder_bank, size=64, batch_size=4, device="cpu", hint_seed=0, hint_sampler=Eraser(densities=[0.1])
    )
    for each in batches:
        assert torch.equal(each.batch.ab, split_lab(each.rgb)[1])


@pytest.fixture
def folder_bank():
    return build_bank(Photos("validation"), side=64).take(range(4))


def test_a_row_says_what_its_model_was_told():
    assert told_of_the_truth(["label", "reference"]) == []
    assert told_of_the_truth(["rgb"]) == ["was told of the photos it is scored on: the photo itself (extra rgb)"]
    assert set(TRUTH) <= set(current().names("extras"))


def test_an_extra_of_someone_elses_may_hold_the_truth(tmp_path):
    (tmp_path / "mine.yaml").write_text("parts: {extras: {peek: {target: 'zoo.harness.data.extras:rgb'}}}\n")
    use(Registry.read([tmp_path / "mine.yaml"]))
    try:
        assert "extra peek" in told_of_the_truth(["label", "peek"])[0]
    finally:
        use(None)
