"""From names and specs to modules: parts made by name, a resolved model composed, a recipe's objective."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.core.errors import ContractError
from zoo.core.kinds import KINDS, call
from zoo.core.registry import current
from zoo.core.spec import ModelSpec, PartRef, PartRow, RecipeRow, part_ref

if TYPE_CHECKING:
    import torch
    from torch import nn

    from zoo.core.colorizer import Colorizer
    from zoo.core.contracts import Objective


def make(kind: str, ref: str | Mapping[str, Any] | PartRef, *args: Any, **options: Any) -> Any:
    """A part by name: ``make("blocks", "residual", 64, 128)``.

    Args:
        kind: the plural kind, such as ``"blocks"``.
        ref: a name, or a mapping ``{name: ..., **options}`` whose options win over ``options``.
        args: what the contract of the kind passes by position.

    Raises:
        UnknownName, AmbiguousName, BrokenPlugin: no such part, or it cannot be imported.
        BadInput: an option the part does not have, or of the wrong type.
    """
    registry = current()
    part = part_ref(dict(ref) if isinstance(ref, Mapping) else ref, kind)
    entry = registry.entry(kind, part.name)
    factory = registry.load(kind, part.name)
    presets = entry.row.options if isinstance(entry.row, PartRow) else {}
    merged = {**presets, **options, **part.options}
    return call(factory, args, merged, f"{KINDS[kind].singular} {part.name!r}")


def assemble(spec: ModelSpec) -> Colorizer:
    """The colorizer a resolved spec describes, freshly initialised from torch's global generator.

    Raises:
        BadInput, Unavailable: a part refuses its options, or its weights cannot be had.
        ContractError: a part does not keep its contract.
        BrokenPlugin: a network raises anything else while it is built.
    """
    from zoo.core.colorizer import Colorizer

    told = spec.colorizer
    network = _network(spec)
    extras = spec.extras or tuple(getattr(network, "extras", ()))
    if network is not None and "propagator" not in spec.parts:
        return Colorizer(network, name=spec.name, extras=extras, hint_gain=told.hint_gain)
    from zoo.core.propagated import Propagated  # which most models are not

    propagator = make("propagators", spec.parts["propagator"])
    _check_module(propagator, spec, "propagator")
    anchor = None if told.anchor == "none" else make("propagators", told.anchor)
    return Colorizer(Propagated(propagator, network, told, anchor), name=spec.name, extras=extras)


def _network(spec: ModelSpec) -> nn.Module | None:
    """The whole network, the composed one, or none."""
    from zoo.core.colorizer import Composed
    from zoo.core.contracts import CONDITION_CHANNELS, SPREAD_CHANNELS

    part = spec.parts
    if "network" in part:
        network: nn.Module = make("networks", part["network"])
        _check_module(network, spec, "network")
        return network
    if "encoder" not in part:
        return None
    channels = CONDITION_CHANNELS + (SPREAD_CHANNELS if spec.colorizer.reads == "both" else 0)
    encoder = make("encoders", part["encoder"], channels)
    levels = encoder.levels
    bridge = None
    if "bridge" in part:
        bridge = make("bridges", part["bridge"], levels)
        levels = bridge.levels
    decoder = make("decoders", part["decoder"], levels)
    head = make("heads", part["head"], decoder.channels)
    return Composed(encoder, decoder, head, bridge=bridge)


def _check_module(part: Any, spec: ModelSpec, role: str) -> None:
    from torch import nn

    if not isinstance(part, nn.Module):
        raise ContractError(
            f"model {spec.name!r}: its {role} builds a {type(part).__name__}; an nn.Module is expected."
        )


def make_objective(
    recipe: RecipeRow, colorizer: Colorizer, device: torch.device | str
) -> tuple[Objective, tuple[str, ...]]:
    """The recipe's objective with its losses, on the device, and what any of them wants beyond the condition.

    Raises:
        UnknownName, BrokenPlugin, BadInput, Unavailable: a loss or the objective cannot be had, or does not fit.
    """
    from torch import nn

    losses: dict[str, tuple[float, Any]] = {}
    for name, value in recipe.losses.items():
        options = dict(value) if isinstance(value, dict) else {"weight": value}
        weight = float(options.pop("weight", 1.0))
        loss = make("losses", name, **options)
        losses[name] = weight, loss.to(device) if isinstance(loss, nn.Module) else loss
    objective: Objective = make("objectives", part_ref(recipe.objective, "objective"), colorizer, losses)
    if isinstance(objective, nn.Module):
        objective.to(device)
    wanting = (colorizer, objective, *(loss for _, loss in losses.values()))
    return objective, tuple(dict.fromkeys(name for part in wanting for name in getattr(part, "extras", ())))
