"""A photo through a colorizer: its own size, its own lightness, new chroma.

The network sees the photo reduced to a working size, where it was trained to see whole scenes; its chroma, which the
eye resolves less finely than lightness, is brought up (:mod:`zoo.studio.upsampling`) and joined to the lightness of
the full-size photo, strip by strip, so that memory does not grow with the photo. Or it sees the photo at its own size
in tiles (:mod:`zoo.studio.tiles`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from zoo.core.color import join_lab, split_lab, to_uint8
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, Diverged
from zoo.core.trained import load
from zoo.studio.condition import check_hints, condition_at, condition_of, planes, reduced, working_size
from zoo.studio.device import device_of
from zoo.studio.hint_file import read_hints
from zoo.studio.hint_picture import Hints
from zoo.studio.manner import UPSAMPLINGS, Manner
from zoo.studio.no_colour import reads_hints
from zoo.studio.photo import as_rgb
from zoo.studio.reference import extras_of, matched_hints, matched_histogram, use_of
from zoo.studio.sepia import untoned
from zoo.studio.tiles import Tile, margin_of, tiles
from zoo.studio.upsampling import WAYS, Small

_STRIP_PIXELS = 2**21


def colorize(
    model: Colorizer | str | Path,
    image: Any,
    *,
    hints: Hints | str | Path | None = None,
    size: int | None = None,
    upsampling: str = UPSAMPLINGS[0],
    tiles: bool = False,
    saturation: float = 1.0,
    from_sepia: bool = False,
    reference: Any = None,
    reference_use: str = "auto",
    samples: int | None = None,
) -> np.ndarray:
    """Colorize one photo, as ``zoo colorize`` does with the options of the same names.

    Args:
        model: from :func:`zoo.load` or :func:`zoo.build`, on any device; it is run in eval mode. Or what
            :func:`zoo.load` takes, a run's folder or a model's name, which is loaded for this one photo.
        image: a path, a Pillow image, or a uint8 array (H, W) or (H, W, 3) RGB, of any size from 1×1.
        hints: known colours: ab (H, W, 2) in Lab units and a mask (H, W) of where they hold; or the path of a file of
            them, as ``--hints`` takes it.
        size: the longer side the network works at, or with ``tiles`` a tile's side; default
            :meth:`~zoo.studio.manner.Manner.side`.
        upsampling, tiles, saturation, from_sepia, reference_use: see :class:`~zoo.studio.manner.Manner`.
        reference: another photo whose colours are taken, given as ``image`` is.
        samples: so many answers of a model that has several; the same ones every time.

    Returns:
        uint8 (H, W, 3) RGB with the photo's own lightness (up to the clipping of colours that sRGB lacks); with
        ``samples`` (samples, H, W, 3).

    Raises:
        BadInput: an image or hints that cannot be read, hints of another size, an option out of its range, or
            a model that wants more than it is given, or has one answer only.
        Diverged: the model's colours are not finite.
        ZooError: a model that cannot be loaded.
    """
    manner = Manner(
        size=size,
        upsampling=upsampling,
        tiles=tiles,
        saturation=saturation,
        from_sepia=from_sepia,
        reference=None if reference is None else as_rgb(reference),
        reference_use=reference_use,
        samples=samples,
    )
    colorizer = as_colorizer(model)
    if samples is not None:
        wants_several_answers(colorizer)
    rgb = as_rgb(image)
    if isinstance(hints, str | Path):
        hints = read_hints(Path(hints), rgb).hints
    if manner.from_sepia:
        rgb = untoned(rgb)
    draws = range(1, samples + 1) if samples is not None else (0,)
    answers = (answered(colorizer, rgb, hints, manner, draw) for draw in draws)
    pictures = [answer.picture if answer.picture is not None else finished(rgb, answer, manner) for answer in answers]
    return pictures[0] if samples is None else np.stack(pictures)


class Answer(NamedTuple):
    """What a colorizer says of a photo.

    Attributes:
        ab: (1, 2, h, w), at the working size; of tiles a sample, (1, 2, 1, n).
        picture: with tiles the finished picture, uint8 (H, W, 3); else it is :func:`finished`.
    """

    ab: Tensor
    picture: np.ndarray | None = None


def answered(model: Colorizer, rgb: np.ndarray, hints: Hints | None, manner: Manner, draw: int = 0) -> Answer:
    """The model's part of the work on a photo (H, W, 3), its reference read as uint8 (H, W, 3).

    Args:
        draw: which of its several answers, from 1; 0 for its one answer.

    Raises:
        BadInput, Diverged: as :func:`colorize`.
    """
    size = manner.side(model.works_at)
    if manner.tiles:
        return _tiled(model, rgb, hints, manner)
    if manner.reference is None:
        return Answer(predict(model, rgb, hints=hints, size=size, draw=draw))
    reference = planes(
        reduced(manner.reference, working_size(manner.reference.shape[0], manner.reference.shape[1], size))
    )
    use = manner.reference_use
    if use == "auto":
        use = use_of(model.extras, reads_hints=not model.extras and reads_hints(model))
    if use == "global":
        extras = extras_of(reference, model.extras, model.name)
        return Answer(predict(model, rgb, hints=hints, size=size, extras=extras, draw=draw))
    if use == "hints":
        wants_a_photo_alone(model)
        if not reads_hints(model):
            raise BadInput(f"{model.name} reads no hints; choose --reference-use histogram, or another model.")
        return Answer(predict(model, rgb, hints=hints, size=size, reference=reference, draw=draw))
    ab = predict(model, rgb, hints=hints, size=size, draw=draw)
    return Answer(matched_histogram(ab, split_lab(reference)[1]))


def finished(rgb: np.ndarray, answer: Answer, manner: Manner) -> np.ndarray:
    """The picture: the lightness of ``rgb`` and the answer's colours, at full size."""
    return join(rgb, answer.ab, upsampling=manner.upsampling, saturation=manner.saturation)


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


def wants_several_answers(model: Colorizer) -> None:
    """Raise BadInput for a model that has one."""
    if not model.can_sample:
        raise BadInput(
            f"{model.name} has one answer to a photo; leave the samples out, or choose a model that has several, such "
            "as a trained unet_mixture, pix2pix or deshpande2017."
        )


def predict(
    model: Colorizer,
    rgb: np.ndarray,
    *,
    hints: Hints | None = None,
    size: int | None = None,
    extras: Mapping[str, Tensor] | None = None,
    reference: Tensor | None = None,
    draw: int = 0,
) -> Tensor:
    """The ab (1, 2, h, w) of a photo (H, W, 3) at the working size, on the model's device.

    Args:
        extras: what the model asks for beyond the photo.
        reference: uint8 (1, 3, h, w), matched with the photo for more hints.
        draw: as for :func:`answered`.

    Raises:
        BadInput, Diverged: as :func:`colorize`.
    """
    if extras is None:
        wants_a_photo_alone(model)
    condition = condition_of(rgb, hints, size)
    if reference is not None:
        ab, mask = matched_hints(condition[:, :1], reference)
        free = mask * (1 - condition[:, 3:])  # what a person said stands
        condition[:, 1:3] += ab * free
        condition[:, 3:] += free
    return _asked(model, condition, extras, draw)


@contextlib.contextmanager
def evaluated(model: Colorizer) -> Iterator[torch.device]:
    """The model in eval mode without gradients, afterwards as it was; and where it is."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield device_of(model)
    finally:
        model.train(training)


def _asked(model: Colorizer, condition: Tensor, extras: Mapping[str, Tensor] | None = None, draw: int = 0) -> Tensor:
    """The model's ab for a condition, in eval mode, on its device; Diverged where it is not finite."""
    with evaluated(model) as device:
        given = None if extras is None else {name: value.to(device) for name, value in extras.items()}
        if draw:
            drawn = model.sample(condition.to(device), 1, torch.Generator().manual_seed(draw), given)
            ab: Tensor = drawn[:, 0].float()
        else:
            ab = model(condition.to(device), given)["ab"].float()
    if not bool(ab.isfinite().all()):
        raise Diverged(
            f"{model.name} gives colours that are not finite (NaN or infinity); its weights are damaged or it has "
            "diverged: train it anew, or choose another model."
        )
    return ab


_SAMPLED = 8
"""Of a tile's ab every block of so many pixels squared gives one to the sample."""


def _tiled(model: Colorizer, rgb: np.ndarray, hints: Hints | None, manner: Manner) -> Answer:
    wants_a_photo_alone(model)
    if hints is not None:
        check_hints(hints, rgb.shape[:2])
    picture, sample = np.empty_like(rgb), []
    margin = margin_of(model)
    for tile in tiles(*rgb.shape[:2], side=manner.side(model.works_at), margin=margin, stride=model.stride):
        (top, bottom), (left, right) = tile.kept
        ab = _asked(model, _window(rgb, hints, tile))
        (first_row, _), (first_column, _) = tile.seen
        ab = ab[..., top - first_row : bottom - first_row, left - first_column : right - first_column]
        picture[top:bottom, left:right] = join(rgb[top:bottom, left:right], ab, saturation=manner.saturation)
        sample.append(ab[..., ::_SAMPLED, ::_SAMPLED].flatten(2))
    return Answer(torch.cat(sample, dim=2)[:, :, None], picture)


def _window(rgb: np.ndarray, hints: Hints | None, tile: Tile) -> Tensor:
    """The condition of what a tile sees; beyond the photo it is mirrored."""
    rows, columns = (
        np.pad(np.arange(first, min(last, length)), (0, max(0, last - length)), mode="reflect")
        if length > 1
        else np.zeros(last - first, int)
        for (first, last), length in zip(tile.seen, rgb.shape[:2], strict=True)
    )
    seen = np.ix_(rows, columns)
    given = None if hints is None else (np.asarray(hints[0])[seen], np.asarray(hints[1])[seen])
    return condition_at(rgb[seen], given, (len(rows), len(columns)))


@torch.no_grad()
def join(rgb: np.ndarray, ab: Tensor, *, upsampling: str = UPSAMPLINGS[0], saturation: float = 1.0) -> np.ndarray:
    """The lightness of ``rgb`` (H, W, 3) with ``ab`` (1, 2, h, w), brought up to its size, times ``saturation``.

    Args:
        upsampling: one of :data:`~zoo.studio.manner.UPSAMPLINGS`.
    """
    height, width = rgb.shape[:2]
    coloured = np.empty_like(rgb)
    # Far outside what sRGB has, and still far from where float32 ends and white would turn black.
    ab = ab.clamp(-4, 4)
    small = Small(ab, split_lab(planes(reduced(rgb, (ab.shape[-2], ab.shape[-1]))).to(ab.device))[0], planes(rgb))
    rows = WAYS[upsampling](small) if ab.shape[-2:] != rgb.shape[:2] else lambda top, bottom: ab[:, :, top:bottom]
    for top, bottom in _strips(height, width):
        strip = join_lab(small.full_lightness(top, bottom), (rows(top, bottom) * saturation).clamp(-4, 4))
        coloured[top:bottom] = to_uint8(strip)[0].permute(1, 2, 0).cpu().numpy()
    return coloured


def _strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    rows = max(1, _STRIP_PIXELS // width)
    return ((top, min(top + rows, height)) for top in range(0, height, rows))
