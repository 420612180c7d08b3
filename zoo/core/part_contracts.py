"""The contract of each kind of part, as a probe: what is asked of it, and what it must answer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zoo.core.assemble import make
from zoo.core.colorizer import Colorizer, refiner_of
from zoo.core.contracts import CONDITION_CHANNELS, Batch, Level, Prediction, Pyramid
from zoo.core.errors import ZooError
from zoo.core.module_checks import Findings, check_module, check_quiet, smallest, tensors
from zoo.core.registry import current
from zoo.core.resolve import build
from zoo.core.spec import part_ref
from zoo.core.training_contracts import probe_optimizer, probe_schedule

_CONV_LEVELS = (Level(8, 1), Level(16, 2), Level(32, 4), Level(64, 8))
_BACKBONE_LEVELS = (Level(8, 2), Level(16, 4), Level(32, 8), Level(64, 16))
_SIZE = 64


def probe_block(name: str, found: Findings) -> None:
    inputs = [_noise(2, 8, 16, 16), _noise(2, 8, 13, 9)]
    block, twin = _built("blocks", name, found, 8, 12)
    for x in inputs:
        _expect_shape(_outcome(block, x), (2, 12, *x.shape[-2:]), found)
    check_module(block, twin, lambda module, k: [module(inputs[k])], found)


def probe_skip(name: str, found: Findings) -> None:
    skip, twin = _built("skips", name, found, 8, 12)
    pairs = [(_noise(2, 8, 16, 16), _noise(2, 12, 16, 16)), (_noise(2, 8, 9, 7), _noise(2, 12, 9, 7))]
    for pair in pairs:
        _expect_shape(_outcome(skip, *pair), (2, skip.channels, *pair[0].shape[-2:]), found)
    check_module(skip, twin, lambda module, k: [module(*pairs[k])], found)


def probe_encoder(name: str, found: Findings) -> None:
    encoder, twin = _built("encoders", name, found, CONDITION_CHANNELS)
    if encoder is None:
        return
    if not _expect_levels(encoder.levels, found):
        return
    side = max(_SIZE, 2 * max(level.reduction for level in encoder.levels))
    inputs = [_noise(2, CONDITION_CHANNELS, side, side), _noise(2, CONDITION_CHANNELS, side, side + side // 2)]
    for x in inputs:
        _expect_pyramid(_outcome(encoder, x), encoder.levels, x.shape[-2:], found)
    check_module(encoder, twin, lambda module, k: module(inputs[k]).maps, found)


def probe_bridge(name: str, found: Findings) -> None:
    bridge, twin = _built("bridges", name, found, _CONV_LEVELS)
    if not _expect_levels(bridge.levels, found):
        return
    pyramids = [_pyramid(_CONV_LEVELS, seed) for seed in (0, 1)]
    _expect_pyramid(_outcome(bridge, pyramids[0]), bridge.levels, (_SIZE, _SIZE), found)
    check_module(bridge, twin, lambda module, k: module(pyramids[k]).maps, found)


def probe_decoder(name: str, found: Findings) -> None:
    """On a max-pooled pyramid, and on a backbone's (from half size, no pool indices) unless it declines that."""
    _probe_decoder(*_built("decoders", name, found, _CONV_LEVELS), _CONV_LEVELS, found)
    try:
        decoder, twin = _built("decoders", name, found, _BACKBONE_LEVELS)
        decoder(_pyramid(_BACKBONE_LEVELS, 0, pooled=False))
    except ZooError as refusal:
        found.notes.append(f"takes no backbone that starts at half size: {refusal}")
    else:
        _probe_decoder(decoder, twin, _BACKBONE_LEVELS, found, pooled=False)


def _probe_decoder(decoder: Any, twin: Any, levels: tuple[Level, ...], found: Findings, *, pooled: bool = True) -> None:
    pyramids = [_pyramid(levels, seed, pooled=pooled) for seed in (0, 1)]
    side = _SIZE // decoder.reduction
    _expect_shape(_outcome(decoder, pyramids[0]), (2, decoder.channels, side, side), found)
    check_module(decoder, twin, lambda module, k: [module(pyramids[k])], found)


def probe_head(name: str, found: Findings) -> None:
    head, twin = _built("heads", name, found, 16)
    features = [_noise(2, 16, 16, 16, seed=seed) for seed in (0, 1)]
    prediction = _outcome(head, features[0])
    ab = prediction.get("ab") if isinstance(prediction, dict) else None
    if found.expect(isinstance(ab, Tensor), "a head returns a dict with the tensor 'ab'"):
        assert isinstance(ab, Tensor)
        found.expect(ab.ndim == 4 and ab.shape[:2] == (2, 2), f"ab has shape {tuple(ab.shape)}, not (N, 2, H, W)")
        condition = _batch(0).condition[..., :16, :16]

        def call(module: Any, k: int) -> list[Tensor]:
            predicted = module(features[k])
            refiner = refiner_of(module)
            return tensors(refiner.refine(predicted, condition) if refiner else predicted)

        check_module(head, twin, call, found)


def probe_propagator(name: str, found: Findings) -> None:
    """On sizes that no stride divides, beside a photo without hints."""
    propagator, twin = _built("propagators", name, found)
    inputs = []
    for seed, (height, width) in enumerate(((_SIZE, _SIZE), (37, 49), (1, 1))):
        lightness = torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        mask = (_noise(2, 1, height, width, seed=seed) > 1.5).float()
        mask[1] = 0
        inputs.append(torch.cat((lightness, _noise(2, 2, height, width, seed=seed).clamp(-1, 1) * mask, mask), dim=1))
    for condition in inputs:
        output = _named(_outcome(propagator, condition))
        _expect_shape(output["ab"], (2, 2, *condition.shape[-2:]), found)
        if (confidence := output.get("confidence")) is not None:
            _expect_shape(confidence, (2, 1, *condition.shape[-2:]), found)
            inside = bool(((confidence >= 0) & (confidence <= 1)).all())
            found.expect(inside, "its confidence leaves [0, 1]")
    check_module(propagator, twin, lambda module, k: tensors(_named(module(inputs[k]))), found)


def _named(output: Any) -> dict[str, Tensor]:
    if isinstance(output, Mapping):
        return dict(output)
    return {"ab": output} if isinstance(output, Tensor) else dict(zip(("ab", "confidence"), output, strict=False))


def probe_hints(name: str, found: Findings) -> None:
    sampler = make("hints", name)
    for height, width in ((64, 64), (65, 97), (1, 1)):
        ab = torch.rand(3, 2, height, width, generator=torch.Generator().manual_seed(3)) - 0.5

        def draw(truth: Tensor = ab) -> tuple[Tensor, Tensor]:
            drawn: tuple[Tensor, Tensor] = sampler(truth, torch.Generator().manual_seed(7))
            return drawn

        check_quiet(draw, found)
        if found.failures:
            return
        (hint_ab, mask), (again_ab, again_mask) = draw(), draw()
        _expect_shape(hint_ab, (3, 2, height, width), found)
        _expect_shape(mask, (3, 1, height, width), found)
        if found.failures:
            return
        found.expect(bool(((mask == 0) | (mask == 1)).all()), "hint_mask holds other values than 0 and 1")
        found.expect(not bool((hint_ab * (1 - mask)).any()), "hint_ab is not 0 where the mask is 0")
        same = torch.equal(hint_ab, again_ab) and torch.equal(mask, again_mask)
        found.expect(same, "the same generator state gives different hints")


def probe_augmentation(name: str, found: Findings) -> None:
    augmentation = make("augmentations", name)
    for height, width in ((_SIZE, _SIZE), (65, 97), (1, 1)):
        photos = torch.randint(0, 256, (3, 3, height, width), generator=torch.Generator().manual_seed(3)).byte()
        before = photos.clone()

        def draw(photos: Tensor = photos) -> Tensor:
            changed: Tensor = augmentation(photos, torch.Generator().manual_seed(7))
            return changed

        check_quiet(draw, found)
        if found.failures:
            return
        changed = draw()
        _expect_shape(changed, photos.shape, found)
        found.expect(changed.dtype == torch.uint8, f"photos are uint8, not {changed.dtype}")
        found.expect(torch.equal(photos, before), "it writes into the photos that it is given")
        found.expect(torch.equal(changed, draw()), "the same generator state gives different photos")


def probe_loss(name: str, found: Findings) -> None:
    loss = smallest(lambda options: make("losses", name, **options), found)
    if loss is None:
        return
    batch = _batch(0)
    refusals: dict[str, None] = {}
    for prediction in _predictions():
        try:
            value = loss(prediction, batch)
        except (ZooError, KeyError) as refusal:
            # It reads more than this prediction holds; perhaps the next head gives it.
            refusals[str(refusal)] = None
            continue
        found.expect(tuple(value.shape) == (), f"a loss is a scalar, not of shape {tuple(value.shape)}")
        found.expect(bool(torch.isfinite(value).all()), "the loss is not finite")
        if found.expect(value.requires_grad, "the loss has no gradient with respect to the prediction"):
            value.sum().backward()
            leaves = [p.grad for p in prediction.values() if p.grad is not None]
            found.expect(any(bool(g.any()) for g in leaves), "the gradient of the loss is zero")
            found.expect(all(bool(torch.isfinite(g).all()) for g in leaves), "its gradient is not finite")
        return
    found.notes.append(f"built only: no registered head gives what it reads ({'; '.join(refusals)})")


def probe_objective(name: str, found: Findings) -> None:
    def absolute(prediction: Prediction, batch: Batch) -> Tensor:
        return (prediction["ab"] - batch.ab).abs().mean()

    data = [_batch(0), _batch(1)]
    refusals: dict[str, None] = {}
    objective: Any = None
    for colorizer, losses in product(_trainees(name), ({"absolute": (1.0, absolute)}, {})):
        try:
            objective = make("objectives", name, colorizer, losses)
            objective.prepare(data)
            break
        except ZooError as refusal:
            objective = None
            refusals[str(refusal)] = None
    if objective is None:
        found.notes.append(f"imported only: it takes no colorizer that is here ({'; '.join(refusals)})")
        return
    objective.begin_step(0.0)
    for player in objective.players:
        value, terms = objective.loss(player, data[0])
        found.expect(tuple(value.shape) == () and bool(torch.isfinite(value)), f"{player}: no finite scalar loss")
        found.expect(value.requires_grad, f"{player}: its loss has no gradient")
        found.expect(not any(term.requires_grad for term in terms.values()), f"{player}: its terms are not detached")
        found.expect(any(True for _ in objective.parameters_of(player)), f"{player}: it has no parameters")


def _trainees(objective: str) -> Iterable[Colorizer]:
    """A plain convolution; then, small, the registered models that are trained by this objective."""
    yield Colorizer(nn.Sequential(nn.Conv2d(CONDITION_CHANNELS, 2, 3, padding=1)), name="a plain convolution")
    registry = current()
    for model in registry.names("models"):
        try:
            recipe = registry.recipe(registry.model_row(model).recipe)
            if part_ref(recipe.objective, "objective").name == objective:
                trainee = smallest(lambda options, name=model: build(name, **options), Findings())  # type: ignore[misc]
                if trainee is not None:
                    yield trainee
        except ZooError:
            continue  # that model's own probe tells


def probe_dataset(name: str, found: Findings) -> None:
    for parameter in inspect.signature(current().load("datasets", name)).parameters.values():
        if parameter.name == "argument" and parameter.default is parameter.empty:
            found.notes.append(f"imported only: write {name}:… where a data set is asked for")
            return
    dataset = make("datasets", name, "test")
    if found.expect(len(dataset) > 0, "it is empty"):
        photo = np.asarray(dataset[0])
        right = photo.dtype == np.uint8 and photo.ndim == 3 and photo.shape[2] == 3
        found.expect(right, f"photos are uint8 (H, W, 3), not {photo.dtype} {photo.shape}")
    same = dataset.fingerprint() == make("datasets", name, "test").fingerprint()
    found.expect(same, "its fingerprint is another one every time")


def probe_metric(name: str, found: Findings) -> None:
    metric = smallest(lambda options: make("metrics", name, **options), found)
    if metric is None:
        return
    found.expect(isinstance(metric.name, str) and isinstance(metric.version, str), "name and version are text")
    found.expect(isinstance(metric.higher_is_better, bool), "higher_is_better is True or False")
    generator = torch.Generator().manual_seed(2)
    for height, width in ((64, 64), (65, 97)):
        target = torch.randint(0, 256, (3, 3, height, width), generator=generator, dtype=torch.uint8)
        other = torch.randint(0, 256, (3, 3, height, width), generator=generator, dtype=torch.uint8)
        for prediction in (target, other):

            def score(prediction: Tensor = prediction, target: Tensor = target) -> None:
                scores = metric.per_image(prediction, target)
                _expect_shape(scores, (3,), found)
                found.expect(bool(torch.isfinite(scores).all()), "its scores are not finite")

            check_quiet(score, found)


CONTRACTS: dict[str, Callable[[str, Findings], None]] = {
    "blocks": probe_block,
    "skips": probe_skip,
    "encoders": probe_encoder,
    "bridges": probe_bridge,
    "decoders": probe_decoder,
    "heads": probe_head,
    "propagators": probe_propagator,
    "hints": probe_hints,
    "augmentations": probe_augmentation,
    "losses": probe_loss,
    "objectives": probe_objective,
    "optimizers": probe_optimizer,
    "schedules": probe_schedule,
    "datasets": probe_dataset,
    "metrics": probe_metric,
}


def _built(kind: str, name: str, found: Findings, *args: Any) -> tuple[Any, Any]:
    """The part twice; (None, None) where its weights cannot be had."""
    both = smallest(lambda options: [make(kind, name, *args, **options) for _ in range(2)], found)
    return (None, None) if both is None else (both[0], both[1])


def _outcome(part: Any, *inputs: Any) -> Any:
    if isinstance(part, nn.Module):
        part.eval()
    with torch.no_grad():
        return part(*inputs)


def _expect_shape(output: Any, shape: Iterable[int], found: Findings) -> None:
    given = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    found.expect(given == tuple(shape), f"the output is {given}; {tuple(shape)} is expected")


def _expect_levels(levels: tuple[Level, ...], found: Findings) -> bool:
    if not found.expect(all(isinstance(level, Level) for level in levels), "levels are Level(channels, reduction)"):
        return False
    reductions = [level.reduction for level in levels]
    in_order = bool(reductions) and reductions == sorted(reductions)
    return found.expect(in_order, f"levels go fine to coarse, not {reductions}")


def _expect_pyramid(pyramid: Any, levels: tuple[Level, ...], size: Iterable[int], found: Findings) -> None:
    if not found.expect(isinstance(pyramid, Pyramid), f"the output is a {type(pyramid).__name__}, not a Pyramid"):
        return
    shapes = [tuple(each.shape) for each in pyramid.maps]
    height, width = size
    promised = [(2, c, height // r, width // r) for c, r in levels]
    found.expect(shapes == promised, f"the maps are {shapes}; its levels promise {promised}")


def _noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _pyramid(levels: tuple[Level, ...], seed: int, *, pooled: bool = True) -> Pyramid:
    maps = [_noise(2, c, _SIZE // r, _SIZE // r, seed=seed + 10 * i) for i, (c, r) in enumerate(levels)]
    if not pooled:
        return Pyramid(maps)
    indices = [nn.functional.max_pool2d(each, 2, return_indices=True)[1] for each in maps[:-1]]
    return Pyramid(maps, indices)


def _batch(seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    lightness = torch.rand(2, 1, _SIZE, _SIZE, generator=generator) * 2 - 1
    ab = torch.rand(2, 2, _SIZE, _SIZE, generator=generator) - 0.5
    mask = (torch.rand(2, 1, _SIZE, _SIZE, generator=generator) < 0.05).float()
    return Batch(lightness, ab, ab * mask, mask, {"label": torch.randint(0, 2, (2,), generator=generator)})


def _predictions() -> Iterable[Prediction]:
    """A plain ``ab``, what whole networks predict beside it, what each registered head does; leaves with gradients."""
    yield {"ab": ((_noise(2, 2, _SIZE, _SIZE) * 0.1).requires_grad_())}
    beside = {"ab": (2, 2, _SIZE, _SIZE), "ab_coarse": (2, 2, _SIZE, _SIZE), "label_logits": (2, 5)}
    shapes = {**beside, "class_logits": (2, 1000)}
    yield {key: (_noise(*shape) * 0.1).requires_grad_() for key, shape in shapes.items()}
    registry = current()
    for name in registry.names("heads"):
        try:
            head = make("heads", name, 16)
            prediction = head(_noise(2, 16, _SIZE, _SIZE))
        except ZooError:
            continue  # that head's own probe tells
        yield {key: value.detach().requires_grad_(value.is_floating_point()) for key, value in prediction.items()}
