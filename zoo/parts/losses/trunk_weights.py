"""Weights of the classifiers whose features the perceptual losses compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from zoo.core.errors import BadInput
from zoo.core.imagenet_trunks import trunk_file
from zoo.core.ingredients import of_file
from zoo.core.tensors import read_tensors
from zoo.parts.blocks.efficientnet_lite_weights import shipped_ingredients, shipped_state_dict

SHIPPED = {"efficientnet_lite0": 0, "efficientnet_lite1": 1, "efficientnet_lite2": 2}
"""Trunks whose ImageNet weights come with a package of the ``pretrained`` extra."""


def trunk_state(name: str, file: str | None = None) -> Mapping[str, Tensor]:
    """The state dict of an ImageNet classifier.

    Args:
        name: one of :data:`SHIPPED` (timm's key names) or :data:`~zoo.core.imagenet_trunks.TRUNKS` (torchvision's).
        file: a local state dict, ``.safetensors`` or torch's; nothing is downloaded then.

    Raises:
        BadInput: ``file`` cannot be read as a state dict.
        Unavailable: the weights are neither installed nor downloadable here.
    """
    if file is not None:
        return read_tensors(Path(file))
    if name in SHIPPED:
        return shipped_state_dict(SHIPPED[name])
    mend = "give a local state dict as trunk_file"
    return read_tensors(trunk_file(name, f"the ImageNet weights of '{name}'", mend))


def trunk_ingredients(name: str, file: str | None = None) -> dict[str, str]:
    """What :func:`trunk_state` would read, without reading it: a file's digest, or a package's version.

    torchvision's files have the first digits of their hash in the names that its code holds.
    """
    if file is not None:
        return {"trunk_file": of_file(file)}
    return shipped_ingredients(SHIPPED[name]) if name in SHIPPED else {}


def freeze_with(module: nn.Module, state: Mapping[str, Tensor], name: str) -> None:
    """Load every tensor of ``module`` from ``state``, which may hold more, and stop its training.

    Raises:
        BadInput: ``state`` lacks a tensor, or has it in another shape.
    """
    for key, tensor in module.state_dict().items():
        if key not in state or state[key].shape != tensor.shape:
            raise BadInput(f"the weights for trunk '{name}' lack '{key}' {tuple(tensor.shape)}; give its own.")
    module.load_state_dict({key: state[key] for key in module.state_dict()})
    module.requires_grad_(False).eval()
