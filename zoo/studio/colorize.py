"""A photo through a colorizer: its own size, its own lightness, new chroma.

The network sees the photo reduced to a working size, where it was trained to see whole scenes; its
chroma, which the eye resolves less finely than lightness, is scaled up and joined to the lightness of
the full-size photo, strip by strip, so that memory does not grow with the photo.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from zoo.core.color import AB_SCALE, join_lab, split_lab, to_uint8
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, Diverged
from zoo.core.trained import load
from zoo.studio.hint_picture import Hints, read_hints
from zoo.studio.photo import as_rgb

WORKING_SIZE = 512
"""The longer side the network sees by default, in pixels; smaller photos are not enlarged."""

_STRIP_PIXELS = 2**21


def colorize(
    model: Colorizer | str | Path,
    image: Any,
    *,
    hints: Hints | str | Path | None = None,
    size: int | None = None,
) -> np.ndarray:
    """Colorize one photo.

    Args:
        model: from :func:`zoo.load` or :func:`zoo.build`, on any device; it is run in eval mode. Or what
            :func:`zoo.load` takes, a run's folder or a model's name, which is loaded for this one photo.
        image: a path, a Pillow image, or a uint8 array (H, W) or (H, W, 3) RGB, of any size from 1×1.
        hints: known colours: ab (H, W, 2) in Lab units and a mask (H, W) of where they hold; or a hint picture's path.
        size: the longer side the network works at; default :data:`WORKING_SIZE`.

    Returns:
        uint8 (H, W, 3) RGB with the photo's own lightness (up to the clipping of colours that sRGB lacks).

    Raises:
        BadInput: an image or a hint picture that cannot be read, hints of another size, or a model that wants more
            than a photo.
        Diverged: the model's colours are not finite.
        ZooError: a model that cannot be loaded.
    """
    colorizer = as_colorizer(model)
    rgb = as_rgb(image)
    if isinstance(hints, str | Path):
        hints = read_hints(Path(hints), rgb).hints
    return join(rgb, predict(colorizer, rgb, hints=hints, size=size))


def as_colorizer(model: Any) -> Colorizer:
    """The model itself, or what its name or its run's folder stands for."""
    if isinstance(model, Colorizer):
        return model
    if isinstance(model, str | Path):
        return load(model)
    raise BadInput(
        f"The model is of type {type(model).__name__}; give a model's name, a run's folder, or what zoo.load or "
        "zoo.build returns."
    )


def wants_a_photo_alone(model: Colorizer) -> None:
    """Raise BadInput for a model that wants more."""
    if model.extras:
        wanted = ", ".join(model.extras)
        raise BadInput(f"{model.name} needs {wanted}, which a photo alone does not have; choose another model.")


@torch.no_grad()
def predict(model: Colorizer, rgb: np.ndarray, *, hints: Hints | None = None, size: int | None = None) -> Tensor:
    """The ab (1, 2, h, w) of a photo (H, W, 3) at the working size, on the model's device.

    Raises:
        BadInput, Diverged: as :func:`colorize`.
    """
    wants_a_photo_alone(model)
    device = device_of(model)
    condition = _condition(rgb, hints, _working_size(rgb.shape[0], rgb.shape[1], size)).to(device)
    training = model.training
    model.eval()
    try:
        ab = model(condition)["ab"].float()
    finally:
        model.train(training)
    if not bool(ab.isfinite().all()):
        raise Diverged(
            f"{model.name} gives colours that are not finite (NaN or infinity); its weights are damaged or it has "
            "diverged: train it anew, or choose another model."
        )
    return ab


def _working_size(height: int, width: int, size: int | None) -> tuple[int, int]:
    limit = WORKING_SIZE if size is None else size
    if limit < 1:
        raise BadInput(f"The working size is {limit}; give the longer side in pixels, such as {WORKING_SIZE}.")
    scale = min(1.0, limit / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _condition(rgb: np.ndarray, hints: Hints | None, size: tuple[int, int]) -> Tensor:
    """The condition (1, 4, *size) of a photo (H, W, 3) reduced to ``size``."""
    height, width = size
    reduced = rgb
    if rgb.shape[:2] != size:
        reduced = np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))
    lightness, _ = split_lab(_planes(reduced))
    if hints is None:
        return torch.cat((lightness, torch.zeros(1, 3, height, width)), dim=1)
    hint_ab, mask = _reduced_hints(hints, rgb.shape[:2], size)
    return torch.cat((lightness, hint_ab, mask), dim=1)


def _reduced_hints(hints: Hints, full: tuple[int, ...], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """A working pixel is hinted where any pixel under it is, with the mean of those."""
    ab, mask = np.asarray(hints[0], dtype=np.float32), np.asarray(hints[1]).astype(bool)
    if ab.shape != (*full, 2) or mask.shape != full:
        raise BadInput(
            f"The hints have the shapes {ab.shape} and {mask.shape}; this photo wants {(*full, 2)} and {full}."
        )
    weight = torch.from_numpy(mask.astype(np.float32))[None, None]
    # where, not a product: what stands outside the mask may be NaN
    colour = torch.from_numpy(np.where(mask[..., None], ab, 0)).permute(2, 0, 1)[None] / AB_SCALE
    share = F.adaptive_avg_pool2d(weight, size)
    given = share > 0
    mean = F.adaptive_avg_pool2d(colour, size) / torch.where(given, share, 1)
    return mean, given.float()


def join(rgb: np.ndarray, ab: Tensor) -> np.ndarray:
    """The lightness of ``rgb`` (H, W, 3) with ``ab`` (1, 2, h, w) scaled up to it bilinearly."""
    height, width = rgb.shape[:2]
    coloured = np.empty_like(rgb)
    for top, bottom in _strips(height, width):
        lightness, _ = split_lab(_planes(rgb[top:bottom]).to(ab.device))
        # Far outside what sRGB has, and still far from where float32 ends and white would turn black.
        strip = join_lab(lightness, _rows(ab, top, bottom, height, width).clamp(-4, 4))
        coloured[top:bottom] = to_uint8(strip)[0].permute(1, 2, 0).cpu().numpy()
    return coloured


def _strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    rows = max(1, _STRIP_PIXELS // width)
    return ((top, min(top + rows, height)) for top in range(0, height, rows))


def _rows(ab: Tensor, top: int, bottom: int, height: int, width: int) -> Tensor:
    """Rows ``top`` to ``bottom`` of ``F.interpolate(ab, (height, width), mode="bilinear")``, and only those."""
    h = ab.shape[-2]
    centres = torch.arange(top, bottom, device=ab.device, dtype=torch.float64) + 0.5
    y = (centres * (h / height) - 0.5).clamp(0, h - 1)
    upper = y.floor().long()
    lower = (upper + 1).clamp_max(h - 1)
    weight = (y - upper).float()[:, None]
    rows = ab[..., upper, :] * (1 - weight) + ab[..., lower, :] * weight
    return F.interpolate(rows, (bottom - top, width), mode="bilinear", align_corners=False)


def _planes(rgb: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) → uint8 (1, 3, H, W)."""
    return torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None]


def device_of(model: nn.Module) -> torch.device:
    """Where a model's state lies; the CPU for one that has none."""
    first = next(itertools.chain(model.parameters(), model.buffers()), None)
    return first.device if first is not None else torch.device("cpu")
