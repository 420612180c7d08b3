"""How each kind of part is looked at: made, given fixed inputs, and summed up."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
import torchvision
from drawn import start_of, steady, summaries, uniform
from safetensors.torch import save_file
from torch import Tensor, nn

from zoo.core.assemble import assemble, make
from zoo.core.colorizer import Colorizer, refiner_of
from zoo.core.contracts import CONDITION_CHANNELS, Batch, Level, Prediction, Pyramid
from zoo.core.errors import BadInput
from zoo.core.resolve import resolve, takes_option
from zoo.core.spec import canonical_json
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.extras import Given, View

PHOTOS = Path(__file__).parents[2] / "zoo" / "harness" / "data" / "photos" / "validation"
SIDE, WIDE = 64, 128
"""Of the maps that parts see; and that networks and bridges do, whose coarse levels have little of it left."""

LEVELS = (Level(8, 1), Level(16, 2), Level(32, 4), Level(64, 8))
Numbers = dict[str, Any]


def smooth(name: str, n: int, channels: int, side: int = SIDE) -> Tensor:
    """Fields in [0, 1], as smooth as photos are: (n, channels, side, side)."""
    coarse, fine = uniform(name, n, channels, 8, 8), uniform(name + " fine", n, channels, side, side)
    large = nn.functional.interpolate(coarse, (side, side), mode="bilinear", align_corners=False)
    return 0.8 * large + 0.2 * fine


def batch(name: str = "batch", n: int = 2, side: int = SIDE) -> Batch:
    ab = smooth(f"{name} ab", n, 2, side) - 0.5
    mask = (uniform(f"{name} mask", n, 1, side, side) < 0.05).float()
    extras = {
        "truth_ab": ab,
        "rgb": (255 * smooth(f"{name} rgb", n, 3, side)).to(torch.uint8),
        "reference": (255 * smooth(f"{name} reference", n, 3, side)).to(torch.uint8),
        "label": torch.arange(n),
        "histogram": nn.functional.avg_pool2d(ab, 4),
        "saturation": uniform(f"{name} saturation", n, 1),
    }
    return Batch(2 * smooth(f"{name} lightness", n, 1, side) - 1, ab, ab * mask, mask, extras)


def outputs(part: Any, *inputs: Any, then: Callable[[Any, Any], Any] = lambda part, output: output) -> list[Tensor]:
    if isinstance(part, nn.Module):
        part.eval()
    with torch.no_grad():
        return tensors(then(part, part(*inputs)))


def tensors(output: Any) -> list[Tensor]:
    """All tensors of what a part returns, in the order of their names."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, Pyramid):
        return [*output.maps, *output.pool_indices]
    if isinstance(output, Mapping):
        return [output[key] for key in sorted(output) if isinstance(output[key], Tensor)]
    return [each for each in output if isinstance(each, Tensor)]


def of_module(part: Any, *inputs: Any, **then: Callable[[Any, Any], Any]) -> Numbers:
    begun = start_of(part, outputs(part, *inputs, **then))
    steady(part)
    return {**begun, "out": summaries(outputs(part, *inputs, **then))}


def narrow(kind: str, name: str, *args: Any) -> Any:
    """The part at width 8, where it has one."""
    try:
        return make(kind, name, *args, width=8)
    except BadInput:
        return make(kind, name, *args)


def look_at_encoder(name: str) -> Numbers:
    return of_module(narrow("encoders", name, CONDITION_CHANNELS), 2 * smooth("condition", 2, CONDITION_CHANNELS) - 1)


def pyramid(side: int = SIDE) -> Pyramid:
    maps = [smooth(f"map {level}", 2, level.channels, side // level.reduction) for level in LEVELS]
    return Pyramid(maps, [nn.functional.max_pool2d(each, 2, return_indices=True)[1] for each in maps[:-1]])


def look_at_head(name: str) -> Numbers:
    """With its last word, where it has one, on hints that are given at 5 % of the pixels."""
    lightness = 2 * smooth("condition", 2, CONDITION_CHANNELS, 16)[:, :1] - 1
    condition = torch.cat((lightness, batch(side=16).condition[:, 1:]), dim=1)

    def refined(head: Any, prediction: Prediction) -> Prediction:
        refiner = refiner_of(head)
        return refiner.refine(prediction, condition) if refiner else prediction

    return of_module(make("heads", name, 16), smooth("features", 2, 16, 16), then=refined)


def look_at_hints(name: str) -> Numbers:
    ab = smooth("hinted", 8, 2, 48) - 0.5
    return {"out": summaries(make("hints", name)(ab, torch.Generator().manual_seed(3)))}


def look_at_augmentation(name: str) -> Numbers:
    photos = (255 * smooth("augmented", 2, 3)).to(torch.uint8)
    return {"out": summaries([make("augmentations", name)(photos, torch.Generator().manual_seed(3))])}


def trunk(folder: str) -> Path:
    """An AlexNet's convolutions of our own making, where LPIPS would download the true ones."""
    features = torchvision.models.alexnet(weights=None).features
    steady(features)
    file = Path(folder) / "trunk.safetensors"
    save_file({f"features.{key}": value for key, value in features.state_dict().items()}, file)
    return file


def look_at_loss(name: str) -> Numbers:
    """Its value and its gradient, on all that any head predicts."""
    truth = batch()
    prediction: dict[str, Tensor] = {}
    for head in ("quantized", "mixture"):
        made = make("heads", head, 8)
        steady(made)
        prediction |= {key: value.detach() for key, value in made(smooth("features", 2, 8, 16)).items()}
    prediction |= {key: smooth(key, 2, 2) - 0.5 for key in ("ab", "ab_coarse")}
    prediction |= {"label_logits": uniform("labels", 2, 5), "class_logits": uniform("classes", 2, 1000)}
    leaves = {key: value.requires_grad_(value.is_floating_point()) for key, value in prediction.items()}
    with tempfile.TemporaryDirectory() as folder:
        loss = make("losses", name, trunk_file=str(trunk(folder))) if name == "lpips" else narrow("losses", name)
    value = loss(leaves, truth)
    value.backward()
    gradients = [leaves[key].grad for key in sorted(leaves) if leaves[key].grad is not None]
    return {"out": summaries([value, *(gradient for gradient in gradients if gradient is not None)])}


TRAINED = {
    "rebalanced": ("unet_quantized", {"width": 4, "depth": 2}),
    "zhang2017": ("zhang2017", {"width": 4}),
    "variational": ("deshpande2017", {"width": 8}),
}
"""Objective → the colorizer that it is made for; the others take any."""


def look_at_objective(name: str) -> Numbers:
    """What its players lose at the beginning and near the end of the training."""
    model, options = TRAINED.get(name, ("unet", {"width": 4, "depth": 2}))
    colorizer = assemble(resolve(model, options))
    steady(colorizer)
    colorizer.eval()
    loss = "rebalanced_ce" if name == "rebalanced" else "l1"
    losses = {} if name in ("variational", "closed_form") else {loss: (2.0, make("losses", loss))}
    made = {"teacher": "gray"} if name == "distillation" else {}
    objective = make("objectives", {"name": name, **made}, colorizer, losses)
    steady(objective)
    if isinstance(objective, nn.Module):
        objective.eval()
    objective.prepare([batch("first"), batch("second")])
    seen: list[Tensor] = []
    for progress in (0.0, 0.9):
        objective.begin_step(progress)
        for player in objective.players:
            value, terms = objective.loss(player, batch())
            seen += [value, *(terms[key] for key in sorted(terms))]
    return {"players": list(objective.players), "out": summaries(seen)}


def look_at_optimizer(name: str) -> Numbers:
    """Where some steps against fixed gradients lead."""
    weight, bias = nn.Parameter(uniform("weight", 6, 4)), nn.Parameter(uniform("bias", 6))
    groups = [{"params": [weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}]
    optimizer = make("optimizers", name, groups, lr=0.05)
    for step in range(3):
        for parameter in (weight, bias):
            parameter.grad = uniform(f"gradient {step}", *parameter.shape) - 0.4
        optimizer.step()
    return {"out": summaries([weight, bias])}


def look_at_schedule(name: str) -> Numbers:
    shape = make("schedules", name)
    return {"out": summaries([torch.tensor([shape(point / 20) for point in range(21)])])}


def look_at_extra(name: str) -> Numbers:
    pixels = (255 * smooth("bank", 5, 3)).to(torch.uint8)
    bank = PhotoBank(pixels.numpy(), tuple("abcde"), (3, 1, 4, 1, 5), (), (), "fixed")
    other = PhotoBank(pixels.flip(0, 2).numpy(), tuple("fghij"), (2, 7, 1, 8, 2), (), (), "other")
    view = View(torch.tensor([3, 0]), pixels[[3, 0]], smooth("extra ab", 2, 2) - 0.5)
    return {"out": summaries([make("extras", name, Given(bank, other, torch.device("cpu")))(view)])}


ARGUMENTS: dict[str, dict[str, Any]] = {
    "folder": {"argument": str(PHOTOS)},
    "torchvision": {"argument": "FakeData"},
}


def look_at_dataset(name: str) -> Numbers:
    dataset = make("datasets", name, "test", **ARGUMENTS.get(name, {}))
    photos = [torch.from_numpy(np.array(dataset[i])) for i in (0, len(dataset) - 1)]
    # How a JPEG is decoded is a library's business: a photo's mean, not its pixels.
    return {"photos": len(dataset), "out": summaries([photo.double().mean((0, 1)).round() for photo in photos])}


def look_at_metric(name: str) -> Numbers:
    with tempfile.TemporaryDirectory() as folder:
        metric = make("metrics", name, trunk=trunk(folder)) if name == "lpips" else narrow("metrics", name)
    photos = [(255 * smooth(which, 2, 3)).to(torch.uint8) for which in ("prediction", "target")]
    return {"version": metric.version.partition("-trunk")[0], "out": summaries([metric.per_image(*photos)])}


def look_at_model(name: str) -> Numbers:
    options = {"width": 8, "depth": 4, "global_size": 64}
    spec = resolve(name, {key: value for key, value in options.items() if takes_option(name, key)})
    colorizer: Colorizer = assemble(spec)
    seen = batch(n=1, side=WIDE)
    extras = {key: seen.extras[key] for key in colorizer.extras}
    begun = start_of(colorizer, outputs(colorizer, seen.condition, extras or None))
    steady(colorizer)
    if hasattr(colorizer.network, "fit"):
        colorizer.network.fit([batch("first"), batch("second")])
    asked = canonical_json([msgspec.to_builtins(spec.parts), spec.hint_gain]).decode()
    return {**begun, "options": [asked], "out": summaries(outputs(colorizer, seen.condition, extras or None))}


LOOKS: dict[str, Callable[[str], Numbers]] = {
    "blocks": lambda name: of_module(make("blocks", name, 8, 12), smooth("block", 2, 8, 20)),
    "skips": lambda name: of_module(make("skips", name, 8, 12), smooth("skip", 2, 8, 20), smooth("gate", 2, 12, 20)),
    "encoders": look_at_encoder,
    "bridges": lambda name: of_module(narrow("bridges", name, LEVELS), pyramid(2 * WIDE)),
    "decoders": lambda name: of_module(narrow("decoders", name, LEVELS), pyramid()),
    "propagators": lambda name: of_module(make("propagators", name), batch().condition),
    "heads": look_at_head,
    "hints": look_at_hints,
    "augmentations": look_at_augmentation,
    "losses": look_at_loss,
    "objectives": look_at_objective,
    "optimizers": look_at_optimizer,
    "schedules": look_at_schedule,
    "extras": look_at_extra,
    "datasets": look_at_dataset,
    "metrics": look_at_metric,
    "models": look_at_model,
}
"""Kind → the numbers of a registered name."""
