"""Does a model or a part keep its contract? Small synthetic inputs on the CPU, some seconds a name.

Ours and other people's are held to the same probe. A part can take its process down with it, so the
command line runs this in a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.core.assemble import assemble, make, make_objective
from zoo.core.color import ab_histogram
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch
from zoo.core.errors import ContractError, Unavailable
from zoo.core.module_checks import Findings, ProbeReport, check_module, check_quiet, smallest, tensors
from zoo.core.part_contracts import CONTRACTS
from zoo.core.registry import current
from zoo.core.resolve import resolve
from zoo.core.spec import ModelSpec

_SIZES = ((64, 64), (65, 97), (1, 1))
_BATCH_SIZES = ((64, 64), (96, 64))


def probe_model(name: str) -> ProbeReport:
    """Probe a registered colorizer, narrowed to ``width=8`` where it has that option.

    Held: finite ``ab`` (N, 2, H, W) at 64×64, 65×97 and 1×1; a training step on a batch of one; a gradient
    on every trainable parameter; a state that makes a copy equal; the global random states untouched; and what a
    bench asks besides: extras that are registered, weights in channels-last order, a step of the model's own recipe.
    What a model names in ``extras`` is made up: ``truth_ab`` (N, 2, H, W), ``rgb`` and ``reference``
    (N, 3, H, W) uint8, ``label`` (N,) int64, ``histogram`` (N, 2, ⌈H/4⌉, ⌈W/4⌉), ``saturation`` (N, 1);
    anything else comes from the network's own ``example_extras(condition)``.
    """
    return probe_part("models", name)


def probe_part(kind: str, name: str) -> ProbeReport:
    """Probe a registered part on the contract of its kind (:mod:`zoo.core.contracts`).

    Raises:
        UnknownName: no such kind.
    """
    found = Findings()
    with torch.random.fork_rng(devices=[]), found.trying("building"):
        torch.manual_seed(0)
        if kind in PROBES:
            PROBES[kind](name, found)
        else:
            current().load(kind, name)
            found.notes.append(f"imported only: {kind} have no contract that can be probed")
    return found.report(kind, name)


def _probe_model(name: str, found: Findings) -> None:
    def build(options: dict[str, Any]) -> tuple[ModelSpec, Colorizer]:
        spec = resolve(name, options)
        return spec, assemble(spec)

    built = smallest(build, found)
    if built is not None:
        spec, model = built
        _probe_colorizer(model, assemble(spec), found)
        if not found.failures:
            _probe_training(model, spec.recipe, found)


def _probe_network(name: str, found: Findings) -> None:
    """A whole network, held to what its model is held to, without the losses of a recipe: it has no recipe."""

    def build(options: dict[str, Any]) -> list[Colorizer]:
        networks = [make("networks", name, **options) for _ in range(2)]
        return [Colorizer(each, name=name, extras=tuple(getattr(each, "extras", ()))) for each in networks]

    built = smallest(build, found)
    if built is not None:
        model, twin = built
        _probe_colorizer(model, twin, found)


PROBES = {**CONTRACTS, "models": _probe_model, "networks": _probe_network}
"""Kind → what holds a name of it to its contract."""


def _probe_colorizer(model: Colorizer, twin: Colorizer, found: Findings) -> None:
    model.eval()
    for height, width in _SIZES:
        check_quiet(lambda h=height, w=width: _check_output(model, h, w, found), found)  # type: ignore[misc]
    if found.failures:
        return

    def call(module: Colorizer, k: int) -> list[Tensor]:
        condition = _condition(2, *_BATCH_SIZES[k], seed=k)
        return tensors(module(condition, _extras(module, condition)))

    check_module(model, twin, call, found)
    model.train()
    with found.trying("a batch of one in training mode"):
        condition = _condition(1, *_BATCH_SIZES[0], seed=9)
        ab = model(condition, _extras(model, condition))["ab"]
        found.expect(bool(torch.isfinite(ab).all()), "a batch of one in training mode gives ab that is not finite")


def _probe_training(model: Colorizer, recipe_name: str, found: Findings) -> None:
    """What a bench does to a model and a bare forward does not: its recipe's losses, in the layout of a bench."""
    with found.trying("its extras in a bench"):
        for name in model.extras:
            current().entry("extras", name)
    model.to(memory_format=torch.channels_last)
    if recipe_name == "untrained":
        return
    with found.trying(f"a step of its recipe {recipe_name!r}"):
        try:
            objective, extras = make_objective(current().recipe(recipe_name), model, "cpu")
        except Unavailable as error:
            found.notes.append(f"its recipe {recipe_name!r} not tried: {error}")
            return
        model.train()
        data = [_batch(model, extras, seed) for seed in range(2)]
        objective.prepare(data)
        objective.begin_step(0.0)
        for player in objective.players:
            loss, _ = objective.loss(player, data[0])
            loss.backward()
            found.expect(bool(torch.isfinite(loss)), f"the loss of its recipe {recipe_name!r} is not finite")


def _batch(model: Colorizer, extras: Sequence[str], seed: int) -> Batch:
    condition = _condition(2, *_BATCH_SIZES[0], seed=seed)
    given = _extras(model, condition, extras) or {}
    ab = torch.rand(2, 2, *_BATCH_SIZES[0], generator=torch.Generator().manual_seed(seed)) - 0.5
    lightness, _, mask = condition.split((1, 2, 1), dim=1)
    return Batch(lightness, ab, ab * mask, mask, given)


def _check_output(model: Colorizer, height: int, width: int, found: Findings) -> None:
    with found.trying(f"a photo of {height}×{width}"):
        condition = _condition(1, height, width, seed=0)
        ab = model(condition, _extras(model, condition))["ab"]
        shape = tuple(ab.shape)
        found.expect(shape == (1, 2, height, width), f"a photo of {height}×{width} gives ab of shape {shape}")
        found.expect(bool(torch.isfinite(ab).all()), f"a photo of {height}×{width} gives ab that is not finite")


def _condition(n: int, height: int, width: int, *, seed: int) -> Tensor:
    """(n, 4, height, width): random lightness, about one pixel in twenty hinted."""
    generator = torch.Generator().manual_seed(seed)
    lightness = torch.rand(n, 1, height, width, generator=generator) * 2 - 1
    mask = (torch.rand(n, 1, height, width, generator=generator) < 0.05).float()
    hint_ab = (torch.rand(n, 2, height, width, generator=generator) - 0.5) * mask
    return torch.cat((lightness, hint_ab, mask), dim=1)


def _extras(model: Colorizer, condition: Tensor, names: Sequence[str] | None = None) -> Mapping[str, Tensor] | None:
    """What ``names`` name, by default the model's own extras, made up."""
    names = model.extras if names is None else names
    if not names:
        return None
    n, _, height, width = condition.shape
    generator = torch.Generator().manual_seed(5)
    truth_ab = torch.rand(n, 2, height, width, generator=generator) - 0.5
    photos = torch.randint(0, 256, (2, n, 3, height, width), generator=generator, dtype=torch.uint8)
    extras = {
        "truth_ab": truth_ab,
        "rgb": photos[0],
        "reference": photos[1],
        "label": torch.randint(0, 2, (n,), generator=generator),
        "histogram": ab_histogram(truth_ab),
        "saturation": torch.rand(n, 1, generator=generator),
    }
    example = getattr(model.network, "example_extras", None)
    if example is not None:
        extras.update(example(condition))
    for name in names:
        if name not in extras:
            raise ContractError(
                f"the probe does not know the extra {name!r}; give the network a method "
                "example_extras(condition) that returns a mapping with it."
            )
    return extras
